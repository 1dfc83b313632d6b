//! `users`, `sessions` and `api-keys`.

use serde_json::json;

use crate::hub::{EMAIL, Hub};

const BOB: &str = "bob@example.test";
const STRONG: &str = "Another-horse-battery-7";

#[test]
fn somebody_is_added_changed_and_removed() {
    let hub = Hub::start();
    let made = hub.run(&["users", "create", BOB, "--role", "viewer", "--name", "Bob"]);
    assert_eq!(
        made.out.lines().count(),
        1,
        "the password alone is data: {made:?}"
    );
    assert!(made.err.contains("shown once"), "{made:?}");
    hub.run(&["users", "create", BOB]).failed(5);
    hub.run(&["users", "set-role", BOB, "operator"]).shown();
    hub.run(&["users", "set-role", BOB, "king"]).failed(1);
    hub.run(&["users", "update", BOB, "--set", "name=Robert"])
        .shown();
    let bob = hub.json(&["users", "show", BOB]);
    assert_eq!(
        (&bob["role"], &bob["name"]),
        (&"operator".into(), &"Robert".into())
    );
    hub.run(&["users", "disable", BOB]).shown();
    assert_eq!(hub.json(&["users", "show", BOB])["enabled"], false);
    hub.run(&["users", "enable", BOB]).shown();
    hub.run(&[
        "users",
        "key-bounds",
        BOB,
        "--set",
        "max_keys=3",
        "--set",
        "limits.rpm=5",
    ])
    .shown();
    let bounds = hub.json(&["users", "key-bounds", BOB]);
    assert_eq!(
        (&bounds["max_keys"], &bounds["limits"]["rpm"]),
        (&3.into(), &5.into())
    );
    hub.run(&["users", "delete", BOB, "--yes"]).shown();
    hub.run(&["users", "show", BOB]).failed(3);
    assert_eq!(
        hub.run(&["users", "list", "--columns", "email", "--no-headers"])
            .shown(),
        format!("{EMAIL}\n")
    );
}

#[test]
fn passwords_are_reset_and_chosen() {
    let hub = Hub::start();
    hub.run_with(
        &[
            "users",
            "create",
            BOB,
            "--role",
            "viewer",
            "--password-stdin",
        ],
        STRONG,
    )
    .shown();
    let bobs = hub.path("bob.yml").display().to_string();
    let bobs = [("BRIDGE_ADMIN_CONFIG", bobs.as_str())];
    let login = ["login", "--email", BOB, "--password-stdin"];
    hub.run_in(&login, STRONG, &bobs).shown();
    hub.run_in(&["users", "create", "eve@example.test"], "", &bobs)
        .failed(4);
    let sessions = hub.json(&["users", "sessions", BOB]);
    assert_eq!(sessions.as_array().map(Vec::len), Some(1));
    let both = format!("{STRONG}\nYet-another-horse-5\n");
    hub.run_in(&["users", "password", "--password-stdin"], &both, &bobs)
        .shown();
    hub.run_in(&login, "Yet-another-horse-5", &bobs).shown();
    hub.run(&["users", "sessions", BOB, "--end", "--yes"])
        .shown();
    hub.run_in(&["whoami"], "", &bobs).failed(4);
    let reset = hub.run(&["users", "reset-password", BOB, "--yes"]).shown();
    hub.run_in(&login, reset.trim(), &bobs).shown();
    let told = hub.run_in(&["providers", "list"], "", &bobs).failed(4);
    assert!(told.contains("another password"), "{told}");
}

#[test]
fn ones_own_sessions_are_listed_and_ended() {
    let hub = Hub::start();
    let elsewhere = hub.path("elsewhere.yml").display().to_string();
    let there = [("BRIDGE_ADMIN_CONFIG", elsewhere.as_str())];
    let args = ["login", "--email", EMAIL, "--password-stdin"];
    hub.run_in(&args, crate::hub::PASSWORD, &there).shown();
    let sessions = hub.json(&["sessions", "list"]);
    let other = sessions
        .as_array()
        .expect("a list")
        .iter()
        .find(|session| session["current"] == false);
    let id = other.expect("another session")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    hub.run(&["sessions", "end", &id, "--yes"]).shown();
    hub.run_in(&["whoami"], "", &there).failed(4);
    hub.run(&["sessions", "end", "--all", "--yes"]).shown();
    hub.run(&["whoami"]).shown();
    hub.run(&["sessions", "end"]).failed(2);
}

#[test]
fn client_keys_are_made_bounded_rotated_and_removed() {
    let hub = Hub::start();
    let args = [
        "api-keys",
        "create",
        "--name",
        "app",
        "--models",
        "gpt-*,demo-*",
        "--rpm",
        "60",
        "--tpm",
        "10000",
    ];
    let made = hub.run(
        &[
            &args[..],
            &["--budget", "5.00", "--expires", "90d", "--tags", "a,b"],
        ]
        .concat(),
    );
    assert!(
        made.out.starts_with("sk-") && made.out.lines().count() == 1,
        "{made:?}"
    );
    let key = hub.json(&["api-keys", "show", "app"]);
    assert_eq!(
        (&key["limits"]["rpm"], &key["limits"]["budget_month"]),
        (&60.into(), &"5.00".into())
    );
    assert_eq!(
        (&key["tags"], &key["limits"]["allowed_models"]),
        (&json!(["a", "b"]), &json!(["gpt-*", "demo-*"]))
    );
    let expires = key["expires_at"].as_str().expect("a moment").to_owned();
    hub.run(&["api-keys", "update", "app", "--rpm", "10"])
        .shown();
    let key = hub.json(&["api-keys", "show", "app"]);
    assert_eq!(
        (&key["limits"]["rpm"], &key["limits"]["tpm"]),
        (&10.into(), &10000.into()),
        "the rest stays"
    );
    assert_eq!(key["expires_at"], expires.as_str(), "to the second");
    let rotated = hub
        .run(&["api-keys", "rotate", "app", "--grace", "1h", "--yes"])
        .shown();
    assert!(
        rotated.starts_with("sk-") && rotated != made.out,
        "{rotated}"
    );
    hub.run(&["api-keys", "disable", "app"]).shown();
    assert_eq!(hub.json(&["api-keys", "show", "app"])["enabled"], false);
    hub.run(&["api-keys", "enable", "app"]).shown();
    hub.run(&["users", "create", BOB]).shown();
    hub.run(&["api-keys", "create", "bobs", "--owner", BOB, "-o", "json"])
        .json();
    let bobs = hub
        .run(&[
            "api-keys",
            "list",
            "--owner",
            BOB,
            "--columns",
            "name",
            "--no-headers",
        ])
        .shown();
    assert_eq!(bobs, "bobs\n");
    hub.run(&["api-keys", "delete", "app", "bobs", "--yes"])
        .shown();
    hub.run(&["api-keys", "show", "app"]).failed(3);
    hub.run(&["api-keys", "create"]).failed(2);
}

#[test]
fn what_a_client_key_was_used_for() {
    let hub = Hub::start();
    hub.ask("demo-model-chat", "hi");
    let usage = hub.json_until(
        &["api-keys", "usage", "first key", "--since", "1h"],
        |rows| !rows[0].is_null(),
    );
    assert_eq!(
        (&usage[0]["label"], &usage[0]["requests"]),
        (&"demo-model-chat".into(), &1.into())
    );
    assert!(usage[0]["output"].as_u64() > Some(0), "{usage}");
}
