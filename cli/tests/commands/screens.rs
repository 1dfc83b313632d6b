//! `tui` and `top` on a terminal of their own: they show the hub, and give the terminal back.

use std::num::NonZero;
use std::time::{Duration, Instant};

use expectrl::process::unix::{Signal, WaitStatus};
use expectrl::session::OsSession;
use expectrl::{Expect as _, Session};

use crate::hub::Hub;

/// Lines and columns.
const SIZE: (NonZero<u16>, NonZero<u16>) = (lines(24), lines(80));
const LARGER: (NonZero<u16>, NonZero<u16>) = (lines(40), lines(160));

const fn lines(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("not none")
}

/// A terminal, and what is to be seen on it.
struct Screen {
    session: OsSession,
    parser: vt100::Parser,
}

impl Screen {
    fn open(hub: &Hub, args: &[&str]) -> Self {
        let mut session = Session::spawn(hub.command(args)).expect("a terminal");
        let process = session.get_process_mut();
        process
            .set_window_size(80, 24)
            .expect("a terminal has a size");
        Self {
            session,
            parser: vt100::Parser::new(SIZE.0, SIZE.1, 0),
        }
    }

    /// Takes in what was written since; false at its end.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match self.session.try_read(&mut bytes) {
            Ok(0) => false,
            Ok(read) => {
                self.parser.process(&bytes[..read]);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::park_timeout(Duration::from_millis(20));
                true
            }
            // A terminal that nobody has open any more.
            Err(_) => false,
        }
    }

    fn shown(&self) -> String {
        self.parser.screen().contents()
    }

    /// Waits until these words are to be seen.
    #[track_caller]
    fn see(&mut self, words: &str) {
        let since = Instant::now();
        while !self.shown().contains(words) {
            let is_open = self.read();
            assert!(
                is_open && since.elapsed() < Duration::from_secs(30),
                "no `{words}` on\n{}",
                self.shown()
            );
        }
    }

    fn press(&mut self, keys: &str) {
        self.session.send(keys).expect("it reads");
    }

    /// Waits for its end: the exit code. The terminal must be as it was.
    #[track_caller]
    fn end(mut self) -> (i32, String) {
        let since = Instant::now();
        while self.read() {
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "no end\n{}",
                self.shown()
            );
        }
        let screen = self.parser.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor());
        let shown = self.shown();
        match self.session.get_process().wait().expect("it ended") {
            WaitStatus::Exited(_, code) => (code, shown),
            other => unreachable!("{other:?}\n{shown}"),
        }
    }
}

#[test]
fn it_shows_the_hub_and_switches_a_preset() {
    let hub = Hub::start();
    let mut screen = Screen::open(&hub, &["tui"]);
    screen.see("connected");
    screen.see("demo-anthropic");
    screen.see("q quit");
    screen.press("2");
    screen.see("anthropic_pure");
    screen.press("\r");
    screen.see("Switch everybody to `anthropic_pure`?");
    screen.press("y");
    screen.see("preset `anthropic_pure` is in force");
    hub.ask("demo-openai/demo-model-chat", "live");
    screen.press("3");
    screen.see("demo-openai/demo");
    // Rows are written behind the requests, and all of one is read from its row.
    hub.json_until(&["logs", "list"], |rows| !rows[0].is_null());
    screen.press("\r");
    screen.see("client key");
    screen.press("q");
    assert_eq!(screen.end().0, 0);
    let presets = hub.json(&["presets", "list"]);
    let mut presets = presets.as_array().expect("a list").iter();
    let active = presets.find(|preset| preset["is_active"] == true);
    assert_eq!(active.expect("one is in force")["name"], "anthropic_pure");
}

#[test]
fn a_terminal_of_another_size_is_drawn_anew() {
    let hub = Hub::start();
    let mut screen = Screen::open(&hub, &["tui"]);
    screen.see("demo-anthropic");
    screen.parser.screen_mut().set_size(LARGER.0, LARGER.1);
    let process = screen.session.get_process_mut();
    process.set_window_size(160, 40).expect("it has a size");
    // There is room for requests now.
    screen.see("in the last minute");
    screen.press("\u{3}");
    assert_eq!(screen.end().0, 0);
}

#[test]
fn the_terminal_is_given_back_when_it_is_told_to_end() {
    let hub = Hub::start();
    let mut screen = Screen::open(&hub, &["top"]);
    screen.see("In flight");
    let process = screen.session.get_process_mut();
    process.kill(Signal::SIGTERM).expect("it runs");
    assert_eq!(screen.end().0, 0);
}

#[test]
fn who_names_no_command_is_offered_the_screen() {
    let hub = Hub::start();
    let mut screen = Screen::open(&hub, &[]);
    screen.see("bridge-admin tui");
    screen.press("n\r");
    let (code, shown) = screen.end();
    assert_eq!(code, 2);
    assert!(shown.contains("Exit codes:"), "{shown}");
    let mut screen = Screen::open(&hub, &[]);
    screen.see("bridge-admin tui");
    screen.press("y\r");
    screen.see("demo-anthropic");
    screen.press("q");
    assert_eq!(screen.end().0, 0);
}

#[test]
fn without_a_log_in_or_a_terminal_it_says_so() {
    let hub = Hub::start();
    hub.run(&["tui"]).failed(2);
    hub.run(&["logout"]).shown();
    let (code, shown) = Screen::open(&hub, &["tui"]).end();
    assert_eq!(code, 4, "{shown}");
    assert!(shown.contains("nobody is logged in"), "{shown}");
}
