//! Reads a stream.
//!
//! Blocks become parts one to one. A thinking block is put together again while it passes, because its
//! state is the whole block; a step that the vendor ran itself is given when it is complete.

use super::decode_parts::is_server_step;
use super::decode_response::{call, citation, server_step, state, whole};
use super::finish;
use super::turn::{Turn, push};
use super::usage::Counts;
use super::wire::{Block, Delta, StreamEvent};
use crate::Text;
use crate::continuation::Continuation;
use crate::error::{Failure, FailureKind};
use crate::ir::{Args, Event, Finish, Opening, Usage, into_string};
use crate::sse::Frame;
use crate::translate::Origin;
use crate::wire::{Said, Str, parse_text};

/// Reads a stream.
#[derive(Debug)]
pub struct StreamDecoder {
    provider: String,
    model: String,
    /// Blocks that are open, by their index on the wire.
    open: Vec<OpenBlock>,
    next_part: u32,
    counts: Counts,
    counted: bool,
    /// The latest event held counts.
    news: bool,
    started: bool,
    finish: Option<Finish<'static>>,
    called: bool,
    over: bool,
    /// The turn as the service would want it back; gathered when it may be paused.
    turn: Option<Turn>,
}

#[derive(Debug)]
struct OpenBlock {
    index: u32,
    part: u32,
    kind: OpenKind,
}

#[derive(Debug)]
enum OpenKind {
    Text,
    /// Thinking so far and its signature, both as the inside of a JSON string.
    Thinking {
        text: Vec<u8>,
        signature: Vec<u8>,
    },
    Call,
    /// A vendor's call whose input is still coming: the block without input, and the input's JSON.
    Server {
        block: String,
        input: String,
    },
    /// Complete at its beginning, or of no interest.
    Silent,
}

impl StreamDecoder {
    /// A reader at the beginning of a stream.
    pub(crate) fn new(origin: &Origin<'_>) -> Self {
        Self {
            provider: origin.provider.to_owned(),
            model: origin.model.to_owned(),
            open: Vec::new(),
            next_part: 0,
            counts: Counts::default(),
            counted: false,
            news: false,
            started: false,
            finish: None,
            called: false,
            over: false,
            turn: None,
        }
    }

    /// The turn may be paused: its blocks are gathered.
    pub(crate) fn keep_turn(&mut self) {
        self.turn = Some(Turn::default());
    }

    /// What goes on with the turn.
    pub(crate) fn continuation(&mut self) -> Option<Continuation> {
        self.turn.take()?.finish()
    }

    /// Whether there were counts since the last question.
    pub(crate) const fn take_news(&mut self) -> bool {
        std::mem::replace(&mut self.news, false)
    }

    /// Takes one frame.
    pub(crate) fn frame(&mut self, frame: Frame<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let data = frame.data.trim();
        if self.over || data.is_empty() || data == "[DONE]" {
            return;
        }
        let event: StreamEvent<'_> = match parse_text(data) {
            Ok(event) => event,
            // Events newer than this crate may have any shape.
            Err(_) if is_stranger(data) => return,
            Err(error) => {
                let message = format!("upstream sent a stream event that cannot be read: {error}");
                return self.fail(Failure::new(FailureKind::Upstream, message), sink);
            }
        };
        if event.error.is_some() {
            return self.fail(super::decode_error(0, data.as_bytes()), sink);
        }
        let index = event.index.unwrap_or(0);
        match event.kind.as_ref().map_or(frame.event, Str::as_str) {
            "content_block_delta" => {
                if let Some(delta) = event.delta {
                    if let Some(turn) = &mut self.turn {
                        turn.delta(index, &delta);
                    }
                    self.delta(index, &delta, sink);
                }
            }
            "content_block_start" => {
                if let Some(block) = &event.content_block {
                    if let Some(turn) = &mut self.turn {
                        turn.start(index, block);
                    }
                    self.start_block(index, block, sink);
                }
            }
            "content_block_stop" => self.stop_block(index, sink),
            "message_start" => self.start(event, sink),
            "message_delta" => self.message_delta(event, sink),
            "message_stop" => self.stop(sink),
            "ping" => sink(Event::Ping),
            _ => {}
        }
    }

    /// The upstream has closed the stream. Without `message_stop` the answer counts as complete only when
    /// its stop reason has come.
    pub(crate) fn end(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        if self.over {
            return;
        }
        if self.finish.is_some() {
            self.stop(sink);
        } else {
            let failure = Failure::new(
                FailureKind::Upstream,
                "upstream closed the stream before the answer was complete",
            );
            self.fail(failure, sink);
        }
    }

    fn fail(&mut self, failure: Failure, sink: &mut dyn FnMut(Event<'_>)) {
        self.over = true;
        sink(Event::Fail(failure));
    }

    fn start(&mut self, event: StreamEvent<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let message = event.message.unwrap_or_default();
        sink(Event::Start {
            id: message.id.unwrap_or_default().0,
            model: message.model.unwrap_or_default().0,
        });
        if let Some(Said { value: usage, .. }) = message.usage {
            self.counts.update(&usage);
            (self.counted, self.news) = (true, true);
            sink(Event::Usage(Usage {
                early: true,
                ..self.counts.usage()
            }));
        }
    }

    fn message_delta(&mut self, event: StreamEvent<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        if let Some(usage) = event.usage {
            self.counts.update(&usage);
            (self.counted, self.news) = (true, true);
            sink(Event::Usage(self.counts.usage()));
        }
        if let Some(delta) = event.delta
            && let Some(reason) = delta.stop_reason
        {
            self.finish = Some(
                finish::decode(reason.0, delta.stop_sequence, delta.stop_details).into_owned(),
            );
        }
    }

    fn stop(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        while let Some(block) = self.open.pop() {
            self.close(block, sink);
        }
        self.over = true;
        if self.counted {
            sink(Event::Usage(self.counts.usage()));
        }
        let fallback = if self.called {
            Finish::ToolUse
        } else {
            Finish::Stop
        };
        sink(Event::Finish {
            choice: 0,
            reason: self.finish.take().unwrap_or(fallback),
        });
    }

    fn start_block(&mut self, index: u32, block: &Block<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        // A server that repeats an index has forgotten to close the block.
        self.stop_block(index, sink);
        let part = self.next_part;
        self.next_part += 1;
        let first: Option<Text<'_>>;
        let (kind, opening) = match block.tag() {
            "text" => {
                first = block.text.clone();
                (OpenKind::Text, Opening::Text)
            }
            "thinking" => {
                let (mut text, mut signature) = (Vec::new(), Vec::new());
                first = block.thinking.clone();
                push(&mut text, block.thinking.as_ref());
                push(&mut signature, block.signature.as_ref());
                (OpenKind::Thinking { text, signature }, Opening::Reasoning)
            }
            "tool_use" => {
                self.called = true;
                first = block
                    .input
                    .map(|raw| Args::object_of(raw.get()))
                    .filter(|input| input != "{}")
                    .map(|input| Args::Text(Text::Plain(input)).to_object().0.into());
                (OpenKind::Call, call(block))
            }
            "server_tool_use" | "mcp_tool_use" => {
                let mut head = block.clone();
                let input = head
                    .input
                    .take()
                    .map(|raw| raw.get().to_owned())
                    .filter(|input| input != "{}");
                let kind = OpenKind::Server {
                    block: head.rebuild(),
                    input: input.unwrap_or_default(),
                };
                self.open.push(OpenBlock { index, part, kind });
                return;
            }
            tag => {
                if tag == "redacted_thinking" || is_server_step(tag) {
                    whole(
                        part,
                        block,
                        Origin {
                            provider: &self.provider,
                            model: &self.model,
                        },
                        sink,
                    );
                }
                self.open.push(OpenBlock {
                    index,
                    part,
                    kind: OpenKind::Silent,
                });
                return;
            }
        };
        sink(Event::Open {
            part,
            choice: 0,
            kind: opening,
            opaque: Vec::new(),
        });
        if let Some(text) = first.filter(|text| !text.is_empty()) {
            sink(Event::Delta { part, text });
        }
        self.open.push(OpenBlock { index, part, kind });
    }

    fn delta(&mut self, index: u32, delta: &Delta<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(block) = self.open.iter_mut().find(|block| block.index == index) else {
            return;
        };
        let part = block.part;
        let text = match &mut block.kind {
            OpenKind::Text => {
                if let Some(raw) = delta.citation {
                    return sink(Event::Citation {
                        part,
                        citation: citation(raw.get()),
                    });
                }
                &delta.text
            }
            OpenKind::Thinking { text, signature } => {
                push(text, delta.thinking.as_ref());
                push(signature, delta.signature.as_ref());
                &delta.thinking
            }
            OpenKind::Call => &delta.partial_json,
            OpenKind::Server { input, .. } => {
                if let Some(piece) = &delta.partial_json {
                    input.push_str(&piece.as_str());
                }
                return;
            }
            OpenKind::Silent => return,
        };
        if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
            sink(Event::Delta {
                part,
                text: text.clone(),
            });
        }
    }

    fn stop_block(&mut self, index: u32, sink: &mut dyn FnMut(Event<'_>)) {
        if let Some(at) = self.open.iter().position(|block| block.index == index) {
            let block = self.open.remove(at);
            self.close(block, sink);
        }
    }

    fn close(&self, block: OpenBlock, sink: &mut dyn FnMut(Event<'_>)) {
        let part = block.part;
        match block.kind {
            OpenKind::Text | OpenKind::Call => sink(Event::Close {
                part,
                opaque: Vec::new(),
            }),
            OpenKind::Thinking { text, signature } => {
                let opaque = if signature.is_empty() {
                    Vec::new()
                } else {
                    let origin = Origin {
                        provider: &self.provider,
                        model: &self.model,
                    };
                    vec![state(thinking_block(&text, &signature), origin)]
                };
                sink(Event::Close { part, opaque });
            }
            OpenKind::Server { block, input } => {
                let input = if input.is_empty() { "{}" } else { &input };
                if let Ok(mut head) = parse_text::<Block<'_>>(&block) {
                    head.input = parse_text(input).ok();
                    sink(Event::Open {
                        part,
                        choice: 0,
                        kind: server_step(&head),
                        opaque: Vec::new(),
                    });
                    sink(Event::Close {
                        part,
                        opaque: Vec::new(),
                    });
                }
            }
            OpenKind::Silent => {}
        }
    }
}

/// True for a JSON object whose type is none of the known events.
fn is_stranger(data: &str) -> bool {
    const KNOWN: [&str; 8] = [
        "message_start",
        "message_delta",
        "message_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "error",
        "ping",
    ];
    let tag = crate::json::member(data, "type").map(|tag| tag.trim_matches('"'));
    tag.is_some_and(|tag| !KNOWN.contains(&tag))
        && serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok()
}

fn thinking_block(text: &[u8], signature: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len() + signature.len() + 64);
    out.extend_from_slice(b"{\"type\":\"thinking\",\"thinking\":\"");
    out.extend_from_slice(text);
    out.extend_from_slice(b"\",\"signature\":\"");
    out.extend_from_slice(signature);
    out.extend_from_slice(b"\"}");
    into_string(out)
}

#[cfg(test)]
mod tests;
