//! The subsets of JSON Schema that vendors take.
//!
//! Moves a schema into a subset: rewrites what can be rewritten without loss (`const`, `oneOf`, `allOf`),
//! and writes a constraint that has no place into the description, where the model still reads it. Pure:
//! equal input gives equal bytes, members keep their order. Knows schemas, never requests or models.

use std::borrow::Cow;

use serde_json::Value;

mod cache;
mod cleaner;
mod keywords;
mod merge;
mod native;
mod proto;
mod reference;
mod root;
mod strict;
#[cfg(test)]
mod tests;
mod unique;

pub use native::from_gemini;
pub(crate) use root::{ALTERNATIVES, CONDITIONS, plain_root};

/// Whose subset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// OpenAI `strict: true`.
    OpenAiStrict,
    /// Anthropic strict tools and output format.
    AnthropicStrict,
    /// Gemini `parametersJsonSchema`, `responseJsonSchema`.
    GeminiJson,
    /// Gemini `parameters`, `responseSchema` (upper-case types).
    GeminiProto,
}

/// A schema inside a subset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// The schema, compact JSON, member order kept. For a strict flavour that does not fit, the original.
    pub schema: String,
    /// Keywords that were taken out and written into a description, each once.
    pub dropped: Vec<&'static str>,
    /// False when the structure cannot be expressed: the caller must not ask for strictness.
    pub fits: bool,
}

/// Moves a schema into a subset. The root is taken as it is: OpenAI's strict form wants an object there, so
/// whoever means to wrap another root does so before.
#[must_use]
pub fn clean(schema: &str, flavour: Flavour) -> Cleaned {
    cache::cleaned(schema, flavour, || clean_now(schema, flavour))
}

fn clean_now(schema: &str, flavour: Flavour) -> Cleaned {
    let strict = matches!(flavour, Flavour::OpenAiStrict | Flavour::AnthropicStrict);
    // The parser bounds the depth, so that nothing behind it can exhaust the stack.
    let Ok(root) = serde_json::from_str::<Value>(schema) else {
        return misfit(schema, flavour, strict);
    };
    let outcome = cleaner::run(&root, flavour);
    if strict && !outcome.fits {
        return misfit(schema, flavour, strict);
    }
    Cleaned {
        schema: outcome.schema.to_string(),
        dropped: outcome.dropped,
        fits: outcome.fits,
    }
}

/// A strict flavour leaves a schema that does not fit as it is; Gemini gets an object of any form.
fn misfit(schema: &str, flavour: Flavour, strict: bool) -> Cleaned {
    let schema = match flavour {
        _ if strict => crate::json::compact(schema).into_owned(),
        Flavour::GeminiProto => r#"{"type":"OBJECT"}"#.to_owned(),
        _ => r#"{"type":"object"}"#.to_owned(),
    };
    Cleaned {
        schema,
        dropped: Vec::new(),
        fits: false,
    }
}

/// A schema whose root is an object: `type` is added when missing, no schema becomes the empty object schema.
/// Names that stand twice in `required` stand once.
#[must_use]
pub fn object_root(schema: Option<&str>) -> Cow<'_, str> {
    unique::unique_required(rooted(schema))
}

fn rooted(schema: Option<&str>) -> Cow<'_, str> {
    const EMPTY: &str = r#"{"type":"object","properties":{}}"#;
    let Some(schema) = schema
        .map(str::trim)
        .filter(|schema| schema.starts_with('{'))
    else {
        return Cow::Borrowed(EMPTY);
    };
    let mut is_empty = true;
    let mut kind = None;
    let mut properties = false;
    for (key, range) in crate::json::members(schema) {
        is_empty = false;
        properties |= key == "properties";
        if key == "type" {
            kind = Some(&schema[range]);
        }
    }
    match kind {
        _ if is_empty => Cow::Borrowed(EMPTY),
        // Vendors refuse an object type without properties, or a root that is a list of types.
        Some(r#""object""#) if properties => Cow::Borrowed(schema),
        Some(r#""object""#) => Cow::Owned(format!("{},\"properties\":{{}}}}", schema_body(schema))),
        _ => retyped(schema),
    }
}

/// The schema without its closing brace.
fn schema_body(schema: &str) -> &str {
    schema
        .trim_end()
        .strip_suffix('}')
        .unwrap_or(schema)
        .trim_end()
}

/// The schema with `"type":"object"` in front and the old type left out.
fn retyped(schema: &str) -> Cow<'_, str> {
    let mut out = Vec::with_capacity(schema.len() + 32);
    crate::json::Writer::new(&mut out).object(|w| {
        w.str("type", "object");
        let mut properties = false;
        for (key, range) in crate::json::members(schema) {
            properties |= key == "properties";
            if key != "type" {
                w.raw(&key, &schema[range]);
            }
        }
        if !properties {
            w.raw("properties", "{}");
        }
    });
    Cow::Owned(crate::ir::into_string(out))
}
