//! Configurations of older gateways, written as `app.yml`: what can be carried over, and a remark for all that cannot.
//! Pure: text in, text out.

mod channels;
mod draft;
mod legacy;
mod litellm;
mod router;
mod vendors;

use clap::ValueEnum;
use serde_json::Value;

pub(crate) use self::draft::Draft;

/// Whose configuration it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Origin {
    /// `config.yaml` of LiteLLM's proxy.
    Litellm,
    /// `config.json` of claude-code-router.
    ClaudeCodeRouter,
    /// Channels of one-api, as its admin API lists them.
    OneApi,
    /// Channels of new-api, as its admin API lists them.
    NewApi,
    /// `provider.json` of the older bridge.
    ProviderJson,
    /// `.env` of the older bridge.
    Env,
}

impl Origin {
    /// Writes it anew.
    ///
    /// # Errors
    /// When it is no such configuration: what is wrong with it.
    pub(crate) fn migrate(self, text: &str) -> Result<Draft, String> {
        match self {
            Self::Litellm => litellm::migrate(&document(text)?),
            Self::ClaudeCodeRouter => router::migrate(&document(&without_comments(text))?),
            Self::OneApi => channels::migrate(&document(text)?, channels::Family::OneApi),
            Self::NewApi => channels::migrate(&document(text)?, channels::Family::NewApi),
            Self::ProviderJson => legacy::providers(&document(text)?),
            Self::Env => legacy::environment(text),
        }
    }
}

/// JSON, or YAML. JSON first: it keeps the order and every digit.
fn document(text: &str) -> Result<Value, String> {
    serde_json::from_str(text)
        .or_else(|_| serde_yaml::from_str(text))
        .map_err(|error: serde_yaml::Error| error.to_string())
}

/// JSON for people, with comments and trailing commas, as plain JSON; as it is where it is neither.
fn without_comments(text: &str) -> String {
    let options = jsonc_parser::ParseOptions::default();
    let tree = jsonc_parser::cst::CstRootNode::parse(text, &options).ok();
    let value = tree.and_then(|tree| tree.to_serde_value());
    value.map_or_else(|| text.to_owned(), |value| value.to_string())
}

/// A member that is text; nothing where it is empty.
fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value[member]
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// Members that are there and were not looked at.
fn unknown(value: &Value, known: &[&str]) -> Vec<String> {
    let Some(members) = value.as_object() else {
        return Vec::new();
    };
    members
        .iter()
        .filter(|(name, value)| !known.contains(&name.as_str()) && !is_nothing(value))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Says nothing, or what holds without it.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) => false,
    }
}
