//! A client's stream. Holds what has been said, because every level of this dialect repeats it when it ends.

use super::encode_items::{self as items, Call, Status, Words};
use super::encode_response::{Stand, response, unusable, usage};
use super::{error, server_items};
use crate::Text;
use crate::answer::Answer;
use crate::error::{Failure, FailureKind};
use crate::ir::{Citation, Event, Finish, Opaque, Opening, Usage};
use crate::json::{self, Writer};

/// Writes a stream.
#[derive(Debug)]
pub struct StreamEncoder {
    answer: Answer,
    /// The response's id, once the stream has begun.
    id: Option<String>,
    sequence: u64,
    /// The number of items before the one that is open.
    index: u64,
    /// The complete items, as list elements.
    output: Vec<u8>,
    message: Option<Message>,
    part: Option<OpenPart>,
    /// How likely the tokens of the next words are, as list elements.
    logprobs: String,
    usage: Option<Usage>,
    /// What the client was told of the counts.
    told: Option<Usage>,
    finish: Option<Finish<'static>>,
    failure: Option<Failure>,
}

/// The message that is open: it takes in all words that follow one another.
#[derive(Debug)]
struct Message {
    id: String,
    /// Its complete parts, as list elements.
    parts: String,
    count: u64,
    beside: items::Beside,
}

/// The part that is open.
#[derive(Debug)]
struct OpenPart {
    number: u32,
    id: String,
    kind: PartKind,
    /// A JSON literal without its closing quote: what has been said is repeated as it was escaped.
    said: Vec<u8>,
    annotations: String,
    /// Citations of the whole part, whose extent is known at its end.
    whole: Vec<Citation<'static>>,
    /// How likely its tokens were, as list elements.
    logprobs: String,
    annotated: u64,
}

#[derive(Debug)]
enum PartKind {
    Words(Words),
    Reasoning,
    Call(Call),
    Image(String),
}

impl StreamEncoder {
    pub(crate) fn new(answer: Answer) -> Self {
        Self {
            answer,
            id: None,
            sequence: 0,
            index: 0,
            output: Vec::new(),
            message: None,
            part: None,
            logprobs: String::new(),
            usage: None,
            told: None,
            finish: None,
            failure: None,
        }
    }

    pub(crate) fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { .. } => self.start(out),
            Event::Open {
                part,
                choice: 0,
                kind,
                opaque,
            } => self.open(*part, kind, opaque, out),
            Event::Delta { part, text } => self.delta(*part, text, out),
            Event::Citation { part, citation } => self.citation(*part, citation, out),
            Event::Logprobs { choice: 0, tokens } => join(&mut self.logprobs, tokens),
            Event::Close { part, opaque } => self.close(*part, opaque, out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { choice: 0, reason } => self.finish = Some(reason.clone().into_owned()),
            Event::Fail(failure) => self.failure = Some(failure.clone()),
            Event::Open { .. } | Event::Logprobs { .. } | Event::Finish { .. } | Event::Ping => {}
        }
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        let failure = self.failure.take().or_else(|| match &self.finish {
            Some(finish) => unusable(finish),
            None => Some(Failure::new(
                FailureKind::Upstream,
                "the answer ended before it was complete",
            )),
        });
        if let Some(failure) = failure {
            self.failed(&failure, out);
            return;
        }
        if let Some(part) = self.part.as_ref().map(|part| part.number) {
            self.close(part, &[], out);
        }
        self.end_message(out);
        let stand = Stand::of(self.finish.as_ref());
        let name = if stand == Stand::Completed {
            "response.completed"
        } else {
            "response.incomplete"
        };
        self.whole(name, stand, out);
    }

    /// Writes what the client was told of the counts, as it was written.
    pub(crate) fn told(&self, w: &mut Writer<'_>) {
        if let Some(told) = &self.told {
            w.object_in("usage", |w| usage(w, told));
        }
    }

    /// A comment: every client of this dialect skips it.
    pub(crate) fn heartbeat(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b": ping\n\n");
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if self.id.is_some() {
            return;
        }
        self.id = Some(self.answer.ids.next("resp_"));
        self.whole("response.created", Stand::InProgress, out);
        self.whole("response.in_progress", Stand::InProgress, out);
    }

    /// The error is said three times: some clients read the flat members, some the nested ones, some wait
    /// for the failed response.
    fn failed(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        frame("error", &mut self.sequence, out, |w| {
            error::nullable(w, "code", error::code(failure));
            w.str("message", &error::message(failure));
            error::nullable(w, "param", failure.param.as_deref());
            w.object_in("error", |w| error::write(failure, w));
        });
        self.keep_partial();
        self.whole("response.failed", Stand::Failed(failure), out);
    }

    /// The words of the items that are open belong into a failed response, without frames of their own. A call that
    /// is not complete does not: nobody may run it.
    fn keep_partial(&mut self) {
        let mut written = Vec::new();
        if let Some(mut part) = self.part.take().filter(|part| part.said.len() > 1) {
            part.said.push(b'"');
            let literal = crate::ir::into_string(std::mem::take(&mut part.said));
            let said = Text::Json(&literal);
            match part.kind {
                PartKind::Words(words) => self.keep_words(&part, words, &said),
                PartKind::Reasoning => {
                    Writer::new(&mut written)
                        .object(|w| items::reasoning(w, &part.id, &said, None));
                }
                PartKind::Call(_) | PartKind::Image(_) => {}
            }
        }
        if let Some(message) = self.message.take().filter(|message| message.count > 0) {
            Writer::new(&mut written).object(|w| {
                let phase = message.beside.phase.as_deref();
                items::message(w, &message.id, Status::Incomplete, phase, &message.parts);
            });
        }
        if !written.is_empty() {
            self.keep(&written);
        }
    }

    /// A frame that holds the whole response.
    fn whole(&mut self, name: &str, stand: Stand<'_>, out: &mut Vec<u8>) {
        let Self {
            answer,
            id,
            sequence,
            output,
            usage,
            told,
            ..
        } = self;
        *told = *usage;
        let id = id.as_deref().unwrap_or_default();
        frame(name, sequence, out, |w| {
            w.object_in("response", |w| {
                response(w, answer, id, stand, output, usage.as_ref());
            });
        });
    }

    fn open(&mut self, number: u32, kind: &Opening<'_>, opaque: &[Opaque<'_>], out: &mut Vec<u8>) {
        self.start(out);
        let kind = match kind {
            Opening::Text => PartKind::Words(Words::Text),
            Opening::Refusal => PartKind::Words(Words::Refusal),
            Opening::Reasoning => PartKind::Reasoning,
            Opening::ToolCall {
                id,
                name,
                namespace,
                freeform,
            } => PartKind::Call(Call::new(
                id,
                name,
                namespace.as_deref(),
                *freeform,
                &self.answer,
            )),
            Opening::Media { mime } => match items::image_format(mime) {
                Some(format) => PartKind::Image(format.to_owned()),
                None => return,
            },
            Opening::ServerTool { raw, .. } => return self.server_tool(raw, out),
        };
        let id = match kind {
            PartKind::Words(_) => self.message_id(out),
            _ => {
                self.end_message(out);
                String::new()
            }
        };
        let mut part = OpenPart {
            number,
            id,
            kind,
            said: vec![b'"'],
            annotations: String::new(),
            whole: Vec::new(),
            logprobs: String::new(),
            annotated: 0,
        };
        match &part.kind {
            PartKind::Words(words) => self.part_frame(
                "response.content_part.added",
                &part,
                *words,
                &Text::default(),
                out,
            ),
            PartKind::Reasoning => {
                part.id = self.answer.ids.next("rs_");
                self.added(out, |w| {
                    items::reasoning(w, &part.id, &Text::default(), None);
                });
            }
            PartKind::Call(call) => {
                if let Some(encrypted) = items::encrypted(opaque) {
                    self.state(&encrypted, out);
                }
                part.id = self.answer.ids.next(call.prefix());
                let empty = Text::borrowed(if call.vendor.is_some() { "{}" } else { "" });
                if call.vendor.is_none_or(|vendor| vendor.tag == "tool_search") {
                    self.added(out, |w| call.write(w, &part.id, Status::InProgress, &empty));
                }
            }
            PartKind::Image(format) => {
                part.id = self.answer.ids.next("ig_");
                self.added(out, |w| items::image(w, &part.id, format, None));
                self.step(
                    "response.image_generation_call.in_progress",
                    &part.id,
                    out,
                    |_| {},
                );
            }
        }
        self.part = Some(part);
    }

    /// State that came with a call or with words stands in a reasoning item: before the call, behind the words.
    fn state(&mut self, encrypted: &str, out: &mut Vec<u8>) {
        let id = self.answer.ids.next("rs_");
        self.added(out, |w| items::reasoning(w, &id, &Text::default(), None));
        self.done(out, |w| {
            items::reasoning(w, &id, &Text::default(), Some(encrypted));
        });
    }

    fn server_tool(&mut self, raw: &str, out: &mut Vec<u8>) {
        let ids = &mut self.answer.ids;
        let Some(item) = server_items::item(raw, |prefix| ids.next(prefix)) else {
            return;
        };
        self.end_message(out);
        let id = json::member(&item, "id")
            .map(|id| Text::Json(id).as_str().into_owned())
            .unwrap_or_default();
        let (index, sequence) = (self.index, &mut self.sequence);
        frame("response.output_item.added", sequence, out, |w| {
            w.uint("output_index", index);
            w.raw("item", &item);
        });
        let steps: &[&str] = match json::member(&item, "type") {
            Some("\"web_search_call\"") => &[
                "web_search_call.in_progress",
                "web_search_call.searching",
                "web_search_call.completed",
            ],
            Some("\"file_search_call\"") => &[
                "file_search_call.in_progress",
                "file_search_call.searching",
                "file_search_call.completed",
            ],
            Some("\"code_interpreter_call\"") => &[
                "code_interpreter_call.in_progress",
                "code_interpreter_call.interpreting",
                "code_interpreter_call.completed",
            ],
            Some("\"mcp_call\"") => &["mcp_call.in_progress", "mcp_call.completed"],
            _ => &[],
        };
        for step in steps {
            self.step(&format!("response.{step}"), &id, out, |_| {});
        }
        frame("response.output_item.done", &mut self.sequence, out, |w| {
            w.uint("output_index", index);
            w.raw("item", &item);
        });
        self.keep(item.as_bytes());
    }

    fn delta(&mut self, number: u32, text: &Text<'_>, out: &mut Vec<u8>) {
        let Some(mut part) = self.part.take_if(|part| part.number == number) else {
            return;
        };
        let first = part.said.len() == 1;
        match text {
            Text::Json(literal) => part
                .said
                .extend_from_slice(&literal.as_bytes()[1..literal.len() - 1]),
            Text::Plain(text) => json::escape_inner(text, &mut part.said),
        }
        let tokens = match part.kind {
            PartKind::Words(Words::Text) => std::mem::take(&mut self.logprobs),
            _ => String::new(),
        };
        join(&mut part.logprobs, &tokens);
        match &part.kind {
            PartKind::Words(words) => {
                let content = self.message.as_ref().map_or(0, |message| message.count);
                let name = match words {
                    Words::Text => "response.output_text.delta",
                    Words::Refusal => "response.refusal.delta",
                };
                self.step(name, &part.id, out, |w| {
                    w.uint("content_index", content);
                    w.text("delta", text);
                    if *words == Words::Text {
                        w.raw("logprobs", &format!("[{tokens}]"));
                    }
                });
            }
            PartKind::Reasoning => {
                if first {
                    self.step(
                        "response.reasoning_summary_part.added",
                        &part.id,
                        out,
                        |w| {
                            w.uint("summary_index", 0);
                            w.object_in("part", |w| items::summary(w, &Text::default()));
                        },
                    );
                }
                self.step(
                    "response.reasoning_summary_text.delta",
                    &part.id,
                    out,
                    |w| {
                        w.uint("summary_index", 0);
                        w.text("delta", text);
                    },
                );
            }
            PartKind::Call(call) if call.vendor.is_none() => {
                self.step(arguments(call, "delta"), &part.id, out, |w| {
                    w.text("delta", text);
                });
            }
            PartKind::Call(_) | PartKind::Image(_) => {}
        }
        self.part = Some(part);
    }

    fn citation(&mut self, number: u32, citation: &Citation<'_>, out: &mut Vec<u8>) {
        let Some(mut part) = self.part.take_if(|part| part.number == number) else {
            return;
        };
        if citation.span.is_none() {
            part.whole.push(citation.clone().into_owned());
        } else {
            self.annotate(&mut part, citation, out);
        }
        self.part = Some(part);
    }

    fn annotate(&mut self, part: &mut OpenPart, citation: &Citation<'_>, out: &mut Vec<u8>) {
        let said = || {
            let literal = format!("{}\"", String::from_utf8_lossy(&part.said));
            Text::Json(&literal).as_str().chars().count() as u64
        };
        if let (PartKind::Words(Words::Text), Some(annotation)) =
            (&part.kind, items::annotation(citation, said))
        {
            let content = self.message.as_ref().map_or(0, |message| message.count);
            self.step(
                "response.output_text.annotation.added",
                &part.id,
                out,
                |w| {
                    w.uint("content_index", content);
                    w.uint("annotation_index", part.annotated);
                    w.raw("annotation", &annotation);
                },
            );
            if part.annotated > 0 {
                part.annotations.push(',');
            }
            part.annotations.push_str(&annotation);
            part.annotated += 1;
        }
    }

    fn close(&mut self, number: u32, opaque: &[Opaque<'_>], out: &mut Vec<u8>) {
        let Some(mut part) = self.part.take_if(|part| part.number == number) else {
            return;
        };
        for citation in std::mem::take(&mut part.whole) {
            self.annotate(&mut part, &citation, out);
        }
        if matches!(part.kind, PartKind::Words(Words::Text)) {
            join(&mut part.logprobs, &std::mem::take(&mut self.logprobs));
        }
        let is_empty_function =
            matches!(&part.kind, PartKind::Call(call) if !call.freeform && part.said.len() == 1);
        if is_empty_function {
            self.part = Some(part);
            self.delta(number, &Text::borrowed("{}"), out);
            let Some(again) = self.part.take() else {
                return;
            };
            part = again;
        }
        part.said.push(b'"');
        let literal = crate::ir::into_string(std::mem::take(&mut part.said));
        let said = Text::Json(&literal);
        match &part.kind {
            PartKind::Words(words) => {
                if let Some(message) = &mut self.message {
                    message.beside.take(opaque);
                }
                self.close_words(&part, *words, &said, out);
            }
            PartKind::Reasoning => self.close_reasoning(&part, &said, opaque, out),
            PartKind::Call(call) => {
                if call.vendor.is_none() {
                    let member = if call.freeform { "input" } else { "arguments" };
                    self.step(arguments(call, "done"), &part.id, out, |w| {
                        w.text(member, &said);
                    });
                } else if call
                    .vendor
                    .is_some_and(|vendor| vendor.tag != "tool_search")
                {
                    // Its argument is an object that cannot be shown before it is complete.
                    self.added(out, |w| call.write(w, &part.id, Status::InProgress, &said));
                }
                let status = call.status(&said);
                self.done(out, |w| call.write(w, &part.id, status, &said));
            }
            PartKind::Image(format) => {
                self.step(
                    "response.image_generation_call.generating",
                    &part.id,
                    out,
                    |_| {},
                );
                self.step(
                    "response.image_generation_call.completed",
                    &part.id,
                    out,
                    |_| {},
                );
                self.done(out, |w| items::image(w, &part.id, format, Some(&said)));
            }
        }
    }

    fn close_words(&mut self, part: &OpenPart, words: Words, said: &Text<'_>, out: &mut Vec<u8>) {
        let content = self.message.as_ref().map_or(0, |message| message.count);
        match words {
            Words::Text => self.step("response.output_text.done", &part.id, out, |w| {
                w.uint("content_index", content);
                w.text("text", said);
                w.raw("logprobs", &format!("[{}]", part.logprobs));
            }),
            Words::Refusal => self.step("response.refusal.done", &part.id, out, |w| {
                w.uint("content_index", content);
                w.text("refusal", said);
            }),
        }
        self.part_frame("response.content_part.done", part, words, said, out);
        self.keep_words(part, words, said);
    }

    fn keep_words(&mut self, part: &OpenPart, words: Words, said: &Text<'_>) {
        if let Some(message) = &mut self.message {
            let mut written = Vec::new();
            Writer::new(&mut written)
                .object(|w| items::content_part(w, words, said, &part.annotations, &part.logprobs));
            if message.count > 0 {
                message.parts.push(',');
            }
            message.parts.push_str(&crate::ir::into_string(written));
            message.count += 1;
        }
    }

    fn close_reasoning(
        &mut self,
        part: &OpenPart,
        said: &Text<'_>,
        opaque: &[Opaque<'_>],
        out: &mut Vec<u8>,
    ) {
        if !said.is_empty() {
            self.step("response.reasoning_summary_text.done", &part.id, out, |w| {
                w.uint("summary_index", 0);
                w.text("text", said);
            });
            self.step("response.reasoning_summary_part.done", &part.id, out, |w| {
                w.uint("summary_index", 0);
                w.object_in("part", |w| items::summary(w, said));
            });
        }
        let encrypted = items::encrypted(opaque);
        self.done(out, |w| {
            items::reasoning(w, &part.id, said, encrypted.as_deref());
        });
    }

    /// The open message's id; a message is opened when there is none.
    fn message_id(&mut self, out: &mut Vec<u8>) -> String {
        if let Some(message) = &self.message {
            return message.id.clone();
        }
        let id = self.answer.ids.next("msg_");
        self.added(out, |w| {
            items::message(w, &id, Status::InProgress, None, "");
        });
        self.message = Some(Message {
            id: id.clone(),
            parts: String::new(),
            count: 0,
            beside: items::Beside::default(),
        });
        id
    }

    fn end_message(&mut self, out: &mut Vec<u8>) {
        if let Some(message) = self.message.take() {
            // The last message of an answer is ended when its end is known.
            let status = match self.finish.as_ref().map(|finish| Stand::of(Some(finish))) {
                Some(Stand::Incomplete(_)) => Status::Incomplete,
                _ => Status::Completed,
            };
            self.done(out, |w| {
                let phase = message.beside.phase.as_deref();
                items::message(w, &message.id, status, phase, &message.parts);
            });
            if let Some(encrypted) = items::encrypted(&message.beside.states) {
                self.state(&encrypted, out);
            }
        }
    }

    fn part_frame(
        &mut self,
        name: &str,
        part: &OpenPart,
        words: Words,
        text: &Text<'_>,
        out: &mut Vec<u8>,
    ) {
        let content = self.message.as_ref().map_or(0, |message| message.count);
        self.step(name, &part.id, out, |w| {
            w.uint("content_index", content);
            w.object_in("part", |w| {
                items::content_part(w, words, text, &part.annotations, &part.logprobs);
            });
        });
    }

    /// A frame about the open item.
    fn step(
        &mut self,
        name: &str,
        id: &str,
        out: &mut Vec<u8>,
        fill: impl FnOnce(&mut Writer<'_>),
    ) {
        let index = self.index;
        frame(name, &mut self.sequence, out, |w| {
            w.str("item_id", id);
            w.uint("output_index", index);
            fill(w);
        });
    }

    fn added(&mut self, out: &mut Vec<u8>, item: impl FnOnce(&mut Writer<'_>)) {
        let index = self.index;
        frame("response.output_item.added", &mut self.sequence, out, |w| {
            w.uint("output_index", index);
            w.object_in("item", item);
        });
    }

    fn done(&mut self, out: &mut Vec<u8>, item: impl FnOnce(&mut Writer<'_>)) {
        let mut written = Vec::new();
        Writer::new(&mut written).object(item);
        let index = self.index;
        frame("response.output_item.done", &mut self.sequence, out, |w| {
            w.uint("output_index", index);
            w.key("item");
            w.buffer().extend_from_slice(&written);
        });
        self.keep(&written);
    }

    fn keep(&mut self, item: &[u8]) {
        if !self.output.is_empty() {
            self.output.push(b',');
        }
        self.output.extend_from_slice(item);
        self.index += 1;
    }
}

const fn arguments(call: &Call, step: &'static str) -> &'static str {
    match (call.freeform, step.len() == "done".len()) {
        (false, false) => "response.function_call_arguments.delta",
        (false, true) => "response.function_call_arguments.done",
        (true, false) => "response.custom_tool_call_input.delta",
        (true, true) => "response.custom_tool_call_input.done",
    }
}

/// Adds elements to a list.
fn join(list: &mut String, more: &str) {
    if !list.is_empty() && !more.is_empty() {
        list.push(',');
    }
    list.push_str(more);
}

/// Writes one frame: its type, its number and what `fill` adds.
fn frame(name: &str, sequence: &mut u64, out: &mut Vec<u8>, fill: impl FnOnce(&mut Writer<'_>)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    Writer::new(out).object(|w| {
        w.str("type", name);
        w.uint("sequence_number", *sequence);
        fill(w);
    });
    out.extend_from_slice(b"\n\n");
    *sequence += 1;
}
