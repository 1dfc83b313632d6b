//! Tries the targets of an order in turn, until one has content for the client.
//!
//! Before the first content: the next key on 429 and on a refused key, the same target again on timeouts and
//! broken connections while retries and budget last, then the next target; never anything on the client's own
//! mistake. After the first content nothing is tried any more, which is the stream's business.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use tokio::time::timeout;
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::translate::{self, Origin, StreamTranslation};
use translator::undo::Undo;

use super::admit::{Held, Leave, Place, Refused};
use super::headers;
use super::live::{End, Live};
use super::order::Order;
use super::prepare::{Lane, Prepared, answer_of, prepare};
use super::remember::Remember;
use super::retry::pause;
use super::send::{Blame, Fault, Parcel, inside, is_about_state, read_whole, send};
use super::settle::Account;
use super::unary;
use super::verdict::{Begun, Lost, Verbatim, Verdict, Whole};
use super::watch::Watch;
use crate::ledger::{CaptureMode, Side};
use crate::pool::{ExhaustedReason, KeyIndex};
use crate::routing::PlannedTarget;
use crate::upstream::Inflate;

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
            let mut leave = match Leave::ask(hub, &self.order.snapshot, self.target, &self.tried) {
                Ok(leave) => leave,
                Err(refused) => return Err(self.refused(&refused, account)),
            };
            let key = leave.lease().map(crate::pool::KeyLease::index);
            let fault = match self.once(&prepared, &mut leave, started, account).await {
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
                    leave.works(Instant::now());
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
            account.attempt(
                self.target,
                leave.lease(),
                fault.status,
                started.elapsed(),
                Some(fault.failure.message.clone()),
            );
            leave.settle(fault.outcome, fault.health);
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

    async fn once(
        &self,
        prepared: &Prepared,
        leave: &mut Leave,
        started: Instant,
        account: &mut Account,
    ) -> Result<Reached, Box<Fault>> {
        let parcel = Parcel {
            hub: &self.order.hub,
            target: self.target,
            uri: prepared.uri.clone(),
            headers: prepared.headers.clone(),
            body: prepared.body.clone(),
        };
        account.underway(self.target, leave.lease());
        account.capture_call(&prepared.body);
        let response = send(parcel, leave).await?;
        let status = response.status().as_u16();
        let mut returned = HeaderMap::new();
        if matches!(prepared.lane, Lane::Same { .. }) {
            headers::returned(response.headers(), &mut returned);
        }
        let reached = if self.order.stream {
            let (live, first, ended) = self.open(prepared, response).await?;
            Reached::Begun(Box::new(live), first, ended, returned)
        } else {
            let body = read_whole(&self.order.hub, self.target, response, started).await?;
            account.capture(Side::UpstreamAnswer, &body);
            let (body, usage) = self.whole(prepared, body, status)?;
            Reached::Whole(body, usage, returned)
        };
        let took = started.elapsed();
        account.attempt(self.target, leave.lease(), status, took, None);
        self.order
            .hub
            .latencies
            .record(&self.target.provider.name, &self.target.model, took);
        Ok(reached)
    }

    /// A complete answer in the client's dialect.
    fn whole(
        &self,
        prepared: &Prepared,
        body: Bytes,
        status: u16,
    ) -> Result<(Bytes, Option<translator::ir::Usage>), Box<Fault>> {
        let remember = Remember {
            hub: Arc::clone(&self.order.hub),
            scope: Arc::clone(&self.order.scope),
            input: self.order.keep_input.clone(),
        };
        match &prepared.lane {
            Lane::Same { .. } if translator::sse::is_stream(&body) => {
                let failed = |failure| inside(self.target, failure, status);
                let mut answer = answer_of(self.order).map_err(failed)?;
                let mut out = Vec::with_capacity(body.len());
                let dialect = self.order.ingress;
                let summary = translate::response(
                    dialect,
                    &body,
                    self.origin(),
                    &Undo::default(),
                    &mut answer,
                    &mut out,
                )
                .map_err(failed)?;
                Ok((Bytes::from(out), summary.usage))
            }
            Lane::Same { .. } => {
                let usage = unary::check(self.order.ingress, &body)
                    .map_err(|failure| inside(self.target, failure, status))?;
                if self.order.keep_input.is_some()
                    && let Ok(text) = std::str::from_utf8(&body)
                {
                    remember.response(
                        text.to_owned(),
                        Some(Arc::clone(&self.target.provider.name)),
                    );
                }
                Ok((body, usage))
            }
            Lane::Translated(translated) => {
                let mut out = Vec::with_capacity(body.len() + 512);
                let mut answer = translated.answer.clone();
                let dialect = self.target.provider.dialect;
                let summary = translate::response(
                    dialect,
                    &body,
                    self.origin(),
                    &translated.undo,
                    &mut answer,
                    &mut out,
                )
                .map_err(|failure| inside(self.target, failure, status))?;
                remember.states(summary.keep.clone());
                if self.order.keep_input.is_some()
                    && let Ok(text) = std::str::from_utf8(&out)
                {
                    remember.response(text.to_owned(), None);
                }
                Ok((Bytes::from(out), summary.usage))
            }
        }
    }

    fn origin(&self) -> Origin<'_> {
        Origin {
            provider: &self.target.provider.name,
            model: &self.target.model,
        }
    }

    /// Reads a stream until there is content, so that everything before it can still be tried elsewhere.
    async fn open(
        &self,
        prepared: &Prepared,
        response: Response<Incoming>,
    ) -> Result<(Live, Bytes, bool), Box<Fault>> {
        let status = response.status().as_u16();
        let failed = |failure| inside(self.target, failure, status);
        let order = self.order;
        let inflate = Inflate::of(response.headers(), usize::MAX)
            .map_err(|error| failed(Failure::new(FailureKind::Upstream, error.to_string())))?;
        // Gemini's list of chunks is JSON too.
        let json = !order.json_array && is_json(response.headers());
        let body = response.into_body();
        let mut live = match &prepared.lane {
            Lane::Same { .. } if json => {
                let answer = answer_of(order).map_err(failed)?;
                let translation =
                    StreamTranslation::new(order.ingress, &self.origin(), &Undo::default(), answer);
                Live::translated(
                    order.ingress,
                    body,
                    inflate,
                    translation,
                    order.keeps_response,
                )
            }
            Lane::Same { strip } => {
                let array = order.json_array && order.ingress == Dialect::Gemini;
                Live::same(
                    order.ingress,
                    body,
                    inflate,
                    Watch::new(order.ingress, *strip, array),
                )
            }
            Lane::Translated(translated) => {
                let dialect = self.target.provider.dialect;
                let translation = StreamTranslation::new(
                    dialect,
                    &self.origin(),
                    &translated.undo,
                    translated.answer.clone(),
                );
                Live::translated(
                    order.ingress,
                    body,
                    inflate,
                    translation,
                    order.keeps_response,
                )
            }
        };
        if order.hub.ledger.capture_mode() != CaptureMode::Off {
            live.listen();
        }
        if json {
            live = live.gathering(super::live::Whole {
                dialect: self.target.provider.dialect,
                provider: Arc::clone(&self.target.provider.name),
                model: Arc::clone(&self.target.model),
                cap: order.hub.tuning.max_answer,
                body: Vec::new(),
            });
        }
        let mut first = Bytes::new();
        loop {
            let next = timeout(
                self.target.provider.timeout,
                poll_fn(|cx| live.poll_chunk(cx)),
            )
            .await;
            let ended = match next {
                Err(_) => {
                    let words = format!(
                        "silent for {} s before it answered",
                        self.target.provider.timeout.as_secs_f64()
                    );
                    return Err(failed(Failure::new(FailureKind::Timeout, words)));
                }
                Ok(Some(Err(error))) => {
                    let words = format!("the connection broke before it answered: {error}");
                    return Err(failed(Failure::new(FailureKind::Upstream, words)));
                }
                Ok(Some(Ok(chunk))) => {
                    append(&mut first, live.take(chunk));
                    false
                }
                Ok(None) => true,
            };
            if live.has_content() {
                return Ok((live, first, ended));
            }
            if let Some(failure) = live.failure() {
                return Err(failed(failure.clone()));
            }
            if ended {
                return if live.is_over() {
                    Ok((live, first, true))
                } else {
                    self.empty(live, first, status)
                };
            }
            if live.is_terminated() {
                return Ok((live, first, false));
            }
        }
    }

    /// A stream that ended without content: a blocked prompt has its end in the end of the body.
    fn empty(
        &self,
        mut live: Live,
        mut first: Bytes,
        status: u16,
    ) -> Result<(Live, Bytes, bool), Box<Fault>> {
        let (rest, end) = live.end(&self.order.request_id);
        match end {
            End::Failed(failure) => Err(inside(self.target, failure, status)),
            End::Complete => {
                append(&mut first, rest);
                Ok((live, first, true))
            }
        }
    }
}

enum Reached {
    Whole(Bytes, Option<translator::ir::Usage>, HeaderMap),
    Begun(Box<Live>, Bytes, bool, HeaderMap),
}

/// An answer that is no stream, although one was asked for.
fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|value| {
            value
                .as_bytes()
                .to_ascii_lowercase()
                .starts_with(b"application/json")
        })
}

fn append(to: &mut Bytes, more: Bytes) {
    if to.is_empty() {
        *to = more;
    } else if !more.is_empty() {
        let mut joined = Vec::with_capacity(to.len() + more.len());
        joined.extend_from_slice(to);
        joined.extend_from_slice(&more);
        *to = Bytes::from(joined);
    }
}
