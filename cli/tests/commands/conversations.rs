//! `conversations`.

use serde_json::{Value, json};

use crate::hub::Hub;

fn begun(hub: &Hub) -> String {
    let args = [
        "conversations",
        "create",
        "--set",
        "title=First",
        "--set",
        "model=demo-model-chat",
        "-o",
        "name",
    ];
    hub.run(&args).shown().trim().to_owned()
}

#[test]
fn a_conversation_goes_on_across_models_and_dialects() {
    let hub = Hub::start();
    let id = begun(&hub);
    let key = [("BRIDGE_API_KEY", hub.client_key.as_str())];
    let go_on =
        |args: &[&str]| hub.run_in(&[&["conversations", "continue"], args].concat(), "", &key);
    let answer = go_on(&[&id, "hello", "there"]).shown();
    assert!(answer.contains("You said: hello there"), "{answer}");
    go_on(&[
        "last",
        "and again",
        "-m",
        "demo-model",
        "--dialect",
        "gemini",
    ])
    .shown();
    let kept = hub.json(&["conversations", "show", "last"]);
    let roles: Vec<&Value> = kept["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|m| &m["role"])
        .collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    assert_eq!(
        (&kept["model"], &kept["messages"][3]["model"]),
        (&"demo-model".into(), &"demo-model".into())
    );
    assert!(
        kept["messages"][1]["usage"]["output_tokens"].as_u64() > Some(0),
        "{kept}"
    );
    assert!(
        kept["totals"]["input_tokens"].as_u64() > Some(20),
        "the second turn tells all of the first: {kept}"
    );
    let shown = hub
        .run(&["conversations", "show", &id, "--last", "2"])
        .shown();
    assert!(
        shown.contains("--- assistant (demo-model)") && !shown.contains("hello there\n"),
        "{shown}"
    );
    let dry = hub
        .run(&["conversations", "continue", "last", "hm", "--dry-run"])
        .shown();
    assert!(dry.contains("text: hm"), "{dry}");
    go_on(&[&id]).failed(2);
    let told = hub
        .run(&["conversations", "continue", &id, "hi", "--no-input"])
        .failed(2);
    assert!(told.contains("BRIDGE_API_KEY"), "{told}");
    assert_eq!(
        hub.json(&["conversations", "show", &id])["totals"]["messages"],
        4,
        "what failed is not kept"
    );
}

#[test]
fn conversations_are_found_changed_taken_along_and_removed() {
    let hub = Hub::start();
    hub.run(&["conversations", "show", "last"]).failed(3);
    let id = begun(&hub);
    hub.run(&[
        "conversations",
        "update",
        &id,
        "--set",
        "title=Second thoughts",
        "--set",
        "tags=[a]",
    ])
    .shown();
    let found = hub.json(&[
        "conversations",
        "list",
        "--search",
        "thoughts",
        "--tag",
        "a",
    ]);
    assert_eq!(
        (&found[0]["id"], &found[0]["title"]),
        (&id.as_str().into(), &"Second thoughts".into())
    );
    assert_eq!(
        hub.json(&["conversations", "list", "--search", "nobody"]),
        json!([])
    );
    let file = hub.path("all.json").display().to_string();
    hub.run(&["conversations", "export", "-O", &file]).shown();
    let one = hub.run(&["conversations", "export", &id]).json();
    assert_eq!(one["conversations"][0]["title"], "Second thoughts");
    let taken = hub
        .run(&["conversations", "import", &file, "-o", "name"])
        .shown();
    assert!(!taken.contains(&id), "it has another identifier: {taken}");
    assert_eq!(
        hub.json(&["conversations", "list"])
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    hub.run_with(&["conversations", "import", "-"], "{\"format\": \"x\"}")
        .failed(1);
    hub.run(&["conversations", "delete", &id, "--yes"]).shown();
    hub.run(&["conversations", "show", &id]).failed(3);
    hub.run(&["conversations", "clear"]).failed(2);
    hub.run(&["conversations", "clear", "--yes"]).shown();
    assert_eq!(hub.json(&["conversations", "list"]), json!([]));
}
