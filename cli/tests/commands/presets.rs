//! `presets` and `switch`.

use crate::hub::Hub;

#[test]
fn presets_are_kept_applied_and_removed() {
    let hub = Hub::start();
    assert_eq!(
        hub.json(&["presets", "list"]).as_array().map(Vec::len),
        Some(7)
    );
    let told = hub.run(&["presets", "save", "mine"]).failed(2);
    assert!(told.contains("--big"), "{told}");
    let args = [
        "presets",
        "save",
        "mine",
        "--big",
        "demo-openai/demo-model-chat",
        "--small",
    ];
    hub.run(&[&args[..], &["demo-gemini/demo-model-generate"]].concat())
        .shown();
    let dry = hub
        .run(&["presets", "apply", "mine", "--dry-run", "-o", "json"])
        .json();
    assert_eq!(
        (&dry["applied"], dry["changes"].as_array().map(Vec::len)),
        (&false.into(), Some(3))
    );
    assert_eq!(
        hub.json(&["switch", "status"])["current_preset"],
        serde_json::Value::Null
    );
    let applied = hub.run(&["presets", "apply", "mine"]).shown();
    assert!(
        applied.contains("BIG_MODEL") && applied.contains("demo-openai/demo-model-chat"),
        "{applied}"
    );
    assert_eq!(hub.json(&["switch", "status"])["current_preset"], "mine");
    hub.run(&[
        "presets",
        "save",
        "mine",
        "--big",
        "demo-responses/demo-model-responses",
    ])
    .shown();
    let kept = hub.json(&["presets", "show", "mine"]);
    assert_eq!(kept["small_model"], "demo-gemini/demo-model-generate");
    hub.run(&["presets", "delete", "mine", "--yes"]).shown();
    hub.run(&["presets", "apply", "mine"]).failed(3);
}

#[test]
fn models_are_switched_at_once() {
    let hub = Hub::start();
    hub.run(&["switch"]).failed(2);
    let switched = hub.json(&[
        "switch",
        "--preset",
        "openai_premium",
        "--preserve-conversation",
    ]);
    assert_eq!(
        (&switched["success"], &switched["conversation_preserved"]),
        (&true.into(), &true.into())
    );
    hub.run(&[
        "switch",
        "--big",
        "demo-openai/demo-model-chat",
        "--small",
        "demo-openai/demo-model-chat",
    ])
    .shown();
    let status = hub.run(&["switch", "status"]).shown();
    assert!(status.contains("demo-openai/demo-model-chat"), "{status}");
    hub.run(&["switch", "--preset", "none"]).failed(3);
    let dry = hub
        .run(&["switch", "--preset", "cross_speed", "--dry-run"])
        .shown();
    assert!(dry.contains("/switch_model"), "{dry}");
    let big = hub.json(&["switch", "status"])["current_models"]["big_model"].clone();
    assert_eq!(big, "demo-openai/demo-model-chat");
}
