//! An upstream's stream on its way to the client: bytes in, bytes out, and what has been seen.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::estimate::Spoken;
use translator::ir::Usage;
use translator::translate::{Origin, StreamTranslation};

use super::ending;
use super::watch::Watch;
use crate::ledger::BODY;
use crate::upstream::Inflate;

/// A stream that flows.
pub(super) struct Live {
    pub(super) ingress: Dialect,
    body: Incoming,
    inflate: Option<Inflate>,
    flow: Flow,
    /// The complete answer of a Responses stream, once it has passed.
    response: Option<String>,
    wants_response: bool,
    /// The end has been written.
    ended: bool,
    /// A complete answer that is being gathered instead of a stream.
    whole: Option<Whole>,
    /// What the upstream said, where bodies are captured.
    heard: Option<Box<Heard>>,
}

/// What an upstream said, as far as it is held.
#[derive(Default)]
struct Heard {
    parts: Vec<Bytes>,
    size: usize,
}

/// A complete answer where a stream was asked for, as far as it has come.
pub(super) struct Whole {
    pub(super) dialect: Dialect,
    pub(super) provider: Arc<str>,
    pub(super) model: Arc<str>,
    /// More is not held in memory.
    pub(super) cap: usize,
    pub(super) body: Vec<u8>,
}

enum Flow {
    Translated(Box<StreamTranslation>),
    Same(Box<Watch>),
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
        body: Incoming,
        inflate: Option<Inflate>,
        translation: StreamTranslation,
        wants_response: bool,
    ) -> Self {
        Self {
            ingress,
            body,
            inflate,
            flow: Flow::Translated(Box::new(translation)),
            response: None,
            wants_response,
            ended: false,
            whole: None,
            heard: None,
        }
    }

    pub(super) fn same(
        ingress: Dialect,
        body: Incoming,
        inflate: Option<Inflate>,
        watch: Watch,
    ) -> Self {
        Self {
            ingress,
            body,
            inflate,
            flow: Flow::Same(Box::new(watch)),
            response: None,
            wants_response: false,
            ended: false,
            whole: None,
            heard: None,
        }
    }

    /// The same for an upstream that promises JSON instead of a stream.
    pub(super) fn gathering(mut self, whole: Whole) -> Self {
        self.whole = Some(whole);
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

    /// The next bytes of the upstream, as they are on the wire.
    pub(super) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, hyper::Error>>> {
        loop {
            return match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if data.is_empty() => continue,
                    Ok(data) => Poll::Ready(Some(Ok(data))),
                    Err(_) => continue,
                },
            };
        }
    }

    /// Takes bytes of the upstream and gives bytes for the client, which may be none.
    pub(super) fn take(&mut self, chunk: Bytes) -> Bytes {
        let chunk = match &mut self.inflate {
            None => chunk,
            Some(inflate) => match inflate.feed(&chunk) {
                Ok(plain) => Bytes::from(plain),
                Err(error) => {
                    return self.fail(Failure::new(FailureKind::Upstream, error.to_string()), "");
                }
            },
        };
        if let Some(heard) = &mut self.heard
            && heard.size < BODY
        {
            heard.size += chunk.len();
            heard.parts.push(chunk.clone());
        }
        let chunk = match self.gather(chunk) {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Bytes::new(),
            Err(failure) => return self.fail(failure, ""),
        };
        match &mut self.flow {
            Flow::Same(watch) => watch.feed(chunk),
            Flow::Translated(translation) => {
                let mut out = Vec::with_capacity(chunk.len() + 256);
                translation.feed(&chunk, &mut out);
                self.look_for_response(&out);
                Bytes::from(out)
            }
        }
    }

    /// Keeps a part of a complete answer; gives it back when it turns out to be a stream all the same.
    fn gather(&mut self, chunk: Bytes) -> Result<Option<Bytes>, Failure> {
        let Some(whole) = &mut self.whole else {
            return Ok(Some(chunk));
        };
        if whole.body.len() + chunk.len() > whole.cap {
            return Err(Failure::new(
                FailureKind::Upstream,
                format!("the answer is larger than {} bytes", whole.cap),
            ));
        }
        whole.body.extend_from_slice(&chunk);
        if !translator::sse::is_stream(&whole.body) {
            return Ok(None);
        }
        let begun = self.whole.take().map(|whole| Bytes::from(whole.body));
        Ok(begun)
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
        match &mut self.flow {
            Flow::Translated(translation) => {
                let mut out = Vec::new();
                if let Some(whole) = self.whole.take() {
                    let origin = Origin {
                        provider: &whole.provider,
                        model: &whole.model,
                    };
                    translation.whole(whole.dialect, &whole.body, origin, &mut out);
                }
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
                let mut out = watch.rest().to_vec();
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

    /// Token counts so far.
    pub(super) fn usage(&mut self) -> Option<Usage> {
        match &mut self.flow {
            Flow::Translated(translation) => translation.summary().usage,
            Flow::Same(watch) => watch.usage(),
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
    pub(super) fn take_keep(&mut self) -> Vec<(String, String)> {
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
    pub(super) fn into_body(self) -> Incoming {
        self.body
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
