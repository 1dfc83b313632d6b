//! `bridge serve` while its configuration file changes, run as a user runs it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The program, its log, and its end.
struct Program {
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    fn start(folder: &Path, file: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bridge"))
            .args(["serve", "--demo", "--config"])
            .arg(file)
            .current_dir(folder)
            .env_remove("RUST_LOG")
            .env_remove("LOG_FORMAT")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = child.stderr.take().expect("piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// Waits for a line with these words; gives all lines up to it.
    fn until(&self, words: &str) -> Vec<String> {
        let mut seen = Vec::new();
        let end = Instant::now() + Duration::from_secs(30);
        while let Ok(line) = self
            .lines
            .recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            seen.push(line);
            if seen.last().is_some_and(|line| line.contains(words)) {
                return seen;
            }
        }
        unreachable!("no line with {words:?} in {seen:#?}")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(file: &Path, level: &str, port: u16) {
    let text = format!("HOST: 127.0.0.1\nPORT: {port}\nAUTH: open\nLOG_LEVEL: {level}\n");
    std::fs::write(file, text).expect("a temporary file");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "there is no runtime here to be blocked"
)]
fn the_level_changes_at_once_and_the_port_with_a_restart() {
    let folder = std::env::temp_dir().join(format!("bridge-reload-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let file = folder.join("app.yml");
    write(&file, "info", 0);
    let program = Program::start(&folder, &file);
    program.until("listening on");

    write(&file, "debug", 0);
    program.until("LOG_LEVEL is debug from now on");
    program.until("configuration reloaded");

    write(&file, "debug", 1);
    let said = program.until("configuration reloaded");
    let restarts = |lines: &[String]| {
        lines
            .iter()
            .filter(|line| line.contains("needs a restart"))
            .count()
    };
    assert_eq!(restarts(&said), 1, "{said:#?}");

    // Said once, and not again for another change.
    write(&file, "warn", 1);
    write(&file, "error", 1);
    std::thread::sleep(Duration::from_millis(800));
    write(&file, "info", 1);
    let said = program.until("LOG_LEVEL is info from now on");
    assert_eq!(restarts(&said), 0, "{said:#?}");
    drop(program);
    let _ = std::fs::remove_dir_all(folder);
}
