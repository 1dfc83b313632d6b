//! A call of the admin API before it is sent: a line of the contract, with its blanks filled in. Knows no network.

use serde_json::Value;

/// A line of the contract: a method, and a path with blanks in braces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Endpoint {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub(crate) method: &'static str,
    /// Such as `/api/providers/{name}`.
    pub(crate) path: &'static str,
}

impl Endpoint {
    /// A call of it, with these words in its blanks.
    pub(crate) fn call(self, blanks: &[&str]) -> Call {
        Call::new(self.method, fill(self.path, blanks))
    }
}

/// A path with these words in its blanks, in their order.
pub(crate) fn fill(template: &str, blanks: &[&str]) -> String {
    let mut path = String::with_capacity(template.len());
    let mut blanks = blanks.iter();
    for part in template.split_inclusive('/') {
        match part.trim_end_matches('/') {
            word if word.starts_with('{') => {
                path.push_str(&escaped(blanks.next().copied().unwrap_or_default()));
                path.push_str(&part[word.len()..]);
            }
            _ => path.push_str(part),
        }
    }
    path
}

/// A word that is to stand between two slashes.
fn escaped(word: &str) -> String {
    use std::fmt::Write as _;
    match word {
        // Nothing, and steps in a folder, would make another path of it: these are names that nobody has.
        "" => return "%20".to_owned(),
        "." | ".." => return word.replace('.', "%252E"),
        _ => {}
    }
    let mut out = String::with_capacity(word.len());
    for byte in word.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) if_match: Option<String>,
    pub(crate) is_open: bool,
}

impl Call {
    /// A call that is in no contract, such as one that a person wrote.
    pub(crate) fn new(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            if_match: None,
            is_open: false,
        }
    }

    /// With a query parameter.
    #[must_use]
    pub(crate) fn with(self, name: &str, value: impl ToString) -> Self {
        self.with_some(name, Some(value))
    }

    /// With a query parameter, where there is a value.
    #[must_use]
    pub(crate) fn with_some(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.query.push((name.to_owned(), value.to_string()));
        }
        self
    }

    /// With a header.
    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body.
    #[must_use]
    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Only where nobody has changed it since.
    #[must_use]
    pub(crate) fn if_match(mut self, etag: Option<String>) -> Self {
        self.if_match = etag;
        self
    }

    /// Without a log-in.
    #[must_use]
    pub(crate) fn open(mut self) -> Self {
        self.is_open = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_filled_and_escaped() {
        let endpoint = Endpoint {
            method: "POST",
            path: "/api/key-pools/{name}/keys/{id}/test",
        };
        let call = endpoint.call(&["a/b c", "7"]);
        assert_eq!(call.path, "/api/key-pools/a%2Fb%20c/keys/7/test");
        assert_eq!(fill("/api/x/{name}", &["é"]), "/api/x/%C3%A9");
        assert_eq!(fill("/api/x/{name}", &[""]), "/api/x/%20");
        assert_eq!(fill("/api/x/{name}/y", &[".."]), "/api/x/%252E%252E/y");
    }
}
