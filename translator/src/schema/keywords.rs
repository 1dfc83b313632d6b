//! What each subset does with each keyword, as a table.

use serde_json::Value;

use super::Flavour;

/// What becomes of a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Stays as it is.
    Keep,
    /// A schema, a list of schemas or a map of schemas: cleaned in turn.
    Child,
    /// Goes into the description, under this name.
    Note(&'static str),
    /// An annotation without influence on the answer.
    Drop,
    /// Goes into the description, and the structure cannot be expressed without it.
    Break(&'static str),
}

/// `o`: OpenAI strict, `a`: Anthropic strict, `j`: Gemini JSON schema, `p`: Gemini Schema message.
/// `k` keep, `n` note, `d` drop, `b` break.
const TABLE: [(&str, [u8; 4]); 45] = [
    ("type", *b"kkkk"),
    ("enum", *b"kkkk"),
    ("const", *b"kkdd"),
    ("title", *b"kkkk"),
    ("required", *b"kkkk"),
    ("default", *b"nknk"),
    ("examples", *b"nkdd"),
    ("example", *b"dddk"),
    ("format", *b"kkkk"),
    ("pattern", *b"kknk"),
    ("minimum", *b"knkk"),
    ("maximum", *b"knkk"),
    ("exclusiveMinimum", *b"knnn"),
    ("exclusiveMaximum", *b"knnn"),
    ("multipleOf", *b"knnn"),
    ("minLength", *b"nnnk"),
    ("maxLength", *b"nnnk"),
    ("minItems", *b"kkkk"),
    ("maxItems", *b"knkk"),
    ("uniqueItems", *b"nnnn"),
    ("minProperties", *b"nnnk"),
    ("maxProperties", *b"nnnk"),
    ("not", *b"nnnn"),
    ("if", *b"nnnn"),
    ("then", *b"nnnn"),
    ("else", *b"nnnn"),
    ("dependentRequired", *b"nnnn"),
    ("dependentSchemas", *b"nnnn"),
    ("dependencies", *b"nnnn"),
    ("patternProperties", *b"bbnn"),
    ("propertyNames", *b"nnnn"),
    ("unevaluatedProperties", *b"nnnn"),
    ("unevaluatedItems", *b"nnnn"),
    ("contains", *b"nnnn"),
    ("minContains", *b"nnnn"),
    ("maxContains", *b"nnnn"),
    ("contentEncoding", *b"nnnn"),
    ("contentMediaType", *b"nnnn"),
    ("nullable", *b"dddk"),
    ("propertyOrdering", *b"ddkk"),
    ("$ref", *b"kkkd"),
    ("additionalItems", *b"nnnn"),
    ("$schema", *b"dddd"),
    ("$id", *b"dddd"),
    ("$comment", *b"dddd"),
];

const OPENAI_FORMATS: [&str; 9] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uuid",
];

/// What becomes of one keyword with its value.
pub(super) fn rule(flavour: Flavour, keyword: &str, value: &Value) -> Rule {
    match keyword {
        "properties" | "items" | "anyOf" | "$defs" | "additionalProperties" => return Rule::Child,
        "oneOf" if flavour == Flavour::GeminiJson => return Rule::Child,
        "prefixItems" if flavour == Flavour::GeminiJson => return Rule::Child,
        _ => {}
    }
    let Some((name, actions)) = TABLE.iter().find(|(name, _)| *name == keyword) else {
        return Rule::Drop;
    };
    match actions[flavour as usize] {
        b'k' if !value_fits(flavour, keyword, value) => Rule::Note(name),
        b'k' => Rule::Keep,
        b'n' if is_idle(keyword, value) => Rule::Drop,
        b'n' => Rule::Note(name),
        b'b' => Rule::Break(name),
        _ => Rule::Drop,
    }
}

/// A kept keyword may take only some values.
fn value_fits(flavour: Flavour, keyword: &str, value: &Value) -> bool {
    match (keyword, flavour) {
        ("format", Flavour::OpenAiStrict) => {
            value.as_str().is_some_and(|f| OPENAI_FORMATS.contains(&f))
        }
        ("format", Flavour::AnthropicStrict) => value
            .as_str()
            .is_some_and(|f| f == "uri" || OPENAI_FORMATS.contains(&f)),
        ("pattern", Flavour::AnthropicStrict) => value.as_str().is_some_and(is_simple_pattern),
        ("minItems", Flavour::AnthropicStrict) => value.as_u64().is_some_and(|n| n <= 1),
        _ => true,
    }
}

/// Values that constrain nothing.
fn is_idle(keyword: &str, value: &Value) -> bool {
    match keyword {
        "uniqueItems" => value == &Value::Bool(false),
        "minLength" | "minProperties" => value.as_u64() == Some(0),
        "unevaluatedProperties" | "unevaluatedItems" | "additionalItems" => value.is_boolean(),
        _ => value.is_null(),
    }
}

/// No look-around, back-references or word boundaries.
fn is_simple_pattern(pattern: &str) -> bool {
    let mut escaped = false;
    for c in pattern.chars() {
        if escaped && (c.is_ascii_digit() && c != '0' || matches!(c, 'b' | 'B' | 'k' | 'p' | 'P')) {
            return false;
        }
        escaped = c == '\\' && !escaped;
    }
    !["(?=", "(?!", "(?<"]
        .iter()
        .any(|mark| pattern.contains(mark))
}
