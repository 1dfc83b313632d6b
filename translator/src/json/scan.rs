//! Looking at raw JSON without parsing it.
//!
//! Every look trusts that the text is JSON; on anything else it stops early. Strings are skipped in blocks.

use std::borrow::Cow;
use std::ops::Range;

use super::{literal, nested};
use crate::Text;

/// What a raw value is, in words for an error message.
#[must_use]
pub fn type_name(raw: &str) -> &'static str {
    match raw.trim_start().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(_) => "a number",
        None => "nothing",
    }
}

/// Takes white space between tokens away; member order and number spelling stay.
#[must_use]
pub fn compact(raw: &str) -> Cow<'_, str> {
    let bytes = raw.as_bytes();
    let mut out: Option<Vec<u8>> = None;
    let mut i = 0;
    let mut copied = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'"' => i = string_end(bytes, i),
            b' ' | b'\t' | b'\n' | b'\r' => {
                let out = out.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
                out.extend_from_slice(&bytes[copied..i]);
                i += 1;
                copied = i;
            }
            _ => i += 1,
        }
    }
    match out {
        None => Cow::Borrowed(raw),
        Some(mut out) => {
            out.extend_from_slice(&bytes[copied..]);
            Cow::Owned(String::from_utf8(out).unwrap_or_else(|_| raw.to_owned()))
        }
    }
}

/// True when the text is one value from its first to its last character, as far as brackets and quotes tell.
#[must_use]
pub fn is_whole(document: &str) -> bool {
    let bytes = document.trim().as_bytes();
    closed_end(bytes, 0, &mut |_| {}) == Some(bytes.len()) && !bytes.is_empty()
}

/// The members of a top-level object with the byte range of each value, without parsing the values.
///
/// The scan trusts the caller that the document is JSON; on anything else it simply stops early. It
/// visits each byte once, with strings skipped by vector search.
pub fn members(document: &str) -> impl Iterator<Item = (Cow<'_, str>, Range<usize>)> {
    members_and_strings(document, |_| {})
}

/// The same, and every string inside the values is shown to `string`: the bytes from behind its opening quote.
pub fn members_and_strings<'d>(
    document: &'d str,
    mut string: impl FnMut(&'d [u8]),
) -> impl Iterator<Item = (Cow<'d, str>, Range<usize>)> {
    let bytes = document.as_bytes();
    let mut i = skip_blank(bytes, 0);
    if bytes.get(i) == Some(&b'{') {
        i += 1;
    } else {
        i = bytes.len();
    }
    std::iter::from_fn(move || {
        i = skip_blank(bytes, i);
        if bytes.get(i) == Some(&b',') {
            i = skip_blank(bytes, i + 1);
        }
        if bytes.get(i) != Some(&b'"') {
            return None;
        }
        let key_end = literal::end(bytes, i)?;
        let key = Text::Json(document.get(i..key_end)?).into_cow();
        i = skip_blank(bytes, key_end);
        if bytes.get(i) != Some(&b':') {
            return None;
        }
        let start = skip_blank(bytes, i + 1);
        let end = end(bytes, start, &mut string);
        i = end;
        (end > start).then_some((key, start..end))
    })
}

/// The raw elements of a list.
pub fn elements(document: &str) -> impl Iterator<Item = &str> {
    let bytes = document.as_bytes();
    let mut i = skip_blank(bytes, 0);
    i = if bytes.get(i) == Some(&b'[') {
        i + 1
    } else {
        bytes.len()
    };
    std::iter::from_fn(move || {
        i = skip_blank(bytes, i);
        if bytes.get(i) == Some(&b',') {
            i = skip_blank(bytes, i + 1);
        }
        let end = value_end(bytes, i);
        let value = document.get(i..end).filter(|value| !value.is_empty());
        i = end;
        value
    })
}

/// The raw value of a top-level member; the last one wins, as everywhere.
#[must_use]
pub fn member<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    members(document)
        .filter(|(key, _)| key == name)
        .last()
        .map(|(_, range)| &document[range])
}

fn skip_blank(bytes: &[u8], mut i: usize) -> usize {
    while matches!(bytes.get(i), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        i += 1;
    }
    i
}

/// The index behind the string literal that opens at `start`, or the end of bytes that break off.
#[must_use]
pub fn string_end(bytes: &[u8], start: usize) -> usize {
    literal::end(bytes, start).unwrap_or(bytes.len())
}

/// The index behind the value that begins at `start`, or the end of bytes that break off.
#[must_use]
pub fn value_end(bytes: &[u8], start: usize) -> usize {
    end(bytes, start, &mut |_| {})
}

fn end<'d>(bytes: &'d [u8], start: usize, string: &mut impl FnMut(&'d [u8])) -> usize {
    closed_end(bytes, start, string).unwrap_or(bytes.len())
}

/// The index behind the value; `None` when the document ends inside it.
fn closed_end<'d>(
    bytes: &'d [u8],
    start: usize,
    string: &mut impl FnMut(&'d [u8]),
) -> Option<usize> {
    match bytes.get(start) {
        Some(b'"') => {
            string(&bytes[start + 1..]);
            literal::end(bytes, start)
        }
        Some(b'{' | b'[') => nested::end(bytes, start, string),
        _ => {
            let rest = bytes.get(start..).unwrap_or_default();
            let ends = |byte: &u8| b", \t\n\r}]".contains(byte);
            Some(start + rest.iter().position(ends).unwrap_or(rest.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_without_a_parse() {
        let doc = r#" { "a" : {"x":"}\"]"} , "model":"m" ,"n": -1.5e3,"l":[1,[2],"]"],"t":true}"#;
        let all: Vec<_> = members(doc)
            .map(|(k, r)| (k.into_owned(), doc[r].to_owned()))
            .collect();
        let want = [
            ("a", r#"{"x":"}\"]"}"#),
            ("model", r#""m""#),
            ("n", "-1.5e3"),
            ("l", r#"[1,[2],"]"]"#),
            ("t", "true"),
        ];
        assert_eq!(all, want.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(
            elements(r#"[1, [2] ,"]",{}]"#).collect::<Vec<_>>(),
            ["1", "[2]", "\"]\"", "{}"]
        );
    }

    #[test]
    fn whole_values_are_told_from_their_beginnings() {
        let document = r#"{"a": [1, {"b": "}]"}], "c": "\\"}"#;
        assert!(is_whole(document) && is_whole("\"x\"") && is_whole("12"));
        for cut in 1..document.len() {
            assert!(!is_whole(&document[..cut]), "{}", &document[..cut]);
        }
        assert!(!is_whole("{} {}") && !is_whole(""));
    }

    #[test]
    fn compact_keeps_strings() {
        assert_eq!(
            compact(r#"{"a" : " b ", "c": [1, 2.0]}"#),
            r#"{"a":" b ","c":[1,2.0]}"#
        );
        assert!(matches!(compact(r#"{"a":1}"#), Cow::Borrowed(_)));
    }
}
