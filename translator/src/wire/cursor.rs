//! Reads one JSON document from its beginning to its end, and refuses what is not JSON.
//!
//! A cursor hands out slices of the document: literals and whole values stay as they were written. What a
//! member means is the business of the types that read it. Raw values may be of any depth, for they are walked
//! without recursion; types may not.

use std::borrow::Cow;

use super::{Raw, Str, Wire};
use crate::json::{literal, type_name};

/// How deep types may stand in one another.
const DEPTH: usize = 128;

/// How deep attempts may stand in one another: each one that fails costs a second look.
const ATTEMPTS: usize = 4;

/// What is wrong with a document, and at which byte.
#[derive(Debug)]
pub struct Fault(Box<(usize, Cow<'static, str>)>);

impl Fault {
    /// Says where in the document it is.
    #[must_use]
    pub fn describe(&self, document: &str) -> String {
        let (at, words) = &*self.0;
        let before = &document.as_bytes()[..*at.min(&document.len())];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |end| end + 1) + 1;
        format!("{words} at line {line} column {column}")
    }
}

/// A place in a document.
#[derive(Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    attempts: usize,
    /// The brackets that close what a raw value has opened; kept for its memory.
    open: Vec<u8>,
}

impl<'a> Cursor<'a> {
    /// The beginning of a document.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            attempts: 0,
            open: Vec::new(),
        }
    }

    /// Makes sure that nothing follows.
    ///
    /// # Errors
    /// When something does.
    pub fn finish(mut self) -> Result<(), Fault> {
        self.skip_blank();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.fault("trailing characters"))
        }
    }

    /// The first byte of the next token.
    ///
    /// # Errors
    /// When the document has ended.
    #[inline]
    pub fn peek(&mut self) -> Result<u8, Fault> {
        self.skip_blank();
        match self.text.as_bytes().get(self.at) {
            Some(&byte) => Ok(byte),
            None => Err(self.fault("the document ends too early")),
        }
    }

    /// A string as it stands, quotes included.
    ///
    /// # Errors
    /// When the next value is none.
    #[inline]
    pub fn literal(&mut self) -> Result<&'a str, Fault> {
        self.string().map(|(literal, _)| literal)
    }

    /// A string, decoded where it has escapes.
    ///
    /// # Errors
    /// When the next value is none, or cannot be decoded.
    #[inline]
    pub fn characters(&mut self) -> Result<Cow<'a, str>, Fault> {
        let (literal, escaped) = self.string()?;
        self.decoded(literal, escaped)
    }

    #[inline]
    fn decoded(&self, literal: &'a str, escaped: bool) -> Result<Cow<'a, str>, Fault> {
        if escaped {
            return self.unescaped(literal);
        }
        Ok(Cow::Borrowed(&literal[1..literal.len() - 1]))
    }

    #[inline(never)]
    fn unescaped(&self, literal: &str) -> Result<Cow<'a, str>, Fault> {
        serde_json::from_str(literal)
            .map(Cow::Owned)
            .map_err(|_| self.fault("an escape in a string stands for no character"))
    }

    #[inline]
    fn string(&mut self) -> Result<(&'a str, bool), Fault> {
        if self.peek()? != b'"' {
            return Err(self.unexpected("a string"));
        }
        self.opened()
    }

    /// The string whose quote is next.
    #[inline]
    fn opened(&mut self) -> Result<(&'a str, bool), Fault> {
        let start = self.at;
        match literal::checked(self.text.as_bytes(), start) {
            Ok(literal) => {
                self.at = literal.end;
                Ok((&self.text[start..literal.end], literal.escaped))
            }
            Err(at) => Err(self.broken(at)),
        }
    }

    /// The fault in a string.
    #[cold]
    fn broken(&mut self, at: usize) -> Fault {
        self.at = at;
        self.fault(if at >= self.text.len() {
            "a string is not closed"
        } else {
            "a string holds an invalid escape or a control character"
        })
    }

    /// Any value, as it stands.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn raw(&mut self) -> Result<&'a str, Fault> {
        let first = self.peek()?;
        let start = self.at;
        if matches!(first, b'{' | b'[') {
            let floor = self.open.len();
            let walked = self.walk(floor);
            self.open.truncate(floor);
            walked?;
        } else {
            self.scalar(first)?;
        }
        Ok(&self.text[start..self.at])
    }

    /// A value that begins with this byte and holds no others.
    #[inline]
    fn scalar(&mut self, first: u8) -> Result<(), Fault> {
        match first {
            b'"' => self.opened().map(drop),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => Err(self.fault("expected a value")),
        }
    }

    fn walk(&mut self, floor: usize) -> Result<(), Fault> {
        loop {
            // A value begins.
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    self.open.push(b'}');
                    if self.peek()? != b'}' {
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    self.open.push(b']');
                    if self.peek()? != b']' {
                        continue;
                    }
                }
                first => self.scalar(first)?,
            }
            // A value has ended, and perhaps what it stands in.
            loop {
                let Some(&close) = self.open.get(floor..).and_then(<[u8]>::last) else {
                    return Ok(());
                };
                let byte = self.peek()?;
                if byte == close {
                    self.at += 1;
                    self.open.pop();
                } else if byte == b',' {
                    self.at += 1;
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                } else {
                    return Err(self.fault(behind(close)));
                }
            }
        }
    }

    fn key(&mut self) -> Result<(), Fault> {
        if self.peek()? != b'"' {
            return Err(self.fault("expected the name of a member"));
        }
        self.opened()?;
        self.colon()
    }

    #[inline]
    fn colon(&mut self) -> Result<(), Fault> {
        if self.peek()? != b':' {
            return Err(self.fault("expected `:`"));
        }
        self.at += 1;
        Ok(())
    }

    /// One of the words of JSON.
    ///
    /// # Errors
    /// When something else stands there.
    pub fn word(&mut self, word: &'static str) -> Result<(), Fault> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fault("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.take(b"-");
        let leading = self.text.as_bytes().get(self.at) == Some(&b'0');
        let whole = self.digits();
        let mut valid = whole > 0 && (!leading || whole == 1);
        if self.take(b".") {
            valid &= self.digits() > 0;
        }
        if self.take(b"eE") {
            self.take(b"+-");
            valid &= self.digits() > 0;
        }
        if valid {
            Ok(())
        } else {
            Err(self.fault("invalid number"))
        }
    }

    fn take(&mut self, any: &[u8]) -> bool {
        let found = self
            .text
            .as_bytes()
            .get(self.at)
            .is_some_and(|byte| any.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        digits
    }

    /// The members of an object; `member` reads the value behind each name.
    ///
    /// # Errors
    /// When the next value is no object, or what `member` says.
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Str<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.enter(b'{', "an object")?;
        if self.peek()? != b'}' {
            loop {
                if self.peek()? != b'"' {
                    return Err(self.fault("expected the name of a member"));
                }
                let (literal, escaped) = self.opened()?;
                let name = Str(self.decoded(literal, escaped)?);
                self.colon()?;
                member(self, name)?;
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        self.leave();
        Ok(())
    }

    /// The elements of a list; `element` reads each.
    ///
    /// # Errors
    /// When the next value is no list, or what `element` says.
    pub fn list(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.enter(b'[', "a list")?;
        if self.peek()? != b']' {
            loop {
                element(self)?;
                if !self.goes_on(b']')? {
                    break;
                }
            }
        }
        self.leave();
        Ok(())
    }

    fn enter(&mut self, bracket: u8, what: &'static str) -> Result<(), Fault> {
        if self.peek()? != bracket {
            return Err(self.unexpected(what));
        }
        if self.depth == DEPTH {
            return Err(self.fault("the document is nested too deeply"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    const fn leave(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    /// True behind a comma, false in front of the closing bracket.
    #[inline]
    fn goes_on(&mut self, close: u8) -> Result<bool, Fault> {
        match self.peek()? {
            b',' => {
                self.at += 1;
                Ok(true)
            }
            byte if byte == close => Ok(false),
            _ => Err(self.fault(behind(close))),
        }
    }

    /// A value of a type, together with the JSON that it is.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn both<T: Wire<'a>>(&mut self) -> Result<(T, Raw<'a>), Fault> {
        self.skip_blank();
        let start = self.at;
        T::read(self).map(|value| (value, Raw(&self.text[start..self.at])))
    }

    /// Reads with `read`; when that fails, the cursor is where it was.
    pub fn attempt<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Option<T> {
        if self.attempts == ATTEMPTS {
            return None;
        }
        let (at, depth) = (self.at, self.depth);
        self.attempts += 1;
        let read = read(self).ok();
        self.attempts -= 1;
        if read.is_none() {
            (self.at, self.depth) = (at, depth);
        }
        read
    }

    /// A fault at the present place.
    #[cold]
    #[must_use]
    pub fn fault(&self, words: impl Into<Cow<'static, str>>) -> Fault {
        Fault(Box::new((self.at, words.into())))
    }

    /// A fault: the next value is of another type.
    #[cold]
    #[must_use]
    pub fn unexpected(&self, wanted: &str) -> Fault {
        self.fault(format!("expected {wanted}, found {}", self.found()))
    }

    /// What the next value is, in words.
    #[must_use]
    pub fn found(&self) -> &'static str {
        type_name(&self.text[self.at..])
    }

    #[inline]
    fn skip_blank(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
    }
}

const fn behind(close: u8) -> &'static str {
    if close == b'}' {
        "expected `,` or `}`"
    } else {
        "expected `,` or `]`"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Result<&str, String> {
        let mut cursor = Cursor::new(text);
        cursor
            .raw()
            .and_then(|raw| cursor.finish().map(|()| raw))
            .map_err(|fault| fault.describe(text))
    }

    #[test]
    fn values_are_json_or_refused() {
        let numbers = ["0", "-0", "12", "-1.5e3", "1E+2", "0.25"];
        let others = [
            "[]",
            "{}",
            "[ ]",
            "{ }",
            "[1,2]",
            r#"{"a":[{"b":null},true],"c":"\""}"#,
        ];
        for good in numbers
            .into_iter()
            .chain(others)
            .chain(["true", "false", "null"])
        {
            assert_eq!(raw(&format!(" {good}\n")).as_deref(), Ok(good));
        }
        let numbers = [
            "01", "-", "1.", ".5", "1e", "+1", "1e+", "NaN", "0x1", "1 2",
        ];
        let others = [
            "",
            " ",
            "[",
            "{",
            "]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{1:2}",
            "{\"a\" 1}",
            "nul",
            "truex",
            "[true",
            "\"",
            "\"\\x\"",
            "{}{}",
            "[[]",
        ];
        for bad in numbers.into_iter().chain(others) {
            assert!(raw(bad).is_err(), "{bad}");
            let parsed = serde_json::from_str::<serde::de::IgnoredAny>(bad);
            assert!(parsed.is_err(), "{bad}");
        }
    }

    #[test]
    fn raw_values_may_be_of_any_depth_and_types_may_not() {
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(raw(&deep(100_000)).is_ok());
        struct Nest;
        impl<'a> Wire<'a> for Nest {
            fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
                cursor.list(|cursor| Self::read(cursor).map(drop))?;
                Ok(Self)
            }
        }
        assert!(Nest::read(&mut Cursor::new(&deep(DEPTH))).is_ok());
        assert!(Nest::read(&mut Cursor::new(&deep(DEPTH + 1))).is_err());
    }

    #[test]
    fn faults_say_where() {
        let error = raw("{\n \"a\": 1,\n  b}").expect_err("a name without quotes");
        assert_eq!(error, "expected the name of a member at line 3 column 3");
    }

    #[test]
    fn a_failed_attempt_leaves_no_trace() {
        let mut cursor = Cursor::new(r#"[1, {"a": [2, x]}] "#);
        assert!(cursor.attempt(Cursor::raw).is_none());
        let mut seen = 0;
        let read = cursor.list(|cursor| {
            seen += 1;
            cursor.raw().map(drop)
        });
        assert!(read.is_err() && seen == 2);
    }
}
