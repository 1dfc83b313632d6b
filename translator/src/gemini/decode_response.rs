//! A complete answer to events: one chunk, or the list of chunks of a stream without SSE.

use super::decode_stream::StreamDecoder;
use crate::ir::Event;
use crate::json;
use crate::sse::Frame;
use crate::translate::Origin;

pub(crate) fn decode_response(body: &[u8], origin: Origin<'_>, sink: &mut dyn FnMut(Event<'_>)) {
    let mut decoder = StreamDecoder::new(&origin);
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('[') {
        for data in json::elements(text) {
            decoder.frame(Frame { event: "", data }, sink);
        }
    } else {
        decoder.frame(
            Frame {
                event: "",
                data: text,
            },
            sink,
        );
    }
    decoder.end(sink);
}
