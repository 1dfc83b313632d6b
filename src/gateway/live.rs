//! An upstream's stream on its way to the client: bytes in, bytes out, and what has been seen.

use std::borrow::Cow;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::Incoming;
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::estimate::Spoken;
use translator::ir::Usage;
use translator::recall::Kept;
use translator::translate::{Origin, StreamTranslation};
use translator::wording::Wording;

use super::again::{Again, Called};
use super::source::{Piece, Source};
use super::watch::Watch;
use super::{ending, finish};
use crate::ledger::BODY;
use crate::upstream::Pieces;

/// A stream that flows.
pub(super) struct Live {
    pub(super) ingress: Dialect,
    /// One for each call; several only where alternatives are asked for one by one.
    sources: Vec<Source>,
    /// Who is asked first for the next bytes.
    turn: usize,
    flow: Flow,
    /// For each call how it is gone on with; empty when the upstream does not interrupt its answers.
    resuming: Vec<Resuming>,
    /// Further calls that nobody has noted yet.
    called: Vec<Called>,
    /// The complete answer of a Responses stream, once it has passed.
    response: Option<String>,
    wants_response: bool,
    /// The end has been written.
    ended: bool,
    /// What the upstream said, where bodies are captured.
    heard: Option<Box<Heard>>,
}

/// What an upstream said, as far as it is held.
#[derive(Default)]
struct Heard {
    parts: Vec<Bytes>,
    size: usize,
}

enum Flow {
    Translated(Box<StreamTranslation>),
    Same(Box<Watch>),
}

/// How a call is gone on with whose answer the upstream interrupts.
pub(super) struct Resuming {
    pub(super) again: Again,
    /// What was asked last.
    pub(super) asked: Pieces,
    /// How often it may still be asked.
    pub(super) left: usize,
}

/// How a stream ended.
#[derive(Debug)]
pub(super) enum End {
    /// With everything that belongs to it.
    Complete,
    /// With a failure, which the client has been told.
    Failed(Failure),
}

impl Live {
    pub(super) fn translated(
        ingress: Dialect,
        sources: Vec<Source>,
        translation: StreamTranslation,
        wants_response: bool,
    ) -> Self {
        Self {
            wants_response,
            ..Self::of(ingress, sources, Flow::Translated(Box::new(translation)))
        }
    }

    pub(super) fn same(ingress: Dialect, source: Source, watch: Watch) -> Self {
        Self::of(ingress, vec![source], Flow::Same(Box::new(watch)))
    }

    const fn of(ingress: Dialect, sources: Vec<Source>, flow: Flow) -> Self {
        Self {
            ingress,
            sources,
            turn: 0,
            flow,
            resuming: Vec::new(),
            called: Vec::new(),
            response: None,
            wants_response: false,
            ended: false,
            heard: None,
        }
    }

    /// The same for an upstream that may interrupt its answer.
    pub(super) fn resuming(mut self, resuming: Vec<Resuming>) -> Self {
        self.resuming = resuming;
        self
    }

    /// Keeps what the upstream says for the capture.
    pub(super) fn listen(&mut self) {
        self.heard = Some(Box::default());
    }

    /// What the upstream said so far, once.
    pub(super) fn heard(&mut self) -> Vec<Bytes> {
        self.heard.take().map_or_else(Vec::new, |heard| heard.parts)
    }

    /// The next bytes for the client, which may be none; nothing when the upstream has ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let count = self.sources.len();
        let mut pending = false;
        for step in 0..count {
            let index = (self.turn + step) % count;
            match self.sources[index].poll(cx) {
                Poll::Pending => pending = true,
                Poll::Ready(Some(Ok(Piece::Bytes(chunk)))) => {
                    self.turn = index + 1;
                    return Poll::Ready(Some(Ok(self.take(index, chunk))));
                }
                Poll::Ready(Some(Ok(Piece::Called(called)))) => {
                    self.called.push(called);
                    return Poll::Ready(Some(Ok(Bytes::new())));
                }
                Poll::Ready(Some(Err(failure))) if !self.is_call_over(index) => {
                    return Poll::Ready(Some(Err(failure)));
                }
                // An error behind the dialect's own end is no concern of the client's.
                Poll::Ready(Some(Err(_)) | None) => {
                    if let Some(bytes) = self.ended(index) {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
        if pending {
            Poll::Pending
        } else {
            Poll::Ready(None)
        }
    }

    fn is_call_over(&self, index: usize) -> bool {
        match &self.flow {
            Flow::Translated(translation) => translation.is_call_over(index),
            Flow::Same(watch) => watch.is_over(),
        }
    }

    /// Takes bytes of one call and gives bytes for the client.
    fn take(&mut self, index: usize, chunk: Bytes) -> Bytes {
        let source = &mut self.sources[index];
        let heard = &mut self.heard;
        let chunk = match source.plain(chunk).and_then(|plain| {
            if let Some(heard) = heard
                && heard.size < BODY
            {
                heard.size += plain.len();
                heard.parts.push(plain.clone());
            }
            source.gather(plain)
        }) {
            Ok(chunk) if chunk.is_empty() => return chunk,
            Ok(chunk) => chunk,
            Err(failure) => return self.fail(failure, ""),
        };
        match &mut self.flow {
            Flow::Same(watch) => {
                let passed = watch.feed(chunk);
                match watch.take_fault() {
                    None => passed,
                    Some(failure) => {
                        let ending = self.fail(failure, "");
                        Bytes::from([passed, ending].concat())
                    }
                }
            }
            Flow::Translated(translation) => {
                let mut out = Vec::with_capacity(chunk.len() + 256);
                translation.feed_call(index, &chunk, &mut out);
                if translation.is_paused(index) {
                    self.go_on(index, &mut out);
                }
                self.look_for_response(&out);
                Bytes::from(out)
            }
        }
    }

    /// One of the calls has ended; gives bytes for the client when that is not the end of all.
    fn ended(&mut self, index: usize) -> Option<Bytes> {
        if self.sources.len() == 1 && self.resuming.is_empty() {
            return None;
        }
        let mut out = Vec::new();
        self.finish_call(index, &mut out);
        let paused = match &self.flow {
            Flow::Translated(translation) => translation.is_paused(index),
            Flow::Same(_) => false,
        };
        let resumed = paused && self.go_on(index, &mut out);
        self.look_for_response(&out);
        (resumed || !out.is_empty()).then(|| Bytes::from(out))
    }

    /// What a call still has to say at its end.
    fn finish_call(&mut self, index: usize, out: &mut Vec<u8>) {
        let Flow::Translated(translation) = &mut self.flow else {
            return;
        };
        if let Some(whole) = self.sources[index].take_whole() {
            let origin = Origin {
                provider: &whole.frame.provider,
                model: &whole.frame.model,
            };
            translation.whole(index, &whole.body, origin, out);
        }
        translation.end_call(index, out);
    }

    /// Calls the upstream again that has interrupted its answer, or lets the answer end there.
    fn go_on(&mut self, index: usize, out: &mut Vec<u8>) -> bool {
        let Flow::Translated(translation) = &mut self.flow else {
            return false;
        };
        let next = translation.continuation(index);
        if let (Some(next), Some(resuming)) = (next, self.resuming.get_mut(index))
            && resuming.left > 0
            && let Some(body) = next.request(&resuming.asked.whole())
        {
            resuming.left -= 1;
            resuming.asked = Bytes::from(body).into();
            let target = &resuming.again.target;
            let origin = Origin {
                provider: &target.provider.name,
                model: &target.model,
            };
            translation.resume(index, &origin);
            self.sources[index].call(&resuming.again, resuming.asked.clone());
            return true;
        }
        translation.give_up(index, out);
        false
    }

    /// Further calls since the last question.
    pub(super) fn take_called(&mut self) -> Vec<Called> {
        std::mem::take(&mut self.called)
    }

    /// Content has been seen.
    pub(super) fn has_content(&self) -> bool {
        match &self.flow {
            Flow::Translated(translation) => translation.summary().content,
            Flow::Same(watch) => watch.seen().content,
        }
    }

    /// Nothing more will come that matters.
    pub(super) fn is_over(&self) -> bool {
        match &self.flow {
            Flow::Translated(translation) => translation.summary().is_over(),
            Flow::Same(watch) => watch.is_over(),
        }
    }

    /// The failure that the stream itself reported.
    pub(super) fn failure(&self) -> Option<&Failure> {
        match &self.flow {
            Flow::Translated(translation) => translation.summary().failure.as_ref(),
            Flow::Same(watch) => watch.seen().failure.as_ref(),
        }
    }

    /// Nothing can follow that the client should get.
    pub(super) fn is_terminated(&self) -> bool {
        match &self.flow {
            Flow::Translated(translation) => translation.summary().is_over(),
            Flow::Same(watch) => watch.is_terminated(),
        }
    }

    /// The bytes are the upstream's own.
    pub(super) const fn is_same(&self) -> bool {
        matches!(self.flow, Flow::Same(_))
    }

    /// The upstream has ended, or need not be read on: what the client still gets, and how it ended.
    pub(super) fn end(&mut self, request_id: &str) -> (Bytes, End) {
        if std::mem::replace(&mut self.ended, true) {
            return (
                Bytes::new(),
                self.failure().cloned().map_or(End::Complete, End::Failed),
            );
        }
        let mut out = Vec::new();
        for index in 0..self.sources.len() {
            if self.sources[index].is_whole() {
                self.finish_call(index, &mut out);
            }
        }
        match &mut self.flow {
            Flow::Translated(translation) => {
                translation.end(&mut out);
                let end = translation
                    .summary()
                    .failure
                    .clone()
                    .map_or(End::Complete, End::Failed);
                self.look_for_response(&out);
                (Bytes::from(out), end)
            }
            Flow::Same(watch) => {
                out.extend_from_slice(&watch.rest());
                if !watch.is_over() {
                    let words = "the upstream ended its answer before it was complete";
                    let failure = Failure::new(FailureKind::Upstream, words);
                    out.extend_from_slice(&self.fail(failure.clone(), request_id));
                    return (Bytes::from(out), End::Failed(failure));
                }
                let unterminated = self.ingress == Dialect::OpenAiChat && !watch.is_terminated();
                if let Some(array) = watch.array() {
                    array.end(&mut out);
                } else if unterminated {
                    // The answer is complete; some servers leave the last word out.
                    out.extend_from_slice(watch.boundary());
                    out.extend_from_slice(b"data: [DONE]\n\n");
                }
                let end = watch
                    .seen()
                    .failure
                    .clone()
                    .map_or(End::Complete, End::Failed);
                (Bytes::from(out), end)
            }
        }
    }

    /// The hub ends the stream: the dialect's error ending.
    pub(super) fn fail(&mut self, failure: Failure, request_id: &str) -> Bytes {
        let mut out = Vec::new();
        match &mut self.flow {
            Flow::Translated(translation) => translation.fail(failure, &mut out),
            Flow::Same(watch) => {
                let place = ending::Place {
                    response_id: watch.seen().response_id.clone(),
                    sequence: watch.next_sequence(),
                };
                if let Some(array) = watch.array() {
                    let mut body = Vec::new();
                    self.ingress.encode_error(&failure, request_id, &mut body);
                    array.push(&String::from_utf8_lossy(&body), &mut out);
                    array.end(&mut out);
                } else {
                    out.extend_from_slice(watch.boundary());
                    ending::error(self.ingress, &failure, request_id, &place, &mut out);
                }
            }
        }
        Bytes::from(out)
    }

    /// A sign of life; nothing in the middle of a frame.
    pub(super) fn heartbeat(&mut self) -> Bytes {
        match &mut self.flow {
            Flow::Translated(translation) => {
                let mut out = Vec::new();
                translation.heartbeat(&mut out);
                Bytes::from(out)
            }
            Flow::Same(watch) if watch.boundary().is_empty() => {
                Bytes::from_static(ending::heartbeat(self.ingress))
            }
            Flow::Same(_) => Bytes::new(),
        }
    }

    /// Why the answer ended.
    pub(super) fn finish(&self) -> Option<Cow<'static, str>> {
        match &self.flow {
            Flow::Translated(translation) => {
                translation.summary().finish.as_ref().map(finish::word)
            }
            Flow::Same(watch) => watch.seen().finish.clone().map(Cow::Owned),
        }
    }

    /// Token counts so far.
    pub(super) fn usage(&mut self) -> Option<Usage> {
        match &mut self.flow {
            Flow::Translated(translation) => translation.summary().usage,
            Flow::Same(watch) => watch.usage(),
        }
    }

    /// The counts in the words of both sides; nothing where the client gets the upstream's, and those can be.
    pub(super) fn wording(&mut self) -> Option<Wording> {
        match &mut self.flow {
            Flow::Translated(translation) => Some(translation.wording()),
            Flow::Same(watch) => watch.wording(),
        }
    }

    /// Output so far.
    pub(super) fn spoken(&self) -> Spoken {
        match &self.flow {
            Flow::Translated(translation) => translation.summary().spoken,
            Flow::Same(watch) => watch.spoken(),
        }
    }

    /// State to keep for a client that drops it: call ids and envelopes.
    pub(super) fn take_keep(&mut self) -> Vec<Kept> {
        match &mut self.flow {
            Flow::Translated(translation) => std::mem::take(&mut translation.summary_mut().keep),
            Flow::Same(_) => Vec::new(),
        }
    }

    /// The complete answer of a Responses stream.
    pub(super) fn take_response(&mut self) -> Option<String> {
        match &mut self.flow {
            Flow::Translated(_) => self.response.take(),
            Flow::Same(watch) => watch.take_response(),
        }
    }

    /// Gives the body back, so that the connection can be read to its end and used again.
    pub(super) fn into_body(self) -> Option<Incoming> {
        self.sources.into_iter().find_map(Source::into_body)
    }

    fn look_for_response(&mut self, out: &[u8]) {
        if self.wants_response && memchr::memmem::find(out, b"event: response.").is_some() {
            self.response = self.response.take().or_else(|| completed(out));
        }
    }
}

/// The answer in the terminal event of a Responses stream.
fn completed(out: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(out).ok()?;
    let at = [
        "event: response.completed\n",
        "event: response.incomplete\n",
    ]
    .iter()
    .find_map(|event| Some(text.find(event)? + event.len()))?;
    let data = text[at..].strip_prefix("data: ")?.lines().next()?;
    translator::json::member(data, "response").map(str::to_owned)
}
