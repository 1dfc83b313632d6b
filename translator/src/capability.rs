//! What an upstream model accepts, as data.
//!
//! `data/capabilities.json` holds one default record per dialect and one partial record per model family.
//! A family's record is laid over the default; the longest matching prefix wins.

use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Dialect;
use crate::ir::Effort;
use crate::switches::ChatSwitches;

/// The abilities of one upstream model in one dialect.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// How reasoning is controlled.
    pub reasoning: ReasoningKnob,
    /// Efforts (or Gemini levels) that the model takes, smallest first.
    pub efforts: Vec<Effort>,
    /// Reasoning can be switched off.
    pub can_disable: bool,
    /// Anthropic `thinking.type: between_tools` is offered.
    pub between_tools: bool,
    /// Bounds of a reasoning budget in tokens.
    pub budget: (i64, i64),
    /// The service turns reasoning on by itself.
    pub reasons_by_default: bool,
    /// Temperature and `top_p` are taken while reasoning.
    pub sampling: Sampling,
    /// Largest temperature.
    pub temperature_max: f64,
    /// Temperature and `top_p` exclude each other.
    pub exclusive_sampling: bool,
    /// `top_k` is taken.
    pub top_k: bool,
    /// Frequency and presence penalty are taken.
    pub penalties: bool,
    /// `seed` is taken.
    pub seed: bool,
    /// Log probabilities are taken.
    pub logprobs: bool,
    /// Largest number of alternative answers.
    pub n_max: u64,
    /// Largest number of stop sequences; 0 means that the hub must watch.
    pub stop_max: usize,
    /// A call may be forced.
    pub forced_tool_choice: bool,
    /// A call may be forced while reasoning is on.
    pub forced_with_reasoning: bool,
    /// The conversation may end with an assistant turn that the model continues.
    pub prefill: bool,
    /// System turns in mid-conversation are taken.
    pub mid_system: bool,
    /// The answer can be bound to a JSON schema.
    pub json_schema: bool,
    /// The answer can be bound to JSON.
    pub json_mode: bool,
    /// JSON mode and tools may stand together.
    pub json_with_tools: bool,
    /// Function tools and reasoning may stand together (Chat; gpt-5.4 and later want Responses).
    pub tools_with_reasoning: ToolsWithReasoning,
    /// JSON-schema members are understood (`parametersJsonSchema`, `responseJsonSchema`).
    pub json_schema_members: bool,
    /// Longest tool name.
    pub tool_name_max: usize,
    /// Longest call id; 0 where calls have none.
    pub call_id_max: usize,
    /// Media in tool results are taken.
    pub tool_result_media: bool,
    /// Pictures in user turns are taken.
    pub images: bool,
    /// Media behind web addresses are not read (Gemini before 2.5).
    #[serde(default)]
    pub no_web_media: bool,
    /// Calls in history need their signature (Gemini 3 and later).
    pub call_signatures: bool,
    /// Prompt-cache marks are taken.
    pub cache_marks: bool,
    /// Largest output limit; `None` when unknown.
    pub max_output: Option<u64>,
    /// Sent where the dialect demands a limit and the client gave none.
    pub default_output: u64,
    /// Chat: the limit is called `max_tokens`.
    pub legacy_max_tokens: bool,
    /// Chat: instructions go in a `developer` message.
    pub developer_role: bool,
    /// Chat: content must be a plain string.
    pub string_content: bool,
    /// Chat: the member that carries reasoning text, in answers and history.
    pub reasoning_field: ReasoningField,
    /// Chat: reasoning text of a running tool loop must be sent back.
    pub replay_reasoning: bool,
    /// Chat: OpenAI's own request members (`store`, `verbosity`, `prompt_cache_key`, `safety_identifier`) are taken.
    pub openai_members: bool,
    /// The model is served on Responses alone.
    pub responses_only: bool,
    /// Chat: what sets the server apart.
    #[serde(default)]
    pub chat: ChatSwitches,
    /// The record is the dialect's default because the model is unknown.
    #[serde(default)]
    pub assumed: bool,
}

/// How reasoning is controlled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningKnob {
    /// Not at all.
    None,
    /// An effort word (OpenAI).
    Effort,
    /// `thinking: enabled` with a budget (Anthropic to 4.5).
    AnthropicBudget,
    /// `thinking: adaptive` with an effort (Anthropic from 4.6).
    AnthropicAdaptive,
    /// `thinkingBudget` (Gemini 2.5).
    GeminiBudget,
    /// `thinkingLevel` (Gemini 3 and later).
    GeminiLevel,
}

/// When temperature and `top_p` are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Always.
    Yes,
    /// Only while reasoning is off.
    WithoutReasoning,
    /// Never.
    No,
}

/// Function tools and reasoning together on Chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolsWithReasoning {
    /// Fine.
    Yes,
    /// Refused when an effort is given.
    NotWithEffort,
    /// Refused unless the effort is `none`.
    OnlyWithNone,
}

/// The member that carries reasoning text on Chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningField {
    /// `reasoning_content`: DeepSeek, Qwen, Moonshot, GLM and many more.
    ReasoningContent,
    /// `reasoning`: OpenRouter, Groq, newer vLLM.
    Reasoning,
    /// Parts of type `thinking` inside `content`: Mistral.
    Parts,
}

struct Table {
    /// By dialect, the longest prefix first.
    families: [Vec<Family>; 4],
    defaults: [(Record, Capability); 4],
}

struct Family {
    number: usize,
    prefix: String,
    record: Record,
    capability: Capability,
}

/// A capability record before it is read, so that a server's profile can be laid over it.
pub(crate) type Record = Map<String, Value>;

/// The record of a model, and its number among all records of all dialects.
pub(crate) struct Found {
    pub(crate) number: usize,
    pub(crate) record: &'static Record,
    pub(crate) capability: &'static Capability,
}

/// Lays one record over another. `chat` is a record itself.
pub(crate) fn lay(over: &Record, base: &mut Record) {
    for (key, value) in over {
        match (key.as_str(), base.get_mut(key), value) {
            ("chat", Some(Value::Object(under)), Value::Object(over)) => lay(over, under),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

const DATA: &str = include_str!("../data/capabilities.json");

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| build(DATA).expect("the table is part of the crate and read by a test"))
}

fn build(data: &str) -> Result<Table, serde_json::Error> {
    let root: Map<String, Value> = serde_json::from_str(data)?;
    let mut families: [Vec<Family>; 4] = Default::default();
    let mut defaults = Vec::new();
    let mut number = 0;
    for dialect in Dialect::ALL {
        let section = &root[dialect.as_str()];
        let default = section["default"].as_object().cloned().unwrap_or_default();
        let mut assumed = default.clone();
        assumed.insert("assumed".into(), Value::Bool(true));
        let capability: Capability = serde_json::from_value(Value::Object(assumed.clone()))?;
        defaults.push((assumed, capability));
        for record in section["families"].as_array().into_iter().flatten() {
            let mut merged = default.clone();
            if let Some(set) = record["set"].as_object() {
                lay(set, &mut merged);
            }
            let capability: Capability = serde_json::from_value(Value::Object(merged.clone()))?;
            for prefix in record["models"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                families[dialect as usize].push(Family {
                    number,
                    prefix: prefix.to_owned(),
                    record: merged.clone(),
                    capability: capability.clone(),
                });
                number += 1;
            }
        }
        families[dialect as usize].sort_by_key(|family| std::cmp::Reverse(family.prefix.len()));
    }
    let defaults = defaults
        .try_into()
        .map_err(|_| serde::de::Error::custom("one default per dialect"))?;
    Ok(Table { families, defaults })
}

/// The abilities of a model. A vendor prefix (`anthropic/claude-...`, `models/gemini-...`) is looked through.
/// An unknown model gets the dialect's default, marked [`Capability::assumed`].
#[must_use]
pub fn of(dialect: Dialect, model: &str) -> &'static Capability {
    find(dialect, model).capability
}

/// The record of a model.
pub(crate) fn find(dialect: Dialect, model: &str) -> Found {
    let table = table();
    let name = bare(model);
    let known = table.families[dialect as usize]
        .iter()
        .find(|family| begins_with(name, &family.prefix));
    if let Some(family) = known {
        return Found {
            number: family.number,
            record: &family.record,
            capability: &family.capability,
        };
    }
    let (record, capability) = &table.defaults[dialect as usize];
    Found {
        number: table.known() + dialect as usize,
        record,
        capability,
    }
}

/// How many records there are.
pub(crate) fn count() -> usize {
    table().known() + table().defaults.len()
}

impl Table {
    fn known(&self) -> usize {
        self.families.iter().map(Vec::len).sum()
    }
}

/// A model's name less a vendor's prefix.
pub(crate) fn bare(model: &str) -> &str {
    let slash = model.bytes().rposition(|byte| byte == b'/');
    slash.map_or(model, |slash| &model[slash + 1..])
}

/// Whether a bare name begins so, in whatever case.
pub(crate) fn begins_with(bare: &str, prefix: &str) -> bool {
    let (bare, prefix) = (bare.as_bytes(), prefix.as_bytes());
    // Most differ in the first letter, whatever its case.
    let may = match (bare.first(), prefix.first()) {
        (Some(one), Some(other)) => (one ^ other) & !0x20 == 0,
        _ => true,
    };
    may && bare
        .get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

impl Capability {
    /// The effort nearest to the wish: the same, else the next lower one, else the smallest there is.
    /// `None` when the model takes no effort at all.
    #[must_use]
    pub fn nearest_effort(&self, wish: Effort) -> Option<Effort> {
        self.efforts
            .iter()
            .copied()
            .filter(|effort| *effort <= wish)
            .max()
            .or_else(|| self.efforts.iter().copied().min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins() {
        assert!(of(Dialect::OpenAiChat, "gpt-4o-mini").stop_max == 4);
        assert!(!of(Dialect::OpenAiChat, "gpt-4o-mini").legacy_max_tokens);
        assert!(of(Dialect::OpenAiChat, "some-local-model").assumed);
        assert!(of(Dialect::OpenAiChat, "some-local-model").legacy_max_tokens);
        assert_eq!(
            of(Dialect::Anthropic, "claude-sonnet-4-5-20250929").reasoning,
            ReasoningKnob::AnthropicBudget
        );
        assert_eq!(
            of(Dialect::Anthropic, "anthropic/claude-opus-5-5").reasoning,
            ReasoningKnob::AnthropicAdaptive
        );
        assert!(!of(Dialect::Anthropic, "claude-opus-5-5").forced_tool_choice);
        assert!(of(Dialect::Anthropic, "claude-opus-5").forced_tool_choice);
        assert!(of(Dialect::Gemini, "models/gemini-3-pro-preview").call_signatures);
        assert!(!of(Dialect::Gemini, "gemini-2.5-flash").call_signatures);
    }

    #[test]
    fn effort_goes_down_first() {
        let model = of(Dialect::OpenAiResponses, "gpt-5");
        assert_eq!(model.nearest_effort(Effort::Max), Some(Effort::High));
        assert_eq!(
            of(Dialect::OpenAiResponses, "gpt-5.1").nearest_effort(Effort::Minimal),
            Some(Effort::Low)
        );
        assert_eq!(
            of(Dialect::OpenAiResponses, "gpt-4o").nearest_effort(Effort::Low),
            None
        );
    }
}
