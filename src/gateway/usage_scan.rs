//! Token counts from a usage object as each vendor writes it. Absent and absurd members count as nothing.

use serde::Deserialize;
use serde_json::Value;
use translator::Dialect;
use translator::ir::Usage;

/// Counts above this are a fault of the upstream.
const ABSURD: u64 = 1 << 40;

#[derive(Deserialize, Default)]
#[serde(default)]
struct OpenAi {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Value,
    #[serde(alias = "output_tokens")]
    completion_tokens: Value,
    #[serde(alias = "input_tokens_details")]
    prompt_tokens_details: Option<Details>,
    #[serde(alias = "output_tokens_details")]
    completion_tokens_details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    cached_tokens: Value,
    cache_write_tokens: Value,
    reasoning_tokens: Value,
    thinking_tokens: Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Anthropic {
    input_tokens: Value,
    output_tokens: Value,
    cache_read_input_tokens: Value,
    cache_creation_input_tokens: Value,
    cache_creation: Option<Creation>,
    output_tokens_details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Creation {
    ephemeral_5m_input_tokens: Value,
    ephemeral_1h_input_tokens: Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Gemini {
    #[serde(rename = "promptTokenCount")]
    prompt: Value,
    #[serde(rename = "cachedContentTokenCount")]
    cached: Value,
    #[serde(rename = "candidatesTokenCount")]
    candidates: Value,
    #[serde(rename = "thoughtsTokenCount")]
    thoughts: Value,
    #[serde(rename = "toolUsePromptTokenCount")]
    tool_use: Value,
}

/// Reads a usage object.
pub(super) fn read(dialect: Dialect, raw: &str) -> Option<Usage> {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            let usage: OpenAi = serde_json::from_str(raw).ok()?;
            let input = usage.prompt_tokens_details.unwrap_or_default();
            let output = usage.completion_tokens_details.unwrap_or_default();
            Some(Usage::from_inclusive(
                count(&usage.prompt_tokens),
                count(&input.cached_tokens),
                count(&input.cache_write_tokens),
                count(&usage.completion_tokens),
                count(&output.reasoning_tokens),
            ))
        }
        Dialect::Anthropic => {
            let usage: Anthropic = serde_json::from_str(raw).ok()?;
            let created = usage.cache_creation.unwrap_or_default();
            let (five, hour) = (
                count(&created.ephemeral_5m_input_tokens),
                count(&created.ephemeral_1h_input_tokens),
            );
            let thinking = count(
                &usage
                    .output_tokens_details
                    .unwrap_or_default()
                    .thinking_tokens,
            );
            Some(Usage {
                fresh: count(&usage.input_tokens),
                cache_read: count(&usage.cache_read_input_tokens),
                cache_write_5m: five,
                cache_write_1h: hour,
                cache_write: count(&usage.cache_creation_input_tokens).saturating_sub(five + hour),
                output: count(&usage.output_tokens).saturating_sub(thinking),
                reasoning: thinking,
                ..Usage::default()
            })
        }
        Dialect::Gemini => {
            let usage: Gemini = serde_json::from_str(raw).ok()?;
            let cached = count(&usage.cached);
            Some(Usage {
                fresh: count(&usage.prompt).saturating_sub(cached),
                cache_read: cached,
                tool_input: count(&usage.tool_use),
                output: count(&usage.candidates),
                reasoning: count(&usage.thoughts),
                ..Usage::default()
            })
        }
    }
}

/// Puts a later report over an earlier one. Anthropic tells the input first and the output last.
pub(super) fn merge(earlier: Option<Usage>, later: Usage) -> Usage {
    let Some(earlier) = earlier else { return later };
    if later.input_total() == 0 {
        return Usage {
            output: later.output,
            reasoning: later.reasoning,
            ..earlier
        };
    }
    later
}

fn count(value: &Value) -> u64 {
    let number = value
        .as_u64()
        .or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64));
    number.filter(|&n| n < ABSURD).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vendor_is_read() {
        let chat = read(Dialect::OpenAiChat, r#"{"prompt_tokens":10,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}"#).expect("an object");
        assert_eq!(
            (chat.fresh, chat.cache_read, chat.output, chat.reasoning),
            (6, 4, 5, 2)
        );
        let responses = read(
            Dialect::OpenAiResponses,
            r#"{"input_tokens":10,"output_tokens":7,"input_tokens_details":null}"#,
        )
        .expect("an object");
        assert_eq!((responses.input_total(), responses.output_total()), (10, 7));
        let messages = read(Dialect::Anthropic, r#"{"input_tokens":3,"cache_read_input_tokens":4,"cache_creation_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":5},"output_tokens":1}"#).expect("an object");
        assert_eq!(
            (
                messages.input_total(),
                messages.cache_write_5m,
                messages.cache_write
            ),
            (12, 5, 0)
        );
        let gemini = read(Dialect::Gemini, r#"{"promptTokenCount":9,"cachedContentTokenCount":2,"candidatesTokenCount":3,"thoughtsTokenCount":1}"#).expect("an object");
        assert_eq!((gemini.input_total(), gemini.output_total()), (9, 4));
    }

    #[test]
    fn nonsense_counts_as_nothing() {
        let usage = read(Dialect::OpenAiChat, r#"{"prompt_tokens":9223372036854775808,"completion_tokens":-5,"prompt_tokens_details":{"cached_tokens":"x"}}"#).expect("an object");
        assert_eq!((usage.input_total(), usage.output_total()), (0, 0));
        assert!(read(Dialect::OpenAiChat, "7").is_none());
    }
}
