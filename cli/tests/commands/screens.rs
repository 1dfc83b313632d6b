//! `tui` and `top` on a terminal of their own: they show the hub, and give the terminal back.

use std::time::Duration;

use expectrl::process::unix::{Signal, WaitStatus};
use expectrl::session::OsSession;
use expectrl::{Eof, Expect as _, Session};

use crate::hub::Hub;

/// Gives the terminal back: leaves the second screen, and shows the cursor.
const GIVEN_BACK: &str = "\u{1b}[?1049l";

fn open(hub: &Hub, name: &str) -> OsSession {
    let mut session = Session::spawn(hub.command(&[name, "--color", "never"])).expect("a terminal");
    session
        .get_process_mut()
        .set_window_size(80, 24)
        .expect("a terminal has a size");
    session.set_expect_timeout(Some(Duration::from_secs(30)));
    session
}

/// Waits for a word. Only cells that change are written, so it has to be one that comes where nothing was.
#[track_caller]
fn see(session: &mut OsSession, word: &str) {
    if let Err(error) = session.expect(word) {
        let mut rest = vec![0; 1 << 16];
        let read = session.try_read(&mut rest).unwrap_or_default();
        let rest = String::from_utf8_lossy(&rest[..read]);
        unreachable!("no `{word}`: {error}; what was shown: {rest:?}");
    }
}

fn end(mut session: OsSession) -> (String, WaitStatus) {
    let rest = session.expect(Eof).expect("it ends");
    let rest = String::from_utf8_lossy(rest.as_bytes()).into_owned();
    (rest, session.get_process().wait().expect("it ended"))
}

#[test]
fn it_shows_the_hub_and_switches_a_preset() {
    let hub = Hub::start();
    let mut session = open(&hub, "tui");
    see(&mut session, "transformer");
    see(&mut session, "demo-anthropic");
    session.send("2").expect("it reads");
    see(&mut session, "anthropic_pure");
    session.send("\r").expect("it reads");
    see(&mut session, "everybody");
    session.send("y").expect("it reads");
    see(&mut session, "force");
    session.send("q").expect("it reads");
    let (rest, status) = end(session);
    assert!(matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
    assert!(rest.contains(GIVEN_BACK), "{rest}");
    let presets = hub.run(&["presets", "list", "-o", "json"]).json();
    let active = presets
        .as_array()
        .expect("a list")
        .iter()
        .find(|preset| preset["is_active"] == true);
    assert_eq!(active.expect("one is in force")["name"], "anthropic_pure");
}

#[test]
fn the_terminal_is_given_back_when_it_is_told_to_end() {
    let hub = Hub::start();
    let mut session = open(&hub, "top");
    see(&mut session, "flight");
    session
        .get_process_mut()
        .kill(Signal::SIGTERM)
        .expect("it runs");
    let (rest, status) = end(session);
    assert!(matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
    assert!(rest.contains(GIVEN_BACK), "{rest}");
}

#[test]
fn who_names_no_command_is_offered_the_screen() {
    let hub = Hub::start();
    let mut session = Session::spawn(hub.command(&[])).expect("a terminal");
    session.set_expect_timeout(Some(Duration::from_secs(30)));
    see(&mut session, "bridge-admin tui");
    session.send("n\r").expect("it reads");
    let (rest, status) = end(session);
    assert!(matches!(status, WaitStatus::Exited(_, 2)), "{status:?}");
    assert!(rest.contains("Usage:"), "{rest}");
}

#[test]
fn control_c_leaves_and_without_a_log_in_it_says_so() {
    let hub = Hub::start();
    let mut session = open(&hub, "tui");
    see(&mut session, "transformer");
    session.send("\u{3}").expect("it reads");
    let (rest, _) = end(session);
    assert!(rest.contains(GIVEN_BACK), "{rest}");
    hub.run(&["logout"]).shown();
    let (rest, status) = end(open(&hub, "tui"));
    assert!(
        matches!(status, WaitStatus::Exited(_, 4)),
        "{status:?}: {rest}"
    );
    assert!(rest.contains("nobody is logged in"), "{rest}");
    hub.run(&["tui"]).failed(2);
}
