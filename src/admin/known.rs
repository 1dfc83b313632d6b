//! Bodies whose members are all known. A member that nobody reads is a mistake in writing, and a condition that is
//! dropped for it makes a rule hold for everything; so such a body is refused with the member's path. What reading
//! shows, writing may give back.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, Type};
use serde_json::Value;

/// A `T` as a body, with no other members than those of `T`, and of `R` as which it is read.
pub(super) struct Known<T, R = T> {
    value: T,
    read_as: PhantomData<fn() -> R>,
}

impl<T, R> Known<T, R> {
    /// What was written.
    pub(super) fn into_inner(self) -> T {
        self.value
    }
}

impl<T: fmt::Debug, R> fmt::Debug for Known<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T, R> Deref for Known<T, R> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Type, R: Send + Sync> Type for Known<T, R> {
    const IS_REQUIRED: bool = T::IS_REQUIRED;

    type RawValueType = T::RawValueType;

    type RawElementValueType = T::RawElementValueType;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        self.value.as_raw_value()
    }

    fn raw_element_iter<'a>(
        &'a self,
    ) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
        self.value.raw_element_iter()
    }
}

impl<T: ParseFromJSON, R: Type> ParseFromJSON for Known<T, R> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        // Told before what is missing: it is the same mistake, seen from where it was made.
        if let Some(path) = value.as_ref().and_then(unknown_member::<T, R>) {
            return Err(ParseError::custom(format!("unknown field `{path}`.")));
        }
        let value = T::parse_from_json(value).map_err(ParseError::propagate)?;
        Ok(Self {
            value,
            read_as: PhantomData,
        })
    }
}

/// The path of the first member that neither way of seeing it has.
fn unknown_member<T: Type, R: Type>(value: &Value) -> Option<String> {
    let mut registry = Registry::new();
    T::register(&mut registry);
    R::register(&mut registry);
    let mut path = String::new();
    let schemas = [T::schema_ref(), R::schema_ref()];
    stranger(
        &registry,
        &schemas.iter().collect::<Vec<_>>(),
        value,
        &mut path,
    )
    .then_some(path)
}

/// Whether there is an unknown member in `value`, whose schema any of `schemas` may be; `path` is then its place.
fn stranger(
    registry: &Registry,
    schemas: &[&MetaSchemaRef],
    value: &Value,
    path: &mut String,
) -> bool {
    let mut members = Vec::new();
    let mut rest = Vec::new();
    let mut items = Vec::new();
    let mut open: Vec<&MetaSchemaRef> = schemas.to_vec();
    while let Some(schema) = open.pop() {
        let schema = match schema {
            MetaSchemaRef::Inline(schema) => schema.as_ref(),
            MetaSchemaRef::Reference(name) => match registry.schemas.get(name) {
                Some(schema) => schema,
                None => return false,
            },
        };
        members.extend(&schema.properties);
        rest.extend(schema.additional_properties.as_deref());
        items.extend(schema.items.as_deref());
        open.extend(&schema.any_of);
        open.extend(&schema.one_of);
        open.extend(&schema.all_of);
    }
    let length = path.len();
    match value {
        // Without any members it is free, such as parameters of a request.
        Value::Object(map) if !members.is_empty() || !rest.is_empty() => {
            for (name, value) in map {
                let mut schemas: Vec<&MetaSchemaRef> = members
                    .iter()
                    .filter(|(member, _)| member == name)
                    .map(|(_, schema)| schema)
                    .collect();
                schemas.extend(&rest);
                if length > 0 {
                    path.push('.');
                }
                path.push_str(name);
                if schemas.is_empty() || stranger(registry, &schemas, value, path) {
                    return true;
                }
                path.truncate(length);
            }
            false
        }
        Value::Array(values) if !items.is_empty() => {
            for (index, value) in values.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                if stranger(registry, &items, value, path) {
                    return true;
                }
                path.truncate(length);
            }
            false
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::route_entry::{Route, RouteEntry};
    use super::*;

    fn words(body: Value) -> Option<String> {
        Known::<RouteEntry, Route>::parse_from_json(Some(body))
            .err()
            .map(ParseError::into_message)
    }

    #[test]
    fn a_member_that_nobody_reads_is_told_with_its_path() {
        let rule = |matches: Value, target: Value| json!({"name": "r", "match": matches, "targets": [target]});
        let target = json!({"provider": "p"});
        assert_eq!(words(rule(json!({"model": ["a"]}), target.clone())), None);
        let bad = [
            (
                rule(json!({"modle": ["a"]}), target.clone()),
                "`match.modle`",
            ),
            (
                rule(json!({}), json!({"provider": "p", "wieght": 1})),
                "`targets[0].wieght`",
            ),
            (
                json!({"name": "r", "targets": [target], "stratgey": "random"}),
                "`stratgey`",
            ),
        ];
        for (body, path) in bad {
            let words = words(body).expect("refused");
            assert!(words.contains(path), "{words}");
        }
    }

    #[test]
    fn free_members_and_those_of_reading_pass() {
        let body = json!({"name": "r", "targets": [{"provider": "p"}],
            "match": {"header": {"x-team": ["a"]}}, "params": {"thinking": {"any": [{"thing": 1}]}},
            "source": "database", "version": 3, "updated_at": 4, "warnings": []});
        assert_eq!(words(body), None);
    }
}
