//! What callers write stays text, in upstreams, answers and records.

use crate::hub::{TestHub, provider};
use crate::samples::{ALL, CHAT};
use crate::upstream::{Reply, Upstream};
use crate::wire::{post, say};

#[tokio::test]
async fn attack_24_nothing_of_a_request_is_evaluated_or_read() {
    for client in ALL {
        for up in ALL {
            let upstream = Upstream::start([Reply::json(200, up.answer)]).await;
            let hub = TestHub::before(&[provider("one", up.format, &upstream, "")]).await;
            for text in [
                "${HOME}",
                "${PATH:-x}",
                "{{7*7}}",
                "$(id)",
                "file:///etc/passwd",
                "env:PATH",
                "(a+)+$",
                "@/etc/passwd",
                "<%= 7*7 %>",
                "os.environ/HOME",
            ] {
                let body = client
                    .request
                    .replace("\"hi\"", &serde_json::json!(text).to_string());
                let answer = hub.post(client.path, &body).await;
                assert_eq!(answer.status, 200, "{text}: {}", answer.text);
                let asked = upstream.asked().pop().expect("asked");
                assert!(
                    asked.body.contains(text),
                    "{} to {}: {text}: {}",
                    client.format,
                    up.format,
                    asked.body
                );
            }
        }
    }
}

#[tokio::test]
async fn attack_25_answers_of_the_data_plane_are_never_pages() {
    let html = "<script>alert(1)</script><svg onload=alert(1)>\u{202e}\u{200b}";
    let answer = CHAT.answer.replace("hello", &html.replace('"', ""));
    let upstream = Upstream::start([Reply::json(200, &answer)]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    for client in ALL {
        let body = client
            .request
            .replace("\"hi\"", &serde_json::json!(html).to_string());
        let whole = hub.post(client.path, &body).await;
        let odd = body.replace("\"m\"", "\"<img src=x onerror=alert(1)>\"");
        let refused = hub.post(client.path, &odd).await;
        let broken = hub.post(client.path, &format!("{{{html}")).await;
        let nowhere = hub
            .ask("GET", "/v1/%3Cscript%3Ealert(1)%3C/script%3E", &[], "")
            .await;
        for one in [whole, refused, broken, nowhere] {
            let kind = one.header("content-type").expect("a type");
            assert!(kind.starts_with("application/json"), "{kind}: {}", one.text);
            assert_eq!(
                one.header("x-content-type-options"),
                Some("nosniff"),
                "{}",
                one.text
            );
            one.json();
        }
    }
    let (text, _) = say(
        hub.address,
        b"GET /<script>alert(1)</script> HTTP/1.1\r\nhost: h\r\n\r\n",
    )
    .await;
    assert!(
        text.contains("application/json") || text.starts_with("HTTP/1.1 400"),
        "{text}"
    );
}

#[tokio::test]
async fn attack_26_a_record_is_one_line_whatever_a_name_holds() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    let names = [
        "=cmd|' /C calc'!A0",
        "a\nb",
        "a\r\n{\"id\":\"forged\"}",
        "\u{1b}[31mred",
        "\",\"outcome\":\"ok\",\"x\":\"",
        "a\u{2028}b",
        "@SUM(1)",
        "\u{0}",
    ];
    for name in names {
        let body = serde_json::json!({"model": format!("one/{name}"), "messages": [{"role": "user", "content": "q"}]});
        hub.post(CHAT.path, &body.to_string()).await;
    }
    let records = hub.records(names.len()).await;
    let asked: Vec<&str> = records
        .iter()
        .filter_map(|record| record["model_asked"].as_str())
        .collect();
    assert!(
        names
            .iter()
            .zip(asked)
            .all(|(name, asked)| asked == format!("one/{name}"))
    );
    let (text, _) = say(hub.address, &post("/v1/nothing\x1b[31m", "", "{}")).await;
    assert!(!text.contains('\x1b'), "{text:?}");
}
