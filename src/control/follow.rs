//! Noticing what other hubs change in the same database: by their announcements, and by looking.

use std::sync::Arc;
use std::time::Duration;

use super::Control;
use crate::store::Announcements;

/// How often the revision is looked at; a change elsewhere is in force within a second.
const INTERVAL: Duration = Duration::from_millis(500);
/// How often while the database is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Follows the database for as long as the process lives.
pub async fn follow(control: Arc<Control>) {
    let mut is_away = false;
    let mut announcements = listen(&control).await;
    loop {
        let pause = if is_away { PATIENCE } else { INTERVAL };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = heard(&mut announcements) => {}
        }
        match control.refresh().await {
            Ok(changed) => {
                if is_away {
                    tracing::info!("the database is back");
                    announcements = listen(&control).await;
                }
                is_away = false;
                if changed {
                    tracing::info!("the configuration was changed in the database");
                }
            }
            Err(error) => {
                if !is_away {
                    tracing::warn!(%error, "the database is away; the configuration in force stays");
                }
                is_away = true;
                announcements = None;
            }
        }
    }
}

/// Looking by itself stays when nobody can be listened to.
async fn listen(control: &Control) -> Option<Announcements> {
    control.store().announcements().await.ok().flatten()
}

/// Resolves when another hub announces a change; never where nobody can.
async fn heard(announcements: &mut Option<Announcements>) {
    match announcements {
        Some(listening) => {
            if listening.next().await.is_err() {
                *announcements = None;
            }
        }
        None => std::future::pending().await,
    }
}
