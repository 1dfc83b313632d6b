//! Passwords: which ones are good enough, and how they are kept and compared.
//!
//! Hashing takes much memory on purpose, so few run at a time, off the threads that serve. A password is neither
//! logged nor kept. Nothing here knows whose it is.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use tokio::sync::Semaphore;

use super::problem::Problem;
use crate::config::Secret;
use crate::store::random;

/// Fewest characters.
const SHORTEST: usize = 12;
/// Most bytes: longer ones only cost time.
const LONGEST: usize = 256;
/// Fewest different characters.
const FEWEST_DIFFERENT: usize = 5;
/// Hashes at a time; each takes 19 MiB.
const AT_A_TIME: usize = 2;
/// How long somebody waits for a turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// What passwords are made of too often, without digits and signs.
const COMMON: [&str; 20] = [
    "admin",
    "administrator",
    "adminadmin",
    "bridge",
    "changeme",
    "default",
    "iloveyou",
    "letmein",
    "llmbridge",
    "login",
    "master",
    "passw",
    "password",
    "passwordpassword",
    "qwerty",
    "qwertyuiop",
    "secret",
    "test",
    "user",
    "welcome",
];

/// Why a password is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct WeakPassword(&'static str);

/// Says what is wrong with a password for this address.
///
/// # Errors
/// With words that tell what to do.
pub(super) fn check_strength(password: &str, email: &str) -> Result<(), WeakPassword> {
    if password.chars().count() < SHORTEST {
        return Err(WeakPassword("use at least 12 characters"));
    }
    if password.len() > LONGEST {
        return Err(WeakPassword("use at most 256 bytes"));
    }
    if password.chars().any(char::is_control) {
        return Err(WeakPassword("use no control characters"));
    }
    let different: std::collections::BTreeSet<char> = password.chars().collect();
    if different.len() < FEWEST_DIFFERENT {
        return Err(WeakPassword("use at least 5 different characters"));
    }
    if is_run(password) {
        return Err(WeakPassword(
            "it is a run of neighbouring characters; mix them",
        ));
    }
    let lower = password.to_lowercase();
    let letters: String = lower.chars().filter(|c| c.is_alphabetic()).collect();
    if COMMON.contains(&letters.as_str()) {
        return Err(WeakPassword(
            "it is a common password; use several unrelated words or a random one",
        ));
    }
    let person = email.split('@').next().unwrap_or_default();
    if lower == email.to_lowercase() || (person.len() >= 4 && letters == person.to_lowercase()) {
        return Err(WeakPassword("it is the address; use something else"));
    }
    Ok(())
}

/// Whether nearly each character is the neighbour of the one before, as in `abcdefghijkl`.
fn is_run(password: &str) -> bool {
    let codes: Vec<i64> = password.chars().map(|c| i64::from(u32::from(c))).collect();
    let steps = codes.len().saturating_sub(1);
    let small = codes
        .windows(2)
        .filter(|pair| (pair[1] - pair[0]).abs() <= 1)
        .count();
    steps > 0 && small * 10 >= steps * 8
}

/// A password nobody can guess.
#[must_use]
pub(super) fn generated() -> Secret {
    Secret::new(BASE64.encode(&random()[..18]))
}

/// Hashes and compares.
#[derive(Clone, Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// A hash that no password has: what is compared with when there is no such user.
    nobody: Arc<OnceLock<String>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            nobody: Arc::default(),
        }
    }
}

impl Passwords {
    /// The hash to keep, in PHC form.
    pub(super) async fn hash(&self, password: &Secret) -> Result<String, Problem> {
        let password = password.clone();
        self.in_turn(move || hash(password.expose())).await?
    }

    /// Whether a password is the one of a hash. Without a hash, since nobody of that name is there, it takes as
    /// long and says no.
    pub(super) async fn matches(
        &self,
        password: &Secret,
        kept: Option<String>,
    ) -> Result<bool, Problem> {
        let password = password.clone();
        let nobody = Arc::clone(&self.nobody);
        self.in_turn(move || {
            // Longer ones cannot have been set, and are not worth the time.
            if password.expose().len() > LONGEST {
                return Ok(false);
            }
            let is_somebody = kept.as_ref().is_some_and(|kept| !kept.is_empty());
            let kept = match kept.filter(|kept| !kept.is_empty()) {
                Some(kept) => kept,
                None => match nobody.get() {
                    Some(kept) => kept.clone(),
                    None => {
                        let made = hash(generated().expose())?;
                        nobody.get_or_init(|| made).clone()
                    }
                },
            };
            let kept = PasswordHash::new(&kept).map_err(|error| Problem::internal(&error))?;
            let matches = Argon2::default().verify_password(password.expose().as_bytes(), &kept);
            Ok(matches.is_ok() && is_somebody)
        })
        .await?
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            let words = "too many log-ins at the same time; try again in a moment";
            return Err(Problem::too_many(5, words));
        };
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        })
        .await
        .map_err(|error| Problem::internal(&error))
    }
}

fn hash(password: &str) -> Result<String, Problem> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Problem::internal(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_told_why() {
        for (password, why) in [
            ("short-1", "12 characters"),
            ("", "12 characters"),
            ("aaaaaaaaaaaaaaa", "different"),
            ("abababababab", "different"),
            ("abcdefghijklmnop", "run"),
            ("1234567890123", "run"),
            ("Password123!!", "common"),
            ("admin-2026-0001", "common"),
            ("Q-w-e-r-t-y-1!", "common"),
            ("ada.lovelace@example.test", "address"),
            ("adalovelace1815", "address"),
            ("with\u{0}control-characters", "control"),
        ] {
            let email = if password.starts_with("adal") {
                "AdaLovelace@example.test"
            } else {
                "ada.lovelace@example.test"
            };
            let found = check_strength(password, email).expect_err(password);
            assert!(found.to_string().contains(why), "{password}: {found}");
        }
        let long = "aB3-".repeat(65);
        assert!(check_strength(&long, "").is_err());
        for good in [
            "correct horse battery",
            "Str0ng-Passw0rd!",
            generated().expose(),
        ] {
            assert_eq!(check_strength(good, "ada@example.test"), Ok(()), "{good}");
        }
    }

    #[tokio::test]
    async fn only_the_password_itself_matches() {
        let passwords = Passwords::default();
        let right = Secret::new("correct horse battery");
        let kept = passwords.hash(&right).await.expect("a hash");
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        let matches = async |password: &str, kept: Option<&str>| {
            let kept = kept.map(ToOwned::to_owned);
            passwords.matches(&Secret::new(password), kept).await
        };
        assert!(matches!(
            matches("correct horse battery", Some(&kept)).await,
            Ok(true)
        ));
        for (password, kept) in [
            ("correct horse batterz", Some(kept.as_str())),
            ("", Some(&kept)),
            ("correct horse battery", None),
            ("", Some("")),
        ] {
            assert!(matches!(matches(password, kept).await, Ok(false)));
        }
        assert!(matches("x", Some("not a hash")).await.is_err());
    }
}
