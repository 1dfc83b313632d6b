//! What a request costs, as far as the data plane has to know it.

use crate::ledger::Tokens;

/// Knows prices. Asked once before a request with a budget and once at the end of every request: it must not wait.
pub trait Pricer: Send + Sync {
    /// What these tokens cost, in billionths of a US dollar; `None` where the price is not known.
    fn cost_nano_usd(&self, provider: &str, model: &str, tokens: &Tokens) -> Option<i64>;
}

/// Knows no price.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unpriced;

impl Pricer for Unpriced {
    fn cost_nano_usd(&self, _: &str, _: &str, _: &Tokens) -> Option<i64> {
        None
    }
}
