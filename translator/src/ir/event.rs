//! An answer as a sequence of events, streamed or not.
//!
//! Grammar: `Start (Open Delta* Close | Usage | Ping)* Finish+`, or `... Fail`. Decoders may emit events of
//! several open parts in any order, may open parts that stay empty and may leave parts open:
//! [`crate::sequence::Sequencer`] stands between decoder and encoder and makes the sequence strict.
//!
//! `Finish` comes last, after the final `Usage`: a decoder emits it at the upstream's own terminator (Chat
//! `[DONE]`, Anthropic `message_stop`, Responses' terminal event) or at the end of the body, never before,
//! and all alternatives in a row. State of a call is given with its `Open`, state of other parts with `Close`.

use std::borrow::Cow;

use super::{Opaque, Usage};
use crate::error::Failure;
use crate::{Text, json};

/// One step of an answer.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The upstream has begun. At most once, first.
    Start {
        /// The upstream's id of the answer.
        id: Cow<'a, str>,
        /// The model that answers.
        model: Cow<'a, str>,
    },
    /// A part begins.
    Open {
        /// The part's number, unique in the answer, in order of appearance.
        part: u32,
        /// The alternative answer that it belongs to; 0 unless several were asked for.
        choice: u32,
        /// What begins.
        kind: Opening<'a>,
        /// Vendor state that is known at the beginning (Gemini call signatures).
        opaque: Vec<Opaque<'a>>,
    },
    /// A part grows.
    Delta {
        /// The part's number.
        part: u32,
        /// What is added; its type follows from the part's kind.
        text: Text<'a>,
    },
    /// A citation on the text part, raw JSON of the dialect it came from.
    Citation {
        /// The part's number.
        part: u32,
        /// The citation reduced to what every dialect can say.
        citation: Citation<'a>,
    },
    /// How likely the tokens of an alternative's text were, for those that came since the last such event.
    Logprobs {
        /// Which alternative.
        choice: u32,
        /// Elements of OpenAI's `logprobs.content`, raw JSON joined by commas; never empty.
        tokens: Cow<'a, str>,
    },
    /// A part is complete.
    Close {
        /// The part's number.
        part: u32,
        /// Vendor state that came with the part.
        opaque: Vec<Opaque<'a>>,
    },
    /// Token counts so far; a later one replaces an earlier one.
    Usage(Usage),
    /// An alternative answer is complete.
    Finish {
        /// Which one.
        choice: u32,
        /// Why.
        reason: Finish<'a>,
    },
    /// The answer failed. Terminal.
    Fail(Failure),
    /// The upstream is alive.
    Ping,
}

impl<'a> Event<'a> {
    /// The event for a list of OpenAI's `logprobs.content`, if there is anything in it.
    #[must_use]
    pub fn logprobs(choice: u32, list: &'a str) -> Option<Self> {
        let strip = |list: &str| {
            Some(
                list.trim()
                    .strip_prefix('[')?
                    .strip_suffix(']')?
                    .trim()
                    .to_owned(),
            )
        };
        let tokens = strip(&json::compact(list)).filter(|tokens| !tokens.is_empty())?;
        Some(Self::Logprobs {
            choice,
            tokens: Cow::Owned(tokens),
        })
    }
}

/// The kinds of parts of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening<'a> {
    /// Words.
    Text,
    /// Reasoning, readable as far as its deltas go.
    Reasoning,
    /// Words of refusal.
    Refusal,
    /// A call; deltas are argument text (JSON), or free text of a custom tool.
    ToolCall {
        /// The upstream's id; empty when it gave none.
        id: Cow<'a, str>,
        /// The tool, as the upstream names it until [`crate::undo`] restores the client's name.
        name: Cow<'a, str>,
        /// Codex's tool group.
        namespace: Option<Cow<'a, str>>,
        /// Free text instead of JSON.
        freeform: bool,
    },
    /// A picture or a sound made by the model, whole: base64 arrives as one delta.
    Media {
        /// Media type.
        mime: Cow<'a, str>,
    },
    /// A step that the vendor ran itself; no deltas.
    ServerTool {
        /// What happened, in words.
        summary: Cow<'a, str>,
        /// The native block, item or part.
        raw: Cow<'a, str>,
    },
}

/// A source that the answer cites.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Citation<'a> {
    /// Where it is.
    pub url: Option<Cow<'a, str>>,
    /// Its title.
    pub title: Option<Cow<'a, str>>,
    /// What was cited.
    pub quote: Option<Cow<'a, str>>,
    /// Extent in the text part, in characters, when known.
    pub span: Option<(u64, u64)>,
    /// The native citation.
    pub raw: Cow<'a, str>,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish<'a> {
    /// The model was done.
    Stop,
    /// A stop sequence; which one, when known.
    StopSequence(Option<Text<'a>>),
    /// The output limit.
    Length,
    /// The model's context is full.
    ContextWindow,
    /// The model waits for tool results.
    ToolUse,
    /// A filter of the vendor.
    ContentFilter {
        /// The vendor's category, or Gemini's reason in its own spelling.
        category: Option<Cow<'a, str>>,
        /// The vendor's explanation.
        explanation: Option<Text<'a>>,
    },
    /// Gemini: the answer quotes protected text.
    Recitation,
    /// Gemini: an unsupported language.
    Language,
    /// The model itself refused, in words that are part of the answer.
    Refusal,
    /// Anthropic: a long turn was paused; send it again to continue.
    Pause,
    /// Gemini: the answer goes on in another request.
    Continuation,
    /// The conversation was compacted.
    Compaction,
    /// The model produced an unusable call; Gemini's reason in its own spelling.
    BadToolCall(Cow<'a, str>),
    /// Gemini: no picture came out.
    ImageFail(Cow<'a, str>),
    /// Responses: cancelled.
    Cancelled,
    /// Anything newer than this crate.
    Other(Cow<'a, str>),
}
