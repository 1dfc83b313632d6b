//! What a request asks for, without its dialect: the little that the script needs to choose an answer.
//! The dialect folders fill it after their checks; it must never hold wire JSON other than schemas.

use serde_json::Value;

use super::own_words::own_words;

/// The dialect that the upstream was asked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Chat,
    Responses,
    Messages,
    Gemini,
}

impl Dialect {
    /// The name as the configuration writes it (`api_format`).
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Chat => "openai",
            Self::Responses => "openai-responses",
            Self::Messages => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

/// A tool that the caller runs.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    /// The JSON schema of the arguments; `None` for a tool that takes free text.
    pub(super) schema: Option<Value>,
}

/// Which calls the caller allows or demands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Auto,
    Never,
    Required,
    /// One of these must be called.
    Named(Vec<String>),
}

/// The form that the final text must have.
#[derive(Debug)]
pub(super) enum Form {
    Text,
    Json,
    Schema(Value),
}

/// Whether the caller turned reasoning on, and whether it wants to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thought {
    Off,
    Hidden,
    Shown,
}

/// One request, read and checked.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) dialect: Dialect,
    pub(super) model: String,
    /// The text of the last user turn that has any.
    pub(super) user: String,
    /// Groups of tool results since that text.
    pub(super) rounds: usize,
    /// The results of the last group, as text; empty unless they end the conversation.
    pub(super) results: Vec<String>,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Choice,
    pub(super) parallel: bool,
    pub(super) form: Form,
    pub(super) thought: Thought,
    /// Pieces of opaque reasoning state that came back and proved genuine.
    pub(super) states: usize,
    pub(super) stop: Vec<String>,
    /// The output limit in tokens.
    pub(super) limit: Option<u64>,
    pub(super) input_tokens: u64,
    /// A hash of the body: identifiers of the answer are made from it.
    pub(super) seed: u64,
}

impl Ask {
    /// A request with everything at its default.
    pub(super) fn new(dialect: Dialect, model: &str, body: &Value) -> Self {
        Self {
            dialect,
            model: model.to_owned(),
            user: String::new(),
            rounds: 0,
            results: Vec::new(),
            tools: Vec::new(),
            choice: Choice::Auto,
            parallel: true,
            form: Form::Text,
            thought: Thought::Off,
            states: 0,
            stop: Vec::new(),
            limit: None,
            input_tokens: weigh(body),
            seed: super::seal::hash(body.to_string().as_bytes()),
        }
    }

    /// Notes a user text: what came before it is settled, unless only an agent spoke.
    pub(super) fn said(&mut self, text: &str) {
        let own = own_words(text);
        if !own.trim().is_empty() {
            self.user = own.into_owned();
            self.rounds = 0;
            self.results.clear();
        }
    }

    /// Notes one group of tool results.
    pub(super) fn ran(&mut self, results: Vec<String>) {
        self.rounds += 1;
        self.results = results;
    }

    /// An identifier of this answer: the prefix, the seed, and a number that tells several apart.
    pub(super) fn id(&self, prefix: &str, number: usize) -> String {
        format!("{prefix}{:016x}{number:02}", self.seed)
    }
}

/// Tokens of a text: four bytes each, rounded up.
pub(super) fn tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}

/// Tokens of everything textual in a body.
pub(super) fn weigh(body: &Value) -> u64 {
    match body {
        Value::String(text) => tokens(text),
        Value::Array(items) => items.iter().map(weigh).sum(),
        Value::Object(members) => members.values().map(weigh).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
