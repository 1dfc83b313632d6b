//! The top level of a JSON object, found without parsing what is inside.
//!
//! Rules only need to know where a few members are. Strings are skipped at the speed of `memchr`, and
//! nothing here recurses, so depth costs nothing. On malformed JSON the walk ends early; refusing it is
//! the decoder's business.

/// The members of the object in `body`, keys as written between their quotes, values as raw JSON.
pub(super) fn members(body: &[u8]) -> Members<'_> {
    let mut at = skip_space(body, 0);
    if body[at..].starts_with(b"\xEF\xBB\xBF") {
        at = skip_space(body, at + 3);
    }
    let at = if body.get(at) == Some(&b'{') {
        at + 1
    } else {
        body.len()
    };
    Members { body, at }
}

#[derive(Debug)]
pub(super) struct Members<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut at = skip_space(self.body, self.at);
        if self.body.get(at) == Some(&b',') {
            at = skip_space(self.body, at + 1);
        }
        self.at = self.body.len();
        if self.body.get(at) != Some(&b'"') {
            return None;
        }
        let key_end = string_end(self.body, at)?;
        let colon = skip_space(self.body, key_end);
        if self.body.get(colon) != Some(&b':') {
            return None;
        }
        let start = skip_space(self.body, colon + 1);
        let end = value_end(self.body, start)?;
        self.at = end;
        Some((&self.body[at + 1..key_end - 1], &self.body[start..end]))
    }
}

/// The first position at or after `at` that is not white space.
pub(super) fn skip_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at.min(bytes.len())
        + rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t'))
            .count()
}

/// The position after the closing quote of the string that opens at `at`.
pub(super) fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        let found = at + memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[found] == b'"' {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    match bytes.get(start)? {
        b'"' => string_end(bytes, start),
        b'{' | b'[' => nested_end(bytes, start),
        _ => {
            let rest = &bytes[start..];
            let length = rest
                .iter()
                .position(|b| matches!(b, b',' | b'}' | b']'))
                .unwrap_or(rest.len());
            let value = rest[..length].trim_ascii_end();
            (!value.is_empty()).then_some(start + value.len())
        }
    }
}

fn nested_end(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(body: &str) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        members(body.as_bytes())
            .map(|(key, value)| (text(key), text(value)))
            .collect()
    }

    #[test]
    fn members_are_found_whole() {
        let found = list(
            " { \"a\" : 1 ,\"b\":\"x\\\"},\",\n\"c\":[{\"d\":\"]\"}, 2],\"e\":null, \"f\" : {} } ",
        );
        let want = [
            ("a", "1"),
            ("b", "\"x\\\"},\""),
            ("c", "[{\"d\":\"]\"}, 2]"),
            ("e", "null"),
            ("f", "{}"),
        ];
        assert_eq!(found, want.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn broken_bodies_end_early() {
        for body in [
            "",
            "[1]",
            "{",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":[",
            "{\"a\":\"\\",
            "nul",
            "{\"a\" 1}",
        ] {
            assert_eq!(list(body), [], "{body}");
        }
        assert_eq!(list("{\"a\":1,\"b\":[").len(), 1);
        let deep = format!("{{\"a\":{}", "[".repeat(200_000));
        assert!(list(&deep).is_empty());
    }

    proptest! {
        #[test]
        fn agrees_with_a_real_parser(map in prop::collection::btree_map("[a-z]{1,6}", "[ -~\\\\\"{}\\[\\],:é]{0,12}", 0..6)) {
            let body = serde_json::to_string(&map).expect("a map of strings serialises");
            let found: Vec<(String, String)> = list(&body)
                .into_iter()
                .map(|(key, value)| (key, serde_json::from_str(&value).expect("a whole JSON string")))
                .collect();
            prop_assert_eq!(found, map.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let count = members(&bytes).count();
            prop_assert!(count <= bytes.len());
        }
    }
}
