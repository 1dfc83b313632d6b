//! Writing JSON into one buffer.

use std::ops::Range;

use super::literal;
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

    /// Goes on with an object that has members and is not closed.
    pub fn behind_a_member(out: &'b mut Vec<u8>) -> Self {
        Self { out, comma: true }
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
    pub fn object_in(&mut self, key: &'static str, fill: impl FnOnce(&mut Writer<'_>)) {
        self.key(key);
        self.nested(b'{', b'}', fill);
    }

    /// The same; gives the place of the object in the buffer.
    pub fn object_at(
        &mut self,
        key: &'static str,
        fill: impl FnOnce(&mut Writer<'_>),
    ) -> Range<usize> {
        self.key(key);
        let start = self.out.len();
        self.nested(b'{', b'}', fill);
        start..self.out.len()
    }

    /// A member whose value is a list.
    pub fn array_in(&mut self, key: &'static str, fill: impl FnOnce(&mut Writer<'_>)) {
        self.key(key);
        self.nested(b'[', b']', fill);
    }

    /// A member with a string value.
    pub fn str(&mut self, key: &'static str, value: &str) {
        self.key(key);
        escape_into(value, self.out);
    }

    /// A member with a text value, copied as it is when it still is a literal.
    pub fn text(&mut self, key: &'static str, value: &Text<'_>) {
        self.key(key);
        write_text(value, self.out);
    }

    /// A member with a value that already is JSON; its name may come from outside.
    pub fn raw(&mut self, key: &str, json: &str) {
        self.separate();
        escape_into(key, self.out);
        self.out.push(b':');
        self.out.extend_from_slice(json.as_bytes());
    }

    /// A member with an unsigned integer.
    pub fn uint(&mut self, key: &'static str, value: u64) {
        self.key(key);
        self.out
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// A member with a signed integer.
    pub fn int(&mut self, key: &'static str, value: i64) {
        self.key(key);
        self.out
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// A member with a float; a whole number is written without a fraction, a non-finite one as null.
    pub fn float(&mut self, key: &'static str, value: f64) {
        self.key(key);
        write_float(value, self.out);
    }

    /// A member with a boolean.
    pub fn bool(&mut self, key: &'static str, value: bool) {
        self.key(key);
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A member that is null.
    pub fn null(&mut self, key: &'static str) {
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
    pub fn concat(&mut self, key: &'static str, pieces: &[&Text<'_>]) {
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

    /// The name of the next member, which needs no escapes; the caller writes the value with [`Writer::buffer`].
    pub fn key(&mut self, key: &'static str) {
        debug_assert_eq!(literal::plain(key.as_bytes()), key.len(), "{key}");
        let opening: &[u8] = if self.comma { b",\"" } else { b"\"" };
        self.comma = true;
        self.out.extend_from_slice(opening);
        self.out.extend_from_slice(key.as_bytes());
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
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(literal::plain(rest));
        out.extend_from_slice(plain);
        let Some((&byte, behind)) = special.split_first() else {
            return;
        };
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
        rest = behind;
    }
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
}
