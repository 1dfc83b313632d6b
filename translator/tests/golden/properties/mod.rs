//! Properties: what holds for every input, tried on generated ones.
//!
//! Inputs come from a fixed seed, so that a run says the same everywhere; `PROPERTY_ROUNDS=50` runs fifty times
//! as many, each round from a seed of its own. A failure is shrunk before it is shown.

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

mod answers;
mod counts;
mod journeys;
mod mixes;
mod requests;

/// Tries a property on `cases` inputs per round.
pub(crate) fn holds<S>(
    cases: u32,
    inputs: &S,
    property: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S: Strategy,
    S::Value: Debug,
{
    let rounds: u64 = std::env::var("PROPERTY_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(1);
    for round in 0..rounds {
        let mut runner = TestRunner::new(Config {
            cases,
            rng_seed: RngSeed::Fixed(0x1795_0000 + round),
            failure_persistence: None,
            max_shrink_iters: 2000,
            ..Config::default()
        });
        if let Err(error) = runner.run(inputs, &property) {
            unreachable!("round {round}: {error}");
        }
    }
}

/// Fails a property with what is wrong, if anything is.
pub(crate) fn none(
    problems: &[String],
    context: impl FnOnce() -> String,
) -> Result<(), TestCaseError> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(TestCaseError::fail(format!(
        "{}\n{}",
        problems.join("\n"),
        context()
    )))
}
