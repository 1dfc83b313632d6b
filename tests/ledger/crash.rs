//! The hub killed at any moment: it starts again, and its ledger is consistent.

#![expect(
    clippy::disallowed_methods,
    reason = "there is no runtime here to be blocked"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bridge::store::entities::request;
use bridge::store::new_id;
use bridge::store::statistics::Question;
use bridge::store::{Store, StoreOptions};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};

struct Hub {
    process: Child,
    port: u16,
}

impl Hub {
    fn start(folder: &Path) -> Self {
        let config = folder.join("app.yml");
        std::fs::write(&config, "AUTH: open\n").expect("a configuration");
        let log = folder.join("hub.log");
        let out = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a log");
        let before = std::fs::read_to_string(&log).unwrap_or_default().len();
        let process = Command::new(env!("CARGO_BIN_EXE_bridge"))
            .args(["serve", "--demo", "--port", "0"])
            .arg("--config")
            .arg(&config)
            .current_dir(folder)
            .env_clear()
            .env("ENCRYPTION_KEY", KEY)
            .stdout(out.try_clone().expect("a handle"))
            .stderr(out)
            .stdin(Stdio::null())
            .spawn()
            .expect("the hub starts");
        let deadline = Instant::now() + Duration::from_secs(60);
        let port = loop {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let found = text[before.min(text.len())..]
                .split("listening on http://127.0.0.1:")
                .nth(1)
                .and_then(|rest| {
                    rest.split(|c: char| !c.is_ascii_digit())
                        .next()?
                        .parse()
                        .ok()
                });
            if let Some(port) = found {
                break port;
            }
            assert!(Instant::now() < deadline, "the hub does not start: {text}");
            std::thread::sleep(Duration::from_millis(20));
        };
        Self { process, port }
    }

    /// Asks something; says whether there was a whole answer.
    fn ask(&self, number: usize) -> bool {
        let body = format!(
            r#"{{"model":"demo-chat","messages":[{{"role":"user","content":"number {number}"}}]}}"#
        );
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 ")
    }

    fn kill(mut self) {
        // SIGKILL on Unix.
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }
}

const KEY: &str = "a key for tests that is long enough";

async fn counted(folder: &Path) -> (u64, i64, i64) {
    let url = format!("sqlite://{}?mode=rwc", folder.join("data/app.db").display());
    let options = StoreOptions {
        url: bridge::config::Secret::new(url),
        pool_size: 2,
        pool_timeout: Duration::from_secs(20),
        encryption_key: Some(bridge::config::Secret::new(KEY)),
    };
    let store = Store::open(&options).await.expect("the database opens");
    let rows = request::Entity::find().count(store.read()).await;
    let now = bridge::store::now_ms();
    let asked = Question::between(now - 40 * 86_400_000, now + 86_400_000);
    let statistics = store.statistics(&asked).await.expect("an answer");
    let line = &statistics.lines[0];
    let _ = store.write().clone().close().await;
    let _ = store.read().clone().close().await;
    (
        rows.expect("a count"),
        line.totals.requests,
        line.total.total(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_rows_and_sums_agree() {
    let folder = std::env::temp_dir().join(format!("bridge-crash-{}", new_id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let mut asked = 0;
    let mut settled = 0;
    for (round, pause) in [0_u64, 90, 230, 600].into_iter().enumerate() {
        let hub = Hub::start(&folder);
        for number in 0..40 {
            assert!(hub.ask(number), "round {round}");
            asked += 1;
        }
        std::thread::sleep(Duration::from_millis(pause));
        hub.kill();
        let (rows, sums, times) = counted(&folder).await;
        assert_eq!((rows as i64, rows as i64), (sums, times), "round {round}");
        assert!(rows <= asked, "round {round}: {rows} of {asked}");
        assert!(rows >= settled, "round {round}: what was there has gone");
        settled = rows;
        if pause >= 600 {
            // Long after the last answer, everything of this round is there.
            assert!(rows >= 40, "round {round}: {rows}");
        }
    }
    std::fs::remove_dir_all(folder).expect("ours");
}
