//! Times and sizes of the data plane that are no configuration but that tests want to shorten.

use std::time::Duration;

/// Times and sizes.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// A stream that has not begun after this is answered with its head, and heartbeats.
    pub grace: Duration,
    /// Silence on a stream after which a sign of life is sent.
    pub heartbeat: Duration,
    /// Silence in the middle of a request body after which the client is given up.
    pub body_idle: Duration,
    /// Waiting for an upstream to end its body when its answer has ended.
    pub linger: Duration,
    /// First pause before the same target is tried again.
    pub backoff: Duration,
    /// The longest `retry-after` that is waited out inside a request.
    pub longest_wait: Duration,
    /// Waiting for an upstream that counts tokens.
    pub count_deadline: Duration,
    /// The largest answer that is held in memory.
    pub max_answer: usize,
    /// Tries at upstreams for one request, all targets and keys together.
    pub max_attempts: usize,
    /// How often an answer is gone on with that the upstream has interrupted.
    pub max_continuations: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            body_idle: Duration::from_secs(30),
            linger: Duration::from_millis(50),
            backoff: Duration::from_millis(250),
            longest_wait: Duration::from_secs(10),
            count_deadline: Duration::from_secs(2),
            max_answer: 64 << 20,
            max_attempts: 16,
            max_continuations: 5,
        }
    }
}
