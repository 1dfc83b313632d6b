//! Takes doubled names out of `required`, whose elements must be unique and which generators repeat.
//!
//! Works on the text, so that a schema without doubles is not parsed at all. Knows nothing of subsets.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

const KEY: &str = "\"required\"";
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(KEY));

/// The schema with each name once in every `required`.
pub(super) fn unique_required(schema: Cow<'_, str>) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    for at in FINDER.find_iter(schema.as_bytes()) {
        let Some((list, end)) = names(&schema, at + KEY.len()) else {
            continue;
        };
        let mut once: Vec<&str> = Vec::with_capacity(list.len());
        for name in &list {
            if !once.contains(name) {
                once.push(name);
            }
        }
        if once.len() < list.len() {
            out.push_str(&schema[copied..at]);
            out.push_str(KEY);
            out.push_str(":[");
            out.push_str(&once.join(","));
            out.push(']');
            copied = end;
        }
    }
    if copied == 0 {
        return schema;
    }
    out.push_str(&schema[copied..]);
    Cow::Owned(out)
}

/// The literals of the list of strings behind a key, and where it ends; `None` when something else stands there.
fn names(schema: &str, after_key: usize) -> Option<(Vec<&str>, usize)> {
    let mut at = token(schema, after_key, b':')?;
    at = token(schema, at, b'[')?;
    let mut names = Vec::new();
    loop {
        let open = token(schema, at, b'"')? - 1;
        let close = closing_quote(schema, open + 1)?;
        names.push(&schema[open..=close]);
        match token(schema, close + 1, b',') {
            Some(next) => at = next,
            None => return Some((names, token(schema, close + 1, b']')?)),
        }
    }
}

/// The position behind a byte that follows white space.
fn token(schema: &str, at: usize, wanted: u8) -> Option<usize> {
    let rest = &schema.as_bytes()[at..];
    let blank = rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    (rest.get(blank) == Some(&wanted)).then_some(at + blank + 1)
}

fn closing_quote(schema: &str, mut at: usize) -> Option<usize> {
    let bytes = schema.as_bytes();
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unique_required;

    #[test]
    fn doubles_go_and_the_rest_stays_as_it_stood() {
        let cases = [
            (r#"{"required":["a","a"]}"#, r#"{"required":["a"]}"#),
            (
                r#"{"required" : [ "a", "b" ,"a" ], "x": 1.0}"#,
                r#"{"required":["a","b"], "x": 1.0}"#,
            ),
            (
                r#"{"properties":{"required":{"required":["\"","\""]}},"required":["z","z"]}"#,
                r#"{"properties":{"required":{"required":["\""]}},"required":["z"]}"#,
            ),
        ];
        for (given, want) in cases {
            assert_eq!(unique_required(given.into()), want);
        }
        for same in [
            r#"{"required" : [ "a" ]}"#,
            r#"{"required":[]}"#,
            r#"{"required":true}"#,
            r#"{"enum":["required","required"]}"#,
            r#"{"required":["a","#,
        ] {
            assert_eq!(unique_required(same.into()), same);
        }
    }
}
