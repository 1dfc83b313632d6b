//! Text that may still be a JSON literal.
//!
//! Most text that passes through a translation is copied from one JSON document into another. A
//! [`Text`] keeps the literal as it stood on the wire, escapes included, and decodes it only when
//! somebody looks inside.

use std::borrow::Cow;

/// A piece of text, either as a JSON string literal or as plain characters.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// A valid JSON string literal, quotes included.
    Json(&'a str),
    /// Characters that need escaping before they can stand in JSON.
    Plain(Cow<'a, str>),
}

impl<'a> Text<'a> {
    /// Plain text that is borrowed.
    #[must_use]
    pub const fn borrowed(text: &'a str) -> Self {
        Self::Plain(Cow::Borrowed(text))
    }

    /// The characters, decoded when there are escapes.
    ///
    /// Lone surrogates, which JSON can write but a string cannot hold, become U+FFFD.
    #[must_use]
    pub fn as_str(&self) -> Cow<'_, str> {
        match self {
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Json(literal) => unescape(literal),
        }
    }

    /// The characters with the lifetime of the document, when no copy is needed.
    #[must_use]
    pub fn as_borrowed(&self) -> Option<&'a str> {
        match self {
            Self::Plain(Cow::Borrowed(text)) => Some(text),
            Self::Plain(Cow::Owned(_)) => None,
            Self::Json(literal) => match unescape(literal) {
                Cow::Borrowed(text) => Some(text),
                Cow::Owned(_) => None,
            },
        }
    }

    /// The characters, keeping the borrow where possible.
    #[must_use]
    pub fn into_cow(self) -> Cow<'a, str> {
        match self {
            Self::Plain(text) => text,
            Self::Json(literal) => unescape(literal),
        }
    }

    /// The same text without a borrow.
    #[must_use]
    pub fn into_owned(self) -> Text<'static> {
        Text::Plain(Cow::Owned(self.into_cow().into_owned()))
    }

    /// True when there is not a single character.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Plain(text) => text.is_empty(),
            Self::Json(literal) => literal.len() <= 2,
        }
    }

    /// True when there is nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Plain(text) => text.trim().is_empty(),
            Self::Json(literal) => is_blank_literal(literal),
        }
    }

    /// An upper bound of the length in bytes, without decoding.
    #[must_use]
    pub fn len_hint(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Json(literal) => literal.len().saturating_sub(2),
        }
    }
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self::Plain(Cow::Borrowed(""))
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text<'_> {}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::borrowed(text)
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Plain(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Plain(text)
    }
}

/// Decides at the first visible character, which is nearly always the first one, without decoding.
fn is_blank_literal(literal: &str) -> bool {
    let mut rest = literal.as_bytes().get(1..).unwrap_or_default();
    loop {
        rest = match rest {
            [b' ', rest @ ..] | [b'\\', b'n' | b't' | b'r', rest @ ..] => rest,
            [] | [b'"', ..] => return true,
            [b'\\' | 0x80.., ..] => return unescape(literal).trim().is_empty(),
            _ => return false,
        };
    }
}

fn unescape(literal: &str) -> Cow<'_, str> {
    let inner = literal
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(literal);
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    match serde_json::from_str::<String>(literal) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Owned(unescape_lossy(inner)),
    }
}

/// Decodes what serde_json refuses: lone surrogates.
fn unescape_lossy(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    let mut units: Vec<u16> = Vec::new();
    while let Some(c) = chars.next() {
        let mut unit = None;
        let decoded = if c == '\\' {
            match chars.next() {
                Some('n') => Some('\n'),
                Some('t') => Some('\t'),
                Some('r') => Some('\r'),
                Some('b') => Some('\u{8}'),
                Some('f') => Some('\u{c}'),
                Some('u') => {
                    let hex: String = chars.by_ref().take(4).collect();
                    unit = u16::from_str_radix(&hex, 16).ok();
                    None
                }
                other => other,
            }
        } else {
            Some(c)
        };
        if let Some(unit) = unit {
            units.push(unit);
            continue;
        }
        flush(&mut units, &mut out);
        if let Some(c) = decoded {
            out.push(c);
        }
    }
    flush(&mut units, &mut out);
    out
}

fn flush(units: &mut Vec<u16>, out: &mut String) {
    out.extend(
        char::decode_utf16(units.drain(..)).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_is_decoded_on_demand() {
        let text = Text::Json(r#""a\n\u00e9 \ud83d\ude00""#);
        assert_eq!(text.as_str(), "a\né 😀");
        assert_eq!(Text::Json(r#""plain""#).as_borrowed(), Some("plain"));
        assert!(Text::Json(r#""""#).is_empty());
        assert!(Text::Json(r#"" \n ""#).is_blank());
        assert!(Text::Json(r#""\u00a0\n""#).is_blank());
        assert!(!Text::Json(r#""\n\"x""#).is_blank());
        assert!(!Text::Json(r#"" x\n""#).is_blank());
    }

    #[test]
    fn lone_surrogate_becomes_replacement() {
        assert_eq!(Text::Json(r#""a\ud800b""#).as_str(), "a\u{fffd}b");
    }
}
