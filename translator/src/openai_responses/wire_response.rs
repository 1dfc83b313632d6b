//! Answers and stream frames as they stand on the wire. Knows members and their types, nothing of what they mean.

use crate::wire::{Count, Number, Raw, Said, Str};
use crate::{Text, wire_object};

wire_object! {
    /// A complete answer, or what a stream frame says of it.
    pub(super) struct Answered<'a> {
        id: Str<'a> = "id",
        object: Str<'a> = "object",
        model: Str<'a> = "model",
        status: Str<'a> = "status",
        output: Vec<Raw<'a>> = "output",
        usage: Said<'a, UsageWire<'a>> = "usage",
        error: Raw<'a> = "error",
        incomplete: Incomplete<'a> = "incomplete_details",
    }
}

wire_object! {
    /// Why an answer is not complete.
    pub(super) struct Incomplete<'a> {
        reason: Str<'a> = "reason",
    }
}

wire_object! {
    /// Token counts.
    pub(super) struct UsageWire<'a> {
        input: Count = "input_tokens" | "prompt_tokens",
        output: Count = "output_tokens" | "completion_tokens",
        input_details: Details<'a> = "input_tokens_details" | "prompt_tokens_details",
        output_details: Details<'a> = "output_tokens_details" | "completion_tokens_details",
    }
}

wire_object! {
    /// Parts of token counts.
    pub(super) struct Details<'a> {
        cached: Count = "cached_tokens",
        written: Count = "cache_write_tokens",
        reasoning: Count = "reasoning_tokens",
        audio: Count = "audio_tokens",
        image: Count = "image_tokens",
    }
}

wire_object! {
    /// The data of a stream frame: the members of all its types.
    pub(super) struct FrameWire<'a> {
        kind: Str<'a> = "type",
        delta: Raw<'a> = "delta",
        text: Raw<'a> = "text",
        logprobs: Raw<'a> = "logprobs",
        arguments: Raw<'a> = "arguments",
        input: Raw<'a> = "input",
        refusal: Raw<'a> = "refusal",
        item_id: Str<'a> = "item_id",
        output_index: Number = "output_index",
        content_index: Number = "content_index",
        summary_index: Number = "summary_index",
        item: Raw<'a> = "item",
        part: Raw<'a> = "part",
        annotation: Raw<'a> = "annotation",
        response: Raw<'a> = "response",
        error: Raw<'a> = "error",
        code: Raw<'a> = "code",
        message: Text<'a> = "message",
        param: Raw<'a> = "param",
    }
}

wire_object! {
    /// A citation.
    pub(super) struct AnnotationWire<'a> {
        kind: Str<'a> = "type",
        url: Str<'a> = "url",
        title: Str<'a> = "title",
        start: Number = "start_index",
        end: Number = "end_index",
        filename: Str<'a> = "filename",
    }
}

wire_object! {
    /// An error, in a body or in a frame.
    pub(super) struct ErrorWire<'a> {
        message: Text<'a> = "message",
        kind: Raw<'a> = "type",
        code: Raw<'a> = "code",
        param: Raw<'a> = "param",
    }
}
