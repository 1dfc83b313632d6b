//! Why a client key may not send a request now.

use std::fmt;
use std::time::Duration;

use super::period::Period;

/// A limit that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many requests in flight.
    Concurrency {
        /// The limit.
        limit: u32,
    },
    /// Too many requests in the last minute.
    Requests {
        /// The limit.
        limit: u64,
        /// When one more fits.
        wait: Duration,
    },
    /// Too many tokens in the last minute.
    Tokens {
        /// The limit.
        limit: u64,
        /// What the request may come to use.
        wanted: u64,
        /// When it fits, if no other comes first.
        wait: Duration,
    },
    /// What is left of a budget is reserved for requests in flight.
    Reserved {
        /// Which budget.
        period: Period,
    },
    /// A budget is spent.
    Exhausted {
        /// Which budget.
        period: Period,
        /// When the next one begins.
        wait: Duration,
    },
}

impl Refusal {
    /// When to come back.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        match self {
            Self::Concurrency { .. } => Duration::from_secs(1),
            Self::Reserved { .. } => Duration::from_secs(2),
            Self::Requests { wait, .. }
            | Self::Tokens { wait, .. }
            | Self::Exhausted { wait, .. } => *wait,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Concurrency { limit } => write!(
                f,
                "this client key already has {limit} requests in flight, its limit"
            ),
            Self::Requests { limit, .. } => {
                write!(f, "this client key may send {limit} requests per minute")
            }
            Self::Tokens { limit, wanted, .. } => write!(
                f,
                "this client key may use {limit} tokens per minute, and this request may need {wanted}"
            ),
            Self::Reserved { period } => write!(
                f,
                "what is left of this client key's budget for the {} is reserved for requests in flight",
                period.kind()
            ),
            Self::Exhausted { period, .. } => write!(
                f,
                "this client key's budget for the {} {period} is spent",
                period.kind()
            ),
        }
    }
}
