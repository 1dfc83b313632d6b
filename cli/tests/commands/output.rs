//! What holds for every command: forms of output, errors, exit codes.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use crate::hub::Hub;

#[test]
fn one_list_in_every_form() {
    let hub = Hub::start();
    let list = |form: &str| hub.run(&["providers", "list", "-o", form]).shown();
    assert_eq!(
        list("name"),
        "demo-anthropic\ndemo-gemini\ndemo-openai\ndemo-responses\n"
    );
    let table = list("table");
    assert!(
        table.starts_with("NAME ") && table.contains("\ndemo-openai "),
        "{table}"
    );
    assert!(!table.contains('\u{1b}'), "no colours in a file: {table}");
    assert!(list("wide").contains("demo-model-chat"));
    let csv = list("csv");
    assert!(
        csv.starts_with("name,api_format,base_url,") && csv.contains("\ndemo-gemini,gemini,"),
        "{csv}"
    );
    let json: Value = serde_json::from_str(&list("json")).expect("JSON");
    assert_eq!(json[2]["models"]["other"][0], "demo-model-chat");
    assert!(list("yaml").starts_with("- name: demo-anthropic\n"));
}

#[test]
fn columns_are_chosen_and_heads_left_out() {
    let hub = Hub::start();
    let args = [
        "providers",
        "ls",
        "--columns",
        "name,models.other",
        "--no-headers",
        "--limit",
        "1",
    ];
    assert_eq!(
        hub.run(&args).shown(),
        "demo-anthropic  demo-model-messages\n"
    );
    let told = hub
        .run(&["providers", "ls", "--columns", "colour"])
        .failed(2);
    assert!(
        told.contains("no column `colour`") && told.contains("base_url"),
        "{told}"
    );
    let json = hub.json(&[
        "providers",
        "show",
        "demo-gemini",
        "--columns",
        "name,enabled",
    ]);
    assert_eq!(
        json,
        serde_json::json!({"name": "demo-gemini", "enabled": true})
    );
}

#[test]
fn colours_are_there_where_they_are_wanted() {
    let hub = Hub::start();
    let table = hub
        .run(&["health", "check", "demo-openai", "--color", "always"])
        .shown();
    assert!(table.contains("\u{1b}["), "{table}");
}

#[test]
fn pages_go_on_where_they_ended() {
    let hub = Hub::start();
    let first = hub.run(&["providers", "list", "-o", "name", "--limit", "3"]);
    let (_, cursor) = first.err.split_once("--cursor '").expect("there is more");
    let cursor = cursor.trim_end().trim_end_matches('\'');
    assert_eq!(first.out.lines().count(), 3);
    let rest = hub.run(&["providers", "list", "-o", "name", "--cursor", cursor]);
    assert_eq!(
        (rest.out.as_str(), rest.err.as_str()),
        ("demo-responses\n", "")
    );
    let all = hub
        .run(&["providers", "list", "-o", "name", "--all"])
        .shown();
    assert_eq!(all.lines().count(), 4);
    let quiet = hub.run(&["providers", "list", "--limit", "1", "--quiet"]);
    assert_eq!(quiet.err, "");
}

#[test]
fn failures_have_codes_and_a_form_for_programs() {
    let hub = Hub::start();
    let told = hub
        .run(&["providers", "show", "none", "-o", "json"])
        .failed(3);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["error"]["exit_code"], 3);
    assert_eq!(
        (&told["error"]["code"], &told["error"]["status"]),
        (&"not_found".into(), &404.into())
    );
    let told = hub.run(&["providers", "bogus", "-o", "json"]).failed(2);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["error"]["exit_code"], 2);
    hub.run(&["providers"]).failed(2);
    let told = hub
        .run(&[
            "providers",
            "create",
            "x",
            "--api-format",
            "telex",
            "--base-url",
            "http://h",
        ])
        .failed(1);
    assert!(
        told.contains("api_format: ") && told.contains("must be one of") && told.contains("fix: "),
        "{told}"
    );
    let nobody = [
        ("BRIDGE_TOKEN", "eyJ.no.token"),
        ("BRIDGE_URL", "http://127.0.0.1:1"),
    ];
    let told = hub.run_in(&["providers", "list"], "", &nobody).failed(6);
    assert!(
        told.contains("http://127.0.0.1:1 cannot be reached") && told.contains("bridge serve"),
        "{told}"
    );
    hub.run_in(&["providers", "list"], "", &nobody[..1])
        .failed(4);
    hub.run(&["providers", "list", "--url", "telnet://hub"])
        .failed(2);
}

#[test]
fn help_is_no_failure_and_names_the_codes() {
    let hub = Hub::new();
    assert!(hub.run(&["--help"]).shown().contains("Exit codes: 0 done"));
    assert!(
        hub.run(&["keys", "add", "--help"])
            .shown()
            .contains("--api-key-stdin")
    );
    assert!(hub.run(&["--version"]).shown().starts_with("bridge-admin "));
}

#[test]
fn who_stops_reading_ends_the_command_quietly() {
    let hub = Hub::start();
    let mut child = hub
        .command(&["models", "catalog", "list", "--all", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut said)
        .expect("text");
    assert!(child.wait().expect("it ends").success(), "{said}");
    assert_eq!(said, "");
}

#[test]
fn an_unknown_answer_is_shown_as_it_is() {
    let hub = Hub::start();
    let raw = hub
        .run(&["api", "GET", "/providers", "-Q", "limit=1"])
        .json();
    assert_eq!(raw["items"][0]["name"], "demo-anthropic");
    hub.run(&["api", "PUT", "preferences", "--set", "theme=dark"])
        .shown();
    assert!(
        hub.run(&["api", "GET", "/api/preferences", "-o", "yaml"])
            .shown()
            .contains("theme: dark")
    );
    hub.run(&["api", "GET", "/none"]).failed(3);
    let dry = hub
        .run(&["api", "DELETE", "/providers/demo-openai", "--dry-run"])
        .shown();
    assert!(
        dry.contains("method: DELETE") && dry.contains("/api/providers/demo-openai"),
        "{dry}"
    );
    let body = "providers:\n- {name: a, headers: {x-api-key: hush}, proxy: 'http://me:hush@proxy', keys: [hush]}\n";
    let file = hub.file("body.yml", body);
    let args = ["api", "POST", "/x", "-f", &file, "-Q", "key=hush"];
    let dry = hub.run(&[&args[..], &["--dry-run"]].concat()).shown();
    assert!(dry.contains("name: a") && !dry.contains("hush"), "{dry}");
}

#[test]
fn calls_are_told_where_that_is_wanted() {
    let hub = Hub::start();
    let told = hub.run(&["providers", "list", "--verbose"]);
    assert!(told.err.starts_with("GET /api/providers 200 "), "{told:?}");
    assert!(!told.err.contains("eyJ"), "{told:?}");
}

#[test]
fn versions_are_told_and_what_cannot_be_known_is_a_failure() {
    let hub = Hub::start();
    let version = hub.json(&["version"]);
    assert_eq!(version["bridge_admin"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["hub"], version["bridge_admin"]);
    let away = hub.run_in(
        &["version", "-o", "json"],
        "",
        &[("BRIDGE_TOKEN", "x"), ("BRIDGE_URL", "http://127.0.0.1:1")],
    );
    assert!(away.out.contains(env!("CARGO_PKG_VERSION")));
    away.failed(6);
}

#[test]
fn a_name_that_is_none_is_not_found_and_reaches_nothing_else() {
    let hub = Hub::start();
    for name in ["", ".", "..", "../users", "?limit=1"] {
        hub.run(&["providers", "show", name]).failed(3);
        hub.run(&["providers", "delete", name, "--yes"]).failed(3);
    }
}

#[test]
fn differences_have_a_form_for_spreadsheets_too() {
    let hub = Hub::start();
    let diff = hub.run_with(&["config", "diff", "-f", "-", "-o", "csv"], "MODE: direct");
    assert!(
        diff.out.contains("create,setting,MODE,value: direct"),
        "{diff:?}"
    );
    diff.failed(7);
}
