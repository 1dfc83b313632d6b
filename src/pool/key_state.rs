//! One key's fortunes: its counters, its cool-down, its quarantine.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use super::news::{KeyRest, RefusedKey};

/// The longest cool-down, whatever an upstream asks for.
pub(super) const LONGEST_COOL_DOWN: Duration = Duration::from_secs(3600);
/// The longest cool-down when the upstream names none.
const LONGEST_GROWN: Duration = Duration::from_secs(60);
/// Models whose rests one key remembers; names come from clients where a provider takes any.
const MOST_RESTS: usize = 256;

/// A key's rest for one model.
#[derive(Clone, Copy, Debug, Default)]
struct Rest {
    /// When it ends.
    until: u64,
    /// Rate limits in a row.
    streak: u32,
}

/// What other hubs say of a key.
#[derive(Debug, Default)]
struct Hearsay {
    /// When its rest for a model ends.
    rests: BTreeMap<Arc<str>, u64>,
    /// The status that set it aside, or 0.
    refused_by: u16,
}

/// How a call with a key ended, as far as the key is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOutcome {
    /// An answer with this status that says nothing against the key.
    Status(u16),
    /// 429: the key must rest.
    RateLimited {
        /// As long as the upstream asked for; `None` lets it grow by itself.
        retry_after: Option<Duration>,
    },
    /// The upstream does not know the key: it is set aside until it is reset or configured anew.
    AuthFailed(u16),
    /// No answer at all; not the key's fault.
    ConnectionFailed,
}

/// What is known of one key.
#[derive(Clone, Debug, Serialize)]
pub struct KeyStats {
    /// The pool it is in.
    pub pool: Arc<str>,
    /// The masked key.
    pub key: Arc<str>,
    /// `active`, `cooling`, `half-open` (it has rested, and the next call shows whether that was enough), or
    /// `quarantined`.
    pub state: &'static str,
    /// Settled calls.
    pub total: u64,
    /// Of these, answered below 400.
    pub successful: u64,
    /// The others.
    pub failed: u64,
    /// `successful / total`, 0 to 1; `None` before the first call.
    pub success_rate: Option<f64>,
    /// When a call with it last ended.
    #[serde(serialize_with = "unix_seconds")]
    pub last_used: Option<SystemTime>,
    /// How often each status came.
    pub status_codes: BTreeMap<u16, u64>,
    /// Calls in flight.
    pub in_flight: usize,
    /// Seconds until it may be used again for every model.
    pub cooling_seconds: Option<u64>,
    /// The status that set it aside.
    pub quarantined_by: Option<u16>,
    /// The status of the last call that failed; 0 when no answer came.
    pub last_error: Option<u16>,
}

fn unix_seconds<S: serde::Serializer>(
    time: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
        .map(|since| since.as_secs())
        .serialize(serializer)
}

/// Where instants and wall time meet: all times below are counted from here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch {
    instant: Instant,
    wall: SystemTime,
}

impl Epoch {
    pub(super) const fn new(instant: Instant, wall: SystemTime) -> Self {
        Self { instant, wall }
    }

    /// Nanoseconds since the epoch, never 0, so that 0 can mean "never".
    pub(super) fn nanos(self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.instant).as_nanos();
        u64::try_from(since)
            .unwrap_or(u64::MAX - 1)
            .saturating_add(1)
    }

    fn wall(self, nanos: u64) -> SystemTime {
        self.wall + Duration::from_nanos(nanos)
    }
}

/// Why a key cannot be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It rests for this long.
    Cooling(Duration),
    /// It was refused.
    Quarantined,
    /// It has as many calls in flight as it may.
    Busy,
}

#[derive(Debug, Default)]
pub(super) struct KeyState {
    total: AtomicU64,
    successful: AtomicU64,
    last_used: AtomicU64,
    /// When a call with it last went well.
    last_well: AtomicU64,
    in_flight: AtomicUsize,
    /// How many entries `rests` has: a key that was never limited is not locked for a look.
    resting: AtomicUsize,
    /// Vendors limit each model apart: a key that must rest for one serves the others.
    rests: Mutex<BTreeMap<Arc<str>, Rest>>,
    /// The status that set it aside, or 0.
    quarantined_by: AtomicU16,
    /// What the key was used for when it was set aside.
    purpose: AtomicU64,
    /// One more than the status of the last failure, or 0.
    last_error: AtomicU16,
    status_codes: Mutex<BTreeMap<u16, u64>>,
    /// Whether `hearsay` holds anything: a key that nobody speaks of is not locked for a look.
    is_spoken_of: AtomicBool,
    hearsay: Mutex<Hearsay>,
}

impl KeyState {
    /// Takes the key for one call of a model.
    pub(super) fn enter(
        &self,
        model: &str,
        now: u64,
        limit: Option<usize>,
    ) -> Result<(), Unusable> {
        if self.refused_by() != 0 {
            return Err(Unusable::Quarantined);
        }
        let until = self.rest_of(model);
        if until > now {
            return Err(Unusable::Cooling(Duration::from_nanos(until - now)));
        }
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        if limit.is_some_and(|limit| before >= limit) {
            self.leave();
            return Err(Unusable::Busy);
        }
        Ok(())
    }

    /// How many calls are in flight with it.
    pub(super) fn busy(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn settle(&self, model: &Arc<str>, outcome: KeyOutcome, now: u64) {
        self.total.fetch_add(1, Ordering::Relaxed);
        self.last_used.store(now, Ordering::Relaxed);
        let failed = match outcome {
            KeyOutcome::Status(status) if status < 400 => None,
            KeyOutcome::Status(status) | KeyOutcome::AuthFailed(status) => Some(status),
            KeyOutcome::RateLimited { .. } => Some(429),
            KeyOutcome::ConnectionFailed => Some(0),
        };
        if let Some(status) = failed {
            self.last_error
                .store(status.saturating_add(1), Ordering::Relaxed);
        }
        match outcome {
            KeyOutcome::Status(status) => {
                if status < 400 {
                    self.successful.fetch_add(1, Ordering::Relaxed);
                    self.last_well.store(now, Ordering::Relaxed);
                    self.recovered(model, now);
                }
                self.count(status);
            }
            KeyOutcome::RateLimited { retry_after } => {
                self.cool(model, retry_after, now);
                self.count(429);
            }
            KeyOutcome::AuthFailed(status) => {
                self.quarantined_by.store(status.max(1), Ordering::Relaxed);
                self.count(status);
            }
            KeyOutcome::ConnectionFailed => {}
        }
    }

    fn rests(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Rest>> {
        self.rests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the key may be used for a model again; 0 is now.
    fn rest_of(&self, model: &str) -> u64 {
        let heard = self.heard(|heard| heard.rests.get(model).copied().unwrap_or(0));
        if self.resting.load(Ordering::Relaxed) == 0 {
            return heard;
        }
        let rests = self.rests();
        rests.get(model).map_or(0, |rest| rest.until).max(heard)
    }

    /// The status that set it aside, here or in another hub; 0 when none did.
    fn refused_by(&self) -> u16 {
        match self.quarantined_by.load(Ordering::Relaxed) {
            0 => self.heard(|heard| heard.refused_by),
            status => status,
        }
    }

    fn heard<T: Default>(&self, look: impl FnOnce(&Hearsay) -> T) -> T {
        if !self.is_spoken_of.load(Ordering::Relaxed) {
            return T::default();
        }
        look(&self.hearsay.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What other hubs say of the key, in place of what they said before.
    pub(super) fn hear(&self, rests: &[&KeyRest], refused: Option<&RefusedKey>, now: u64) {
        let is_spoken_of = !rests.is_empty() || refused.is_some();
        if !is_spoken_of && !self.is_spoken_of.load(Ordering::Relaxed) {
            return;
        }
        let mut heard = Hearsay {
            refused_by: refused.map_or(0, |refused| refused.status.max(1)),
            ..Hearsay::default()
        };
        for rest in rests.iter().take(MOST_RESTS) {
            let left = Duration::from_millis(rest.left_ms).min(LONGEST_COOL_DOWN);
            let until = now.saturating_add(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX));
            let known = heard.rests.entry(Arc::clone(&rest.model)).or_default();
            *known = until.max(*known);
        }
        *self.hearsay.lock().unwrap_or_else(PoisonError::into_inner) = heard;
        self.is_spoken_of.store(is_spoken_of, Ordering::Relaxed);
    }

    /// The rests that calls of this hub have brought about: the models, and nanoseconds left.
    pub(super) fn own_rests(&self, now: u64) -> Vec<(Arc<str>, u64)> {
        if self.resting.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        let rests = self.rests();
        let left = rests.iter().filter(|(_, rest)| rest.until > now);
        left.map(|(model, rest)| (Arc::clone(model), rest.until - now))
            .collect()
    }

    /// The status with which a call of this hub set it aside; 0 when none did.
    pub(super) fn own_refusal(&self) -> u16 {
        self.quarantined_by.load(Ordering::Relaxed)
    }

    /// A call went well. One that began before the key was limited does not end the rest.
    fn recovered(&self, model: &str, now: u64) {
        if self.resting.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut rests = self.rests();
        match rests.get_mut(model) {
            Some(rest) if rest.until > now => rest.streak = 0,
            Some(_) => {
                rests.remove(model);
                self.resting.store(rests.len(), Ordering::Relaxed);
            }
            None => {}
        }
    }

    /// Calls that were in flight together and are all limited count as one: only a limit that comes
    /// after the cool-down has passed makes the next one longer.
    fn cool(&self, model: &Arc<str>, retry_after: Option<Duration>, now: u64) {
        let mut rests = self.rests();
        if rests.len() >= MOST_RESTS {
            rests.retain(|_, rest| rest.until > now);
        }
        if rests.len() >= MOST_RESTS && !rests.contains_key(model) {
            // That many limited models are one limited key: the rest that ends first makes room.
            let soonest = rests.iter().min_by_key(|(_, rest)| rest.until);
            if let Some(name) = soonest.map(|(name, _)| Arc::clone(name)) {
                rests.remove(&name);
            }
        }
        let rest = rests.entry(Arc::clone(model)).or_default();
        let wanted = retry_after.filter(|wait| !wait.is_zero()).map_or_else(
            || {
                if rest.until <= now {
                    rest.streak = rest.streak.saturating_add(1);
                }
                Duration::from_secs(1 << rest.streak.saturating_sub(1).min(6)).min(LONGEST_GROWN)
            },
            |wait| wait.min(LONGEST_COOL_DOWN),
        );
        let until = now.saturating_add(u64::try_from(wanted.as_nanos()).unwrap_or(u64::MAX));
        rest.until = rest.until.max(until);
        self.resting.store(rests.len(), Ordering::Relaxed);
    }

    fn count(&self, status: u16) {
        let mut codes = self
            .status_codes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *codes.entry(status).or_default() += 1;
    }

    /// A key that is now used for something else gets another chance.
    pub(super) fn repurpose(&self, purpose: u64) {
        if self.purpose.swap(purpose, Ordering::Relaxed) != purpose {
            self.quarantined_by.store(0, Ordering::Relaxed);
        }
    }

    /// Ends cool-down and quarantine.
    pub(super) fn reset(&self) {
        self.quarantined_by.store(0, Ordering::Relaxed);
        let mut rests = self.rests();
        rests.clear();
        self.resting.store(0, Ordering::Relaxed);
        drop(rests);
        self.hear(&[], None, 0);
    }

    pub(super) fn stats(
        &self,
        pool: &Arc<str>,
        key: &Arc<str>,
        epoch: Epoch,
        now: u64,
    ) -> KeyStats {
        let total = self.total.load(Ordering::Relaxed);
        let successful = self.successful.load(Ordering::Relaxed).min(total);
        let quarantined = self.refused_by();
        let longest = self.rests().values().map(|rest| rest.until).max();
        let last_well = self.last_well.load(Ordering::Relaxed);
        let is_on_trial = longest.is_some_and(|until| last_well < until);
        let heard = self.heard(|heard| heard.rests.values().copied().max().unwrap_or(0));
        let cooling = longest.unwrap_or(0).max(heard).saturating_sub(now);
        let last_used = self.last_used.load(Ordering::Relaxed);
        KeyStats {
            pool: pool.clone(),
            key: key.clone(),
            state: match (quarantined, cooling) {
                (0, 0) if is_on_trial => "half-open",
                (0, 0) => "active",
                (0, _) => "cooling",
                _ => "quarantined",
            },
            total,
            successful,
            failed: total - successful,
            #[expect(
                clippy::cast_precision_loss,
                reason = "a rate for people needs no more than 52 bits"
            )]
            success_rate: (total > 0).then(|| successful as f64 / total as f64),
            last_used: (last_used > 0).then(|| epoch.wall(last_used)),
            status_codes: self
                .status_codes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            in_flight: self.busy(),
            cooling_seconds: (cooling > 0).then(|| cooling.div_ceil(1_000_000_000)),
            quarantined_by: (quarantined > 0).then_some(quarantined),
            last_error: self.last_error.load(Ordering::Relaxed).checked_sub(1),
        }
    }
}
