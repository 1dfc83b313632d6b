//! All keys of all pools: leasing by turns, statistics, reset.
//!
//! The state of a key outlives the configuration it came from. A lease reads one atomic pointer, looks
//! up its pool and takes the next usable key; the writer's lock is only taken when a pool is seen for
//! the first time.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;

use super::key_state::{Epoch, KeyOutcome, KeyState, KeyStats, Unusable};
use super::lease::{KeyIndex, KeyLease};
use super::news::{KeyRest, RefusedKey};
use super::rotation::Order;
use crate::snapshot::KeyPool;

/// No key of a pool can be used now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolExhausted {
    /// When the first key comes back, where that is known.
    pub retry_after: Option<Duration>,
    /// What stands in the way.
    pub reason: ExhaustedReason,
}

/// Why a pool has nothing to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExhaustedReason {
    /// It has no keys.
    Empty,
    /// All keys that are left were already tried for this request.
    Tried,
    /// Every key is cooling down after a rate limit.
    Cooling,
    /// Every key was refused by the provider.
    Quarantined,
    /// Every usable key has as many calls in flight as it may.
    Busy,
}

impl fmt::Display for PoolExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            ExhaustedReason::Empty => "the key pool is empty",
            ExhaustedReason::Tried => "every key of the pool was tried",
            ExhaustedReason::Cooling => "every key of the pool is cooling down after a rate limit",
            ExhaustedReason::Quarantined => "every key of the pool was refused by the provider",
            ExhaustedReason::Busy => "every key of the pool is busy",
        })
    }
}

impl std::error::Error for PoolExhausted {}

/// The states of one pool's keys in the pool's order, and whose turn it is.
#[derive(Debug)]
struct Seats {
    keys: Vec<Arc<KeyState>>,
    turn: AtomicUsize,
    pool: Weak<KeyPool>,
}

type KeyName = (Arc<str>, Arc<str>);

/// Every key pool's state.
#[derive(Debug)]
pub struct Pools {
    epoch: Epoch,
    seats: ArcSwap<HashMap<u64, Arc<Seats>>>,
    /// By pool name and key id; also the lock of all writers.
    states: Mutex<HashMap<KeyName, Arc<KeyState>>>,
}

impl Pools {
    /// Starts with no history at this moment.
    #[must_use]
    pub fn new(now: Instant, wall: SystemTime) -> Self {
        Self {
            epoch: Epoch::new(now, wall),
            seats: ArcSwap::default(),
            states: Mutex::default(),
        }
    }

    /// Takes the first key that is usable for a model, in the order that the pool's rotation says, but none of those
    /// in `skip`.
    ///
    /// # Errors
    /// When none can be used now.
    pub fn lease(
        &self,
        pool: &Arc<KeyPool>,
        model: &Arc<str>,
        now: Instant,
        skip: &[KeyIndex],
    ) -> Result<KeyLease, PoolExhausted> {
        let known = self.seats.load();
        let registered;
        let seats = if let Some(seats) = known.get(&pool.serial()) {
            seats
        } else {
            registered = self.register(pool);
            &registered
        };
        let mut worst = Refusals::default();
        let turn = seats.turn.load(Ordering::Relaxed);
        for index in Order::of(pool, &seats.keys, turn) {
            if skip.contains(&KeyIndex(index)) {
                continue;
            }
            match seats.keys[index].enter(
                model,
                self.epoch.nanos(now),
                pool.max_concurrency_per_key,
            ) {
                Ok(()) => {
                    seats.turn.store(index + 1, Ordering::Relaxed);
                    let state = seats.keys[index].clone();
                    return Ok(KeyLease {
                        pool: pool.clone(),
                        state,
                        index: KeyIndex(index),
                        model: Arc::clone(model),
                        epoch: self.epoch,
                    });
                }
                Err(why) => worst.add(why),
            }
        }
        Err(worst.exhausted(seats.keys.len()))
    }

    /// Gives a pool seen for the first time its seats, with what is known of its keys.
    fn register(&self, pool: &Arc<KeyPool>) -> Arc<Seats> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = HashMap::clone(&self.seats.load());
        if let Some(seats) = all.get(&pool.serial()) {
            return seats.clone();
        }
        all.retain(|_, seats| seats.pool.strong_count() > 0);
        let keys = pool.keys.iter().map(|key| {
            let state = states
                .entry((pool.name.clone(), key.id.clone()))
                .or_default();
            state.repurpose(pool.purpose);
            state.clone()
        });
        let seats = Arc::new(Seats {
            keys: keys.collect(),
            turn: AtomicUsize::new(0),
            pool: Arc::downgrade(pool),
        });
        all.insert(pool.serial(), seats.clone());
        self.seats.store(Arc::new(all));
        seats
    }

    /// Makes the pools of a new snapshot known before its first request, and forgets keys that no
    /// living snapshot has.
    pub fn adopt<'a>(&self, pools: impl IntoIterator<Item = &'a Arc<KeyPool>>) {
        for pool in pools {
            if !self.seats.load().contains_key(&pool.serial()) {
                self.register(pool);
            }
        }
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = HashMap::clone(&self.seats.load());
        all.retain(|_, seats| seats.pool.strong_count() > 0);
        self.seats.store(Arc::new(all));
        // A state held by the map alone belongs to no pool and no call.
        states.retain(|_, state| Arc::strong_count(state) > 1);
    }

    /// What is known of every key, by pool and key.
    #[must_use]
    pub fn stats(&self, now: Instant) -> Vec<KeyStats> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.epoch.nanos(now);
        let mut rows: Vec<_> = states
            .iter()
            .map(|((pool, key), state)| state.stats(pool, key, self.epoch, now))
            .collect();
        rows.sort_by(|a, b| (&a.pool, &a.key).cmp(&(&b.pool, &b.key)));
        rows
    }

    /// Counts a call that was made without a lease, such as a check.
    pub fn report(
        &self,
        pool: &str,
        key: &str,
        model: &Arc<str>,
        outcome: KeyOutcome,
        now: Instant,
    ) {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = states.get(&(pool.into(), key.into())) {
            state.settle(model, outcome, self.epoch.nanos(now));
        }
    }

    /// Which keys rest and which were refused here, for other hubs.
    #[must_use]
    pub fn tell(&self, now: Instant) -> (Vec<KeyRest>, Vec<RefusedKey>) {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.epoch.nanos(now);
        let (mut rests, mut refused) = (Vec::new(), Vec::new());
        for ((pool, key), state) in states.iter() {
            rests.extend(
                state
                    .own_rests(now)
                    .into_iter()
                    .map(|(model, left)| KeyRest {
                        pool: Arc::clone(pool),
                        key: Arc::clone(key),
                        model,
                        left_ms: left.div_ceil(1_000_000),
                    }),
            );
            let status = state.own_refusal();
            if status != 0 {
                let (pool, key) = (Arc::clone(pool), Arc::clone(key));
                refused.push(RefusedKey { pool, key, status });
            }
        }
        (rests, refused)
    }

    /// What other hubs say of keys, in place of what they said before. Keys that are not here are nobody's.
    pub fn hear<'a>(
        &self,
        rests: impl IntoIterator<Item = &'a KeyRest>,
        refused: impl IntoIterator<Item = &'a RefusedKey>,
        now: Instant,
    ) {
        let mut resting: HashMap<(&str, &str), Vec<&KeyRest>> = HashMap::new();
        for rest in rests {
            let name = (&*rest.pool, &*rest.key);
            resting.entry(name).or_default().push(rest);
        }
        let named = refused
            .into_iter()
            .map(|key| ((&*key.pool, &*key.key), key));
        let refused: HashMap<(&str, &str), &RefusedKey> = named.collect();
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.epoch.nanos(now);
        for ((pool, key), state) in states.iter() {
            let name = (&**pool, &**key);
            let rests = resting.remove(&name).unwrap_or_default();
            state.hear(&rests, refused.get(&name).copied(), now);
        }
    }

    /// Ends cool-down and quarantine of one key of a pool, or of all; says how many keys it touched.
    pub fn reset(&self, pool: &str, key: Option<&str>) -> usize {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let mut touched = 0;
        for ((name, id), state) in states.iter() {
            if **name == *pool && key.is_none_or(|key| **id == *key) {
                state.reset();
                touched += 1;
            }
        }
        touched
    }
}

/// What was found on the way round a pool without success.
#[derive(Debug, Default)]
struct Refusals {
    cooling: Option<Duration>,
    quarantined: bool,
    busy: bool,
}

impl Refusals {
    fn add(&mut self, why: Unusable) {
        match why {
            Unusable::Cooling(rest) => {
                self.cooling = Some(self.cooling.map_or(rest, |least| least.min(rest)));
            }
            Unusable::Quarantined => self.quarantined = true,
            Unusable::Busy => self.busy = true,
        }
    }

    /// The reason that ends soonest is the one to tell.
    fn exhausted(&self, keys: usize) -> PoolExhausted {
        let reason = match self {
            _ if keys == 0 => ExhaustedReason::Empty,
            Self { busy: true, .. } => ExhaustedReason::Busy,
            Self {
                cooling: Some(_), ..
            } => ExhaustedReason::Cooling,
            Self {
                quarantined: true, ..
            } => ExhaustedReason::Quarantined,
            _ => ExhaustedReason::Tried,
        };
        let retry_after = if self.busy {
            Some(Duration::from_secs(1))
        } else {
            self.cooling
        };
        PoolExhausted {
            retry_after,
            reason,
        }
    }
}
