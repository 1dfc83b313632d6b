//! Parts of messages and of tool outputs. Knows nothing of items and turns.

use std::borrow::Cow;

use super::wire_request::{Breakpoint, Content, Piece};
use crate::Text;
use crate::ir::{CacheMark, Detail, Kind, Part, Source};
use crate::wire::Raw;

/// The parts of a message or of an output. An empty string gives none.
pub(super) fn content<'a>(content: Option<Content<'a>>) -> Vec<Part<'a>> {
    match content {
        None => Vec::new(),
        Some(Content::Words(words)) if words.is_empty() => Vec::new(),
        Some(Content::Words(words)) => vec![Part::text(words)],
        Some(Content::Pieces(pieces)) => pieces
            .into_iter()
            .map(|(piece, raw)| part(piece, raw))
            .collect(),
    }
}

fn part<'a>(piece: Piece<'a>, raw: Raw<'a>) -> Part<'a> {
    let cache = piece.breakpoint.as_ref().map(mark);
    let tag = piece.kind.clone().unwrap_or_default().0;
    let kind = match tag.as_ref() {
        "input_text" | "output_text" | "text" | "summary_text" | "" if piece.text.is_some() => {
            Kind::Text {
                text: piece.text.unwrap_or_default(),
                citations: piece
                    .annotations
                    .filter(|list| !list.is_empty())
                    .map(|list| Cow::Owned(join(&list))),
            }
        }
        "refusal" => Kind::Refusal(piece.refusal.unwrap_or_default()),
        "input_image" | "image_url" | "computer_screenshot" => {
            image(&piece, raw).unwrap_or_else(|| other(tag, None, raw))
        }
        "input_file" | "file" => file(piece).unwrap_or_else(|| other(tag, None, raw)),
        "input_audio" => match piece.audio {
            Some(audio) => Kind::Audio {
                source: Source::Base64 {
                    mime: Cow::Owned(format!("audio/{}", audio.format.unwrap_or_default().0)),
                    data: audio.data.unwrap_or_default(),
                },
            },
            None => other(tag, None, raw),
        },
        _ => other(tag, piece.text, raw),
    };
    Part {
        kind,
        cache,
        opaque: Vec::new(),
    }
}

fn other<'a>(tag: Cow<'a, str>, text: Option<Text<'a>>, raw: Raw<'a>) -> Kind<'a> {
    Kind::Other {
        tag,
        text,
        raw: Cow::Borrowed(raw.get()),
    }
}

fn join(list: &[Raw<'_>]) -> String {
    let inner: Vec<&str> = list.iter().map(|raw| raw.get()).collect();
    format!("[{}]", inner.join(","))
}

fn mark(breakpoint: &Breakpoint<'_>) -> CacheMark {
    CacheMark {
        ttl: match breakpoint.ttl.as_ref().map(|ttl| ttl.0.as_ref()) {
            Some("12h") => Some(43_200),
            Some("30m") => Some(1_800),
            _ => None,
        },
    }
}

fn image<'a>(piece: &Piece<'a>, raw: Raw<'a>) -> Option<Kind<'a>> {
    let detail = match piece.detail.as_ref().map(|detail| detail.0.as_ref()) {
        Some("low") => Some(Detail::Low),
        Some("high") => Some(Detail::High),
        Some("original") => Some(Detail::Original),
        Some("auto") => Some(Detail::Auto),
        _ => None,
    };
    let source = match (piece.image_url, &piece.file_id) {
        // Chat's nested form is met in the wild.
        (Some(url), _) if url.get().starts_with('{') => {
            let inner = crate::json::member(raw.get(), "image_url")?;
            reference(Text::Json(
                crate::json::member(inner, "url").filter(|url| url.starts_with('"'))?,
            ))
        }
        (Some(url), _) if url.get().starts_with('"') => reference(Text::Json(url.get())),
        (_, Some(id)) => Source::File {
            id: id.clone(),
            mime: None,
        },
        _ => return None,
    };
    Some(Kind::Image { source, detail })
}

fn file<'a>(piece: Piece<'a>) -> Option<Kind<'a>> {
    let source = if let Some(data) = piece.file_data {
        match split_data_url(&data) {
            Some(source) => source,
            None => Source::Base64 {
                mime: mime_of_name(piece.filename.as_ref()),
                data,
            },
        }
    } else if let Some(url) = piece.file_url {
        reference(url)
    } else {
        Source::File {
            id: piece.file_id?,
            mime: None,
        }
    };
    Some(Kind::Document {
        source,
        title: piece.filename,
        context: None,
        citations: false,
    })
}

fn reference<'a>(url: Text<'a>) -> Source<'a> {
    split_data_url(&url).unwrap_or(Source::Url { url, mime: None })
}

/// Takes `data:<mime>[;parameters];base64,<data>` apart, without a copy when the literal has no escapes.
fn split_data_url<'a>(url: &Text<'a>) -> Option<Source<'a>> {
    let whole: Cow<'a, str> = match url {
        Text::Json(literal) if !literal.starts_with("\"data:") => return None,
        Text::Plain(text) if !text.starts_with("data:") => return None,
        _ => url.clone().into_cow(),
    };
    let comma = whole.find(',')?;
    let head = whole.get(5..comma)?;
    if !head.ends_with(";base64") {
        return None;
    }
    let mime = head
        .split(';')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let data = match whole {
        Cow::Borrowed(text) => Text::borrowed(text.get(comma + 1..)?.trim()),
        Cow::Owned(text) => Text::from(
            text.get(comma + 1..)?
                .split_whitespace()
                .collect::<String>(),
        ),
    };
    Some(Source::Base64 {
        mime: Cow::Owned(mime),
        data,
    })
}

fn mime_of_name(name: Option<&Text<'_>>) -> Cow<'static, str> {
    let name = name
        .map(|name| name.as_str().to_ascii_lowercase())
        .unwrap_or_default();
    Cow::Borrowed(match name.rsplit('.').next() {
        Some("txt" | "md") => "text/plain",
        Some("csv") => "text/csv",
        Some("html" | "htm") => "text/html",
        Some("json") => "application/json",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Some("pptx") => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => "application/pdf",
    })
}
