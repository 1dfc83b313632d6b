//! What requests and answers share on the wire.
//!
//! Knows the spelling of members, never their meaning.

use std::borrow::Cow;

use crate::Text;
use crate::wire::{Cursor, Fault, Number, Raw, Str, Wire, parse_raw};
use crate::wire_object;

/// `content`: a string, or a list of parts. A string stays the literal that it was.
#[derive(Clone, Debug)]
pub(crate) enum Content<'a> {
    /// The short form.
    Text(Text<'a>),
    /// The list form.
    Parts(Vec<WirePart<'a>>),
}

impl<'a> Wire<'a> for Content<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        match cursor.peek()? {
            b'"' => Text::read(cursor).map(Self::Text),
            b'{' => WirePart::read(cursor).map(|part| Self::Parts(vec![part])),
            b'[' => {
                let mut parts = Vec::new();
                cursor.list(|cursor| {
                    parts.push(part(cursor)?);
                    Ok(())
                })?;
                Ok(Self::Parts(parts))
            }
            _ => Err(cursor.fault(format!(
                "content must be a string or a list of parts, found {}",
                cursor.found()
            ))),
        }
    }
}

/// A part of a list; a string among them counts as a text part.
fn part<'a>(cursor: &mut Cursor<'a>) -> Result<WirePart<'a>, Fault> {
    if cursor.peek()? != b'"' {
        return WirePart::read(cursor);
    }
    Text::read(cursor).map(|text| WirePart {
        text: Some(text),
        ..WirePart::default()
    })
}

wire_object! {
    /// A part of a `content` list, of any type.
    pub(crate) struct WirePart<'a> {
        kind: Str<'a> = "type",
        text: Text<'a> = "text",
        refusal: Text<'a> = "refusal",
        image_url: Raw<'a> = "image_url",
        video_url: Raw<'a> = "video_url",
        input_audio: WireAudio<'a> = "input_audio",
        file: WireFile<'a> = "file",
        thinking: Raw<'a> = "thinking",
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
        extra_content: Raw<'a> = "extra_content",
    }
}

wire_object! {
    /// Name and arguments of a call.
    pub(crate) struct WireInvocation<'a> {
        name: Str<'a> = "name",
        arguments: Raw<'a> = "arguments",
        input: Raw<'a> = "input",
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
        place: Str<'a> = "place",
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
