//! Where the hub may go, and what it takes along.

use crate::hub::{TestHub, provider};
use crate::samples::{CHAT, GEMINI, MESSAGES};
use crate::upstream::{Reply, Upstream};

#[tokio::test]
async fn redirects_are_not_followed() {
    let trap = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    for status in [301, 302, 303, 307, 308] {
        let target = format!("http://{}/v1/chat/completions", trap.address);
        let upstream = Upstream::start([Reply::json(status, "{}").with("location", &target)]).await;
        let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
        let answer = hub.post(CHAT.path, CHAT.request).await;
        assert!(
            answer.status >= 500,
            "{status}: {} {}",
            answer.status,
            answer.text
        );
        assert_eq!(upstream.asked().len(), 1, "{status}");
    }
    assert!(trap.asked().is_empty());
}

#[tokio::test]
async fn private_addresses_are_not_dialled() {
    let trap = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let port = trap.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        let lines = format!(
            "  - {{name: one, api_format: openai, base_url: \"http://{host}:{port}\", api_key: key-one-one, max_retries: 0, models: {{big: [m]}}}}\n"
        );
        let hub = TestHub::before(&[lines]).await;
        let answer = hub.post(CHAT.path, CHAT.request).await;
        assert!(
            answer.status >= 500,
            "{host}: {} {}",
            answer.status,
            answer.text
        );
    }
    assert!(trap.asked().is_empty(), "{:?}", trap.asked());
}

#[tokio::test]
async fn a_model_name_cannot_change_the_path() {
    let upstream = Upstream::start([Reply::json(200, GEMINI.answer)]).await;
    let hub = TestHub::before(&[provider("one", "gemini", &upstream, "")]).await;
    for name in [
        "../../files",
        "a/b",
        "a%2fb",
        "a?key=x",
        "a#b",
        "m:streamGenerateContent",
        "..;/x",
    ] {
        let body = CHAT.request.replace("\"m\"", &format!("\"one/{name}\""));
        hub.post(CHAT.path, &body).await;
    }
    let asked = upstream.asked();
    assert!(!asked.is_empty());
    for asked in asked {
        let name = asked
            .path
            .strip_prefix("/v1beta/models/")
            .and_then(|rest| rest.strip_suffix(":generateContent"));
        assert!(
            name.is_some_and(|name| !name.contains(['/', '?', '#', ':'])),
            "{}",
            asked.path
        );
    }
}

#[tokio::test]
async fn callers_cannot_set_what_the_hub_sets() {
    let upstream = Upstream::start([Reply::json(200, MESSAGES.answer)]).await;
    let hub = TestHub::before(&[provider(
        "one",
        "anthropic",
        &upstream,
        "headers: {X-Team: blue}",
    )])
    .await;
    let headers = [
        ("x-team", "red"),
        ("cookie", "a=b"),
        ("x-forwarded-for", "1.2.3.4"),
        ("anthropic-beta", "a-1,b-2"),
        ("anthropic-version", "2026-10-21"),
        ("accept-encoding", "br"),
        ("anthropic-workspace-id", "w"),
    ];
    assert_eq!(
        hub.ask("POST", MESSAGES.path, &headers, MESSAGES.request)
            .await
            .status,
        200
    );
    let seen = &upstream.asked()[0].headers;
    assert_eq!(seen["x-team"], "blue");
    assert_eq!(seen["anthropic-beta"], "a-1,b-2");
    assert_eq!(seen["anthropic-version"], "2026-10-21");
    assert_eq!(seen["accept-encoding"], "identity");
    for name in [
        "cookie",
        "x-forwarded-for",
        "anthropic-workspace-id",
        "authorization",
    ] {
        assert!(!seen.contains_key(name), "{name}");
    }
    assert_eq!(seen["host"], upstream.address.to_string().as_str());
}
