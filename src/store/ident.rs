//! Identifiers and times as rows have them.

use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

/// A new identifier; later ones sort after earlier ones.
#[must_use]
pub fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// Whether a text is an identifier in the one spelling we use.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok_and(|id| id.to_string() == text)
}

/// Milliseconds since 1970, now.
#[must_use]
pub fn now_ms() -> i64 {
    let passed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(passed.as_millis()).unwrap_or(i64::MAX)
}
