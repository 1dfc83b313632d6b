//! Conversations in files: one archive each, which people can read and an import takes, in a folder per client key.
//!
//! A file is named after the digest of what was said in it, which is how the request that goes on with it finds it. A
//! new one takes its place in one step, so that a reader sees the one or the other and never a part.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::conversations::{
    ARCHIVE_FORMAT, ARCHIVE_VERSION, Archive, ArchivedConversation, ArchivedMessage, Exchange,
    KeptBounds, Speaker, Spoken, SpokenPart, read_archive, threads,
};
use crate::store::now_ms;

/// Messages from the end of a request that a conversation is looked for at.
const LOOKED_BACK: usize = 200;
/// Characters of the first words that become a title.
const TITLE: usize = 80;
const END: &str = "json";

/// Conversations in files.
#[derive(Clone, Debug)]
pub struct ConversationFiles {
    folder: PathBuf,
}

impl ConversationFiles {
    /// In the folder `conversations` below this one.
    #[must_use]
    pub fn below(folder: impl AsRef<Path>) -> Self {
        Self {
            folder: folder.as_ref().join("conversations"),
        }
    }

    fn of(&self, scope: &str) -> PathBuf {
        // A client key's name may be anything; its digest is a name for a folder everywhere.
        let digest = Sha256::digest(scope.as_bytes());
        let name: String = digest[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.folder.join(name)
    }

    /// Keeps what was said in an exchange: what the conversation that it goes on with does not have yet.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub async fn record(
        &self,
        exchange: &Exchange,
        spoken: Spoken,
        bounds: KeptBounds,
    ) -> io::Result<()> {
        let folder = self.of(&exchange.scope);
        let (model, dialect) = (exchange.model_asked.clone(), exchange.answered_in.as_str());
        let written = tokio::task::spawn_blocking(move || {
            write(&folder, spoken, &bounds, (model, dialect.to_owned()))
        });
        written.await.map_err(io::Error::other)?
    }

    /// The conversations of a client key, those first in which something was said last.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn list(&self, scope: &str) -> io::Result<Vec<ArchivedConversation>> {
        let folder = self.of(scope);
        let read = tokio::task::spawn_blocking(move || {
            let mut files = files(&folder)?;
            files.reverse();
            Ok(files.iter().filter_map(|file| read(file).ok()).collect())
        });
        read.await.map_err(io::Error::other)?
    }

    /// Removes the conversations of a client key. Returns how many there were.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub async fn forget(&self, scope: &str) -> io::Result<u64> {
        let folder = self.of(scope);
        let gone = tokio::task::spawn_blocking(move || {
            let files = files(&folder)?;
            for file in &files {
                fs::remove_file(file)?;
            }
            Ok(files.len() as u64)
        });
        gone.await.map_err(io::Error::other)?
    }
}

/// The files of a folder, the oldest first.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if path.extension().is_some_and(|end| end == END) {
            found.push((entry.metadata()?.modified()?, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn read(file: &Path) -> io::Result<ArchivedConversation> {
    let document = serde_json::from_slice(&fs::read(file)?)?;
    // What was written within bounds stays readable when they grow tighter.
    let bounds = KeptBounds {
        messages: 0,
        message_bytes: u64::MAX,
        ..KeptBounds::default()
    };
    let archive = read_archive(&document, &bounds);
    let archive = archive.map_err(|_| io::Error::other("this is no archive of a conversation"))?;
    let mut conversations = archive.conversations.into_iter();
    conversations
        .next()
        .ok_or_else(|| io::Error::other("there is no conversation in this archive"))
}

fn write(
    folder: &Path,
    spoken: Spoken,
    bounds: &KeptBounds,
    (model, dialect): (String, String),
) -> io::Result<()> {
    let digests = threads(spoken.before.iter().chain([&spoken.answer]));
    let Some((last, before)) = digests.split_last() else {
        return Ok(());
    };
    make(folder)?;
    let named = |digest: &str| folder.join(format!("{digest}.{END}"));
    let recent = before.iter().enumerate().rev().take(LOOKED_BACK);
    let found = recent
        .map(|(place, digest)| (place + 1, named(digest)))
        .find(|(_, file)| file.exists());
    let now = Some(now_ms());
    let (known, old, mut conversation) = match found {
        Some((known, file)) => (known, Some(file.clone()), read(&file)?),
        None => {
            let begun = ArchivedConversation {
                title: title(&spoken.before),
                model: None,
                dialect: None,
                system: spoken.system,
                tags: Vec::new(),
                created_at: now,
                updated_at: now,
                messages: Vec::new(),
            };
            (0, None, begun)
        }
    };
    let new = spoken.before.into_iter().skip(known);
    let timed = new.chain([spoken.answer]).map(|message| ArchivedMessage {
        created_at: message.created_at.or(now),
        ..message
    });
    conversation.messages.extend(timed);
    conversation.model = Some(model).filter(|model| !model.is_empty());
    conversation.dialect = Some(dialect);
    conversation.updated_at = now;
    let most = usize::try_from(bounds.messages).unwrap_or(usize::MAX);
    let over = conversation.messages.len().saturating_sub(most);
    if most > 0 && over > 0 {
        conversation.messages.drain(..over);
    }
    let archive = Archive {
        format: ARCHIVE_FORMAT.to_owned(),
        version: ARCHIVE_VERSION,
        exported_at: None,
        conversations: vec![conversation],
    };
    put(&named(last), &serde_json::to_vec_pretty(&archive)?)?;
    if let Some(old) = old.filter(|old| *old != named(last)) {
        fs::remove_file(old)?;
    }
    let files = files(folder)?;
    let most = usize::try_from(bounds.count).unwrap_or(usize::MAX);
    if most > 0 {
        for file in &files[..files.len().saturating_sub(most)] {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}

fn title(messages: &[ArchivedMessage]) -> String {
    let words = messages
        .iter()
        .filter(|message| message.role == Speaker::User)
        .flat_map(|message| &message.content)
        .flat_map(SpokenPart::words)
        .find(|words| !words.trim().is_empty())
        .unwrap_or_default();
    let line = words.trim().lines().next().unwrap_or_default();
    line.chars().take(TITLE).collect()
}

/// Makes a folder that is nobody else's.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file that is nobody else's, in one step.
fn put(file: &Path, text: &[u8]) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(&new)?, text)?;
    fs::rename(new, file)
}
