//! Versions of things as entity tags: `"3"`, told on reads and given back on writes.

use super::problem::Problem;

/// The tag of a version.
#[must_use]
pub(super) fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Refuses a write whose `If-Match` names another version than the one in force. Absent or `*` matches all.
///
/// # Errors
/// When it was changed meanwhile.
pub(super) fn expect(if_match: Option<&str>, version: i64) -> Result<(), Problem> {
    let Some(wanted) = if_match else {
        return Ok(());
    };
    let matches = wanted
        .split(',')
        .map(str::trim)
        .any(|wanted| wanted == "*" || wanted.trim_start_matches("W/") == tag(version));
    if matches {
        Ok(())
    } else {
        Err(Problem::changed(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_in_force_matches() {
        for good in [
            None,
            Some("*"),
            Some("\"3\""),
            Some("W/\"3\""),
            Some("\"2\", \"3\""),
        ] {
            assert!(expect(good, 3).is_ok(), "{good:?}");
        }
        for bad in ["\"2\"", "3", ""] {
            assert!(
                matches!(expect(Some(bad), 3), Err(Problem::Changed(_))),
                "{bad}"
            );
        }
    }
}
