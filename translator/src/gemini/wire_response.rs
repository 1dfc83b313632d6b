//! An answer, or one chunk of a streamed answer, as it stands on the wire.

use super::logprobs::Logprobs;
use super::wire_request::Content;
use crate::Text;
use crate::wire::{Count, Number, Raw, Said, Str};
use crate::wire_object;

wire_object! {
    pub(super) struct Chunk<'a> {
        candidates: Vec<Candidate<'a>> = "candidates",
        usage: Said<'a, UsageMetadata<'a>> = "usageMetadata" | "usage_metadata",
        feedback: Feedback<'a> = "promptFeedback" | "prompt_feedback",
        model: Str<'a> = "modelVersion" | "model_version",
        id: Str<'a> = "responseId" | "response_id",
        error: Raw<'a> = "error",
    }
}

wire_object! {
    pub(super) struct Candidate<'a> {
        content: Content<'a> = "content",
        finish: Str<'a> = "finishReason" | "finish_reason",
        message: Text<'a> = "finishMessage" | "finish_message",
        index: Number = "index",
        logprobs: Logprobs<'a> = "logprobsResult" | "logprobs_result",
        grounding: Grounding<'a> = "groundingMetadata" | "grounding_metadata",
        continuation: Raw<'a> = "continuationToken" | "continuation_token",
    }
}

wire_object! {
    pub(super) struct Feedback<'a> {
        reason: Str<'a> = "blockReason" | "block_reason",
        message: Text<'a> = "blockReasonMessage" | "block_reason_message",
    }
}

wire_object! {
    pub(super) struct UsageMetadata<'a> {
        prompt: Count = "promptTokenCount" | "prompt_token_count",
        cached: Count = "cachedContentTokenCount" | "cached_content_token_count",
        tool_prompt: Count = "toolUsePromptTokenCount" | "tool_use_prompt_token_count",
        candidates: Count = "candidatesTokenCount" | "candidates_token_count",
        thoughts: Count = "thoughtsTokenCount" | "thoughts_token_count",
        total: Count = "totalTokenCount" | "total_token_count",
        prompt_details: Vec<Modality<'a>> = "promptTokensDetails" | "prompt_tokens_details",
        candidates_details: Vec<Modality<'a>> = "candidatesTokensDetails" | "candidates_tokens_details",
    }
}

wire_object! {
    /// How many of the tokens are of one modality.
    pub(super) struct Modality<'a> {
        modality: Str<'a> = "modality",
        count: Count = "tokenCount" | "token_count",
    }
}

wire_object! {
    pub(super) struct Grounding<'a> {
        chunks: Vec<Raw<'a>> = "groundingChunks" | "grounding_chunks",
        supports: Vec<Support<'a>> = "groundingSupports" | "grounding_supports",
        queries: Vec<Str<'a>> = "webSearchQueries" | "web_search_queries",
    }
}

wire_object! {
    pub(super) struct Support<'a> {
        segment: Segment<'a> = "segment",
        chunks: Vec<u32> = "groundingChunkIndices" | "grounding_chunk_indices",
    }
}

wire_object! {
    pub(super) struct Segment<'a> {
        part: Number = "partIndex" | "part_index",
        start: Number = "startIndex" | "start_index",
        end: Number = "endIndex" | "end_index",
        text: Text<'a> = "text",
    }
}

wire_object! {
    pub(super) struct GroundingChunk<'a> {
        web: Web<'a> = "web",
        retrieved: Web<'a> = "retrievedContext" | "retrieved_context",
        maps: Web<'a> = "maps",
    }
}

wire_object! {
    pub(super) struct Web<'a> {
        uri: Str<'a> = "uri",
        title: Str<'a> = "title",
    }
}
