//! Where the hub goes, and what it takes along.

use std::time::{Duration, Instant};

use crate::hub::{TestHub, provider};
use crate::samples::{ALL, CHAT, GEMINI};
use crate::upstream::{Reply, Upstream};
use crate::wire::RawUpstream;

#[tokio::test]
async fn attack_16_private_addresses_are_refused_in_every_spelling() {
    let trap = RawUpstream::start(vec![]).await;
    let port = trap.address.port();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "0.0.0.0",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fec0::1]",
        "[fe80::1]",
        "[fd00::1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
    ];
    let lines: String = hosts
        .iter()
        .enumerate()
        .map(|(number, host)| {
            format!("  - {{name: p{number}, api_format: openai, base_url: \"http://{host}:{port}\", api_key: key-one-one, max_retries: 0, timeout: 2}}\n")
        })
        .collect();
    let hub = TestHub::before(&[lines]).await;
    for (number, host) in hosts.iter().enumerate() {
        let began = Instant::now();
        let body =
            format!(r#"{{"model":"p{number}/m","messages":[{{"role":"user","content":"q"}}]}}"#);
        let answer = hub.post(CHAT.path, &body).await;
        assert!(
            answer.status >= 500,
            "{host}: {} {}",
            answer.status,
            answer.text
        );
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "{host} was dialled"
        );
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn attack_17_the_dialled_address_is_checked_not_the_name() {
    let trap = RawUpstream::start(vec![]).await;
    let port = trap.address.port();
    let lines = format!(
        "  - {{name: one, api_format: openai, base_url: \"http://localhost:{port}\", api_key: key-one-one, max_retries: 0, models: {{big: [m]}}}}\n"
    );
    let hub = TestHub::before(&[lines]).await;
    let answer = hub.post(CHAT.path, CHAT.request).await;
    assert!(answer.status >= 500, "{}", answer.text);
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn attack_18_no_redirect_takes_the_key_along() {
    let trap = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    for status in [301, 302, 303, 307, 308] {
        for (client, path) in [(&CHAT, CHAT.path), (&CHAT, CHAT.stream_path)] {
            let location = format!("http://{}/v1/chat/completions", trap.address);
            let upstream =
                Upstream::start([Reply::json(status, "{}").with("location", &location)]).await;
            let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
            let answer = hub.post(path, client.request).await;
            assert_eq!(answer.status, 502, "{}", answer.text);
            assert!(answer.header("location").is_none());
        }
    }
    assert!(trap.asked().is_empty());
}

#[tokio::test]
async fn attack_19_no_field_names_a_host() {
    let trap = RawUpstream::start(vec![]).await;
    let at = format!("http://{}", trap.address);
    let names = [
        "base_url",
        "api_base",
        "baseUrl",
        "endpoint",
        "host",
        "proxy",
        "callback",
        "webhook_url",
        "custom_host",
        "url",
        "api_url",
        "azure_endpoint",
        "aws_bedrock_runtime_endpoint",
        "vertex_ai_location",
        "redirect_uri",
        "server_url",
        "litellm_params",
        "extra_headers",
    ];
    for client in ALL {
        let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
        let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
        let body: serde_json::Value = serde_json::from_str(client.request).expect("JSON");
        for depth in 0..3 {
            let mut body = body.clone();
            for name in names {
                let mut value = serde_json::json!(at);
                for _ in 0..depth {
                    value = serde_json::json!({ name: value, "api_base": at, "base_url": at });
                }
                body[if depth == 2 { "metadata" } else { name }] = value;
            }
            let mut headers: Vec<(&str, &str)> = vec![("content-type", "application/json")];
            for name in [
                "x-base-url",
                "x-api-base",
                "x-custom-host",
                "x-portkey-custom-host",
                "x-target-url",
                "x-upstream",
                "x-forwarded-host",
                "proxy",
                "x-proxy",
                "helicone-target-url",
                "openai-base-url",
            ] {
                headers.push((name, &at));
            }
            let answer = hub
                .ask("POST", client.path, &headers, &body.to_string())
                .await;
            assert!(
                matches!(answer.status, 200 | 400),
                "{} {}",
                answer.status,
                answer.text
            );
        }
        assert!(!upstream.asked().is_empty(), "{}", client.format);
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn attack_20_addresses_in_prompts_are_not_fetched() {
    let trap = RawUpstream::start(vec![]).await;
    let url = format!("http://{}/picture.png", trap.address);
    for up in ALL {
        let upstream = Upstream::start([Reply::json(200, up.answer)]).await;
        let hub = TestHub::before(&[provider("one", up.format, &upstream, "")]).await;
        let chat = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": url}}, {"type": "file", "file": {"filename": "a.pdf", "file_data": url}}]}]});
        let messages = serde_json::json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [
            {"type": "image", "source": {"type": "url", "url": url}}, {"type": "document", "source": {"type": "url", "url": url}}]}]});
        let responses = serde_json::json!({"model": "m", "input": [{"role": "user", "content": [
            {"type": "input_image", "image_url": url}, {"type": "input_file", "file_url": url}]}]});
        let gemini = serde_json::json!({"contents": [{"role": "user", "parts": [{"fileData": {"mimeType": "image/png", "fileUri": url}}]}]});
        for (path, body) in [
            ("/v1/chat/completions", chat),
            ("/v1/messages", messages),
            ("/v1/responses", responses),
            (GEMINI.path, gemini),
        ] {
            let answer = hub.post(path, &body.to_string()).await;
            assert!(
                matches!(answer.status, 200 | 400),
                "{path} to {}: {} {}",
                up.format,
                answer.status,
                answer.text
            );
        }
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn attack_21_a_model_cannot_leave_its_place_in_the_path() {
    let upstream = Upstream::start([Reply::json(200, GEMINI.answer)]).await;
    let hub = TestHub::before(&[provider("one", "gemini", &upstream, "")]).await;
    for name in [
        "a/b",
        "../x",
        "..",
        ".",
        "a%2fb",
        "%2e%2e%2f",
        "x?y=1",
        "x#y",
        "x\r\ny: z",
        "x\u{0}y",
        "x y",
        "a:b",
        "a\\..\\b",
        "ü",
        "..;/x",
        "x:streamGenerateContent?alt=sse#",
    ] {
        let body = serde_json::json!({"model": format!("one/{name}"), "messages": [{"role": "user", "content": "q"}]});
        let answer = hub.post(CHAT.path, &body.to_string()).await;
        assert!(
            matches!(answer.status, 200 | 400 | 404),
            "{name:?}: {} {}",
            answer.status,
            answer.text
        );
    }
    for asked in upstream.asked() {
        let model = asked
            .path
            .strip_prefix("/v1beta/models/")
            .and_then(|rest| rest.strip_suffix(":generateContent"));
        let model = model.unwrap_or_else(|| unreachable!("{}", asked.path));
        assert!(
            !model.is_empty() && !model.contains(['/', '?', '#', ' ', '\\']) && model.is_ascii(),
            "{}",
            asked.path
        );
        assert!(asked.headers.get("y").is_none());
    }
}

#[tokio::test]
async fn attack_22_the_hub_s_own_headers_are_the_hub_s() {
    for client in ALL {
        let upstream = Upstream::start([Reply::json(200, client.answer)]).await;
        let hub = TestHub::before(&[provider(
            "one",
            client.format,
            &upstream,
            "headers: {x-team: blue}",
        )])
        .await;
        let hostile = [
            ("authorization", "Bearer canary"),
            ("x-api-key", "canary"),
            ("x-goog-api-key", "canary"),
            ("cookie", "canary"),
            ("te", "trailers"),
            ("proxy-authorization", "canary"),
            ("upgrade-insecure-requests", "canary"),
            ("x-team", "canary"),
            ("anthropic-version", "canary"),
            ("anthropic-beta", "canary-beta-2099-01-01"),
            ("openai-organization", "canary"),
            ("x-forwarded-for", "canary"),
            ("content-encoding", "identity"),
            ("forwarded", "for=canary"),
            ("x-amz-security-token", "canary"),
            ("api-key", "canary"),
        ];
        let answer = hub.ask("POST", client.path, &hostile, client.request).await;
        assert_eq!(answer.status, 200, "{}: {}", client.format, answer.text);
        let asked = &upstream.asked()[0];
        for (name, value) in &asked.headers {
            let text = String::from_utf8_lossy(value.as_bytes());
            // Of one vendor to itself its own beta names may pass: they choose features, not identity.
            let beta = client.format == "anthropic" && name.as_str().starts_with("anthropic-");
            assert!(
                !text.contains("canary") || beta,
                "{}: {name}: {text}",
                client.format
            );
        }
        assert_eq!(asked.headers["x-team"], "blue");
        assert_eq!(asked.headers.get_all("content-length").iter().count(), 1);
        assert_eq!(
            asked.headers["host"].to_str().ok(),
            Some(upstream.address.to_string().as_str())
        );
        assert!(asked.headers.get("te").is_none() && asked.headers.get("connection").is_none());
    }
}
