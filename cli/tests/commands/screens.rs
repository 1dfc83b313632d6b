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

fn end(mut session: OsSession) -> (String, WaitStatus) {
    let rest = session.expect(Eof).expect("it ends");
    let rest = String::from_utf8_lossy(rest.as_bytes()).into_owned();
    (rest, session.get_process().wait().expect("it ended"))
}

#[test]
fn it_shows_the_hub_and_switches_a_preset() {
    let hub = Hub::start();
    let mut session = open(&hub, "tui");
    session.expect("transformer").expect("the hub answers");
    session
        .expect("demo-anthropic")
        .expect("providers are listed");
    session.send("2").expect("it reads");
    session
        .expect("anthropic_pure")
        .expect("presets are listed");
    session.send("\r").expect("it reads");
    session.expect("everybody").expect("it asks");
    session.send("y").expect("it reads");
    session.expect("force").expect("it is done");
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
    session.expect("flight").expect("it is there");
    session
        .get_process_mut()
        .kill(Signal::SIGTERM)
        .expect("it runs");
    let (rest, status) = end(session);
    assert!(matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
    assert!(rest.contains(GIVEN_BACK), "{rest}");
}

#[test]
fn control_c_leaves_and_without_a_log_in_it_says_so() {
    let hub = Hub::start();
    let mut session = open(&hub, "tui");
    session.expect("transformer").expect("the hub answers");
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
