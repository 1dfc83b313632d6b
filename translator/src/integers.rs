//! Whole numbers that an upstream wrote as `5.0` become `5` where the tool's schema wants an integer.
//!
//! Some services keep all numbers as floating point; strict tools then refuse their own arguments. Only the spelling
//! changes: the digits are those of the upstream.

use std::borrow::Cow;

use serde_json::Value;

use crate::json::{self, Writer};

/// Nesting that is followed.
const DEPTH: usize = 32;

/// True when a schema, raw JSON, speaks of integers at all.
pub(crate) fn wanted(schema: &str) -> bool {
    ["integer", "INTEGER"]
        .iter()
        .any(|word| memchr::memmem::find(schema.as_bytes(), word.as_bytes()).is_some())
}

/// Arguments with integers where the schema wants them.
pub(crate) fn mend<'a>(args: &'a str, schema: &str) -> Cow<'a, str> {
    if memchr::memmem::find(args.as_bytes(), b".0").is_none() {
        return Cow::Borrowed(args);
    }
    match serde_json::from_str::<Value>(schema) {
        Ok(root) => value(args, &root, &root, DEPTH),
        Err(_) => Cow::Borrowed(args),
    }
}

fn value<'a>(raw: &'a str, schema: &Value, root: &Value, depth: usize) -> Cow<'a, str> {
    let schema = resolved(schema, root);
    let Some(depth) = depth.checked_sub(1) else {
        return Cow::Borrowed(raw);
    };
    match raw.as_bytes().first() {
        Some(b'{') => {
            let mut out = Vec::with_capacity(raw.len());
            Writer::new(&mut out).object(|w| {
                for (name, range) in json::members(raw) {
                    let inner = &raw[range];
                    match member(schema, &name, root) {
                        Some(schema) => w.raw(&name, &value(inner, schema, root, depth)),
                        None => w.raw(&name, inner),
                    }
                }
            });
            Cow::Owned(crate::ir::into_string(out))
        }
        Some(b'[') => {
            let mut out = Vec::with_capacity(raw.len());
            Writer::new(&mut out).array(|w| {
                for (index, inner) in json::elements(raw).enumerate() {
                    match element(schema, index, root) {
                        Some(schema) => w.item_raw(&value(inner, schema, root, depth)),
                        None => w.item_raw(inner),
                    }
                }
            });
            Cow::Owned(crate::ir::into_string(out))
        }
        Some(b'-' | b'0'..=b'9') if is_integer(schema, root) => Cow::Borrowed(whole(raw)),
        _ => Cow::Borrowed(raw),
    }
}

/// The number without a fraction that says nothing.
fn whole(raw: &str) -> &str {
    match raw.split_once('.') {
        Some((digits, fraction)) if fraction.bytes().all(|digit| digit == b'0') => digits,
        _ => raw,
    }
}

fn resolved<'s>(schema: &'s Value, root: &'s Value) -> &'s Value {
    let mut schema = schema;
    for _ in 0..DEPTH {
        let target = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|path| path.strip_prefix('#'))
            .and_then(|path| root.pointer(path));
        match target {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// The schema and its alternatives.
fn variants<'s>(schema: &'s Value, root: &'s Value) -> impl Iterator<Item = &'s Value> {
    let others = ["anyOf", "oneOf", "allOf"]
        .into_iter()
        .filter_map(|key| schema.get(key)?.as_array())
        .flatten();
    std::iter::once(schema).chain(others.map(|schema| resolved(schema, root)))
}

fn member<'s>(schema: &'s Value, name: &str, root: &'s Value) -> Option<&'s Value> {
    let own = variants(schema, root).find_map(|it| it.get("properties")?.get(name));
    let other = || variants(schema, root).find_map(|it| it.get("additionalProperties"));
    own.or_else(other)
}

fn element<'s>(schema: &'s Value, index: usize, root: &'s Value) -> Option<&'s Value> {
    let own = variants(schema, root).find_map(|it| it.get("prefixItems")?.get(index));
    own.or_else(|| variants(schema, root).find_map(|it| it.get("items")))
}

/// True when the value may be an integer and no other kind of number.
fn is_integer(schema: &Value, root: &Value) -> bool {
    let says = |word: &str| {
        variants(schema, root)
            .filter_map(|it| it.get("type"))
            .any(|kind| match kind {
                Value::String(kind) => kind.eq_ignore_ascii_case(word),
                Value::Array(kinds) => kinds
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|kind| kind.eq_ignore_ascii_case(word)),
                _ => false,
            })
    };
    says("integer") && !says("number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_integers_lose_their_fraction() {
        let schema = r##"{"type":"object","$defs":{"count":{"type":"integer"}},"properties":{
            "n":{"type":"integer"},"x":{"type":"number"},"both":{"type":["integer","number"]},
            "maybe":{"anyOf":[{"type":"integer"},{"type":"null"}]},"ref":{"$ref":"#/$defs/count"},
            "list":{"type":"array","items":{"type":"integer"}},"pair":{"prefixItems":[{"type":"integer"},{"type":"number"}]},
            "in":{"type":"object","properties":{"n":{"type":"INTEGER"}}},
            "map":{"type":"object","additionalProperties":{"type":"integer"}}}}"##;
        let cases = [
            (r#"{"n":5.0,"x":5.0}"#, r#"{"n":5,"x":5.0}"#),
            (r#"{"n":-7.000,"id":1.0}"#, r#"{"n":-7,"id":1.0}"#),
            (r#"{"n":9007199254740993.0}"#, r#"{"n":9007199254740993}"#),
            (r#"{"n":5.5,"both":1.0}"#, r#"{"n":5.5,"both":1.0}"#),
            (r#"{"n":1.0e3,"maybe":2.0}"#, r#"{"n":1.0e3,"maybe":2}"#),
            (
                r#"{"ref":3.0,"list":[1.0,2.5,3.0]}"#,
                r#"{"ref":3,"list":[1,2.5,3]}"#,
            ),
            (
                r#"{"pair":[1.0,2.0],"in":{"n":4.0,"m":4.0}}"#,
                r#"{"pair":[1,2.0],"in":{"n":4,"m":4.0}}"#,
            ),
            (
                r#"{"map":{"a\n":1.0},"n":"6.0"}"#,
                r#"{"map":{"a\n":1},"n":"6.0"}"#,
            ),
        ];
        for (args, want) in cases {
            assert_eq!(mend(args, schema), want);
        }
        assert_eq!(mend(r#"{"n":5.0}"#, "no schema"), r#"{"n":5.0}"#);
        let endless = r##"{"$ref":"#/a","a":{"$ref":"#/a"}}"##;
        assert_eq!(mend(r#"{"n":5.0}"#, endless), r#"{"n":5.0}"#);
    }
}
