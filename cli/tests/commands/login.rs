//! `login`, `logout`, `whoami`, `profile`.

use crate::hub::{EMAIL, Hub, PASSWORD};

#[test]
fn one_logs_in_is_known_and_logs_out() {
    let hub = Hub::new();
    let told = hub.run(&["whoami"]).failed(4);
    assert!(
        told.contains("nobody is logged in") && told.contains("bridge-admin login"),
        "{told}"
    );
    let args = ["login", "--email", EMAIL, "--password-stdin"];
    hub.run_with(&args, "wrong").failed(4);
    let outcome = hub.run_with(&args, PASSWORD);
    assert_eq!(outcome.out, "", "a log-in shows no data");
    assert!(outcome.shown().is_empty());
    let me = hub.json(&["whoami"]);
    assert_eq!(
        (&me["email"], &me["role"]),
        (&EMAIL.into(), &"admin".into())
    );
    assert_eq!(
        (&me["hub"], &me["profile"]),
        (&hub.url.as_str().into(), &"default".into())
    );
    hub.run(&["logout"]).shown();
    hub.run(&["whoami"]).failed(4);
    assert_eq!(hub.run(&["logout"]).code, Some(0), "who is out stays out");
}

#[cfg(unix)]
#[test]
fn what_is_remembered_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let hub = Hub::start();
    let file = hub.path("profiles.yml");
    let mode = std::fs::metadata(&file)
        .expect("it was written")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).expect("it was written");
    assert!(!text.contains(PASSWORD), "a password is not kept");
}

#[test]
fn a_session_is_renewed_when_its_token_has_ended_and_by_one_process_at_a_time() {
    let hub = Hub::start();
    let file = hub.path("profiles.yml");
    let text = std::fs::read_to_string(&file).expect("it was written");
    let ended: String = text
        .lines()
        .map(|line| match line.split_once("expires_at:") {
            Some((before, _)) => format!("{before}expires_at: 1000\n"),
            None => format!("{line}\n"),
        })
        .collect();
    std::fs::write(&file, &ended).expect("a writable file");
    let together: Vec<_> = (0..4)
        .map(|_| {
            let mut command = hub.command(&["whoami", "-o", "name"]);
            command
                .stdout(std::process::Stdio::piped())
                .spawn()
                .expect("the program starts")
        })
        .collect();
    for child in together {
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("{EMAIL}\n")
        );
    }
    let renewed = std::fs::read_to_string(&file).expect("it is there");
    assert!(
        !renewed.contains("expires_at: 1000") && renewed != text,
        "{renewed}"
    );
}

#[test]
fn a_token_from_the_environment_needs_no_profile() {
    let hub = Hub::start();
    let text = std::fs::read_to_string(hub.path("profiles.yml")).expect("it was written");
    let token = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("access_token: "))
        .expect("a token");
    let elsewhere = hub.path("none.yml").display().to_string();
    let bare = [("BRIDGE_ADMIN_CONFIG", elsewhere.as_str())];
    hub.run_in(&["whoami"], "", &bare).failed(4);
    let with = [
        ("BRIDGE_ADMIN_CONFIG", elsewhere.as_str()),
        ("BRIDGE_TOKEN", token),
    ];
    assert_eq!(
        hub.run_in(&["whoami", "-o", "name"], "", &with).shown(),
        format!("{EMAIL}\n")
    );
    let args = ["login", "--token-stdin"];
    hub.run_in(&args, token, &bare).shown();
    hub.run_in(&["whoami"], "", &bare).shown();
    let refresh = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("refresh_token: "))
        .expect("a token");
    hub.run_in(&args, refresh, &bare).shown();
    hub.run_in(&["whoami"], "", &bare).shown();
    hub.run_in(&args, "eyJ.no.token", &bare).failed(4);
}

/// The token of the log-in in a file of profiles.
fn token(hub: &Hub, file: &str) -> String {
    let text = std::fs::read_to_string(hub.path(file)).expect("it was written");
    let token = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("access_token: "));
    token.expect("a token").to_owned()
}

#[test]
fn who_logs_out_with_a_token_of_the_environment_is_told_what_stays() {
    let hub = Hub::start();
    let elsewhere = hub.path("other.yml").display().to_string();
    let args = ["login", "--email", EMAIL, "--password-stdin"];
    let variables = [
        ("BRIDGE_ADMIN_CONFIG", elsewhere.as_str()),
        ("BRIDGE_TOKEN", "t"),
    ];
    let told = hub.run_in(&args, PASSWORD, &variables).failed(0);
    assert!(told.contains("BRIDGE_TOKEN is set"), "{told}");
    let given = token(&hub, "other.yml");
    let with = [("BRIDGE_TOKEN", given.as_str())];
    let told = hub.run_in(&["logout"], "", &with).failed(0);
    assert!(
        told.contains("BRIDGE_TOKEN is ended at the hub") && told.contains("unset BRIDGE_TOKEN"),
        "{told}"
    );
    assert!(
        told.contains("profile `default` stays as it is") && !told.contains("logged out"),
        "{told}"
    );
    hub.run_in(&["whoami"], "", &with).failed(4);
    hub.run(&["whoami"]).shown();
    let told = hub.run_in(&["logout"], "", &with).failed(0);
    assert!(told.contains("was over at the hub already"), "{told}");
    let nowhere = [("BRIDGE_TOKEN", "t"), ("BRIDGE_URL", "http://127.0.0.1:1")];
    let told = hub.run_in(&["logout"], "", &nowhere).failed(6);
    assert!(told.contains("nothing was ended"), "{told}");
    hub.run(&["whoami"]).shown();
}

#[test]
fn profiles_are_listed_used_and_forgotten() {
    let hub = Hub::start();
    let args = [
        "login",
        "--profile",
        "other",
        "--email",
        EMAIL,
        "--password-stdin",
    ];
    hub.run_with(&args, PASSWORD).shown();
    let profiles = hub.json(&["profile", "list"]);
    assert_eq!(profiles[0]["name"], "default");
    assert_eq!(
        (&profiles[1]["name"], &profiles[1]["current"]),
        (&"other".into(), &true.into())
    );
    hub.run(&["profile", "use", "default"]).shown();
    assert_eq!(hub.json(&["whoami"])["profile"], "default");
    assert_eq!(
        hub.json(&["whoami", "--profile", "other"])["profile"],
        "other"
    );
    hub.run(&["profile", "use", "none"]).failed(3);
    hub.run_in(&["--profile", "none", "whoami"], "", &[("BRIDGE_URL", "")])
        .failed(2);
    let told = hub.run(&["profile", "remove", "other"]).failed(2);
    assert!(told.contains("--yes"), "{told}");
    hub.run(&["profile", "remove", "other", "--yes"]).shown();
    assert_eq!(
        hub.run(&["profile", "list", "-o", "name"]).shown(),
        "default\n"
    );
    assert!(
        hub.run(&["profile", "path"])
            .shown()
            .ends_with("profiles.yml\n")
    );
}

#[test]
fn a_log_in_goes_to_its_own_hub_and_to_no_other() {
    let (hub, other) = (Hub::start(), Hub::new());
    let told = hub.run(&["whoami", "--url", &other.url]).failed(4);
    assert!(told.contains("nobody is logged in"), "{told}");
}
