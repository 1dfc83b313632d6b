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

/// For how long hubs are told that a client key is gone, in milliseconds.
const KNOWN: i64 = 60 * DAY;

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
    let of_nobody = of_nobody(control, &files).await;
    let (mut conversations, mut old_files) = (Ok(0), Ok(0));
    if settings.conversations.days > 0 {
        let days = i64::try_from(settings.conversations.days).unwrap_or(i64::MAX);
        let before = now.saturating_sub(days.saturating_mul(DAY));
        conversations = store.forget_conversations(before).await;
        old_files = files.forget_before(before).await.map_err(failed);
    }
    Ok(Swept {
        conversations: conversations?,
        conversation_files: of_nobody? + old_files?,
        ..rows?
    })
}

/// Removes the files of client keys that are gone: whoever removed one may have done so at another hub.
async fn of_nobody(control: &Control, files: &ConversationFiles) -> Result<u64, StoreError> {
    let store = control.store();
    let mut count = 0;
    for scope in conversation_switches::retired(store.read()).await? {
        let gone = files.forget(&scope).await;
        count += gone.map_err(|error| StoreError::File {
            path: files.folder().to_owned(),
            error,
        })?;
    }
    let before = now_ms().saturating_sub(KNOWN);
    conversation_switches::forget_retired(store.write(), before).await?;
    Ok(count)
}
