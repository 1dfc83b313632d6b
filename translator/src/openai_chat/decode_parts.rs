//! Content parts, read.
//!
//! Media are told apart by their data URLs; a part of an unknown type keeps its JSON and its text.

use std::borrow::Cow;

use base64::Engine as _;

use super::wire::{Content, WireAudio, WireFile, WireMark, WirePart, WireUrl};
use crate::Text;
use crate::ir::{CacheMark, Detail, Kind, Part, Source};
use crate::json::{Writer, members};
use crate::wire::{Raw, Str, parse_raw};

/// Appends the parts of a `content`.
pub(super) fn content<'a>(content: Content<'a>, out: &mut Vec<Part<'a>>) {
    match content {
        Content::Text(text) => {
            if !text.is_empty() {
                out.push(Part::text(text));
            }
        }
        Content::Parts(parts) => {
            out.reserve(parts.len());
            out.extend(parts.into_iter().filter_map(part));
        }
    }
}

/// A cache mark, OpenAI's or Anthropic's.
pub(super) fn mark(wire: &WireMark<'_>) -> CacheMark {
    let ttl = match wire.ttl.as_ref().map(Str::as_str) {
        Some("5m") => Some(300),
        Some("30m") => Some(1_800),
        Some("1h") => Some(3_600),
        Some("12h") => Some(43_200),
        _ => None,
    };
    CacheMark { ttl }
}

fn part<'a>(mut wire: WirePart<'a>) -> Option<Part<'a>> {
    let cache = wire
        .breakpoint
        .as_ref()
        .or(wire.cache_control.as_ref())
        .map(mark);
    let tag = wire.kind.take().map(|kind| kind.0).unwrap_or_default();
    let kind = match tag.as_ref() {
        "text" | "input_text" | "output_text" => text(wire.text?),
        "" if wire.text.is_some() => text(wire.text?),
        "refusal" => Some(Kind::Refusal(wire.refusal?)),
        "thinking" => Some(Kind::Reasoning {
            text: thinking(wire.thinking?),
        }),
        "image_url" => wire.image_url.and_then(url).map(|url| image(url.0, url.1)),
        "video_url" => wire.video_url.and_then(url).map(|url| video(url.0)),
        "input_audio" => wire.input_audio.take().and_then(audio),
        "file" => wire.file.take().and_then(file),
        _ => Some(other(tag, wire)),
    }?;
    Some(Part {
        kind,
        cache,
        opaque: Vec::new(),
    })
}

fn text(text: Text<'_>) -> Option<Kind<'_>> {
    (!text.is_empty()).then_some(Kind::Text {
        text,
        citations: None,
    })
}

/// `image_url` and `video_url`: an object, or the URL itself.
fn url(raw: Raw<'_>) -> Option<(Text<'_>, Option<Detail>)> {
    if raw.get().starts_with('"') {
        return Some((Text::Json(raw.get()), None));
    }
    let wire: WireUrl<'_> = parse_raw(raw).ok()?;
    let detail = match wire.detail.as_ref().map(Str::as_str) {
        Some("auto") => Some(Detail::Auto),
        Some("low") => Some(Detail::Low),
        Some("high") => Some(Detail::High),
        Some("original") => Some(Detail::Original),
        _ => None,
    };
    Some((wire.url?, detail))
}

fn image(url: Text<'_>, detail: Option<Detail>) -> Kind<'_> {
    Kind::Image {
        source: source(url),
        detail,
    }
}

fn video(url: Text<'_>) -> Kind<'_> {
    Kind::Video {
        source: source(url),
        metadata: None,
    }
}

fn audio<'a>(wire: WireAudio<'a>) -> Option<Kind<'a>> {
    let data = wire.data?;
    let mime = match wire.format.as_ref().map(Str::as_str) {
        Some("mp3") => Cow::Borrowed("audio/mpeg"),
        Some(format) => Cow::Owned(format!("audio/{format}")),
        None => Cow::Borrowed("audio/wav"),
    };
    Some(Kind::Audio {
        source: source_or(data, mime),
    })
}

fn file<'a>(wire: WireFile<'a>) -> Option<Kind<'a>> {
    let title = wire.name;
    let source = match (wire.data, wire.id) {
        (Some(data), _) => source_or(data, Cow::Borrowed("application/pdf")),
        (None, Some(id)) => Source::File { id, mime: None },
        (None, None) => return None,
    };
    let family = match &source {
        Source::Base64 { mime, .. } => mime.split('/').next().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    Some(match family.as_str() {
        "image" => Kind::Image {
            source,
            detail: None,
        },
        "audio" => Kind::Audio { source },
        "video" => Kind::Video {
            source,
            metadata: None,
        },
        _ => Kind::Document {
            source,
            title,
            context: None,
            citations: false,
        },
    })
}

/// A URL, or the bytes that a data URL holds.
pub(super) fn source(url: Text<'_>) -> Source<'_> {
    match split_data_url(&url) {
        Some((mime, data)) => Source::Base64 { mime, data },
        None => Source::Url { url, mime: None },
    }
}

/// A data URL, an https URL, or bare base64 of a given type.
fn source_or<'a>(data: Text<'a>, mime: Cow<'a, str>) -> Source<'a> {
    let head = data.as_borrowed().map_or_else(
        || data.as_str().into_owned(),
        |text| text.chars().take(8).collect(),
    );
    if head.starts_with("data:") || head.starts_with("http://") || head.starts_with("https://") {
        return source(data);
    }
    Source::Base64 {
        mime,
        data: standard(data),
    }
}

/// `data:<mime>[;parameters];base64,<data>`; borrowed when the literal has no escapes.
fn split_data_url<'a>(url: &Text<'a>) -> Option<(Cow<'a, str>, Text<'a>)> {
    match url.as_borrowed() {
        Some(text) => {
            let (mime, data) = split(text)?;
            Some((Cow::Borrowed(mime), standard(Text::borrowed(data))))
        }
        None => {
            let text = url.as_str();
            let (mime, data) = split(&text)?;
            Some((
                Cow::Owned(mime.to_owned()),
                standard(Text::from(data.to_owned())),
            ))
        }
    }
}

fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("data:")?;
    let (head, data) = rest.split_once(',')?;
    let head = head.strip_suffix(";base64")?;
    let mime = head.split(';').next().unwrap_or_default();
    Some((
        if mime.is_empty() {
            "application/octet-stream"
        } else {
            mime
        },
        data,
    ))
}

/// Standard base64 with padding: clients send white space, the URL-safe alphabet and no padding, too.
fn standard(data: Text<'_>) -> Text<'_> {
    let fine = |text: &str| {
        text.len().is_multiple_of(4)
            && !text
                .bytes()
                .any(|b| matches!(b, b'-' | b'_') || b.is_ascii_whitespace())
    };
    let text = data.as_str();
    if fine(&text) {
        drop(text);
        return data;
    }
    let mut clean: String = text
        .chars()
        .filter(|c| !c.is_ascii_whitespace() && *c != '=')
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    while !clean.len().is_multiple_of(4) {
        clean.push('=');
    }
    Text::from(clean)
}

/// Text of a base64 document, when it is text.
pub(super) fn decoded(data: &Text<'_>) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(data.as_str().as_bytes())
        .ok()?;
    String::from_utf8(bytes).ok()
}

/// Mistral's `thinking`: a text, or a list of text parts.
pub(super) fn thinking(raw: Raw<'_>) -> Text<'_> {
    if raw.get().starts_with('"') {
        return Text::Json(raw.get());
    }
    let parts: Vec<WirePart<'_>> = parse_raw(raw).unwrap_or_default();
    let mut all: Vec<Text<'_>> = parts.into_iter().filter_map(|part| part.text).collect();
    if all.len() == 1 {
        return all.remove(0);
    }
    Text::from(
        all.iter()
            .map(|text| text.as_str().into_owned())
            .collect::<String>(),
    )
}

fn other<'a>(tag: Cow<'a, str>, wire: WirePart<'a>) -> Kind<'a> {
    let text = wire.text.filter(|text| !text.is_empty());
    let mut out = Vec::new();
    Writer::new(&mut out).object(|w| {
        w.str("type", &tag);
        if let Some(text) = &text {
            w.text("text", text);
        }
        for (name, raw) in &wire.extra {
            w.raw(name, raw.get());
        }
    });
    let inner = wire.extra.iter().find_map(|(_, raw)| inner_text(raw.get()));
    Kind::Other {
        tag,
        text: text.or(inner),
        raw: Cow::Owned(crate::ir::into_string(out)),
    }
}

/// A `text` member one level down.
fn inner_text<'a>(raw: &'a str) -> Option<Text<'a>> {
    let (_, range) = members(raw).find(|(name, _)| name == "text")?;
    Some(Text::Json(&raw[range]))
        .filter(|text| matches!(text, Text::Json(literal) if literal.starts_with('"')))
}
