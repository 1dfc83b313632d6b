//! The body of every answer: one type, no channel, no task of its own.
//!
//! A stream is pulled by the client's connection. When the client leaves, hyper drops the body, which drops the
//! upstream's connection and settles the account.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::stream::StreamBody;

/// The body of an answer.
pub struct AnswerBody(Kind);

enum Kind {
    Full(Bytes),
    Stream(Box<StreamBody>),
}

impl std::fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Kind::Full(_) => "AnswerBody::Full",
            Kind::Stream(_) => "AnswerBody::Stream",
        })
    }
}

impl AnswerBody {
    /// A body that is all there.
    #[must_use]
    pub const fn full(bytes: Bytes) -> Self {
        Self(Kind::Full(bytes))
    }

    pub(super) fn stream(stream: StreamBody) -> Self {
        Self(Kind::Stream(Box::new(stream)))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.get_mut().0 {
            Kind::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream(stream) => stream
                .poll_next(cx)
                .map(|next| next.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Kind::Full(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

/// A future that a body owns.
pub(super) type Owned<T> = Pin<Box<dyn Future<Output = T> + Send>>;
