//! What one client key uses, and whether it may use more.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::elsewhere::Elsewhere;
use super::period::Period;
use super::purse::{Delta, Purse};
use super::refusal::Refusal;
use super::reservation::{Hold, Reservation, Spend};
use super::window::{SECONDS, Window};
use crate::pool::news::ClientKeyUse;
use crate::snapshot::Allowance;

/// How fine the time of the last use is kept.
const USE_GRAIN_MS: i64 = 60_000;

/// More than a million dollars costs no request: it is a fault of the upstream's counting or of a price. Sums of
/// such amounts still fit their column.
const MOST_NANO_USD: i64 = 1_000_000_000_000_000;
/// More tokens has no request.
const MOST_TOKENS: i64 = 1 << 40;

/// Both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Never goes back.
    pub now: Instant,
    /// Milliseconds since 1970; may jump.
    pub wall_ms: i64,
}

/// What a request may come to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Tokens, input and output; 0 for a request that uses none.
    pub tokens: u64,
    /// Billionths of a US dollar; 0 where the price is not known.
    pub nano_usd: i64,
}

/// How much room a limit has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The limit.
    pub limit: u64,
    /// What is left of it.
    pub left: u64,
    /// When all of it is there again, if nothing more is used.
    pub whole_in: Duration,
}

/// How a key stands with its limits by the minute, for the headers of its answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Requests; absent when not limited.
    pub requests: Option<Room>,
    /// Tokens; absent when not limited.
    pub tokens: Option<Room>,
}

/// What one client key uses.
#[derive(Debug)]
pub struct Meter {
    started: Instant,
    used_ms: AtomicI64,
    noted_ms: AtomicI64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    in_flight: u32,
    tokens_reserved: u64,
    /// Made when a limit first asks for them.
    requests: Option<Box<Window>>,
    tokens: Option<Box<Window>>,
    /// What other hubs say they serve; absent when none does.
    elsewhere: Option<Box<Elsewhere>>,
    purse: Purse,
}

impl Meter {
    pub(super) fn new(started: Instant) -> Self {
        Self {
            started,
            used_ms: AtomicI64::new(0),
            noted_ms: AtomicI64::new(0),
            state: Mutex::default(),
        }
    }

    /// Lets a request in, or says which limit stands in the way. A request that is refused uses nothing.
    ///
    /// One request is always let in while a limit has anything left and nothing is reserved, however much it may
    /// need: else the rest of a budget, or a limit below one request, could never be used.
    ///
    /// # Errors
    /// The first limit that is reached.
    pub fn admit(
        self: &Arc<Self>,
        allowance: &Allowance,
        demand: Demand,
        moment: Moment,
    ) -> Result<(Reservation, Standing), Refusal> {
        let second = self.second(moment.now);
        let mut guard = self.state();
        let state = &mut *guard;
        let hold = Hold {
            tokens: demand.tokens.min(allowance.tpm.unwrap_or(0)),
            nano_usd: demand.nano_usd.max(0),
            day: Period::day(moment.wall_ms),
            month: Period::month(moment.wall_ms),
        };
        state.check(allowance, demand, &hold, second, moment.wall_ms)?;
        state.in_flight += 1;
        state.tokens_reserved = state.tokens_reserved.saturating_add(hold.tokens);
        state.purse.reserve(hold.day, hold.nano_usd);
        state.purse.reserve(hold.month, hold.nano_usd);
        if allowance.rpm.is_some() {
            state.requests_window().add(second, 1);
        }
        let standing = state.standing(allowance, second);
        drop(guard);
        Ok((Reservation::new(Arc::clone(self), hold), standing))
    }

    /// How the key stands.
    #[must_use]
    pub fn standing(&self, allowance: &Allowance, now: Instant) -> Standing {
        self.state().standing(allowance, self.second(now))
    }

    /// What was spent in a period and what is reserved on top, in billionths of a US dollar.
    #[must_use]
    pub fn spent(&self, period: Period) -> (i64, i64) {
        self.state().purse.of(period)
    }

    /// Requests in flight.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.state().in_flight
    }

    /// Tokens that requests in flight may come to use.
    #[must_use]
    pub fn tokens_reserved(&self) -> u64 {
        self.state().tokens_reserved
    }

    /// What the key uses here, for other hubs; `None` when it uses nothing.
    pub(super) fn tell(&self, key: &Arc<str>, now: Instant) -> Option<ClientKeyUse> {
        let second = self.second(now);
        let mut state = self.state();
        let ages = |window: &mut Option<Box<Window>>| {
            window
                .as_mut()
                .map(|window| window.by_age(second))
                .unwrap_or_default()
        };
        let told = ClientKeyUse {
            key: Arc::clone(key),
            requests: ages(&mut state.requests),
            tokens: ages(&mut state.tokens),
            in_flight: state.in_flight,
            tokens_reserved: state.tokens_reserved,
        };
        let is_used = told.in_flight > 0 || !told.requests.is_empty() || !told.tokens.is_empty();
        is_used.then_some(told)
    }

    /// What other hubs say the key uses there, in place of what they said before.
    pub(super) fn hear(&self, told: &[&ClientKeyUse], now: Instant) {
        let second = self.second(now);
        let heard = (!told.is_empty()).then(|| Box::new(Elsewhere::of(told, second)));
        self.state().elsewhere = heard;
    }

    /// Notes that the key was used.
    pub fn touch(&self, wall_ms: i64) {
        self.used_ms.store(wall_ms, Ordering::Relaxed);
    }

    /// The time of the last use, once a minute at most.
    pub(super) fn take_use(&self) -> Option<i64> {
        let used = self.used_ms.load(Ordering::Relaxed);
        let noted = self.noted_ms.load(Ordering::Relaxed);
        // A clock that went back is a reason to note it, too.
        let due = used != 0 && used != noted && used.abs_diff(noted) >= USE_GRAIN_MS as u64;
        due.then(|| {
            self.noted_ms.store(used, Ordering::Relaxed);
            used
        })
    }

    /// The reservation's request is over.
    pub(super) fn release(&self, hold: &Hold, spend: Option<(Spend, Instant)>) {
        let mut guard = self.state();
        let state = &mut *guard;
        state.in_flight = state.in_flight.saturating_sub(1);
        state.tokens_reserved = state.tokens_reserved.saturating_sub(hold.tokens);
        state.purse.release(hold.day, hold.nano_usd);
        state.purse.release(hold.month, hold.nano_usd);
        let Some((spend, now)) = spend else { return };
        if let Some(window) = &mut state.tokens {
            window.add(self.second(now), spend.tokens);
        }
        let delta = Delta {
            nano_usd: spend.nano_usd.unwrap_or(0).clamp(0, MOST_NANO_USD),
            tokens: i64::try_from(spend.tokens)
                .unwrap_or(i64::MAX)
                .min(MOST_TOKENS),
            requests: 1,
        };
        // The periods in which the request began: there its budget was reserved.
        state.purse.spend(hold.day, delta);
        state.purse.spend(hold.month, delta);
    }

    /// Works on what was spent.
    pub(super) fn with_purse<T>(&self, work: impl FnOnce(&mut Purse) -> T) -> T {
        work(&mut self.state().purse)
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state();
        state.in_flight == 0 && state.purse.is_quiet()
    }

    /// Counted from a minute before the start: what other hubs have served by then has its place.
    fn second(&self, now: Instant) -> u64 {
        SECONDS + now.saturating_duration_since(self.started).as_secs()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check(
        &mut self,
        allowance: &Allowance,
        demand: Demand,
        hold: &Hold,
        second: u64,
        wall_ms: i64,
    ) -> Result<(), Refusal> {
        if let Some(limit) = allowance
            .max_concurrency
            .filter(|limit| self.in_flight_everywhere() >= *limit)
        {
            return Err(Refusal::Concurrency { limit });
        }
        // What is spent comes before what passes by itself: it is the reason that matters.
        for (period, budget) in [
            (hold.day, allowance.budget_day_nano_usd),
            (hold.month, allowance.budget_month_nano_usd),
        ] {
            let Some(budget) = budget else { continue };
            let (spent, reserved) = self.purse.of(period);
            if spent >= budget {
                let wait = period.rest(wall_ms);
                return Err(Refusal::Exhausted { period, wait });
            }
            let all = spent.saturating_add(reserved).saturating_add(hold.nano_usd);
            if reserved > 0 && all > budget {
                return Err(Refusal::Reserved { period });
            }
        }
        if let Some(limit) = allowance.rpm {
            let (window, other) = self.requests_windows();
            if used(window, other, second) >= limit {
                let (window, other) = self.requests_windows();
                let wait = Duration::from_secs(window.wait(other, second, limit.saturating_sub(1)));
                return Err(Refusal::Requests { limit, wait });
            }
        }
        match allowance.tpm {
            Some(limit) => self.check_tokens(limit, demand, hold, second),
            None => Ok(()),
        }
    }

    fn check_tokens(
        &mut self,
        limit: u64,
        demand: Demand,
        hold: &Hold,
        second: u64,
    ) -> Result<(), Refusal> {
        let reserved = self.tokens_reserved_everywhere();
        let (window, other) = self.tokens_windows();
        let used = used(window, other, second);
        let taken = used.saturating_add(reserved);
        if hold.tokens == 0 || taken == 0 || taken.saturating_add(hold.tokens) <= limit {
            return Ok(());
        }
        let most = limit.saturating_sub(hold.tokens).saturating_sub(reserved);
        // Where the reservations of others are in the way, nobody knows how long they stay.
        let wait = if used == 0 {
            1
        } else {
            let (window, other) = self.tokens_windows();
            window.wait(other, second, most)
        };
        Err(Refusal::Tokens {
            limit,
            wanted: demand.tokens,
            wait: Duration::from_secs(wait),
        })
    }

    fn standing(&mut self, allowance: &Allowance, second: u64) -> Standing {
        let reserved = self.tokens_reserved_everywhere();
        Standing {
            requests: allowance
                .rpm
                .map(|limit| room(limit, self.requests_windows(), 0, second)),
            tokens: allowance
                .tpm
                .map(|limit| room(limit, self.tokens_windows(), reserved, second)),
        }
    }

    fn in_flight_everywhere(&self) -> u32 {
        let elsewhere = self.elsewhere.as_ref().map_or(0, |there| there.in_flight);
        self.in_flight.saturating_add(elsewhere)
    }

    fn tokens_reserved_everywhere(&self) -> u64 {
        let elsewhere = self
            .elsewhere
            .as_ref()
            .map_or(0, |there| there.tokens_reserved);
        self.tokens_reserved.saturating_add(elsewhere)
    }

    fn requests_window(&mut self) -> &mut Window {
        self.requests_windows().0
    }

    /// What was used here, and by way of other hubs.
    fn requests_windows(&mut self) -> Windows<'_> {
        let here = self.requests.get_or_insert_with(|| Box::new(Window::new()));
        (
            here,
            self.elsewhere.as_mut().map(|there| &mut there.requests),
        )
    }

    fn tokens_windows(&mut self) -> Windows<'_> {
        let here = self.tokens.get_or_insert_with(|| Box::new(Window::new()));
        (here, self.elsewhere.as_mut().map(|there| &mut there.tokens))
    }
}

type Windows<'a> = (&'a mut Window, Option<&'a mut Window>);

fn used(here: &mut Window, there: Option<&mut Window>, second: u64) -> u64 {
    let there = there.map_or(0, |there| there.used(second));
    here.used(second).saturating_add(there)
}

fn room(limit: u64, (here, mut there): Windows<'_>, reserved: u64, second: u64) -> Room {
    let used = used(here, there.as_deref_mut(), second);
    Room {
        limit,
        left: limit.saturating_sub(used).saturating_sub(reserved),
        whole_in: Duration::from_secs(match (used, reserved) {
            (0, 0) => 0,
            (_, 0) => here.wait(there, second, 0),
            // What is reserved counts from when it is used, and that is now at the earliest.
            _ => SECONDS,
        }),
    }
}
