//! Same dialect in and out: the client's bytes with targeted edits.
//!
//! Edited are the model, the output limit where a clamp is in force, the parameters that a route sets, and on
//! Chat streams the wish for usage. In direct mode the model alone.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use serde_json::{Map, Value};
use translator::Dialect;
use translator::json;

use super::peek::Peek;
use super::splice::{Edits, quoted};
use crate::snapshot::{Clamps, Mode};
use crate::upstream::Pieces;

/// What the edits depend on.
pub(super) struct Wish<'w> {
    pub(super) dialect: Dialect,
    pub(super) mode: Mode,
    /// The model to ask for.
    pub(super) model: &'w str,
    /// A stream is asked for.
    pub(super) stream: bool,
    pub(super) clamps: Clamps,
    pub(super) params: Option<&'w Map<String, Value>>,
    /// Usage on Chat streams can be asked for.
    pub(super) asks_for_usage: bool,
}

/// The body for the upstream, and whether the answer holds usage that the client did not ask for.
pub(super) fn body(document: &Bytes, peek: &Peek, wish: &Wish<'_>) -> (Pieces, bool) {
    let mut edits = Edits::default();
    let name = model_name(wish.dialect, wish.model);
    match &peek.model {
        Some((range, asked)) if *asked != name => edits.replace(range.clone(), quoted(&name)),
        Some(_) => {}
        // Gemini has it in the path.
        None if wish.dialect == Dialect::Gemini => {}
        None => edits.insert(peek.inside, "model", &quoted(&name), peek.empty),
    }
    if wish.mode == Mode::Direct {
        return (edits.apply(document), false);
    }
    let mut strip = false;
    if wish.dialect == Dialect::OpenAiChat && wish.stream && wish.asks_for_usage {
        strip = usage_wish(document, peek, &mut edits);
    }
    if wish.dialect == Dialect::Gemini {
        gemini_config(document, peek, wish, &mut edits);
    } else {
        flat_params(document, peek, wish, &mut edits);
    }
    (edits.apply(document), strip)
}

/// A model as the bodies of a dialect name it. Gemini's say again what the path says, and have to agree with it.
pub(super) fn model_name(dialect: Dialect, model: &str) -> Cow<'_, str> {
    let is_whole = ["models/", "tunedModels/"]
        .iter()
        .any(|prefix| model.starts_with(prefix));
    if dialect == Dialect::Gemini && !is_whole {
        Cow::Owned(format!("models/{model}"))
    } else {
        Cow::Borrowed(model)
    }
}

/// A value of the body. That the body is valid UTF-8 was established when it was looked at.
fn slice(document: &[u8], range: Range<usize>) -> &str {
    std::str::from_utf8(&document[range]).unwrap_or("")
}

/// The last member of that name at the top level.
fn member(document: &[u8], name: &str) -> Option<Range<usize>> {
    json::members(slice(document, 0..document.len()))
        .filter(|(key, _)| key == name)
        .last()
        .map(|(_, range)| range)
}

/// Asks for usage on a Chat stream; true when the client had not.
fn usage_wish(document: &[u8], peek: &Peek, edits: &mut Edits) -> bool {
    const ASKED: &[u8] = br#"{"include_usage":true}"#;
    let Some(range) = &peek.stream_options else {
        edits.insert(peek.inside, "stream_options", ASKED, peek.empty);
        return true;
    };
    let options = slice(document, range.clone());
    if !options.starts_with('{') {
        edits.replace(range.clone(), ASKED);
        return true;
    }
    let found = json::members(options)
        .filter(|(key, _)| key == "include_usage")
        .last();
    match found {
        Some((_, value)) if &options[value.clone()] == "true" => return false,
        Some((_, value)) => {
            edits.replace(range.start + value.start..range.start + value.end, *b"true");
        }
        None => {
            let empty = json::members(options).next().is_none();
            edits.insert(range.start + 1, "include_usage", b"true", empty);
        }
    }
    true
}

/// Members of the top level.
fn flat_params(document: &[u8], peek: &Peek, wish: &Wish<'_>, edits: &mut Edits) {
    let overrides = wish
        .params
        .map(|params| native(wish.dialect, params))
        .unwrap_or_default();
    let limit_set = overrides.iter().any(|(name, _)| is_limit(name));
    for (name, range) in &peek.limits {
        if overrides.iter().any(|(other, _)| other == name) {
            continue;
        }
        if limit_set {
            // The route says it in another member: both at once would be refused.
            edits.replace(range.clone(), *b"null");
        } else if let Some(limit) = clamped(slice(document, range.clone()), wish.clamps) {
            edits.replace(range.clone(), limit.to_string());
            if wish.dialect == Dialect::Anthropic
                && !overrides.iter().any(|(other, _)| other == "thinking")
            {
                budget_below(document, limit, edits);
            }
        }
    }
    for (name, value) in overrides {
        let value = clamp_override(&name, value, wish.clamps);
        match member(document, &name) {
            Some(range) => edits.replace(range, value.to_string()),
            None => edits.insert(peek.inside, &name, value.to_string().as_bytes(), peek.empty),
        }
    }
}

/// A budget for thinking must be smaller than the limit, and has a least size of its own.
fn budget_below(document: &[u8], limit: u64, edits: &mut Edits) {
    const LEAST: u64 = 1024;
    let Some(thinking) = member(document, "thinking") else {
        return;
    };
    let found = json::members(slice(document, thinking.clone()))
        .filter(|(key, _)| key == "budget_tokens")
        .last();
    let Some((_, range)) = found else { return };
    let range = thinking.start + range.start..thinking.start + range.end;
    if slice(document, range.clone())
        .parse::<u64>()
        .is_ok_and(|budget| budget < limit)
    {
        return;
    }
    if limit <= LEAST {
        edits.replace(thinking, br#"{"type":"disabled"}"#);
    } else {
        edits.replace(
            range,
            limit
                .saturating_sub((limit / 4).max(512))
                .max(LEAST)
                .to_string(),
        );
    }
}

/// Members of `generationConfig`, which is made when it is missing and needed.
fn gemini_config(document: &[u8], peek: &Peek, wish: &Wish<'_>, edits: &mut Edits) {
    let overrides = wish
        .params
        .map(|params| native(Dialect::Gemini, params))
        .unwrap_or_default();
    let config = peek
        .generation_config
        .as_ref()
        .map(|range| (range.start, slice(document, range.clone())));
    let Some((start, config)) = config.filter(|(_, config)| config.starts_with('{')) else {
        if !overrides.is_empty() {
            let object: Map<String, Value> = overrides
                .into_iter()
                .map(|(name, value)| (name.into_owned(), value))
                .collect();
            let value = Value::Object(object).to_string();
            match &peek.generation_config {
                Some(range) => edits.replace(range.clone(), value),
                None => edits.insert(
                    peek.inside,
                    "generationConfig",
                    value.as_bytes(),
                    peek.empty,
                ),
            }
        }
        return;
    };
    let members: Vec<(Cow<'_, str>, Range<usize>)> = json::members(config).collect();
    let place = |range: &Range<usize>| start + range.start..start + range.end;
    for (key, range) in &members {
        let overridden = overrides.iter().any(|(name, _)| camel(key) == *name);
        if !overridden
            && is_limit(&camel(key))
            && let Some(limit) = clamped(&config[range.clone()], wish.clamps)
        {
            edits.replace(place(range), limit.to_string());
        }
    }
    for (name, value) in overrides {
        let value = clamp_override(&name, value, wish.clamps).to_string();
        match members.iter().rfind(|(key, _)| camel(key) == name) {
            Some((_, range)) => edits.replace(place(range), value),
            None => edits.insert(start + 1, &name, value.as_bytes(), members.is_empty()),
        }
    }
}

/// Canonical parameters under the dialect's names.
fn native(dialect: Dialect, params: &Map<String, Value>) -> Vec<(Cow<'static, str>, Value)> {
    params
        .iter()
        .map(|(name, value)| {
            let name: Cow<'static, str> = match (dialect, name.as_str()) {
                (Dialect::OpenAiResponses, "max_tokens") => "max_output_tokens".into(),
                (Dialect::OpenAiResponses, "reasoning_effort") => {
                    return ("reasoning".into(), serde_json::json!({ "effort": value }));
                }
                (Dialect::Anthropic, "stop") => "stop_sequences".into(),
                (Dialect::Anthropic, "reasoning_effort") => {
                    return (
                        "output_config".into(),
                        serde_json::json!({ "effort": value }),
                    );
                }
                (Dialect::Gemini, "max_tokens") => "maxOutputTokens".into(),
                (Dialect::Gemini, "stop") => "stopSequences".into(),
                (Dialect::Gemini, "reasoning_effort") => {
                    return (
                        "thinkingConfig".into(),
                        serde_json::json!({ "thinkingLevel": value }),
                    );
                }
                (Dialect::Gemini, other) => camel(other).into_owned().into(),
                (_, other) => other.to_owned().into(),
            };
            (name, value.clone())
        })
        .collect()
}

fn is_limit(name: &str) -> bool {
    matches!(
        name,
        "max_tokens" | "max_completion_tokens" | "max_output_tokens" | "maxOutputTokens"
    )
}

/// `max_output_tokens` as `maxOutputTokens`.
fn camel(name: &str) -> Cow<'_, str> {
    if !name.contains('_') {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        if c == '_' {
            upper = true;
        } else {
            out.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    Cow::Owned(out)
}

/// The limit that is in force instead of the one given; `None` when that may stand.
fn clamped(raw: &str, clamps: Clamps) -> Option<u64> {
    let given: u64 = raw.parse().ok()?;
    let bounded = clamp(given, clamps);
    (bounded != given).then_some(bounded)
}

/// A limit moved between the clamps; the upper one wins.
pub(super) fn clamp(limit: u64, clamps: Clamps) -> u64 {
    limit
        .max(clamps.min_tokens.unwrap_or(0))
        .min(clamps.max_tokens.unwrap_or(u64::MAX))
}

fn clamp_override(name: &str, value: Value, clamps: Clamps) -> Value {
    match value.as_u64() {
        Some(limit) if is_limit(name) => Value::from(clamp(limit, clamps)),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn edit(
        dialect: Dialect,
        document: &'static str,
        params: &Value,
        clamps: Clamps,
        stream: bool,
    ) -> (String, bool) {
        let document = Bytes::from_static(document.as_bytes());
        let peek = Peek::at(&document).expect("an object");
        let params = params.as_object().cloned();
        let wish = Wish {
            dialect,
            mode: Mode::Transformer,
            model: "up",
            stream,
            clamps,
            params: params.as_ref(),
            asks_for_usage: true,
        };
        let (body, strip) = body(&document, &peek, &wish);
        (
            String::from_utf8(body.whole().to_vec()).expect("utf-8"),
            strip,
        )
    }

    #[test]
    fn the_model_is_the_upstreams_wherever_the_body_names_it() {
        let none = Clamps::default();
        for (dialect, given, want) in [
            (
                Dialect::OpenAiChat,
                r#"{"model":"m","x":1}"#,
                r#"{"model":"up","x":1}"#,
            ),
            (Dialect::Anthropic, r#"{"x":1}"#, r#"{"x":1,"model":"up"}"#),
            (
                Dialect::Gemini,
                r#"{"model":"models/m","x":1}"#,
                r#"{"model":"models/up","x":1}"#,
            ),
            (Dialect::Gemini, r#"{"x":1}"#, r#"{"x":1}"#),
        ] {
            let (body, _) = edit(dialect, given, &json!({}), none, false);
            let (body, want): (Value, Value) = (
                serde_json::from_str(&body).expect("JSON"),
                serde_json::from_str(want).expect("JSON"),
            );
            assert_eq!(body, want, "{given}");
        }
    }

    #[test]
    fn usage_is_asked_for_once() {
        let none = Clamps::default();
        for (given, want, strip) in [
            (
                r#"{"model":"m"}"#,
                r#"{"stream_options":{"include_usage":true},"model":"up"}"#,
                true,
            ),
            (
                r#"{"model":"up","stream_options":null}"#,
                r#"{"model":"up","stream_options":{"include_usage":true}}"#,
                true,
            ),
            (
                r#"{"model":"up","stream_options":{}}"#,
                r#"{"model":"up","stream_options":{"include_usage":true}}"#,
                true,
            ),
            (
                r#"{"model":"up","stream_options":{"x":1}}"#,
                r#"{"model":"up","stream_options":{"include_usage":true,"x":1}}"#,
                true,
            ),
            (
                r#"{"model":"up","stream_options":{"include_usage":false}}"#,
                r#"{"model":"up","stream_options":{"include_usage":true}}"#,
                true,
            ),
            (
                r#"{"model":"up","stream_options":{"include_usage":true}}"#,
                r#"{"model":"up","stream_options":{"include_usage":true}}"#,
                false,
            ),
        ] {
            assert_eq!(
                edit(Dialect::OpenAiChat, given, &Value::Null, none, true),
                (want.to_owned(), strip),
                "{given}"
            );
        }
    }

    #[test]
    fn clamps_and_overrides() {
        let clamps = Clamps {
            max_tokens: Some(100),
            min_tokens: Some(10),
        };
        let params = json!({"temperature": 0.2, "max_tokens": 500});
        let cases = [
            (
                Dialect::OpenAiChat,
                r#"{"model":"up","max_tokens":5}"#,
                Value::Null,
                r#"{"model":"up","max_tokens":10}"#,
            ),
            (
                Dialect::OpenAiChat,
                r#"{"model":"up","max_completion_tokens":500}"#,
                Value::Null,
                r#"{"model":"up","max_completion_tokens":100}"#,
            ),
            (
                Dialect::Anthropic,
                r#"{"model":"up","max_tokens":50}"#,
                Value::Null,
                r#"{"model":"up","max_tokens":50}"#,
            ),
            (
                Dialect::Anthropic,
                r#"{"model":"up","max_tokens":50,"temperature":1}"#,
                params.clone(),
                r#"{"model":"up","max_tokens":100,"temperature":0.2}"#,
            ),
            (
                Dialect::Anthropic,
                r#"{"model":"up","thinking":{"type":"enabled","budget_tokens":2048},"max_tokens":4096}"#,
                Value::Null,
                r#"{"model":"up","thinking":{"type":"disabled"},"max_tokens":100}"#,
            ),
            (
                Dialect::OpenAiResponses,
                r#"{"model":"up"}"#,
                params.clone(),
                r#"{"temperature":0.2,"max_output_tokens":100,"model":"up"}"#,
            ),
            (
                Dialect::Gemini,
                r#"{"contents":[],"generationConfig":{"max_output_tokens":500,"topP":1}}"#,
                Value::Null,
                r#"{"contents":[],"generationConfig":{"max_output_tokens":100,"topP":1}}"#,
            ),
            (
                Dialect::Gemini,
                r#"{"contents":[],"generationConfig":{}}"#,
                json!({"top_k": 3}),
                r#"{"contents":[],"generationConfig":{"topK":3}}"#,
            ),
            (
                Dialect::Gemini,
                r#"{"contents":[]}"#,
                json!({"top_k": 3}),
                r#"{"generationConfig":{"topK":3},"contents":[]}"#,
            ),
        ];
        for (dialect, given, params, want) in cases {
            assert_eq!(
                edit(dialect, given, &params, clamps, false).0,
                want,
                "{given}"
            );
        }
    }

    #[test]
    fn direct_mode_touches_the_model_alone() {
        let document = Bytes::from_static(br#"{"model":"m","max_tokens":500,"stream":true}"#);
        let peek = Peek::at(&document).expect("an object");
        let wish = Wish {
            dialect: Dialect::OpenAiChat,
            mode: Mode::Direct,
            model: "up",
            stream: true,
            clamps: Clamps {
                max_tokens: Some(1),
                min_tokens: None,
            },
            params: None,
            asks_for_usage: true,
        };
        let (body, strip) = body(&document, &peek, &wish);
        assert_eq!(
            &body.whole()[..],
            br#"{"model":"up","max_tokens":500,"stream":true}"#
        );
        assert!(!strip);
    }
}
