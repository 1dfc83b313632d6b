//! What each dialect calls the members that a translation may have to change: the spelling of every report.
//!
//! One table for all encoders, so that the same loss has the same code whoever finds it. It must never know why
//! something is changed, nor by whom.

use crate::Dialect;

/// A member of a request, whatever a dialect calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Member {
    /// The model's name.
    Model,
    /// The operator's words before the conversation.
    System,
    /// The conversation as a list of turns.
    Turns,
    /// What a turn is made of.
    Content,
    /// The name of a speaker.
    Speaker,
    /// Remarks on a document.
    Context,
    /// Citations of a document.
    Citations,
    /// An earlier call.
    Calls,
    /// The arguments of an earlier call.
    Arguments,
    /// The call that a result answers.
    ToolResult,
    /// The tools.
    Tools,
    /// Arguments bound to a tool's schema.
    ToolStrict,
    /// How often a vendor's tool may run.
    ToolMaxUses,
    /// Where a search may look.
    ToolAllowedDomains,
    /// Where a search must not look.
    ToolBlockedDomains,
    /// Where the user of a search is.
    ToolLocation,
    /// Which tool to call.
    ToolChoice,
    /// Several calls at once.
    Parallel,
    /// Output limit.
    MaxOutput,
    /// Stop sequences.
    Stop,
    /// Temperature.
    Temperature,
    /// Nucleus.
    TopP,
    /// The number of candidates per token.
    TopK,
    /// Penalty on frequent tokens.
    FrequencyPenalty,
    /// Penalty on tokens that occurred.
    PresencePenalty,
    /// Seed.
    Seed,
    /// Tokens made more or less likely.
    LogitBias,
    /// The number of answers.
    N,
    /// Log probabilities.
    Logprobs,
    /// How much to think.
    Reasoning,
    /// How hard to think, where that is said apart from whether to think.
    Effort,
    /// The form of the answer.
    Output,
    /// The answer bound to its schema.
    OutputStrict,
    /// The end user.
    User,
    /// Service tier.
    Tier,
    /// Prompt-cache marks.
    Cache,
    /// State of earlier reasoning that only its vendor can read.
    State,
}

impl Member {
    /// All of them.
    pub const ALL: [Self; 37] = [
        Self::Model,
        Self::System,
        Self::Turns,
        Self::Content,
        Self::Speaker,
        Self::Context,
        Self::Citations,
        Self::Calls,
        Self::Arguments,
        Self::ToolResult,
        Self::Tools,
        Self::ToolStrict,
        Self::ToolMaxUses,
        Self::ToolAllowedDomains,
        Self::ToolBlockedDomains,
        Self::ToolLocation,
        Self::ToolChoice,
        Self::Parallel,
        Self::MaxOutput,
        Self::Stop,
        Self::Temperature,
        Self::TopP,
        Self::TopK,
        Self::FrequencyPenalty,
        Self::PresencePenalty,
        Self::Seed,
        Self::LogitBias,
        Self::N,
        Self::Logprobs,
        Self::Reasoning,
        Self::Effort,
        Self::Output,
        Self::OutputStrict,
        Self::User,
        Self::Tier,
        Self::Cache,
        Self::State,
    ];

    /// The name as a dialect spells it. Where the dialect has no such member, the nearest.
    #[must_use]
    pub const fn of(self, dialect: Dialect) -> &'static str {
        let [chat, responses, anthropic, gemini] = self.names();
        match dialect {
            Dialect::OpenAiChat => chat,
            Dialect::OpenAiResponses => responses,
            Dialect::Anthropic => anthropic,
            Dialect::Gemini => gemini,
        }
    }

    /// Every name that a report can give this member: those of [`Member::of`], and the second spellings that
    /// decoders note in [`crate::ir::Request::spelling`].
    pub fn spellings(self) -> impl Iterator<Item = &'static str> {
        let other: &[&str] = match self {
            Self::MaxOutput => &["max_tokens"],
            Self::Reasoning => &[
                "output_config.effort",
                "reasoning",
                "thinking",
                "enable_thinking",
                "thinking_budget",
            ],
            Self::Output => &[
                "output_format",
                "generationConfig.responseSchema",
                "generationConfig.responseMimeType",
            ],
            Self::User => &["user"],
            _ => &[],
        };
        self.names().into_iter().chain(other.iter().copied())
    }

    /// Chat, Responses, Anthropic, Gemini.
    const fn names(self) -> [&'static str; 4] {
        match self {
            Self::Model => all("model"),
            Self::System => ["messages", "instructions", "system", "systemInstruction"],
            Self::Turns => ["messages", "input", "messages", "contents"],
            Self::Content => [
                "messages.content",
                "input.content",
                "messages.content",
                "contents.parts",
            ],
            Self::Speaker => ["messages.name", "input", "messages", "contents"],
            Self::Context => [
                "messages.content",
                "input.content",
                "messages.content.context",
                "contents.parts",
            ],
            Self::Citations => [
                "messages.content",
                "input.content",
                "messages.content.citations",
                "contents.parts",
            ],
            Self::Calls => [
                "messages.tool_calls",
                "input",
                "messages.content",
                "contents.parts",
            ],
            Self::State => [
                "messages.reasoning_details",
                "input.encrypted_content",
                "messages.content.thinking",
                "contents.parts.thoughtSignature",
            ],
            Self::Arguments => [
                "messages.tool_calls",
                "input.arguments",
                "messages.content.input",
                "contents.parts.functionCall.args",
            ],
            Self::ToolResult => [
                "messages.tool_call_id",
                "input.call_id",
                "messages.content.tool_use_id",
                "contents.parts.functionResponse",
            ],
            Self::Tools => all("tools"),
            Self::ToolStrict => [
                "tools.function.strict",
                "tools.strict",
                "tools.strict",
                "toolConfig.functionCallingConfig.mode",
            ],
            Self::ToolMaxUses => ["tools", "tools", "tools.max_uses", "tools"],
            Self::ToolAllowedDomains => [
                "tools",
                "tools.filters.allowed_domains",
                "tools.allowed_domains",
                "tools",
            ],
            Self::ToolBlockedDomains => [
                "tools",
                "tools.filters.blocked_domains",
                "tools.blocked_domains",
                "tools.googleSearch.excludeDomains",
            ],
            Self::ToolLocation => [
                "web_search_options.user_location",
                "tools.user_location",
                "tools.user_location",
                "tools",
            ],
            Self::ToolChoice => three("tool_choice", "toolConfig.functionCallingConfig"),
            Self::Parallel => [
                "parallel_tool_calls",
                "parallel_tool_calls",
                "tool_choice.disable_parallel_tool_use",
                "toolConfig.functionCallingConfig",
            ],
            Self::MaxOutput => [
                "max_completion_tokens",
                "max_output_tokens",
                "max_tokens",
                "generationConfig.maxOutputTokens",
            ],
            Self::Stop => [
                "stop",
                "stop",
                "stop_sequences",
                "generationConfig.stopSequences",
            ],
            Self::Temperature => three("temperature", "generationConfig.temperature"),
            Self::TopP => three("top_p", "generationConfig.topP"),
            Self::TopK => three("top_k", "generationConfig.topK"),
            Self::FrequencyPenalty => {
                three("frequency_penalty", "generationConfig.frequencyPenalty")
            }
            Self::PresencePenalty => three("presence_penalty", "generationConfig.presencePenalty"),
            Self::Seed => three("seed", "generationConfig.seed"),
            Self::LogitBias => all("logit_bias"),
            Self::N => three("n", "generationConfig.candidateCount"),
            Self::Logprobs => [
                "logprobs",
                "top_logprobs",
                "logprobs",
                "generationConfig.responseLogprobs",
            ],
            Self::Reasoning => [
                "reasoning_effort",
                "reasoning.effort",
                "thinking",
                "generationConfig.thinkingConfig",
            ],
            Self::Effort => [
                "reasoning_effort",
                "reasoning.effort",
                "output_config.effort",
                "generationConfig.thinkingConfig",
            ],
            Self::Output => [
                "response_format",
                "text.format",
                "output_config.format",
                "generationConfig.responseJsonSchema",
            ],
            Self::OutputStrict => [
                "response_format.json_schema.strict",
                "text.format.strict",
                "output_config.format",
                "generationConfig.responseJsonSchema",
            ],
            Self::User => [
                "safety_identifier",
                "safety_identifier",
                "metadata.user_id",
                "labels",
            ],
            Self::Tier => three("service_tier", "serviceTier"),
            Self::Cache => [
                "prompt_cache_breakpoint",
                "prompt_cache_breakpoint",
                "cache_control",
                "cachedContent",
            ],
        }
    }
}

const fn all(name: &'static str) -> [&'static str; 4] {
    [name; 4]
}

const fn three(others: &'static str, gemini: &'static str) -> [&'static str; 4] {
    [others, others, others, gemini]
}
