//! `health` and `db`.

use crate::hub::Hub;

#[test]
fn providers_are_asked_only_when_that_is_wanted() {
    let hub = Hub::start();
    let health = hub.json(&["health", "show"]);
    assert!(
        health
            .as_array()
            .is_some_and(|rows| rows.iter().all(|row| row["state"] == "unchecked")),
        "{health}"
    );
    let checked = hub.json(&["health", "check", "demo-openai"]);
    assert_eq!(
        (&checked[0]["provider"], &checked[0]["ok"]),
        (&"demo-openai".into(), &true.into())
    );
    assert_eq!(
        hub.json(&["health", "show", "demo-openai"])[0]["state"],
        "healthy"
    );
    assert_eq!(
        hub.json(&["health", "check"]).as_array().map(Vec::len),
        Some(4)
    );
    let history = hub.json(&["health", "history", "demo-openai"]);
    assert_eq!(history.as_array().map(Vec::len), Some(2));
    hub.run(&["health", "breakers"]).shown();
    hub.run(&["health", "reset", "demo-openai"]).shown();
    hub.run(&["health", "show", "none"]).failed(3);
}

#[test]
fn what_is_ill_ends_with_a_code() {
    let hub = Hub::start();
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
        &[
            "--other",
            "m",
            "--set",
            "allow_private_network=true",
            "--api-key-stdin",
        ],
    ]
    .concat();
    hub.run_with(&args, "sk-0123456789abcdef").shown();
    hub.run(&["health", "check"]).failed(7);
    let told = hub.run(&["health", "show"]).failed(7);
    assert!(told.contains("not healthy: dead"), "{told}");
    hub.run(&["providers", "disable", "dead"]).shown();
    hub.run(&["health", "show"]).shown();
}

#[test]
fn the_database_says_how_it_is() {
    let hub = Hub::start();
    let status = hub.json(&["db", "status"]);
    assert_eq!(
        (&status[0]["kind"], &status[0]["ok"]),
        (&"sqlite".into(), &true.into())
    );
    assert!(hub.json(&["db", "size"])[0]["size"].as_u64() > Some(0));
    let steps = hub.json(&["db", "migrations"]);
    assert!(steps.as_array().is_some_and(|steps| !steps.is_empty() && steps.iter().all(|step| step["done"] == true)));
    let tidied = hub.json(&["db", "vacuum"]);
    assert!(tidied[0]["size_after"].as_u64() > Some(0), "{tidied}");
}

#[test]
fn the_database_is_copied_into_a_new_file() {
    let hub = Hub::start();
    let file = hub.path("copy.db");
    let name = file.display().to_string();
    let told = hub.run(&["backup", "create", "-O", &name]);
    assert!(told.err.contains("keep the key"), "{told:?}");
    told.shown();
    let copy = std::fs::read(&file).expect("it was written");
    assert!(copy.starts_with(b"SQLite format 3\0"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "people and what they said are in it");
    }
    let told = hub.run(&["backup", "create", "-O", &name]).failed(2);
    assert!(told.contains("--out"), "{told}");
    let dry = hub.run(&["backup", "create", "--dry-run"]).shown();
    assert!(dry.contains("/api/system/backup"), "{dry}");
}
