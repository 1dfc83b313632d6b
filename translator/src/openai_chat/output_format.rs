//! `response_format`, read and written.
//!
//! Writing includes what stands in for it where the upstream lacks it: an instruction, a wrapped schema.

use std::borrow::Cow;

use super::encode_request::Draft;
use super::wire_request::WireFormat;
use crate::ident::{Charset, tool_name};
use crate::ir::{Kind, Output, Policy, Request, Residue, Role};
use crate::json::{self, Writer};
use crate::member::Member;
use crate::schema::{self, Flavour};
use crate::wire::{Raw, parse_raw};
use crate::{Dialect, Text};

/// Longest name of a schema.
const NAME_MAX: usize = 64;

/// Reads `response_format`. An unknown form is kept as residue.
pub(super) fn decode<'a>(raw: Option<Raw<'a>>, request: &mut Request<'a>) {
    let Some(raw) = raw else { return };
    let format: WireFormat<'a> = parse_raw(raw).unwrap_or_default();
    request.output = match format.kind.as_ref().map(crate::wire::Str::as_str) {
        Some("text") => Output::Text,
        Some("json_object") => match format.schema {
            // Several compatible servers take a schema here.
            Some(schema) => schema_of(schema, None, None, None),
            None => Output::Json,
        },
        Some("json_schema") => match format.json_schema {
            Some(inner) => match inner.schema {
                Some(schema) => schema_of(
                    schema,
                    inner.name.map(|name| name.0),
                    inner.description,
                    inner.strict,
                ),
                None => Output::Json,
            },
            None => Output::Json,
        },
        _ => {
            request.residue.push(Residue {
                field: Cow::Borrowed("response_format"),
                raw: raw.get(),
                policy: Policy::Report,
            });
            Output::Text
        }
    };
}

fn schema_of<'a>(
    schema: Raw<'a>,
    name: Option<Cow<'a, str>>,
    description: Option<Text<'a>>,
    strict: Option<bool>,
) -> Output<'a> {
    Output::Schema {
        name,
        description,
        schema: Cow::Borrowed(schema.get()),
        strict,
    }
}

/// What the upstream gets: a native form, an instruction, or both.
#[derive(Debug, Default)]
pub(super) struct Format {
    /// `response_format`, raw JSON.
    pub(super) native: Option<String>,
    /// A line that joins the instructions.
    pub(super) instruction: Option<String>,
}

impl Draft<'_> {
    /// Decides the form of the answer and notes what must be undone.
    pub(super) fn plan_format(&mut self) -> Format {
        let request = self.request;
        match &request.output {
            Output::Text => Format::default(),
            Output::Json => self.json_mode(),
            Output::Schema {
                name,
                description,
                schema,
                strict,
            } => {
                if !self.capability.json_schema {
                    return self.schema_by_instruction(schema);
                }
                let native =
                    self.schema_format(name.as_deref(), description.as_ref(), schema, *strict);
                Format {
                    native: Some(native),
                    instruction: None,
                }
            }
        }
    }

    fn json_mode(&mut self) -> Format {
        const LINE: &str = "Respond with a JSON object.";
        if self.capability.json_mode {
            let native = Some(r#"{"type":"json_object"}"#.to_owned());
            if mentions_json(self.request) {
                return Format {
                    native,
                    instruction: None,
                };
            }
            // The service refuses JSON mode unless the word occurs in the messages.
            self.report.emulated(
                self.member(Member::Output),
                "the word JSON was added to the instructions",
            );
            return Format {
                native,
                instruction: Some(LINE.to_owned()),
            };
        }
        self.undo.strip_fence = true;
        self.report.degraded(
            self.member(Member::Output),
            "asked for by an instruction: the model has no JSON mode",
        );
        let line = "Respond with one JSON object and nothing else, no code fence.";
        Format {
            native: None,
            instruction: Some(line.to_owned()),
        }
    }

    fn schema_by_instruction(&mut self, schema: &str) -> Format {
        self.undo.strip_fence = true;
        self.report.degraded(
            self.member(Member::Output),
            "the schema was written into the instructions: the model cannot be bound to it",
        );
        let line = format!(
            "Respond with one JSON value that matches this JSON schema and nothing else, no code fence: {}",
            json::compact(schema)
        );
        let native = self
            .capability
            .json_mode
            .then(|| r#"{"type":"json_object"}"#.to_owned());
        Format {
            native,
            instruction: Some(line),
        }
    }

    fn schema_format(
        &mut self,
        name: Option<&str>,
        description: Option<&Text<'_>>,
        schema: &str,
        strict: Option<bool>,
    ) -> String {
        let wrapped = wrap(schema);
        if wrapped.is_some() {
            self.undo.unwrap_value = true;
            self.report.emulated(
                self.member(Member::Output),
                "the schema was wrapped: its root is no object",
            );
        }
        let schema = wrapped.as_deref().unwrap_or(schema);
        let (schema, strict) = self.strictness(schema, strict);
        let name = tool_name(
            name.filter(|name| !name.is_empty()).unwrap_or("output"),
            Charset::Word,
            NAME_MAX,
        );
        let mut out = Vec::with_capacity(schema.len() + 128);
        Writer::new(&mut out).object(|w| {
            w.str("type", "json_schema");
            w.object_in("json_schema", |w| {
                w.str("name", &name);
                if let Some(description) = description.filter(|text| !text.is_empty()) {
                    w.text("description", description);
                }
                w.raw("schema", &schema);
                w.bool("strict", strict);
            });
        });
        crate::ir::into_string(out)
    }

    /// The schema in OpenAI's strict subset when strictness is asked for and possible.
    fn strictness<'s>(&mut self, schema: &'s str, strict: Option<bool>) -> (Cow<'s, str>, bool) {
        match self.request.dialect {
            // The client wrote to OpenAI's rules itself.
            Dialect::OpenAiChat | Dialect::OpenAiResponses => {
                (Cow::Borrowed(schema), strict.unwrap_or(false))
            }
            Dialect::Anthropic | Dialect::Gemini => {
                if strict == Some(false) {
                    return (Cow::Borrowed(schema), false);
                }
                let cleaned = schema::clean(schema, Flavour::OpenAiStrict);
                if cleaned.fits {
                    if !cleaned.dropped.is_empty() {
                        let detail =
                            format!("moved into descriptions: {}", cleaned.dropped.join(", "));
                        self.report
                            .degraded(self.member(Member::OutputStrict), detail);
                    }
                    return (Cow::Owned(cleaned.schema), true);
                }
                if strict == Some(true) || self.request.dialect == Dialect::Anthropic {
                    self.report.degraded(
                        self.member(Member::OutputStrict),
                        "the schema is outside the strict subset: the answer is not bound to it",
                    );
                }
                (Cow::Borrowed(schema), false)
            }
        }
    }
}

/// True when the instructions or the conversation up to its first user turn say JSON. Later turns do not
/// count, so that a growing conversation keeps its beginning.
fn mentions_json(request: &Request<'_>) -> bool {
    let says = |text: &Text<'_>| {
        text.as_str()
            .as_bytes()
            .windows(4)
            .any(|window| window.eq_ignore_ascii_case(b"json"))
    };
    if request
        .instructions
        .iter()
        .any(|instruction| says(&instruction.text))
    {
        return true;
    }
    for turn in &request.turns {
        let said = turn.parts.iter().any(|part| match &part.kind {
            Kind::Text { text, .. } => says(text),
            _ => false,
        });
        if said {
            return true;
        }
        if turn.role == Role::User {
            return false;
        }
    }
    false
}

/// A schema whose root is no plain object, as the member `value` of one. Definitions move to the new root,
/// where references look for them.
fn wrap(schema: &str) -> Option<String> {
    let is_object = json::member(schema, "type") == Some("\"object\"")
        || (json::member(schema, "type").is_none() && json::member(schema, "properties").is_some());
    let has_union =
        json::member(schema, "anyOf").is_some() || json::member(schema, "oneOf").is_some();
    if is_object && !has_union {
        return None;
    }
    let is_definition = |name: &str| name == "$defs" || name == "definitions";
    let mut out = Vec::with_capacity(schema.len() + 128);
    Writer::new(&mut out).object(|w| {
        w.str("type", "object");
        w.object_in("properties", |w| {
            if schema.trim_start().starts_with('{') {
                w.object_in("value", |w| {
                    for (name, range) in
                        json::members(schema).filter(|(name, _)| !is_definition(name))
                    {
                        w.raw(&name, &schema[range]);
                    }
                });
            } else {
                w.raw("value", schema);
            }
        });
        w.raw("required", r#"["value"]"#);
        w.bool("additionalProperties", false);
        for (name, range) in json::members(schema).filter(|(name, _)| is_definition(name)) {
            w.raw(&name, &schema[range]);
        }
    });
    Some(crate::ir::into_string(out))
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn only_roots_that_are_no_object_are_wrapped() {
        assert_eq!(wrap(r#"{"type":"object","properties":{}}"#), None);
        assert_eq!(wrap(r#"{"properties":{"a":{}}}"#), None);
        assert_eq!(
            wrap(
                r##"{"$defs":{"A":{"type":"string"}},"type":"array","items":{"$ref":"#/$defs/A"}}"##
            )
            .as_deref(),
            Some(concat!(
                r##"{"type":"object","properties":{"value":{"type":"array","items":{"$ref":"#/$defs/A"}}},"##,
                r##""required":["value"],"additionalProperties":false,"$defs":{"A":{"type":"string"}}}"##
            ))
        );
    }
}
