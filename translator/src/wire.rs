//! Reading wire objects: every member optional, unknown members kept.
//!
//! serde's tagged, untagged and flattened forms buffer a value before they understand it, which costs
//! a copy and forbids borrowed raw values. [`wire_object!`] makes flat structs instead: each member is
//! an `Option`, `null` counts as absent, the last of two equal keys wins, and a member without a field
//! of its own is kept in `extra` as raw JSON, in order.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::Text;

/// A short string, borrowed from the document when it holds no escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Str<'a>(pub Cow<'a, str>);

impl Str<'_> {
    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

struct StrVisitor;

impl<'de> Visitor<'de> for StrVisitor {
    type Value = Str<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
        Ok(Str(Cow::Borrowed(v)))
    }

    fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
        Ok(Str(Cow::Owned(v.to_owned())))
    }

    fn visit_string<E>(self, v: String) -> Result<Self::Value, E> {
        Ok(Str(Cow::Owned(v)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(StrVisitor)
    }
}

/// A member that has no field of its own: its name and its value as it stood on the wire.
pub type Extra<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// A string, or a list of objects: the form of `content` in most dialects. `null` reads as an empty list.
#[derive(Clone, Debug)]
pub enum OneOrMany<'a, T> {
    /// The short form.
    One(Text<'a>),
    /// The list form.
    Many(Vec<T>),
}

impl<T> Default for OneOrMany<'_, T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

struct OneOrManyVisitor<'a, T>(PhantomData<(&'a (), T)>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<'a, T> {
    type Value = OneOrMany<'a, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an object or a list of objects")
    }

    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
        Ok(OneOrMany::One(Text::Plain(Cow::Borrowed(v))))
    }

    fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
        Ok(OneOrMany::One(Text::Plain(Cow::Owned(v.to_owned()))))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(OneOrMany::Many(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(4));
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(OneOrMany::Many(items))
    }

    /// Some clients send one object where a list belongs.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let item = T::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(OneOrMany::Many(vec![item]))
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

/// A number that may arrive as a number, a decimal string, or a float without a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Number(pub f64);

impl Number {
    /// The value as an unsigned integer, when it is one.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        (self.0 >= 0.0 && self.0 <= 9e15 && self.0.fract() == 0.0).then_some(self.0 as u64)
    }

    /// The value as an integer, when it is one.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        (self.0.abs() <= 9e15 && self.0.fract() == 0.0).then_some(self.0 as i64)
    }
}

/// A count of tokens as an upstream gave it. Reading never fails: what is negative, absurd or no number is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(pub Option<u64>);

impl Count {
    /// A larger count is a fault of the upstream: no model reads or writes a million million tokens.
    const ABSURD: f64 = (1_u64 << 40) as f64;
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        let number: Option<f64> = raw.trim_matches('"').parse().ok();
        Ok(Self(
            number
                .filter(|number| (0.0..Self::ABSURD).contains(number))
                .map(|number| number as u64),
        ))
    }
}

/// Reads counts, and notes whether one of them could not be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// A count was negative, absurd or no number, and counted as nothing.
    pub clamped: bool,
}

impl Tally {
    /// The count of a member; an absent one is nothing.
    pub const fn count(&mut self, member: Option<Count>) -> u64 {
        match self.known(member) {
            Some(count) => count,
            None => 0,
        }
    }

    /// The count of a member, when it is there.
    pub const fn known(&mut self, member: Option<Count>) -> Option<u64> {
        match member {
            Some(Count(Some(count))) => Some(count),
            Some(Count(None)) => {
                self.clamped = true;
                Some(0)
            }
            None => None,
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        raw.trim_matches('"')
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Self)
            .ok_or_else(|| {
                D::Error::custom(format_args!(
                    "expected a number, found {}",
                    crate::json::type_name(raw)
                ))
            })
    }
}

/// Parses a whole document; an error says where and what.
///
/// # Errors
/// When the bytes are not UTF-8, not JSON, or not of the shape of `T`.
pub fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ParseError> {
    let text = std::str::from_utf8(body).map_err(|error| ParseError {
        message: format!("body is not valid UTF-8 at byte {}", error.valid_up_to()),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| ParseError {
        message: error.to_string(),
    })
}

/// Parses one raw value into a wire type.
///
/// # Errors
/// When the value is not of the shape of `T`.
pub fn parse_raw<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, ParseError> {
    serde_json::from_str(raw.get()).map_err(|error| ParseError {
        message: error.to_string(),
    })
}

/// A document that cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// What is wrong and where (line and column).
    pub message: String,
}

/// Declares a wire object: `wire_object! { struct Name<'a> { field: Type<'a> = "key" | "other_key", } }`.
#[macro_export]
macro_rules! wire_object {
    ($(#[$meta:meta])* $vis:vis struct $name:ident<'a> {
        $( $(#[$fmeta:meta])* $field:ident : $ty:ty = $($key:literal)|+ ),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        #[allow(dead_code, reason = "a wire type names members that only some verbs look at")]
        $vis struct $name<'a> {
            $( $(#[$fmeta])* $vis $field: Option<$ty>, )*
            /// Members without a field of their own.
            $vis extra: $crate::wire::Extra<'a>,
        }

        impl<'de: 'a, 'a> ::serde::de::Deserialize<'de> for $name<'a> {
            fn deserialize<D: ::serde::de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor<'a>(::std::marker::PhantomData<&'a ()>);

                impl<'de: 'a, 'a> ::serde::de::Visitor<'de> for ObjectVisitor<'a> {
                    type Value = $name<'a>;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: ::serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        let mut out = $name::default();
                        while let Some(key) = map.next_key::<$crate::wire::Str<'de>>()? {
                            match key.as_str() {
                                $( $($key)|+ => out.$field = map.next_value()?, )*
                                _ => out.extra.push((key.0, map.next_value()?)),
                            }
                        }
                        Ok(out)
                    }
                }

                deserializer.deserialize_map(ObjectVisitor(::std::marker::PhantomData))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    wire_object! {
        struct Probe<'a> {
            kind: Str<'a> = "type",
            mime: Str<'a> = "mimeType" | "mime_type",
            body: OneOrMany<'a, Probe<'a>> = "body",
            text: Text<'a> = "text",
            number: Number = "number",
        }
    }

    #[test]
    fn members_are_optional_and_unknown_ones_kept() {
        let json = br#"{"type":"x","mime_type":"a/b","body":[{"text":"q\n"}],"later":{"a":1},"number":"12","text":null}"#;
        let probe: Probe<'_> = parse(json).expect("valid");
        assert_eq!(probe.kind.expect("type").as_str(), "x");
        assert_eq!(probe.mime.expect("mime").as_str(), "a/b");
        assert_eq!(probe.number.and_then(Number::as_u64), Some(12));
        assert!(probe.text.is_none());
        assert_eq!(probe.extra[0].1.get(), r#"{"a":1}"#);
        let Some(OneOrMany::Many(items)) = probe.body else {
            unreachable!("a list was given")
        };
        assert_eq!(items[0].text.as_ref().expect("text").as_str(), "q\n");
    }

    #[test]
    fn errors_say_where() {
        let error = parse::<Probe<'_>>(b"{\"text\": 1}").expect_err("a number is no text");
        assert!(
            error.message.contains("expected a string, found a number"),
            "{error}"
        );
    }
}
