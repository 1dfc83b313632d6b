//! Token counts word for word: the usage objects of an upstream as it wrote them, and of a client as it read them.
//!
//! For who compares the two; what is counted and charged is read by the dialects' decoders. It never fails: a document
//! without counts has no words.

use crate::Dialect;
use crate::json;
use crate::sse;

/// A usage object that is longer is none that anybody wants to read again.
const LONGEST: usize = 4096;
/// An event that is longer is searched at once instead of being kept for later.
const KEPT: usize = 8192;

/// The counts of one answer in the words of both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// The usage objects of the upstream, in the order in which they came: several where it told its counts in pieces,
    /// or was called several times.
    pub upstream: Vec<String>,
    /// The usage object that the client got; nothing when it got none.
    pub client: Option<String>,
}

/// The usage object of a complete answer, or of an event of a stream.
#[must_use]
pub fn find(dialect: Dialect, document: &str) -> Option<&str> {
    let inside = |outer, name| json::member(json::member(document, outer)?, name);
    let counts = |raw: &&str| raw.starts_with('{');
    match dialect {
        Dialect::OpenAiChat => json::member(document, "usage")
            .filter(counts)
            // Groq and Moonshot have places of their own on streams.
            .or_else(|| inside("x_groq", "usage").filter(counts))
            .or_else(|| {
                json::elements(json::member(document, "choices")?)
                    .filter_map(|choice| json::member(choice, "usage"))
                    .filter(counts)
                    .last()
            }),
        Dialect::OpenAiResponses => inside("response", "usage")
            .or_else(|| json::member(document, "usage"))
            .filter(counts),
        Dialect::Anthropic => json::member(document, "usage")
            .or_else(|| inside("message", "usage"))
            .filter(counts),
        Dialect::Gemini if document.trim_start().starts_with('[') => json::elements(document)
            .filter_map(metadata)
            .filter(counts)
            .last(),
        Dialect::Gemini => metadata(document).filter(counts),
    }
}

fn metadata(chunk: &str) -> Option<&str> {
    let names = ["usageMetadata", "usage_metadata"];
    names.iter().find_map(|name| json::member(chunk, name))
}

/// Gathers what the calls behind one answer say of their counts. Of a call, a later object stands over an earlier one;
/// Anthropic tells the input first and the output last, and both are kept.
#[derive(Debug)]
pub struct Words {
    dialect: Dialect,
    said: Vec<String>,
    /// Where those of the present call begin.
    from: usize,
    /// The latest event that holds counts, not searched yet: Gemini counts in every event, and only the last matters.
    event: String,
}

impl Words {
    /// Nothing said yet.
    #[must_use]
    pub const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            said: Vec::new(),
            from: 0,
            event: String::new(),
        }
    }

    /// Takes an event that holds counts.
    pub fn event(&mut self, data: &str) {
        self.event.clear();
        if self.dialect == Dialect::Gemini && data.len() <= KEPT {
            self.event.push_str(data);
        } else if let Some(raw) = find(self.dialect, data) {
            self.object(raw);
        }
    }

    /// Takes a usage object.
    pub fn object(&mut self, raw: &str) {
        let pieces = usize::from(self.dialect == Dialect::Anthropic);
        self.said.truncate(self.from + pieces);
        if raw.len() <= LONGEST {
            self.said.push(raw.to_owned());
        }
    }

    /// Takes a complete answer of a call, which some servers give as a stream; another call begins then.
    pub fn answer(&mut self, body: &[u8]) {
        if sse::is_stream(body) {
            let mut frames = sse::Decoder::default();
            let mut words = |frame: sse::Frame<'_>| {
                if find(self.dialect, frame.data).is_some() {
                    self.event(frame.data);
                }
            };
            // What cannot be read has been told where it was decoded.
            let _ = frames.feed(body, &mut words);
            let _ = frames.end(&mut words);
            self.another_call();
        } else {
            let body = std::str::from_utf8(body).ok();
            self.whole(body.and_then(|body| find(self.dialect, body)));
        }
    }

    /// Takes the usage object of a complete answer of a call, if it has one; another call begins then.
    pub fn whole(&mut self, raw: Option<&str>) {
        if let Some(raw) = raw {
            self.object(raw);
        }
        self.another_call();
    }

    /// Another call goes on with the answer.
    pub fn another_call(&mut self) {
        self.search();
        self.from = self.said.len();
    }

    /// Everything that was said so far.
    #[must_use]
    pub fn said(&mut self) -> Vec<String> {
        self.search();
        self.from = 0;
        std::mem::take(&mut self.said)
    }

    fn search(&mut self) {
        if self.event.is_empty() {
            return;
        }
        let event = std::mem::take(&mut self.event);
        if let Some(raw) = find(self.dialect, &event) {
            self.object(raw);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_counts_is_found() {
        for (dialect, document, wanted) in [
            (
                Dialect::OpenAiChat,
                r#"{"choices":[{"message":{"content":"\"usage\":{}"}}],"usage":{"prompt_tokens":1}}"#,
                Some(r#"{"prompt_tokens":1}"#),
            ),
            (
                Dialect::OpenAiChat,
                r#"{"choices":[],"usage":null,"x_groq":{"usage":{"prompt_tokens":2}}}"#,
                Some(r#"{"prompt_tokens":2}"#),
            ),
            (
                Dialect::OpenAiChat,
                r#"{"choices":[{"delta":{},"usage":{"prompt_tokens":3}}]}"#,
                Some(r#"{"prompt_tokens":3}"#),
            ),
            (Dialect::OpenAiChat, r#"{"choices":[],"usage":null}"#, None),
            (
                Dialect::OpenAiResponses,
                r#"{"type":"response.completed","response":{"usage":{"input_tokens":4}}}"#,
                Some(r#"{"input_tokens":4}"#),
            ),
            (
                Dialect::OpenAiResponses,
                r#"{"output":[],"usage":{"input_tokens":5}}"#,
                Some(r#"{"input_tokens":5}"#),
            ),
            (
                Dialect::Anthropic,
                r#"{"type":"message_start","message":{"usage":{"input_tokens":6}}}"#,
                Some(r#"{"input_tokens":6}"#),
            ),
            (
                Dialect::Gemini,
                r#"[{"usageMetadata":{"promptTokenCount":1}},{"usage_metadata":{"promptTokenCount":7}}]"#,
                Some(r#"{"promptTokenCount":7}"#),
            ),
            (Dialect::Gemini, r#"{"candidates":[]}"#, None),
        ] {
            assert_eq!(find(dialect, document), wanted, "{document}");
        }
    }

    #[test]
    fn later_words_stand_over_earlier_ones_of_their_call() {
        let mut words = Words::new(Dialect::Gemini);
        words.event(r#"{"usageMetadata":{"promptTokenCount":1}}"#);
        words.event(r#"{"usageMetadata":{"promptTokenCount":2}}"#);
        words.another_call();
        words.event(r#"{"usageMetadata":{"promptTokenCount":3}}"#);
        assert_eq!(
            words.said(),
            [r#"{"promptTokenCount":2}"#, r#"{"promptTokenCount":3}"#]
        );
        assert!(words.said().is_empty());
    }

    #[test]
    fn anthropic_tells_in_two_pieces() {
        let mut words = Words::new(Dialect::Anthropic);
        words.answer(
            b"event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":1}}}\n\n\
              event: message_delta\ndata: {\"usage\":{\"output_tokens\":2}}\n\n\
              event: message_delta\ndata: {\"usage\":{\"output_tokens\":3}}\n\n",
        );
        words.answer(br#"{"content":[],"usage":{"input_tokens":4}}"#);
        assert_eq!(
            words.said(),
            [
                r#"{"input_tokens":1}"#,
                r#"{"output_tokens":3}"#,
                r#"{"input_tokens":4}"#
            ]
        );
    }

    #[test]
    fn nobody_keeps_a_book() {
        let mut words = Words::new(Dialect::OpenAiChat);
        let long = "9".repeat(LONGEST);
        words.event(&format!(r#"{{"usage":{{"prompt_tokens":{long}}}}}"#));
        assert!(words.said().is_empty());
    }
}
