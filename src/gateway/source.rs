//! Where the bytes of an answer come from: one call, and the calls that go on with it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use translator::error::{Failure, FailureKind};

use super::again::{Again, Called, Calling};
use crate::upstream::{Inflate, Pieces};

/// Where the bytes come from.
pub(super) struct Source {
    state: State,
    inflate: Option<Inflate>,
    /// A complete answer that is being gathered instead of a stream.
    whole: Option<Whole>,
    /// What a complete answer instead of a stream would be; absent where one cannot be told from a stream.
    frame: Option<Frame>,
}

enum State {
    Flowing(Incoming),
    Calling(Calling),
    Ended,
}

/// What is known of a complete answer before it comes.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) provider: Arc<str>,
    pub(super) model: Arc<str>,
    /// More is not held in memory.
    pub(super) cap: usize,
}

/// A complete answer where a stream was asked for, as far as it has come.
pub(super) struct Whole {
    pub(super) frame: Frame,
    pub(super) body: Vec<u8>,
}

/// What a source gives.
pub(super) enum Piece {
    /// Bytes as they are on the wire.
    Bytes(Bytes),
    /// A further call has been answered.
    Called(Called),
}

impl Source {
    /// The answer to a call.
    pub(super) fn new(response: Response<Incoming>, frame: Option<Frame>) -> Result<Self, Failure> {
        let mut source = Self {
            state: State::Ended,
            inflate: None,
            whole: None,
            frame,
        };
        source.open(response)?;
        Ok(source)
    }

    fn open(&mut self, response: Response<Incoming>) -> Result<(), Failure> {
        let (head, body) = response.into_parts();
        self.inflate = Inflate::of(&head.headers, usize::MAX)
            .map_err(|error| Failure::new(FailureKind::Upstream, error.to_string()))?;
        self.whole = self
            .frame
            .clone()
            .filter(|_| is_json(&head.headers))
            .map(|frame| Whole {
                frame,
                body: Vec::new(),
            });
        self.state = State::Flowing(body);
        Ok(())
    }

    /// A complete answer comes instead of a stream.
    pub(super) const fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// The complete answer.
    pub(super) fn take_whole(&mut self) -> Option<Whole> {
        self.whole.take()
    }

    /// Goes on with another call.
    pub(super) fn call(&mut self, again: &Again, body: Pieces) {
        self.state = State::Calling(again.call(body));
    }

    /// What comes next.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, Failure>>> {
        loop {
            return match &mut self.state {
                State::Ended => Poll::Ready(None),
                State::Flowing(body) => match Pin::new(body).poll_frame(cx) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(data) if data.is_empty() => continue,
                        Ok(data) => Poll::Ready(Some(Ok(Piece::Bytes(data)))),
                        Err(_) => continue,
                    },
                    Poll::Ready(None) => Poll::Ready(None),
                    Poll::Ready(Some(Err(error))) => {
                        let words = format!("the connection to the upstream broke: {error}");
                        let failure = Failure::new(FailureKind::Upstream, words);
                        Poll::Ready(Some(Err(failure)))
                    }
                },
                State::Calling(calling) => match calling.as_mut().poll(cx) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready((sent, called)) => {
                        self.state = State::Ended;
                        let opened = sent
                            .map_err(|fault| fault.failure)
                            .and_then(|response| self.open(response));
                        Poll::Ready(Some(opened.map(|()| Piece::Called(called))))
                    }
                },
            };
        }
    }

    /// What is in the bytes of the wire.
    pub(super) fn plain(&mut self, chunk: Bytes) -> Result<Bytes, Failure> {
        match &mut self.inflate {
            None => Ok(chunk),
            Some(inflate) => inflate
                .feed(&chunk)
                .map(Bytes::from)
                .map_err(|error| Failure::new(FailureKind::Upstream, error.to_string())),
        }
    }

    /// Keeps a part of a complete answer; gives it back when it turns out to be a stream all the same.
    pub(super) fn gather(&mut self, chunk: Bytes) -> Result<Bytes, Failure> {
        let Some(whole) = &mut self.whole else {
            return Ok(chunk);
        };
        if whole.body.len() + chunk.len() > whole.frame.cap {
            return Err(Failure::new(
                FailureKind::Upstream,
                format!("the answer is larger than {} bytes", whole.frame.cap),
            ));
        }
        whole.body.extend_from_slice(&chunk);
        if !translator::sse::is_stream(&whole.body) {
            return Ok(Bytes::new());
        }
        let begun = self.whole.take().map(|whole| Bytes::from(whole.body));
        Ok(begun.unwrap_or_default())
    }

    /// Gives the body back, so that the connection can be read to its end and used again.
    pub(super) fn into_body(self) -> Option<Incoming> {
        match self.state {
            State::Flowing(body) => Some(body),
            State::Calling(_) | State::Ended => None,
        }
    }
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
