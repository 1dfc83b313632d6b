//! A complete answer, gathered from events by [`crate::fold`].

use std::borrow::Cow;

use super::{Citation, Finish, Opaque, Opening, Usage};

/// A complete answer.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The upstream's id.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// The parts, in order of appearance, of all alternatives.
    pub parts: Vec<OutPart>,
    /// Why each alternative ended; index = choice. `None` when the upstream never said.
    pub finish: Vec<Option<Finish<'static>>>,
    /// Elements of OpenAI's `logprobs.content`, joined by commas; index = choice, empty without any.
    pub logprobs: Vec<String>,
    /// Token counts, `None` when the upstream gave none.
    pub usage: Option<Usage>,
}

/// A complete part of an answer.
#[derive(Clone, Debug)]
pub struct OutPart {
    /// The alternative that it belongs to.
    pub choice: u32,
    /// What it is.
    pub kind: Opening<'static>,
    /// Its text: words, arguments, base64.
    pub text: String,
    /// What it cites.
    pub citations: Vec<Citation<'static>>,
    /// Vendor state, of opening and closing.
    pub opaque: Vec<Opaque<'static>>,
}

impl Response {
    /// The parts of one alternative.
    pub fn choice(&self, choice: u32) -> impl Iterator<Item = &OutPart> {
        self.parts.iter().filter(move |part| part.choice == choice)
    }

    /// How likely the tokens of an alternative were, if it is known.
    #[must_use]
    pub fn logprobs(&self, choice: u32) -> Option<&str> {
        self.logprobs
            .get(choice as usize)
            .map(String::as_str)
            .filter(|tokens| !tokens.is_empty())
    }

    /// True when the alternative holds a call.
    #[must_use]
    pub fn has_call(&self, choice: u32) -> bool {
        self.choice(choice)
            .any(|part| matches!(part.kind, Opening::ToolCall { .. }))
    }
}

impl Opening<'_> {
    /// The same without a borrow.
    #[must_use]
    pub fn into_owned(self) -> Opening<'static> {
        match self {
            Self::Text => Opening::Text,
            Self::Reasoning => Opening::Reasoning,
            Self::Refusal => Opening::Refusal,
            Self::ToolCall {
                id,
                name,
                namespace,
                freeform,
            } => Opening::ToolCall {
                id: own(id),
                name: own(name),
                namespace: namespace.map(own),
                freeform,
            },
            Self::Media { mime } => Opening::Media { mime: own(mime) },
            Self::ServerTool { summary, raw } => Opening::ServerTool {
                summary: own(summary),
                raw: own(raw),
            },
        }
    }
}

impl Finish<'_> {
    /// The same without a borrow.
    #[must_use]
    pub fn into_owned(self) -> Finish<'static> {
        match self {
            Self::Stop => Finish::Stop,
            Self::StopSequence(text) => Finish::StopSequence(text.map(crate::Text::into_owned)),
            Self::Length => Finish::Length,
            Self::ContextWindow => Finish::ContextWindow,
            Self::ToolUse => Finish::ToolUse,
            Self::ContentFilter {
                category,
                explanation,
            } => Finish::ContentFilter {
                category: category.map(own),
                explanation: explanation.map(crate::Text::into_owned),
            },
            Self::Recitation => Finish::Recitation,
            Self::Language => Finish::Language,
            Self::Refusal => Finish::Refusal,
            Self::Pause => Finish::Pause,
            Self::Continuation => Finish::Continuation,
            Self::Compaction => Finish::Compaction,
            Self::BadToolCall(name) => Finish::BadToolCall(own(name)),
            Self::ImageFail(name) => Finish::ImageFail(own(name)),
            Self::Cancelled => Finish::Cancelled,
            Self::Other(name) => Finish::Other(own(name)),
        }
    }
}

impl Citation<'_> {
    /// The same without a borrow.
    #[must_use]
    pub fn into_owned(self) -> Citation<'static> {
        Citation {
            url: self.url.map(own),
            title: self.title.map(own),
            quote: self.quote.map(own),
            span: self.span,
            raw: own(self.raw),
        }
    }
}

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
