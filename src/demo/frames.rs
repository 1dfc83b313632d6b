//! Stream events and how they travel: framing, pace, and the ways in which a stream can go wrong on purpose.
//! It knows no dialect beyond its framing; what is in an event is made elsewhere.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use serde_json::Value;
use tokio::time::Sleep;

use super::script::Ending;

/// Between two events of a slow answer.
const PAUSE: Duration = Duration::from_millis(100);
/// What was sent before a cut needs this long to leave the machine.
const FLUSH: Duration = Duration::from_millis(20);
/// A hanging answer ends at last, so that a forgotten caller does not keep it for ever.
const PATIENCE: Duration = Duration::from_secs(600);

/// One event: its name, where the dialect has one, and its data.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) name: Option<String>,
    pub(super) data: Value,
}

impl Event {
    /// An event that is named by its own `type` member.
    pub(super) fn typed(data: Value) -> Self {
        let name = data.get("type").and_then(Value::as_str).map(str::to_owned);
        Self { name, data }
    }

    /// An event without a name.
    pub(super) fn bare(data: Value) -> Self {
        Self { name: None, data }
    }
}

/// How the events of a stream are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-sent events, ended by the body's end.
    Sse,
    /// The same, ended by `[DONE]`.
    SseDone,
    /// The same with CRLF.
    SseCrlf,
    /// A JSON array that grows.
    Array,
}

impl Framing {
    /// The events as the chunks of a body.
    pub(super) fn chunks(self, events: &[Event], whole: bool) -> Vec<Bytes> {
        let mut chunks: Vec<Bytes> = events
            .iter()
            .enumerate()
            .map(|(n, event)| Bytes::from(self.frame(event, n)))
            .collect();
        match self {
            Self::SseDone if whole => chunks.push(Bytes::from_static(b"data: [DONE]\n\n")),
            Self::Array => chunks.push(Bytes::from_static(b"]")),
            _ => {}
        }
        chunks
    }

    fn frame(self, event: &Event, number: usize) -> String {
        let data = &event.data;
        match (self, &event.name) {
            (Self::Array, _) => format!("{}{data}", if number == 0 { "[" } else { ",\r\n" }),
            (Self::SseCrlf, _) => format!("data: {data}\r\n\r\n"),
            (_, Some(name)) => format!("event: {name}\ndata: {data}\n\n"),
            (_, None) => format!("data: {data}\n\n"),
        }
    }

    /// The content type of such a stream.
    pub(super) fn content_type(self) -> &'static str {
        if self == Self::Array {
            "application/json; charset=UTF-8"
        } else {
            "text/event-stream; charset=utf-8"
        }
    }
}

/// A body that sends its chunks one by one and ends as the script says.
#[derive(Debug)]
pub(super) struct Chunks {
    queue: VecDeque<Bytes>,
    ending: Ending,
    pause: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
    length: Option<u64>,
    /// Whether the time before the connection dies has begun.
    waited: bool,
}

impl Chunks {
    /// A stream of events, at the pace that was asked for.
    pub(super) fn stream(chunks: Vec<Bytes>, ending: Ending, slow: bool) -> Self {
        Self {
            queue: chunks.into(),
            ending,
            pause: slow.then_some(PAUSE),
            sleep: None,
            length: None,
            waited: false,
        }
    }

    /// A body that is all there, or only half when the script wants it cut.
    pub(super) fn full(body: &Bytes, ending: Ending) -> Self {
        let length = body.len();
        let sent = if ending == Ending::Cut {
            length / 2
        } else {
            length
        };
        Self {
            queue: VecDeque::from([body.slice(..sent)]),
            ending,
            pause: None,
            sleep: None,
            length: Some(length as u64),
            waited: false,
        }
    }

    /// Ready when the running pause is over.
    fn rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.sleep {
            std::task::ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        Poll::Ready(())
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        std::task::ready!(self.rest(cx));
        if let Some(chunk) = self.queue.pop_front() {
            self.sleep = self.pause.map(|pause| Box::pin(tokio::time::sleep(pause)));
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        let wait = match self.ending {
            Ending::Whole | Ending::Fail => return Poll::Ready(None),
            Ending::Cut => FLUSH,
            Ending::Hang => PATIENCE,
        };
        if !self.waited {
            self.waited = true;
            self.sleep = Some(Box::pin(tokio::time::sleep(wait)));
            std::task::ready!(self.rest(cx));
        }
        Poll::Ready(Some(Err(io::Error::other(
            "the prompt asked for a dead connection",
        ))))
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Some(length) => SizeHint::with_exact(length),
            None => SizeHint::default(),
        }
    }
}
