//! `logs` and `audit`.

use serde_json::{Value, json};

use crate::hub::Hub;
use crate::stub::Stub;

/// Bodies are captured; one request has come through.
fn with_one(hub: &Hub) -> String {
    hub.run(&["logs", "settings", "--set", "capture=all"])
        .shown();
    hub.ask("demo-openai/demo-model-chat", "hello logs");
    let list = hub.json_until(&["logs", "list"], |rows| !rows[0].is_null());
    list[0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn requests_are_listed_shown_and_removed() {
    let hub = Hub::start();
    let id = with_one(&hub);
    let shown = hub.run(&["logs", "show", &id, "--side", "both"]).shown();
    assert!(
        shown.contains("attempt   provider=demo-openai") && shown.contains("--- client request"),
        "{shown}"
    );
    assert!(
        shown.contains("hello logs") && shown.contains("--- upstream answer"),
        "{shown}"
    );
    let client = hub.run(&["logs", "show", &id, "--side", "client"]).shown();
    assert!(!client.contains("--- upstream"), "{client}");
    let record = hub.json(&["logs", "show", &id]);
    assert_eq!(
        (&record["request"]["id"], &record["capture"]),
        (&id.as_str().into(), &Value::Null)
    );
    let filters = [
        "--provider",
        "demo-openai",
        "--key",
        "first key",
        "--status",
        "200",
        "--since",
        "1h",
    ];
    assert_eq!(
        hub.run(&[&["logs", "ls", "-o", "name"], &filters[..]].concat())
            .shown(),
        format!("{id}\n")
    );
    assert_eq!(hub.json(&["logs", "list", "--errors"]), json!([]));
    assert_eq!(
        hub.json(&[
            "logs",
            "list",
            "--until",
            "2020-01-01",
            "--since",
            "2019-12-01"
        ]),
        json!([])
    );
    hub.run(&["logs", "prune", &id, "--yes"]).shown();
    hub.run(&["logs", "show", &id]).failed(3);
    assert_eq!(
        hub.run(&["logs", "prune", "--yes", "-o", "json"]).json()["requests"],
        0
    );
    hub.run(&["logs", "prune"]).failed(2);
}

#[test]
fn requests_are_taken_away() {
    let hub = Hub::start();
    let id = with_one(&hub);
    let lines = hub.run(&["logs", "export"]).shown();
    let line: Value = serde_json::from_str(&lines).expect("one line of JSON");
    assert_eq!(line["id"], id.as_str());
    let none = hub.run(&["logs", "export", "--call", "embed", "--min-ms", "1"]);
    assert_eq!(none.shown(), "");
    let file = hub.path("logs.csv");
    hub.run(&[
        "logs",
        "export",
        "--format",
        "csv",
        "-O",
        &file.display().to_string(),
    ])
    .shown();
    let csv = std::fs::read_to_string(file).expect("it was written");
    assert!(csv.starts_with("id,") && csv.contains(&id), "{csv}");
}

#[test]
fn a_captured_request_is_sent_again() {
    let hub = Hub::start();
    let id = with_one(&hub);
    let key = [("BRIDGE_API_KEY", hub.client_key.as_str())];
    let answer: Value =
        serde_json::from_str(&hub.run_in(&["logs", "replay", &id], "", &key).shown())
            .expect("JSON");
    assert_eq!(answer["object"], "chat.completion");
    let told = hub.run(&["logs", "replay", &id, "--no-input"]).failed(2);
    assert!(told.contains("BRIDGE_API_KEY"), "{told}");
    let dry = hub
        .run(&["logs", "replay", &id, "--model", "other", "--dry-run"])
        .shown();
    assert!(
        dry.contains("path: /v1/chat/completions") && dry.contains("model: other"),
        "{dry}"
    );

    hub.run(&["logs", "settings", "--set", "capture=off"])
        .shown();
    hub.ask("demo-openai/demo-model-chat", "again");
    let list = hub.json_until(&["logs", "list"], |rows| {
        rows.as_array().is_some_and(|rows| rows.len() >= 3)
    });
    let last = list[0]["id"].as_str().expect("an id");
    let told = hub.run_in(&["logs", "replay", last], "", &key).failed(1);
    assert!(
        told.contains("not captured") && told.contains("capture=all"),
        "{told}"
    );
}

#[test]
fn changes_are_known_by_who_made_them() {
    let hub = Hub::start();
    hub.run(&["aliases", "set", "a=demo-openai/demo-model"])
        .shown();
    let rows = hub.json(&["audit", "list", "--kind", "alias", "--since", "1h"]);
    assert_eq!(
        (&rows[0]["action"], &rows[0]["target"]),
        (&"create".into(), &"a".into())
    );
    let none = hub.json(&["audit", "list", "--actor", "nobody@example.test"]);
    assert_eq!(none, json!([]));
    assert!(
        hub.run(&["audit", "list", "--limit", "1"])
            .shown()
            .contains("alias")
    );
}

#[test]
fn a_tail_that_is_refused_is_not_asked_for_again() {
    let body = r#"{"status":422,"code":"invalid","title":"Not valid","detail":"no such filter"}"#;
    let stub = Stub::start("422 Unprocessable Entity", body, || {});
    let told = stub
        .run(&["logs", "tail", "--follow", "-n", "0"], &[])
        .failed(1);
    assert!(told.contains("no such filter"), "{told}");
    assert!(!told.contains("trying again"), "{told}");
    assert_eq!(stub.asked(), 1);
}
