//! Parts of messages and of tool outputs. What the service cannot take is refused or put in words.

use super::encode_request::Encoding;
use crate::ir::{CacheMark, Detail, Kind, Part, Source, ToolResult};
use crate::json::Writer;
use crate::member::Member;
use crate::{Dialect, Text};

/// Writes parts of a user's or the operator's message, or of an output. `marks` says which may carry a
/// cache mark.
pub(super) fn input(encoding: &mut Encoding<'_>, parts: &[Part<'_>], w: &mut Writer<'_>) {
    for part in parts {
        self::part(encoding, part, w);
    }
}

fn part(encoding: &mut Encoding<'_>, part: &Part<'_>, w: &mut Writer<'_>) {
    let mark = if takes_mark(part) {
        encoding.mark(part)
    } else {
        None
    };
    let client = Member::Content.of(encoding.request.dialect);
    match &part.kind {
        Kind::Text { text, .. } | Kind::Refusal(text) => words(text, mark, w),
        Kind::Image { source, detail } => image(encoding, source, *detail, mark, w),
        Kind::Document {
            source,
            title,
            context,
            citations,
        } => {
            if context.is_some() {
                encoding.report.dropped(
                    Member::Context.of(encoding.request.dialect),
                    "a document's context has no place here",
                );
            }
            if *citations {
                encoding.report.dropped(
                    Member::Citations.of(encoding.request.dialect),
                    "this model does not cite documents",
                );
            }
            document(encoding, source, title.as_ref(), mark, w);
        }
        Kind::Audio { .. } => {
            encoding.refuse(client, "this model takes no sound; send a transcript");
        }
        Kind::Video { .. } => encoding.refuse(
            client,
            "this model takes no video; send pictures or a transcript",
        ),
        Kind::ServerTool { summary, .. } if !summary.is_empty() => {
            encoding.report.emulated(client, STEPS_IN_WORDS);
            words(summary, None, w);
        }
        Kind::Other { raw, .. } if encoding.is_native() => w.item_raw(&crate::json::compact(raw)),
        Kind::Other {
            text: Some(text), ..
        } => {
            encoding
                .report
                .emulated(client, "a part of an unknown type was sent as its text");
            words(text, None, w);
        }
        Kind::Other { tag, .. } => encoding
            .report
            .dropped(client, format!("a part of type '{tag}' is not known")),
        Kind::Reasoning { .. }
        | Kind::ServerTool { .. }
        | Kind::ToolCall(_)
        | Kind::ToolResult(_) => {}
    }
}

/// What is said when the steps of a vendor's tool become text.
pub(super) const STEPS_IN_WORDS: &str = "steps that a vendor ran itself are told in words";

/// True for parts that can carry a cache mark.
pub(super) const fn takes_mark(part: &Part<'_>) -> bool {
    matches!(
        part.kind,
        Kind::Text { .. } | Kind::Image { .. } | Kind::Document { .. }
    )
}

fn words(text: &Text<'_>, mark: Option<CacheMark>, w: &mut Writer<'_>) {
    w.object(|w| {
        w.str("type", "input_text");
        w.text("text", text);
        self::mark(mark, w);
    });
}

/// The service knows lives of 30 minutes, which is its default, and of 12 hours.
pub(super) fn mark(mark: Option<CacheMark>, w: &mut Writer<'_>) {
    let Some(mark) = mark else { return };
    w.object_in("prompt_cache_breakpoint", |w| {
        w.str("mode", "explicit");
        if mark.ttl == Some(43_200) {
            w.str("ttl", "12h");
        }
    });
}

fn image(
    encoding: &mut Encoding<'_>,
    source: &Source<'_>,
    detail: Option<Detail>,
    mark: Option<CacheMark>,
    w: &mut Writer<'_>,
) {
    let client = Member::Content.of(encoding.request.dialect);
    if !encoding.target.capability.images {
        encoding.refuse(client, "this model does not accept images");
        return;
    }
    if !portable(encoding, source) {
        return;
    }
    w.object(|w| {
        w.str("type", "input_image");
        match source {
            Source::Base64 { mime, data } => data_url("image_url", mime, data, w),
            Source::Url { url, .. } => w.text("image_url", url),
            Source::File { id, .. } => w.text("file_id", id),
            Source::Text(_) | Source::Parts(_) => w.str("image_url", ""),
        }
        w.str(
            "detail",
            match detail {
                Some(Detail::Low) => "low",
                Some(Detail::High) => "high",
                Some(Detail::Original) => "original",
                Some(Detail::Auto | Detail::Medium) | None => "auto",
            },
        );
        self::mark(mark, w);
    });
}

fn data_url(member: &'static str, mime: &str, data: &Text<'_>, w: &mut Writer<'_>) {
    let head = Text::from(format!("data:{mime};base64,"));
    w.concat(member, &[&head, data]);
}

/// A file lives at the vendor that took it.
fn portable(encoding: &mut Encoding<'_>, source: &Source<'_>) -> bool {
    let Source::File { id, .. } = source else {
        return true;
    };
    if matches!(
        encoding.request.dialect,
        Dialect::OpenAiChat | Dialect::OpenAiResponses
    ) {
        return true;
    }
    let client = Member::Content.of(encoding.request.dialect);
    encoding.refuse(
        client,
        format!(
            "file '{}' lives at another vendor; send its content",
            id.as_str()
        ),
    );
    false
}

fn document(
    encoding: &mut Encoding<'_>,
    source: &Source<'_>,
    title: Option<&Text<'_>>,
    mark: Option<CacheMark>,
    w: &mut Writer<'_>,
) {
    if !portable(encoding, source) {
        return;
    }
    match source {
        Source::Text(text) => {
            let client = Member::Content.of(encoding.request.dialect);
            encoding
                .report
                .emulated(client, "a text document was sent as text");
            w.object(|w| {
                w.str("type", "input_text");
                match title {
                    Some(title) => w.concat("text", &[title, &Text::borrowed(":\n"), text]),
                    None => w.text("text", text),
                }
                self::mark(mark, w);
            });
        }
        Source::Parts(parts) => {
            let client = Member::Content.of(encoding.request.dialect);
            encoding
                .report
                .emulated(client, "the parts of a document stand in its place");
            if let Some(title) = title {
                words(title, None, w);
            }
            input(encoding, parts, w);
        }
        Source::Base64 { mime, data } => w.object(|w| {
            w.str("type", "input_file");
            match title {
                Some(title) => w.text("filename", title),
                None => w.str("filename", default_name(mime)),
            }
            data_url("file_data", mime, data, w);
            self::mark(mark, w);
        }),
        Source::Url { url: reference, .. } | Source::File { id: reference, .. } => w.object(|w| {
            w.str("type", "input_file");
            let by_url = matches!(source, Source::Url { .. });
            w.text(if by_url { "file_url" } else { "file_id" }, reference);
            self::mark(mark, w);
        }),
    }
}

/// The service tells formats apart by the name, which it demands.
fn default_name(mime: &str) -> &'static str {
    match mime {
        "text/plain" => "document.txt",
        "text/csv" => "document.csv",
        "text/html" => "document.html",
        "text/markdown" => "document.md",
        "application/json" => "document.json",
        _ => "document.pdf",
    }
}

/// Writes the `output` of a result: a string when it is one text, a list otherwise. The dialect has no
/// error flag, so an error says so in words.
pub(super) fn output(encoding: &mut Encoding<'_>, result: &ToolResult<'_>, w: &mut Writer<'_>) {
    let first = result.content.first().map(|part| &part.kind);
    let says_so = matches!(first, Some(Kind::Text { text, .. })
        if text.as_str().trim_start().get(..5).is_some_and(|head| head.eq_ignore_ascii_case("error")));
    let prefix = Text::borrowed(if result.is_error && !says_so {
        "Error: "
    } else {
        ""
    });
    match (result.content.as_slice(), first) {
        ([], _) => w.text("output", &prefix),
        ([_], Some(Kind::Text { text, .. })) if prefix.is_empty() => w.text("output", text),
        ([_], Some(Kind::Text { text, .. })) => w.concat("output", &[&prefix, text]),
        (parts, first) => w.array_in("output", |w| {
            let mut rest = parts;
            if !prefix.is_empty() {
                w.object(|w| {
                    w.str("type", "input_text");
                    match first {
                        Some(Kind::Text { text, .. }) => {
                            w.concat("text", &[&prefix, text]);
                            rest = &parts[1..];
                        }
                        _ => w.text("text", &prefix),
                    }
                });
            }
            input(encoding, rest, w);
        }),
    }
}
