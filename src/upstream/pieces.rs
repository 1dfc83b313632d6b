//! A request's body in pieces: slices of what the client sent with edits between them, so that a long body goes
//! out of the buffer that it came in by. Knows nothing of what is in it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

/// A body that is all there. Cloning it copies no bytes.
#[derive(Clone, Debug, Default)]
pub struct Pieces(VecDeque<Bytes>);

impl Pieces {
    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().map(Bytes::len).sum()
    }

    /// True when there is not a byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }

    /// The pieces in order.
    pub fn iter(&self) -> impl Iterator<Item = &Bytes> {
        self.0.iter()
    }

    /// All of it in one piece, copied when there are several.
    #[must_use]
    pub fn whole(&self) -> Bytes {
        if let [one] = self.0.as_slices().0
            && self.0.len() == 1
        {
            return one.clone();
        }
        let mut whole = BytesMut::with_capacity(self.len());
        self.0
            .iter()
            .for_each(|piece| whole.extend_from_slice(piece));
        whole.freeze()
    }
}

impl From<Bytes> for Pieces {
    fn from(bytes: Bytes) -> Self {
        [bytes].into_iter().collect()
    }
}

impl FromIterator<Bytes> for Pieces {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        let filled = |piece: &Bytes| !piece.is_empty();
        Self(pieces.into_iter().filter(filled).collect())
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn pieces_come_in_order_and_empty_ones_not_at_all() {
        let pieces: Pieces = ["ab", "", "c"]
            .map(|piece| Bytes::from_static(piece.as_bytes()))
            .into_iter()
            .collect();
        assert_eq!(pieces.size_hint().exact(), Some(3));
        assert_eq!(&pieces.whole()[..], b"abc");
        assert!(!pieces.is_empty() && Pieces::from(Bytes::new()).is_end_stream());
        let one = Bytes::from_static(b"one");
        assert_eq!(Pieces::from(one.clone()).whole().as_ptr(), one.as_ptr());
        let all = pieces.collect().await.expect("cannot fail").to_bytes();
        assert_eq!(&all[..], b"abc");
    }
}
