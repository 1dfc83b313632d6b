//! Pictures, documents, sound and moving pictures.

use std::borrow::Cow;

use super::encode_turns::Scribe;
use crate::error::Refusal;
use crate::ir::{Detail, Kind, Part, Source};
use crate::json::Writer;
use crate::member::Member;
use crate::{Dialect, Text};

/// Films of these sites go by their address alone, without a media type.
pub(super) const FILMS: [&str; 2] = ["youtube.com/", "youtu.be/"];

/// What stands beside the bytes.
#[derive(Default)]
struct Beside<'p> {
    detail: Option<Detail>,
    video: Option<&'p str>,
    /// When neither the source nor its address says.
    fallback: &'static str,
}

/// Writes one medium, or the parts that stand for it; true when anything was written.
pub(super) fn part(
    scribe: &mut Scribe<'_, '_>,
    part: &Part<'_>,
    w: &mut Writer<'_>,
) -> Result<bool, Refusal> {
    match &part.kind {
        Kind::Image { source, detail } => {
            if !scribe.target.capability.images {
                let member = Member::Content.of(scribe.request.dialect);
                return Err(Refusal::new(
                    member,
                    "the model does not accept images; leave them out",
                ));
            }
            let beside = Beside {
                detail: detail.filter(|_| resolves(scribe)),
                fallback: "image/jpeg",
                ..Beside::default()
            };
            media(scribe, source, &beside, w)
        }
        Kind::Audio { source } => media(
            scribe,
            source,
            &Beside {
                fallback: "audio/mpeg",
                ..Beside::default()
            },
            w,
        ),
        Kind::Video { source, metadata } => {
            let video = metadata
                .as_deref()
                .filter(|_| scribe.request.dialect == Dialect::Gemini);
            media(
                scribe,
                source,
                &Beside {
                    video,
                    fallback: "video/mp4",
                    ..Beside::default()
                },
                w,
            )
        }
        Kind::Document {
            source,
            title,
            context,
            citations,
        } => {
            if *citations {
                scribe.report.dropped(
                    Member::Citations.of(scribe.request.dialect),
                    "the model does not cite documents",
                );
            }
            if let Some(context) = context
                .as_ref()
                .filter(|context| !context.is_empty() && !scribe.in_result)
            {
                w.object(|w| w.text("text", context));
                scribe.report.emulated(
                    Member::Context.of(scribe.request.dialect),
                    "remarks on a document stand before it",
                );
            }
            document(scribe, source, title.as_ref(), w)
        }
        _ => Ok(false),
    }
}

/// Levels per part came with the models whose calls carry signatures; a level for the whole request wins.
fn resolves(scribe: &Scribe<'_, '_>) -> bool {
    scribe.target.capability.call_signatures
        && !scribe.in_result
        && !(scribe.request.dialect == Dialect::Gemini
            && scribe
                .request
                .residue
                .iter()
                .any(|residue| residue.field == "generationConfig.mediaResolution"))
}

fn document(
    scribe: &mut Scribe<'_, '_>,
    source: &Source<'_>,
    title: Option<&Text<'_>>,
    w: &mut Writer<'_>,
) -> Result<bool, Refusal> {
    let member = Member::Content.of(scribe.request.dialect);
    match source {
        Source::Text(text) => {
            if text.is_empty() {
                return Ok(false);
            }
            w.object(|w| match title.filter(|title| !title.is_empty()) {
                Some(title) => w.concat(
                    "text",
                    &[
                        &Text::borrowed("<document title=\""),
                        title,
                        &Text::borrowed("\">\n"),
                        text,
                        &Text::borrowed("\n</document>"),
                    ],
                ),
                None => w.text("text", text),
            });
            scribe
                .report
                .emulated(member, "a text document was sent as text");
            Ok(true)
        }
        Source::Parts(parts) => {
            let title = title.filter(|title| !title.is_empty());
            if let Some(title) = title {
                let before = Text::borrowed("<document title=\"");
                let behind = Text::borrowed("\">");
                w.object(|w| w.concat("text", &[&before, title, &behind]));
            }
            let mut wrote = title.is_some();
            for inner in parts {
                wrote |= scribe.part(inner, w)?;
            }
            if title.is_some() {
                w.object(|w| w.str("text", "</document>"));
            }
            scribe
                .report
                .emulated(member, "the parts of a document stand in its place");
            Ok(wrote)
        }
        _ => media(
            scribe,
            source,
            &Beside {
                fallback: "application/pdf",
                ..Beside::default()
            },
            w,
        ),
    }
}

fn media(
    scribe: &Scribe<'_, '_>,
    source: &Source<'_>,
    beside: &Beside<'_>,
    w: &mut Writer<'_>,
) -> Result<bool, Refusal> {
    let member = Member::Content.of(scribe.request.dialect);
    let mut address = None;
    let (key, mime): (&str, Cow<'_, str>) = match source {
        Source::Base64 { mime, .. } => (
            "inlineData",
            Cow::Borrowed(if mime.is_empty() {
                beside.fallback
            } else {
                mime
            }),
        ),
        Source::Url { url, mime } => {
            let web = url.as_str();
            if scribe.target.capability.no_web_media
                && scribe.request.dialect != Dialect::Gemini
                && web.starts_with("http")
                && !FILMS.iter().any(|site| web.contains(site))
            {
                return Err(Refusal::new(
                    member,
                    format!(
                        "the model does not read https addresses ({web}); send the content itself"
                    ),
                ));
            }
            address = Some(url);
            ("fileData", mime_of(mime.as_deref(), url, beside.fallback))
        }
        Source::File { id, mime } => {
            if scribe.request.dialect != Dialect::Gemini {
                let file = id.as_str();
                return Err(Refusal::new(
                    member,
                    format!(
                        "file {file} lies in the store of another provider; send its content instead"
                    ),
                ));
            }
            address = Some(id);
            ("fileData", mime_of(mime.as_deref(), id, beside.fallback))
        }
        Source::Text(_) | Source::Parts(_) => return Ok(false),
    };
    w.object(|w| {
        w.object_in(key, |w| {
            if !mime.is_empty() {
                w.str("mimeType", &mime);
            }
            match (source, address) {
                (_, Some(address)) => w.text("fileUri", address),
                (Source::Base64 { data, .. }, _) => w.text("data", data),
                _ => {}
            }
        });
        if let Some(level) = beside.detail.and_then(level) {
            w.object_in("mediaResolution", |w| w.str("level", level));
        }
        if let Some(video) = beside.video {
            w.raw("videoMetadata", video);
        }
    });
    Ok(true)
}

const fn level(detail: Detail) -> Option<&'static str> {
    match detail {
        Detail::Auto => None,
        Detail::Low => Some("MEDIA_RESOLUTION_LOW"),
        Detail::Medium => Some("MEDIA_RESOLUTION_MEDIUM"),
        Detail::High => Some("MEDIA_RESOLUTION_HIGH"),
        Detail::Original => Some("MEDIA_RESOLUTION_ULTRA_HIGH"),
    }
}

/// The media type as given, else by the ending of the address.
fn mime_of<'m>(given: Option<&'m str>, address: &Text<'_>, fallback: &'static str) -> Cow<'m, str> {
    if let Some(given) = given.filter(|given| !given.is_empty()) {
        return Cow::Borrowed(given);
    }
    let address = address.as_str();
    if FILMS.iter().any(|site| address.contains(site)) {
        return Cow::Borrowed("");
    }
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let ending = path
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    Cow::Borrowed(match ending.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        _ => fallback,
    })
}
