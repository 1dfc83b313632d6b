//! The meters of all client keys, and what of them has to be written down.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use super::meter::Meter;
use super::period::Period;
use super::purse::{Delta, Purse};
use crate::pool::news::ClientKeyUse;

/// An amount that the database does not know yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Id of the client key.
    pub key: Arc<str>,
    /// When.
    pub period: Period,
    /// How much.
    pub delta: Delta,
}

/// The meters of all client keys, by id.
#[derive(Debug)]
pub struct Meters {
    started: Instant,
    meters: RwLock<HashMap<Arc<str>, Arc<Meter>>>,
}

impl Meters {
    /// Begins to count at this moment.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            started: now,
            meters: RwLock::default(),
        }
    }

    /// The meter of a client key.
    #[must_use]
    pub fn of(&self, key: &Arc<str>) -> Arc<Meter> {
        if let Some(meter) = self.known(key) {
            return meter;
        }
        let mut meters = self.meters.write().unwrap_or_else(PoisonError::into_inner);
        let meter = meters
            .entry(Arc::clone(key))
            .or_insert_with(|| Arc::new(Meter::new(self.started)));
        Arc::clone(meter)
    }

    /// The meter of a client key that was used since the start.
    #[must_use]
    pub fn known(&self, key: &str) -> Option<Arc<Meter>> {
        let meters = self.meters.read().unwrap_or_else(PoisonError::into_inner);
        meters.get(key).map(Arc::clone)
    }

    /// Forgets keys that are not among these, once nothing of theirs is under way and the month in which they spent
    /// is over: a key that is disabled for an hour has not got its budget back.
    pub fn retain(&self, wall_ms: i64, is_key: impl Fn(&str) -> bool) {
        let month = Period::month(wall_ms);
        let mut meters = self.meters.write().unwrap_or_else(PoisonError::into_inner);
        meters.retain(|key, meter| {
            is_key(key)
                || Arc::strong_count(meter) > 1
                || !meter.is_quiet()
                || meter.spent(month).0 > 0
        });
    }

    /// What has to be written. Every amount is given once, and then awaits [`Meters::arrived`] or
    /// [`Meters::bounced`].
    #[must_use]
    pub fn collect(&self) -> Vec<Due> {
        let mut due = Vec::new();
        for (key, meter) in self.all() {
            meter.with_purse(|purse| {
                purse.collect(|period, delta| {
                    due.push(Due {
                        key: Arc::clone(&key),
                        period,
                        delta,
                    });
                });
            });
        }
        // In one order in all hubs, so that their transactions wait for each other and never in a circle.
        due.sort_unstable_by(|a, b| (&a.key, a.period).cmp(&(&b.key, b.period)));
        due
    }

    /// The database has these amounts.
    pub fn arrived(&self, due: &[Due]) {
        for one in due {
            self.of(&one.key)
                .with_purse(|purse| purse.arrived(one.period));
        }
    }

    /// The database did not take these amounts; they are due again.
    pub fn bounced(&self, due: &[Due]) {
        for one in due {
            self.of(&one.key)
                .with_purse(|purse| purse.bounced(one.period));
        }
    }

    /// Amounts that were spent before this process began, and are still to be written.
    pub fn owe(&self, due: &[Due]) {
        for one in due {
            self.of(&one.key)
                .with_purse(|purse| purse.spend(one.period, one.delta));
        }
    }

    /// All that the database is not known to have, also what is on its way: nobody waits for it any more.
    #[must_use]
    pub fn give_up(&self) -> Vec<Due> {
        for (_, meter) in self.all() {
            meter.with_purse(Purse::all_bounced);
        }
        self.collect()
    }

    /// What the database says was spent, by this hub and others.
    pub fn learn(&self, key: &Arc<str>, period: Period, total: i64) {
        self.of(key).with_purse(|purse| purse.known(period, total));
    }

    /// Keys that were used, and when, each once a minute at most.
    #[must_use]
    pub fn uses(&self) -> Vec<(Arc<str>, i64)> {
        let all = self.all();
        let uses = all
            .into_iter()
            .filter_map(|(key, meter)| Some((key, meter.take_use()?)));
        uses.collect()
    }

    /// What client keys use here, for other hubs.
    #[must_use]
    pub fn tell(&self, now: Instant) -> Vec<ClientKeyUse> {
        let all = self.all();
        all.iter()
            .filter_map(|(key, meter)| meter.tell(key, now))
            .collect()
    }

    /// What other hubs say that client keys use there, in place of what they said before.
    pub fn hear<'a>(&self, told: impl IntoIterator<Item = &'a ClientKeyUse>, now: Instant) {
        let mut by_key: HashMap<&Arc<str>, Vec<&ClientKeyUse>> = HashMap::new();
        for one in told {
            by_key.entry(&one.key).or_default().push(one);
        }
        for (key, meter) in self.all() {
            meter.hear(&by_key.remove(&key).unwrap_or_default(), now);
        }
        for (key, told) in by_key {
            self.of(key).hear(&told, now);
        }
    }

    fn all(&self) -> Vec<(Arc<str>, Arc<Meter>)> {
        let meters = self.meters.read().unwrap_or_else(PoisonError::into_inner);
        let all = meters
            .iter()
            .map(|(key, meter)| (Arc::clone(key), Arc::clone(meter)));
        all.collect()
    }
}
