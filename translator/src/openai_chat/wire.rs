//! What requests and answers share on the wire.
//!
//! Knows the spelling of members, never their meaning.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

use crate::Text;
use crate::wire::{Number, Str, parse_raw};
use crate::wire_object;

/// `content`: a string, or a list of parts. A string stays the literal that it was.
#[derive(Clone, Debug)]
pub(crate) enum Content<'a> {
    /// The short form.
    Text(Text<'a>),
    /// The list form.
    Parts(Vec<WirePart<'a>>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        match raw.as_bytes().first() {
            Some(b'"') => Ok(Self::Text(Text::Json(raw))),
            Some(b'[') => list(raw).map(Self::Parts).map_err(D::Error::custom),
            Some(b'{') => serde_json::from_str(raw)
                .map(|part| Self::Parts(vec![part]))
                .map_err(D::Error::custom),
            _ => Err(D::Error::custom(format_args!(
                "content must be a string or a list of parts, found {}",
                crate::json::type_name(raw)
            ))),
        }
    }
}

/// A list of parts; a string among them counts as a text part.
fn list(raw: &str) -> Result<Vec<WirePart<'_>>, serde_json::Error> {
    serde_json::from_str(raw).or_else(|_| {
        crate::json::elements(raw)
            .map(|element| {
                if element.starts_with('"') {
                    let text = Some(Text::Json(element));
                    return Ok(WirePart {
                        text,
                        ..WirePart::default()
                    });
                }
                serde_json::from_str(element)
            })
            .collect()
    })
}

wire_object! {
    /// A part of a `content` list, of any type.
    pub(crate) struct WirePart<'a> {
        kind: Str<'a> = "type",
        text: Text<'a> = "text",
        refusal: Text<'a> = "refusal",
        image_url: &'a RawValue = "image_url",
        video_url: &'a RawValue = "video_url",
        input_audio: WireAudio<'a> = "input_audio",
        file: WireFile<'a> = "file",
        thinking: &'a RawValue = "thinking",
        breakpoint: WireMark<'a> = "prompt_cache_breakpoint",
        cache_control: WireMark<'a> = "cache_control",
    }
}

wire_object! {
    /// A cache mark, OpenAI's or the one that several gateways took over from Anthropic.
    pub(crate) struct WireMark<'a> {
        ttl: Str<'a> = "ttl",
    }
}

wire_object! {
    /// `input_audio` of a part.
    pub(crate) struct WireAudio<'a> {
        data: Text<'a> = "data",
        format: Str<'a> = "format",
    }
}

wire_object! {
    /// `file` of a part.
    pub(crate) struct WireFile<'a> {
        data: Text<'a> = "file_data",
        id: Text<'a> = "file_id",
        name: Text<'a> = "filename",
    }
}

wire_object! {
    /// `image_url` and `video_url` in their object form.
    pub(crate) struct WireUrl<'a> {
        url: Text<'a> = "url",
        detail: Str<'a> = "detail",
    }
}

wire_object! {
    /// A call, whole or a fragment of one.
    pub(crate) struct WireCall<'a> {
        index: Number = "index",
        id: Str<'a> = "id",
        kind: Str<'a> = "type",
        function: WireInvocation<'a> = "function",
        custom: WireInvocation<'a> = "custom",
        extra_content: &'a RawValue = "extra_content",
    }
}

wire_object! {
    /// Name and arguments of a call.
    pub(crate) struct WireInvocation<'a> {
        name: Str<'a> = "name",
        arguments: &'a RawValue = "arguments",
        input: &'a RawValue = "input",
    }
}

wire_object! {
    /// Google's place for what its compatible layer adds.
    pub(crate) struct WireExtraContent<'a> {
        google: WireGoogle<'a> = "google",
    }
}

wire_object! {
    /// Google's additions to a call.
    pub(crate) struct WireGoogle<'a> {
        thought_signature: Str<'a> = "thought_signature",
    }
}

wire_object! {
    /// An element of `reasoning_details`.
    pub(crate) struct WireDetail<'a> {
        kind: Str<'a> = "type",
        data: Text<'a> = "data",
        text: Text<'a> = "text",
        summary: Text<'a> = "summary",
        call: Number = "call",
    }
}

impl<'a> WireCall<'a> {
    /// The signature that Google's convention puts beside a call.
    pub(crate) fn signature(&self) -> Option<Cow<'a, str>> {
        let extra: WireExtraContent<'a> = parse_raw(self.extra_content?).ok()?;
        extra.google?.thought_signature.map(|signature| signature.0)
    }
}

impl<'a> WireInvocation<'a> {
    /// The argument text. Servers that send an object instead of a string get it serialised.
    pub(crate) fn text(&self) -> Option<Text<'a>> {
        let raw = self.arguments.or(self.input)?.get();
        Some(if raw.starts_with('"') {
            Text::Json(raw)
        } else {
            Text::Plain(crate::json::compact(raw))
        })
    }
}
