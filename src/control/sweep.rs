//! Letting old requests and bodies go, while nobody looks.

use std::sync::Arc;
use std::time::Duration;

use super::Control;
use crate::conversation_files::ConversationFiles;
use crate::store::now_ms;
use crate::store::rollups::DAY;

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
        let retention = control.in_force().settings.retention;
        match control.store().sweep(&retention, now_ms()).await {
            Ok(swept) => tracing::debug!(?swept, "old requests were let go"),
            Err(error) => tracing::warn!(%error, "old requests could not be let go"),
        }
        let days = control.in_force().settings.conversations.days;
        if days > 0 {
            let age = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY);
            let before = now_ms().saturating_sub(age);
            if let Err(error) = control.store().forget_conversations(before).await {
                tracing::warn!(%error, "old conversations could not be let go");
            }
            let files = ConversationFiles::below(control.folder());
            if let Err(error) = files.forget_before(before).await {
                tracing::warn!(%error, "old conversations in files could not be let go");
            }
        }
        drop(control);
        tokio::time::sleep(OFTEN).await;
    }
}
