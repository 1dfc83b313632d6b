//! A stream to a client, from the first sign of life to the last frame.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::ir::Usage;

use super::admit::{Health, Held};
use super::body::Owned;
use super::ending;
use super::live::{End, Live};
use super::remember::Remember;
use super::settle::Account;
use super::tuning::Tuning;
use super::verdict::{Begun, Verdict};
use crate::ledger::{Outcome, Side};
use crate::pool::KeyOutcome;
use crate::routing::PlannedTarget;

/// Frames behind the end that are read for the sake of the connection.
const LINGER_FRAMES: u32 = 16;

/// A stream to a client.
pub(super) struct StreamBody {
    stage: Stage,
    ingress: Dialect,
    request_id: String,
    json_array: bool,
    remember: Option<Remember>,
    tuning: Tuning,
    pulse: Pulse,
}

enum Stage {
    /// No target has begun to answer yet.
    Waiting(Owned<Verdict>),
    /// Bytes flow.
    Live(Box<Flowing>),
    /// The client has everything; the upstream's connection is read to its end so that it can be used again.
    Lingering(Box<Incoming>, u32),
    Over,
}

struct Flowing {
    live: Live,
    first: Bytes,
    ended: bool,
    held: Held,
    account: Account,
    target: Arc<PlannedTarget>,
}

impl Flowing {
    /// Notes the calls that went on with the answer, and what was said of counts; gives what all calls have cost.
    fn settle_calls(&mut self) -> Option<Usage> {
        for called in self.live.take_called() {
            let lease = self.held.leave.lease();
            self.account
                .attempt(&self.target, lease, called.status, called.took, None);
        }
        self.account.wording(self.live.wording());
        self.live.usage()
    }

    /// Completes the capture, where there is one.
    fn capture_end(&mut self, last: &Bytes) {
        for part in self.live.heard() {
            self.account.capture(Side::UpstreamAnswer, &part);
        }
        self.account.capture(Side::ClientAnswer, last);
    }
}

/// One timer for signs of life and for idle upstreams. It is not moved for each chunk: a tick that finds
/// activity behind it just starts over.
struct Pulse {
    period: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    active: bool,
    quiet: Duration,
}

impl Pulse {
    const fn new(period: Duration) -> Self {
        Self {
            period,
            sleep: None,
            active: false,
            quiet: Duration::ZERO,
        }
    }

    /// Ticks next after that long, if it would have been later.
    fn hasten(&mut self, left: Duration) {
        if left < self.period
            && let Some(sleep) = &mut self.sleep
        {
            sleep.as_mut().reset(Instant::now() + left);
        }
    }

    /// How long it has been quiet, at each tick that finds it so.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        loop {
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(self.period)));
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            sleep.as_mut().reset(Instant::now() + self.period);
            if std::mem::take(&mut self.active) {
                self.quiet = Duration::ZERO;
            } else {
                self.quiet += self.period;
                return Poll::Ready(self.quiet);
            }
        }
    }

    fn restart(&mut self, period: Duration) {
        *self = Self::new(period);
    }
}

/// What every stream needs to know of its request.
pub(super) struct StreamFacts {
    pub(super) ingress: Dialect,
    pub(super) request_id: String,
    pub(super) json_array: bool,
    pub(super) remember: Option<Remember>,
    pub(super) tuning: Tuning,
}

impl StreamBody {
    /// A stream that has begun.
    pub(super) fn begun(facts: StreamFacts, begun: Begun) -> Self {
        let mut body = Self::with(facts, Stage::Over);
        body.begin(begun);
        body
    }

    /// A stream that keeps its client waiting.
    pub(super) fn waiting(facts: StreamFacts, verdict: Owned<Verdict>) -> Self {
        Self::with(facts, Stage::Waiting(verdict))
    }

    fn with(facts: StreamFacts, stage: Stage) -> Self {
        let StreamFacts {
            ingress,
            request_id,
            json_array,
            remember,
            tuning,
        } = facts;
        let pulse = Pulse::new(tuning.heartbeat);
        Self {
            stage,
            ingress,
            request_id,
            json_array,
            remember,
            tuning,
            pulse,
        }
    }

    fn begin(&mut self, mut begun: Begun) {
        begun.account.weigh();
        self.pulse
            .restart(self.tuning.heartbeat.min(begun.target.provider.timeout));
        self.stage = Stage::Live(Box::new(Flowing {
            live: begun.live,
            first: begun.first,
            ended: begun.ended,
            held: begun.held,
            account: begun.account,
            target: begun.target,
        }));
    }

    /// The next bytes for the client.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match &mut self.stage {
                Stage::Waiting(verdict) => match verdict.as_mut().poll(cx) {
                    Poll::Ready(verdict) => {
                        if let Some(bytes) = self.arrived(verdict) {
                            return Poll::Ready(Some(bytes));
                        }
                    }
                    Poll::Pending => {
                        return self
                            .pulse
                            .poll(cx)
                            .map(|_| Some(Bytes::from_static(ending::heartbeat(self.ingress))));
                    }
                },
                Stage::Live(_) => match self.poll_live(cx) {
                    Poll::Ready(bytes) if bytes.is_empty() => {}
                    Poll::Ready(bytes) => return Poll::Ready(Some(bytes)),
                    Poll::Pending => return Poll::Pending,
                },
                Stage::Lingering(body, frames) => match Pin::new(&mut **body).poll_frame(cx) {
                    Poll::Ready(Some(Ok(_))) if *frames < LINGER_FRAMES => *frames += 1,
                    Poll::Ready(Some(Ok(_))) => self.stage = Stage::Over,
                    Poll::Ready(Some(Err(_)) | None) => self.stage = Stage::Over,
                    Poll::Pending => {
                        if self.pulse.poll(cx).is_pending() {
                            return Poll::Pending;
                        }
                        self.stage = Stage::Over;
                    }
                },
                Stage::Over => return Poll::Ready(None),
            }
        }
    }

    /// The verdict came after the head had been sent: a failure has to be told inside the stream.
    fn arrived(&mut self, verdict: Verdict) -> Option<Bytes> {
        match verdict {
            Verdict::Begun(begun) => {
                self.begin(*begun);
                None
            }
            Verdict::Whole(mut whole) => {
                self.stage = Stage::Over;
                let usage = whole.usage;
                whole.account.capture(Side::ClientAnswer, &whole.body);
                whole.account.close(Outcome::Ok, 200, usage, None);
                Some(whole.body)
            }
            Verdict::Lost(mut lost) => {
                self.stage = Stage::Over;
                let mut out = Vec::new();
                if self.json_array {
                    out.push(b'[');
                    self.ingress
                        .encode_error(&lost.failure, &self.request_id, &mut out);
                    out.push(b']');
                } else {
                    ending::error(
                        self.ingress,
                        &lost.failure,
                        &self.request_id,
                        &ending::Place::default(),
                        &mut out,
                    );
                }
                lost.account.failed(&lost.failure);
                lost.account
                    .close(Outcome::Error, 200, None, Some(lost.failure.message));
                Some(Bytes::from(out))
            }
        }
    }

    fn poll_live(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        let Stage::Live(flowing) = &mut self.stage else {
            return Poll::Ready(Bytes::new());
        };
        if !flowing.first.is_empty() {
            let first = std::mem::take(&mut flowing.first);
            flowing.account.capture(Side::ClientAnswer, &first);
            return Poll::Ready(first);
        }
        if flowing.ended || flowing.live.is_terminated() {
            return Poll::Ready(self.end());
        }
        if flowing.account.time_left() == Some(Duration::ZERO) {
            let words = "the hub is stopping; try again";
            return Poll::Ready(self.fail(Failure::new(FailureKind::Overloaded, words)));
        }
        match flowing.live.poll(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                self.pulse.active = true;
                flowing.account.capture(Side::ClientAnswer, &bytes);
                Poll::Ready(bytes)
            }
            Poll::Ready(None) => Poll::Ready(self.end()),
            Poll::Ready(Some(Err(failure))) => Poll::Ready(self.fail(failure)),
            Poll::Pending => self.idle(cx),
        }
    }

    fn idle(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        let Stage::Live(flowing) = &mut self.stage else {
            return Poll::Pending;
        };
        match self.pulse.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(quiet) if quiet >= flowing.target.provider.timeout => {
                let words = format!("the upstream was silent for {} s", quiet.as_secs().max(1));
                Poll::Ready(self.fail(Failure::new(FailureKind::Timeout, words)))
            }
            Poll::Ready(_) => {
                if let Some(left) = flowing.account.time_left() {
                    self.pulse.hasten(left);
                }
                Poll::Ready(flowing.live.heartbeat())
            }
        }
    }

    /// The upstream has ended.
    fn end(&mut self) -> Bytes {
        let Stage::Live(mut flowing) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return Bytes::new();
        };
        let (bytes, end) = flowing.live.end(&self.request_id);
        flowing.capture_end(&bytes);
        let usage = flowing.settle_calls();
        flowing.account.spoken(flowing.live.spoken());
        if flowing.account.is_traced() {
            flowing.account.finished(flowing.live.finish());
        }
        match end {
            End::Complete => {
                if let Some(remember) = self.remember.take() {
                    remember.stream(&mut flowing.live, &flowing.target.provider.name);
                }
                flowing
                    .held
                    .leave
                    .settle(KeyOutcome::Status(200), Health::Well);
                flowing.account.close(Outcome::Ok, 200, usage, None);
            }
            End::Failed(failure) => {
                flowing.account.failed(&failure);
                flowing
                    .held
                    .leave
                    .settle(KeyOutcome::Status(200), Health::Ill);
                flowing
                    .account
                    .close(Outcome::Cut, 200, usage, Some(failure.message));
            }
        }
        if !flowing.ended
            && let Some(body) = flowing.live.into_body()
        {
            self.pulse.restart(self.tuning.linger);
            self.stage = Stage::Lingering(Box::new(body), 0);
        }
        bytes
    }

    /// The hub gives the upstream up.
    fn fail(&mut self, failure: Failure) -> Bytes {
        let Stage::Live(mut flowing) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return Bytes::new();
        };
        let bytes = flowing.live.fail(failure.clone(), &self.request_id);
        flowing.capture_end(&bytes);
        flowing.account.failed(&failure);
        let usage = flowing.settle_calls();
        flowing.account.spoken(flowing.live.spoken());
        flowing
            .held
            .leave
            .settle(KeyOutcome::Status(200), Health::Ill);
        flowing
            .account
            .close(Outcome::Cut, 200, usage, Some(failure.message));
        bytes
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        if let Stage::Live(flowing) = &mut self.stage {
            flowing.capture_end(&Bytes::new());
            let usage = flowing.settle_calls();
            flowing.account.spoken(flowing.live.spoken());
            flowing
                .held
                .leave
                .settle(KeyOutcome::Status(200), Health::Unknown);
            flowing.account.close(Outcome::Cancelled, 499, usage, None);
        }
    }
}
