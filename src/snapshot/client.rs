//! Client keys: who may call, and what they may ask for.
//!
//! Keys are held as keyed digests only, so the place of a digest in the table tells a caller nothing, and
//! looking one up takes the same time whatever was presented. The digest key is the database's, where there
//! is one, and otherwise random for each process.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use translator::Dialect;

use crate::config::{Credential, DigestKey};
use crate::routing::Glob;

/// Longer credentials cannot be ours and are not looked at.
const LONGEST_KEY: usize = 512;

/// A caller that is known.
#[derive(Clone, Debug)]
pub struct ClientKey {
    /// Stable, and no secret: of a key in the database its id, of a key in a file its name.
    pub id: Arc<str>,
    /// The name given by the operator.
    pub name: Arc<str>,
    /// Id of the user it belongs to.
    pub owner: Option<Arc<str>>,
    /// Labels for rules and statistics.
    pub tags: Vec<Arc<str>>,
    /// Patterns of model names it may ask for; `None` is all.
    pub allowed_models: Option<Vec<Glob>>,
    /// Providers it may reach; `None` is all.
    pub allowed_providers: Option<Vec<Arc<str>>>,
    /// Dialects it may speak; `None` is all.
    pub allowed_dialects: Option<Vec<Dialect>>,
    /// Whether it may choose the provider by header.
    pub may_pin: bool,
    /// How much it may use.
    pub allowance: Allowance,
    /// When it ends by itself, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
}

/// How much a client key may use; what is absent is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a minute.
    pub rpm: Option<u64>,
    /// Tokens a minute.
    pub tpm: Option<u64>,
    /// Requests in flight.
    pub max_concurrency: Option<u32>,
    /// Billionths of a US dollar in one day of UTC.
    pub budget_day_nano_usd: Option<i64>,
    /// Billionths of a US dollar in one calendar month of UTC.
    pub budget_month_nano_usd: Option<i64>,
}

impl Allowance {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// Whether spending is limited.
    #[must_use]
    pub const fn has_budget(&self) -> bool {
        self.budget_day_nano_usd.is_some() || self.budget_month_nano_usd.is_some()
    }
}

impl ClientKey {
    /// Whether it may ask for a model by this name.
    #[must_use]
    pub fn allows_model(&self, model: &str) -> bool {
        self.allowed_models
            .as_ref()
            .is_none_or(|globs| globs.iter().any(|glob| glob.matches(model)))
    }

    /// Whether it may reach this provider.
    #[must_use]
    pub fn allows_provider(&self, provider: &str) -> bool {
        self.allowed_providers
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| **name == *provider))
    }

    /// Whether it may speak this dialect.
    #[must_use]
    pub fn allows_dialect(&self, dialect: Dialect) -> bool {
        self.allowed_dialects
            .as_ref()
            .is_none_or(|dialects| dialects.contains(&dialect))
    }
}

/// A key under one of its digests.
#[derive(Clone)]
struct Entry {
    key: Arc<ClientKey>,
    /// When this digest stops to work, in milliseconds since 1970.
    until_ms: Option<i64>,
}

/// The client keys in force.
#[derive(Clone)]
pub struct ClientKeys {
    inner: Sha256,
    outer: Sha256,
    by_digest: HashMap<[u8; 32], Entry>,
}

impl ClientKeys {
    /// An empty set under a digest key; a random one if there is none.
    #[must_use]
    pub fn under(key: Option<&DigestKey>) -> Self {
        let random;
        let key = match key {
            Some(key) => key.expose(),
            None => {
                random = random_key();
                &random
            }
        };
        let (mut inner_pad, mut outer_pad) = ([0x36_u8; 64], [0x5c_u8; 64]);
        for (at, byte) in key.iter().enumerate() {
            inner_pad[at] ^= byte;
            outer_pad[at] ^= byte;
        }
        Self {
            inner: Sha256::new_with_prefix(inner_pad),
            outer: Sha256::new_with_prefix(outer_pad),
            by_digest: HashMap::new(),
        }
    }

    /// Adds a key under its credential; `previous_until_ms` ends all digests but the first. Says whether
    /// all of it was new.
    pub fn insert(
        &mut self,
        credential: &Credential,
        previous_until_ms: Option<i64>,
        key: ClientKey,
    ) -> bool {
        let key = Arc::new(key);
        let plain;
        let digests = match credential {
            Credential::Plain(secret) => {
                plain = [self.digest(secret.expose())];
                &plain[..]
            }
            Credential::Digests(digests) => digests,
        };
        let mut new = true;
        for (at, digest) in digests.iter().enumerate() {
            let previous = previous_until_ms.filter(|_| at > 0);
            let until_ms = match (key.expires_at_ms, previous) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            let key = Arc::clone(&key);
            new &= self
                .by_digest
                .insert(*digest, Entry { key, until_ms })
                .is_none();
        }
        new
    }

    /// The caller that a presented credential belongs to, if it works at this time.
    #[must_use]
    pub fn find(&self, presented: &str, now_ms: i64) -> Option<&Arc<ClientKey>> {
        if presented.is_empty() || presented.len() > LONGEST_KEY {
            return None;
        }
        let entry = self.by_digest.get(&self.digest(presented))?;
        let works = entry.until_ms.is_none_or(|until| now_ms < until);
        works.then_some(&entry.key)
    }

    /// All keys, in no order; one that is being exchanged comes once for each of its digests.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ClientKey>> {
        self.by_digest.values().map(|entry| &entry.key)
    }

    /// How many credentials there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_digest.len()
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_digest.is_empty()
    }

    /// HMAC-SHA-256.
    fn digest(&self, secret: &str) -> [u8; 32] {
        let mut inner = self.inner.clone();
        inner.update(secret.as_bytes());
        let mut outer = self.outer.clone();
        outer.update(inner.finalize());
        outer.finalize().into()
    }
}

/// A key from the operating system's randomness.
fn random_key() -> [u8; 32] {
    let mut key = [0_u8; 32];
    for block in key.chunks_exact_mut(8) {
        // Each state has keys of its own.
        block.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
    }
    key
}

impl Default for ClientKeys {
    fn default() -> Self {
        Self::under(None)
    }
}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|key| &key.name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use crate::store::{Purpose, Vault};

    fn key(name: &str, expires_at_ms: Option<i64>) -> ClientKey {
        ClientKey {
            id: name.into(),
            name: name.into(),
            owner: None,
            tags: Vec::new(),
            allowed_models: None,
            allowed_providers: None,
            allowed_dialects: None,
            may_pin: true,
            allowance: Allowance::default(),
            expires_at_ms,
        }
    }

    fn bytes(hex: &str) -> [u8; 32] {
        std::array::from_fn(|at| {
            u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).expect("hexadecimal digits")
        })
    }

    #[test]
    fn digests_of_the_database_are_found_until_they_end() {
        let vault = Vault::fresh();
        let digest_key = DigestKey::new(*vault.key(Purpose::ClientKey));
        let mut keys = ClientKeys::under(Some(&digest_key));
        let digest = |text| bytes(&vault.digest(Purpose::ClientKey, text));
        let credential = Credential::Digests(vec![digest("sk-new"), digest("sk-old")]);
        assert!(keys.insert(&credential, Some(1_000), key("a", Some(5_000))));
        let found = |text: &str, at| keys.find(text, at).map(|key| key.name.to_string());
        assert_eq!(found("sk-new", 999).as_deref(), Some("a"));
        assert_eq!(found("sk-old", 999).as_deref(), Some("a"));
        assert_eq!(found("sk-old", 1_000), None);
        assert_eq!(found("sk-new", 4_999).as_deref(), Some("a"));
        assert_eq!(found("sk-new", 5_000), None);
        assert_eq!(found("sk-other", 0), None);
    }

    #[test]
    fn without_a_digest_key_keys_of_files_still_work() {
        let mut keys = ClientKeys::default();
        let plain = Credential::Plain(Secret::new("sk-file"));
        assert!(keys.insert(&plain, None, key("a", None)));
        assert!(!keys.insert(&plain, None, key("b", None)), "the same twice");
        assert!(keys.find("sk-file", i64::MAX).is_some());
        let other = ClientKeys::default();
        assert_ne!(keys.digest("x"), other.digest("x"));
    }
}
