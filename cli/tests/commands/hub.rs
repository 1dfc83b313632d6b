//! A running hub with the demo upstream, and the program that is tried, for one test. The hub is the real one:
//! `BRIDGE_BIN`, else `bridge` beside the program.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

pub(crate) const EMAIL: &str = "admin@example.test";
pub(crate) const PASSWORD: &str = "Correct-horse-battery-9";

/// A hub; it ends with the test.
pub(crate) struct Hub {
    child: Child,
    /// Where it listens.
    pub(crate) url: String,
    /// The client key of its first start.
    pub(crate) client_key: String,
    folder: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit code; nothing where it did not end by itself.
    pub(crate) code: Option<i32>,
    /// What it showed.
    pub(crate) out: String,
    /// What it said.
    pub(crate) err: String,
}

impl Outcome {
    /// Runs a program with this on its standard input.
    pub(crate) fn of(command: &mut Command, input: &str) -> Self {
        let mut child = command
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
        let output = child.wait_with_output().expect("it ends");
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What it showed, when it ended well.
    #[track_caller]
    pub(crate) fn shown(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// The document that it showed, when it ended well.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let text = self.shown();
        serde_json::from_str(&text).unwrap_or_else(|error| unreachable!("{error}: {text}"))
    }

    /// What it said, when it ended with this code.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.err
    }
}

impl Hub {
    /// Starts one, with somebody logged in.
    pub(crate) fn start() -> Self {
        let hub = Self::new();
        let args = ["login", "--email", EMAIL, "--password-stdin"];
        hub.run_with(&args, PASSWORD).shown();
        hub
    }

    /// Starts one.
    pub(crate) fn new() -> Self {
        let folder = scratch();
        let mut child = Command::new(binary())
            .args(["serve", "--demo", "--host", "127.0.0.1", "--port", "0"])
            .current_dir(&folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DATABASE_PATH", folder.join("app.db"))
            .env("ADMIN_EMAIL", EMAIL)
            .env("ADMIN_PASSWORD", PASSWORD)
            .env("ENCRYPTION_KEY", "a key for tests that is long enough")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect(
                "the hub starts: build it with `cargo build -p bridge`, or name it in BRIDGE_BIN",
            );
        let (say, said) = sync_channel(256);
        listen(child.stdout.take(), say.clone());
        listen(child.stderr.take(), say);
        let (url, client_key) = ready(&said);
        Self {
            child,
            url,
            client_key,
            folder,
        }
    }

    /// A file with this content.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, content).expect("a writable folder");
        path.display().to_string()
    }

    /// Where a file would be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs the program.
    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        self.run_with(args, "")
    }

    /// Runs the program with this on its standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Outcome {
        self.run_in(args, input, &[])
    }

    /// Runs the program with further variables.
    pub(crate) fn run_in(&self, args: &[&str], input: &str, variables: &[(&str, &str)]) -> Outcome {
        let mut command = self.command(args);
        Outcome::of(command.envs(variables.iter().copied()), input)
    }

    /// The program, about to run.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bridge-admin"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .env("TERM", "xterm-256color")
            .env("BRIDGE_ADMIN_CONFIG", self.folder.join("profiles.yml"))
            .env("BRIDGE_URL", &self.url);
        command
    }

    /// Runs it for its JSON.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        self.run(&[args, &["-o", "json"]].concat()).json()
    }

    /// Asks a model, as a client does.
    pub(crate) fn ask(&self, model: &str, words: &str) {
        let body =
            format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"{words}"}}]}}"#);
        let address = self.url.trim_start_matches("http://");
        let mut socket = std::net::TcpStream::connect(address).expect("it listens");
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: hub\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.client_key,
            body.len()
        );
        socket.write_all(head.as_bytes()).expect("it reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }

    /// Asks, until the answer is as it should be: records are written behind the requests.
    #[track_caller]
    pub(crate) fn json_until(&self, args: &[&str], is_there: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let value = self.json(args);
            if is_there(&value) || since.elapsed() > Duration::from_secs(15) {
                assert!(is_there(&value), "{value}");
                return value;
            }
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The hub's program.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("BRIDGE_BIN").map_or_else(
        || Path::new(env!("CARGO_BIN_EXE_bridge-admin")).with_file_name("bridge"),
        PathBuf::from,
    )
}

fn scratch() -> PathBuf {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock");
    let folder = std::env::temp_dir().join(format!(
        "bridge-admin-{}-{}",
        std::process::id(),
        since.as_nanos()
    ));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

/// Reads to the end, so that the hub never waits for a reader.
fn listen(stream: Option<impl Read + Send + 'static>, say: SyncSender<String>) {
    let stream = stream.expect("piped");
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Nobody listens once it is ready.
            let _ = say.try_send(line);
        }
    });
}

/// Where it listens, and its first client key.
fn ready(said: &Receiver<String>) -> (String, String) {
    let (mut lines, mut key) = (Vec::new(), String::new());
    loop {
        let line = said
            .recv_timeout(Duration::from_secs(60))
            .unwrap_or_else(|_| unreachable!("the hub is not ready: {lines:#?}"));
        if let Some((_, made)) = line.split_once("client key") {
            key = made.trim().to_owned();
        }
        if let Some((_, url)) = line.split_once("listening on ") {
            return (url.trim().to_owned(), key);
        }
        lines.push(line);
    }
}
