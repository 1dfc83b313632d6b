//! The real program in a folder of its own, for attacks on files, signals and limits of the system.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::wire::{Wire, post, statuses};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A running hub.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: PathBuf,
    descriptors: Option<u32>,
}

impl Program {
    pub(crate) async fn start(yaml: impl Fn(u16) -> String) -> Self {
        Self::limited(yaml, None).await
    }

    /// With that many file descriptors.
    pub(crate) async fn limited(yaml: impl Fn(u16) -> String, descriptors: Option<u32>) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let folder =
            std::env::temp_dir().join(format!("bridge-attacks-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("bound");
        drop(free);
        std::fs::write(folder.join("app.yml"), yaml(address.port())).expect("a temporary file");
        let mut program = Self {
            child: launch(&folder, descriptors),
            address,
            folder,
            descriptors,
        };
        program.wait().await;
        program
    }

    async fn wait(&mut self) {
        for _ in 0..400 {
            if tokio::net::TcpStream::connect(self.address).await.is_ok() {
                return;
            }
            assert!(
                self.child.try_wait().expect("a child").is_none(),
                "{}",
                self.output()
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        assert!(
            self.folder.as_os_str().is_empty(),
            "did not start: {}",
            self.output()
        );
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop, as service managers do, and gives its exit code.
    pub(crate) async fn stop(&mut self) -> Option<i32> {
        let asked = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(asked.is_ok_and(|status| status.success()));
        for _ in 0..800 {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        None
    }

    pub(crate) async fn again(&mut self) {
        self.child = launch(&self.folder, self.descriptors);
        self.wait().await;
    }

    pub(crate) fn write_config(&self, text: &str) {
        std::fs::write(self.folder.join("app.yml"), text).expect("a temporary file");
    }

    pub(crate) async fn post(&self, path: &str, headers: &str, body: &str) -> String {
        self.say(&post(
            path,
            &format!("connection: close\r\n{headers}"),
            body,
        ))
        .await
    }

    pub(crate) async fn get(&self, path: &str, headers: &str) -> String {
        self.say(
            format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{headers}\r\n")
                .as_bytes(),
        )
        .await
    }

    async fn say(&self, bytes: &[u8]) -> String {
        let mut wire = Wire::open(self.address).await;
        wire.write(bytes).await;
        let (answer, _) = wire.rest(Duration::from_secs(5)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) async fn status(&self, path: &str, body: &str) -> u16 {
        statuses(&self.post(path, "", body).await)
            .first()
            .copied()
            .unwrap_or(0)
    }

    pub(crate) fn output(&self) -> String {
        std::fs::read(self.folder.join("output.log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    pub(crate) fn ledger(&self) -> String {
        std::fs::read_to_string(self.folder.join("data/requests.jsonl")).unwrap_or_default()
    }

    /// All files below the folder.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        found
    }

    /// What it logged and stored, but for its configuration.
    pub(crate) fn everything_written(&self) -> String {
        let files = self
            .files()
            .into_iter()
            .filter(|path| !path.ends_with("app.yml"));
        files
            .map(|path| {
                String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
            })
            .collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn launch(folder: &Path, descriptors: Option<u32>) -> Child {
    let output = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("output.log"))
        .expect("a temporary file");
    let limit = descriptors
        .map(|count| format!("ulimit -n {count}; "))
        .unwrap_or_default();
    Command::new("sh")
        .args([
            "-c",
            &format!("{limit}exec \"$0\" serve --config app.yml"),
            env!("CARGO_BIN_EXE_bridge"),
        ])
        .current_dir(folder)
        .env("REQUEST_LOG", "data/requests.jsonl")
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a file"))
        .stderr(output)
        .spawn()
        .expect("the program")
}
