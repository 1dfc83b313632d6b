//! Writes content blocks.

use base64::Engine as _;

use super::cache::{Marks, part_mark};
use super::encode_turns::Block;
use super::names::{CallIds, Names};
use crate::error::Refusal;
use crate::fidelity::Report;
use crate::ir::{ArgsShape, CacheMark, Kind, Part, Role, Source, ToolCall, ToolResult};
use crate::json::{self, Writer};
use crate::member::Member;
use crate::{Dialect, Text, envelope};

/// Longest document title that the service takes.
const TITLE_MAX: usize = 500;

/// What the writing of blocks needs to know and remember.
#[derive(Debug)]
pub(super) struct Blocks<'r> {
    pub(super) dialect: Dialect,
    pub(super) images: bool,
    /// Citations exclude a bound form of the answer.
    pub(super) citations: bool,
    pub(super) names: Names<'r>,
    pub(super) ids: CallIds<'r>,
    pub(super) marks: Marks,
    /// Inside a result or document, whose marks stand outside.
    pub(super) nested: bool,
    pub(super) report: Report,
    /// The first thing that cannot be carried.
    pub(super) refusal: Option<Refusal>,
}

impl<'r> Blocks<'r> {
    /// Writes a block of a message. `tail` marks the last block of a conversation that the model continues.
    pub(super) fn write(
        &mut self,
        w: &mut Writer<'_>,
        role: Role,
        block: &Block<'r, '_>,
        tail: bool,
    ) {
        match block {
            Block::Thinking(state) => w.item_raw(state),
            Block::Line(line) => w.object(|w| {
                w.str("type", "text");
                w.str("text", line);
            }),
            Block::Note(part) => {
                if let Kind::Text { text, .. } = &part.kind {
                    w.object(|w| {
                        w.str("type", "text");
                        w.concat(
                            "text",
                            &[&"<system_note>".into(), text, &"</system_note>".into()],
                        );
                        self.mark(w, part.cache);
                    });
                }
            }
            Block::NotRun(id) => w.object(|w| {
                w.str("type", "tool_result");
                w.str("tool_use_id", &self.ids.result(id));
                w.str("content", "Tool call was not executed.");
                w.bool("is_error", true);
            }),
            Block::Part(part) if tail => match &part.kind {
                Kind::Text { text, .. } => w.object(|w| {
                    w.str("type", "text");
                    w.str("text", text.as_str().trim_end());
                    self.mark(w, part.cache);
                }),
                _ => self.part(w, role, part),
            },
            Block::Part(part) => self.part(w, role, part),
        }
    }

    fn refuse(&mut self, message: impl Into<String>) {
        let field = self.content();
        self.refusal
            .get_or_insert_with(|| Refusal::new(field, message));
    }

    fn content(&self) -> &'static str {
        Member::Content.of(self.dialect)
    }

    fn part(&mut self, w: &mut Writer<'_>, role: Role, part: &'r Part<'_>) {
        let native = self.dialect == Dialect::Anthropic;
        let mark = part_mark(part);
        match &part.kind {
            Kind::Text { text, citations } => w.object(|w| {
                w.str("type", "text");
                w.text("text", text);
                let own = citations
                    .as_deref()
                    .filter(|_| native && role == Role::Assistant);
                if let Some(raw) = own.filter(|raw| !raw.contains(envelope::PREFIX)) {
                    w.raw("citations", raw);
                }
                self.mark(w, mark);
            }),
            Kind::Refusal(text) => w.object(|w| {
                w.str("type", "text");
                w.text("text", text);
                self.mark(w, mark);
            }),
            Kind::Image { .. } | Kind::Audio { .. } | Kind::Video { .. }
                if role == Role::Assistant =>
            {
                self.report
                    .dropped(self.content(), "media in the assistant's turns");
                w.object(|w| {
                    w.str("type", "text");
                    w.str("text", "[media omitted]");
                });
            }
            Kind::Image { source, .. } => self.image(w, source, part),
            Kind::Document { .. } => self.document(w, part),
            Kind::Audio { .. } => {
                self.refuse("sound cannot be sent to this model; send text, pictures or PDF");
            }
            Kind::Video { .. } => {
                self.refuse("video cannot be sent to this model; send text, pictures or PDF");
            }
            Kind::ToolCall(call) => self.call(w, call, part),
            Kind::ToolResult(result) => self.result(w, result, part),
            Kind::ServerTool { raw, .. } if native => self.native(w, raw, part),
            Kind::ServerTool { summary, .. } if !summary.is_blank() => {
                self.report.emulated(
                    self.content(),
                    "steps that a vendor ran itself are told in words",
                );
                self.text(w, summary, part);
            }
            Kind::Other { raw, .. } if native => self.native(w, raw, part),
            Kind::Other {
                text: Some(text), ..
            } if !text.is_blank() => {
                self.report.emulated(
                    self.content(),
                    "a part of an unknown type was sent as its text",
                );
                self.text(w, text, part);
            }
            Kind::ServerTool { .. } | Kind::Other { .. } => {
                self.report.dropped(
                    self.content(),
                    "a part without a counterpart and without text",
                );
            }
            Kind::Reasoning { .. } => {}
        }
    }

    fn text(&mut self, w: &mut Writer<'_>, text: &Text<'_>, part: &Part<'_>) {
        w.object(|w| {
            w.str("type", "text");
            w.text("text", text);
            self.mark(w, part.cache);
        });
    }

    /// A block in its own words.
    fn native(&mut self, w: &mut Writer<'_>, raw: &str, part: &Part<'_>) {
        w.object(|w| {
            for (key, range) in json::members(raw) {
                w.raw(&key, &raw[range]);
            }
            self.mark(w, part.cache);
        });
    }

    fn image(&mut self, w: &mut Writer<'_>, source: &Source<'_>, part: &Part<'_>) {
        if !self.images {
            return self.refuse("the model does not accept images");
        }
        let mime = match source {
            Source::Base64 { mime, .. } => match image_mime(mime) {
                Some(mime) => mime,
                None => {
                    return self.refuse(format!(
                        "picture type {mime} is not accepted; use JPEG, PNG, GIF or WebP"
                    ));
                }
            },
            Source::Url { url, .. } if !url.as_str().starts_with("https://") => {
                return self.refuse("picture URLs must begin with https://");
            }
            Source::File { id, .. } if self.dialect != Dialect::Anthropic => {
                return self.foreign_file(&id.as_str());
            }
            Source::Text(_) | Source::Parts(_) => {
                return self.refuse("a picture must be base64, a URL or a file");
            }
            Source::Url { .. } | Source::File { .. } => "",
        };
        w.object(|w| {
            w.str("type", "image");
            w.object_in("source", |w| write_source(w, source, mime));
            self.mark(w, part.cache);
        });
    }

    fn foreign_file(&mut self, id: &str) {
        self.refuse(format!(
            "file {id} lives at another provider; send its content instead"
        ));
    }

    fn document(&mut self, w: &mut Writer<'_>, part: &'r Part<'_>) {
        let Kind::Document {
            source,
            title,
            context,
            citations,
        } = &part.kind
        else {
            return;
        };
        let mut decoded = None;
        match source {
            Source::Base64 { mime, data } if mime != "application/pdf" => {
                match plain_text(mime, data) {
                    Some(text) => decoded = Some(Source::Text(text.into())),
                    None => {
                        return self.refuse(format!(
                            "document type {mime} is not accepted; use PDF or plain text"
                        ));
                    }
                }
            }
            Source::File { id, .. } if self.dialect != Dialect::Anthropic => {
                return self.foreign_file(&id.as_str());
            }
            _ => {}
        }
        if *citations && !self.citations {
            self.report.dropped(
                Member::Citations.of(self.dialect),
                "citations and a bound form of the answer exclude each other",
            );
        }
        w.object(|w| {
            w.str("type", "document");
            w.object_in("source", |w| match (source, &decoded) {
                (_, Some(text)) => write_source(w, text, ""),
                (Source::Parts(parts), None) => {
                    w.str("type", "content");
                    w.array_in("content", |w| self.contents(w, parts, false));
                }
                (source, None) => write_source(w, source, "application/pdf"),
            });
            if let Some(title) = title.as_ref().filter(|title| !title.is_empty()) {
                if title.len_hint() <= TITLE_MAX {
                    w.text("title", title);
                } else {
                    w.str(
                        "title",
                        &title.as_str().chars().take(TITLE_MAX).collect::<String>(),
                    );
                }
            }
            if let Some(context) = context.as_ref().filter(|context| !context.is_empty()) {
                w.text("context", context);
            }
            if *citations && self.citations {
                w.object_in("citations", |w| w.bool("enabled", true));
            }
            self.mark(w, part.cache);
        });
    }

    fn call(&mut self, w: &mut Writer<'_>, call: &'r ToolCall<'_>, part: &Part<'_>) {
        let (input, shape) = call.args.to_object();
        match shape {
            ArgsShape::Object => {}
            ArgsShape::Wrapped => self.report.emulated(
                Member::Arguments.of(self.dialect),
                "arguments that are no object were wrapped",
            ),
            ArgsShape::Invalid => self.report.degraded(
                Member::Arguments.of(self.dialect),
                "arguments that are not JSON were wrapped",
            ),
        }
        w.object(|w| {
            w.str("type", "tool_use");
            w.str("id", &self.ids.call(&call.id));
            w.str(
                "name",
                &self.names.wire(&call.name, call.namespace.as_deref()),
            );
            w.raw("input", &input);
            self.mark(w, part.cache);
        });
    }

    fn result(&mut self, w: &mut Writer<'_>, result: &'r ToolResult<'_>, part: &Part<'_>) {
        let mark = part_mark(part);
        w.object(|w| {
            w.str("type", "tool_result");
            w.str("tool_use_id", &self.ids.result(&result.id));
            match result.content.as_slice() {
                [] => {}
                [
                    Part {
                        kind: Kind::Text { text, .. },
                        ..
                    },
                ] => w.text("content", text),
                parts => w.array_in("content", |w| self.contents(w, parts, result.is_error)),
            }
            if result.is_error {
                w.bool("is_error", true);
            }
            self.mark(w, mark);
        });
    }

    /// The inside of a result or of a document: no marks, and text alone when the tool failed.
    fn contents(&mut self, w: &mut Writer<'_>, parts: &'r [Part<'_>], text_only: bool) {
        for part in parts {
            match &part.kind {
                Kind::Text { text, .. } | Kind::Refusal(text) => {
                    if !text.is_blank() {
                        w.object(|w| {
                            w.str("type", "text");
                            w.text("text", text);
                        });
                    }
                }
                Kind::Other {
                    text: Some(text), ..
                } if text_only => w.object(|w| {
                    w.str("type", "text");
                    w.text("text", text);
                }),
                _ if text_only => self
                    .report
                    .dropped(self.content(), "media in the result of a tool that failed"),
                _ => {
                    let outer = std::mem::replace(&mut self.nested, true);
                    self.part(w, Role::User, part);
                    self.nested = outer;
                }
            }
        }
    }

    fn mark(&mut self, w: &mut Writer<'_>, mark: Option<CacheMark>) {
        if !self.nested {
            self.marks.write(w, mark);
        }
    }
}

/// The media types of pictures that the service takes.
fn image_mime(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "image/jpeg" | "image/jpg" => "image/jpeg",
        "image/png" => "image/png",
        "image/gif" => "image/gif",
        "image/webp" => "image/webp",
        _ => return None,
    })
}

/// The words of a document that is text in base64.
fn plain_text(mime: &str, data: &Text<'_>) -> Option<String> {
    let bare = mime.split(';').next().unwrap_or(mime).trim();
    let readable = bare.starts_with("text/")
        || matches!(
            bare,
            "application/json" | "application/xml" | "application/x-yaml"
        );
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(data.as_str().as_bytes())
        .ok()?;
    readable.then(|| String::from_utf8(bytes).ok()).flatten()
}

fn write_source(w: &mut Writer<'_>, source: &Source<'_>, mime: &str) {
    match source {
        Source::Base64 { data, .. } => {
            w.str("type", "base64");
            w.str("media_type", mime);
            w.text("data", data);
        }
        Source::Url { url, .. } => {
            w.str("type", "url");
            w.text("url", url);
        }
        Source::File { id, .. } => {
            w.str("type", "file");
            w.text("file_id", id);
        }
        Source::Text(text) => {
            w.str("type", "text");
            w.str("media_type", "text/plain");
            w.text("data", text);
        }
        Source::Parts(_) => {}
    }
}
