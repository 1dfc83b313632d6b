//! Writes a stream: one block open at a time, numbered without gaps, one end.
//!
//! Relies on the strict sequence of events. A reasoning block is begun with its first words, because only
//! then it is known whether it is a readable one. The arguments of a call are watched: clients parse them,
//! so that an unusable call must end in an error unless the output limit cut it.

use super::encode_response::{
    citation, client_call_id, is_native_step, is_object, media_note, native_block, unusable_call,
};
use super::error::{outward, write_object};
use super::{finish, usage};
use crate::Text;
use crate::answer::Answer;
use crate::envelope;
use crate::error::{Failure, FailureKind};
use crate::ir::{Event, Finish, Opaque, Opening, Usage};
use crate::json::{self, Writer};

/// Writes a stream.
#[derive(Debug)]
pub struct StreamEncoder {
    answer: Answer,
    started: bool,
    /// Index of the next block.
    next: u32,
    open: Option<OpenBlock>,
    /// State of a text that has ended. It is told before the next block, and not at all behind the last one:
    /// clients take the last block for the answer.
    held: Vec<Opaque<'static>>,
    /// A call whose arguments are no JSON object waits for the finish reason before it is closed.
    unusable: Option<u32>,
    usage: Option<Usage>,
    finish: Option<Finish<'static>>,
    /// The message has ended.
    ended: bool,
    /// Why the client's stream has ended as an error.
    failed: Option<Failure>,
}

#[derive(Debug)]
struct OpenBlock {
    part: u32,
    kind: OpenKind,
}

/// What is open, with its index on the wire.
#[derive(Debug)]
enum OpenKind {
    Text(u32),
    /// Not begun on the wire before the first words come.
    Reasoning {
        index: Option<u32>,
        states: Vec<Opaque<'static>>,
    },
    /// The arguments so far, as the inside of a JSON string; free text is closed differently.
    Call {
        index: u32,
        args: Vec<u8>,
        freeform: bool,
    },
    /// Already written as a whole, or not at all.
    Silent,
}

impl StreamEncoder {
    /// A writer at the beginning of a stream.
    pub(crate) fn new(answer: Answer) -> Self {
        Self {
            answer,
            started: false,
            next: 0,
            open: None,
            held: Vec::new(),
            unusable: None,
            usage: None,
            finish: None,
            ended: false,
            failed: None,
        }
    }

    /// Appends the bytes of one event.
    pub(crate) fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        if self.failed.is_some() {
            return;
        }
        match event {
            Event::Delta { part, text } => self.delta(*part, text, out),
            Event::Open {
                part,
                choice: 0,
                kind,
                opaque,
            } => self.open(*part, kind, opaque, out),
            Event::Close { part, opaque } => self.close(*part, opaque, out),
            Event::Citation {
                part,
                citation: source,
            } => {
                if let Some(OpenBlock {
                    part: open,
                    kind: OpenKind::Text(index),
                }) = self.open
                    && open == *part
                    && let Some(raw) = citation(source)
                {
                    delta(index, "citations_delta", out, |w| w.raw("citation", &raw));
                }
            }
            Event::Start { .. } => self.start(out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { choice: 0, reason } => self.finish = Some(reason.clone().into_owned()),
            Event::Fail(failure) => self.fail(failure, out),
            Event::Ping => self.heartbeat(out),
            // This dialect has no place for them.
            Event::Logprobs { .. } => {}
            // This dialect has one answer only.
            Event::Open { .. } | Event::Finish { .. } => {}
        }
    }

    /// Appends what ends the stream.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        if self.failed.is_some() {
            return;
        }
        self.start(out);
        let Some(reason) = self.finish.take() else {
            let failure = Failure::new(
                FailureKind::Upstream,
                "the answer ended before it was complete",
            );
            return self.fail(&failure, out);
        };
        if let Some(index) = self.unusable.take() {
            if reason != Finish::Length {
                return self.fail(&unusable_call(), out);
            }
            block_stop(index, out);
        }
        if let Finish::BadToolCall(_) = reason {
            return self.fail(&unusable_call(), out);
        }
        frame("message_delta", out, |w| {
            w.object_in("delta", |w| {
                finish::write(w, Some(&reason));
                w.null("container");
            });
            usage::write_delta(w, &self.usage.unwrap_or_default());
        });
        frame("message_stop", out, |_| {});
        self.ended = true;
    }

    /// Writes what the client was told of the counts last, as it was written.
    pub(crate) fn told(&self, w: &mut Writer<'_>) {
        if self.ended {
            usage::write_delta(w, &self.usage.unwrap_or_default());
        } else if self.started {
            usage::write_message(w, &self.early());
        }
    }

    /// The counts before there are any.
    fn early(&self) -> Usage {
        Usage {
            fresh: self.answer.input_estimate,
            output: 1,
            ..Usage::default()
        }
    }

    /// Why the stream that was written ends as an error.
    pub(crate) const fn failure(&self) -> Option<&Failure> {
        self.failed.as_ref()
    }

    /// Appends a sign of life.
    pub(crate) fn heartbeat(&mut self, out: &mut Vec<u8>) {
        if self.failed.is_none() {
            frame("ping", out, |_| {});
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let id = self.answer.ids.next("msg_");
        let usage = self.early();
        frame("message_start", out, |w| {
            w.object_in("message", |w| {
                w.str("id", &id);
                w.str("type", "message");
                w.str("role", "assistant");
                w.str("model", &self.answer.model);
                w.array_in("content", |_| {});
                finish::write(w, None);
                w.null("container");
                w.null("diagnostics");
                usage::write_message(w, &usage);
            });
        });
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        self.failed = Some(failure.clone());
        frame("error", out, |w| {
            write_object(w, outward(failure).1, failure);
        });
    }

    fn open(&mut self, part: u32, kind: &Opening<'_>, opaque: &[Opaque<'_>], out: &mut Vec<u8>) {
        self.start(out);
        if self.unusable.is_some() {
            return self.fail(&unusable_call(), out);
        }
        if !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            self.redacted(&held, out);
        }
        let kind = match kind {
            Opening::Text | Opening::Refusal => OpenKind::Text(self.begin(out, write_empty_text)),
            Opening::Reasoning => OpenKind::Reasoning {
                index: None,
                states: opaque.iter().cloned().map(Opaque::into_owned).collect(),
            },
            Opening::ToolCall {
                id, name, freeform, ..
            } => {
                if !opaque.is_empty() {
                    self.redacted(opaque, out);
                }
                let index = self.begin(out, |w| {
                    w.str("type", "tool_use");
                    w.str("id", &client_call_id(id));
                    w.str("name", name);
                    w.raw("input", "{}");
                });
                OpenKind::Call {
                    index,
                    args: Vec::new(),
                    freeform: *freeform,
                }
            }
            Opening::Media { mime } => {
                let index = self.begin(out, write_empty_text);
                delta(index, "text_delta", out, |w| {
                    w.str("text", &media_note(mime));
                });
                block_stop(index, out);
                OpenKind::Silent
            }
            Opening::ServerTool { raw, .. } => {
                if is_native_step(raw) {
                    self.step(raw, out);
                }
                OpenKind::Silent
            }
        };
        self.open = Some(OpenBlock { part, kind });
    }

    /// Begins a block; gives its index.
    fn begin(&mut self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Writer<'_>)) -> u32 {
        let index = self.next;
        self.next += 1;
        frame("content_block_start", out, |w| {
            w.uint("index", index.into());
            w.object_in("content_block", fill);
        });
        index
    }

    fn delta(&mut self, part: u32, text: &Text<'_>, out: &mut Vec<u8>) {
        if let Some(OpenBlock {
            part: open,
            kind: OpenKind::Reasoning { index: None, .. },
        }) = self.open
            && open == part
        {
            let begun = self.begin(out, write_empty_thinking);
            if let Some(OpenBlock {
                kind: OpenKind::Reasoning { index, .. },
                ..
            }) = &mut self.open
            {
                *index = Some(begun);
            }
        }
        let Some(block) = self.open.as_mut().filter(|block| block.part == part) else {
            return;
        };
        match &mut block.kind {
            OpenKind::Text(index) => delta(*index, "text_delta", out, |w| w.text("text", text)),
            OpenKind::Reasoning {
                index: Some(index), ..
            } => {
                delta(*index, "thinking_delta", out, |w| w.text("thinking", text));
            }
            OpenKind::Call {
                index,
                args,
                freeform,
            } => {
                push(args, text);
                if !*freeform {
                    delta(*index, "input_json_delta", out, |w| {
                        w.text("partial_json", text);
                    });
                }
            }
            OpenKind::Reasoning { index: None, .. } | OpenKind::Silent => {}
        }
    }

    fn close(&mut self, part: u32, opaque: &[Opaque<'_>], out: &mut Vec<u8>) {
        let Some(block) = self.open.take_if(|block| block.part == part) else {
            return;
        };
        match block.kind {
            OpenKind::Text(index) => {
                block_stop(index, out);
                self.held
                    .extend(opaque.iter().cloned().map(Opaque::into_owned));
            }
            OpenKind::Reasoning { index, mut states } => {
                states.extend(opaque.iter().cloned().map(Opaque::into_owned));
                self.close_reasoning(index, &states, out);
            }
            OpenKind::Call {
                index,
                args,
                freeform,
            } => self.close_call(index, &args, freeform, out),
            OpenKind::Silent => {}
        }
    }

    fn close_reasoning(&mut self, begun: Option<u32>, states: &[Opaque<'_>], out: &mut Vec<u8>) {
        let native = native_block(states);
        let readable = native.filter(|block| json::member(block, "type") == Some("\"thinking\""));
        let index = match (begun, readable, native) {
            (Some(index), _, _) => index,
            // The vendor hides its words: a signature alone.
            (None, Some(_), _) => self.begin(out, write_empty_thinking),
            (None, None, Some(block)) => {
                let index = self.begin(out, |w| {
                    for (key, range) in json::members(block) {
                        w.raw(&key, &block[range]);
                    }
                });
                return block_stop(index, out);
            }
            (None, None, None) if states.is_empty() => return,
            (None, None, None) => return self.redacted(states, out),
        };
        delta(index, "signature_delta", out, |w| {
            match readable.and_then(|block| json::member(block, "signature")) {
                Some(signature) => w.raw("signature", signature),
                None => w.str("signature", &envelope::seal(states)),
            }
        });
        block_stop(index, out);
    }

    /// A block of its own for state without words.
    fn redacted(&mut self, states: &[Opaque<'_>], out: &mut Vec<u8>) {
        let index = self.begin(out, |w| {
            w.str("type", "redacted_thinking");
            w.str("data", &envelope::seal(states));
        });
        block_stop(index, out);
    }

    /// A vendor's step: a call brings its input in a delta, a result stands in its beginning.
    fn step(&mut self, raw: &str, out: &mut Vec<u8>) {
        let index = self.begin(out, |w| {
            for (key, range) in json::members(raw) {
                w.raw(&key, if key == "input" { "{}" } else { &raw[range] });
            }
        });
        if let Some(input) = json::member(raw, "input") {
            delta(index, "input_json_delta", out, |w| {
                w.str("partial_json", input);
            });
        }
        block_stop(index, out);
    }

    fn close_call(&mut self, index: u32, args: &[u8], freeform: bool, out: &mut Vec<u8>) {
        let mut literal = Vec::with_capacity(args.len() + 2);
        literal.push(b'"');
        literal.extend_from_slice(args);
        literal.push(b'"');
        let literal = crate::ir::into_string(literal);
        let text = Text::Json(&literal);
        if freeform {
            let object = crate::ir::Args::Freeform(text).to_object().0;
            delta(index, "input_json_delta", out, |w| {
                w.str("partial_json", &object);
            });
        } else if text.is_blank() {
            delta(index, "input_json_delta", out, |w| {
                w.str("partial_json", "{}");
            });
        } else if !is_object(&text.as_str()) {
            self.unusable = Some(index);
            return;
        }
        block_stop(index, out);
    }
}

fn write_empty_thinking(w: &mut Writer<'_>) {
    w.str("type", "thinking");
    w.str("thinking", "");
    w.str("signature", "");
}

fn write_empty_text(w: &mut Writer<'_>) {
    w.str("type", "text");
    w.str("text", "");
    w.null("citations");
}

/// Appends a text as the inside of a JSON string.
fn push(out: &mut Vec<u8>, text: &Text<'_>) {
    match text {
        Text::Json(literal) => out.extend_from_slice(&literal.as_bytes()[1..literal.len() - 1]),
        Text::Plain(text) => json::escape_inner(text, out),
    }
}

fn frame(name: &str, out: &mut Vec<u8>, fill: impl FnOnce(&mut Writer<'_>)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    Writer::new(out).object(|w| {
        w.str("type", name);
        fill(w);
    });
    out.extend_from_slice(b"\n\n");
}

fn delta(index: u32, kind: &str, out: &mut Vec<u8>, fill: impl FnOnce(&mut Writer<'_>)) {
    frame("content_block_delta", out, |w| {
        w.uint("index", index.into());
        w.object_in("delta", |w| {
            w.str("type", kind);
            fill(w);
        });
    });
}

fn block_stop(index: u32, out: &mut Vec<u8>) {
    frame("content_block_stop", out, |w| w.uint("index", index.into()));
}

#[cfg(test)]
mod tests;
