//! A complete answer to events: one chunk, or the list of chunks of a stream without SSE.

use std::borrow::Cow;

use super::decode_stream::StreamDecoder;
use crate::ir::Event;
use crate::json;
use crate::sse::Frame;
use crate::translate::Origin;

/// Reads a complete answer, and gives its last usage object as it was written.
pub(crate) fn decode_response<'b>(
    body: &'b [u8],
    origin: Origin<'_>,
    sink: &mut dyn FnMut(Event<'_>),
) -> Option<&'b str> {
    match String::from_utf8_lossy(body) {
        Cow::Borrowed(text) => read(text, &origin, sink),
        Cow::Owned(text) => {
            read(&text, &origin, sink);
            None
        }
    }
}

fn read<'b>(
    text: &'b str,
    origin: &Origin<'_>,
    sink: &mut dyn FnMut(Event<'_>),
) -> Option<&'b str> {
    let mut decoder = StreamDecoder::new(origin);
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut frame = |data| decoder.frame(Frame { event: "", data }, sink);
    let counts = if text.starts_with('[') {
        json::elements(text).filter_map(frame).last()
    } else {
        frame(text)
    };
    decoder.end(sink);
    counts
}
