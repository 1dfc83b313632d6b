//! Client keys: who may call, and what they may ask for.
//!
//! Keys are held as keyed digests only. The digest key is random for each process, so the place of a
//! digest in the table tells a caller nothing, and looking one up takes the same time whatever was presented.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::routing::Glob;

/// Longer credentials cannot be ours and are not looked at.
const LONGEST_KEY: usize = 512;

/// A caller that is known.
#[derive(Clone, Debug)]
pub struct ClientKey {
    /// Stable and masked; safe to log.
    pub id: Arc<str>,
    /// The name given by the operator.
    pub name: Arc<str>,
    /// Labels for rules and statistics.
    pub tags: Vec<Arc<str>>,
    /// Patterns of model names it may ask for; `None` is all.
    pub allowed_models: Option<Vec<Glob>>,
    /// Providers it may reach; `None` is all.
    pub allowed_providers: Option<Vec<Arc<str>>>,
    /// Whether it may choose the provider by header.
    pub may_pin: bool,
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
}

/// The client keys in force.
#[derive(Clone)]
pub struct ClientKeys {
    inner: Sha256,
    outer: Sha256,
    by_digest: HashMap<[u8; 32], Arc<ClientKey>>,
}

impl ClientKeys {
    /// An empty set under a random digest key.
    #[must_use]
    pub fn new() -> Self {
        let (mut inner, mut outer) = (Sha256::new(), Sha256::new());
        let (mut inner_pad, mut outer_pad) = ([0x36_u8; 64], [0x5c_u8; 64]);
        for block in 0..4 {
            // Each state is keyed by the operating system's randomness.
            let random = RandomState::new().build_hasher().finish().to_le_bytes();
            for (offset, byte) in random.into_iter().enumerate() {
                inner_pad[block * 8 + offset] ^= byte;
                outer_pad[block * 8 + offset] ^= byte;
            }
        }
        inner.update(inner_pad);
        outer.update(outer_pad);
        Self {
            inner,
            outer,
            by_digest: HashMap::new(),
        }
    }

    /// Adds a key by its secret; says whether that secret was new.
    pub fn insert(&mut self, secret: &str, key: ClientKey) -> bool {
        let digest = self.digest(secret);
        self.by_digest.insert(digest, Arc::new(key)).is_none()
    }

    /// The caller that a presented credential belongs to.
    #[must_use]
    pub fn find(&self, presented: &str) -> Option<&Arc<ClientKey>> {
        if presented.is_empty() || presented.len() > LONGEST_KEY {
            return None;
        }
        self.by_digest.get(&self.digest(presented))
    }

    /// All keys, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ClientKey>> {
        self.by_digest.values()
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_digest.len()
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_digest.is_empty()
    }

    /// HMAC-SHA-256 under the process's digest key.
    fn digest(&self, secret: &str) -> [u8; 32] {
        let mut inner = self.inner.clone();
        inner.update(secret.as_bytes());
        let mut outer = self.outer.clone();
        outer.update(inner.finalize());
        outer.finalize().into()
    }
}

impl Default for ClientKeys {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.by_digest.values().map(|key| &key.name))
            .finish()
    }
}
