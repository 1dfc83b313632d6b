//! `providers`.

use crate::hub::Hub;

#[test]
fn a_provider_is_made_changed_and_removed() {
    let hub = Hub::start();
    let args = [
        "providers",
        "create",
        "one",
        "--api-format",
        "openai",
        "--base-url",
        "https://api.example.test/v1",
    ];
    let made = hub.run_with(
        &[&args[..], &["--big", "b1,b2", "--api-key-stdin"]].concat(),
        "sk-0123456789abcdef\n",
    );
    assert!(made.err.contains("provider `one` created"), "{made:?}");
    assert!(
        !made.err.contains("warning"),
        "a key from standard input is nobody else's to see: {made:?}"
    );
    hub.run(&args).failed(5);
    let shown = hub.json(&["providers", "show", "one"]);
    assert_eq!(shown["models"]["big"], serde_json::json!(["b1", "b2"]));
    assert_eq!(shown["secrets"]["keys"].as_array().map(Vec::len), Some(1));
    hub.run(&[
        "providers",
        "update",
        "one",
        "--priority",
        "7",
        "--set",
        "max_retries=2",
    ])
    .shown();
    let shown = hub.json(&["providers", "show", "one"]);
    assert_eq!(
        (&shown["priority"], &shown["max_retries"]),
        (&7.into(), &2.into())
    );
    assert_eq!(
        shown["secrets"]["keys"].as_array().map(Vec::len),
        Some(1),
        "the key stays"
    );
    assert!(
        shown["updated_at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z')),
        "{shown}"
    );
    hub.run(&["providers", "disable", "one"]).shown();
    assert_eq!(hub.json(&["providers", "show", "one"])["enabled"], false);
    hub.run(&["provider", "enable", "one"]).shown();
    let told = hub.run(&["providers", "delete", "one"]).failed(2);
    assert!(told.contains("--yes"), "{told}");
    hub.run(&["providers", "rm", "one", "--yes"]).shown();
    hub.run(&["providers", "show", "one"]).failed(3);
}

#[test]
fn what_was_shown_can_be_edited_and_sent_back() {
    let hub = Hub::start();
    hub.run(&["providers", "create", "--preset", "deepseek", "--no-input"])
        .shown();
    let shown = hub
        .run(&["providers", "show", "deepseek", "-o", "yaml"])
        .shown();
    assert!(
        shown.contains("base_url: https://api.deepseek.com/v1"),
        "{shown}"
    );
    let file = hub.file("one.yml", &shown.replace("priority: 100", "priority: 3"));
    hub.run(&["providers", "update", "deepseek", "-f", &file])
        .shown();
    assert_eq!(hub.json(&["providers", "show", "deepseek"])["priority"], 3);
    let told = hub
        .run_with(
            &["providers", "create", "-f", "-"],
            "name: x\ncolour: red\n",
        )
        .failed(2);
    assert!(
        told.contains("no member `colour`") && told.contains("base_url"),
        "{told}"
    );
    let told = hub
        .run_with(&["providers", "create", "-f", "-"], "name: [x\n")
        .failed(2);
    assert!(told.contains("line"), "{told}");
}

#[test]
fn a_dry_run_shows_what_would_be_sent_without_its_secrets() {
    let hub = Hub::start();
    let args = [
        "providers",
        "create",
        "one",
        "--base-url",
        "https://h",
        "--api-format",
        "gemini",
        "--api-key",
    ];
    let dry = hub.run(&[&args[..], &["sk-0123456789abcdef", "--dry-run"]].concat());
    assert!(
        dry.out.contains("path: /api/providers") && dry.out.contains("api_key: <api_key>"),
        "{dry:?}"
    );
    assert!(!dry.out.contains("sk-0123"), "{dry:?}");
    assert!(dry.err.contains("can be seen by others"), "{dry:?}");
    hub.run(&["providers", "show", "one"]).failed(3);
    hub.run(&["providers", "delete", "demo-openai", "--dry-run"])
        .shown();
    hub.run(&["providers", "test", "demo-openai", "--dry-run"])
        .shown();
}

#[test]
fn providers_are_tried_and_say_what_they_offer() {
    let hub = Hub::start();
    let tried = hub.json(&["providers", "test", "demo-openai", "demo-gemini"]);
    assert_eq!(tried.as_array().map(Vec::len), Some(2));
    assert!(
        tried[0]["latency_ms"].is_number() && tried[0]["ok"] == true,
        "{tried}"
    );
    let args = [
        "providers",
        "create",
        "dead",
        "--api-format",
        "openai",
        "--base-url",
        "http://127.0.0.1:1",
    ];
    let args = [
        &args[..],
        &["--other", "m", "--set", "allow_private_network=true"],
    ]
    .concat();
    hub.run_with(
        &[&args[..], &["--api-key-stdin"]].concat(),
        "sk-0123456789abcdef",
    )
    .shown();
    let told = hub
        .run(&["providers", "test", "dead", "demo-openai"])
        .failed(7);
    assert!(told.contains("1 of 2 failed"), "{told}");
    let offer = hub
        .run(&["providers", "models", "demo-openai", "-o", "name"])
        .shown();
    assert!(offer.contains("demo-model\n"), "{offer}");
    let presets = hub.run(&["providers", "presets", "-o", "name"]).shown();
    assert!(
        presets.contains("openai\n") && presets.contains("ollama\n"),
        "{presets}"
    );
    hub.run(&["providers", "create", "--preset", "none"])
        .failed(3);
}

#[test]
fn offered_models_are_listed_in_the_configuration() {
    let hub = Hub::start();
    let base = hub.json(&["providers", "show", "demo-openai"])["base_url"]
        .as_str()
        .expect("a URL")
        .to_owned();
    let args = [
        "providers",
        "create",
        "own",
        "--api-format",
        "openai",
        "--base-url",
        &base,
    ];
    let args = [
        &args[..],
        &["--set", "allow_private_network=true", "--api-key-stdin"],
    ]
    .concat();
    hub.run_with(&args, "sk-0123456789abcdef").shown();
    hub.run(&[
        "providers",
        "models",
        "own",
        "--adopt",
        "demo-model",
        "--list",
        "big",
    ])
    .shown();
    assert_eq!(
        hub.json(&["providers", "show", "own"])["models"]["big"][0],
        "demo-model"
    );
    let new = hub
        .run(&["models", "refresh", "--provider", "own", "-o", "name"])
        .shown();
    assert!(
        new.contains("demo-small\n") && !new.contains("demo-model\n"),
        "{new}"
    );
    let again = hub.run(&["models", "refresh", "--provider", "own"]);
    assert!(
        again.err.contains("nothing that is not listed") && again.out.is_empty(),
        "{again:?}"
    );
}
