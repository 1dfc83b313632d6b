//! `bridge translate`, run as a user runs it.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn bridge(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bridge"))
        .arg("translate")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that refuses its command line does not read.
    let _ = child
        .stdin
        .take()
        .expect("piped")
        .write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn shown(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|error| unreachable!("{error}: {text}{:?}", output.stderr))
}

fn request() -> String {
    json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "top_k": 5,
        "messages": [{"role": "user", "content": "hi"}]})
    .to_string()
}

#[test]
fn a_request_is_shown_with_headers_report_and_reversals() {
    let output = bridge(
        &[
            "--from",
            "anthropic",
            "--to",
            "chat",
            "--model",
            "gpt-4o",
            "-f",
            "-",
        ],
        &request(),
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let shown = shown(&output);
    assert_eq!(
        (&shown["lane"], &shown["request"]["model"]),
        (&json!("translated"), &json!("gpt-4o"))
    );
    assert_eq!(shown["fidelity"][0]["code"], "dropped:top_k");
    assert_eq!(
        shown["fidelity"][0]["doc"],
        "docs/fidelity/sampling.md#dropped-top_k"
    );
    assert_eq!(shown["undo"]["unwrap_value"], false);
    let back =
        json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let shown = self::shown(&bridge(
        &[
            "--from",
            "chat",
            "--to",
            "claude",
            "--model",
            "claude-sonnet-4-5",
            "-f",
            "-",
        ],
        &back,
    ));
    assert_eq!(shown["headers"]["anthropic-version"], "2023-06-01");
}

#[test]
fn a_file_is_read_and_one_dialect_passes_bytes() {
    let file = std::env::temp_dir().join(format!("bridge-translate-{}.json", std::process::id()));
    std::fs::write(&file, request()).expect("a temporary file");
    let path = file.to_str().expect("a plain path");
    let output = bridge(
        &[
            "--from",
            "anthropic",
            "--to",
            "anthropic",
            "--model",
            "other",
            "--file",
            path,
        ],
        "",
    );
    std::fs::remove_file(&file).expect("it is there");
    let shown = shown(&output);
    assert_eq!(
        (&shown["lane"], &shown["request"]["model"]),
        (&json!("bytes"), &json!("other"))
    );
    assert_eq!(
        (&shown["request"]["top_k"], &shown["fidelity"]),
        (&json!(5), &json!([]))
    );
}

#[test]
fn the_code_says_what_went_wrong() {
    let pair = [
        "--from",
        "anthropic",
        "--to",
        "gemini",
        "--model",
        "gemini-3-flash-preview",
    ];
    let with = |more: &[&'static str]| [&pair[..], more].concat();
    for (what, code, arguments, input) in [
        (
            "no such dialect",
            2,
            vec!["--from", "klingon", "--to", "chat", "-f", "-"],
            request(),
        ),
        ("no request", 2, with(&[]), request()),
        (
            "no such file",
            2,
            with(&["-f", "/no/such/file"]),
            String::new(),
        ),
        (
            "two inputs",
            2,
            with(&["-f", "-", "--stream-events", "-"]),
            request(),
        ),
        ("no JSON", 2, with(&["-f", "-"]), "{".to_owned()),
        (
            "no request of the dialect",
            2,
            with(&["-f", "-"]),
            r#"{"model":"m","messages":7}"#.to_owned(),
        ),
        (
            "a loss in strict mode",
            3,
            vec![
                "--from",
                "anthropic",
                "--to",
                "chat",
                "--model",
                "gpt-4o",
                "--strict",
                "-f",
                "-",
            ],
            request(),
        ),
        (
            "another vendor's file",
            3,
            with(&["-f", "-"]),
            request().replace(
                "\"hi\"",
                r#"[{"type":"image","source":{"type":"file","file_id":"file_1"}}]"#,
            ),
        ),
    ] {
        let output = bridge(&arguments, &input);
        assert_eq!(output.status.code(), Some(code), "{what}: {output:?}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{what}: {output:?}"
        );
    }
}

#[test]
fn a_stream_is_shown_as_the_client_would_get_it() {
    let stream = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"hello\"},\"finish_reason\":null}]}\n\n\
        data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
        data: [DONE]\n\n";
    let to_client = |from: &str| {
        let output = bridge(
            &["--from", from, "--to", "chat", "--stream-events", "-"],
            stream,
        );
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let anthropic = to_client("anthropic");
    assert!(
        anthropic.contains("event: message_start") && anthropic.contains("\"hello\""),
        "{anthropic}"
    );
    assert!(anthropic.contains("event: message_stop"), "{anthropic}");
    assert_eq!(
        anthropic,
        to_client("anthropic"),
        "the same input gives the same bytes"
    );
    assert_eq!(to_client("chat"), stream, "one dialect passes bytes");
    let cut = bridge(
        &[
            "--from",
            "anthropic",
            "--to",
            "chat",
            "--stream-events",
            "-",
        ],
        &stream[..stream.len() / 3],
    );
    let cut = String::from_utf8(cut.stdout).expect("text");
    assert!(
        cut.contains("event: error") && !cut.contains("message_stop"),
        "{cut}"
    );
}
