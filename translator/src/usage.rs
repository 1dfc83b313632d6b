//! Token counts from the usage objects of an upstream whose answer passes unchanged.
//!
//! Knows nothing of the answer around them. A stream tells its counts in pieces; a later piece stands over an earlier one.

use crate::Dialect;
use crate::ir::Usage;
use crate::{anthropic, gemini, openai_chat, openai_responses};

/// Gathers the counts of one answer.
#[derive(Debug)]
pub struct Reader {
    dialect: Dialect,
    /// Anthropic tells the input first and the output last.
    pieces: anthropic::Counts,
    latest: Option<Usage>,
}

impl Reader {
    /// A reader for an upstream of a dialect.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            pieces: anthropic::Counts::default(),
            latest: None,
        }
    }

    /// Takes a usage object. What is none leaves everything as it was.
    pub fn take(&mut self, raw: &str) {
        let read = match self.dialect {
            Dialect::OpenAiChat => openai_chat::read_usage(raw),
            Dialect::OpenAiResponses => openai_responses::read_usage(raw),
            Dialect::Anthropic => self.pieces.read(raw),
            Dialect::Gemini => gemini::read_usage(raw),
        };
        self.latest = read.or(self.latest);
    }

    /// Takes a usage object that stands before the output.
    pub fn take_early(&mut self, raw: &str) {
        self.take(raw);
        if let Some(latest) = &mut self.latest {
            latest.early = true;
        }
    }

    /// The counts so far.
    #[must_use]
    pub const fn usage(&self) -> Option<Usage> {
        self.latest
    }
}

/// The counts of a complete answer's usage object.
#[must_use]
pub fn read(dialect: Dialect, raw: &str) -> Option<Usage> {
    let mut reader = Reader::new(dialect);
    reader.take(raw);
    reader.usage()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(dialect: Dialect, raw: &str) -> [u64; 8] {
        let usage = read(dialect, raw).expect("a usage object");
        [
            usage.fresh,
            usage.cache_read,
            usage.cache_write_5m,
            usage.cache_write_1h,
            usage.cache_write,
            usage.tool_input,
            usage.output,
            usage.reasoning,
        ]
    }

    #[test]
    fn each_vendor_is_read() {
        for (dialect, raw, want) in [
            (
                Dialect::OpenAiChat,
                r#"{"prompt_tokens":10,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}"#,
                [6, 4, 0, 0, 0, 0, 5, 2],
            ),
            (
                Dialect::OpenAiResponses,
                r#"{"input_tokens":10,"output_tokens":7,"input_tokens_details":null}"#,
                [10, 0, 0, 0, 0, 0, 7, 0],
            ),
            (
                Dialect::Anthropic,
                r#"{"input_tokens":3,"cache_read_input_tokens":4,"cache_creation_input_tokens":9,"cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":3},"output_tokens":1}"#,
                [3, 4, 5, 3, 1, 0, 1, 0],
            ),
            (
                Dialect::Gemini,
                r#"{"promptTokenCount":9,"cachedContentTokenCount":2,"toolUsePromptTokenCount":6,"candidatesTokenCount":3,"thoughtsTokenCount":1}"#,
                [7, 2, 0, 0, 0, 6, 3, 1],
            ),
        ] {
            assert_eq!(buckets(dialect, raw), want, "{dialect:?}");
        }
    }

    #[test]
    fn nonsense_counts_as_nothing_and_is_marked() {
        for (dialect, raw) in [
            (
                Dialect::OpenAiChat,
                r#"{"prompt_tokens":9223372036854775808,"completion_tokens":-5,"prompt_tokens_details":{"cached_tokens":"x"}}"#,
            ),
            (
                Dialect::OpenAiResponses,
                r#"{"input_tokens":-1,"output_tokens":1e300}"#,
            ),
            (
                Dialect::Anthropic,
                r#"{"input_tokens":{},"output_tokens":18446744073709551615}"#,
            ),
            (
                Dialect::Gemini,
                r#"{"promptTokenCount":true,"candidatesTokenCount":-0.5}"#,
            ),
        ] {
            assert_eq!(buckets(dialect, raw), [0; 8], "{dialect:?}");
            assert!(
                read(dialect, raw).is_some_and(|usage| usage.clamped),
                "{dialect:?}"
            );
            assert!(read(dialect, "7").is_none(), "{dialect:?}");
        }
    }

    #[test]
    fn nothing_is_an_answer_too() {
        for (dialect, raw) in [
            (
                Dialect::OpenAiChat,
                r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#,
            ),
            (
                Dialect::OpenAiResponses,
                r#"{"input_tokens":0,"output_tokens":0}"#,
            ),
            (
                Dialect::Anthropic,
                r#"{"input_tokens":0,"output_tokens":0}"#,
            ),
            (
                Dialect::Gemini,
                r#"{"promptTokenCount":0,"candidatesTokenCount":0}"#,
            ),
        ] {
            let usage = read(dialect, raw).expect("a usage object");
            assert_eq!(usage, Usage::default(), "{dialect:?}");
        }
    }

    #[test]
    fn modalities_are_noted() {
        let gemini = read(
            Dialect::Gemini,
            r#"{"promptTokenCount":10,"candidatesTokenCount":1290,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290}],"totalTokenCount":1300}"#,
        )
        .expect("a usage object");
        assert_eq!(
            (gemini.fresh, gemini.output, gemini.image_output),
            (10, 1290, 1290)
        );
        let chat = read(
            Dialect::OpenAiChat,
            r#"{"prompt_tokens":10,"completion_tokens":7,"prompt_tokens_details":{"audio_tokens":8},"completion_tokens_details":{"audio_tokens":5}}"#,
        )
        .expect("a usage object");
        assert_eq!((chat.audio_input, chat.audio_output), (8, 5));
    }

    #[test]
    fn pieces_stand_over_one_another() {
        let mut reader = Reader::new(Dialect::Anthropic);
        reader.take(r#"{"input_tokens":1000,"cache_read_input_tokens":5,"output_tokens":1}"#);
        reader.take(r#"{"output_tokens":9}"#);
        reader.take("null");
        let usage = reader.usage().expect("told");
        assert_eq!((usage.fresh, usage.cache_read, usage.output), (1000, 5, 9));
    }
}
