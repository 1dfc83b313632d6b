//! Events to chunks for a client: server-sent events, or one JSON list.
//!
//! The client's SDK fails on comments and on any terminator, so there is neither.

use super::{chunk, error, usage};
use crate::Text;
use crate::answer::Answer;
use crate::ir::{Args, Citation, Event, Finish, Opaque, Opening, Usage};
use crate::json::{self, Writer};

/// Writes a stream.
#[derive(Debug)]
pub struct StreamEncoder {
    model: String,
    id: String,
    shows_reasoning: bool,
    array: bool,
    /// A chunk has been written, so that the list is open.
    opened: bool,
    /// A call could not be written: its arguments were cut.
    cut: bool,
    /// The alternatives that have called something.
    called: Vec<u32>,
    /// An end has been written: finish reason or error.
    ended: bool,
    /// What every chunk ends with, behind the index.
    tail: Vec<u8>,
    /// The parts that grow, one of each alternative at most.
    open: Vec<Open>,
    /// State that belongs to the next call or text of an alternative.
    pending: Vec<(u32, Opaque<'static>)>,
    citations: Vec<(u32, Citation<'static>)>,
    /// How likely the tokens of each alternative were, as list elements: said at its end.
    logprobs: Vec<(u32, String)>,
    usage: Option<Usage>,
    /// What the client was told of the counts.
    told: Option<Usage>,
}

/// A part that grows.
#[derive(Debug)]
struct Open {
    part: u32,
    choice: u32,
    kind: Opening<'static>,
    /// Arguments or bytes, which go out whole.
    text: String,
    opaque: Vec<Opaque<'static>>,
}

impl StreamEncoder {
    pub(crate) fn new(mut answer: Answer) -> Self {
        let id = answer.ids.next("");
        let mut tail = Vec::new();
        let mut w = Writer::new(&mut tail);
        chunk::envelope(None, &answer.model, &id, &mut w);
        tail.push(b'}');
        Self {
            model: answer.model,
            id,
            shows_reasoning: answer.show_reasoning,
            array: answer.json_array,
            opened: false,
            cut: false,
            called: Vec::new(),
            ended: false,
            tail,
            open: Vec::new(),
            pending: Vec::new(),
            citations: Vec::new(),
            logprobs: Vec::new(),
            usage: None,
            told: None,
        }
    }

    pub(crate) fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { .. } => {
                self.parts(0, out, |w| chunk::text(&Text::default(), false, &[], w));
            }
            Event::Open {
                part,
                choice,
                kind,
                opaque,
            } => {
                self.open.push(Open {
                    part: *part,
                    choice: *choice,
                    kind: kind.clone().into_owned(),
                    text: String::new(),
                    opaque: opaque.iter().cloned().map(Opaque::into_owned).collect(),
                });
            }
            Event::Delta { part, text } => self.delta(*part, text, out),
            Event::Citation { part, citation } => self.citation(*part, citation),
            Event::Close { part, opaque } => self.close(*part, opaque, out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { choice, reason } => self.finish(*choice, Some(reason), out),
            Event::Fail(failure) => {
                self.ended = true;
                self.open_frame(out);
                error::write_in_stream(failure, out);
                self.close_frame(out);
            }
            Event::Logprobs { choice, tokens } => {
                match self.logprobs.iter_mut().find(|(of, _)| of == choice) {
                    Some((_, held)) => {
                        held.push(',');
                        held.push_str(tokens);
                    }
                    None => self.logprobs.push((*choice, tokens.clone().into_owned())),
                }
            }
            Event::Ping => {}
        }
    }

    /// Writes what the client was told of the counts, as it was written.
    pub(crate) fn told(&self, w: &mut Writer<'_>) {
        if let Some(told) = &self.told {
            usage::write(told, w);
        }
    }

    fn citation(&mut self, part: u32, citation: &Citation<'_>) {
        let Some(choice) = self
            .open
            .iter()
            .find(|open| open.part == part)
            .map(|open| open.choice)
        else {
            return;
        };
        let known = |(of, known): &(u32, Citation<'_>)| *of == choice && known.url == citation.url;
        if !self.citations.iter().any(known) {
            self.citations.push((choice, citation.clone().into_owned()));
        }
    }

    fn delta(&mut self, part: u32, text: &Text<'_>, out: &mut Vec<u8>) {
        let Some(open) = self.open.iter_mut().find(|open| open.part == part) else {
            return;
        };
        let choice = open.choice;
        match open.kind {
            Opening::Text | Opening::Refusal if text.is_empty() => {}
            Opening::Text | Opening::Refusal if self.pending.is_empty() => {
                self.words(choice, false, text, out);
            }
            Opening::Text | Opening::Refusal => {
                let states = self.pending(choice);
                self.parts(choice, out, |w| chunk::text(text, false, &states, w));
            }
            Opening::Reasoning if self.shows_reasoning && !text.is_empty() => {
                self.words(choice, true, text, out);
            }
            Opening::ToolCall { .. } | Opening::Media { .. } => open.text.push_str(&text.as_str()),
            Opening::Reasoning | Opening::ServerTool { .. } => {}
        }
    }

    fn close(&mut self, part: u32, opaque: &[Opaque<'_>], out: &mut Vec<u8>) {
        let Some(at) = self.open.iter().position(|open| open.part == part) else {
            return;
        };
        let mut open = self.open.remove(at);
        open.opaque
            .extend(opaque.iter().cloned().map(Opaque::into_owned));
        match &open.kind {
            Opening::Reasoning => {
                let states = open.opaque.drain(..).map(|state| (open.choice, state));
                self.pending.extend(states);
            }
            Opening::Text | Opening::Refusal => {
                if !open.opaque.is_empty() {
                    // The vendor too puts the signature of a text behind it, on an empty part.
                    self.parts(open.choice, out, |w| {
                        chunk::text(&Text::default(), false, &open.opaque, w);
                    });
                }
            }
            Opening::ToolCall {
                id, name, freeform, ..
            } => {
                let text = Text::borrowed(&open.text);
                let args = if *freeform {
                    Args::Freeform(text)
                } else {
                    Args::Text(text)
                };
                let mut states = self.pending(open.choice);
                states.append(&mut open.opaque);
                if chunk::is_cut(&args) {
                    self.cut = true;
                    return;
                }
                let is_first = !self.called.contains(&open.choice);
                self.called.push(open.choice);
                self.parts(open.choice, out, |w| {
                    chunk::call(id, name, &args, &states, is_first, w);
                });
            }
            Opening::Media { mime } => {
                let data = Text::borrowed(&open.text);
                self.parts(open.choice, out, |w| chunk::media(mime, &data, w));
            }
            Opening::ServerTool { raw, .. } => {
                let mut native = false;
                let mut part = Vec::new();
                native |= chunk::server(raw, &mut Writer::new(&mut part));
                if native {
                    self.parts(open.choice, out, |w| {
                        chunk::server(raw, w);
                    });
                }
            }
        }
    }

    /// What waits for the next call or text of an alternative.
    fn pending(&mut self, choice: u32) -> Vec<Opaque<'static>> {
        taken(&mut self.pending, choice)
    }

    fn finish(&mut self, choice: u32, reason: Option<&Finish<'_>>, out: &mut Vec<u8>) {
        self.ended = true;
        let states = self.pending(choice);
        let citations = taken(&mut self.citations, choice);
        let at = self.logprobs.iter().position(|(of, _)| *of == choice);
        let tokens = at.map(|at| self.logprobs.remove(at).1);
        self.open_frame(out);
        Writer::new(out).object(|w| {
            w.array_in("candidates", |w| {
                w.object(|w| {
                    w.object_in("content", |w| {
                        w.array_in("parts", |w| {
                            chunk::text(&Text::default(), false, &states, w);
                        });
                        w.str("role", "model");
                    });
                    chunk::ending(
                        chunk::reason(reason, self.cut).as_ref(),
                        &citations,
                        tokens.as_deref(),
                        w,
                    );
                    w.uint("index", u64::from(choice));
                });
            });
            chunk::envelope(self.usage.as_ref(), &self.model, &self.id, w);
        });
        self.told = self.usage;
        self.close_frame(out);
    }

    /// The common case, without any nesting: the words are copied as they stand.
    fn words(&mut self, choice: u32, thought: bool, text: &Text<'_>, out: &mut Vec<u8>) {
        self.open_frame(out);
        out.extend_from_slice(b"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":");
        json::write_text(text, out);
        if thought {
            out.extend_from_slice(b",\"thought\":true");
        }
        out.push(b'}');
        self.rest(choice, out);
    }

    /// A chunk with the parts that `fill` writes.
    fn parts(&mut self, choice: u32, out: &mut Vec<u8>, fill: impl FnOnce(&mut Writer<'_>)) {
        self.open_frame(out);
        out.extend_from_slice(b"{\"candidates\":[{\"content\":{\"parts\":[");
        fill(&mut Writer::new(out));
        self.rest(choice, out);
    }

    fn rest(&mut self, choice: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"],\"role\":\"model\"},\"index\":");
        out.extend_from_slice(itoa::Buffer::new().format(choice).as_bytes());
        out.extend_from_slice(b"}],");
        out.extend_from_slice(&self.tail);
        self.close_frame(out);
    }

    fn open_frame(&mut self, out: &mut Vec<u8>) {
        let opened = std::mem::replace(&mut self.opened, true);
        out.extend_from_slice(match (self.array, opened) {
            (false, _) => b"data: ",
            (true, false) => b"[",
            (true, true) => b",\r\n",
        });
    }

    fn close_frame(&self, out: &mut Vec<u8>) {
        if !self.array {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        if !self.ended {
            self.finish(0, None, out);
        }
        if self.array {
            out.extend_from_slice(b"]");
        }
    }

    pub(crate) fn heartbeat(&mut self, out: &mut Vec<u8>) {
        // A blank line is the one sign of life that this client's SDK takes.
        out.push(b'\n');
    }
}

/// Takes out what belongs to an alternative.
fn taken<T>(list: &mut Vec<(u32, T)>, choice: u32) -> Vec<T> {
    list.extract_if(.., |(of, _)| *of == choice)
        .map(|(_, item)| item)
        .collect()
}
