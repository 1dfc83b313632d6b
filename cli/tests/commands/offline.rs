//! What needs no hub: translations, and configurations of older gateways, which the hub's own check takes.

use std::path::Path;
use std::process::Command;

use crate::hub::{Outcome, binary};

/// Runs the program where there is neither a hub nor a home.
fn offline(args: &[&str], input: &str) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridge-admin"));
    Outcome::of(command.args(args).env_clear(), input)
}

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples")
        .join(name);
    path.display().to_string()
}

/// Whether the hub takes it, with every key set.
fn checked(yaml: &str, name: &str) -> String {
    let folder =
        std::env::temp_dir().join(format!("bridge-migrated-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let file = folder.join("app.yml");
    std::fs::write(&file, yaml).expect("a temporary file");
    let mut command = Command::new(binary());
    command
        .args(["check", "--config"])
        .arg(&file)
        .current_dir(&folder)
        .env_clear();
    let names = yaml
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    command.envs(names.map(|name| (name, "a-key-for-tests")));
    let output = command.output().expect("the hub is there");
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    std::fs::remove_dir_all(folder).expect("it was made here");
    assert!(output.status.success(), "{said}\n{yaml}");
    said
}

#[test]
fn older_gateways_become_configurations_that_the_hub_takes() {
    let cases = [
        (
            "litellm",
            "litellm.yaml",
            vec![
                "route      gpt-4o: gpt-4o -> azure/gpt-4o-eu, openai/gpt-4o by weighted",
                "route      claude: claude -> anthropic/claude-sonnet-5, azure/gpt-4o-eu, openai/gpt-4o by priority",
                "route      gpt-4: gpt-4 ->",
                "breaker opens after 3 failures for 30 s",
                "client     master",
            ],
        ),
        (
            "claude-code-router",
            "claude-code-router.json",
            vec![
                "preferred  deepseek",
                "role       haiku -> ollama/qwen2.5-coder:latest",
                "route      think: * -> deepseek/deepseek-reasoner",
                "kimi-k2 (anthropic, enabled",
            ],
        ),
        (
            "new-api",
            "channels.json",
            vec![
                "OpenAI-main (openai-chat, enabled, priority -10",
                "deepseek (openai-chat, enabled",
                "route      fast: fast -> OpenAI-main/gpt-4o-mini",
                "azure (openai-chat, disabled",
            ],
        ),
        (
            "provider-json",
            "provider.json",
            vec![
                "preferred  openai",
                "my-claude (anthropic, enabled",
                "middle: d",
            ],
        ),
        (
            "env",
            "bridge.env",
            vec![
                "listen     127.0.0.1:8082",
                "preferred  gemini",
                "openai (openai-chat, enabled, priority 100, from file) http://localhost:1234/v1",
            ],
        ),
    ];
    for (origin, file, expected) in cases {
        let outcome = offline(&["config", "migrate-from", origin, "-f", &sample(file)], "");
        let said = checked(&outcome.shown(), origin);
        for line in expected {
            assert!(said.contains(line), "{origin}: no `{line}` in\n{said}");
        }
    }
}

#[test]
fn what_is_not_carried_over_is_told() {
    let outcome = offline(
        &[
            "config",
            "migrate-from",
            "litellm",
            "-f",
            &sample("litellm.yaml"),
        ],
        "",
    );
    assert!(
        outcome.err.contains("not carried over") && outcome.err.contains("keys stand in it"),
        "{outcome:?}"
    );
    let yaml = outcome.shown();
    for lost in [
        "bedrock/anthropic.claude-sonnet-5",
        "litellm_settings.cache",
        "litellm_params.rpm of `gpt-4o`",
    ] {
        assert!(
            yaml.contains(&format!("# not carried over: {lost}")) || yaml.contains(lost),
            "{lost}: {yaml}"
        );
    }
    for (origin, text) in [
        ("litellm", "a: 1"),
        ("one-api", "{}"),
        ("env", "# nothing"),
        ("provider-json", "[]"),
        ("claude-code-router", "["),
    ] {
        let said = offline(&["config", "migrate-from", origin, "-f", "-"], text).failed(2);
        assert!(said.starts_with("bridge-admin: -:"), "{said}");
    }
}

#[test]
fn shells_and_manuals_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = offline(&["completions", shell], "").shown();
        for command in ["providers", "migrate-from", "api-keys"] {
            assert!(script.contains(command), "{shell} knows no {command}");
        }
    }
    let folder = std::env::temp_dir().join(format!("bridge-man-{}", std::process::id()));
    offline(&["man", &folder.display().to_string()], "").shown();
    let page = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name);
    assert!(page("bridge-admin.1").contains(".SH"));
    assert!(page("bridge-admin-config-migrate-from.1").contains("litellm"));
    std::fs::remove_dir_all(folder).expect("it was made here");
}

fn translated(args: &[&str], input: &str) -> Outcome {
    let mut all = vec!["translate"];
    all.extend(args);
    offline(&all, input)
}

#[test]
fn a_request_is_translated_and_its_losses_are_told() {
    let request = r#"{"model":"claude-sonnet-4-5","max_tokens":9,"top_k":5,"messages":[{"role":"user","content":"hi"}]}"#;
    let args = [
        "--from",
        "anthropic",
        "--to",
        "openai-chat",
        "-m",
        "gpt-4o",
        "-f",
        "-",
    ];
    let outcome = translated(&args, request);
    assert!(outcome.err.contains("loss: dropped top_k"), "{outcome:?}");
    let shown = outcome.json();
    assert_eq!(
        (&shown["model"], &shown["messages"][0]["content"]),
        (&"gpt-4o".into(), &"hi".into())
    );
    let mut json = args.to_vec();
    json.extend(["-o", "json"]);
    let document = translated(&json, request).json();
    assert_eq!(document["fidelity"][0]["code"], "dropped:top_k");
    assert_eq!(document["fidelity"][0]["is_loss"], true);
    let mut strict = args.to_vec();
    strict.push("--strict");
    assert!(translated(&strict, request).failed(7).contains("top_k"));
    translated(&args, "{").failed(2);
    // Half of a file is not translated as if it were all of it.
    let large = std::env::temp_dir().join(format!("bridge-large-{}", std::process::id()));
    let file = std::fs::File::create(&large).expect("a temporary file");
    file.set_len((64 << 20) + 1).expect("a temporary file");
    let path = large.display().to_string();
    let told = translated(&["--from", "anthropic", "--to", "gemini", "-f", &path], "").failed(2);
    std::fs::remove_file(large).expect("it was made here");
    assert!(told.contains("larger than 64 MiB"), "{told}");
    translated(&["--from", "nobody", "--to", "gemini", "-f", "-"], request).failed(2);
}

#[test]
fn a_stream_is_shown_as_the_client_gets_it() {
    let stream = "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hey\"}}]}\n\n\
        data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let args = [
        "--from",
        "anthropic",
        "--to",
        "openai-chat",
        "--stream-events",
        "-",
    ];
    let shown = translated(&args, stream).shown();
    assert!(
        shown.contains("event: message_start")
            && shown.contains("Hey")
            && shown.contains("message_stop"),
        "{shown}"
    );
    let mut json = args.to_vec();
    json.extend(["-o", "json"]);
    let frames = translated(&json, stream).json();
    let names: Vec<_> = frames
        .as_array()
        .expect("a list")
        .iter()
        .map(|frame| frame["event"].clone())
        .collect();
    assert_eq!(
        (names.first(), names.last()),
        (Some(&"message_start".into()), Some(&"message_stop".into()))
    );
}
