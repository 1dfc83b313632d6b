//! Conversations in files: one archive each, which people can read and an import takes, in a folder per client key.
//!
//! A file is named after the digest of what was said in it, which is how the request that goes on with it finds it. A
//! new one takes its place in one step, so that a reader sees the one or the other and never a part.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use crate::conversations::{
    ARCHIVE_FORMAT, ARCHIVE_VERSION, Archive, ArchivedConversation, ArchivedMessage, Exchange,
    KeptBounds, LOOKED_BACK, Spoken, threads, title, understood,
};
use crate::store::now_ms;

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

    /// Where they are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn of(&self, scope: &str) -> PathBuf {
        // A client key's name may be anything; its digest is a name for a folder everywhere.
        let digest = Sha256::digest(scope);
        self.folder.join(format!("{digest:.32x}"))
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
        away(move || write(&folder, spoken, &bounds, (model, dialect.to_owned()))).await
    }

    /// How many conversations of a client key there are.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn count(&self, scope: &str) -> io::Result<u64> {
        let folder = self.of(scope);
        away(move || Ok(files(&folder)?.len() as u64)).await
    }

    /// The conversation of a client key in which something was said last.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn newest(&self, scope: &str) -> io::Result<Option<ArchivedConversation>> {
        let folder = self.of(scope);
        away(move || {
            let files = files(&folder)?;
            Ok(files.iter().rev().find_map(|(_, file)| read(file).ok()))
        })
        .await
    }

    /// Removes the conversations of a client key. Returns how many there were.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub async fn forget(&self, scope: &str) -> io::Result<u64> {
        let folder = self.of(scope);
        away(move || {
            let count = files(&folder)?.len() as u64;
            // With what a process that was killed has left half written.
            gone(fs::remove_dir_all(&folder))?;
            Ok(count)
        })
        .await
    }

    /// Lets go of conversations that nothing was said in since a time, in milliseconds since 1970. Returns how many
    /// went.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub async fn forget_before(&self, before: i64) -> io::Result<u64> {
        let folder = self.folder.clone();
        let before = UNIX_EPOCH + Duration::from_millis(u64::try_from(before).unwrap_or(0));
        away(move || {
            let mut count = 0;
            for folder in entries(&folder)?.iter().filter(|path| path.is_dir()) {
                let old = files(folder)?;
                for (_, file) in old.iter().filter(|(at, _)| *at < before) {
                    gone(fs::remove_file(file))?;
                    count += 1;
                }
            }
            Ok(count)
        })
        .await
    }
}

/// Where the disk may take its time.
async fn away<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

/// What was to go and is gone already has gone.
fn gone(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// What is in a folder, which may not be there.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The files of a folder and when something was said in them last, the oldest first.
fn files(folder: &Path) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    let mut found = Vec::new();
    for file in entries(folder)? {
        if file.extension().is_none_or(|end| end != END) {
            continue;
        }
        match file.metadata().and_then(|there| there.modified()) {
            Ok(at) => found.push((at, file)),
            // It has just got another name, or gone.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    found.sort();
    Ok(found)
}

fn read(file: &Path) -> io::Result<ArchivedConversation> {
    let document = serde_json::from_slice(&fs::read(file)?)?;
    // What was written stays readable when bounds grow tighter.
    let archive = understood(&document)
        .map_err(|_| io::Error::other("this is no archive of a conversation"))?;
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
                title: title(&spoken.before).unwrap_or_default(),
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
    trim(&mut conversation.messages, bounds);
    let archive = Archive {
        format: ARCHIVE_FORMAT.to_owned(),
        version: ARCHIVE_VERSION,
        exported_at: None,
        conversations: vec![conversation],
    };
    put(&named(last), &serde_json::to_vec_pretty(&archive)?)?;
    if let Some(old) = old.filter(|old| *old != named(last)) {
        gone(fs::remove_file(old))?;
    }
    let files = files(folder)?;
    for (_, file) in &files[..files.len().saturating_sub(most(bounds.count))] {
        gone(fs::remove_file(file))?;
    }
    Ok(())
}

/// A bound; 0 is none.
fn most(bound: u64) -> usize {
    match bound {
        0 => usize::MAX,
        most => usize::try_from(most).unwrap_or(usize::MAX),
    }
}

/// Lets go of the oldest messages until the rest is within bounds; the last one stays.
fn trim(messages: &mut Vec<ArchivedMessage>, bounds: &KeptBounds) {
    let mut room = most(bounds.bytes);
    let fits = |message: &&ArchivedMessage| {
        let size = serde_json::to_vec(&message.content).map_or(0, |json| json.len());
        let left = room.checked_sub(size);
        room = left.unwrap_or(0);
        left.is_some()
    };
    let newest = messages.iter().rev().take(most(bounds.messages));
    let kept = newest.take_while(fits).count().max(1);
    messages.drain(..messages.len().saturating_sub(kept));
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
    let written = options
        .open(&new)
        .and_then(|mut out| io::Write::write_all(&mut out, text))
        .and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        let _ = fs::remove_file(new);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversations::{Speaker, SpokenPart};
    use crate::store::new_id;

    fn said(role: Speaker, text: &str) -> ArchivedMessage {
        ArchivedMessage {
            role,
            content: vec![SpokenPart::text(text)],
            model: None,
            provider: None,
            dialect: None,
            request_id: None,
            usage: None,
            created_at: None,
        }
    }

    #[test]
    fn whatever_was_kept_can_be_gone_on_with() {
        let folder = std::env::temp_dir().join(format!("bridge-conversations-{}", new_id()));
        let first = Spoken {
            // Longer than what people may write over a conversation.
            system: Some("x".repeat(300 << 10)),
            before: vec![said(Speaker::User, "one")],
            answer: said(Speaker::Assistant, "1"),
        };
        let mut next = first.clone();
        next.before
            .extend([said(Speaker::Assistant, "1"), said(Speaker::User, "two")]);
        let names = || ("m".to_owned(), "openai-chat".to_owned());
        for spoken in [first, next] {
            write(&folder, spoken, &KeptBounds::default(), names()).expect("room on the disk");
        }
        let files = files(&folder).expect("a folder");
        assert_eq!(files.len(), 1);
        let conversation = read(&files[0].1).expect("a conversation");
        assert_eq!(conversation.title, "one");
        assert_eq!(conversation.messages.len(), 4);
        fs::remove_dir_all(folder).expect("ours");
    }
}
