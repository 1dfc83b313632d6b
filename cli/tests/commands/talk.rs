//! `chat` and `logs tail`: words with a model in every dialect, and requests as they end.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use expectrl::{Eof, Expect as _, Session};

use crate::hub::Hub;

#[test]
fn a_word_in_every_dialect() {
    let hub = Hub::start();
    let key = hub.client_key.clone();
    for dialect in ["openai-chat", "openai-responses", "anthropic", "gemini"] {
        let args = [
            "chat",
            "--dialect",
            dialect,
            "--system",
            "be brief",
            "hello",
            "there",
        ];
        let outcome = hub.run_in(&args, "", &[("BRIDGE_API_KEY", &key)]);
        assert!(
            outcome.err.contains(&format!("in {dialect}, ")),
            "{outcome:?}"
        );
        assert!(
            outcome.shown().contains("You said: hello there"),
            "{dialect}"
        );
        let thinking = hub.run_in(
            &[
                "chat",
                "--dialect",
                dialect,
                "--effort",
                "high",
                "demo:reasoning",
            ],
            "",
            &[("BRIDGE_API_KEY", &key)],
        );
        assert!(
            thinking.err.contains("considers the question"),
            "{thinking:?}"
        );
        assert!(
            !thinking.out.contains("considers the question"),
            "thoughts are no part of the answer"
        );
    }
    let args = ["chat", "--dialect", "anthropic", "-o", "json", "hi"];
    let events = hub.run_in(&args, "", &[("BRIDGE_API_KEY", &key)]).shown();
    assert!(
        events.lines().all(|line| line.starts_with("{\"event\":\"")),
        "{events}"
    );
    let refused = hub
        .run_in(&["chat", "demo:error-429"], "", &[("BRIDGE_API_KEY", &key)])
        .failed(1);
    assert!(
        refused.contains("demo:error-429") && refused.contains("request: req_"),
        "{refused}"
    );
}

#[test]
fn a_key_is_remembered_and_files_go_along() {
    let hub = Hub::start();
    let key = hub.client_key.clone();
    let png = hub.path("dot.png");
    std::fs::write(&png, b"\x89PNG\r\n\x1a\n rest").expect("writable");
    let png = png.display().to_string();
    hub.run_with(
        &[
            "chat",
            "--remember",
            "--api-key-stdin",
            "--image",
            &png,
            "look",
        ],
        &key,
    )
    .shown();
    let log = hub.file("error.log", "it broke");
    let answer = hub.run(&["chat", "-f", &log, "why?"]).shown();
    assert!(answer.contains("it broke"), "{answer}");
    let piped = hub.run_with(&["chat"], "from a pipe").shown();
    assert!(piped.contains("from a pipe"), "{piped}");
    // Another log-in to the same hub keeps the key.
    hub.run_with(
        &["login", "--email", crate::hub::EMAIL, "--password-stdin"],
        crate::hub::PASSWORD,
    )
    .shown();
    hub.run(&["chat", "hi"]).shown();
    hub.run(&["chat", "--image", &log, "hi"]).failed(2);
}

#[test]
fn a_conversation_goes_on_and_changes_models() {
    let hub = Hub::start();
    hub.run_with(
        &["chat", "--remember", "--api-key-stdin", "hi"],
        &hub.client_key,
    )
    .shown();
    let mut session = Session::spawn(hub.command(&["chat", "-m", "sonnet"])).expect("a terminal");
    session.set_expect_timeout(Some(Duration::from_secs(30)));
    session.expect("sonnet>").expect("a prompt");
    session.send("first words\r").expect("it reads");
    session.expect("You said: first words").expect("an answer");
    session.expect("sonnet>").expect("a prompt");
    session
        .send("/model demo-openai/demo-model-chat\r")
        .expect("it reads");
    session.expect("demo-model-chat>").expect("a prompt");
    session.send("/dialect gemini\r").expect("it reads");
    session.expect("demo-model-chat>").expect("a prompt");
    session.send("second words\r").expect("it reads");
    session.expect("You said: second words").expect("an answer");
    session.expect("in gemini").expect("who said it");
    let file = hub.path("talk.json");
    session
        .send(format!("/save {}\r", file.display()))
        .expect("it reads");
    session.expect("written to").expect("it is written");
    session.send("/quit\r").expect("it reads");
    session.expect(Eof).expect("it ends");
    let text = std::fs::read_to_string(file).expect("it is there");
    let turns: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let roles: Vec<_> = turns
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|turn| turn["role"].as_str())
        .collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
}

#[test]
fn requests_are_told_as_they_end() {
    let hub = Hub::start();
    hub.run_with(
        &["chat", "--remember", "--api-key-stdin", "one"],
        &hub.client_key,
    )
    .shown();
    let mut tail = hub
        .command(&["logs", "tail", "-f", "-n", "0", "--errors", "-o", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let out = tail.stdout.take().expect("piped");
    let (say, said) = std::sync::mpsc::sync_channel(64);
    let reader = std::thread::spawn(move || {
        BufReader::new(out)
            .lines()
            .map_while(Result::ok)
            .for_each(|line| drop(say.send(line)));
    });
    // Nobody tells when the stream is open: failures are made until one is told.
    let since = Instant::now();
    let line = loop {
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "no request was told"
        );
        hub.run(&["chat", "two"]).shown();
        hub.run(&["chat", "demo:error-429"]).failed(1);
        if let Ok(line) = said.recv_timeout(Duration::from_secs(1)) {
            break line;
        }
    };
    let row: serde_json::Value = serde_json::from_str(&line).expect("a JSON line");
    assert_eq!(
        (&row["status"], &row["outcome"]),
        (&429.into(), &"error".into())
    );
    tail.kill().expect("it runs");
    tail.wait().expect("it ended");
    drop(said);
    reader.join().expect("it ended");
    // Records are written behind the requests.
    hub.json_until(&["logs", "list", "--errors"], |rows| {
        rows.as_array().is_some_and(|rows| !rows.is_empty())
    });
    let shown = hub.run(&["logs", "tail", "-n", "1", "--errors"]).shown();
    assert!(
        shown.starts_with("TIME ") && shown.contains("429 error"),
        "{shown}"
    );
    hub.run(&["logs", "tail", "-o", "csv"]).failed(2);
}
