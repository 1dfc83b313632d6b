//! Circuit breakers, one per provider and model.
//!
//! Closed: calls pass and failures in a row are counted. Open: calls are refused until the recovery time
//! has passed. Half-open: one call probes; its success closes the breaker, its failure opens it again. A stream is a
//! success when it has ended well: one that is cut counts as a failure.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::news::OpenBreaker;

use crate::snapshot::BreakerSettings;

/// Pairs beyond this many are not guarded: a caller can invent model names.
const MOST_BREAKERS: usize = 10_000;
/// For longer no other hub's word shuts a breaker: it says so anew several times a second.
const LONGEST_HEARSAY: Duration = Duration::from_secs(3600);

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerPhase {
    /// Lets them pass.
    Closed,
    /// Refuses them.
    Open,
    /// Lets one pass to see.
    HalfOpen,
}

/// A breaker as shown to people.
#[derive(Clone, Debug, Serialize)]
pub struct BreakerState {
    /// Provider name.
    pub provider: Arc<str>,
    /// Model name.
    pub model: Arc<str>,
    /// What it does with calls.
    pub phase: BreakerPhase,
    /// Failures in a row.
    pub failures: u32,
    /// Seconds until the next probe, while open.
    pub retry_seconds: Option<u64>,
}

#[derive(Debug, Default)]
enum Circuit {
    #[default]
    Closed,
    Open {
        since: Instant,
        recovery: Duration,
    },
    HalfOpen,
}

#[derive(Debug, Default)]
struct Breaker {
    circuit: Circuit,
    failures: u32,
    /// Grows with every change of phase: what an older call has to tell is then out of date.
    era: u64,
    /// Until when another hub says that its own refuses calls.
    shut_elsewhere: Option<Instant>,
}

impl Breaker {
    fn turn(&mut self, circuit: Circuit) {
        self.circuit = circuit;
        self.era += 1;
    }
}

type Shared = Arc<Mutex<Breaker>>;
/// By provider, then by model.
type Table = HashMap<Arc<str>, HashMap<Arc<str>, Shared>>;

/// The breakers of all providers and models.
#[derive(Debug, Default)]
pub struct Breakers {
    breakers: RwLock<Table>,
}

impl Breakers {
    /// Asks whether a call may be made.
    ///
    /// # Errors
    /// When the breaker is open: how long until it is worth asking again.
    pub fn admit(
        &self,
        provider: &str,
        model: &str,
        settings: BreakerSettings,
        now: Instant,
    ) -> Result<BreakerPass, Duration> {
        if settings.failure_threshold == 0 {
            return Ok(BreakerPass::unguarded(settings, now));
        }
        let Some(shared) = self.breaker(provider, model) else {
            return Ok(BreakerPass::unguarded(settings, now));
        };
        let mut breaker = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let probe = match breaker.circuit {
            Circuit::Closed => match breaker.shut_elsewhere.filter(|until| *until > now) {
                Some(until) => return Err(until.saturating_duration_since(now)),
                None => false,
            },
            Circuit::HalfOpen => return Err(Duration::from_secs(1)),
            Circuit::Open { since, recovery } => {
                let passed = now.saturating_duration_since(since);
                if passed < recovery {
                    return Err(recovery.saturating_sub(passed));
                }
                breaker.turn(Circuit::HalfOpen);
                true
            }
        };
        let era = breaker.era;
        drop(breaker);
        Ok(BreakerPass {
            guard: Some(shared),
            settings,
            era,
            probe,
            admitted: now,
        })
    }

    fn breaker(&self, provider: &str, model: &str) -> Option<Shared> {
        let find = |all: &Table| {
            all.get(provider)
                .and_then(|models| models.get(model))
                .cloned()
        };
        if let Some(found) = find(&self.breakers.read().unwrap_or_else(PoisonError::into_inner)) {
            return Some(found);
        }
        let mut all = self
            .breakers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if all.values().map(HashMap::len).sum::<usize>() >= MOST_BREAKERS {
            return find(&all);
        }
        Some(
            all.entry(provider.into())
                .or_default()
                .entry(model.into())
                .or_default()
                .clone(),
        )
    }

    /// Every breaker that was ever asked, by provider and model.
    #[must_use]
    pub fn states(&self, now: Instant) -> Vec<BreakerState> {
        let all = self.breakers.read().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Vec::new();
        for (provider, models) in all.iter() {
            for (model, shared) in models {
                let breaker = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let (phase, retry) = match breaker.circuit {
                    Circuit::Closed => match breaker.shut_elsewhere.filter(|until| *until > now) {
                        Some(until) => {
                            let rest = until.saturating_duration_since(now);
                            (BreakerPhase::Open, Some(rest.as_secs_f64().ceil() as u64))
                        }
                        None => (BreakerPhase::Closed, None),
                    },
                    Circuit::HalfOpen => (BreakerPhase::HalfOpen, None),
                    Circuit::Open { since, recovery } => {
                        let rest = recovery.saturating_sub(now.saturating_duration_since(since));
                        (BreakerPhase::Open, Some(rest.as_secs_f64().ceil() as u64))
                    }
                };
                let (provider, model) = (provider.clone(), model.clone());
                rows.push(BreakerState {
                    provider,
                    model,
                    phase,
                    failures: breaker.failures,
                    retry_seconds: retry,
                });
            }
        }
        rows.sort_by(|a, b| (&a.provider, &a.model).cmp(&(&b.provider, &b.model)));
        rows
    }

    /// Which breakers the calls of this hub have opened, for other hubs.
    #[must_use]
    pub fn tell(&self, now: Instant) -> Vec<OpenBreaker> {
        let all = self.breakers.read().unwrap_or_else(PoisonError::into_inner);
        let mut open = Vec::new();
        for (provider, models) in all.iter() {
            for (model, shared) in models {
                let breaker = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let Circuit::Open { since, recovery } = breaker.circuit else {
                    continue;
                };
                let left = recovery.saturating_sub(now.saturating_duration_since(since));
                if !left.is_zero() {
                    open.push(OpenBreaker {
                        provider: Arc::clone(provider),
                        model: Arc::clone(model),
                        left_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
                    });
                }
            }
        }
        open
    }

    /// What other hubs say of their breakers, in place of what they said before.
    pub fn hear<'a>(&self, open: impl IntoIterator<Item = &'a OpenBreaker>, now: Instant) {
        let named = open.into_iter().map(|one| {
            let left = Duration::from_millis(one.left_ms).min(LONGEST_HEARSAY);
            ((&*one.provider, &*one.model), now + left)
        });
        let open: HashMap<(&str, &str), Instant> = named.collect();
        let all = self.breakers.read().unwrap_or_else(PoisonError::into_inner);
        for (provider, models) in all.iter() {
            for (model, shared) in models {
                let mut breaker = shared.lock().unwrap_or_else(PoisonError::into_inner);
                breaker.shut_elsewhere = open.get(&(&**provider, &**model)).copied();
            }
        }
        drop(all);
        // Those that this hub has not met yet.
        for ((provider, model), until) in open {
            if let Some(shared) = self.breaker(provider, model) {
                let mut breaker = shared.lock().unwrap_or_else(PoisonError::into_inner);
                breaker.shut_elsewhere = Some(until);
            }
        }
    }

    /// Closes the breakers of a provider, or of one of its models; says how many.
    pub fn reset(&self, provider: &str, model: Option<&str>) -> usize {
        let all = self.breakers.read().unwrap_or_else(PoisonError::into_inner);
        let models = all.get(provider).into_iter().flatten();
        let mut touched = 0;
        for (_, shared) in models.filter(|(name, _)| model.is_none_or(|model| ***name == *model)) {
            let mut breaker = shared.lock().unwrap_or_else(PoisonError::into_inner);
            breaker.turn(Circuit::Closed);
            breaker.failures = 0;
            breaker.shut_elsewhere = None;
            touched += 1;
        }
        touched
    }
}

/// Leave for one call. Say how it went; a pass that is dropped says nothing, and if it was the probe,
/// the next call may probe instead.
#[derive(Debug)]
pub struct BreakerPass {
    guard: Option<Shared>,
    settings: BreakerSettings,
    era: u64,
    probe: bool,
    admitted: Instant,
}

impl BreakerPass {
    fn unguarded(settings: BreakerSettings, admitted: Instant) -> Self {
        Self {
            guard: None,
            settings,
            era: 0,
            probe: false,
            admitted,
        }
    }

    /// The provider has begun to answer, and may take long. A probe frees its place: calls pass again, and the
    /// next failure, this call's own included, opens the breaker at once.
    pub fn answering(&mut self) {
        if !std::mem::take(&mut self.probe) {
            return;
        }
        let Some(shared) = &self.guard else { return };
        let mut breaker = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if breaker.era == self.era && matches!(breaker.circuit, Circuit::HalfOpen) {
            breaker.turn(Circuit::Closed);
            breaker.failures = self.settings.failure_threshold.saturating_sub(1);
            self.era = breaker.era;
        }
    }

    /// The provider answered, whatever it said to this caller.
    pub fn success(mut self, _now: Instant) {
        self.report(|breaker, _| {
            breaker.failures = 0;
            if matches!(breaker.circuit, Circuit::HalfOpen) {
                breaker.turn(Circuit::Closed);
            }
        });
    }

    /// 5xx, timeout or no connection.
    pub fn failure(mut self, now: Instant) {
        self.report(|breaker, settings| {
            breaker.failures = breaker.failures.saturating_add(1);
            let probing = matches!(breaker.circuit, Circuit::HalfOpen);
            if probing || breaker.failures >= settings.failure_threshold {
                breaker.turn(Circuit::Open {
                    since: now,
                    recovery: settings.recovery_timeout,
                });
            }
        });
    }

    fn report(&mut self, change: impl FnOnce(&mut Breaker, BreakerSettings)) {
        let Some(shared) = self.guard.take() else {
            return;
        };
        let mut breaker = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if breaker.era == self.era {
            change(&mut breaker, self.settings);
        }
    }
}

impl Drop for BreakerPass {
    fn drop(&mut self) {
        if !self.probe {
            return;
        }
        let (since, recovery) = (self.admitted, Duration::ZERO);
        self.report(|breaker, _| breaker.turn(Circuit::Open { since, recovery }));
    }
}
