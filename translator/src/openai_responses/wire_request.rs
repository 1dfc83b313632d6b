//! Requests and items as they stand on the wire. Knows members and their types, nothing of what they mean.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

use crate::wire::{Number, OneOrMany, Str};
use crate::{Text, wire_object};

wire_object! {
    /// The body of a request.
    pub(super) struct Create<'a> {
        model: Str<'a> = "model",
        input: OneOrMany<'a, &'a RawValue> = "input",
        instructions: &'a RawValue = "instructions",
        tools: &'a RawValue = "tools",
        tool_choice: &'a RawValue = "tool_choice",
        parallel: &'a RawValue = "parallel_tool_calls",
        temperature: &'a RawValue = "temperature",
        top_p: &'a RawValue = "top_p",
        top_logprobs: Number = "top_logprobs",
        max_output: &'a RawValue = "max_output_tokens",
        reasoning: &'a RawValue = "reasoning",
        text: &'a RawValue = "text",
        include: &'a RawValue = "include",
        store: &'a RawValue = "store",
        metadata: &'a RawValue = "metadata",
        previous: &'a RawValue = "previous_response_id",
        stream: bool = "stream",
        tier: Str<'a> = "service_tier",
        safety_identifier: Text<'a> = "safety_identifier",
        user: Text<'a> = "user",
        cache_key: &'a RawValue = "prompt_cache_key",
        cache_options: &'a RawValue = "prompt_cache_options",
        truncation: &'a RawValue = "truncation",
        background: &'a RawValue = "background",
        max_tool_calls: &'a RawValue = "max_tool_calls",
    }
}

wire_object! {
    /// An item of the input or of the output: the members of all its types.
    pub(super) struct Item<'a> {
        kind: Str<'a> = "type",
        id: Str<'a> = "id",
        role: Str<'a> = "role",
        phase: Str<'a> = "phase",
        content: Content<'a> = "content",
        call_id: Str<'a> = "call_id",
        name: Str<'a> = "name",
        namespace: Str<'a> = "namespace",
        arguments: &'a RawValue = "arguments",
        input: Text<'a> = "input",
        output: Content<'a> = "output",
        summary: Vec<Piece<'a>> = "summary",
        encrypted: Text<'a> = "encrypted_content",
        tools: &'a RawValue = "tools",
        execution: Str<'a> = "execution",
        action: &'a RawValue = "action",
        operation: &'a RawValue = "operation",
        reasoning: &'a RawValue = "reasoning",
        text: &'a RawValue = "text",
        result: Text<'a> = "result",
        output_format: Str<'a> = "output_format",
    }
}

wire_object! {
    /// A part of an item's content: the members of all its types.
    pub(super) struct Piece<'a> {
        kind: Str<'a> = "type",
        text: Text<'a> = "text",
        refusal: Text<'a> = "refusal",
        annotations: Vec<&'a RawValue> = "annotations",
        logprobs: &'a RawValue = "logprobs",
        image_url: &'a RawValue = "image_url",
        detail: Str<'a> = "detail",
        file_id: Text<'a> = "file_id",
        file_data: Text<'a> = "file_data",
        file_url: Text<'a> = "file_url",
        filename: Text<'a> = "filename",
        audio: AudioData<'a> = "input_audio",
        breakpoint: Breakpoint<'a> = "prompt_cache_breakpoint",
    }
}

wire_object! {
    /// Sound, as Chat clients write it.
    pub(super) struct AudioData<'a> {
        data: Text<'a> = "data",
        format: Str<'a> = "format",
    }
}

wire_object! {
    /// A prompt-cache mark.
    pub(super) struct Breakpoint<'a> {
        mode: Str<'a> = "mode",
        ttl: Str<'a> = "ttl",
    }
}

wire_object! {
    /// A tool: the members of all its types.
    pub(super) struct ToolWire<'a> {
        kind: Str<'a> = "type",
        name: Str<'a> = "name",
        description: Text<'a> = "description",
        parameters: &'a RawValue = "parameters",
        strict: bool = "strict",
        format: &'a RawValue = "format",
        tools: Vec<&'a RawValue> = "tools",
        execution: Str<'a> = "execution",
        server_label: Str<'a> = "server_label",
        function: &'a RawValue = "function",
    }
}

wire_object! {
    /// An object form of `tool_choice`.
    pub(super) struct ChoiceWire<'a> {
        kind: Str<'a> = "type",
        name: Str<'a> = "name",
        mode: Str<'a> = "mode",
        tools: Vec<ChoiceWire<'a>> = "tools",
        server_label: Str<'a> = "server_label",
        function: &'a RawValue = "function",
    }
}

wire_object! {
    /// `reasoning`.
    pub(super) struct ReasoningWire<'a> {
        effort: Str<'a> = "effort",
        summary: Str<'a> = "summary",
        generate_summary: Str<'a> = "generate_summary",
    }
}

wire_object! {
    /// `text`.
    pub(super) struct TextWire<'a> {
        format: FormatWire<'a> = "format",
        verbosity: Str<'a> = "verbosity",
    }
}

wire_object! {
    /// `text.format`.
    pub(super) struct FormatWire<'a> {
        kind: Str<'a> = "type",
        name: Str<'a> = "name",
        description: Text<'a> = "description",
        schema: &'a RawValue = "schema",
        strict: bool = "strict",
    }
}

/// Words, or a list of parts. The words stay the literal that they were on the wire.
#[derive(Clone, Debug)]
pub(super) enum Content<'a> {
    /// The short form.
    Words(Text<'a>),
    /// The list form.
    Pieces(Vec<(Piece<'a>, &'a RawValue)>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        let piece = |raw: &'de RawValue| {
            serde_json::from_str(raw.get())
                .map(|piece| (piece, raw))
                .map_err(D::Error::custom)
        };
        match raw.get().as_bytes().first() {
            Some(b'"') => Ok(Self::Words(Text::Json(raw.get()))),
            // Some clients send one object where a list belongs.
            Some(b'{') => Ok(Self::Pieces(vec![piece(raw)?])),
            Some(b'[') => {
                let list: Vec<&'de RawValue> =
                    serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
                Ok(Self::Pieces(
                    list.into_iter().map(piece).collect::<Result<_, _>>()?,
                ))
            }
            _ => Err(D::Error::custom(format_args!(
                "expected a string or a list, found {}",
                crate::json::type_name(raw.get())
            ))),
        }
    }
}
