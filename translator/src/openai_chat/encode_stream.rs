//! Events become a client's stream of chunks.
//!
//! Everything that is the same in all chunks is written once; a delta costs a few copies. Relies on the strict
//! sequence of events.

use super::decode_reasoning::Place;
use super::encode_members::{
    FILTERED, annotation, characters, details, finish_reason, image, logprobs, native_reason,
    signature,
};
use super::{error, usage};
use crate::Text;
use crate::answer::Answer;
use crate::error::{Failure, FailureKind};
use crate::ir::{Citation, Event, Finish, Opaque, OpaqueKind, Opening, Usage};
use crate::json::{Writer, escape_into, write_text};

/// Writes a stream.
#[derive(Debug)]
pub struct StreamEncoder {
    include_usage: bool,
    show_reasoning: bool,
    /// Calls go out in the deprecated form.
    function_calls: bool,
    /// `data: {"id":...,"choices":[{"index":`
    head: Vec<u8>,
    /// `}],"usage":null}` and the blank line.
    tail: &'static [u8],
    parts: Vec<Part>,
    choices: Vec<Choice>,
    usage: Option<Usage>,
    /// The client has been told the counts.
    told: bool,
    progress: Progress,
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    Open,
    Finished,
    Failed,
    Closed,
}

/// A part that is open.
#[derive(Debug)]
struct Part {
    number: u32,
    choice: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text {
        /// Where the part begins in the concatenated text, in characters.
        start: u64,
    },
    Reasoning,
    Refusal,
    Call {
        index: u64,
        freeform: bool,
        /// No arguments have been written.
        bare: bool,
    },
    Media {
        mime: String,
    },
    Silent,
}

/// What has been written of an alternative.
#[derive(Debug, Default)]
struct Choice {
    begun: bool,
    calls: u64,
    images: u64,
    /// Records of vendor state so far.
    states: u64,
    /// Characters of text so far.
    characters: u64,
    has_words: bool,
}

impl StreamEncoder {
    pub(crate) fn new(mut answer: Answer) -> Self {
        let mut head = b"data: {".to_vec();
        let id = answer.ids.next("chatcmpl-");
        let mut w = Writer::new(&mut head);
        w.str("id", &id);
        w.str("object", "chat.completion.chunk");
        w.uint("created", answer.created);
        w.str("model", &answer.model);
        w.key("choices");
        head.push(b'[');
        let tail: &[u8] = if answer.include_usage {
            b"}],\"usage\":null}\n\n"
        } else {
            b"}]}\n\n"
        };
        Self {
            include_usage: answer.include_usage,
            show_reasoning: answer.show_reasoning,
            function_calls: answer.function_calls,
            head,
            tail,
            parts: Vec::new(),
            choices: Vec::new(),
            usage: None,
            told: false,
            progress: Progress::Waiting,
        }
    }

    pub(crate) fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        if matches!(self.progress, Progress::Failed | Progress::Closed) {
            return;
        }
        match event {
            Event::Start { .. } => self.choice(0, out),
            Event::Open {
                part,
                choice,
                kind,
                opaque,
            } => self.open(*part, *choice, kind, opaque, out),
            Event::Delta { part, text } => self.delta(*part, text, out),
            Event::Citation { part, citation } => self.citation(*part, citation, out),
            Event::Logprobs { choice, tokens } => self.logprobs(*choice, tokens, out),
            Event::Close { part, opaque } => self.close(*part, opaque, out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { choice, reason } => self.finish(*choice, reason, out),
            Event::Fail(failure) => self.fail(failure, out),
            Event::Ping => {}
        }
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        match self.progress {
            Progress::Finished => {}
            Progress::Waiting | Progress::Open => {
                let failure = Failure::new(
                    FailureKind::Upstream,
                    "the answer ended before it was complete",
                );
                self.fail(&failure, out);
                self.progress = Progress::Closed;
                return;
            }
            Progress::Failed | Progress::Closed => {
                self.progress = Progress::Closed;
                return;
            }
        }
        self.progress = Progress::Closed;
        if self.include_usage {
            out.extend_from_slice(&self.head);
            out.extend_from_slice(b"],");
            usage::encode(&self.usage.unwrap_or_default(), &mut Writer::new(out));
            self.told = true;
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// Writes what the client was told of the counts, as it was written.
    pub(crate) fn told(&self, w: &mut Writer<'_>) {
        if self.told {
            usage::encode(&self.usage.unwrap_or_default(), w);
        }
    }

    pub(crate) fn heartbeat(&mut self, out: &mut Vec<u8>) {
        if self.progress != Progress::Closed {
            out.extend_from_slice(b": ping\n\n");
        }
    }

    /// A chunk with the delta that `fill` writes.
    fn chunk(&self, choice: u32, out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
        self.chunk_with(choice, b"null", out, fill);
    }

    fn chunk_with(
        &self,
        choice: u32,
        finish: &[u8],
        out: &mut Vec<u8>,
        fill: impl FnOnce(&mut Vec<u8>),
    ) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"{\"index\":");
        out.extend_from_slice(itoa::Buffer::new().format(choice).as_bytes());
        out.extend_from_slice(b",\"delta\":{");
        fill(out);
        out.extend_from_slice(b"},\"logprobs\":null,\"finish_reason\":");
        out.extend_from_slice(finish);
        out.extend_from_slice(self.tail);
    }

    /// A chunk that says how likely the tokens around it were.
    fn logprobs(&mut self, choice: u32, tokens: &str, out: &mut Vec<u8>) {
        self.choice(choice, out);
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"{\"index\":");
        out.extend_from_slice(itoa::Buffer::new().format(choice).as_bytes());
        out.extend_from_slice(b",\"delta\":{},\"logprobs\":");
        Writer::new(out).object(|w| logprobs(tokens, w));
        out.extend_from_slice(b",\"finish_reason\":null");
        out.extend_from_slice(self.tail);
    }

    /// Begins an alternative with the chunk that names the role.
    fn choice(&mut self, choice: u32, out: &mut Vec<u8>) {
        self.progress = Progress::Open;
        let at = choice as usize;
        // The sequencer has bounded the number of alternatives.
        if self.choices.len() <= at {
            self.choices.resize_with(at + 1, Choice::default);
        }
        if !self.choices[at].begun {
            self.choices[at].begun = true;
            self.chunk(choice, out, |out| {
                out.extend_from_slice(br#""role":"assistant","content":"","refusal":null"#);
            });
        }
    }

    fn open(
        &mut self,
        number: u32,
        choice: u32,
        opening: &Opening<'_>,
        opaque: &[Opaque<'_>],
        out: &mut Vec<u8>,
    ) {
        self.choice(choice, out);
        let at = choice as usize;
        let kind = match opening {
            Opening::Text => Kind::Text {
                start: self.choices[at].characters,
            },
            Opening::Reasoning => Kind::Reasoning,
            Opening::Refusal => Kind::Refusal,
            Opening::Media { mime } => Kind::Media {
                mime: mime.clone().into_owned(),
            },
            Opening::ServerTool { .. } => Kind::Silent,
            Opening::ToolCall {
                id, name, freeform, ..
            } => {
                let (signatures, others): (Vec<_>, Vec<_>) = opaque
                    .iter()
                    .partition(|state| state.kind == OpaqueKind::Signature);
                self.states(choice, false, &others, out);
                let index = self.choices[at].calls;
                self.choices[at].calls += 1;
                let legacy = self.function_calls;
                if legacy && index > 0 {
                    // There is room for one; the model makes the others again when it has the result.
                    Kind::Silent
                } else {
                    self.chunk(choice, out, |out| {
                        if legacy {
                            function_call(name, out);
                        } else {
                            call(index, id, name, *freeform, &signatures, out);
                        }
                    });
                    Kind::Call {
                        index,
                        freeform: *freeform,
                        bare: true,
                    }
                }
            }
        };
        if !matches!(kind, Kind::Call { .. }) {
            let is_words = matches!(kind, Kind::Text { .. } | Kind::Refusal);
            self.states(choice, is_words, &opaque.iter().collect::<Vec<_>>(), out);
        }
        self.parts.push(Part {
            number,
            choice,
            kind,
        });
    }

    fn delta(&mut self, number: u32, text: &Text<'_>, out: &mut Vec<u8>) {
        let Some(at) = self.parts.iter().rposition(|part| part.number == number) else {
            return;
        };
        let Part { choice, kind, .. } = &mut self.parts[at];
        let choice = *choice;
        let key: &[u8] = match kind {
            Kind::Text { .. } => {
                self.choices[choice as usize].characters += characters(text);
                b"\"content\":"
            }
            Kind::Refusal => b"\"refusal\":",
            Kind::Reasoning if self.show_reasoning => {
                return self.member(choice, b"\"reasoning_content\":", text, out);
            }
            Kind::Call {
                index,
                freeform,
                bare,
            } => {
                *bare = false;
                let (index, freeform) = (*index, *freeform);
                return self.arguments(choice, index, freeform, text, out);
            }
            Kind::Media { mime } if mime.starts_with("image/") => {
                let mime = std::mem::take(mime);
                return self.image(choice, &mime, text, out);
            }
            Kind::Reasoning | Kind::Media { .. } | Kind::Silent => return,
        };
        self.choices[choice as usize].has_words = true;
        self.member(choice, key, text, out);
    }

    fn member(&self, choice: u32, key: &[u8], text: &Text<'_>, out: &mut Vec<u8>) {
        self.chunk(choice, out, |out| {
            out.extend_from_slice(key);
            write_text(text, out);
        });
    }

    fn arguments(
        &self,
        choice: u32,
        index: u64,
        freeform: bool,
        text: &Text<'_>,
        out: &mut Vec<u8>,
    ) {
        if self.function_calls {
            return self.chunk(choice, out, |out| {
                out.extend_from_slice(b"\"function_call\":{\"arguments\":");
                write_text(text, out);
                out.push(b'}');
            });
        }
        self.chunk(choice, out, |out| {
            out.extend_from_slice(b"\"tool_calls\":[{\"index\":");
            out.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
            let key: &[u8] = if freeform {
                b",\"custom\":{\"input\":"
            } else {
                b",\"function\":{\"arguments\":"
            };
            out.extend_from_slice(key);
            write_text(text, out);
            out.extend_from_slice(b"}}]");
        });
    }

    fn image(&mut self, choice: u32, mime: &str, data: &Text<'_>, out: &mut Vec<u8>) {
        let index = self.choices[choice as usize].images;
        self.choices[choice as usize].images += 1;
        self.choices[choice as usize].has_words = true;
        self.chunk(choice, out, |out| {
            Writer::new(out).array_in("images", |w| image(index, mime, data, w));
        });
    }

    fn citation(&mut self, number: u32, citation: &Citation<'_>, out: &mut Vec<u8>) {
        let Some(part) = self.parts.iter().find(|part| part.number == number) else {
            return;
        };
        let (Kind::Text { start }, Some(url)) = (&part.kind, &citation.url) else {
            return;
        };
        let (choice, start) = (part.choice, *start);
        let end = self.choices[choice as usize].characters;
        let span = citation
            .span
            .map_or((start, end), |(from, to)| (start + from, start + to));
        let title = citation.title.as_deref().unwrap_or_default();
        self.chunk(choice, out, |out| {
            Writer::new(out).array_in("annotations", |w| annotation(url, title, span, w));
        });
    }

    fn close(&mut self, number: u32, opaque: &[Opaque<'_>], out: &mut Vec<u8>) {
        let Some(at) = self.parts.iter().rposition(|part| part.number == number) else {
            return;
        };
        let part = self.parts.remove(at);
        if let Kind::Call {
            index,
            freeform: false,
            bare: true,
        } = part.kind
        {
            // Clients parse the arguments, and nothing is no JSON.
            self.arguments(part.choice, index, false, &Text::borrowed("{}"), out);
        }
        let is_words = matches!(part.kind, Kind::Text { .. } | Kind::Refusal);
        let opaque: Vec<_> = opaque.iter().collect();
        self.states(part.choice, is_words, &opaque, out);
    }

    /// Vendor state of words, or of what stands before the next call.
    fn states(&mut self, choice: u32, is_words: bool, states: &[&Opaque<'_>], out: &mut Vec<u8>) {
        if states.is_empty() {
            return;
        }
        let written = &mut self.choices[choice as usize];
        let (number, calls) = (written.states, written.calls);
        let place = match is_words {
            true => Place::Words,
            false if written.has_words => Place::BehindWords,
            false => Place::Reasoning,
        };
        written.states += 1;
        self.chunk(choice, out, |out| {
            Writer::new(out).array_in("reasoning_details", |w| {
                details(number, (calls, place), states, w)
            });
        });
    }

    fn finish(&mut self, choice: u32, reason: &Finish<'_>, out: &mut Vec<u8>) {
        self.choice(choice, out);
        if let Finish::BadToolCall(name) = reason {
            let message = format!("the model produced an unusable tool call ({name})");
            return self.fail(&Failure::new(FailureKind::Upstream, message), out);
        }
        if let Finish::ContentFilter { explanation, .. } = reason
            && !self.choices[choice as usize].has_words
        {
            let words = explanation.clone().unwrap_or(Text::borrowed(FILTERED));
            self.chunk(choice, out, |out| Writer::new(out).text("refusal", &words));
        }
        let mut word = Vec::new();
        escape_into(finish_reason(reason, self.function_calls), &mut word);
        if let Some(native) = native_reason(reason) {
            word.extend_from_slice(b",\"native_finish_reason\":");
            escape_into(native, &mut word);
        }
        self.chunk_with(choice, &word, out, |_| {});
        self.progress = Progress::Finished;
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        self.progress = Progress::Failed;
        out.extend_from_slice(b"data: ");
        Writer::new(out).object(|w| error::write(failure, w));
        out.extend_from_slice(b"\n\n");
    }
}

/// The opening fragment of a call in the deprecated form.
fn function_call(name: &str, out: &mut Vec<u8>) {
    Writer::new(out).object_in("function_call", |w| {
        w.str("name", name);
        w.str("arguments", "");
    });
}

/// The opening fragment of a call.
fn call(
    index: u64,
    id: &str,
    name: &str,
    freeform: bool,
    signatures: &[&Opaque<'_>],
    out: &mut Vec<u8>,
) {
    Writer::new(out).array_in("tool_calls", |w| {
        w.object(|w| {
            w.uint("index", index);
            w.str("id", id);
            let (kind, text) = if freeform {
                ("custom", "input")
            } else {
                ("function", "arguments")
            };
            w.str("type", kind);
            w.object_in(kind, |w| {
                w.str("name", name);
                w.str(text, "");
            });
            signature(signatures, w);
        });
    });
}
