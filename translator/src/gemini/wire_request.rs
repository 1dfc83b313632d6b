//! The request as it stands on the wire, in both spellings.

use crate::Text;
use crate::wire::{Number, OneOrMany, Raw, Str};
use crate::wire_object;

wire_object! {
    pub(super) struct Body<'a> {
        model: Str<'a> = "model",
        contents: OneOrMany<'a, Content<'a>> = "contents",
        system: OneOrMany<'a, Content<'a>> = "systemInstruction" | "system_instruction",
        tools: OneOrMany<'a, Tool<'a>> = "tools",
        tool_config: ToolConfig<'a> = "toolConfig" | "tool_config",
        safety: Raw<'a> = "safetySettings" | "safety_settings",
        config: Config<'a> = "generationConfig" | "generation_config",
        cached: Raw<'a> = "cachedContent" | "cached_content",
        labels: Raw<'a> = "labels",
        tier: Str<'a> = "serviceTier" | "service_tier",
        store: bool = "store",
        continuation: Raw<'a> = "continuationToken" | "continuation_token",
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
        code: Raw<'a> = "executableCode" | "executable_code",
        code_result: Raw<'a> = "codeExecutionResult" | "code_execution_result",
        tool_call: Raw<'a> = "toolCall" | "tool_call",
        tool_response: Raw<'a> = "toolResponse" | "tool_response",
        video: Raw<'a> = "videoMetadata" | "video_metadata",
        resolution: Raw<'a> = "mediaResolution" | "media_resolution",
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
        args: Raw<'a> = "args",
    }
}

wire_object! {
    pub(super) struct CallResult<'a> {
        id: Str<'a> = "id",
        name: Str<'a> = "name",
        response: Raw<'a> = "response",
        parts: OneOrMany<'a, Part<'a>> = "parts",
    }
}

wire_object! {
    pub(super) struct Tool<'a> {
        functions: OneOrMany<'a, Declaration<'a>> = "functionDeclarations" | "function_declarations",
        search: Raw<'a> = "googleSearch" | "google_search",
        retrieval: Raw<'a> = "googleSearchRetrieval" | "google_search_retrieval",
        fetch: Raw<'a> = "urlContext" | "url_context",
        code: Raw<'a> = "codeExecution" | "code_execution",
    }
}

wire_object! {
    pub(super) struct Declaration<'a> {
        name: Str<'a> = "name",
        description: Text<'a> = "description",
        parameters: Raw<'a> = "parameters",
        json_schema: Raw<'a> = "parametersJsonSchema" | "parameters_json_schema",
        response: Raw<'a> = "response",
        response_json: Raw<'a> = "responseJsonSchema" | "response_json_schema",
        behavior: Raw<'a> = "behavior",
    }
}

wire_object! {
    pub(super) struct ToolConfig<'a> {
        calling: Calling<'a> = "functionCallingConfig" | "function_calling_config",
        retrieval: Raw<'a> = "retrievalConfig" | "retrieval_config",
        server_side: Raw<'a> = "includeServerSideToolInvocations" | "include_server_side_tool_invocations",
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
        schema: Raw<'a> = "responseSchema" | "response_schema",
        json_schema: Raw<'a>
            = "responseJsonSchema" | "response_json_schema" | "_responseJsonSchema",
        presence: Number = "presencePenalty" | "presence_penalty",
        frequency: Number = "frequencyPenalty" | "frequency_penalty",
        seed: Number = "seed",
        wants_logprobs: bool = "responseLogprobs" | "response_logprobs",
        logprobs: Number = "logprobs",
        thinking: Thinking<'a> = "thinkingConfig" | "thinking_config",
        modalities: Raw<'a> = "responseModalities" | "response_modalities",
        speech: Raw<'a> = "speechConfig" | "speech_config",
        image: Raw<'a> = "imageConfig" | "image_config",
        resolution: Raw<'a> = "mediaResolution" | "media_resolution",
    }
}

wire_object! {
    pub(super) struct Thinking<'a> {
        include: bool = "includeThoughts" | "include_thoughts",
        budget: Number = "thinkingBudget" | "thinking_budget",
        level: Str<'a> = "thinkingLevel" | "thinking_level",
    }
}
