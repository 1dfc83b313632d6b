//! What the hub tells once: the key or the password of what was just made. It reaches somebody, whatever becomes of
//! standard output and of files.

use serde_json::Value;

use super::{Console, Format, tell};
use crate::failure::{Ended, Failure, Kind};

impl Console {
    /// Shows what was made, and the member that the hub tells only now: with the whole where that is a document, on
    /// standard error where the output has another form.
    pub(crate) fn once(&self, made: &Value, member: &str, whole: impl FnOnce() -> Ended) -> Ended {
        let Some(secret) = made[member].as_str() else {
            return whole();
        };
        let shown = whole().and_then(|()| match self.format {
            Format::Table | Format::Wide => {
                self.note(&format!("the {member} is shown once:"));
                self.text(&format!("{secret}\n"))
            }
            Format::Json | Format::Yaml if self.columns.is_empty() => Ok(()),
            _ => {
                tell(&once(member, secret));
                Ok(())
            }
        });
        shown.map_err(|failure| rescued(member, secret, failure))
    }
}

/// A failure behind which a secret would be lost: the secret is told on standard error, and the failure is told too,
/// even one that would otherwise be nobody's.
pub(crate) fn rescued(what: &str, secret: &str, failure: Failure) -> Failure {
    tell(&once(what, secret));
    match failure.is_quiet() && failure.kind() != Kind::Interrupted {
        true => Failure::failed(format!("standard output took no more: {failure}")),
        false => failure,
    }
}

fn once(what: &str, secret: &str) -> String {
    format!("the {what} is shown once: {secret}")
}
