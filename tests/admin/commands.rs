//! The commands of the executable that are about the admin API and its database.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bridge::store::new_id;

/// A folder to work in.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("bridge-commands-{}", new_id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bridge"));
        let database = format!("sqlite://{}?mode=rwc", self.0.join("app.db").display());
        command
            .args(arguments)
            .current_dir(&self.0)
            .env_clear()
            .env("DATABASE_URL", database)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(error)
    )
}

#[test]
fn the_document_is_written() {
    let folder = Folder::new();
    let printed = folder.run(&["openapi"]);
    assert!(printed.status.success(), "{}", text(&printed));
    let expected = format!("{}\n", bridge::admin::document());
    assert_eq!(String::from_utf8_lossy(&printed.stdout), expected);
    let written = folder.run(&["openapi", "--out", "document.json"]);
    assert!(written.status.success(), "{}", text(&written));
    let kept = std::fs::read_to_string(folder.0.join("document.json"));
    assert_eq!(kept.expect("a file"), expected);
    assert!(!folder.0.join("app.db").exists(), "it needs no database");
}

#[test]
fn the_schema_goes_up_and_down() {
    let folder = Folder::new();
    let before = text(&folder.run(&["migrate", "--status"]));
    assert!(
        before.contains("pending") && !before.contains("made"),
        "{before}"
    );
    let up = text(&folder.run(&["migrate"]));
    assert!(up.contains("made") && !up.contains("pending"), "{up}");
    let steps = up.lines().count().to_string();
    let down = folder.run(&["migrate", "--down", &steps]);
    assert!(down.status.success(), "{}", text(&down));
    let after = text(&folder.run(&["migrate", "--status"]));
    assert_eq!(after, before);
    let again = text(&folder.run(&["migrate"]));
    assert_eq!(again, up);
}

#[test]
fn the_key_is_changed_without_being_shown() {
    let folder = Folder::new();
    let (old, new) = (
        "the old key of the operator, long enough",
        "the new key of the operator, long enough",
    );
    let with = |key: &str, arguments: &[&str]| {
        let mut command = folder.command(arguments);
        command.env("ENCRYPTION_KEY", key);
        command
    };
    let made = with(old, &["migrate"]).output().expect("it runs");
    assert!(made.status.success(), "{}", text(&made));
    let mut rotation = with(old, &["rotate-key"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = rotation.stdin.take().expect("piped");
    writeln!(input, "{new}").expect("it reads");
    drop(input);
    let rotated = rotation.wait_with_output().expect("it ends");
    assert!(rotated.status.success(), "{}", text(&rotated));
    assert!(!text(&rotated).contains(new));
    assert!(with(new, &["migrate"]).status().expect("it runs").success());
    let refused = with(old, &["migrate"]).output().expect("it runs");
    assert!(!refused.status.success());
    assert!(
        text(&refused).contains("is not the key"),
        "{}",
        text(&refused)
    );
    let mut weak = with(new, &["rotate-key"]);
    let weak = weak.env("NEW_ENCRYPTION_KEY", "short").output();
    let weak = weak.expect("it runs");
    assert!(!weak.status.success() && text(&weak).contains("too short"));
    let nothing = with(new, &["rotate-key"]).output().expect("it runs");
    assert!(!nothing.status.success(), "an empty key is none");
}

/// A hub that is started and ended.
fn first_lines(folder: &Folder, extra: &[(&str, &str)]) -> String {
    let mut command = folder.command(&["serve", "--port", "0", "--host", "127.0.0.1"]);
    let mut hub = command
        .envs(extra.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let (out, error) = (
        hub.stdout.take().expect("piped"),
        hub.stderr.take().expect("piped"),
    );
    let (send, lines) = std::sync::mpsc::sync_channel::<String>(1000);
    let forward = |source: Box<dyn std::io::Read + Send>| {
        let send = send.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        })
    };
    let readers = [forward(Box::new(out)), forward(Box::new(error))];
    drop(send);
    let mut told = String::new();
    while let Ok(line) = lines.recv_timeout(std::time::Duration::from_secs(60)) {
        told.extend([line.as_str(), "\n"]);
        if line.contains("listening on") {
            break;
        }
    }
    let _ = hub.kill();
    let _ = hub.wait();
    for reader in readers {
        let _ = reader.join();
    }
    told
}

fn after<'t>(told: &'t str, label: &str) -> &'t str {
    let line = told
        .lines()
        .find_map(|line| line.trim().strip_prefix(label));
    line.and_then(|rest| rest.split_whitespace().next())
        .unwrap_or_default()
}

fn holds(folder: &Path, text: &str) -> bool {
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = Vec::new();
            let mut file = std::fs::File::open(&path).expect("a file");
            file.read_to_end(&mut bytes).expect("readable");
            if bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
            {
                return true;
            }
        }
    }
    false
}

#[test]
fn the_first_start_tells_once_and_keeps_nothing_in_clear() {
    let folder = Folder::new();
    let told = first_lines(&folder, &[]);
    assert_eq!(after(&told, "e-mail"), "admin@localhost", "{told}");
    let (password, key) = (after(&told, "password"), after(&told, "client key"));
    assert!(password.len() >= 20 && key.starts_with("sk-"), "{told}");
    assert!(!holds(&folder.0, password) && !holds(&folder.0, key));
    let again = first_lines(&folder, &[]);
    assert!(again.contains("listening on"), "{again}");
    assert!(!again.contains("client key"), "{again}");
    let weak = Folder::new();
    let refused = first_lines(&weak, &[("ADMIN_PASSWORD", "admin123")]);
    assert!(refused.contains("ADMIN_PASSWORD is too weak"), "{refused}");
    assert!(!refused.contains("listening on"), "{refused}");
}
