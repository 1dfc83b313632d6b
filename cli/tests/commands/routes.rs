//! `routes`.

use serde_json::{Value, json};

use crate::hub::Hub;

const REQUEST: &str = r#"{"model":"gpt-x","messages":[{"role":"user","content":"hi"}]}"#;

#[test]
fn a_route_is_made_changed_rolled_back_and_removed() {
    let hub = Hub::start();
    let args = [
        "routes",
        "create",
        "r1",
        "--model",
        "gpt-*",
        "--to",
        "demo-openai/demo-model",
        "--to",
        "demo-gemini",
    ];
    hub.run(&args).shown();
    let route = hub.json(&["routes", "show", "r1"]);
    let targets =
        json!([{"provider": "demo-openai", "model": "demo-model"}, {"provider": "demo-gemini"}]);
    assert_eq!(
        (&route["targets"], &route["match"]["model"]),
        (&targets, &json!(["gpt-*"]))
    );
    hub.run(&["routes", "create", "r2"]).failed(2);
    hub.run(&[
        "routes",
        "update",
        "r1",
        "--strategy",
        "weighted",
        "--param",
        "temperature=0.5",
    ])
    .shown();
    let route = hub.json(&["routes", "show", "r1"]);
    assert_eq!(
        (&route["strategy"], &route["params"]["temperature"]),
        (&"weighted".into(), &json!(0.5))
    );
    let history = hub.run(&["routes", "history", "r1"]).shown();
    assert!(
        history.contains("update") && history.contains("demo-openai/demo-model"),
        "{history}"
    );
    hub.run(&["routes", "rollback", "r1", "1"]).shown();
    assert_eq!(hub.json(&["routes", "show", "r1"])["strategy"], Value::Null);
    hub.run(&["routes", "rollback", "r1", "99"]).failed(3);
    hub.run(&["routes", "disable", "r1"]).shown();
    assert_eq!(hub.json(&["routes", "show", "r1"])["enabled"], false);
    hub.run(&["routes", "enable", "r1"]).shown();
    hub.run(&["routes", "rm", "r1", "--yes"]).shown();
    hub.run(&["routes", "show", "r1"]).failed(3);
}

#[test]
fn routes_are_put_in_order() {
    let hub = Hub::start();
    for name in ["a", "b"] {
        hub.run(&["routes", "create", name, "--to", "demo-openai"])
            .shown();
    }
    let order = |hub: &Hub| {
        hub.run(&["routes", "list", "-o", "name", "--limit", "2"])
            .shown()
    };
    hub.run(&["routes", "move", "b", "--before", "a"]).shown();
    assert_eq!(order(&hub), "b\na\n");
    hub.run(&["routes", "move", "b", "--after", "a"]).shown();
    assert_eq!(order(&hub), "a\nb\n");
    hub.run(&["routes", "move", "b", "--priority", "-3"])
        .shown();
    assert_eq!(order(&hub), "b\na\n");
    hub.run(&["routes", "move", "b"]).failed(2);
    let told = hub
        .run(&["routes", "move", "a", "--before", "demo-gemini"])
        .failed(5);
    assert!(told.contains("before `demo-anthropic`"), "{told}");
    hub.run(&["routes", "move", "a", "--before", "demo-anthropic"])
        .shown();
    assert_eq!(order(&hub), "b\na\n");
}

#[test]
fn a_request_is_explained_without_being_sent() {
    let hub = Hub::start();
    hub.run(&[
        "routes",
        "create",
        "r1",
        "--model",
        "gpt-*",
        "--to",
        "demo-openai/demo-model",
    ])
    .shown();
    let told = hub
        .run_with(&["routes", "explain", "-f", "-"], REQUEST)
        .shown();
    assert!(
        told.contains("+ r1: matches") && told.contains("demo-openai/demo-model (openai-chat"),
        "{told}"
    );
    let report = hub
        .run_with(&["routes", "explain", "-f", "-", "-o", "json"], REQUEST)
        .json();
    assert_eq!(
        (&report["route"], &report["request"]["body"]["model"]),
        (&"r1".into(), &"demo-model".into())
    );
    let told = hub.run_with(
        &["routes", "explain", "-f", "-", "--dialect", "gemini"],
        REQUEST,
    );
    assert!(told.out.contains("refused "), "{told:?}");
    told.failed(7);
    assert_eq!(hub.json(&["logs", "list"]), json!([]), "nothing was sent");
    hub.run(&["routes", "explain", "-f", "/none"]).failed(2);
}

#[test]
fn who_comes_too_late_does_not_overwrite() {
    let hub = Hub::start();
    hub.run(&["routes", "create", "r1", "--to", "demo-openai"])
        .shown();
    let stale = [
        "api",
        "PUT",
        "/routes/r1",
        "-H",
        "if-match=\"99\"",
        "-f",
        "-",
    ];
    let told = hub
        .run_with(
            &stale,
            r#"{"name":"r1","targets":[{"provider":"demo-gemini"}]}"#,
        )
        .failed(5);
    assert!(told.contains("look at it again"), "{told}");
}

#[test]
fn a_route_is_changed_in_an_editor() {
    let hub = Hub::start();
    hub.run(&["routes", "create", "r1", "--to", "demo-openai"])
        .shown();
    let edit = |editor: &str| hub.run_in(&["routes", "edit", "r1"], "", &[("EDITOR", editor)]);
    edit("sed -i s/demo-openai/demo-gemini/").shown();
    assert_eq!(
        hub.json(&["routes", "show", "r1"])["targets"][0]["provider"],
        "demo-gemini"
    );
    let same = edit("true");
    assert!(same.err.contains("is as it was"), "{same:?}");
    let told = edit("sed -i s/demo-gemini/nobody/").failed(1);
    let (_, kept) = told
        .split_once("what you wrote is in ")
        .expect("it is kept");
    let kept = kept.lines().next().expect("a path").to_owned();
    assert!(
        std::fs::read_to_string(&kept)
            .expect("it is there")
            .contains("nobody")
    );
    std::fs::remove_file(kept).expect("it is there");
    // Where nothing was written, nothing is kept.
    let told = edit("false").failed(1);
    assert!(!told.contains("what you wrote"), "{told}");
    let told = edit("/none/editor").failed(2);
    assert!(told.contains("name one in EDITOR"), "{told}");
    assert_eq!(
        hub.json(&["routes", "show", "r1"])["targets"][0]["provider"],
        "demo-gemini"
    );
}
