//! One try at a target: the calls are made, and read until there is an answer or content.
//!
//! Usually that is one call. Alternatives that the model does not give by itself take a call each, made at once; the
//! failure of one is the failure of the try. An answer that the upstream interrupts takes further calls. What a
//! failure means for the next try is not decided here.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use tokio::time::timeout;
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::ir::Usage;
use translator::translate::{self, Calls, Gathering, Origin, StreamTranslation};
use translator::undo::Undo;
use translator::wording::{Wording, Words};

use super::admit::Leave;
use super::again::Again;
use super::headers;
use super::live::{End, Live, Resuming};
use super::order::Order;
use super::prepare::{Lane, Prepared, Translated, answer_of};
use super::remember::Remember;
use super::send::{Fault, Parcel, inside, read_whole, send};
use super::settle::Account;
use super::source::{Frame, Source};
use super::together;
use super::unary;
use super::watch::Watch;
use crate::ledger::{CaptureMode, Side};
use crate::routing::PlannedTarget;

/// One try.
pub(super) struct Reach<'t> {
    pub(super) order: &'t Order,
    pub(super) target: &'t Arc<PlannedTarget>,
    pub(super) prepared: &'t Prepared,
}

/// What came of it.
pub(super) enum Reached {
    Whole(Bytes, Option<Usage>, HeaderMap),
    Begun(Box<Live>, Bytes, bool, HeaderMap),
}

/// A complete answer in the client's dialect.
struct Answered {
    body: Bytes,
    usage: Option<Usage>,
    /// The counts in the words of both sides, where those differ.
    wording: Option<Wording>,
}

impl Reach<'_> {
    pub(super) async fn once(
        &self,
        leave: &Leave,
        started: Instant,
        account: &mut Account,
    ) -> Result<Reached, Box<Fault>> {
        let mut returned = HeaderMap::new();
        let mut statuses = Vec::with_capacity(self.prepared.calls());
        account.underway(self.target, leave.lease());
        account.capture_call(&self.prepared.body);
        let reached = if self.order.stream {
            let responses = self.send_all(leave).await?;
            statuses.extend(responses.iter().map(|response| response.status().as_u16()));
            self.returned(&responses, &mut returned);
            let (live, first, ended) = self.open(leave, responses).await?;
            Reached::Begun(Box::new(live), first, ended, returned)
        } else {
            let bodies = self.read_all(leave, started, &mut returned).await?;
            for (body, _) in &bodies {
                account.capture(Side::UpstreamAnswer, body);
            }
            statuses.extend(bodies.iter().map(|(_, status)| *status));
            let answered = self.whole(leave, bodies, &mut statuses).await?;
            account.wording(answered.wording);
            Reached::Whole(answered.body, answered.usage, returned)
        };
        let took = started.elapsed();
        for (call, status) in statuses.into_iter().enumerate() {
            let lease = leave.lease_of(call).or_else(|| leave.lease());
            account.attempt(self.target, lease, status, took, None);
        }
        self.order
            .hub
            .latencies
            .record(&self.target.provider.name, &self.target.model, took);
        Ok(reached)
    }

    fn parcel(&self) -> Parcel<'_> {
        Parcel {
            hub: &self.order.hub,
            target: self.target,
            uri: self.prepared.uri.clone(),
            headers: self.prepared.headers.clone(),
            body: self.prepared.body.clone(),
        }
    }

    /// Makes the calls.
    async fn send_all(&self, leave: &Leave) -> Result<Vec<Response<Incoming>>, Box<Fault>> {
        let calls = self.prepared.calls();
        if calls == 1 {
            let response = send(self.parcel(), leave.credential(0)).await?;
            return Ok(vec![response]);
        }
        let sent = (0..calls).map(|call| send(self.parcel(), leave.credential(call)));
        together::all(sent).await.map_err(which)
    }

    /// Makes the calls and reads their answers, with their statuses.
    async fn read_all(
        &self,
        leave: &Leave,
        started: Instant,
        returned: &mut HeaderMap,
    ) -> Result<Vec<(Bytes, u16)>, Box<Fault>> {
        let calls = self.prepared.calls();
        if calls == 1 {
            let response = send(self.parcel(), leave.credential(0)).await?;
            self.returned(std::slice::from_ref(&response), returned);
            return Ok(vec![self.read(response, started).await?]);
        }
        let read = (0..calls).map(|call| async move {
            let response = send(self.parcel(), leave.credential(call)).await?;
            self.read(response, started).await
        });
        together::all(read).await.map_err(which)
    }

    async fn read(
        &self,
        response: Response<Incoming>,
        started: Instant,
    ) -> Result<(Bytes, u16), Box<Fault>> {
        let status = response.status().as_u16();
        let body = read_whole(&self.order.hub, self.target, response, started).await?;
        Ok((body, status))
    }

    /// Headers of an upstream of the client's dialect that the client gets.
    fn returned(&self, responses: &[Response<Incoming>], returned: &mut HeaderMap) {
        if let (Lane::Same { .. }, Some(response)) = (&self.prepared.lane, responses.first()) {
            headers::returned(response.headers(), returned);
        }
    }

    fn remember(&self) -> Remember {
        Remember {
            hub: Arc::clone(&self.order.hub),
            scope: Arc::clone(&self.order.scope),
            input: self.order.keep_input.clone(),
        }
    }

    /// A complete answer in the client's dialect.
    async fn whole(
        &self,
        leave: &Leave,
        mut bodies: Vec<(Bytes, u16)>,
        statuses: &mut Vec<u16>,
    ) -> Result<Answered, Box<Fault>> {
        match &self.prepared.lane {
            Lane::Same { .. } => {
                let (body, status) = bodies.pop().unwrap_or_default();
                self.passed(body, status)
            }
            Lane::Translated(translated) => {
                self.gathered(translated, leave, bodies, statuses).await
            }
        }
    }

    /// The upstream's own bytes, unless it has streamed although nobody asked it to.
    fn passed(&self, body: Bytes, status: u16) -> Result<Answered, Box<Fault>> {
        let failed = |failure| inside(self.target, failure, status);
        if translator::sse::is_stream(&body) {
            let mut answer = answer_of(self.order).map_err(failed)?;
            let mut out = Vec::with_capacity(body.len());
            let (undo, origin) = (Undo::default(), self.origin());
            let calls = Calls::default();
            let mut gathering = Gathering::new(self.order.ingress, &origin, &undo, &answer, calls);
            gathering.take(0, &body, origin);
            let (summary, wording) = gathering.finish(&mut answer, &mut out).map_err(failed)?;
            return Ok(Answered {
                body: Bytes::from(out),
                usage: summary.usage,
                wording: Some(wording),
            });
        }
        let usage = unary::check(self.order.ingress, &body).map_err(failed)?;
        if self.order.keep_input.is_some()
            && let Ok(text) = std::str::from_utf8(&body)
        {
            let provider = Arc::clone(&self.target.provider.name);
            self.remember().response(text.to_owned(), Some(provider));
        }
        // Counts that cannot be are bounded in the record, and pass as they are.
        let odd = usage.is_some_and(|usage| usage.clamped);
        let wording = odd.then(|| {
            let mut words = Words::new(self.order.ingress);
            words.answer(&body);
            let upstream = words.said();
            let client = upstream.last().cloned();
            Wording { upstream, client }
        });
        Ok(Answered {
            body,
            usage,
            wording,
        })
    }

    /// A translated answer, gone on with as often as the upstream interrupts it.
    async fn gathered(
        &self,
        translated: &Translated,
        leave: &Leave,
        bodies: Vec<(Bytes, u16)>,
        statuses: &mut Vec<u16>,
    ) -> Result<Answered, Box<Fault>> {
        let mut answer = translated.answer.clone();
        let mut gathering = Gathering::new(
            self.target.provider.dialect,
            &self.origin(),
            &translated.undo,
            &answer,
            translated.calls,
        );
        let mut last = 200;
        let mut size = 0;
        for (call, (mut body, mut status)) in bodies.into_iter().enumerate() {
            let mut asked: Option<Bytes> = None;
            let mut left = self.order.hub.tuning.max_continuations;
            size += body.len();
            while let Some(next) = gathering.take(call, &body, self.origin()) {
                if left == 0 {
                    break;
                }
                let before = asked.take().unwrap_or_else(|| self.prepared.body.whole());
                let Some(request) = next.request(&before).map(Bytes::from) else {
                    break;
                };
                left -= 1;
                gathering.resume(call);
                (body, status) = self.go_on(leave, call, request.clone()).await?;
                asked = Some(request);
                statuses.push(status);
                size += body.len();
                if size > self.order.hub.tuning.max_answer {
                    let words = "the parts of the answer are too large together";
                    let failure = Failure::new(FailureKind::Upstream, words);
                    return Err(inside(self.target, failure, status));
                }
            }
            last = status;
        }
        let mut out = Vec::with_capacity(size + 512);
        let (summary, wording) = gathering
            .finish(&mut answer, &mut out)
            .map_err(|failure| inside(self.target, failure, last))?;
        self.remember().states(summary.keep);
        if self.order.keep_input.is_some()
            && let Ok(text) = std::str::from_utf8(&out)
        {
            self.remember().response(text.to_owned(), None);
        }
        Ok(Answered {
            body: Bytes::from(out),
            usage: summary.usage,
            wording: Some(wording),
        })
    }

    /// A further call that goes on with an answer; with the key that began it.
    async fn go_on(
        &self,
        leave: &Leave,
        call: usize,
        body: Bytes,
    ) -> Result<(Bytes, u16), Box<Fault>> {
        let started = Instant::now();
        let parcel = Parcel {
            body: body.into(),
            ..self.parcel()
        };
        let sent = async {
            let response = send(parcel, leave.credential(call)).await?;
            self.read(response, started).await
        };
        Box::pin(sent).await.map_err(|fault| which((call, fault)))
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
        leave: &Leave,
        responses: Vec<Response<Incoming>>,
    ) -> Result<(Live, Bytes, bool), Box<Fault>> {
        let status = responses
            .first()
            .map_or(200, |response| response.status().as_u16());
        let failed = |failure| inside(self.target, failure, status);
        let mut live = self.live(leave, responses).map_err(failed)?;
        if self.order.hub.ledger.capture_mode() != CaptureMode::Off {
            live.listen();
        }
        let mut first = Bytes::new();
        loop {
            let next = timeout(self.target.provider.timeout, poll_fn(|cx| live.poll(cx))).await;
            let ended = match next {
                Err(_) => {
                    let words = format!(
                        "silent for {} s before it answered",
                        self.target.provider.timeout.as_secs_f64()
                    );
                    return Err(failed(Failure::new(FailureKind::Timeout, words)));
                }
                Ok(Some(Err(failure))) => return Err(failed(failure)),
                Ok(Some(Ok(bytes))) => {
                    append(&mut first, bytes);
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
            // What waits is a copy: a part of the connection's buffer would hold all of it, and the next read take another.
            first = Bytes::copy_from_slice(&first);
        }
    }

    /// The stream for the client, before anything of it has been read.
    fn live(&self, leave: &Leave, responses: Vec<Response<Incoming>>) -> Result<Live, Failure> {
        let order = self.order;
        // Gemini's list of chunks is JSON too.
        let frame = (!order.json_array).then(|| Frame {
            provider: Arc::clone(&self.target.provider.name),
            model: Arc::clone(&self.target.model),
            cap: order.hub.tuning.max_answer,
        });
        let mut sources = responses
            .into_iter()
            .map(|response| Source::new(response, frame.clone()))
            .collect::<Result<Vec<Source>, Failure>>()?;
        let translated = match &self.prepared.lane {
            Lane::Translated(translated) => translated,
            Lane::Same { strip } => {
                let source = sources.pop().ok_or_else(nothing)?;
                if source.is_whole() {
                    let (origin, undo) = (self.origin(), Undo::default());
                    let answer = answer_of(order)?;
                    let translation = StreamTranslation::new(order.ingress, &origin, &undo, answer);
                    let keeps = order.keeps_response;
                    let sources = vec![source];
                    return Ok(Live::translated(order.ingress, sources, translation, keeps));
                }
                let array = order.json_array && order.ingress == Dialect::Gemini;
                let watch = Watch::new(order.ingress, *strip, array);
                return Ok(Live::same(order.ingress, source, watch));
            }
        };
        let dialect = self.target.provider.dialect;
        let translation = StreamTranslation::of_calls(
            dialect,
            &self.origin(),
            &translated.undo,
            translated.answer.clone(),
            translated.calls,
        );
        let live = Live::translated(order.ingress, sources, translation, order.keeps_response);
        Ok(if translate::resumes(dialect, &translated.undo) {
            let calls = 0..self.prepared.calls();
            live.resuming(calls.map(|call| self.resuming(leave, call)).collect())
        } else {
            live
        })
    }

    /// What goes on with a call whose answer the upstream interrupts.
    fn resuming(&self, leave: &Leave, call: usize) -> Resuming {
        let mut headers = self.prepared.headers.clone();
        if let Some((name, value)) = leave.credential(call) {
            headers.insert(name, value.clone());
        }
        Resuming {
            again: Again {
                hub: Arc::clone(&self.order.hub),
                target: Arc::clone(self.target),
                uri: self.prepared.uri.clone(),
                headers,
            },
            asked: self.prepared.body.clone(),
            left: self.order.hub.tuning.max_continuations,
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

fn nothing() -> Failure {
    Failure::new(FailureKind::Internal, "no call was made")
}

/// Says which of the calls it was.
fn which((call, mut fault): (usize, Box<Fault>)) -> Box<Fault> {
    fault.call = call;
    fault
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
