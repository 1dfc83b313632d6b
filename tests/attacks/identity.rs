//! Who calls, and what a caller may reach.

use std::fmt::Write as _;

use crate::hub::{TestHub, provider};
use crate::samples::{ALL, CHAT, RESPONSES};
use crate::upstream::{Reply, Upstream};
use crate::wire::{post, say, statuses};

const KEY: &str = "client-secret-0001";

async fn closed() -> (TestHub, Upstream) {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let yaml = format!(
        "CLIENT_KEYS:\n  - {{name: ci, key: {KEY}}}\n  - {{name: other, key: {KEY}x}}\n  - {{name: third, key: {KEY}xy}}\nPROVIDERS:\n{}",
        provider("one", "openai", &upstream, "")
    );
    (TestHub::start(&yaml).await, upstream)
}

/// An error's text without what names the request.
fn shape(text: &str) -> String {
    let body = text.split("\r\n\r\n").nth(1).unwrap_or(text);
    body.to_owned()
}

#[tokio::test]
async fn attack_01_hostile_credentials_get_one_answer_and_leave_no_trace() {
    let (hub, upstream) = closed().await;
    let long = "k".repeat(60_000);
    let mut shapes = std::collections::BTreeSet::new();
    for hostile in [
        "' OR 1=1 --",
        "\"; DROP TABLE client_keys; --",
        "%27%00",
        "canary-hostile-1",
        "sk-${jndi:ldap://x}",
        "{{7*7}}",
        "../../etc/passwd",
    ] {
        for header in [
            format!("authorization: Bearer {hostile}\r\n"),
            format!("x-api-key: {hostile}\r\n"),
            format!("x-goog-api-key: {hostile}\r\n"),
        ] {
            let (text, _) = say(hub.address, &post(CHAT.path, &header, CHAT.request)).await;
            assert_eq!(statuses(&text), [401], "{header}: {text}");
            assert!(!text.contains(hostile), "{text}");
            shapes.insert(shape(&text));
        }
        let quoted: String = hostile.bytes().fold(String::new(), |mut all, byte| {
            let _ = write!(all, "%{byte:02X}");
            all
        });
        let answer = hub
            .post(&format!("{}?key={quoted}", CHAT.path), CHAT.request)
            .await;
        assert_eq!(answer.status, 401);
        shapes.insert(answer.text);
    }
    assert_eq!(shapes.len(), 1, "{shapes:#?}");
    for bytes in [
        [b"x-api-key: a\0b\r\n".as_slice(), b""].concat(),
        b"authorization: Bearer \xff\xfe\r\n".to_vec(),
        format!("x-api-key: {long}\r\n").into_bytes(),
        format!("x-api-key: {}\r\n", "k".repeat(1 << 20)).into_bytes(),
    ] {
        let head = [
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n".as_slice(),
            &bytes,
            b"\r\n",
        ]
        .concat();
        let (text, _) = say(hub.address, &head).await;
        assert!(
            matches!(statuses(&text)[..], [400 | 401 | 431]) || text.is_empty(),
            "{text}"
        );
    }
    assert!(upstream.asked().is_empty());
    assert!(hub.records(0).await.is_empty());
}

#[tokio::test]
async fn attack_02_two_credentials_are_never_merged() {
    let (hub, upstream) = closed().await;
    for (headers, status) in [
        (
            format!("x-api-key: {KEY}\r\nauthorization: Bearer wrong\r\n"),
            200,
        ),
        (
            format!("x-api-key: wrong\r\nauthorization: Bearer {KEY}\r\n"),
            401,
        ),
        (
            format!("x-goog-api-key: wrong\r\nauthorization: Bearer {KEY}\r\n"),
            401,
        ),
        (
            format!("authorization: Bearer {KEY}\r\nauthorization: Bearer {KEY}x\r\n"),
            401,
        ),
        (format!("x-api-key: {KEY}\r\nx-api-key: {KEY}x\r\n"), 401),
        (format!("x-api-key: {KEY}, {KEY}x\r\n"), 401),
        (
            format!(
                "x-api-key: {}\r\nx-goog-api-key: {}\r\n",
                &KEY[..9],
                &KEY[9..]
            ),
            401,
        ),
    ] {
        let (text, _) = say(hub.address, &post(CHAT.path, &headers, CHAT.request)).await;
        assert_eq!(statuses(&text), [status], "{headers}: {text}");
    }
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test]
async fn attack_03_the_host_takes_no_part() {
    let (hub, upstream) = closed().await;
    let body = CHAT.request;
    let length = body.len();
    let lines = [
        "host: h/#@x",
        "host: 127.0.0.1:1/health",
        "host: evil:99999",
        "host: hub\r\nx-forwarded-host: evil\r\nx-forwarded-path: /health\r\nx-forwarded-for: 127.0.0.1",
        "host: hub\r\nx-original-url: /health\r\nx-rewrite-url: /health",
        "host: localhost",
    ];
    for target in [
        "/v1/chat/completions",
        "http://evil.example/v1/chat/completions",
        "http://127.0.0.1/v1/chat/completions",
    ] {
        for host in lines {
            for (key, wanted) in [("", 401), ("x-api-key: client-secret-0001\r\n", 200)] {
                let request = format!(
                    "POST {target} HTTP/1.1\r\n{host}\r\n{key}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                let (text, _) = say(hub.address, request.as_bytes()).await;
                let got = statuses(&text);
                assert!(
                    got == [wanted] || got == [400],
                    "{target} {host} {key}: {text}"
                );
            }
        }
    }
    assert!(
        upstream
            .asked()
            .iter()
            .all(|asked| asked.path == "/v1/chat/completions")
    );
}

#[tokio::test]
async fn attack_04_no_spelling_of_a_path_passes_the_guard() {
    let (hub, upstream) = closed().await;
    for path in PROTECTED {
        let rest = &path[1..];
        for spelling in [
            format!("//{rest}"),
            format!("/./{rest}"),
            format!("/health/../{rest}"),
            format!("/health/..;/{rest}"),
            format!("/health;/{rest}"),
            format!("/%2e/{rest}"),
            format!("/health/%2e%2e/{rest}"),
            format!("/health%2f..%2f{rest}"),
            format!("/{}", rest.replace('/', "%2f")),
            format!("/{}", rest.replace('/', "%252f")),
            format!("{path}."),
            format!("{path};a=b"),
            format!("{path}%00"),
            format!("{path}/."),
            path.to_uppercase(),
            format!("{path}?x=/health"),
            format!("{path}#/health"),
            format!("{path}/"),
            format!("/metrics/..{path}"),
            format!("*{path}"),
        ] {
            for method in [
                "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE",
            ] {
                let request = format!(
                    "{method} {spelling} HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                let (text, _) = say(hub.address, request.as_bytes()).await;
                let got = statuses(&text);
                // Paths of the administration are its own business, which is not open here.
                let away = text.contains("application/problem+json");
                assert!(
                    matches!(got[..], [400 | 401 | 404 | 405]) || away,
                    "{method} {spelling}: {text}"
                );
            }
        }
    }
    assert!(upstream.asked().is_empty());
}

/// A path of every kind that needs a key.
const PROTECTED: [&str; 4] = [
    "/v1/chat/completions",
    "/v1/models",
    "/v1beta/models/m:generateContent",
    "/api/translate/explain",
];

/// Everything of the data plane, with the method that it takes.
const ROUTES: [(&str, &str); 17] = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/anthropic/completions"),
    ("POST", "/v1/responses"),
    ("POST", "/v1/gemini/completions"),
    ("POST", "/v1/messages/count_tokens"),
    ("POST", "/v1/responses/input_tokens"),
    ("POST", "/v1/embeddings"),
    ("POST", "/v1beta/models/m:generateContent"),
    ("POST", "/v1beta/models/m:streamGenerateContent"),
    ("POST", "/v1beta/models/m:countTokens"),
    ("GET", "/v1/models"),
    ("GET", "/v1beta/models"),
    ("GET", "/v1/responses/resp_1"),
    ("GET", "/v1/responses/resp_1/input_items"),
    ("GET", "/v1/api-keys/stats"),
    ("POST", "/api/translate/explain"),
];

#[tokio::test]
async fn attack_05_every_route_wants_a_key() {
    let (hub, upstream) = closed().await;
    for (method, path) in ROUTES {
        for headers in [
            vec![],
            vec![("authorization", "Bearer wrong-0000000")],
            vec![("authorization", "Basic Y2xpZW50LXNlY3JldC0wMDAx")],
            vec![("authorization", "Bearer key-one-one")],
            vec![("cookie", "session=client-secret-0001")],
            vec![("x-bridge-key", KEY)],
        ] {
            let answer = hub.ask(method, path, &headers, "{}").await;
            assert_eq!(
                answer.status, 401,
                "{method} {path} {headers:?}: {}",
                answer.text
            );
        }
        let answer = hub.ask(method, path, &[("x-api-key", KEY)], "{}").await;
        assert_ne!(answer.status, 401, "{method} {path} with the key");
    }
    // What answers without a key says nothing of keys, providers' addresses or callers.
    for path in [
        "/",
        "/health",
        "/health/live",
        "/health/ready",
        "/api/hello",
        "/metrics",
    ] {
        let answer = hub.ask("GET", path, &[], "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            !answer.text.contains("secret") && !answer.text.contains("127.0.0.1"),
            "{path}: {}",
            answer.text
        );
    }
    assert!(upstream.asked().is_empty());
}

#[tokio::test]
async fn attack_06_keys_that_begin_alike_are_different_keys() {
    let (hub, _upstream) = closed().await;
    let ids = |records: Vec<serde_json::Value>| -> Vec<String> {
        records
            .iter()
            .map(|record| record["client_key"].to_string())
            .collect()
    };
    for key in [KEY.to_owned(), format!("{KEY}x"), format!("{KEY}xy")] {
        let answer = hub
            .ask("POST", CHAT.path, &[("x-api-key", &key)], CHAT.request)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for key in [
        &KEY[..KEY.len() - 1],
        "client-secret-0001xyz",
        "CLIENT-SECRET-0001",
        "client-secret-0001\u{00a0}",
    ] {
        let answer = hub
            .post(
                &format!("{}?key={}", CHAT.path, key.replace('\u{00a0}', "%C2%A0")),
                CHAT.request,
            )
            .await;
        assert_eq!(answer.status, 401, "{key}");
    }
    let ids = ids(hub.records(3).await);
    assert!(
        ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2],
        "{ids:?}"
    );
}

#[tokio::test]
async fn attack_09_an_answer_of_another_key_does_not_exist() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let yaml = format!(
        "CLIENT_KEYS:\n  - {{name: ci, key: {KEY}}}\n  - {{name: other, key: {KEY}x}}\nPROVIDERS:\n{}",
        provider("one", "openai", &upstream, "")
    );
    let hub = TestHub::start(&yaml).await;
    let mine = hub
        .ask(
            "POST",
            RESPONSES.path,
            &[("x-api-key", KEY)],
            RESPONSES.request,
        )
        .await;
    assert_eq!(mine.status, 200, "{}", mine.text);
    let id = mine.json()["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/responses/{id}");
    let other = format!("{KEY}x");
    let owned = hub.ask("GET", &path, &[("x-api-key", KEY)], "").await;
    assert_eq!(owned.status, 200, "{}", owned.text);
    for (method, tail) in [("GET", ""), ("GET", "/input_items"), ("DELETE", "")] {
        let foreign = hub
            .ask(
                method,
                &format!("{path}{tail}"),
                &[("x-api-key", &other)],
                "",
            )
            .await;
        assert_eq!(foreign.status, 404, "{method} {tail}: {}", foreign.text);
        let none = hub
            .ask(
                method,
                &format!("/v1/responses/resp_none{tail}"),
                &[("x-api-key", &other)],
                "",
            )
            .await;
        assert_eq!(
            shape(&foreign.text.replace(&id, "resp_none")),
            shape(&none.text),
            "they look alike"
        );
    }
    let body = format!(r#"{{"model":"m","input":"go on","previous_response_id":"{id}"}}"#);
    let stolen = hub
        .ask("POST", RESPONSES.path, &[("x-api-key", &other)], &body)
        .await;
    assert!(stolen.status >= 400, "{}", stolen.text);
    assert!(
        !upstream
            .asked()
            .last()
            .expect("asked")
            .body
            .contains("go on")
    );
    assert_eq!(
        hub.ask("GET", &path, &[("x-api-key", KEY)], "")
            .await
            .status,
        200,
        "not deleted"
    );
}

#[tokio::test]
async fn attack_15_no_other_site_may_read() {
    let (hub, _upstream) = closed().await;
    for client in ALL {
        let preflight = hub
            .ask(
                "OPTIONS",
                client.path,
                &[
                    ("origin", "https://evil.example"),
                    ("access-control-request-method", "POST"),
                ],
                "",
            )
            .await;
        let real = hub
            .ask(
                "POST",
                client.path,
                &[("origin", "https://evil.example"), ("x-api-key", KEY)],
                client.request,
            )
            .await;
        for answer in [preflight, real] {
            for name in [
                "access-control-allow-origin",
                "access-control-allow-credentials",
            ] {
                assert!(
                    answer.header(name).is_none(),
                    "{name}: {:?}",
                    answer.header(name)
                );
            }
        }
    }
}
