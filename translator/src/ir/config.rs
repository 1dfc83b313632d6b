//! What a request asks for besides its conversation.

use std::borrow::Cow;

use crate::Text;

/// A tool that the model may call.
#[derive(Clone, Debug)]
pub struct Tool<'a> {
    /// Its name, without its namespace.
    pub name: Cow<'a, str>,
    /// Codex's tool groups (Responses `namespace`).
    pub namespace: Option<Cow<'a, str>>,
    /// What it is for.
    pub description: Option<Text<'a>>,
    /// How it is called.
    pub kind: ToolKind<'a>,
    /// The arguments must match the schema exactly; `None` when the client did not say.
    pub strict: Option<bool>,
    /// A prompt-cache mark behind this tool.
    pub cache: Option<super::CacheMark>,
    /// The native definition, for the same dialect.
    pub raw: Option<Cow<'a, str>>,
}

/// The kinds of tools.
#[derive(Clone, Debug)]
pub enum ToolKind<'a> {
    /// A function with a JSON schema.
    Function {
        /// The schema, raw JSON; `None` when there are no parameters.
        schema: Option<Cow<'a, str>>,
    },
    /// A custom tool that takes free text (Chat, Responses).
    Freeform {
        /// Native `format`, raw JSON: grammar or text.
        format: Option<Cow<'a, str>>,
    },
    /// A tool that the vendor runs.
    Server(ServerTool),
    /// A vendor's tool that the client runs but whose schema is not on the wire (`bash_20250124`, `apply_patch`).
    Vendor {
        /// The vendor's type tag.
        tag: Cow<'a, str>,
    },
}

/// Tools that vendors run themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerTool {
    /// Search the web.
    WebSearch,
    /// Read a URL.
    WebFetch,
    /// Run code.
    CodeExecution,
    /// Anything else: no other dialect has it.
    Other,
}

/// Which tools the model may or must use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice<'a> {
    /// The model decides.
    Auto,
    /// No tool.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(Cow<'a, str>),
    /// Only these; at least one of them when `required`.
    Allowed {
        /// The names.
        names: Vec<Cow<'a, str>>,
        /// A call is demanded.
        required: bool,
    },
}

impl ToolChoice<'_> {
    /// A call is demanded.
    #[must_use]
    pub const fn forces(&self) -> bool {
        match self {
            Self::Required | Self::Named(_) => true,
            Self::Allowed { required, .. } => *required,
            Self::Auto | Self::None => false,
        }
    }
}

/// Sampling parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// Softmax temperature.
    pub temperature: Option<f64>,
    /// Nucleus.
    pub top_p: Option<f64>,
    /// Number of candidates.
    pub top_k: Option<f64>,
    /// -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// -2 to 2.
    pub presence_penalty: Option<f64>,
    /// For repeatable sampling.
    pub seed: Option<i64>,
}

/// How much to think, in the form that the client used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// On, off, or the model's own way.
    pub mode: ReasoningMode,
    /// How hard.
    pub effort: Option<Effort>,
    /// How many tokens (Anthropic `budget_tokens`, Gemini `thinkingBudget`); -1 leaves it to the model.
    pub budget: Option<i64>,
    /// Whether the client wants to see it.
    pub show: Show,
}

/// On, off, or the model's own way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReasoningMode {
    /// The client did not say.
    #[default]
    Unset,
    /// No reasoning.
    Off,
    /// Reason, with a budget.
    On,
    /// The model decides how much.
    Adaptive,
    /// Only between tool calls (Anthropic).
    BetweenTools,
}

/// Reasoning effort, the union of all scales. `none` is [`ReasoningMode::Off`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Hardly any.
    Minimal,
    /// Little.
    Low,
    /// The middle.
    Medium,
    /// Much.
    High,
    /// More.
    XHigh,
    /// All the model can.
    Max,
}

impl Effort {
    /// The budget in tokens that stands for the effort where a server counts; [`Self::from_budget`] reads it back.
    #[must_use]
    pub const fn budget(self) -> i64 {
        match self {
            Self::Minimal => 1_024,
            Self::Low => 2_048,
            Self::Medium => 8_192,
            Self::High => 24_576,
            Self::XHigh => 32_768,
            Self::Max => 64_000,
        }
    }

    /// The word on the wire (all dialects use the same, Gemini in upper case).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// Reads the word, in any case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Minimal,
            Self::Low,
            Self::Medium,
            Self::High,
            Self::XHigh,
            Self::Max,
        ]
        .into_iter()
        .find(|effort| effort.as_str().eq_ignore_ascii_case(word))
    }

    /// The effort that a budget stands for; `None` for a negative, dynamic budget.
    /// A budget of 0 is [`ReasoningMode::Off`] and gives `None` too.
    #[must_use]
    pub const fn from_budget(tokens: i64) -> Option<Self> {
        match tokens {
            i64::MIN..=0 => None,
            1..=1024 => Some(Self::Minimal),
            1025..=4095 => Some(Self::Low),
            4096..=16383 => Some(Self::Medium),
            16384..=31998 => Some(Self::High),
            31999..=63998 => Some(Self::XHigh),
            _ => Some(Self::Max),
        }
    }
}

/// Whether the client wants to see the reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// The client did not say.
    #[default]
    Unset,
    /// No.
    Hidden,
    /// A summary.
    Summary(Summary),
}

/// How long a summary of the reasoning should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// The model decides.
    Auto,
    /// Short.
    Concise,
    /// Long.
    Detailed,
}

/// The form of the answer.
#[derive(Clone, Debug, Default)]
pub enum Output<'a> {
    /// Plain text.
    #[default]
    Text,
    /// Some JSON object.
    Json,
    /// JSON of a schema.
    Schema {
        /// The schema's name, if the client gave one.
        name: Option<Cow<'a, str>>,
        /// What it describes.
        description: Option<Text<'a>>,
        /// The schema, raw JSON.
        schema: Cow<'a, str>,
        /// Exactly that schema; `None` when the client did not say.
        strict: Option<bool>,
    },
}

/// Service tier, the union of all names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// The account's setting.
    Auto,
    /// Standard.
    Default,
    /// Cheap and slow.
    Flex,
    /// Dear and fast.
    Priority,
}

/// Prompt caching for the whole request.
#[derive(Clone, Debug, Default)]
pub struct Cache<'a> {
    /// OpenAI's routing key.
    pub key: Option<Text<'a>>,
    /// Anthropic's top-level mark.
    pub auto: Option<super::CacheMark>,
    /// The client marks by hand and wants nothing automatic (OpenAI `mode: explicit`).
    pub explicit: bool,
}

/// What happens to a member that has no place in another dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// No observable effect: drop it silently.
    Silent,
    /// Drop it and say so.
    Report,
    /// Refuse the request.
    Refuse,
}

/// A member of the request without a field in the representation.
#[derive(Clone, Debug)]
pub struct Residue<'a> {
    /// The member's name, as it stood on the wire (the full path for a nested one).
    pub field: Cow<'a, str>,
    /// Its value, raw JSON.
    pub raw: &'a str,
    /// What to do with it in another dialect.
    pub policy: Policy,
}
