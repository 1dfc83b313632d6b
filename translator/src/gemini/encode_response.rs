//! A complete answer for a client.

use std::ops::Range;

use super::chunk;
use crate::Text;
use crate::answer::Answer;
use crate::ir::{Args, Citation, Opaque, Opening, OutPart, Response};
use crate::json::Writer;

/// Writes a complete answer; gives the place of its usage object.
pub(crate) fn encode_response(
    response: &Response,
    answer: &mut Answer,
    out: &mut Vec<u8>,
) -> Option<Range<usize>> {
    let id = answer.ids.next("");
    let choices = response.finish.len().max(1) as u32;
    let mut told = None;
    Writer::new(out).object(|w| {
        w.array_in("candidates", |w| {
            for choice in 0..choices {
                w.object(|w| candidate(response, choice, answer.show_reasoning, w));
            }
        });
        told = chunk::envelope(response.usage.as_ref(), &answer.model, &id, w);
    });
    told
}

fn candidate(response: &Response, choice: u32, shows_reasoning: bool, w: &mut Writer<'_>) {
    let mut citations: Vec<Citation<'_>> = Vec::new();
    let mut cut = false;
    w.object_in("content", |w| {
        w.array_in("parts", |w| {
            let mut pending: Vec<Opaque<'_>> = Vec::new();
            let mut wrote = false;
            let mut called = false;
            for out in response.choice(choice) {
                citations.extend(out.citations.iter().cloned());
                let mut before = Before {
                    states: &mut pending,
                    called: &mut called,
                };
                wrote |= part(out, shows_reasoning, &mut before, &mut cut, w);
            }
            // State that nothing follows; and a list of parts that is not empty.
            if !pending.is_empty() || !wrote {
                chunk::text(&Text::default(), false, &pending, w);
            }
        });
        w.str("role", "model");
    });
    let reason = response
        .finish
        .get(choice as usize)
        .and_then(Option::as_ref);
    chunk::ending(
        chunk::reason(reason, cut).as_ref(),
        &citations,
        response.logprobs(choice),
        w,
    );
    w.uint("index", u64::from(choice));
}

/// What a part has to know of those before it.
struct Before<'p, 'r> {
    /// State that belongs to the next call or text.
    states: &'p mut Vec<Opaque<'r>>,
    /// There has been a call.
    called: &'p mut bool,
}

/// True when a part was written.
fn part<'r>(
    out: &'r OutPart,
    shows_reasoning: bool,
    before: &mut Before<'_, 'r>,
    cut: &mut bool,
    w: &mut Writer<'_>,
) -> bool {
    let text = Text::borrowed(&out.text);
    match &out.kind {
        Opening::Reasoning => {
            before.states.extend(out.opaque.iter().cloned());
            let shown = shows_reasoning && !out.text.is_empty();
            if shown {
                chunk::text(&text, true, &[], w);
            }
            shown
        }
        Opening::Text | Opening::Refusal => {
            let mut states = std::mem::take(before.states);
            states.extend(out.opaque.iter().cloned());
            chunk::text(&text, false, &states, w);
            true
        }
        Opening::ToolCall {
            id, name, freeform, ..
        } => {
            let mut states = std::mem::take(before.states);
            states.extend(out.opaque.iter().cloned());
            let args = if *freeform {
                Args::Freeform(text)
            } else {
                Args::Text(text)
            };
            if chunk::is_cut(&args) {
                *cut = true;
                return false;
            }
            let is_first = !std::mem::replace(before.called, true);
            chunk::call(id, name, &args, &states, is_first, w);
            true
        }
        Opening::Media { mime } => {
            chunk::media(mime, &text, w);
            true
        }
        Opening::ServerTool { raw, .. } => chunk::server(raw, w),
    }
}
