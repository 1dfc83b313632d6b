//! What sets one Chat-compatible server apart from another, beyond the abilities of its models.
//!
//! Part of a capability record. Every switch defaults to what OpenAI itself does, so that a record that says
//! nothing changes nothing. It knows no server: names and addresses stand in the data.

use serde::Deserialize;

/// Switches of a Chat-compatible server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChatSwitches {
    /// How reasoning is switched, where it can be.
    pub thinking: ThinkingSwitch,
    /// Reasoning is refused unless the answer is streamed.
    pub thinking_streamed_only: bool,
    /// Stop sequences and penalties are refused while reasoning.
    pub bare_reasoning: bool,
    /// Answers may begin with the reasoning between `<think>` and `</think>`.
    pub think_tags: bool,
    /// Which call ids are taken.
    pub call_ids: CallIds,
    /// `seed` is called `random_seed`.
    pub random_seed: bool,
    /// `stream_options` is taken.
    pub stream_options: bool,
    /// A call of one named tool can be demanded.
    pub named_choice: bool,
    /// A call of any tool can be demanded.
    pub required_choice: bool,
    /// An assistant message with calls needs no content.
    pub null_content: bool,
    /// A user message may follow a tool message.
    pub user_after_tool: bool,
    /// Request members that are not taken.
    pub drop: Vec<String>,
}

impl Default for ChatSwitches {
    fn default() -> Self {
        Self {
            thinking: ThinkingSwitch::Effort,
            thinking_streamed_only: false,
            bare_reasoning: false,
            think_tags: false,
            call_ids: CallIds::Any,
            random_seed: false,
            stream_options: true,
            named_choice: true,
            required_choice: true,
            null_content: true,
            user_after_tool: true,
            drop: Vec::new(),
        }
    }
}

impl ChatSwitches {
    /// Whether a request member is not taken.
    #[must_use]
    pub fn drops(&self, member: &str) -> bool {
        self.drop.iter().any(|name| name == member)
    }
}

/// The member by which reasoning is switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThinkingSwitch {
    /// `reasoning_effort`: OpenAI, Groq, xAI, Ollama.
    Effort,
    /// `thinking: {type: enabled | disabled}`: DeepSeek, GLM, Moonshot.
    Type,
    /// `enable_thinking` and `thinking_budget`: Qwen and who hosts it.
    Enable,
    /// `reasoning: {effort, max_tokens, enabled, exclude}`: OpenRouter.
    Object,
    /// `chat_template_kwargs: {enable_thinking}`: vLLM, llama.cpp.
    Template,
}

impl ThinkingSwitch {
    /// The members that it writes.
    #[must_use]
    pub const fn members(self) -> &'static [&'static str] {
        match self {
            Self::Effort => &["reasoning_effort"],
            Self::Type => &["thinking"],
            Self::Enable => &["enable_thinking", "thinking_budget"],
            Self::Object => &["reasoning"],
            Self::Template => &["chat_template_kwargs"],
        }
    }
}

/// The call ids that a server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallIds {
    /// Any, up to the longest.
    Any,
    /// Nine letters or digits: Mistral.
    Nine,
}
