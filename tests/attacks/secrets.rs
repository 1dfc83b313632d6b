//! Canaries in every secret, looked for in every output.

use crate::hub::{TestHub, provider};
use crate::program::Program;
use crate::samples::{ALL, CHAT};
use crate::upstream::{Reply, Upstream};

const CLIENT: &str = "canary-client-11111111";
const VENDOR: &str = "canary-vendor-22222222";

#[tokio::test]
async fn attack_46_secrets_stay_inside() {
    let replies = [
        Reply::json(200, CHAT.answer),
        Reply::json(
            401,
            &format!(r#"{{"error":{{"message":"Incorrect API key provided: {VENDOR}"}}}}"#),
        ),
        Reply::json(
            500,
            &format!(r#"{{"error":{{"message":"at /v1?key={VENDOR}"}}}}"#),
        ),
        Reply::json(200, &format!("{VENDOR} is no JSON")),
        Reply::json(
            400,
            &format!(r#"{{"error":{{"message":"Bearer {VENDOR}"}}}}"#),
        ),
    ];
    let upstream = Upstream::start(replies).await;
    let yaml = |port: u16| {
        format!(
            "HOST: 127.0.0.1\nPORT: {port}\nLOG_LEVEL: trace\nDEBUG: true\nCLIENT_KEYS:\n  - {{name: ci, key: {CLIENT}}}\nPROVIDERS:\n  - {{name: one, api_format: openai, base_url: \"http://{}\", keys: [{VENDOR}, {VENDOR}-b, {VENDOR}-c], max_retries: 0, allow_private_network: true, models: {{big: [m]}}, headers: {{x-own: canary-header-33333333}}}}\n",
            upstream.address
        )
    };
    let program = Program::start(yaml).await;
    let mut outputs = String::new();
    for client in ALL {
        for _ in 0..5 {
            outputs.push_str(
                &program
                    .post(
                        client.path,
                        &format!("x-api-key: {CLIENT}\r\n"),
                        client.request,
                    )
                    .await,
            );
            outputs.push_str(
                &program
                    .post(
                        client.path,
                        "x-api-key: canary-wrong-44444444\r\n",
                        client.request,
                    )
                    .await,
            );
            outputs.push_str(
                &program
                    .post(
                        &format!("{}?key=canary-wrong-44444444", client.path),
                        "",
                        client.request,
                    )
                    .await,
            );
        }
    }
    for path in [
        "/metrics",
        "/health",
        "/health/ready",
        "/v1/models",
        "/v1/api-keys/stats",
        "/openapi.json",
        "/api/openapi.json",
        "/nothing",
    ] {
        outputs.push_str(&program.get(path, &format!("x-api-key: {CLIENT}\r\n")).await);
    }
    outputs.push_str(&program.everything_written());
    assert!(
        outputs.contains("request finished") || outputs.contains("outcome"),
        "the log is on"
    );
    for canary in [
        "canary-client-1",
        "canary-vendor-2",
        "canary-header-3",
        "canary-wrong-4",
    ] {
        if let Some(at) = outputs.find(canary) {
            // A masked form shows the beginning and the end of a key, and stars between.
            let around: String = outputs
                .chars()
                .skip(outputs[..at].chars().count().saturating_sub(200))
                .take(300)
                .collect();
            assert!(canary.is_empty(), "{canary} got out: {around}");
        }
    }
    assert!(
        upstream.asked()[0].headers["authorization"]
            .to_str()
            .is_ok_and(|value| value.contains(VENDOR))
    );
}

#[cfg(unix)]
#[tokio::test]
async fn attack_48_files_of_the_hub_are_its_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let program = Program::start(|port| {
        format!(
            "HOST: 127.0.0.1\nPORT: {port}\nAUTH: open\nPROVIDERS:\n{}",
            provider("one", "openai", &upstream, "")
        )
    })
    .await;
    program.post(CHAT.path, "", CHAT.request).await;
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    let mut seen = 0;
    for path in program.files() {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        // The configuration and the captured output are the operator's own files.
        if name == "app.yml" || name == "output.log" {
            continue;
        }
        seen += 1;
        let mode = path.metadata().expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{name} is {mode:o}");
    }
    assert!(seen > 0);
}

#[tokio::test]
async fn attack_49_the_hub_holds_digests_of_keys() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let yaml = format!(
        "CLIENT_KEYS:\n  - {{name: ci, key: {CLIENT}}}\nPROVIDERS:\n{}",
        provider("one", "openai", &upstream, "")
    );
    let hub = TestHub::start(&yaml).await;
    let snapshot = hub.hub.snapshots.load_full();
    let shown = format!("{:?} {:?}", snapshot.client_keys, hub.hub);
    assert!(
        !shown.contains(CLIENT) && !shown.contains(&CLIENT[..16]),
        "{shown}"
    );
    assert!(!format!("{:?}", snapshot.providers).contains("key-one-one"));
    let listed = hub
        .ask("GET", "/v1/api-keys/stats", &[("x-api-key", CLIENT)], "")
        .await
        .text;
    assert!(
        !listed.contains("key-one-one") && !listed.contains(CLIENT),
        "{listed}"
    );
}

#[tokio::test]
async fn attack_50_there_are_no_debug_endpoints() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    for path in [
        "/debug",
        "/debug/pprof",
        "/debug/vars",
        "/admin",
        "/env",
        "/actuator/env",
        "/heapdump",
        "/dump",
        "/trace",
        "/console",
        "/shutdown",
        "/restart",
        "/eval",
        "/test",
        "/.env",
        "/app.yml",
        "/config/app.yml",
        "/data/requests.jsonl",
        "/server-status",
        "/graphql",
    ] {
        for method in ["GET", "POST"] {
            let answer = hub.ask(method, path, &[], "{}").await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
        }
    }
}
