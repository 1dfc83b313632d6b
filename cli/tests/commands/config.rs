//! `config`.

use crate::hub::Hub;

#[test]
fn settings_are_read_set_and_unset() {
    let hub = Hub::start();
    assert_eq!(hub.run(&["config", "get", "mode"]).shown(), "transformer\n");
    hub.run(&["config", "set", "MAX_TOKENS_LIMIT=8192", "MODE=direct"])
        .shown();
    assert_eq!(
        hub.run(&["config", "get", "MAX_TOKENS_LIMIT"]).shown(),
        "8192\n"
    );
    let several = hub.json(&["config", "get", "MODE", "MAX_TOKENS_LIMIT"]);
    assert_eq!(
        (&several[0]["value"], &several[1]["source"]),
        (&"direct".into(), &"database".into())
    );
    hub.run(&["config", "unset", "MODE", "MAX_TOKENS_LIMIT"])
        .shown();
    assert_eq!(hub.run(&["config", "get", "MODE"]).shown(), "transformer\n");
    let history = hub.json(&["config", "history", "--limit", "10"]);
    assert_eq!(history.as_array().map(Vec::len), Some(4));
    hub.run(&["config", "get", "COLOUR"]).failed(3);
    let told = hub.run(&["config", "set", "MODE=sideways"]).failed(1);
    assert!(told.contains("transformer, direct"), "{told}");
}

#[test]
fn the_whole_is_exported_compared_and_taken_in() {
    let hub = Hub::start();
    hub.run(&["aliases", "set", "a=demo-openai/demo-model"])
        .shown();
    hub.run(&["routes", "create", "r1", "--to", "demo-openai/demo-model"])
        .shown();
    let file = hub.path("hub.yml").display().to_string();
    hub.run(&["config", "export", "-O", &file]).shown();
    let exported = hub.run(&["config", "export"]).shown();
    assert_eq!(
        exported,
        std::fs::read_to_string(&file).expect("it was written")
    );
    assert!(
        exported.contains("ROUTES:") && exported.contains("name: r1"),
        "{exported}"
    );
    hub.run(&["config", "diff", "-f", &file]).shown();
    let changed = hub.file(
        "changed.yml",
        &exported.replace("demo-openai", "demo-gemini"),
    );
    let diff = hub.run(&["config", "diff", "-f", &changed]);
    assert!(
        diff.out.contains("-> ") && diff.out.contains("demo-gemini"),
        "{diff:?}"
    );
    diff.failed(7);
    let dry = hub
        .run(&[
            "config",
            "import",
            "-f",
            &changed,
            "--dry-run",
            "-o",
            "json",
        ])
        .json();
    assert_eq!(dry["applied"], false);
    assert_eq!(
        hub.json(&["aliases", "show", "a"])["model"],
        "demo-openai/demo-model"
    );
    hub.run(&["config", "import", "-f", &changed]).shown();
    assert_eq!(
        hub.json(&["aliases", "show", "a"])["model"],
        "demo-gemini/demo-model"
    );
    hub.run_with(&["config", "import", "--replace", "-f", "-"], "{}")
        .failed(2);
    hub.run_with(&["config", "import", "--replace", "--yes", "-f", "-"], "{}")
        .shown();
    assert_eq!(hub.json(&["aliases", "list"]), serde_json::json!([]));
}

#[test]
fn a_document_that_makes_no_sense_is_told_with_what_to_do() {
    let hub = Hub::start();
    let bad = "PROVIDERS:\n- name: z\n  colour: red\n";
    let told = hub
        .run_with(&["config", "validate", "-f", "-"], bad)
        .failed(7);
    assert!(
        told.contains("colour: ") && told.contains("fix: remove it"),
        "{told}"
    );
    hub.run_with(&["config", "validate", "-f", "-"], "MODE: sideways")
        .failed(7);
    hub.run_with(&["config", "diff", "-f", "-"], "MODE: sideways")
        .failed(1);
    hub.run_with(&["config", "validate", "-f", "-"], "MODE: direct")
        .shown();
    assert_eq!(hub.run(&["config", "get", "MODE"]).shown(), "transformer\n");
}
