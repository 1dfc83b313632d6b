//! Every screen as it looks at 80 columns and 24 lines, compared with what was looked at and found good. With
//! `UPDATE_SCREENS=1` the files are written anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use serde_json::{Value, json};

use crate::events::Heard;
use crate::failure::{Failure, Kind};
use crate::tui::app::{App, Screen};
use crate::tui::news::{Act, News, Topic};
use crate::tui::theme::Theme;

const NOW: i64 = 1_795_287_747_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens")
}

fn row(at: i64, model: &str, status: u16, outcome: &str) -> Value {
    json!({"id": format!("req_{at}"), "at": NOW - at, "call": "generate", "ingress": "anthropic", "upstream": "openai-chat",
        "client_key": "ci", "client_key_id": "1", "provider": "qwen", "model_asked": model, "model_served": "qwen3-max",
        "route": "claude-to-qwen", "stream": true, "outcome": outcome, "status": status, "error": null,
        "tokens": {"input": 12_345, "output": 678, "cache_read": 4, "reasoning": 5}, "cost_nano_usd": 12_300_000,
        "first_byte_ms": 310.0, "total_ms": 2345.0})
}

fn line(requests: u64, errors: u64) -> Value {
    json!({"requests": requests, "errors": errors, "success_rate": 0.975, "cost_nano_usd": 1_234_000_000_u64, "unpriced": 3,
        "latency": {"p50_ms": 850.0, "p95_ms": 4200.0}})
}

/// A hub with something of everything.
fn known(screen: Screen) -> App {
    let mut app = App::new("http://127.0.0.1:8000", screen, Theme::Colour, false);
    app.tick(NOW);
    let preset = |name: &str, is_active: bool, warnings: Value| {
        json!({"name": name, "description": "Strong for big, quick for small", "big_model": "qwen/qwen3-max",
            "middle_model": null, "small_model": "qwen/qwen-turbo", "source": "bundled", "is_active": is_active,
            "warnings": warnings})
    };
    let rows = [
        row(1000, "sonnet", 200, "ok"),
        row(9000, "sonnet", 529, "error"),
        row(20_000, "haiku", 499, "cancelled"),
        row(61 * 60_000, "sonnet", 200, "ok"),
    ];
    let answers = [
        (
            Topic::System,
            json!({"version": "0.1.0", "uptime_seconds": 5400, "demo": false,
            "database": {"kind": "sqlite", "ok": true, "size": 12_300_000}, "records": {"written": 41, "queued": 2, "lost": 0},
            "warnings": ["app.yml holds secrets in clear"], "problems": []}),
        ),
        (
            Topic::Summary,
            json!({"requests": line(4321, 108), "requests_before": line(4000, 9),
            "tokens": {"input": 5_432_100, "output": 98_765}}),
        ),
        (
            Topic::Current,
            json!({"current_models": {"big_model": "qwen/qwen3-max", "middle_model": null,
            "small_model": "qwen/qwen-turbo"}, "current_preset": "balanced", "preferred_provider": "qwen",
            "mode": "transformer"}),
        ),
        (
            Topic::Health,
            json!({"providers": [
            {"name": "qwen", "enabled": true, "state": "healthy", "reasons": [], "in_flight": 3,
                "latency_ms": {"qwen3-max": 900.0, "qwen-turbo": 300.0}, "keys": 2, "keys_ready": 1},
            {"name": "a-vendor-with-a-long-name", "enabled": true, "state": "unhealthy",
                "reasons": ["breaker of gpt-5.5 is open"], "in_flight": 0, "latency_ms": {}, "keys": 0, "keys_ready": 0},
            {"name": "spare", "enabled": false, "state": "unchecked", "reasons": [], "in_flight": 0, "latency_ms": {},
                "keys": 1, "keys_ready": 1}]}),
        ),
        (
            Topic::Presets,
            json!({"items": [preset("balanced", true, json!([])),
            preset("premium", false, json!(["provider `openai` is not in use"]))]}),
        ),
        (
            Topic::Models,
            json!({"models": {"qwen": ["qwen3-max", "qwen-turbo"], "openai": ["gpt-5.5"]}}),
        ),
        (Topic::Logs, json!({"items": rows})),
        (
            Topic::Kept,
            json!({"items": [{"id": "c1", "title": "Why the sky is blue", "model": "sonnet", "dialect": "openai-responses",
                "totals": {"messages": 4, "input_tokens": 1200, "output_tokens": 34_000}, "updated_at": NOW - 90_000}]}),
        ),
    ];
    for (topic, value) in answers {
        app.hear(News::Answer(topic, value));
    }
    let state = |pool: &str, state: &str, seconds: Value| {
        json!({"pool": pool, "key": "sk-a***9f3e", "state": state, "in_flight": 1, "total": 120, "failed": 3,
            "success_rate": 0.975, "last_used": NOW - 42_000, "cooling_seconds": seconds, "quarantined_by": null})
    };
    let keys = json!({"keys": [state("qwen", "active", Value::Null), state("openai", "cooling", json!(37))]});
    app.hear(News::Keys(Heard::Event("keys".to_owned(), keys)));
    app
}

fn press(app: &mut App, code: KeyCode) -> Vec<Act> {
    app.event(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn drawn(app: &mut App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen in memory");
    terminal
        .draw(|frame| super::draw(frame, app))
        .expect("it draws");
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..height {
        let cells = (0..width).map(|x| buffer[(x, y)].symbol());
        text.push_str(cells.collect::<String>().trim_end());
        text.push('\n');
    }
    text
}

/// Compares, or writes.
fn check(name: &str, app: &mut App, width: u16, height: u16) -> Result<(), String> {
    let path = folder().join(format!("{name}.txt"));
    let shown = drawn(app, width, height);
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        std::fs::create_dir_all(folder()).expect("our own folder");
        std::fs::write(&path, &shown).expect("our own folder");
    }
    match std::fs::read_to_string(&path).unwrap_or_default() {
        kept if kept == shown => Ok(()),
        kept => Err(format!(
            "{name} looks different; it was\n{kept}\nand is\n{shown}"
        )),
    }
}

#[test]
fn screens_look_as_they_did() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut see = |name: &str, app: &mut App, size: (u16, u16)| {
        seen.insert(format!("{name}.txt"));
        wrong.extend(check(name, app, size.0, size.1).err());
    };
    let small = (80, 24);
    for screen in Screen::TABS {
        see(&screen.name().to_lowercase(), &mut known(screen), small);
    }
    see("top", &mut known(Screen::Top), small);
    see("status-wide", &mut known(Screen::Status), (160, 40));
    see("top-wide", &mut known(Screen::Top), (160, 40));
    see(
        "empty",
        &mut App::new("http://hub", Screen::Live, Theme::Plain, true),
        small,
    );
    let mut app = known(Screen::Check);
    app.hear(News::Answer(Topic::Checks, json!([{"provider": "qwen", "ok": true, "latency_ms": 210, "model": "qwen3-max"},
        {"provider": "openai", "ok": false, "latency_ms": 90, "model": "gpt-5.5", "error": "the key was refused"}])));
    app.hear(News::Answer(Topic::Roles, json!([{"role": "opus", "route": "model-prefix", "target": {"provider": "qwen",
        "model": "qwen3-max"}, "refusal": null}, {"role": "haiku", "refusal": "no provider has it"}])));
    see("check-done", &mut app, small);
    let mut app = known(Screen::Models);
    press(&mut app, KeyCode::Char('b'));
    press(&mut app, KeyCode::Char('q'));
    see("models-pick", &mut app, small);
    let mut app = known(Screen::Models);
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Enter);
    see("models-confirm", &mut app, small);
    let mut app = known(Screen::Logs);
    let entry = json!({"request": row(1000, "sonnet", 200, "ok"), "attempts": [{"provider": "qwen", "ms": 12}], "trace": ["a rule"],
        "capture": null});
    app.hear(News::Answer(Topic::Entry, entry));
    see("entry", &mut app, small);
    let mut app = known(Screen::Conversations);
    press(&mut app, KeyCode::Char('l'));
    see("conversations-by-log", &mut app, small);
    let messages = json!([{"role": "user", "content": [{"type": "text", "text": "Why?"}, {"type": "image"}], "created_at": NOW},
        {"role": "assistant", "model": "sonnet", "content": [{"type": "text", "text": "Because ".repeat(30)}], "created_at": NOW}]);
    app.hear(News::Answer(
        Topic::Talk,
        json!({"title": "Why the sky is blue", "messages": messages}),
    ));
    see("talk", &mut app, small);
    let mut app = known(Screen::Status);
    press(&mut app, KeyCode::Char('?'));
    see("help", &mut app, small);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let kept = std::fs::read_dir(folder())
        .expect("our own folder")
        .flatten();
    let kept: BTreeSet<String> = kept
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    assert_eq!(kept, seen, "files that no test looks at");
}

#[test]
fn any_size_can_be_drawn() {
    for width in [1, 39, 40, 79, 220] {
        for height in [1, 10, 16, 60] {
            for screen in Screen::TABS.into_iter().chain([Screen::Top]) {
                let mut app = known(screen);
                drawn(&mut app, width, height);
                press(&mut app, KeyCode::Char('?'));
                drawn(&mut app, width, height);
            }
        }
    }
}

#[test]
fn nothing_is_switched_without_a_yes_or_in_a_rehearsal() {
    let mut app = known(Screen::Models);
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert_eq!(press(&mut app, KeyCode::Char('n')), []);
    press(&mut app, KeyCode::Enter);
    assert_eq!(
        press(&mut app, KeyCode::Char('y')),
        [Act::Apply("balanced".to_owned())]
    );
    app.is_dry = true;
    press(&mut app, KeyCode::Char('s'));
    "turbo"
        .chars()
        .for_each(|letter| drop(press(&mut app, KeyCode::Char(letter))));
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    app.is_dry = false;
    press(&mut app, KeyCode::Char('s'));
    "turbo"
        .chars()
        .for_each(|letter| drop(press(&mut app, KeyCode::Char(letter))));
    let switched = Act::Switch("small_model", "qwen/qwen-turbo".to_owned());
    assert_eq!(press(&mut app, KeyCode::Enter), [switched]);
    // Tests cost tokens.
    for (screen, act) in [
        (Screen::Check, Act::Check),
        (Screen::Keys, Act::Test("openai".to_owned())),
    ] {
        let mut app = known(screen);
        app.is_dry = true;
        assert_eq!(press(&mut app, KeyCode::Char('t')), []);
        app.is_dry = false;
        assert_eq!(press(&mut app, KeyCode::Char('t')), [act]);
    }
}

#[test]
fn who_looks_at_a_request_goes_on_looking_at_it() {
    let mut app = known(Screen::Live);
    press(&mut app, KeyCode::Down);
    let chosen = press(&mut app, KeyCode::Enter);
    let new = |app: &mut App, at| {
        app.hear(News::Request(Heard::Event(
            "request".to_owned(),
            row(at, "opus", 200, "ok"),
        )));
    };
    new(&mut app, 0);
    assert_eq!(press(&mut app, KeyCode::Enter), chosen);
    press(&mut app, KeyCode::Char('p'));
    let before = app.rows(Screen::Live).len();
    new(&mut app, -1000);
    assert_eq!(app.rows(Screen::Live).len(), before);
    press(&mut app, KeyCode::Char('p'));
    assert_eq!(app.rows(Screen::Live).len(), before + 1);
    // What is not listed moves nothing.
    press(&mut app, KeyCode::Char('e'));
    press(&mut app, KeyCode::Home);
    press(&mut app, KeyCode::Down);
    let chosen = press(&mut app, KeyCode::Enter);
    new(&mut app, -2000);
    assert_eq!(press(&mut app, KeyCode::Enter), chosen);
    // Of more than the list holds, the newest are kept while it stands still.
    press(&mut app, KeyCode::Char('e'));
    press(&mut app, KeyCode::Char('p'));
    (0..600).for_each(|at| new(&mut app, -3000 - at));
    press(&mut app, KeyCode::Char('p'));
    let rows = app.rows(Screen::Live);
    assert_eq!((rows.len(), &rows[0]["at"]), (500, &json!(NOW + 3599)));
}

#[test]
fn a_new_stream_of_keys_begins_anew() {
    let mut app = known(Screen::Keys);
    assert_eq!(app.keys.len(), 2);
    app.hear(News::Keys(Heard::Open));
    assert!(app.keys.is_empty());
}

#[test]
fn a_long_conversation_says_that_it_began_before() {
    let mut app = known(Screen::Conversations);
    let message =
        json!({"role": "user", "content": [{"type": "text", "text": "Why?"}], "created_at": NOW});
    let talk = json!({"id": "c1", "title": "Long", "messages": [message], "has_more": true});
    app.hear(News::Answer(Topic::Talk, talk));
    let shown = drawn(&mut app, 80, 24);
    assert!(shown.contains("conversations show c1"), "{shown}");
}

#[test]
fn without_a_log_in_it_ends_and_says_so_and_an_absent_hub_does_not_end_it() {
    let mut app = App::new("http://hub", Screen::Status, Theme::Plain, false);
    app.hear(News::Silence(
        Topic::System,
        Failure::new(Kind::Unreachable, "hub cannot be reached"),
    ));
    assert!(!app.is_over());
    assert!(drawn(&mut app, 80, 24).contains("hub cannot be reached"));
    app.hear(News::Silence(
        Topic::System,
        Failure::new(Kind::Denied, "nobody is logged in"),
    ));
    assert_eq!(
        app.verdict().map(|failure| failure.kind()),
        Some(Kind::Denied)
    );
}
