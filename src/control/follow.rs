//! Noticing what other hubs change in the same database.

use std::sync::Arc;
use std::time::Duration;

use super::Control;

/// How often the revision is looked at; a change elsewhere is in force within a second.
const INTERVAL: Duration = Duration::from_millis(500);
/// How often while the database is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Follows the database for as long as the process lives.
pub async fn follow(control: Arc<Control>) {
    let mut is_away = false;
    loop {
        tokio::time::sleep(if is_away { PATIENCE } else { INTERVAL }).await;
        match control.refresh().await {
            Ok(changed) => {
                if is_away {
                    tracing::info!("the database is back");
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
            }
        }
    }
}
