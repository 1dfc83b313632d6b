//! What of a document is secret: by the name of a member or a header, within an address, and by the look of a text.
//! One answer for what is shown masked and for what is warned of. Pure.

use serde_json::Value;

/// Names of members, headers and parameters with secrets, in lower case and with `_` between words.
const NAMES: [&str; 12] = [
    "auth",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "key",
    "keys",
    "secrets",
    "set_cookie",
    "sig",
    "signature",
    "tokens",
];
/// Such names, alone or behind another word.
const ENDS: [&str; 15] = [
    "access_key",
    "api_key",
    "api_keys",
    "apikey",
    "authorization",
    "encryption_key",
    "master_key",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "secret",
    "secret_key",
    "signing_key",
    "token",
];
/// Members with headers, each of which may be a secret.
const HEADERS: [&str; 4] = [
    "custom_headers",
    "default_headers",
    "extra_headers",
    "headers",
];
/// Headers that are none.
const OPEN_HEADERS: [&str; 16] = [
    "accept",
    "accept_encoding",
    "accept_language",
    "anthropic_beta",
    "anthropic_version",
    "api_version",
    "cache_control",
    "content_type",
    "http_referer",
    "openai_beta",
    "openai_organization",
    "openai_project",
    "origin",
    "referer",
    "user_agent",
    "x_title",
];
/// How keys of vendors begin.
const BEGINNINGS: [&str; 10] = [
    "AIza", "AKIA", "eyJ", "ghp_", "gsk_", "hf_", "pplx-", "r8_", "sk-", "xai-",
];
/// A text that begins so and is shorter is a word, not a key.
const SHORTEST: usize = 16;
/// What stands in an address in the place of a secret.
const MASK: &str = "***";

/// A document in which secrets are masked.
pub(crate) fn masked(document: &Value) -> Value {
    let mut shown = document.clone();
    mask(&mut shown, None, Place::Open);
    shown
}

/// A text of this name, masked where it is a secret.
pub(crate) fn masked_text(name: &str, text: &str) -> String {
    let place = place_of(name, Place::Open);
    replaced(text, Some(name), place).unwrap_or_else(|| text.to_owned())
}

/// Whether a secret stands in a document as it is.
pub(crate) fn is_in(document: &Value) -> bool {
    masked(document) != *document
}

/// What a value stands under.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// Nothing that makes it a secret.
    Open,
    /// A list of headers.
    Headers,
    /// A secret's name.
    Secret,
}

/// What stands under a name that itself stands there. What is under a secret's name is secret all the way down.
fn place_of(name: &str, place: Place) -> Place {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let is_end = |end: &str| {
        name.strip_suffix(end)
            .is_some_and(|before| before.is_empty() || before.ends_with('_'))
    };
    let is_name = || NAMES.contains(&name.as_str()) || ENDS.iter().any(|end| is_end(end));
    match place {
        Place::Secret => Place::Secret,
        Place::Headers if OPEN_HEADERS.contains(&name.as_str()) => Place::Open,
        Place::Headers => Place::Secret,
        Place::Open if HEADERS.contains(&name.as_str()) => Place::Headers,
        Place::Open if is_name() => Place::Secret,
        Place::Open => Place::Open,
    }
}

fn mask(value: &mut Value, name: Option<&str>, place: Place) {
    match value {
        Value::String(text) => {
            if let Some(shown) = replaced(text, name, place) {
                *text = shown;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, name, place)),
        Value::Object(members) => {
            for (own, value) in members {
                let place_there = place_of(own, place);
                // What is masked is called as the secret that it belongs to.
                let called = name.filter(|_| place == Place::Secret).unwrap_or(own);
                mask(value, Some(called), place_there);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What to show of a text; nothing where it can be shown as it is.
fn replaced(text: &str, name: Option<&str>, place: Place) -> Option<String> {
    let mark = || format!("<{}>", name.unwrap_or("secret"));
    if text.trim().is_empty() || is_reference(text) || text == mark() {
        return None;
    }
    if place == Place::Secret || looks_secret(text) {
        return Some(mark());
    }
    match text.contains("://") {
        true => address(text),
        // An address of a proxy without its scheme.
        false => (name == Some("proxy") && text.contains('@')).then(mark),
    }
}

/// Whether it names a variable, alone or behind a scheme such as `Bearer`, and gives no usual value.
fn is_reference(text: &str) -> bool {
    let text = without_scheme(text.trim()).unwrap_or(text.trim());
    let inner = text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|inner| {
        let mut bytes = inner.bytes();
        bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// What stands behind the scheme of an `authorization` header.
fn without_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(' ')?;
    let is_scheme = ["bearer", "basic", "token"].contains(&scheme.to_ascii_lowercase().as_str());
    is_scheme.then(|| rest.trim_start())
}

fn looks_secret(text: &str) -> bool {
    let text = text.trim();
    let is_token = |text: &str| {
        text.len() >= SHORTEST
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=:".contains(&byte))
    };
    match without_scheme(text) {
        Some(rest) => is_token(rest),
        None => {
            is_token(text)
                && BEGINNINGS
                    .iter()
                    .any(|beginning| text.starts_with(beginning))
        }
    }
}

/// An address without the secrets in it; nothing where there are none.
fn address(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://").filter(|(scheme, _)| {
        let mut bytes = scheme.bytes();
        !scheme.is_empty()
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = match authority.rsplit_once('@') {
        Some((person, host)) if !is_open_person(person) => format!("{MASK}@{host}"),
        _ => authority.to_owned(),
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut shown = format!("{scheme}://{host}{path}");
    for (at, pair) in query.split('&').enumerate() {
        shown.push(match (at, query) {
            (0, "") => continue,
            (0, _) => '?',
            _ => '&',
        });
        match pair.split_once('=') {
            Some((name, value)) if is_secret_value(name, value) => {
                shown.push_str(&format!("{name}={MASK}"));
            }
            _ => shown.push_str(pair),
        }
    }
    (shown != text).then_some(shown)
}

/// Whether what stands before the `@` holds no secret as it is: references, or what was masked before.
fn is_open_person(person: &str) -> bool {
    person == MASK || person.split(':').all(is_reference)
}

fn is_secret_value(name: &str, value: &str) -> bool {
    place_of(name, Place::Open) == Place::Secret
        && !value.is_empty()
        && value != MASK
        && !is_reference(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let cases = [
            (json!({"api_key": "k"}), json!({"api_key": "<api_key>"})),
            (
                json!({"keys": ["a", {"key": "b", "label": "c"}]}),
                json!({"keys": ["<keys>", {"key": "<keys>", "label": "<keys>"}]}),
            ),
            (
                json!({"list": [{"deep": {"X-Goog-Api-Key": "k"}}]}),
                json!({"list": [{"deep": {"X-Goog-Api-Key": "<X-Goog-Api-Key>"}}]}),
            ),
            (
                json!({"headers": {"x-own": "k", "Anthropic-Version": "2023"}}),
                json!({"headers": {"x-own": "<x-own>", "Anthropic-Version": "2023"}}),
            ),
            (
                json!({"authorization": "Bearer k"}),
                json!({"authorization": "<authorization>"}),
            ),
            (
                json!({"new_password": "p", "GROQ_API_KEY": "k"}),
                json!({"new_password": "<new_password>", "GROQ_API_KEY": "<GROQ_API_KEY>"}),
            ),
            (
                json!({"value": "sk-ant-0123456789abcdef"}),
                json!({"value": "<value>"}),
            ),
            (json!(["Bearer 0123456789abcdef"]), json!(["<secret>"])),
            (
                json!({"proxy": "http://me:word@proxy:1/"}),
                json!({"proxy": "http://***@proxy:1/"}),
            ),
            (
                json!({"proxy": "me:word@proxy:1"}),
                json!({"proxy": "<proxy>"}),
            ),
            (
                json!({"base_url": "https://h/v1?key=abc&x=1#f"}),
                json!({"base_url": "https://h/v1?key=***&x=1#f"}),
            ),
            (
                json!({"base_url": "https://h?a=1&api-key=abc"}),
                json!({"base_url": "https://h?a=1&api-key=***"}),
            ),
        ];
        for (document, shown) in cases {
            assert_eq!(masked(&document), shown);
            assert!(is_in(&document), "{document}");
            assert!(!is_in(&shown), "what is masked is no secret: {shown}");
        }
    }

    #[test]
    fn the_rest_is_shown_as_it_is() {
        let open = json!({
            "api_key": "${OPENAI_API_KEY}", "keys": [], "password": "", "key_pool": "sk-pool", "max_tokens": 5,
            "headers": {"authorization": "Bearer ${KEY}", "user-agent": "me"}, "auth_format": "Bearer {key}",
            "auth_header": "x-api-key", "base_url": "https://${HOST}/a?b=key", "proxy": "http://${U}:${P}@proxy",
            "text": "token by token: a sk-8 board"
        });
        assert_eq!(masked(&open), open);
        let usual = json!({"api_key": "${KEY:-k}", "headers": {"x-api-key": "$${KEY}"}});
        assert_eq!(
            masked(&usual),
            json!({"api_key": "<api_key>", "headers": {"x-api-key": "<x-api-key>"}})
        );
    }

    #[test]
    fn a_text_alone_goes_by_its_name() {
        assert_eq!(masked_text("key", "abc"), "<key>");
        assert_eq!(masked_text("limit", "10"), "10");
    }
}
