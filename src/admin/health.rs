//! Health.

use super::Admin;
use crate::gateway::Checked;

impl Admin {
    /// Keeps what a check found, as far as the database lets it.
    pub(super) async fn remember_check(&self, _provider: &str, _checked: &Checked) {}
}
