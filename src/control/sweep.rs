//! Letting go of what is older than it may be: while nobody looks, and when somebody asks for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::Control;
use crate::conversation_files::ConversationFiles;
use crate::store::retention::Swept;
use crate::store::rollups::DAY;
use crate::store::{StoreError, conversation_switches, now_ms};

/// How long after the start, and how often.
const FIRST: Duration = Duration::from_secs(60);
const OFTEN: Duration = Duration::from_secs(600);

/// Sweeps from time to time, as long as anybody else holds the control.
pub async fn sweep(control: Arc<Control>) {
    let control = {
        let weak = Arc::downgrade(&control);
        drop(control);
        weak
    };
    tokio::time::sleep(FIRST).await;
    while let Some(control) = control.upgrade() {
        match let_go(&control).await {
            Ok(swept) => tracing::debug!(?swept, "what was old was let go"),
            Err(error) => tracing::warn!(%error, "what is old could not be let go"),
        }
        drop(control);
        tokio::time::sleep(OFTEN).await;
    }
}

/// Lets go now of all that is older than it may be, or too much, in the database and beside it.
///
/// # Errors
/// The first that was met; whatever could go all the same has gone.
pub async fn let_go(control: &Control) -> Result<Swept, StoreError> {
    let in_force = control.in_force();
    let settings = &in_force.settings;
    let (store, now) = (control.store(), now_ms());
    let files = ConversationFiles::below(control.folder());
    let failed = |error: io::Error| StoreError::File {
        path: files.folder().to_owned(),
        error,
    };
    let rows = store.sweep(&settings.retention, now).await;
    let strangers = strangers(control, &files).await;
    let (mut conversations, mut old_files) = (Ok(0), Ok(0));
    if settings.conversations.days > 0 {
        let days = i64::try_from(settings.conversations.days).unwrap_or(i64::MAX);
        let before = now.saturating_sub(days.saturating_mul(DAY));
        conversations = store.forget_conversations(before).await;
        old_files = files.forget_before(before).await.map_err(failed);
    }
    Ok(Swept {
        conversations: conversations?,
        conversation_files: strangers? + old_files?,
        ..rows?
    })
}

/// Removes the files of client keys that are gone: whoever removed the key may have done so at another hub.
async fn strangers(control: &Control, files: &ConversationFiles) -> Result<u64, StoreError> {
    let failed = |error: io::Error| StoreError::File {
        path: files.folder().to_owned(),
        error,
    };
    // First: a key that is made after this has no folder among them.
    let folders = files.folders().await.map_err(failed)?;
    if folders.is_empty() {
        return Ok(0);
    }
    let database = control.store().read();
    let mut scopes = super::client_keys::all(database).await?;
    // A key of a file may be missing for an hour only; while its conversations are to be kept, they are.
    let kept = conversation_switches::all(database).await?;
    scopes.extend(kept.into_keys().map(|scope| scope.to_string()));
    let of_files = &control.files().client_keys;
    scopes.extend(of_files.iter().map(|key| key.name.clone()));
    // Those who come without a key.
    scopes.push(String::new());
    files.forget_others(folders, &scopes).await.map_err(failed)
}
