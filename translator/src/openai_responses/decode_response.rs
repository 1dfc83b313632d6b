//! A complete answer of an upstream to events.

use super::decode_answer::Reader;
use super::error;
use super::wire_request::Item;
use super::wire_response::Answered;
use crate::error::{Failure, FailureKind};
use crate::ir::Event;
use crate::translate::Origin;
use crate::wire::{self, parse_raw};

/// Reads a complete answer, and gives its usage object as it was written.
pub(crate) fn decode_response<'b>(
    body: &'b [u8],
    origin: Origin<'_>,
    sink: &mut dyn FnMut(Event<'_>),
) -> Option<&'b str> {
    let answered: Answered<'_> = match wire::parse(body) {
        Ok(answered) => answered,
        Err(error) => {
            let message = format!("the upstream's answer cannot be read: {error}");
            sink(Event::Fail(Failure::new(FailureKind::Upstream, message)));
            return None;
        }
    };
    if answered.output.is_none() && answered.status.is_none() {
        let failure = match answered.error {
            Some(raw) => error::from_raw(Some(raw.get())),
            None => Failure::new(
                FailureKind::Upstream,
                "the upstream's answer is no response",
            ),
        };
        sink(Event::Fail(failure));
        return None;
    }
    sink(Event::Start {
        id: answered.id.clone().unwrap_or_default().0,
        model: answered.model.clone().unwrap_or_default().0,
    });
    let mut reader = Reader::new(&origin);
    for raw in answered.output.iter().flatten() {
        // An item that cannot be read is one that this crate does not know.
        let item: Item<'_> = parse_raw(*raw).unwrap_or_default();
        reader.item(item, raw.get(), sink);
    }
    reader.finish(&answered, sink);
    answered.usage.map(|usage| usage.raw.get())
}
