//! How a client key is recognised: by itself where a file holds it, by its digests where the database does.

use std::fmt;

use zeroize::Zeroizing;

use super::Secret;

/// What a presented key is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The key itself, from a file or the environment.
    Plain(Secret),
    /// HMAC-SHA-256 under [`DigestKey`] of each key that works. The first is the key in force, the others
    /// are those it replaced.
    Digests(Vec<[u8; 32]>),
}

impl Credential {
    /// Stable and safe to show.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Plain(secret) => secret.masked(),
            Self::Digests(_) => "stored as a digest".to_owned(),
        }
    }
}

/// What client keys are digested under. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct DigestKey(Zeroizing<[u8; 32]>);

impl DigestKey {
    /// Takes the key in.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The bytes, to digest with and nothing else.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey")
    }
}
