//! `${VAR}` and `${VAR:-default}` inside any value; `$${` stands for `${` itself.

use std::borrow::Cow;

use super::Environment;

/// What came of a value with references.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resolved<'a> {
    pub(super) text: Cow<'a, str>,
    /// Variables without a value and without a default.
    pub(super) unset: Vec<String>,
}

/// Puts variables in.
///
/// # Errors
/// When a reference is malformed: what is wrong with it.
pub(super) fn interpolate<'a>(
    text: &'a str,
    environment: &Environment,
) -> Result<Resolved<'a>, &'static str> {
    if !text.contains("${") {
        return Ok(Resolved {
            text: Cow::Borrowed(text),
            unset: Vec::new(),
        });
    }
    let (mut out, mut unset, mut rest) = (String::new(), Vec::new(), text);
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at]);
            out.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let (reference, after) = rest[at + 2..]
            .split_once('}')
            .ok_or("`${` without a closing brace")?;
        let (name, default) = reference
            .split_once(":-")
            .map_or((reference, None), |(n, d)| (n, Some(d)));
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err("a reference must be ${NAME} or ${NAME:-default}");
        }
        match (environment.get(name), default) {
            (Some(value), _) => out.push_str(value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => unset.push(name.to_owned()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(Resolved {
        text: Cow::Owned(out),
        unset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced() {
        let environment: Environment = [("A".to_owned(), "1".to_owned())].into_iter().collect();
        let cases: [(&str, &str, &[&str]); 8] = [
            ("plain $A", "plain $A", &[]),
            ("${A}", "1", &[]),
            ("x${A}y${A}", "x1y1", &[]),
            ("${B:-two}", "two", &[]),
            ("${A:-two}", "1", &[]),
            ("${B:-}", "", &[]),
            ("a${B}b", "ab", &["B"]),
            ("$${A}", "${A}", &[]),
        ];
        for (text, want, unset) in cases {
            let resolved = interpolate(text, &environment).expect("well formed");
            assert_eq!(
                (&*resolved.text, resolved.unset.as_slice()),
                (
                    want,
                    unset
                        .iter()
                        .map(|n| (*n).to_owned())
                        .collect::<Vec<_>>()
                        .as_slice()
                ),
                "{text}"
            );
        }
        assert!(interpolate("${A", &environment).is_err());
        assert!(interpolate("${}", &environment).is_err());
        assert!(interpolate("${A B}", &environment).is_err());
    }
}
