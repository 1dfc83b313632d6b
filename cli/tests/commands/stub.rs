//! A hub that answers each request with the same words, for what the real one does not do when it is asked to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::hub::Outcome;

/// A hub that says one thing.
pub(crate) struct Stub {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Stub {
    /// One that answers with this status and body, after it has done something.
    pub(crate) fn start(
        status: &'static str,
        body: &'static str,
        first: impl Fn() + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                first();
                // Whoever has hung up needs no answer.
                let _ = answer(socket, status, body);
            }
        });
        Self { url, asked }
    }

    /// Runs the program against it, with a token and these variables.
    pub(crate) fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bridge-admin"));
        command
            .args(args)
            .env_clear()
            .env("BRIDGE_ADMIN_CONFIG", "/nowhere/profiles.yml")
            .env("BRIDGE_URL", &self.url)
            .env("BRIDGE_TOKEN", "a-token")
            .envs(variables.iter().copied());
        Outcome::of(&mut command, "")
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(mut socket: TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    write!(
        socket,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
