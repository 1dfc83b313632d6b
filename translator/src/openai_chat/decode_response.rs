//! A complete answer of an upstream becomes events: read as a stream of one chunk.

use super::decode_stream::StreamDecoder;
use super::error::decode_error;
use super::wire_response::WireAnswer;
use crate::error::{Failure, FailureKind};
use crate::ir::Event;
use crate::translate::Origin;
use crate::wire;

/// Reads an answer, and gives its usage object as it was written. A body that is no answer gives one `Fail`.
pub(crate) fn decode_response<'b>(
    body: &'b [u8],
    origin: Origin<'_>,
    sink: &mut dyn FnMut(Event<'_>),
) -> Option<&'b str> {
    let answer: WireAnswer<'_> = match wire::parse(body) {
        Ok(answer) => answer,
        Err(error) => {
            let message = format!("the upstream's answer cannot be read: {error}");
            sink(Event::Fail(Failure::new(FailureKind::Upstream, message)));
            return None;
        }
    };
    if answer.error.is_some() || answer.choices.as_ref().is_none_or(Vec::is_empty) {
        let mut failure = decode_error(0, body);
        if answer.error.is_none()
            && answer
                .object
                .as_ref()
                .is_none_or(|object| object.as_str() != "error")
        {
            failure = Failure::new(
                FailureKind::Upstream,
                "the upstream's answer holds no choices",
            );
        }
        sink(Event::Fail(failure));
        return None;
    }
    let counts = answer.counts();
    let mut decoder = StreamDecoder::new(&origin);
    decoder.answer(answer, sink);
    decoder.finish(sink);
    counts
}
