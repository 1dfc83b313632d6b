//! Answers and stream frames as they stand on the wire. Knows members and their types, nothing of what they mean.

use serde_json::value::RawValue;

use crate::wire::{Count, Number, Str};
use crate::{Text, wire_object};

wire_object! {
    /// A complete answer, or what a stream frame says of it.
    pub(super) struct Answered<'a> {
        id: Str<'a> = "id",
        object: Str<'a> = "object",
        model: Str<'a> = "model",
        status: Str<'a> = "status",
        output: Vec<&'a RawValue> = "output",
        usage: UsageWire<'a> = "usage",
        error: &'a RawValue = "error",
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
        delta: &'a RawValue = "delta",
        text: &'a RawValue = "text",
        logprobs: &'a RawValue = "logprobs",
        arguments: &'a RawValue = "arguments",
        input: &'a RawValue = "input",
        refusal: &'a RawValue = "refusal",
        item_id: Str<'a> = "item_id",
        output_index: Number = "output_index",
        content_index: Number = "content_index",
        summary_index: Number = "summary_index",
        item: &'a RawValue = "item",
        part: &'a RawValue = "part",
        annotation: &'a RawValue = "annotation",
        response: &'a RawValue = "response",
        error: &'a RawValue = "error",
        code: &'a RawValue = "code",
        message: Text<'a> = "message",
        param: &'a RawValue = "param",
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
        kind: &'a RawValue = "type",
        code: &'a RawValue = "code",
        param: &'a RawValue = "param",
    }
}
