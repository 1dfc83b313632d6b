//! The request on the wire.
//!
//! Every member is optional here; what is missing or wrong is said by the decoder.

use super::wire::{Content, WireCall, WireInvocation, WireMark};
use crate::Text;
use crate::wire::{Number, Raw, Str};
use crate::wire_object;

wire_object! {
    /// A request body. Members without a field of their own become residue.
    pub(crate) struct WireRequest<'a> {
        model: Str<'a> = "model",
        messages: Vec<WireMessage<'a>> = "messages",
        tools: Vec<WireTool<'a>> = "tools",
        functions: Vec<WireFunction<'a>> = "functions",
        tool_choice: Raw<'a> = "tool_choice",
        function_call: Raw<'a> = "function_call",
        parallel: bool = "parallel_tool_calls",
        max_tokens: Number = "max_tokens",
        max_completion_tokens: Number = "max_completion_tokens",
        stop: Raw<'a> = "stop",
        temperature: Number = "temperature",
        top_p: Number = "top_p",
        top_k: Number = "top_k",
        frequency_penalty: Number = "frequency_penalty",
        presence_penalty: Number = "presence_penalty",
        seed: Number = "seed",
        n: Number = "n",
        logprobs: bool = "logprobs",
        top_logprobs: Number = "top_logprobs",
        response_format: Raw<'a> = "response_format",
        reasoning_effort: Str<'a> = "reasoning_effort",
        verbosity: Str<'a> = "verbosity",
        user: Text<'a> = "user",
        safety_identifier: Text<'a> = "safety_identifier",
        metadata: Raw<'a> = "metadata",
        service_tier: Raw<'a> = "service_tier",
        store: bool = "store",
        prompt_cache_key: Text<'a> = "prompt_cache_key",
        web_search_options: Raw<'a> = "web_search_options",
        stream: bool = "stream",
        stream_options: WireStreamOptions<'a> = "stream_options",
    }
}

wire_object! {
    /// `stream_options`.
    pub(crate) struct WireStreamOptions<'a> {
        include_usage: bool = "include_usage",
    }
}

wire_object! {
    /// A message of any role.
    pub(crate) struct WireMessage<'a> {
        role: Str<'a> = "role",
        content: Content<'a> = "content",
        name: Str<'a> = "name",
        tool_calls: Vec<WireCall<'a>> = "tool_calls",
        tool_call_id: Str<'a> = "tool_call_id",
        function_call: WireInvocation<'a> = "function_call",
        refusal: Text<'a> = "refusal",
        audio: Raw<'a> = "audio",
        reasoning_content: Raw<'a> = "reasoning_content",
        reasoning: Raw<'a> = "reasoning",
        reasoning_details: Raw<'a> = "reasoning_details",
        extra_content: Raw<'a> = "extra_content",
        annotations: Raw<'a> = "annotations",
        cache_control: WireMark<'a> = "cache_control",
    }
}

wire_object! {
    /// A tool. A tool of an unknown type keeps its members in `extra`.
    pub(crate) struct WireTool<'a> {
        kind: Str<'a> = "type",
        function: WireFunction<'a> = "function",
        custom: WireFunction<'a> = "custom",
        cache_control: WireMark<'a> = "cache_control",
    }
}

wire_object! {
    /// The definition of a function or of a custom tool.
    pub(crate) struct WireFunction<'a> {
        name: Str<'a> = "name",
        description: Text<'a> = "description",
        parameters: Raw<'a> = "parameters",
        strict: bool = "strict",
        format: Raw<'a> = "format",
    }
}

wire_object! {
    /// `response_format`.
    pub(crate) struct WireFormat<'a> {
        kind: Str<'a> = "type",
        json_schema: WireSchema<'a> = "json_schema",
        schema: Raw<'a> = "schema",
    }
}

wire_object! {
    /// `response_format.json_schema`.
    pub(crate) struct WireSchema<'a> {
        name: Str<'a> = "name",
        description: Text<'a> = "description",
        schema: Raw<'a> = "schema",
        strict: bool = "strict",
    }
}

wire_object! {
    /// `tool_choice` in its object forms, and the legacy `function_call`.
    pub(crate) struct WireChoice<'a> {
        kind: Str<'a> = "type",
        name: Str<'a> = "name",
        function: WireFunction<'a> = "function",
        custom: WireFunction<'a> = "custom",
        allowed_tools: WireAllowed<'a> = "allowed_tools",
    }
}

wire_object! {
    /// `tool_choice.allowed_tools`.
    pub(crate) struct WireAllowed<'a> {
        mode: Str<'a> = "mode",
        tools: Vec<WireChoice<'a>> = "tools",
    }
}

wire_object! {
    /// Reasoning switches of compatible servers: `thinking`, `reasoning`.
    pub(crate) struct WireSwitch<'a> {
        kind: Str<'a> = "type",
        enabled: bool = "enabled",
        effort: Str<'a> = "effort",
        budget: Number = "budget_tokens" | "max_tokens",
        exclude: bool = "exclude",
    }
}
