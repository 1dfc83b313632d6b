//! Slowing down whoever guesses passwords: by account and address together, by account, and by address.
//!
//! An attempt counts as failed when it begins, so that many at once gain nothing; a success takes it back.
//! What is remembered is bounded and holds no names.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// A failure is forgotten after this long without another one, in milliseconds.
const MEMORY: i64 = 60 * 60 * 1000;
/// Most that are remembered.
const MOST: usize = 20_000;

/// How strictly a kind of key is treated.
#[derive(Clone, Copy)]
struct Rule {
    /// Failures that cost nothing.
    free: u32,
    /// Longest wait, in milliseconds.
    longest: i64,
}

/// One account from one address.
const PAIR: Rule = Rule {
    free: 5,
    longest: 15 * 60 * 1000,
};
/// One account from anywhere: a short wait, so that strangers cannot lock somebody out for long.
const ACCOUNT: Rule = Rule {
    free: 20,
    longest: 60 * 1000,
};
/// One address for any account: a short wait too, since behind a proxy that is not known it is everybody's.
const ADDRESS: Rule = Rule {
    free: 50,
    longest: 60 * 1000,
};

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    failures: u32,
    last: i64,
    /// No attempt before this time.
    until: i64,
}

/// Counts failures.
#[derive(Debug, Default)]
pub struct Throttle {
    hasher: RandomState,
    entries: Mutex<HashMap<u64, Entry>>,
}

/// An attempt that was let through.
#[derive(Debug)]
pub(super) struct Attempt {
    keys: [u64; 3],
}

impl Throttle {
    /// Lets an attempt through, or says for how many seconds to wait.
    pub(super) fn begin(
        &self,
        account: &str,
        address: Option<IpAddr>,
        now: i64,
    ) -> Result<Attempt, u64> {
        let network = address.map(network);
        let keys = [
            self.hasher.hash_one(("pair", account, network)),
            self.hasher.hash_one(("account", account)),
            self.hasher.hash_one(("address", network)),
        ];
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = keys
            .iter()
            .filter_map(|key| entries.get(key))
            .map(|entry| entry.until - now)
            .max()
            .unwrap_or_default();
        if wait > 0 {
            return Err(u64::try_from(wait).unwrap_or_default().div_ceil(1000));
        }
        for (key, rule) in keys.iter().zip([PAIR, ACCOUNT, ADDRESS]) {
            if entries.len() >= MOST && !entries.contains_key(key) {
                forget(&mut entries, now);
            }
            let entry = entries.entry(*key).or_default();
            if now - entry.last > MEMORY {
                *entry = Entry::default();
            }
            entry.failures = entry.failures.saturating_add(1);
            entry.last = now;
            if let Some(over) = entry.failures.checked_sub(rule.free) {
                // 1 s, 2 s, 4 s, ...
                entry.until = now + (1000_i64 << over.min(20)).min(rule.longest);
            }
        }
        Ok(Attempt { keys })
    }

    /// The attempt was right: the account is clean, and the address no worse than before.
    pub(super) fn succeeded(&self, attempt: &Attempt) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let [pair, account, address] = attempt.keys;
        entries.remove(&pair);
        entries.remove(&account);
        if let Some(entry) = entries.get_mut(&address) {
            entry.failures = entry.failures.saturating_sub(1);
            if entry.failures < ADDRESS.free {
                entry.until = 0;
            }
        }
    }
}

/// Makes room: what is old goes, and else what has failed least.
fn forget(entries: &mut HashMap<u64, Entry>, now: i64) {
    entries.retain(|_, entry| now - entry.last <= MEMORY);
    if entries.len() < MOST {
        return;
    }
    let mut failures: Vec<u32> = entries.values().map(|entry| entry.failures).collect();
    let (_, median, _) = failures.select_nth_unstable(MOST / 2);
    let bound = *median;
    // Half of them at most: those above the median stay whatever happens.
    let mut room = MOST / 4;
    entries.retain(|_, entry| {
        if entry.failures > bound || room == 0 {
            return true;
        }
        room -= 1;
        false
    });
}

/// Of IPv6 the network: one customer has many addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn waits_grow_and_end() {
        let throttle = Throttle::default();
        let mut now = 1_000_000;
        for _ in 0..5 {
            assert!(throttle.begin("a", ip(1), now).is_ok());
        }
        let mut waits = Vec::new();
        for _ in 0..12 {
            let wait = throttle.begin("a", ip(1), now).expect_err("must wait");
            waits.push(wait);
            now += i64::try_from(wait).expect("small") * 1000;
            assert!(throttle.begin("a", ip(1), now).is_ok());
        }
        assert_eq!(waits[..4], [1, 2, 4, 8], "{waits:?}");
        assert_eq!(waits.last(), Some(&900), "{waits:?}");
        assert!(
            throttle.begin("b", ip(1), now).is_ok(),
            "another account is free"
        );
        now += MEMORY + PAIR.longest;
        for _ in 0..5 {
            assert!(throttle.begin("a", ip(1), now).is_ok(), "forgotten");
        }
    }

    #[test]
    fn many_addresses_and_many_accounts_are_slowed_too() {
        let throttle = Throttle::default();
        let by_addresses = (0..100)
            .filter(|n| throttle.begin("a", ip(*n), 5).is_ok())
            .count();
        assert_eq!(by_addresses, 20);
        let wait = throttle
            .begin("a", ip(200), 5)
            .expect_err("the account waits");
        assert!(wait <= 60);
        let by_accounts = (0..100)
            .filter(|n| throttle.begin(&format!("b{n}"), ip(201), 5).is_ok())
            .count();
        assert_eq!(by_accounts, 50);
        let six = |text: &str| Some(text.parse().expect("an address"));
        let by_one_network = (0..100)
            .filter(|n| {
                let address = six(&format!("2001:db8::{n}"));
                throttle.begin(&format!("c{n}"), address, 5).is_ok()
            })
            .count();
        assert_eq!(by_one_network, 50);
    }

    #[test]
    fn a_success_clears_the_account() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            let attempt = throttle
                .begin("a", ip(1), 5)
                .expect("never more than one failure");
            throttle.succeeded(&attempt);
        }
    }

    #[test]
    fn memory_is_bounded_and_the_worst_stay() {
        let throttle = Throttle::default();
        for _ in 0..5 {
            assert!(throttle.begin("victim", ip(1), 5).is_ok());
        }
        for n in 0..30_000_u32 {
            let [a, b, c, d] = n.to_be_bytes();
            let address = IpAddr::from([10 + a, b, c, d]);
            let _ = throttle.begin(&format!("{n}"), Some(address), 5);
        }
        let held = throttle.entries.lock().expect("nobody panicked").len();
        assert!(held <= MOST, "{held}");
        assert!(
            throttle.begin("victim", ip(1), 5).is_err(),
            "still remembered"
        );
    }
}
