//! `setup`: clients' files change where they must and nowhere else, and go back to what they were.

use crate::hub::Hub;
use crate::stub::Stub;

/// Runs it with a home of its own.
fn setup(hub: &Hub, args: &[&str], input: &str) -> crate::hub::Outcome {
    let home = hub.path("home");
    std::fs::create_dir_all(&home).expect("a writable folder");
    let home = home.display().to_string();
    let mut all = vec!["setup"];
    all.extend(args);
    hub.run_in(&all, input, &[("HOME", &home)])
}

fn home(hub: &Hub, path: &str, text: &str) -> std::path::PathBuf {
    let path = hub.path("home").join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
    std::fs::write(&path, text).expect("writable");
    path
}

#[test]
fn a_client_is_set_up_with_a_key_of_its_own_and_goes_back() {
    let hub = Hub::start();
    let before = "{\n  // mine\n  \"theme\": \"dark\",\n  \"env\": {\"OTHER\": \"1\"}\n}\n";
    let path = home(&hub, ".claude/settings.json", before);
    let done = setup(
        &hub,
        &[
            "claude-code",
            "--write",
            "--create-key",
            "laptop",
            "--yes",
            "-m",
            "sonnet",
        ],
        "",
    );
    let said = done.err.clone();
    done.shown();
    let after = std::fs::read_to_string(&path).expect("it is there");
    assert!(
        after.contains("// mine") && after.contains("\"OTHER\": \"1\""),
        "{after}"
    );
    assert!(
        after.contains(&format!("\"ANTHROPIC_BASE_URL\": \"{}\"", hub.url)),
        "{after}"
    );
    let key = after
        .split("ANTHROPIC_AUTH_TOKEN\": \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let key = key.expect("a key");
    assert!(!said.contains(key), "the key does not show: {said}");
    let keys = hub.run(&["api-keys", "list", "-o", "json"]).json();
    assert!(
        keys.as_array()
            .is_some_and(|keys| keys.iter().any(|key| key["name"] == "laptop")),
        "{keys}"
    );
    // The key is good.
    let answer = hub
        .run_in(&["chat", "hello"], "", &[("BRIDGE_API_KEY", key)])
        .shown();
    assert!(answer.contains("You said: hello"), "{answer}");
    // A second time nothing is to be done; another model is one line.
    let again = setup(
        &hub,
        &["claude-code", "--write", "--yes", "-m", "sonnet"],
        "",
    );
    assert!(again.err.contains("set already"), "{again:?}");
    setup(
        &hub,
        &["claude-code", "--write", "--yes", "-m", "haiku"],
        "",
    )
    .shown();
    let undone = setup(&hub, &["claude-code", "--undo", "--yes"], "");
    assert!(!undone.err.contains(key), "{undone:?}");
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), after);
    setup(&hub, &["claude-code", "--undo", "--yes"], "").shown();
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), before);
    setup(&hub, &["claude-code", "--undo", "--yes"], "").failed(3);
    let left = std::fs::read_dir(path.parent().expect("a folder"))
        .expect("it is there")
        .count();
    assert_eq!(left, 1, "copies are gone");
}

#[test]
fn another_key_beside_the_token_is_emptied_and_comes_back() {
    let hub = Hub::start();
    let before = "{\"env\": {\"ANTHROPIC_API_KEY\": \"sk-ant-of-the-vendor\"}}\n";
    let path = home(&hub, ".claude/settings.json", before);
    let args = ["claude-code", "--write", "--yes", "--api-key-stdin"];
    let done = setup(&hub, &args, "sk-from-stdin-123456");
    assert!(!done.err.contains("of-the-vendor"), "{done:?}");
    let after = std::fs::read_to_string(&path).expect("it is there");
    assert!(after.contains("\"ANTHROPIC_API_KEY\": \"\""), "{after}");
    assert!(
        setup(&hub, &args, "sk-from-stdin-123456")
            .err
            .contains("set already")
    );
    let undone = setup(&hub, &["claude-code", "--undo", "--yes"], "");
    assert!(!undone.err.contains("of-the-vendor"), "{undone:?}");
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), before);
}

#[test]
fn who_sets_up_gemini_cli_is_told_of_trusted_folders() {
    let hub = Hub::start();
    let told = setup(&hub, &["gemini-cli"], "");
    assert!(told.err.contains("trusted folders"), "{told:?}");
}

#[test]
fn every_client_is_written_and_removed_again() {
    let hub = Hub::start();
    let files = [
        ("codex", vec![".codex/config.toml", ".codex/.env"]),
        ("gemini-cli", vec![".gemini/settings.json", ".gemini/.env"]),
        ("qwen-code", vec![".qwen/settings.json", ".qwen/.env"]),
        ("claude-code", vec![".claude/settings.json"]),
    ];
    for (client, files) in files {
        setup(
            &hub,
            &[client, "--write", "--yes", "--api-key-stdin"],
            "sk-from-stdin-123456",
        )
        .shown();
        for file in &files {
            let text = std::fs::read_to_string(hub.path("home").join(file)).expect(file);
            assert!(!text.is_empty(), "{file}");
        }
        let last = hub.path("home").join(files.last().expect("one"));
        assert!(
            std::fs::read_to_string(last)
                .expect("there")
                .contains("sk-from-stdin-123456")
        );
        setup(&hub, &[client, "--undo", "--yes"], "").shown();
        for file in &files {
            assert!(!hub.path("home").join(file).exists(), "{file}");
        }
    }
}

#[test]
fn what_was_not_written_the_last_time_is_not_taken_back() {
    let hub = Hub::start();
    let key = ["codex", "--write", "--yes", "--api-key-stdin"];
    setup(&hub, &key, "sk-from-stdin-123456").shown();
    let [config, env] = ["config.toml", ".env"].map(|name| hub.path("home/.codex").join(name));
    // An editor that leaves the last line open is nobody's business.
    let text = std::fs::read_to_string(&env).expect("there");
    std::fs::write(&env, text.trim_end()).expect("writable");
    let first = std::fs::read_to_string(&config).expect("there");
    let done = setup(&hub, &["codex", "--write", "--yes", "-m", "sonnet"], "");
    assert!(!done.err.contains(".env"), "{done:?}");
    done.shown();
    setup(&hub, &["codex", "--undo", "--yes"], "").shown();
    assert_eq!(std::fs::read_to_string(&config).expect("there"), first);
    assert!(env.exists(), "the key stays");
    setup(&hub, &["codex", "--undo", "--yes"], "").shown();
    assert!(!config.exists() && !env.exists());
}

#[test]
fn a_broken_file_and_a_rehearsal_change_nothing() {
    let hub = Hub::start();
    let path = home(&hub, ".codex/config.toml", "model = \n");
    let said = setup(
        &hub,
        &["codex", "--write", "--yes", "--api-key-stdin"],
        "sk-1",
    )
    .failed(1);
    assert!(
        said.contains("config.toml") && said.contains("as it was"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&path).expect("there"), "model = \n");
    std::fs::write(&path, "model = \"mine\" # keep\n").expect("writable");
    let done = setup(&hub, &["codex", "--write", "--create-key", "--dry-run"], "");
    assert!(
        done.err.contains("+model_provider = \"llm-bridge\""),
        "{done:?}"
    );
    assert_eq!(done.code, Some(0));
    assert_eq!(
        std::fs::read_to_string(&path).expect("there"),
        "model = \"mine\" # keep\n"
    );
    // Without a yes, and with nobody to ask, no key is made either.
    setup(&hub, &["codex", "--write", "--create-key", "never"], "").failed(2);
    let keys = hub.run(&["api-keys", "list", "-o", "name"]).shown();
    let details = hub.run(&["api-keys", "list", "-o", "json"]).shown();
    assert!(!details.contains("never"), "{keys}{details}");
}

#[test]
fn variables_are_printed_for_a_shell() {
    let hub = Hub::start();
    let args = ["env", "--api-key-stdin", "--shell", "fish", "-m", "son'net"];
    let shown = setup(&hub, &args, "sk-1").shown();
    assert!(
        shown.contains(&format!("set -gx OPENAI_BASE_URL '{}/v1'", hub.url)),
        "{shown}"
    );
    assert!(
        shown.contains("set -gx ANTHROPIC_API_KEY 'sk-1'") && shown.contains("'son\\'net'"),
        "{shown}"
    );
    let args = ["env", "--api-key-stdin", "--shell", "dotenv", "-m", "a b"];
    let shown = setup(&hub, &args, "sk-1").shown();
    assert!(shown.contains("OPENAI_MODEL='a b'\n"), "{shown}");
    let document = setup(&hub, &["codex", "-o", "json"], "").json();
    assert_eq!(
        document["files"][0]["settings"]["model_provider"],
        "llm-bridge"
    );
}

/// What the hub answers when it has made a key.
const MADE: &str = r#"{"id":"1","name":"codex","key":"sk-br-told-once-0123456789"}"#;

fn empty_home(name: &str) -> std::path::PathBuf {
    let home = std::env::temp_dir().join(format!("bridge-home-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&home).expect("a temporary folder");
    home
}

#[test]
fn no_key_is_made_that_has_no_place() {
    let home = empty_home("no-place");
    // Where the folder is to be, there is a file.
    std::fs::write(home.join(".codex"), "").expect("writable");
    let stub = Stub::start("201 Created", MADE, || {});
    let variables = [("HOME", home.to_str().expect("plain letters"))];
    let args = ["setup", "codex", "--write", "--create-key", "--yes"];
    stub.run(&args, &variables).failed(1);
    assert_eq!(stub.asked(), 0);
    std::fs::remove_file(home.join(".codex")).expect("writable");
    std::fs::create_dir(home.join(".codex")).expect("writable");
    // Nor one that the shell could not be told: the model breaks the line.
    let args = [
        "setup",
        "env",
        "--create-key",
        "--shell",
        "dotenv",
        "-m",
        "it's",
    ];
    stub.run(&args, &variables).failed(1);
    assert_eq!(stub.asked(), 0);
    std::fs::remove_dir_all(home).expect("it was made here");
}

#[test]
fn a_key_that_cannot_be_written_any_more_is_told() {
    let home = empty_home("told");
    let folder = home.join(".codex");
    let taken = folder.clone();
    // The folder goes while the hub makes the key.
    let stub = Stub::start("201 Created", MADE, move || {
        let _ = std::fs::remove_dir_all(&taken);
        std::fs::write(&taken, "").expect("writable");
    });
    let variables = [("HOME", home.to_str().expect("plain letters"))];
    let args = ["setup", "codex", "--write", "--create-key", "--yes"];
    let told = stub.run(&args, &variables).failed(1);
    assert!(
        told.contains("shown once: sk-br-told-once-0123456789") && told.contains("in no file"),
        "{told}"
    );
    assert!(folder.is_file());
    std::fs::remove_dir_all(home).expect("it was made here");
}

#[cfg(target_os = "linux")]
#[test]
fn a_secret_survives_an_output_that_takes_nothing() {
    let hub = Hub::start();
    let into_nothing = |args: &[&str]| {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("Linux has it");
        let output = hub.command(args).stdout(full).output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        told
    };
    let told = into_nothing(&["setup", "env", "--create-key", "lost"]);
    assert!(told.contains("the client key is shown once: sk-"), "{told}");
    for form in ["table", "json"] {
        let told = into_nothing(&["api-keys", "create", form, "-o", form]);
        assert!(told.contains("the key is shown once: sk-"), "{told}");
    }
    let told = into_nothing(&["users", "create", "a@example.test"]);
    assert!(told.contains("the password is shown once: "), "{told}");
    // A form without room for it.
    let made = hub.run(&["api-keys", "create", "named", "-o", "name"]);
    assert!(made.err.contains("the key is shown once: sk-"), "{made:?}");
}
