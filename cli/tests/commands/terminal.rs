//! What happens on a terminal: questions, secrets that do not show, colours, watching.

use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{Eof, Expect as _, Session};

use crate::hub::{EMAIL, Hub, PASSWORD};

/// The program on a terminal of its own.
fn on_terminal(hub: &Hub, args: &[&str]) -> OsSession {
    let mut session = Session::spawn(hub.command(args)).expect("a terminal");
    session.set_expect_timeout(Some(Duration::from_secs(30)));
    session
}

/// What it showed up to its end, and its exit code.
fn ended(mut session: OsSession) -> (String, i32) {
    let rest = session.expect(Eof).expect("it ends");
    let rest = String::from_utf8_lossy(rest.as_bytes()).into_owned();
    match session.get_process().wait().expect("it ended") {
        WaitStatus::Exited(_, code) => (rest, code),
        other => unreachable!("{other:?}: {rest}"),
    }
}

#[test]
fn a_password_is_asked_for_and_does_not_show() {
    let hub = Hub::new();
    let mut session = on_terminal(&hub, &["login"]);
    session.expect("E-mail:").expect("the first question");
    session.send_line(EMAIL).expect("it reads");
    session.expect("Password:").expect("the second question");
    session.send_line(PASSWORD).expect("it reads");
    let (rest, code) = ended(session);
    assert_eq!(code, 0, "{rest}");
    assert!(
        rest.contains("logged in to") && !rest.contains(PASSWORD),
        "{rest}"
    );
    hub.run(&["whoami"]).shown();
}

#[test]
fn destructive_acts_are_asked_about() {
    let hub = Hub::start();
    hub.run(&["aliases", "set", "a=demo-openai/demo-model"])
        .shown();
    let mut session = on_terminal(&hub, &["aliases", "unset", "a"]);
    session
        .expect("Really delete alias `a`?")
        .expect("a question");
    session.send_line("n").expect("it reads");
    let (rest, code) = ended(session);
    assert_eq!(code, 1, "{rest}");
    assert!(rest.contains("nothing was done"), "{rest}");
    hub.run(&["aliases", "show", "a"]).shown();
    let mut session = on_terminal(&hub, &["aliases", "unset", "a"]);
    session
        .expect("Really delete alias `a`?")
        .expect("a question");
    session.send_line("y").expect("it reads");
    assert_eq!(ended(session).1, 0);
    hub.run(&["aliases", "show", "a"]).failed(3);
    let (rest, code) = ended(on_terminal(&hub, &["aliases", "unset", "b", "--no-input"]));
    assert_eq!(code, 2, "{rest}");
}

#[test]
fn who_interrupts_a_question_is_told_nothing() {
    let hub = Hub::start();
    hub.run(&["aliases", "set", "a=demo-openai/demo-model"])
        .shown();
    let mut session = on_terminal(&hub, &["aliases", "unset", "a"]);
    session.expect("Really delete").expect("a question");
    session.send("\u{3}").expect("it reads");
    let (rest, code) = ended(session);
    assert_eq!(code, 130, "{rest}");
    hub.run(&["aliases", "show", "a"]).shown();
}

#[test]
fn an_upstream_key_is_asked_for_and_does_not_show() {
    let hub = Hub::start();
    let mut session = on_terminal(&hub, &["providers", "create", "--preset", "openai"]);
    session
        .expect("API key (empty for none):")
        .expect("a question");
    session
        .send_line("sk-typed-by-hand-0123456")
        .expect("it reads");
    let (rest, code) = ended(session);
    assert_eq!(code, 0, "{rest}");
    assert!(!rest.contains("typed-by-hand"), "{rest}");
    assert_eq!(
        hub.json(&["providers", "show", "openai"])["lacks_key"],
        false
    );
}

#[test]
fn a_terminal_has_colours_unless_they_are_unwanted() {
    let hub = Hub::start();
    hub.run(&["health", "check", "demo-openai"]).shown();
    let (shown, _) = ended(on_terminal(&hub, &["health", "show", "demo-openai"]));
    assert!(shown.contains("\u{1b}["), "{shown:?}");
    let mut command = hub.command(&["health", "show", "demo-openai"]);
    command.env("NO_COLOR", "1");
    let mut session = Session::spawn(command).expect("a terminal");
    session.set_expect_timeout(Some(Duration::from_secs(30)));
    let (shown, _) = ended(session);
    assert!(!shown.contains("\u{1b}[3"), "{shown:?}");
}

#[test]
fn watching_goes_on_until_it_is_interrupted() {
    let hub = Hub::start();
    let mut session = on_terminal(&hub, &["stats", "requests", "--watch=1s"]);
    for _ in 0..2 {
        session.expect("from ").expect("it shows them again");
    }
    session.send("\u{3}").expect("it reads");
    assert_eq!(ended(session).1, 130);
}
