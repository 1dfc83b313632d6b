//! Content: what stands in a turn.

use std::borrow::Cow;

use crate::{Dialect, Text};

/// One piece of content.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// A prompt-cache mark at the end of this part.
    pub cache: Option<CacheMark>,
    /// Vendor state that belongs to this part and must go back to its vendor unchanged.
    pub opaque: Vec<Opaque<'a>>,
}

impl<'a> Part<'a> {
    /// A part without marks and state.
    #[must_use]
    pub const fn new(kind: Kind<'a>) -> Self {
        Self {
            kind,
            cache: None,
            opaque: Vec::new(),
        }
    }

    /// A text part.
    #[must_use]
    pub fn text(text: impl Into<Text<'a>>) -> Self {
        Self::new(Kind::Text {
            text: text.into(),
            citations: None,
        })
    }
}

/// The kinds of content.
#[derive(Clone, Debug)]
pub enum Kind<'a> {
    /// Words of the user or the assistant.
    Text {
        /// The words.
        text: Text<'a>,
        /// Native citations (a JSON list) of the dialect that the document came from.
        citations: Option<Cow<'a, str>>,
    },
    /// The assistant's own words of refusal.
    Refusal(Text<'a>),
    /// A picture.
    Image {
        /// Where its bytes are.
        source: Source<'a>,
        /// How closely the model should look.
        detail: Option<Detail>,
    },
    /// A document: PDF, text, or office format.
    Document {
        /// Where its bytes are.
        source: Source<'a>,
        /// Title or file name.
        title: Option<Text<'a>>,
        /// Remarks for the model that are not to be cited (Anthropic).
        context: Option<Text<'a>>,
        /// Citations were asked for.
        citations: bool,
    },
    /// Sound.
    Audio {
        /// Where its bytes are.
        source: Source<'a>,
    },
    /// Moving pictures.
    Video {
        /// Where its bytes are.
        source: Source<'a>,
        /// Gemini's `videoMetadata`, raw JSON.
        metadata: Option<Cow<'a, str>>,
    },
    /// The model's reasoning. What a vendor needs to see again is in [`Part::opaque`].
    ///
    /// State on a reasoning part that came from Gemini belongs to the *next* call or text part.
    Reasoning {
        /// Readable text, possibly empty. Several summary parts are joined by a blank line.
        text: Text<'a>,
    },
    /// The model calls a tool that the client runs.
    ToolCall(ToolCall<'a>),
    /// The client's answer to a call; stands in a user turn.
    ToolResult(ToolResult<'a>),
    /// A step that the vendor ran itself (web search, code execution): kept raw, with a rendering for
    /// dialects that do not know it.
    ServerTool {
        /// What happened, in words; empty when nothing readable is known.
        summary: Text<'a>,
        /// The native block, item or part.
        raw: Cow<'a, str>,
    },
    /// A part that this crate does not know.
    Other {
        /// Its type tag.
        tag: Cow<'a, str>,
        /// Text found inside, kept when the dialect changes.
        text: Option<Text<'a>>,
        /// The native JSON.
        raw: Cow<'a, str>,
    },
}

/// Where the bytes of a medium are.
#[derive(Clone, Debug)]
pub enum Source<'a> {
    /// In the request itself, standard base64 with padding.
    Base64 {
        /// Media type, such as `image/png`.
        mime: Cow<'a, str>,
        /// The data.
        data: Text<'a>,
    },
    /// At a URL that the provider fetches. The hub never does.
    Url {
        /// The URL.
        url: Text<'a>,
        /// Media type, when known.
        mime: Option<Cow<'a, str>>,
    },
    /// In a vendor's file store.
    File {
        /// The vendor's id (Gemini: the URI).
        id: Text<'a>,
        /// Media type, when known.
        mime: Option<Cow<'a, str>>,
    },
    /// Plain text as a document.
    Text(Text<'a>),
    /// A document made of parts.
    Parts(Vec<Part<'a>>),
}

/// How closely to look at a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The model decides.
    Auto,
    /// Few tokens.
    Low,
    /// Gemini's medium.
    Medium,
    /// Many tokens.
    High,
    /// Full resolution.
    Original,
}

/// A call of a tool that the client runs.
#[derive(Clone, Debug)]
pub struct ToolCall<'a> {
    /// Pairs the call with its result; empty when the source gave none.
    pub id: Cow<'a, str>,
    /// The tool's name as the client knows it, without its namespace.
    pub name: Cow<'a, str>,
    /// Codex's tool groups (Responses `namespace`).
    pub namespace: Option<Cow<'a, str>>,
    /// What the tool is called with.
    pub args: Args<'a>,
}

/// Arguments of a call, as close to the source's bytes as possible.
#[derive(Clone, Debug)]
pub enum Args<'a> {
    /// JSON text inside a string (Chat, Responses). May be invalid, may be empty.
    Text(Text<'a>),
    /// A JSON object (Anthropic, Gemini), raw.
    Object(Cow<'a, str>),
    /// Free text of a custom tool.
    Freeform(Text<'a>),
}

impl<'a> Args<'a> {
    /// The arguments as JSON text: exact string if there is one, compact form of an object otherwise.
    /// Empty arguments give `{}`. Free text gives itself.
    #[must_use]
    pub fn to_text(&self) -> Text<'a> {
        match self {
            Self::Text(text) if text.is_blank() => Text::borrowed("{}"),
            Self::Text(text) | Self::Freeform(text) => text.clone(),
            Self::Object(raw) => match raw {
                Cow::Borrowed(raw) => Text::Plain(crate::json::compact(raw)),
                Cow::Owned(raw) => Text::Plain(Cow::Owned(crate::json::compact(raw).into_owned())),
            },
        }
    }

    /// The arguments as a JSON object. Blank text is `{}`, other JSON is wrapped as `{"value": ...}`,
    /// text that is no JSON as `{"_raw": "..."}`; the flag says that wrapping was needed.
    /// Free text becomes `{"input": "..."}`, the form of an emulated custom tool, which is no loss.
    #[must_use]
    pub fn to_object(&self) -> (Cow<'a, str>, ArgsShape) {
        match self {
            Self::Object(raw) => (raw.clone(), ArgsShape::Object),
            Self::Freeform(text) => {
                let mut out = Vec::with_capacity(text.len_hint() + 16);
                crate::json::Writer::new(&mut out).object(|w| w.text("input", text));
                (Cow::Owned(into_string(out)), ArgsShape::Object)
            }
            Self::Text(text) => {
                let plain: Cow<'a, str> = text.clone().into_cow();
                let trimmed = plain.trim();
                if trimmed.is_empty() {
                    return (Cow::Borrowed("{}"), ArgsShape::Object);
                }
                match serde_json::from_str::<serde::de::IgnoredAny>(trimmed) {
                    Ok(_) if trimmed.starts_with('{') => (plain, ArgsShape::Object),
                    Ok(_) => (
                        Cow::Owned(format!("{{\"value\":{trimmed}}}")),
                        ArgsShape::Wrapped,
                    ),
                    Err(_) => {
                        let mut out = Vec::with_capacity(plain.len() + 16);
                        crate::json::Writer::new(&mut out).object(|w| w.str("_raw", &plain));
                        (Cow::Owned(into_string(out)), ArgsShape::Invalid)
                    }
                }
            }
        }
    }

    /// What an upstream gave where its dialect demands an object, compact: anything else in JSON is wrapped.
    #[must_use]
    pub fn object_of(raw: &str) -> Cow<'_, str> {
        match raw.as_bytes().first() {
            Some(b'{') => crate::json::compact(raw),
            _ if raw == "null" => Cow::Borrowed("{}"),
            _ => Cow::Owned(format!("{{\"value\":{}}}", crate::json::compact(raw))),
        }
    }
}

/// What [`Args::to_object`] met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgsShape {
    /// A JSON object.
    Object,
    /// JSON, but no object.
    Wrapped,
    /// No JSON.
    Invalid,
}

pub(crate) fn into_string(out: Vec<u8>) -> String {
    String::from_utf8(out)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The result of a call.
#[derive(Clone, Debug, Default)]
pub struct ToolResult<'a> {
    /// The call's id.
    pub id: Cow<'a, str>,
    /// The tool's name, where the source gives it (Gemini) or [`crate::prepare`] has found it.
    pub name: Option<Cow<'a, str>>,
    /// Text and media.
    pub content: Vec<Part<'a>>,
    /// The tool failed.
    pub is_error: bool,
    /// Answers a custom (free text) call.
    pub freeform: bool,
}

/// A prompt-cache mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheMark {
    /// Seconds to live, when asked for (Anthropic 300 or 3600, OpenAI 1800 or 43200).
    pub ttl: Option<u32>,
}

/// Vendor state in the vendor's own form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque<'a> {
    /// The dialect that it was born in.
    pub origin: Dialect,
    /// The hub's name of the provider that made it; `None` when the client had it from the vendor.
    pub provider: Option<Cow<'a, str>>,
    /// The upstream model that made it.
    pub model: Option<Cow<'a, str>>,
    /// What it is.
    pub kind: OpaqueKind,
    /// Anthropic and Responses: the whole block or item as JSON. Gemini: the base64 signature.
    pub state: Cow<'a, str>,
}

/// The kinds of vendor state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpaqueKind {
    /// An Anthropic `thinking` or `redacted_thinking` block.
    Thinking,
    /// A Responses `reasoning` item.
    Reasoning,
    /// A Gemini `thoughtSignature`.
    Signature,
    /// Reasoning in plain words, of servers that want it back and do not seal it. Kept by the hub, never sent out.
    Words,
    /// The `phase` of a Responses message: commentary or final answer.
    Phase,
    /// State that was too large to be read: it stands only for its own loss.
    Oversized,
}

impl OpaqueKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Thinking,
        Self::Reasoning,
        Self::Signature,
        Self::Words,
        Self::Phase,
        Self::Oversized,
    ];

    /// The name wherever state is kept.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Thinking => "thinking",
            Self::Reasoning => "reasoning",
            Self::Signature => "signature",
            Self::Words => "words",
            Self::Phase => "phase",
            Self::Oversized => "oversized",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

impl Opaque<'_> {
    /// The same state without a borrow.
    #[must_use]
    pub fn into_owned(self) -> Opaque<'static> {
        Opaque {
            origin: self.origin,
            provider: self.provider.map(|p| Cow::Owned(p.into_owned())),
            model: self.model.map(|m| Cow::Owned(m.into_owned())),
            kind: self.kind,
            state: Cow::Owned(self.state.into_owned()),
        }
    }
}
