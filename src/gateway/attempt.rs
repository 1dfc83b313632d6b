//! Tries the targets of an order in turn, until one has content for the client.
//!
//! Before the first content: the next key on 429 and on a refused key, the same target again on timeouts and
//! broken connections while retries and budget last, then the next target; never anything on the client's own
//! mistake. After the first content nothing is tried any more, which is the stream's business.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use translator::error::{Failure, FailureKind};

use super::admit::{Held, Leave, Place, Refused};
use super::live::Live;
use super::order::Order;
use super::prepare::{Lane, Prepared, prepare};
use super::reach::{Reach, Reached};
use super::retry::pause;
use super::send::{Blame, Fault, is_about_state};
use super::settle::Account;
use super::verdict::{Begun, Lost, Verbatim, Verdict, Whole};
use crate::ledger::{Side, TRACEPARENT};
use crate::pool::{ExhaustedReason, KeyIndex};
use crate::routing::PlannedTarget;

/// Why a target gave nothing.
struct Miss {
    failure: Failure,
    verbatim: Option<Verbatim>,
    /// Nobody else is to be asked.
    last: bool,
}

impl Miss {
    const fn of(failure: Failure) -> Self {
        Self {
            failure,
            verbatim: None,
            last: false,
        }
    }
}

/// Tries the targets in turn.
pub(super) async fn run(mut order: Box<Order>, mut account: Account) -> Verdict {
    order.hub.retries.deposit();
    let targets = std::mem::take(&mut order.targets);
    let mut lost: Option<(Miss, Arc<PlannedTarget>)> = None;
    for target in targets {
        account.target(&target);
        match Try::new(&order, &target).run(&mut account).await {
            Ok(Got::Whole(whole)) => {
                let Gained {
                    what,
                    usage,
                    report,
                    headers,
                } = *whole;
                return Verdict::Whole(Box::new(Whole {
                    body: what,
                    usage,
                    report,
                    headers,
                    target,
                    account,
                }));
            }
            Ok(Got::Begun(begun)) => {
                let Gained {
                    what,
                    report,
                    headers,
                    ..
                } = *begun;
                let Opened {
                    live,
                    first,
                    ended,
                    held,
                } = what;
                return Verdict::Begun(Box::new(Begun {
                    live,
                    first,
                    ended,
                    report,
                    headers,
                    target,
                    held,
                    account,
                }));
            }
            Err(miss) => {
                let last = miss.last;
                // What a target said is worth more than that the next one could not be asked.
                if lost
                    .as_ref()
                    .is_none_or(|(before, _)| last || is_telling(&miss) || !is_telling(before))
                {
                    lost = Some((miss, target));
                }
                if last || account.attempts() >= order.hub.tuning.max_attempts {
                    break;
                }
            }
        }
    }
    let (failure, verbatim, target) = match lost {
        Some((miss, target)) => (miss.failure, miss.verbatim, Some(target)),
        None => (
            Failure::new(
                FailureKind::NoProvider,
                "no provider is configured for this request",
            ),
            None,
            None,
        ),
    };
    Verdict::Lost(Box::new(Lost {
        failure,
        verbatim,
        target,
        account,
    }))
}

const fn is_telling(miss: &Miss) -> bool {
    !matches!(
        miss.failure.kind,
        FailureKind::NoProvider | FailureKind::Unsupported
    )
}

enum Got {
    Whole(Box<Gained<Bytes>>),
    Begun(Box<Gained<Opened>>),
}

struct Opened {
    live: Live,
    first: Bytes,
    ended: bool,
    held: Held,
}

struct Gained<T> {
    what: T,
    usage: Option<translator::ir::Usage>,
    report: translator::fidelity::Report,
    headers: HeaderMap,
}

/// The tries at one target.
struct Try<'t> {
    order: &'t Order,
    target: &'t Arc<PlannedTarget>,
    tried: Vec<KeyIndex>,
    retries: u32,
    drop_state: bool,
    miss: Option<Miss>,
}

impl<'t> Try<'t> {
    const fn new(order: &'t Order, target: &'t Arc<PlannedTarget>) -> Self {
        Self {
            order,
            target,
            tried: Vec::new(),
            retries: 0,
            drop_state: false,
            miss: None,
        }
    }

    async fn run(mut self, account: &mut Account) -> Result<Got, Miss> {
        let hub = &self.order.hub;
        let place = match Place::take(hub, self.target) {
            Ok(place) => Arc::new(place),
            Err(refused) => return Err(self.refused(&refused, account)),
        };
        let mut prepared = self.prepare(account)?;
        loop {
            let started = Instant::now();
            let asked = Leave::ask_for(
                prepared.calls(),
                hub,
                &self.order.snapshot,
                self.target,
                &self.tried,
            );
            let mut leave = match asked {
                Ok(leave) => leave,
                Err(refused) => return Err(self.refused(&refused, account)),
            };
            if let Some(value) = account.traceparent() {
                prepared.headers.insert(TRACEPARENT, value);
            }
            let reach = Reach {
                order: self.order,
                target: self.target,
                prepared: &prepared,
            };
            let fault = match reach.once(&leave, started, account).await {
                Ok(Reached::Whole(body, usage, headers)) => {
                    leave.settle(
                        crate::pool::KeyOutcome::Status(200),
                        super::admit::Health::Well,
                    );
                    let report = std::mem::take(&mut prepared.report);
                    return Ok(Got::Whole(Box::new(Gained {
                        what: body,
                        usage,
                        report,
                        headers,
                    })));
                }
                Ok(Reached::Begun(live, first, ended, headers)) => {
                    leave.answering();
                    let held = Held {
                        leave,
                        _place: place,
                    };
                    let report = std::mem::take(&mut prepared.report);
                    let what = Opened {
                        live: *live,
                        first,
                        ended,
                        held,
                    };
                    return Ok(Got::Begun(Box::new(Gained {
                        what,
                        usage: None,
                        report,
                        headers,
                    })));
                }
                Err(fault) => fault,
            };
            if let Some(verbatim) = &fault.verbatim {
                account.capture(Side::UpstreamAnswer, &verbatim.body);
            }
            let lease = leave.lease_of(fault.call);
            let key = lease.map(crate::pool::KeyLease::index);
            account.attempt(
                self.target,
                lease,
                fault.status,
                started.elapsed(),
                Some(fault.failure.message.clone()),
            );
            leave.blame(fault.call, fault.outcome, fault.health);
            drop(leave);
            if !self.goes_on(*fault, key, &mut prepared, account).await? {
                return Err(self.miss.unwrap_or_else(|| {
                    Miss::of(Failure::new(FailureKind::Internal, "no attempt was made"))
                }));
            }
            if account.attempts() >= hub.tuning.max_attempts {
                return Err(self.miss.unwrap_or_else(|| {
                    Miss::of(Failure::new(FailureKind::NoProvider, "too many attempts"))
                }));
            }
        }
    }

    fn prepare(&self, account: &mut Account) -> Result<Prepared, Miss> {
        prepare(self.order, self.target, self.drop_state).map_err(|failure| {
            account.attempt(
                self.target,
                None,
                0,
                Duration::ZERO,
                Some(failure.message.clone()),
            );
            Miss::of(failure)
        })
    }

    /// Whether this target is asked again after a fault, and how.
    async fn goes_on(
        &mut self,
        fault: Fault,
        key: Option<KeyIndex>,
        prepared: &mut Prepared,
        account: &mut Account,
    ) -> Result<bool, Miss> {
        let translated = matches!(prepared.lane, Lane::Translated(_));
        if translated && !self.drop_state && is_about_state(self.target.provider.dialect, &fault) {
            self.drop_state = true;
            *prepared = self.prepare(account)?;
            return Ok(true);
        }
        let asked = fault.failure.retry_after;
        let verbatim = if translated { None } else { fault.verbatim };
        self.miss = Some(Miss {
            failure: fault.failure,
            verbatim,
            last: fault.blame == Blame::Client,
        });
        match fault.blame {
            Blame::Client | Blame::TargetForGood => Ok(false),
            Blame::Key => {
                self.tried.extend(key);
                Ok(self.tried.len() < self.target.pool.keys.len())
            }
            Blame::Target => {
                if self.retries >= self.target.provider.max_retries {
                    return Ok(false);
                }
                let tuning = &self.order.hub.tuning;
                let Some(wait) = pause(self.retries, tuning.backoff, asked, tuning.longest_wait)
                else {
                    return Ok(false);
                };
                if !self.order.hub.retries.withdraw() {
                    return Ok(false);
                }
                self.retries += 1;
                tokio::time::sleep(wait).await;
                Ok(true)
            }
        }
    }

    /// The target may not be called now. A failure that it gave before says more.
    fn refused(&mut self, refused: &Refused, account: &mut Account) -> Miss {
        if let Some(mut miss) = self.miss.take() {
            miss.failure.retry_after = miss.failure.retry_after.or(refused.retry_after());
            return miss;
        }
        let words = format!("[{}] {refused}", self.target.provider.name);
        account.attempt(self.target, None, 0, Duration::ZERO, Some(words.clone()));
        let kind = match refused {
            Refused::NoKey(exhausted) if exhausted.reason == ExhaustedReason::Cooling => {
                FailureKind::RateLimit
            }
            Refused::NoKey(exhausted) if exhausted.reason == ExhaustedReason::Quarantined => {
                FailureKind::UpstreamAuth
            }
            _ => FailureKind::NoProvider,
        };
        let mut failure = Failure::new(kind, words);
        failure.retry_after = refused.retry_after();
        Miss::of(failure)
    }
}
