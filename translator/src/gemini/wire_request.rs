//! The request as it stands on the wire, in both spellings.

use serde_json::value::RawValue;

use crate::Text;
use crate::wire::{Number, OneOrMany, Str};
use crate::wire_object;

wire_object! {
    pub(super) struct Body<'a> {
        model: Str<'a> = "model",
        contents: OneOrMany<'a, Content<'a>> = "contents",
        system: OneOrMany<'a, Content<'a>> = "systemInstruction" | "system_instruction",
        tools: OneOrMany<'a, Tool<'a>> = "tools",
        tool_config: ToolConfig<'a> = "toolConfig" | "tool_config",
        safety: &'a RawValue = "safetySettings" | "safety_settings",
        config: Config<'a> = "generationConfig" | "generation_config",
        cached: &'a RawValue = "cachedContent" | "cached_content",
        labels: &'a RawValue = "labels",
        tier: Str<'a> = "serviceTier" | "service_tier",
        store: bool = "store",
        continuation: &'a RawValue = "continuationToken" | "continuation_token",
    }
}

wire_object! {
    pub(super) struct Content<'a> {
        role: Str<'a> = "role",
        parts: OneOrMany<'a, Part<'a>> = "parts",
        /// A bare part where a content belongs.
        text: Text<'a> = "text",
    }
}

wire_object! {
    pub(super) struct Part<'a> {
        text: Text<'a> = "text",
        thought: bool = "thought",
        signature: Str<'a> = "thoughtSignature" | "thought_signature",
        inline: Blob<'a> = "inlineData" | "inline_data",
        file: File<'a> = "fileData" | "file_data",
        call: Call<'a> = "functionCall" | "function_call",
        result: CallResult<'a> = "functionResponse" | "function_response",
        code: &'a RawValue = "executableCode" | "executable_code",
        code_result: &'a RawValue = "codeExecutionResult" | "code_execution_result",
        tool_call: &'a RawValue = "toolCall" | "tool_call",
        tool_response: &'a RawValue = "toolResponse" | "tool_response",
        video: &'a RawValue = "videoMetadata" | "video_metadata",
        resolution: &'a RawValue = "mediaResolution" | "media_resolution",
    }
}

wire_object! {
    pub(super) struct Blob<'a> {
        mime: Str<'a> = "mimeType" | "mime_type",
        data: Text<'a> = "data",
        name: Text<'a> = "displayName" | "display_name",
    }
}

wire_object! {
    pub(super) struct File<'a> {
        mime: Str<'a> = "mimeType" | "mime_type",
        uri: Text<'a> = "fileUri" | "file_uri",
        name: Text<'a> = "displayName" | "display_name",
    }
}

wire_object! {
    pub(super) struct Call<'a> {
        id: Str<'a> = "id",
        name: Str<'a> = "name",
        args: &'a RawValue = "args",
    }
}

wire_object! {
    pub(super) struct CallResult<'a> {
        id: Str<'a> = "id",
        name: Str<'a> = "name",
        response: &'a RawValue = "response",
        parts: OneOrMany<'a, Part<'a>> = "parts",
    }
}

wire_object! {
    pub(super) struct Tool<'a> {
        functions: OneOrMany<'a, Declaration<'a>> = "functionDeclarations" | "function_declarations",
        search: &'a RawValue = "googleSearch" | "google_search",
        retrieval: &'a RawValue = "googleSearchRetrieval" | "google_search_retrieval",
        fetch: &'a RawValue = "urlContext" | "url_context",
        code: &'a RawValue = "codeExecution" | "code_execution",
    }
}

wire_object! {
    pub(super) struct Declaration<'a> {
        name: Str<'a> = "name",
        description: Text<'a> = "description",
        parameters: &'a RawValue = "parameters",
        json_schema: &'a RawValue = "parametersJsonSchema" | "parameters_json_schema",
        response: &'a RawValue = "response",
        response_json: &'a RawValue = "responseJsonSchema" | "response_json_schema",
        behavior: &'a RawValue = "behavior",
    }
}

wire_object! {
    pub(super) struct ToolConfig<'a> {
        calling: Calling<'a> = "functionCallingConfig" | "function_calling_config",
        retrieval: &'a RawValue = "retrievalConfig" | "retrieval_config",
        server_side: &'a RawValue = "includeServerSideToolInvocations" | "include_server_side_tool_invocations",
    }
}

wire_object! {
    pub(super) struct Calling<'a> {
        mode: Str<'a> = "mode",
        names: Vec<Str<'a>> = "allowedFunctionNames" | "allowed_function_names",
    }
}

wire_object! {
    pub(super) struct Config<'a> {
        temperature: Number = "temperature",
        top_p: Number = "topP" | "top_p",
        top_k: Number = "topK" | "top_k",
        candidates: Number = "candidateCount" | "candidate_count",
        max_output: Number = "maxOutputTokens" | "max_output_tokens",
        stop: Vec<Text<'a>> = "stopSequences" | "stop_sequences",
        mime: Str<'a> = "responseMimeType" | "response_mime_type",
        schema: &'a RawValue = "responseSchema" | "response_schema",
        json_schema: &'a RawValue
            = "responseJsonSchema" | "response_json_schema" | "_responseJsonSchema",
        presence: Number = "presencePenalty" | "presence_penalty",
        frequency: Number = "frequencyPenalty" | "frequency_penalty",
        seed: Number = "seed",
        wants_logprobs: bool = "responseLogprobs" | "response_logprobs",
        logprobs: Number = "logprobs",
        thinking: Thinking<'a> = "thinkingConfig" | "thinking_config",
        modalities: &'a RawValue = "responseModalities" | "response_modalities",
        speech: &'a RawValue = "speechConfig" | "speech_config",
        image: &'a RawValue = "imageConfig" | "image_config",
        resolution: &'a RawValue = "mediaResolution" | "media_resolution",
    }
}

wire_object! {
    pub(super) struct Thinking<'a> {
        include: bool = "includeThoughts" | "include_thoughts",
        budget: Number = "thinkingBudget" | "thinking_budget",
        level: Str<'a> = "thinkingLevel" | "thinking_level",
    }
}
