//! Reading wire objects: every member optional, unknown members kept.
//!
//! [`wire_object!`] makes flat structs: each member is an `Option`, `null` counts as absent, the last of two
//! equal keys wins, and a member without a field of its own is kept in `extra` as raw JSON, in order. They read
//! from a [`Cursor`] over the document, which they borrow from wherever that is possible.

mod count;
mod cursor;

use std::borrow::Cow;

pub use count::{Count, Tally};
pub use cursor::{Cursor, Fault};

use crate::Text;
use crate::json::type_name;

/// What can be read from a document.
pub trait Wire<'a>: Sized {
    /// Reads the next value.
    ///
    /// # Errors
    /// When it is not JSON, or of another type.
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault>;
}

/// A value as it stood on the wire: valid JSON, and nothing more is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// The JSON.
    #[must_use]
    pub const fn get(self) -> &'a str {
        self.0
    }
}

impl<'a> Wire<'a> for Raw<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        cursor.raw().map(Self)
    }
}

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

impl<'a> Wire<'a> for Str<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        cursor.characters().map(Self)
    }
}

impl<'a> Wire<'a> for Text<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        cursor.literal().map(Text::Json)
    }
}

impl<'a> Wire<'a> for bool {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        match cursor.peek()? {
            b't' => cursor.word("true").map(|()| true),
            b'f' => cursor.word("false").map(|()| false),
            _ => Err(cursor.unexpected("a boolean")),
        }
    }
}

/// An unsigned integer, written as one.
fn unsigned<'a, T: std::str::FromStr>(cursor: &mut Cursor<'a>) -> Result<T, Fault> {
    if !matches!(cursor.peek()?, b'-' | b'0'..=b'9') {
        return Err(cursor.unexpected("a number"));
    }
    let raw = cursor.raw()?;
    raw.parse()
        .map_err(|_| cursor.fault(format!("expected a whole number, found {raw}")))
}

impl<'a> Wire<'a> for u64 {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        unsigned(cursor)
    }
}

impl<'a> Wire<'a> for u32 {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        unsigned(cursor)
    }
}

/// A value together with the JSON that it is.
#[derive(Clone, Debug)]
pub struct Said<'a, T> {
    /// The value.
    pub value: T,
    /// The JSON.
    pub raw: Raw<'a>,
}

impl<'a, T: Wire<'a>> Wire<'a> for Said<'a, T> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        cursor.both().map(|(value, raw)| Self { value, raw })
    }
}

/// A member that may be absent or null.
impl<'a, T: Wire<'a>> Wire<'a> for Option<T> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        if cursor.peek()? == b'n' {
            return cursor.word("null").map(|()| None);
        }
        T::read(cursor).map(Some)
    }
}

impl<'a, T: Wire<'a>> Wire<'a> for Vec<T> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        let mut items = Self::new();
        cursor.list(|cursor| {
            // Most lists of a conversation have one element, and the elements are large.
            if items.is_empty() {
                items.reserve_exact(1);
            }
            items.push(T::read(cursor)?);
            Ok(())
        })?;
        Ok(items)
    }
}

/// A member that has no field of its own: its name and its value as it stood on the wire.
pub type Extra<'a> = Vec<(Cow<'a, str>, Raw<'a>)>;

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

impl<'a, T: Wire<'a>> Wire<'a> for OneOrMany<'a, T> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        match cursor.peek()? {
            b'"' => Text::read(cursor).map(Self::One),
            b'[' => Vec::read(cursor).map(Self::Many),
            // Some clients send one object where a list belongs.
            b'{' => T::read(cursor).map(|item| Self::Many(vec![item])),
            b'n' => cursor.word("null").map(|()| Self::default()),
            _ => Err(cursor.unexpected("a string, an object or a list of objects")),
        }
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

impl<'a> Wire<'a> for Number {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        let raw = cursor.raw()?;
        raw.trim_matches('"')
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Self)
            .ok_or_else(|| cursor.fault(format!("expected a number, found {}", type_name(raw))))
    }
}

/// Reads a whole document; an error says where and what.
///
/// # Errors
/// When the bytes are not UTF-8, not JSON, or not of the shape of `T`.
pub fn parse<'a, T: Wire<'a>>(body: &'a [u8]) -> Result<T, ParseError> {
    let text = simdutf8::compat::from_utf8(body).map_err(|error| ParseError {
        message: format!("body is not valid UTF-8 at byte {}", error.valid_up_to()),
    })?;
    parse_text(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Reads a whole document that is known to be UTF-8.
///
/// # Errors
/// When it is not JSON, or not of the shape of `T`.
pub fn parse_text<'a, T: Wire<'a>>(text: &'a str) -> Result<T, ParseError> {
    let mut cursor = Cursor::new(text);
    T::read(&mut cursor)
        .and_then(|read| cursor.finish().map(|()| read))
        .map_err(|fault| ParseError {
            message: fault.describe(text),
        })
}

/// Reads one raw value.
///
/// # Errors
/// When the value is not of the shape of `T`.
pub fn parse_raw<'a, T: Wire<'a>>(raw: Raw<'a>) -> Result<T, ParseError> {
    parse_text(raw.get())
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

        impl<'a> $crate::wire::Wire<'a> for $name<'a> {
            fn read(cursor: &mut $crate::wire::Cursor<'a>) -> Result<Self, $crate::wire::Fault> {
                let mut out = Self::default();
                cursor.object(|cursor, key| {
                    match key.as_str() {
                        $( $($key)|+ => out.$field = $crate::wire::Wire::read(cursor)?, )*
                        _ => out.extra.push((key.0, $crate::wire::Wire::read(cursor)?)),
                    }
                    Ok(())
                })?;
                Ok(out)
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
