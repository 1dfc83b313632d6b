//! Writing JSON into one buffer, and looking at raw JSON without parsing it.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::Text;

/// A writer of one JSON document. Commas are its business; balance is guaranteed by the closures.
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
    /// True when a value has been written at this level and the next one needs a comma.
    comma: bool,
}

impl<'b> Writer<'b> {
    /// Appends to `out`.
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        Self { out, comma: false }
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    /// An object as the next value (top level or list element).
    pub fn object(&mut self, fill: impl FnOnce(&mut Writer<'_>)) {
        self.separate();
        self.nested(b'{', b'}', fill);
    }

    /// A list as the next value.
    pub fn array(&mut self, fill: impl FnOnce(&mut Writer<'_>)) {
        self.separate();
        self.nested(b'[', b']', fill);
    }

    fn nested(&mut self, open: u8, close: u8, fill: impl FnOnce(&mut Writer<'_>)) {
        self.out.push(open);
        fill(&mut Writer {
            out: self.out,
            comma: false,
        });
        self.out.push(close);
    }

    /// A member whose value is an object.
    pub fn object_in(&mut self, key: &str, fill: impl FnOnce(&mut Writer<'_>)) {
        self.key(key);
        self.nested(b'{', b'}', fill);
    }

    /// A member whose value is a list.
    pub fn array_in(&mut self, key: &str, fill: impl FnOnce(&mut Writer<'_>)) {
        self.key(key);
        self.nested(b'[', b']', fill);
    }

    /// A member with a string value.
    pub fn str(&mut self, key: &str, value: &str) {
        self.key(key);
        escape_into(value, self.out);
    }

    /// A member with a text value, copied as it is when it still is a literal.
    pub fn text(&mut self, key: &str, value: &Text<'_>) {
        self.key(key);
        write_text(value, self.out);
    }

    /// A member with a value that already is JSON.
    pub fn raw(&mut self, key: &str, json: &str) {
        self.key(key);
        self.out.extend_from_slice(json.as_bytes());
    }

    /// A member with an unsigned integer.
    pub fn uint(&mut self, key: &str, value: u64) {
        self.key(key);
        self.out
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// A member with a signed integer.
    pub fn int(&mut self, key: &str, value: i64) {
        self.key(key);
        self.out
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// A member with a float; a whole number is written without a fraction, a non-finite one as null.
    pub fn float(&mut self, key: &str, value: f64) {
        self.key(key);
        write_float(value, self.out);
    }

    /// A member with a boolean.
    pub fn bool(&mut self, key: &str, value: bool) {
        self.key(key);
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A member that is null.
    pub fn null(&mut self, key: &str) {
        self.key(key);
        self.out.extend_from_slice(b"null");
    }

    /// A list element that is a string.
    pub fn item_str(&mut self, value: &str) {
        self.separate();
        escape_into(value, self.out);
    }

    /// A list element that is a text.
    pub fn item_text(&mut self, value: &Text<'_>) {
        self.separate();
        write_text(value, self.out);
    }

    /// A list element that already is JSON.
    pub fn item_raw(&mut self, json: &str) {
        self.separate();
        self.out.extend_from_slice(json.as_bytes());
    }

    /// Members that already are JSON, as `"a":1,"b":2`; nothing when empty.
    pub fn members_raw(&mut self, members: &str) {
        if !members.is_empty() {
            self.separate();
            self.out.extend_from_slice(members.as_bytes());
        }
    }

    /// A member whose value is a string built from several pieces, without an intermediate copy.
    pub fn concat(&mut self, key: &str, pieces: &[&Text<'_>]) {
        self.key(key);
        self.out.push(b'"');
        for piece in pieces {
            match piece {
                Text::Json(literal) => {
                    self.out
                        .extend_from_slice(&literal.as_bytes()[1..literal.len() - 1]);
                }
                Text::Plain(text) => escape_inner(text, self.out),
            }
        }
        self.out.push(b'"');
    }

    /// The name of the next member; the caller writes the value with [`Writer::buffer`].
    pub fn key(&mut self, key: &str) {
        self.separate();
        self.out.push(b'"');
        // Most names are plain; those from outside may not be.
        escape_inner(key, self.out);
        self.out.extend_from_slice(b"\":");
    }

    /// The buffer, for a value written by hand after [`Writer::key`].
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.out
    }
}

/// Writes a text as a JSON string.
pub fn write_text(value: &Text<'_>, out: &mut Vec<u8>) {
    match value {
        Text::Json(literal) => out.extend_from_slice(literal.as_bytes()),
        Text::Plain(text) => escape_into(text, out),
    }
}

/// Writes characters as a JSON string, quotes included.
pub fn escape_into(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape_inner(text, out);
    out.push(b'"');
}

/// Writes characters escaped for the inside of a JSON string.
pub fn escape_inner(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    let mut start = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[start..i]);
        start = i + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
    }
    out.extend_from_slice(&bytes[start..]);
}

fn write_float(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        out.extend_from_slice(b"null");
    } else if value.fract() == 0.0 && value.abs() < 1e15 {
        out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        // Shortest form that reads back as the same number.
        out.extend_from_slice(value.to_string().as_bytes());
    }
}

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

/// The index behind the string literal that opens at `start`.
///
/// Looks for quotes alone: text is full of escaped line ends, but has few quotes.
#[must_use]
pub fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut from = start + 1;
    while let Some(hit) = bytes
        .get(from..)
        .and_then(|rest| memchr::memchr(b'"', rest))
    {
        let at = from + hit;
        let escapes = bytes[start + 1..at]
            .iter()
            .rev()
            .take_while(|&&byte| byte == b'\\')
            .count();
        if escapes % 2 == 0 {
            return at + 1;
        }
        from = at + 1;
    }
    bytes.len()
}

/// True when the text is one value from its first to its last character, as far as brackets and quotes tell.
#[must_use]
pub fn is_whole(document: &str) -> bool {
    let bytes = document.trim().as_bytes();
    value_place(bytes, 0) == Place::Closed(bytes.len()) && !bytes.is_empty()
}

/// The members of a top-level object with the byte range of each value, without parsing the values.
///
/// The scan trusts the caller that the document is JSON; on anything else it simply stops early. It
/// visits each byte once, with strings skipped by vector search.
pub fn members(document: &str) -> impl Iterator<Item = (Cow<'_, str>, std::ops::Range<usize>)> {
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
        let key_end = string_end(bytes, i);
        let key = Text::Json(document.get(i..key_end)?).into_cow();
        i = skip_blank(bytes, key_end);
        if bytes.get(i) != Some(&b':') {
            return None;
        }
        let start = skip_blank(bytes, i + 1);
        let end = value_end(bytes, start);
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

/// Where a value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In front of this index; the value is complete.
    Closed(usize),
    /// The document ends inside the value.
    Open(usize),
}

/// Where the value that begins at `start` ends: behind its last byte, or at the end of bytes that break off.
#[must_use]
pub fn value_end(bytes: &[u8], start: usize) -> usize {
    match value_place(bytes, start) {
        Place::Closed(end) | Place::Open(end) => end,
    }
}

fn value_place(bytes: &[u8], start: usize) -> Place {
    let mut depth = 0_usize;
    let mut i = start;
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b'"' => {
                let end = string_end(bytes, i);
                if end == bytes.len() && !closes_string(&bytes[i..]) {
                    return Place::Open(end);
                }
                i = end;
                if depth == 0 {
                    return Place::Closed(i);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                if depth == 0 {
                    return Place::Closed(i);
                }
                depth -= 1;
                if depth == 0 {
                    return Place::Closed(i + 1);
                }
            }
            b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return Place::Closed(i),
            _ => {}
        }
        i += 1;
    }
    if depth == 0 {
        Place::Closed(i)
    } else {
        Place::Open(i)
    }
}

/// True when a literal that reaches the end of the document ends with its own quote.
fn closes_string(literal: &[u8]) -> bool {
    let Some(inner) = literal.get(1..).and_then(|rest| rest.strip_suffix(b"\"")) else {
        return false;
    };
    inner
        .iter()
        .rev()
        .take_while(|&&byte| byte == b'\\')
        .count()
        % 2
        == 0
}

/// Turns a string into an owned raw value.
///
/// # Errors
/// When the string is not JSON.
pub fn raw_owned(json: String) -> Result<Box<RawValue>, serde_json::Error> {
    RawValue::from_string(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writer_places_commas() {
        let mut out = Vec::new();
        Writer::new(&mut out).object(|w| {
            w.str("a", "x\"\u{1}");
            w.array_in("b", |w| {
                w.item_str("1");
                w.object(|w| w.uint("n", 3));
            });
            w.float("f", 0.7);
            w.float("g", 2.0);
            w.text("t", &Text::Json(r#""\u00e9""#));
            w.concat("c", &[&Text::borrowed("a\n"), &Text::Json(r#""\tb""#)]);
        });
        assert_eq!(
            String::from_utf8(out).expect("utf-8"),
            r#"{"a":"x\"\u0001","b":["1",{"n":3}],"f":0.7,"g":2,"t":"\u00e9","c":"a\n\tb"}"#
        );
    }

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
