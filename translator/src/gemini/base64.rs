//! Base64 as Google's clients send it, URL-safe and without padding, brought to the standard form once.

use std::borrow::Cow;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use crate::Text;

/// Standard base64 with padding; borrows what already is.
pub(super) fn standard(data: Cow<'_, str>) -> Cow<'_, str> {
    if is_standard(&data) {
        return data;
    }
    let mut out: String = data
        .chars()
        .filter(|c| !c.is_ascii_whitespace() && *c != '=')
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    while !out.len().is_multiple_of(4) {
        out.push('=');
    }
    Cow::Owned(out)
}

/// The same for a text that may still be a literal.
pub(super) fn standard_text(data: Text<'_>) -> Text<'_> {
    match &data {
        Text::Json(literal)
            if literal.len() >= 2 && is_standard(&literal[1..literal.len() - 1]) =>
        {
            data
        }
        _ => Text::Plain(standard(data.into_cow())),
    }
}

/// True for what a strict reader decodes.
pub(super) fn is_valid(data: &str) -> bool {
    STANDARD.decode(data).is_ok()
}

fn is_standard(data: &str) -> bool {
    let bytes = data.as_bytes();
    bytes.len().is_multiple_of(4)
        && memchr::memchr3(b'-', b'_', b'\\', bytes).is_none()
        && memchr::memchr3(b'\n', b'\r', b' ', bytes).is_none()
}

/// True when there is something, and it can be base64 of either alphabet. Clients' SDKs fail on anything else.
pub(super) fn is_legal(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let known =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    !bare.is_empty() && bare.len() % 4 != 1 && bare.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_alphabet_becomes_standard() {
        for (input, want) in [
            ("ab+/", "ab+/"),
            ("ab-_", "ab+/"),
            ("YQ", "YQ=="),
            ("YW\nI=", "YWI="),
            ("", ""),
        ] {
            assert_eq!(standard(Cow::Borrowed(input)), want, "{input}");
        }
        assert_eq!(standard_text(Text::Json(r#""ab-_""#)).as_str(), "ab+/");
        assert!(matches!(
            standard_text(Text::Json(r#""abcd""#)),
            Text::Json(_)
        ));
    }
}
