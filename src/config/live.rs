//! The settings that may change while the hub runs, one by one: what each says now, and what it says by itself.

use serde_json::{Value, json};

use super::{LIVE, Place, Settings};

/// What there is to say of a setting.
#[derive(Clone, Debug)]
pub struct LiveSetting {
    /// Its key.
    pub key: &'static str,
    /// What is in force; null where nothing is.
    pub value: Value,
    /// What would be without anybody's doing.
    pub default: Value,
    /// Where a file or the environment gives it, which then decides.
    pub given: Option<Place>,
    /// What it does.
    pub about: &'static str,
    /// The words it may be, where these are few.
    pub choices: &'static [&'static str],
}

const STRATEGY_WORDS: [&str; 6] = [
    "priority",
    "random",
    "weighted",
    "round_robin",
    "least_latency",
    "least_busy",
];

impl Settings {
    /// All of them.
    #[must_use]
    pub fn live_settings(&self) -> Vec<LiveSetting> {
        let defaults = Self::default();
        LIVE.into_iter()
            .map(|key| {
                let (about, choices) = about(key);
                LiveSetting {
                    key,
                    value: self.live_value(key),
                    default: defaults.live_value(key),
                    given: self.given_at.get(key).cloned(),
                    about,
                    choices,
                }
            })
            .collect()
    }

    /// What a setting says now.
    fn live_value(&self, key: &str) -> Value {
        match key {
            "MODE" => self.mode.as_str().into(),
            "PREFERRED_PROVIDER" => self
                .preferred_provider
                .as_ref()
                .map(|(name, _)| name.as_str())
                .into(),
            "FALLBACK_STRATEGY" => self.fallback_strategy.as_str().into(),
            "CIRCUIT_BREAKER" => json!({
                "failure_threshold": self.circuit_breaker.failure_threshold,
                "recovery_timeout": self.circuit_breaker.recovery_timeout.as_secs_f64(),
            }),
            "MAX_TOKENS_LIMIT" => self.clamps.max_tokens.into(),
            "MIN_TOKENS_LIMIT" => self.clamps.min_tokens.into(),
            "MAX_BODY_SIZE" => self.max_body.into(),
            "BIG_MODEL" => self.big_model.as_deref().into(),
            "MIDDLE_MODEL" => self.middle_model.as_deref().into(),
            "SMALL_MODEL" => self.small_model.as_deref().into(),
            "CAPTURE" => self.capture.as_str().into(),
            "RETENTION_DAYS" => self.retention.days.into(),
            "CAPTURE_RETENTION_DAYS" => self.retention.capture_days.into(),
            "CAPTURE_MAX_BYTES" => self.retention.capture_bytes.into(),
            "RESPONSES_RETENTION_DAYS" => self.retention.response_days.into(),
            "RESPONSES_MAX_BYTES" => self.retention.response_bytes.into(),
            "AUDIT_RETENTION_DAYS" => self.retention.audit_days.into(),
            "HEALTH_RETENTION_DAYS" => self.retention.health_days.into(),
            "CONVERSATION_MAX_COUNT" => self.conversations.count.into(),
            "CONVERSATION_MAX_MESSAGES" => self.conversations.messages.into(),
            "CONVERSATION_MAX_BYTES" => self.conversations.bytes.into(),
            "CONVERSATION_MAX_MESSAGE_BYTES" => self.conversations.message_bytes.into(),
            "CONVERSATION_RETENTION_DAYS" => self.conversations.days.into(),
            "LOG_LEVEL" => self.log_level.as_str().into(),
            _ => Value::Null,
        }
    }
}

fn about(key: &str) -> (&'static str, &'static [&'static str]) {
    match key {
        "MODE" => (
            "Whether the hub translates between dialects",
            &["transformer", "direct"],
        ),
        "PREFERRED_PROVIDER" => ("Where model names go that nothing else explains", &[]),
        "FALLBACK_STRATEGY" => (
            "In which order the providers of a model are tried",
            &STRATEGY_WORDS,
        ),
        "CIRCUIT_BREAKER" => (
            "After how many failures a provider's model rests, and for how long",
            &[],
        ),
        "MAX_TOKENS_LIMIT" => ("Upper bound on the output tokens of every request", &[]),
        "MIN_TOKENS_LIMIT" => ("Lower bound on the output tokens of every request", &[]),
        "MAX_BODY_SIZE" => ("Bytes that the body of a request may have", &[]),
        "BIG_MODEL" => ("What names with `opus` in them stand for", &[]),
        "MIDDLE_MODEL" => ("What names with `sonnet` in them stand for", &[]),
        "SMALL_MODEL" => ("What names with `haiku` in them stand for", &[]),
        "CAPTURE" => (
            "Which requests are kept with their bodies",
            &["off", "errors", "all"],
        ),
        "RETENTION_DAYS" => (
            "Days that the request log is kept; 0 keeps it for good",
            &[],
        ),
        "CAPTURE_RETENTION_DAYS" => ("Days that bodies are kept; 0 keeps them for good", &[]),
        "CAPTURE_MAX_BYTES" => ("Bytes that kept bodies may take; 0 sets no bound", &[]),
        "RESPONSES_RETENTION_DAYS" => (
            "Days that answers of the Responses dialect are kept for clients that refer to them; 0 keeps them for good",
            &[],
        ),
        "RESPONSES_MAX_BYTES" => (
            "Bytes that kept answers of the Responses dialect may take; 0 sets no bound",
            &[],
        ),
        "AUDIT_RETENTION_DAYS" => (
            "Days that the audit of changes is kept; 0 keeps it for good",
            &[],
        ),
        "HEALTH_RETENTION_DAYS" => (
            "Days that checks of providers are kept; 0 keeps the last ones for good",
            &[],
        ),
        "CONVERSATION_MAX_COUNT" => ("Conversations that a person may keep; 0 sets no bound", &[]),
        "CONVERSATION_MAX_MESSAGES" => (
            "Messages that a conversation keeps; the oldest go when more come; 0 sets no bound",
            &[],
        ),
        "CONVERSATION_MAX_BYTES" => (
            "Bytes that the messages of a conversation may take; the oldest go; 0 sets no bound",
            &[],
        ),
        "CONVERSATION_MAX_MESSAGE_BYTES" => ("Bytes that one kept message may take", &[]),
        "CONVERSATION_RETENTION_DAYS" => (
            "Days that a conversation is kept after its last message; 0 keeps it for good",
            &[],
        ),
        "LOG_LEVEL" => (
            "How much the hub tells of itself",
            &["error", "warn", "info", "debug", "trace", "off"],
        ),
        _ => ("", &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_live_setting_is_explained() {
        for setting in Settings::default().live_settings() {
            assert!(!setting.about.is_empty(), "{}", setting.key);
        }
    }
}
