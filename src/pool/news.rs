//! What one hub tells the others of the traffic it sees: what client keys use, which provider keys rest, which
//! breakers are open. Times are told as what is left or how long ago it was, so that no two clocks have to agree.
//! What others say is never told on, and is forgotten as soon as they no longer say it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// All that a hub tells at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct News {
    /// What client keys use.
    pub uses: Vec<ClientKeyUse>,
    /// Provider keys that rest after a rate limit.
    pub rests: Vec<KeyRest>,
    /// Provider keys that were refused.
    pub refused: Vec<RefusedKey>,
    /// Breakers that are open.
    pub open: Vec<OpenBreaker>,
    /// What people have reset in the last seconds.
    pub resets: Vec<Reset>,
}

/// What a client key used in the last minute, and uses now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKeyUse {
    /// Id of the client key.
    pub key: Arc<str>,
    /// Requests in flight.
    pub in_flight: u32,
    /// Tokens that these may come to use.
    pub tokens_reserved: u64,
    /// Requests, by how many seconds ago they came.
    pub requests: Vec<(u8, u64)>,
    /// Tokens, by how many seconds ago they were used.
    pub tokens: Vec<(u8, u64)>,
}

/// A provider key's rest for one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRest {
    /// The pool.
    pub pool: Arc<str>,
    /// The masked key.
    pub key: Arc<str>,
    /// The model.
    pub model: Arc<str>,
    /// Milliseconds until it may be used again.
    pub left_ms: u64,
}

/// A provider key that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedKey {
    /// The pool.
    pub pool: Arc<str>,
    /// The masked key.
    pub key: Arc<str>,
    /// The status that set it aside.
    pub status: u16,
}

/// A breaker that refuses calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBreaker {
    /// The provider.
    pub provider: Arc<str>,
    /// The model.
    pub model: Arc<str>,
    /// Milliseconds until it lets a call pass to see.
    pub left_ms: u64,
}

/// Somebody has reset keys of a pool or breakers of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// Grows with each reset that a hub tells.
    pub serial: u64,
    /// What was reset.
    pub what: Subject,
}

/// What can be reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Keys of a pool.
    Keys {
        /// The pool.
        pool: String,
        /// The masked key; all of the pool without.
        key: Option<String>,
    },
    /// Breakers of a provider.
    Breakers {
        /// The provider.
        provider: String,
        /// The model; all of the provider without.
        model: Option<String>,
    },
}
