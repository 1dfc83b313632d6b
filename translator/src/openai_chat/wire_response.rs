//! Answers on the wire: a completion, a chunk of a stream, and everything that compatible servers made of them.
//!
//! `message` of a completion and `delta` of a chunk have the same members, so one type reads both.

use super::wire::{Content, WireCall, WireInvocation, WireUrl};
use crate::Text;
use crate::wire::{Count, Number, Raw, Said, Str};
use crate::wire_object;

wire_object! {
    /// A completion or a chunk.
    pub(crate) struct WireAnswer<'a> {
        id: Str<'a> = "id",
        model: Str<'a> = "model",
        choices: Vec<WireAlternative<'a>> = "choices",
        usage: Said<'a, WireUsage<'a>> = "usage",
        x_groq: WireGroq<'a> = "x_groq",
        error: Raw<'a> = "error",
        object: Str<'a> = "object",
        /// Named so that they are skipped without an entry in `extra`.
        skipped: Raw<'a> = "created" | "system_fingerprint" | "service_tier" | "obfuscation" | "provider",
    }
}

impl<'a> WireAnswer<'a> {
    /// The usage object, wherever the server has put it.
    pub(super) fn counts(&self) -> Option<&'a str> {
        let groq = self.x_groq.as_ref().and_then(|groq| groq.usage.as_ref());
        let of_choice =
            |choice: &'_ WireAlternative<'a>| choice.usage.as_ref().map(|usage| usage.raw);
        let choices = self.choices.iter().flatten();
        let top = self.usage.as_ref().or(groq).map(|usage| usage.raw);
        top.or_else(|| choices.filter_map(of_choice).next_back())
            .map(Raw::get)
    }
}

wire_object! {
    /// Groq's place for usage on streams.
    pub(crate) struct WireGroq<'a> {
        usage: Said<'a, WireUsage<'a>> = "usage",
        error: Raw<'a> = "error",
    }
}

wire_object! {
    /// An element of `choices`.
    pub(crate) struct WireAlternative<'a> {
        index: Number = "index",
        delta: WireDelta<'a> = "delta" | "message",
        finish_reason: Raw<'a> = "finish_reason",
        stop_reason: Raw<'a> = "stop_reason" | "matched_stop",
        usage: Said<'a, WireUsage<'a>> = "usage",
        error: Raw<'a> = "error",
        logprobs: Raw<'a> = "logprobs",
        skipped: Raw<'a> = "native_finish_reason",
    }
}

wire_object! {
    /// `message` or `delta`.
    pub(crate) struct WireDelta<'a> {
        content: Content<'a> = "content",
        refusal: Text<'a> = "refusal",
        tool_calls: Vec<WireCall<'a>> = "tool_calls",
        function_call: WireInvocation<'a> = "function_call",
        reasoning_content: Raw<'a> = "reasoning_content",
        reasoning: Raw<'a> = "reasoning",
        reasoning_details: Raw<'a> = "reasoning_details",
        annotations: Raw<'a> = "annotations",
        images: Raw<'a> = "images",
        audio: Raw<'a> = "audio",
        skipped: Raw<'a> = "role",
    }
}

wire_object! {
    /// An element of `annotations`.
    pub(crate) struct WireAnnotation<'a> {
        kind: Str<'a> = "type",
        url_citation: Raw<'a> = "url_citation",
    }
}

wire_object! {
    /// `url_citation` of an annotation.
    pub(crate) struct WireUrlCitation<'a> {
        url: Str<'a> = "url",
        title: Str<'a> = "title",
        start: Number = "start_index",
        end: Number = "end_index",
        content: Str<'a> = "content",
    }
}

wire_object! {
    /// An element of `images`, the extension by which several servers return pictures.
    pub(crate) struct WireImage<'a> {
        image_url: WireUrl<'a> = "image_url",
    }
}

wire_object! {
    /// `audio` of an answer.
    pub(crate) struct WireSpeech<'a> {
        transcript: Text<'a> = "transcript",
    }
}

wire_object! {
    /// Token counts, with the places that compatible servers chose for cache hits.
    pub(crate) struct WireUsage<'a> {
        prompt: Count = "prompt_tokens",
        completion: Count = "completion_tokens",
        total: Count = "total_tokens",
        prompt_details: WirePromptDetails<'a> = "prompt_tokens_details",
        completion_details: WireCompletionDetails<'a> = "completion_tokens_details",
        cache_hit: Count = "prompt_cache_hit_tokens",
        cached: Count = "cached_tokens",
        reasoning: Count = "reasoning_tokens",
    }
}

wire_object! {
    /// `prompt_tokens_details`.
    pub(crate) struct WirePromptDetails<'a> {
        cached: Count = "cached_tokens",
        written: Count = "cache_write_tokens" | "cache_creation_tokens",
        audio: Count = "audio_tokens",
    }
}

wire_object! {
    /// `completion_tokens_details`.
    pub(crate) struct WireCompletionDetails<'a> {
        reasoning: Count = "reasoning_tokens",
        audio: Count = "audio_tokens",
        image: Count = "image_tokens",
    }
}
