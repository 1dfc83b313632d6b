//! Requests and items as they stand on the wire. Knows members and their types, nothing of what they mean.

use crate::wire::{Cursor, Fault, Number, OneOrMany, Raw, Str, Wire};
use crate::{Text, wire_object};

wire_object! {
    /// The body of a request.
    pub(super) struct Create<'a> {
        model: Str<'a> = "model",
        input: OneOrMany<'a, Raw<'a>> = "input",
        instructions: Raw<'a> = "instructions",
        tools: Raw<'a> = "tools",
        tool_choice: Raw<'a> = "tool_choice",
        parallel: Raw<'a> = "parallel_tool_calls",
        temperature: Raw<'a> = "temperature",
        top_p: Raw<'a> = "top_p",
        top_logprobs: Number = "top_logprobs",
        max_output: Raw<'a> = "max_output_tokens",
        reasoning: Raw<'a> = "reasoning",
        text: Raw<'a> = "text",
        include: Raw<'a> = "include",
        store: Raw<'a> = "store",
        metadata: Raw<'a> = "metadata",
        previous: Raw<'a> = "previous_response_id",
        stream: bool = "stream",
        tier: Str<'a> = "service_tier",
        safety_identifier: Text<'a> = "safety_identifier",
        user: Text<'a> = "user",
        cache_key: Raw<'a> = "prompt_cache_key",
        cache_options: Raw<'a> = "prompt_cache_options",
        truncation: Raw<'a> = "truncation",
        background: Raw<'a> = "background",
        max_tool_calls: Raw<'a> = "max_tool_calls",
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
        arguments: Raw<'a> = "arguments",
        input: Text<'a> = "input",
        output: Content<'a> = "output",
        summary: Vec<Piece<'a>> = "summary",
        encrypted: Text<'a> = "encrypted_content",
        tools: Raw<'a> = "tools",
        execution: Str<'a> = "execution",
        action: Raw<'a> = "action",
        operation: Raw<'a> = "operation",
        reasoning: Raw<'a> = "reasoning",
        text: Raw<'a> = "text",
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
        annotations: Vec<Raw<'a>> = "annotations",
        logprobs: Raw<'a> = "logprobs",
        image_url: Raw<'a> = "image_url",
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
        parameters: Raw<'a> = "parameters",
        strict: bool = "strict",
        format: Raw<'a> = "format",
        tools: Vec<Raw<'a>> = "tools",
        execution: Str<'a> = "execution",
        server_label: Str<'a> = "server_label",
        function: Raw<'a> = "function",
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
        function: Raw<'a> = "function",
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
        schema: Raw<'a> = "schema",
        strict: bool = "strict",
    }
}

/// Words, or a list of parts. The words stay the literal that they were on the wire.
#[derive(Clone, Debug)]
pub(super) enum Content<'a> {
    /// The short form.
    Words(Text<'a>),
    /// The list form.
    Pieces(Vec<(Piece<'a>, Raw<'a>)>),
}

impl<'a> Wire<'a> for Content<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        match cursor.peek()? {
            b'"' => Text::read(cursor).map(Self::Words),
            // Some clients send one object where a list belongs.
            b'{' => cursor.both().map(|piece| Self::Pieces(vec![piece])),
            b'[' => {
                let mut pieces = Vec::new();
                cursor.list(|cursor| {
                    pieces.push(cursor.both()?);
                    Ok(())
                })?;
                Ok(Self::Pieces(pieces))
            }
            _ => Err(cursor.unexpected("a string or a list")),
        }
    }
}
