//! A request.

use std::borrow::Cow;

use super::{Cache, CacheMark, Output, Part, Reasoning, Residue, Sampling, Tier, Tool, ToolChoice};
use crate::member::Member;
use crate::{Dialect, Text};

/// A request in any dialect.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The dialect that it came in.
    pub dialect: Dialect,
    /// The model as the client wrote it.
    pub model: Cow<'a, str>,
    /// Leading system or developer text.
    pub instructions: Vec<Instruction<'a>>,
    /// The conversation. Neighbours of the same role are allowed; encoders merge where they must.
    pub turns: Vec<Turn<'a>>,
    /// Tools, in the client's order.
    pub tools: Vec<Tool<'a>>,
    /// The tools came in the deprecated form `functions` (Chat).
    pub function_calls: bool,
    /// Which tools to use.
    pub tool_choice: Option<ToolChoice<'a>>,
    /// Several calls at once.
    pub parallel: Option<bool>,
    /// Sampling parameters.
    pub sampling: Sampling,
    /// How many answers.
    pub n: Option<u64>,
    /// Log probabilities: the number of alternatives, 0 for the chosen token alone.
    pub logprobs: Option<u64>,
    /// Stop sequences.
    pub stop: Vec<Text<'a>>,
    /// Output limit in tokens, reasoning included.
    pub max_output: Option<u64>,
    /// How much to think.
    pub reasoning: Reasoning,
    /// The form of the answer.
    pub output: Output<'a>,
    /// OpenAI's verbosity: low, medium, high.
    pub verbosity: Option<Cow<'a, str>>,
    /// Prompt caching.
    pub cache: Cache<'a>,
    /// The end user (OpenAI `safety_identifier` or `user`, Anthropic `metadata.user_id`).
    pub user: Option<Text<'a>>,
    /// Key-value pairs for the record (OpenAI `metadata`, Gemini `labels`), raw JSON object.
    pub metadata: Option<Cow<'a, str>>,
    /// Service tier.
    pub tier: Option<Tier>,
    /// Keep the answer (OpenAI).
    pub store: Option<bool>,
    /// The answer that this request continues (Responses). The gateway has spliced it in before decoding.
    pub previous: Option<Cow<'a, str>>,
    /// The client wants a stream. Gemini says so in the path; the gateway sets it.
    pub stream: bool,
    /// The client wants usage on the stream (Chat). True for the other dialects.
    pub include_usage: bool,
    /// Members that a Responses answer repeats: name and raw JSON, compact.
    pub echo: Vec<(&'static str, Cow<'a, str>)>,
    /// Pictures are wanted in the answer beside text.
    pub picture_output: bool,
    /// Members that the client wrote in their second spelling (`max_tokens` for `max_completion_tokens`).
    pub spelling: Vec<(Member, &'static str)>,
    /// Members of which another spelling, with another value, counts.
    pub overruled: Vec<&'static str>,
    /// Members without a field here.
    pub residue: Vec<Residue<'a>>,
}

impl<'a> Request<'a> {
    /// An empty request of a dialect.
    #[must_use]
    pub fn new(dialect: Dialect, model: Cow<'a, str>) -> Self {
        Self {
            dialect,
            model,
            instructions: Vec::new(),
            turns: Vec::new(),
            tools: Vec::new(),
            function_calls: false,
            tool_choice: None,
            parallel: None,
            sampling: Sampling::default(),
            n: None,
            logprobs: None,
            stop: Vec::new(),
            max_output: None,
            reasoning: Reasoning::default(),
            output: Output::Text,
            verbosity: None,
            cache: Cache::default(),
            user: None,
            metadata: None,
            tier: None,
            store: None,
            previous: None,
            stream: false,
            include_usage: true,
            echo: Vec::new(),
            picture_output: false,
            spelling: Vec::new(),
            overruled: Vec::new(),
            residue: Vec::new(),
        }
    }
}

/// One block of leading system or developer text.
#[derive(Clone, Debug)]
pub struct Instruction<'a> {
    /// The text.
    pub text: Text<'a>,
    /// A prompt-cache mark behind it.
    pub cache: Option<CacheMark>,
}

/// What one side says before the other answers.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// Whose turn it is.
    pub role: Role,
    /// The content. May be empty.
    pub parts: Vec<Part<'a>>,
    /// The speaker's name (Chat).
    pub name: Option<Cow<'a, str>>,
    /// Commentary or final answer (Responses).
    pub phase: Option<Cow<'a, str>>,
}

impl<'a> Turn<'a> {
    /// A turn of a role.
    #[must_use]
    pub const fn new(role: Role, parts: Vec<Part<'a>>) -> Self {
        Self {
            role,
            parts,
            name: None,
            phase: None,
        }
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The client's side; tool results stand here too.
    User,
    /// The model.
    Assistant,
    /// The operator, in mid-conversation.
    System,
}
