//! `keys` and `pools`.

use serde_json::{Value, json};

use crate::hub::Hub;

const KEY: &str = "sk-0123456789abcdef";

/// A provider without keys that does not answer.
fn dead(hub: &Hub) {
    let args = [
        "providers",
        "create",
        "dead",
        "--api-format",
        "openai",
        "--base-url",
        "http://127.0.0.1:1",
    ];
    hub.run(
        &[
            &args[..],
            &["--other", "m", "--set", "allow_private_network=true"],
        ]
        .concat(),
    )
    .shown();
}

fn states(hub: &Hub) -> Vec<Value> {
    let list = hub.json(&["keys", "list", "--provider", "dead"]);
    list.as_array()
        .expect("a list")
        .iter()
        .map(|key| key["state"].clone())
        .collect()
}

#[test]
fn keys_come_and_go_by_every_way() {
    let hub = Hub::start();
    dead(&hub);
    let told = hub.run(&["keys", "add", "--provider", "dead", "--api-key", KEY]);
    assert!(
        told.err.contains("warning") && told.err.contains("1 added"),
        "{told:?}"
    );
    let file = hub.file("key", "sk-from-a-file-0123\n");
    hub.run(&[
        "keys",
        "add",
        "--provider",
        "dead",
        "--api-key-file",
        &file,
        "--label",
        "filed",
    ])
    .shown();
    let many = format!("# a comment\nsk-aaaaaaaaaaaaaaaa,sk-bbbbbbbbbbbbbbbb\n{KEY}\n");
    let told = hub.run_with(&["keys", "import", "-", "--provider", "dead"], &many);
    assert!(
        told.err.contains("2 added") && told.err.contains("1 were there already"),
        "{told:?}"
    );
    let told = hub
        .run(&["keys", "add", "--provider", "dead", "--no-input"])
        .failed(2);
    assert!(told.contains("--api-key-stdin"), "{told}");
    hub.run_with(&["keys", "add", "--api-key-stdin"], KEY)
        .failed(2);
    let list = hub.run(&["keys", "list", "-o", "json"]).shown();
    assert!(!list.contains(KEY), "keys are masked: {list}");
    assert_eq!(states(&hub), vec![json!("active"); 4]);
    hub.run(&["keys", "disable", "filed"]).shown();
    assert!(states(&hub).contains(&json!("disabled")));
    hub.run(&["keys", "enable", "filed"]).shown();
    hub.run(&["keys", "reset", "filed"]).shown();
    hub.run(&["keys", "reset", "--provider", "dead"]).shown();
    let stats = hub.json(&["keys", "stats", "--pool", "dead"]);
    assert_eq!(
        (&stats[0]["pool"], &stats[0]["total"]),
        (&"dead".into(), &0.into())
    );
    hub.run(&["keys", "rm", "filed"]).failed(2);
    hub.run(&["keys", "rm", "filed", "--yes"]).shown();
    hub.run(&["keys", "rm", "filed", "--yes"]).failed(3);
    assert_eq!(states(&hub).len(), 3);
}

#[test]
fn keys_have_an_order_and_weights() {
    let hub = Hub::start();
    dead(&hub);
    hub.run_with(
        &["keys", "import", "-", "--provider", "dead"],
        "sk-aaaaaaaaaaaaaaaa\nsk-bbbbbbbbbbbbbbbb",
    )
    .shown();
    let id = hub.json(&["keys", "list", "--provider", "dead"])[1]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let told = hub.json(&["keys", "update", &id, "--weight", "5", "--label", "big"]);
    assert_eq!(
        (&told["weight"], &told["label"], &told["pool"]),
        (&5.into(), &"big".into(), &"dead".into())
    );
    hub.run(&["keys", "update", "big"]).failed(2);
    // A provider's own keys, and a pool.
    hub.run(&["pools", "set-strategy", "dead", "weighted"])
        .shown();
    let dead = hub.json(&["providers", "show", "dead"]);
    assert_eq!(dead["key_strategy"], "weighted", "{dead}");
    hub.run(&["pools", "create", "shared", "--strategy", "random"])
        .shown();
    hub.run(&["pools", "set-strategy", "shared", "priority"])
        .shown();
    let pools = hub.json(&["pools", "list"]);
    let strategy = |name: &str| {
        let pools = pools.as_array().expect("a list");
        let pool = pools.iter().find(|pool| pool["name"] == name);
        pool.expect("listed")["strategy"].clone()
    };
    assert_eq!(
        (strategy("shared"), strategy("dead")),
        (json!("priority"), json!("weighted"))
    );
    hub.run(&["pools", "set-strategy", "shared", "fastest"])
        .failed(2);
    hub.run(&["pools", "set-strategy", "nothing", "random"])
        .failed(3);
}

#[test]
fn keys_are_tried_and_failures_have_a_code() {
    let hub = Hub::start();
    dead(&hub);
    hub.run_with(
        &[
            "keys",
            "add",
            "--provider",
            "dead",
            "--api-key-stdin",
            "--label",
            "one",
        ],
        KEY,
    )
    .shown();
    let tried = hub.run(&["keys", "test", "one", "-o", "json"]);
    let results: Value = serde_json::from_str(&tried.out).expect("JSON");
    assert_eq!(
        (&results[0]["pool"], &results[0]["ok"]),
        (&"dead".into(), &false.into())
    );
    tried.failed(7);
    hub.run(&["keys", "test", "--all"]).failed(7);
    hub.run(&["keys", "test"]).failed(2);
}

#[test]
fn a_key_goes_only_when_the_one_in_its_place_works() {
    let hub = Hub::start();
    dead(&hub);
    hub.run_with(
        &[
            "keys",
            "add",
            "--provider",
            "dead",
            "--api-key-stdin",
            "--label",
            "one",
        ],
        KEY,
    )
    .shown();
    let before = hub.json(&["keys", "list"]);
    let told = hub
        .run_with(
            &["keys", "rotate", "one", "--api-key-stdin"],
            "sk-cccccccccccccccc",
        )
        .failed(7);
    assert!(told.contains("the old one stays"), "{told}");
    let after = hub.json(&["keys", "list"]);
    assert_eq!(
        (&after[0]["id"], after.as_array().map(Vec::len)),
        (&before[0]["id"], Some(1))
    );
    hub.run_with(
        &["keys", "rotate", "one", "--api-key-stdin", "--untested"],
        "sk-cccccccccccccccc",
    )
    .shown();
    let after = hub.json(&["keys", "list"]);
    assert!(
        after[0]["id"] != before[0]["id"] && after[0]["label"] == "one",
        "{after}"
    );
}

#[test]
fn pools_are_made_changed_and_removed() {
    let hub = Hub::start();
    let args = [
        "pools",
        "create",
        "shared",
        "--auth-header",
        "x-api-key",
        "--auth-format",
        "{key}",
    ];
    hub.run(&args).shown();
    hub.run_with(&["keys", "add", "--pool", "shared", "--api-key-stdin"], KEY)
        .shown();
    hub.run(&[
        "pools",
        "update",
        "shared",
        "--max-concurrency-per-key",
        "4",
    ])
    .shown();
    let pool = hub.json(&["pool", "show", "shared"]);
    assert_eq!(
        (&pool["max_concurrency_per_key"], &pool["counts"]["total"]),
        (&4.into(), &1.into())
    );
    assert!(hub.run(&["pools", "list"]).shown().contains("shared"));
    hub.run(&["pools", "delete", "shared", "--yes"]).shown();
    hub.run(&["pools", "show", "shared"]).failed(3);
}
