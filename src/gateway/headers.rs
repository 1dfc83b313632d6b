//! Which headers travel, and in which direction. Both lists are allow-lists.

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use translator::Dialect;

use crate::ledger::TRACEPARENT;
use crate::snapshot::Provider;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const BRIDGE_PROVIDER: HeaderName = HeaderName::from_static("x-bridge-provider");
pub(super) const BRIDGE_MODEL: HeaderName = HeaderName::from_static("x-bridge-model");
pub(super) const BRIDGE_ROUTE: HeaderName = HeaderName::from_static("x-bridge-route");
pub(super) const BRIDGE_ATTEMPTS: HeaderName = HeaderName::from_static("x-bridge-attempts");
pub(super) const BRIDGE_FIDELITY: HeaderName = HeaderName::from_static("x-bridge-fidelity");
pub(super) const BRIDGE_COUNT: HeaderName = HeaderName::from_static("x-bridge-count");
pub(super) const BRIDGE_STRICT: HeaderName = HeaderName::from_static("x-bridge-strict");
/// Says to the vendors' SDKs whether another try makes sense.
pub(super) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// The name under which Anthropic's SDKs look for it.
pub(super) const ANTHROPIC_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const OLD_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("llm-bridge/", env!("CARGO_PKG_VERSION")));

/// Headers of a client that an upstream of the same dialect may see. Scope headers such as
/// `openai-organization` belong to the client's own account, not to the hub's, and stay here.
fn travels(name: &str, dialect: Dialect) -> bool {
    let openai = matches!(dialect, Dialect::OpenAiChat | Dialect::OpenAiResponses);
    match name.as_bytes().first() {
        Some(b'a') => {
            dialect == Dialect::Anthropic
                && matches!(
                    name,
                    "anthropic-version"
                        | "anthropic-beta"
                        | "anthropic-dangerous-direct-browser-access"
                )
        }
        Some(b'i') => name == "idempotency-key",
        Some(b'o') => openai && matches!(name, "openai-beta" | "originator"),
        Some(b's') => matches!(name, "session-id" | "session_id"),
        Some(b't') => name == "thread-id",
        Some(b'u') => name == "user-agent",
        Some(b'x') => {
            matches!(name, "x-app" | "x-goog-api-client" | "x-client-request-id")
                || name.starts_with("x-stainless-")
                || name.starts_with("x-claude-code-")
                || name.starts_with("x-codex-")
                || name.starts_with("x-openai-")
        }
        _ => false,
    }
}

/// What stands on every request to a provider.
fn base(stream: bool) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(ACCEPT, if stream { EVENTS } else { JSON });
    headers.insert(ACCEPT_ENCODING, IDENTITY);
    headers
}

fn finish(headers: &mut HeaderMap, provider: &Provider) {
    for (name, value) in &provider.headers {
        headers.insert(name, value.clone());
    }
}

/// The head of a request whose bytes are the client's.
pub(super) fn passed(client: &HeaderMap, provider: &Provider, stream: bool) -> HeaderMap {
    let mut headers = base(stream);
    for (name, value) in client {
        if travels(name.as_str(), provider.dialect) {
            join(&mut headers, name, value);
        }
    }
    if provider.dialect == Dialect::Anthropic {
        headers.entry(ANTHROPIC_VERSION).or_insert(OLD_VERSION);
    }
    finish(&mut headers, provider);
    headers
}

/// Adds a header; lists that came in several lines go on as one, each member once.
fn join(headers: &mut HeaderMap, name: &HeaderName, value: &HeaderValue) {
    let lists = ["anthropic-beta", "openai-beta"];
    let (Some(before), Ok(more)) = (
        headers.get(name).and_then(|before| before.to_str().ok()),
        value.to_str(),
    ) else {
        headers.append(name, value.clone());
        return;
    };
    if !lists.contains(&name.as_str()) {
        headers.append(name, value.clone());
        return;
    }
    let mut all: Vec<&str> = Vec::new();
    for member in before
        .split(',')
        .chain(more.split(','))
        .map(str::trim)
        .filter(|member| !member.is_empty())
    {
        if !all.contains(&member) {
            all.push(member);
        }
    }
    if let Ok(joined) = HeaderValue::from_str(&all.join(",")) {
        headers.insert(name, joined);
    }
}

/// The head of a request that the hub wrote.
pub(super) fn written(
    provider: &Provider,
    stream: bool,
    own: &[(&'static str, String)],
) -> HeaderMap {
    let mut headers = base(stream);
    headers.insert(USER_AGENT, AGENT);
    for (name, value) in own {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if provider.dialect == Dialect::Anthropic {
        headers.entry(ANTHROPIC_VERSION).or_insert(OLD_VERSION);
    }
    finish(&mut headers, provider);
    headers
}

/// The same headers, with the place in a trace where there is one.
pub(super) fn traced(headers: &HeaderMap, place: Option<HeaderValue>) -> HeaderMap {
    let mut headers = headers.clone();
    headers.extend(place.map(|place| (TRACEPARENT, place)));
    headers
}

/// A value for a header, whatever the text; what no header can carry becomes `?`.
pub(super) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| {
        let plain: String = text
            .chars()
            .map(|c| {
                if c.is_ascii_graphic() || c == ' ' {
                    c
                } else {
                    '?'
                }
            })
            .collect();
        HeaderValue::from_str(&plain).unwrap_or_else(|_| HeaderValue::from_static("?"))
    })
}

/// Headers of an upstream's answer that a client of the same dialect gets. Rate limits describe the
/// hub's account and stay here.
pub(super) fn returned(upstream: &HeaderMap, headers: &mut HeaderMap) {
    for (name, value) in upstream {
        match name.as_str() {
            "openai-processing-ms" | "openai-version" | "openai-model" | "x-should-retry" => {
                headers.append(name, value.clone());
            }
            "x-request-id" | "request-id" => {
                headers.append(
                    HeaderName::from_static("x-upstream-request-id"),
                    value.clone(),
                );
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, travels};

    const ALL: [Dialect; 4] = [
        Dialect::OpenAiChat,
        Dialect::OpenAiResponses,
        Dialect::Anthropic,
        Dialect::Gemini,
    ];

    #[test]
    fn credentials_and_hop_by_hop_headers_stay_here() {
        for name in [
            "authorization",
            "x-api-key",
            "x-goog-api-key",
            "cookie",
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "te",
            "upgrade",
            "proxy-authorization",
            "x-forwarded-for",
            "x-original-url",
            "openai-organization",
            "openai-project",
            "anthropic-workspace-id",
            "x-goog-user-project",
            "x-bridge-provider",
            "accept-encoding",
            "content-encoding",
            "expect",
        ] {
            for dialect in ALL {
                assert!(!travels(name, dialect), "{name}");
            }
        }
        for name in [
            "anthropic-beta",
            "anthropic-version",
            "openai-beta",
            "x-stainless-lang",
            "user-agent",
        ] {
            assert!(ALL.iter().any(|dialect| travels(name, *dialect)), "{name}");
        }
    }
}
