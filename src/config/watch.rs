//! Hot reload: a change of a configuration file is in force for the next request.
//!
//! Directories are watched rather than files, since editors replace files. Events are gathered until it
//! is quiet, and only a change of content counts. A bad file is told with its lines and changes nothing; so is one
//! that has become empty or has gone.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher as _};
use sha2::{Digest, Sha256};

use super::{ConfigErrors, LoadOptions, Place, Settings, load};

/// How long it must be quiet before a change is read.
const QUIET: Duration = Duration::from_millis(200);

/// Changes that wait to be looked at; more say nothing new.
const BACKLOG: usize = 64;

enum Signal {
    Changed,
    Stop,
}

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    watcher: Option<notify::RecommendedWatcher>,
    stop: SyncSender<Signal>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.watcher = None;
        // The thread has gone already if this fails.
        let _ = self.stop.send(Signal::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Watches the files that made `settings`, and hands every sound change to `apply`, which puts it in
/// force and says its version, or refuses it. What is wrong with the files is told to `tell`, and nothing once they are
/// sound again.
///
/// # Errors
/// When the operating system will not watch.
pub fn watch(
    options: LoadOptions,
    settings: &Settings,
    apply: impl FnMut(Settings) -> Result<u64, ConfigErrors> + Send + 'static,
    tell: impl FnMut(ConfigErrors) + Send + 'static,
) -> notify::Result<Watcher> {
    let mut files = settings.files.clone();
    // These may appear later.
    files.push(options.directory.join(".env"));
    files.push(
        options
            .config
            .clone()
            .unwrap_or_else(|| options.directory.join("config/app.yml")),
    );
    let (sender, receiver) = sync_channel(BACKLOG);
    let signal = sender.clone();
    let names: Vec<_> = files
        .iter()
        .filter_map(|file| file.file_name().map(ToOwned::to_owned))
        .collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        // Reading the files is an event too.
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        // A mounted directory swaps a link beside the file, so `..data` counts as well.
        let ours = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| names.iter().any(|ours| ours == name) || name == "..data")
        };
        if event.paths.iter().any(ours) {
            let _ = signal.try_send(Signal::Changed);
        }
    })?;
    let mut directories: Vec<_> = files
        .iter()
        .map(|file| parent(file))
        .filter(|path| path.is_dir())
        .collect();
    directories.sort();
    directories.dedup();
    for directory in directories {
        watcher.watch(&directory, RecursiveMode::NonRecursive)?;
    }
    let before = fingerprint(&files);
    let filled = files.iter().map(|file| is_filled(file)).collect();
    let thread = std::thread::Builder::new()
        .name("config-watch".to_owned())
        .spawn(move || run(&receiver, &options, &files, (before, filled), apply, tell))
        .map_err(notify::Error::io)?;
    Ok(Watcher {
        watcher: Some(watcher),
        stop: sender,
        thread: Some(thread),
    })
}

fn run(
    receiver: &Receiver<Signal>,
    options: &LoadOptions,
    files: &[PathBuf],
    (mut before, mut filled): ([u8; 32], Vec<bool>),
    mut apply: impl FnMut(Settings) -> Result<u64, ConfigErrors>,
    mut tell: impl FnMut(ConfigErrors),
) {
    while let Ok(Signal::Changed) = receiver.recv() {
        loop {
            match receiver.recv_timeout(QUIET) {
                Ok(Signal::Changed) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let now = fingerprint(files);
        if now == before {
            continue;
        }
        let read = all_there(files, &filled).and_then(|()| load(options));
        // Changed while it was read: that may be half of one and half of the other. The next signal is on its way.
        if fingerprint(files) != now {
            continue;
        }
        before = now;
        match read.and_then(&mut apply) {
            Ok(version) => {
                filled = files.iter().map(|file| is_filled(file)).collect();
                tracing::info!(version, "configuration reloaded");
                tell(ConfigErrors::default());
            }
            Err(errors) => {
                for error in &errors.0 {
                    tracing::error!("configuration refused, the old one stays: {error}");
                }
                tell(errors);
            }
        }
    }
}

/// An editor or a copy empties a file before it fills it, or moves it away before it writes it anew; taken at its
/// word, that would remove everything, keys of clients included.
fn all_there(files: &[PathBuf], filled: &[bool]) -> Result<(), ConfigErrors> {
    let mut errors = ConfigErrors::default();
    let mut told: Vec<&Path> = Vec::new();
    for (file, _) in files.iter().zip(filled).filter(|(_, filled)| **filled) {
        let (what, fix) = if !file.exists() {
            (
                "the file has gone",
                "put it back, or restart to go on without it",
            )
        } else if is_blank(file) {
            (
                "the file is empty",
                "fill it, or restart to go on without it",
            )
        } else {
            continue;
        };
        // Those of the working directory are listed twice, since they may appear later.
        let file = file.strip_prefix(".").unwrap_or(file);
        if !told.contains(&file) {
            told.push(file);
            errors.push(&Place::line_of(&file.display().to_string(), 1), what, fix);
        }
    }
    errors.or(())
}

fn is_filled(file: &Path) -> bool {
    std::fs::read(file).is_ok_and(|content| !content.trim_ascii().is_empty())
}

fn is_blank(file: &Path) -> bool {
    std::fs::read(file).is_ok_and(|content| content.trim_ascii().is_empty())
}

fn parent(file: &Path) -> PathBuf {
    let parent = file.parent().unwrap_or(Path::new("."));
    if parent.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        parent.to_owned()
    }
}

fn fingerprint(files: &[PathBuf]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for file in files {
        let content = std::fs::read(file).unwrap_or_default();
        digest.update((content.len() as u64).to_le_bytes());
        digest.update(content);
    }
    digest.finalize().into()
}
