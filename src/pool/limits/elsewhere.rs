//! What one client key uses by way of other hubs, as they say.

use super::window::Window;
use crate::pool::news::ClientKeyUse;

/// The sum of what others say.
#[derive(Debug)]
pub(super) struct Elsewhere {
    pub(super) in_flight: u32,
    pub(super) tokens_reserved: u64,
    pub(super) requests: Window,
    pub(super) tokens: Window,
}

impl Elsewhere {
    /// What these say, heard in this second.
    pub(super) fn of(told: &[&ClientKeyUse], second: u64) -> Self {
        let mut all = Self {
            in_flight: 0,
            tokens_reserved: 0,
            requests: Window::new(),
            tokens: Window::new(),
        };
        for one in told {
            all.in_flight = all.in_flight.saturating_add(one.in_flight);
            all.tokens_reserved = all.tokens_reserved.saturating_add(one.tokens_reserved);
            for (age, amount) in &one.requests {
                all.requests.add_at(second, *age, *amount);
            }
            for (age, amount) in &one.tokens {
                all.tokens.add_at(second, *age, *amount);
            }
        }
        all
    }
}
