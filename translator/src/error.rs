//! Failures, any to any.

use std::time::Duration;

/// What went wrong, in terms that every dialect can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The kind, which decides status and type in each dialect.
    pub kind: FailureKind,
    /// The message, without the provider's name and without secrets.
    pub message: String,
    /// A machine-readable code (OpenAI `code`), if any.
    pub code: Option<String>,
    /// The member of the request that is at fault (OpenAI `param`), if any.
    pub param: Option<String>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// The numbers of a context overflow.
    pub overflow: Option<Overflow>,
    /// The upstream's HTTP status; 0 when the hub itself failed or the failure came inside a stream.
    pub upstream_status: u16,
}

impl Failure {
    /// A failure with a message and nothing else.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            code: None,
            param: None,
            retry_after: None,
            overflow: None,
            upstream_status: 0,
        }
    }

    /// Adds a code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The code, if it may be told to a client that knows OpenAI's. Those of other vendors are written in capitals
    /// (gRPC's `NOT_FOUND`) or are numbers, and no such client looks for them.
    #[must_use]
    pub fn openai_code(&self) -> Option<&str> {
        let code = self.code.as_deref()?;
        code.bytes()
            .any(|byte| byte.is_ascii_lowercase())
            .then_some(code)
    }

    /// Adds the member at fault.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Adds a time to come back.
    #[must_use]
    pub const fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

/// The kinds of failures that every dialect can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The request is wrong.
    InvalidRequest,
    /// The prompt does not fit.
    ContextTooLong,
    /// The body is too large.
    TooLarge,
    /// The client's own key is wrong.
    ClientAuth,
    /// The provider does not take the hub's key.
    UpstreamAuth,
    /// The provider's account has no money or quota.
    Billing,
    /// The provider forbids this model, region or feature.
    Permission,
    /// No such model or object.
    NotFound,
    /// A conflict.
    Conflict,
    /// Too many requests or tokens.
    RateLimit,
    /// Refused for policy reasons.
    Policy,
    /// The provider is overloaded.
    Overloaded,
    /// The provider failed.
    Upstream,
    /// Somebody took too long.
    Timeout,
    /// The client left.
    Cancelled,
    /// The translation cannot carry this (policy R).
    Unsupported,
    /// No provider is left to try.
    NoProvider,
    /// The hub failed.
    Internal,
}

impl FailureKind {
    /// The kind that an upstream's status stands for, when the body says nothing better.
    #[must_use]
    pub const fn from_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::UpstreamAuth,
            402 => Self::Billing,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            409 => Self::Conflict,
            413 => Self::TooLarge,
            429 => Self::RateLimit,
            499 => Self::Cancelled,
            503 | 529 => Self::Overloaded,
            400..=499 => Self::InvalidRequest,
            _ => Self::Upstream,
        }
    }

    /// True when another attempt at another target may help.
    #[must_use]
    pub const fn may_fall_over(self) -> bool {
        matches!(
            self,
            Self::UpstreamAuth
                | Self::Billing
                | Self::RateLimit
                | Self::Overloaded
                | Self::Upstream
                | Self::Timeout
                | Self::NoProvider
                | Self::NotFound
                | Self::Permission
        )
    }
}

/// The numbers of a context overflow, as far as known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overflow {
    /// Tokens of the prompt.
    pub input: Option<u64>,
    /// The output limit that was asked for, when it is part of the problem.
    pub max_output: Option<u64>,
    /// What fits.
    pub limit: Option<u64>,
}

/// What servers of OpenAI's dialects mean by 400 and 403, where that is not what the status says: some refuse a bad key
/// with 400, and 403 is about the key only when nothing else is named.
pub(crate) fn openai_refusal(status: u16, code: &str, message: &str) -> Option<FailureKind> {
    if !matches!(status, 400 | 403) {
        return None;
    }
    let words = message.to_ascii_lowercase();
    let of_key = matches!(
        code,
        "invalid_api_key" | "account_deactivated" | "invalid_organization" | "token_expired"
    ) || KEY_PHRASES.iter().any(|phrase| words.starts_with(phrase));
    if of_key {
        return Some(FailureKind::UpstreamAuth);
    }
    let named = !code.is_empty() || words.contains("model");
    (status == 403 && named).then_some(FailureKind::Permission)
}

/// How they begin when it is the key, in lower case. Further on a message may repeat what the client wrote, which must not
/// cost the hub its key.
const KEY_PHRASES: [&str; 5] = [
    "incorrect api key",
    "invalid api key",
    "api key not valid",
    "api key expired",
    "api key was reported",
];

/// Phrases by which vendors say that the prompt does not fit, in lower case.
const OVERFLOW_PHRASES: [&str; 8] = [
    "maximum context length",
    "exceeds the context window",
    "context window of this model",
    "prompt is too long",
    "input token count",
    "exceeds the maximum number of tokens",
    "input length and `max_tokens` exceed",
    "input length and max_tokens exceed",
];

/// Recognises a context overflow in an upstream's words and finds its numbers.
#[must_use]
pub fn detect_overflow(message: &str, code: Option<&str>) -> Option<Overflow> {
    let lower = message.to_ascii_lowercase();
    let by_code = matches!(
        code,
        Some("context_length_exceeded" | "model_context_window_exceeded")
    );
    if !by_code && !OVERFLOW_PHRASES.iter().any(|phrase| lower.contains(phrase)) {
        return None;
    }
    // `128,000` is one number.
    let lower = lower.replace(',', "");
    let mut overflow = if let Some((_, sum)) = lower.split_once("context limit:") {
        // `input length and max_tokens exceed context limit: 188240 + 21333 > 200000`
        let mut sum = numbers(sum);
        Overflow {
            input: sum.next(),
            max_output: sum.next(),
            limit: sum.next(),
        }
    } else if lower.contains("maximum context length") {
        by_words(&lower)
    } else {
        // `prompt is too long: 210000 tokens > 200000 maximum`
        let mut large = numbers(&lower).filter(is_large);
        Overflow {
            input: large.next(),
            max_output: None,
            limit: large.next(),
        }
    };
    if overflow.input > overflow.limit && overflow.limit.is_some() {
        // No lower output limit would help.
        overflow.max_output = None;
    }
    Some(overflow)
}

/// Reads the sentences of OpenAI and of the servers that speak like it. They name their numbers in any order, so that
/// the words around a number say what it is.
fn by_words(text: &str) -> Overflow {
    let before = |phrases: &[&str]| {
        phrases
            .iter()
            .find_map(|phrase| number_before(text, phrase))
    };
    let limit = number_after(text, "maximum context length");
    let max_output = before(&["in the completion", "for the completion", "output tokens"])
        .or_else(|| number_after(text, "too large:"));
    let messages = before(&[
        "in the messages",
        "in your prompt",
        "from the input",
        "input tokens",
    ]);
    let functions = before(&["in the functions"]).unwrap_or_default();
    let input = messages.map(|messages| messages.saturating_add(functions));
    Overflow {
        input: input.or_else(|| {
            // `However, your messages resulted in 130000 tokens`
            numbers(text)
                .filter(is_large)
                .find(|number| Some(*number) != limit && Some(*number) != max_output)
        }),
        max_output: max_output.filter(|_| input.is_some()),
        limit,
    }
}

/// The number that stands right before a phrase, or before `tokens` and the phrase.
fn number_before(text: &str, phrase: &str) -> Option<u64> {
    let (before, _) = text.split_once(phrase)?;
    let before = before.trim_end();
    let before = before.strip_suffix("tokens").unwrap_or(before).trim_end();
    let digits = before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    before[digits..].parse().ok()
}

fn number_after(text: &str, phrase: &str) -> Option<u64> {
    numbers(text.split_once(phrase)?.1).next()
}

fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
}

/// Smaller numbers are versions and places in lists.
const fn is_large(number: &u64) -> bool {
    *number >= 100
}

/// The words that a client of a dialect understands as a context overflow.
#[must_use]
pub fn overflow_message(dialect: crate::Dialect, overflow: Overflow, original: &str) -> String {
    use crate::Dialect;
    let limit = overflow
        .limit
        .or(overflow.input.map(|n| n.saturating_sub(1)))
        .unwrap_or(200_000);
    let input = overflow.input.unwrap_or_else(|| limit.saturating_add(1));
    let total = input.saturating_add(overflow.max_output.unwrap_or_default());
    match (dialect, overflow.max_output) {
        (Dialect::Anthropic, Some(max)) => format!(
            "input length and `max_tokens` exceed context limit: {input} + {max} > {limit}, \
             decrease input length or `max_tokens` and try again"
        ),
        (Dialect::Anthropic, None) => {
            format!("prompt is too long: {input} tokens > {limit} maximum")
        }
        (Dialect::Gemini, _) => format!(
            "The input token count ({total}) exceeds the maximum number of tokens allowed ({limit})."
        ),
        (Dialect::OpenAiChat | Dialect::OpenAiResponses, max_output) => {
            let is_unknown = overflow.input.or(overflow.limit).is_none();
            if original.contains("maximum context length") || is_unknown && !original.is_empty() {
                return original.to_owned();
            }
            let requested = match max_output {
                Some(max) => format!(
                    "you requested {total} tokens ({input} in the messages, {max} in the completion). \
                     Please reduce the length of the messages or completion."
                ),
                None => format!(
                    "your input resulted in {input} tokens. Please reduce the length of the input."
                ),
            };
            format!("This model's maximum context length is {limit} tokens. However, {requested}")
        }
    }
}

/// A request that cannot be carried to the target (policy R), or that is not a request of its dialect.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What is wrong and how to mend it.
    pub message: String,
    /// The member at fault.
    pub param: Option<String>,
}

impl Refusal {
    /// A refusal that names the member at fault.
    #[must_use]
    pub fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            param: Some(param.into()),
        }
    }
}

impl From<crate::wire::ParseError> for Refusal {
    fn from(error: crate::wire::ParseError) -> Self {
        Self {
            message: error.message,
            param: None,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let mut failure = Self::new(FailureKind::Unsupported, refusal.message);
        failure.param = refusal.param;
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    const fn overflow(input: u64, max_output: Option<u64>, limit: u64) -> Overflow {
        Overflow {
            input: Some(input),
            max_output,
            limit: Some(limit),
        }
    }

    #[test]
    fn numbers_are_told_by_the_words_around_them() {
        let both = overflow(120_000, Some(10_000), 128_000);
        for (message, wanted) in [
            (
                "This model's maximum context length is 128000 tokens. However, you requested 130000 tokens (120000 in \
                 the messages, 10000 in the completion). Please reduce the length of the messages or completion.",
                both,
            ),
            (
                "This model's maximum context length is 128000 tokens. However, you requested 130000 tokens (119,500 in \
                 the messages, 500 in the functions, and 10,000 in the completion).",
                both,
            ),
            (
                "'max_tokens' or 'max_completion_tokens' is too large: 10000. This model's maximum context length is \
                 128000 tokens and your request has 120000 input tokens (10000 > 128000 - 120000).",
                both,
            ),
            (
                "This model's maximum context length is 128000 tokens. However, you requested 10000 output tokens and \
                 your prompt contains 120000 input tokens, for a total of 130000 tokens.",
                both,
            ),
            (
                "input length and `max_tokens` exceed context limit: 199999 + 32 > 200000, decrease input length",
                overflow(199_999, Some(32), 200_000),
            ),
            (
                "This model's maximum context length is 128000 tokens. However, you requested 140000 tokens (130000 in \
                 the messages, 10000 in the completion).",
                overflow(130_000, None, 128_000),
            ),
            (
                "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
                overflow(130_000, None, 128_000),
            ),
            (
                "prompt is too long: 210000 tokens > 200000 maximum",
                overflow(210_000, None, 200_000),
            ),
        ] {
            assert_eq!(detect_overflow(message, None), Some(wanted), "{message}");
        }
    }

    #[test]
    fn clients_are_told_both_numbers_when_the_output_is_at_fault() {
        let both = overflow(199_000, Some(8192), 200_000);
        let told = |dialect| overflow_message(dialect, both, "words");
        assert!(told(Dialect::Anthropic).starts_with(
            "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000"
        ));
        for dialect in [Dialect::OpenAiChat, Dialect::OpenAiResponses] {
            assert!(told(dialect).starts_with(
                "This model's maximum context length is 200000 tokens. However, you requested 207192 tokens \
                 (199000 in the messages, 8192 in the completion)."
            ));
        }
        assert!(told(Dialect::Gemini).contains("(207192)"));
    }

    #[test]
    fn numbers_that_nobody_said_are_not_invented_for_those_who_read_a_code() {
        let words = "Your input exceeds the context window of this model.";
        let unknown = detect_overflow(words, None).expect("an overflow");
        for dialect in [Dialect::OpenAiChat, Dialect::OpenAiResponses] {
            assert_eq!(overflow_message(dialect, unknown, words), words);
        }
        let shape = overflow_message(Dialect::Anthropic, unknown, words);
        assert_eq!(shape, "prompt is too long: 200001 tokens > 200000 maximum");
    }
}
