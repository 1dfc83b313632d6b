//! Chunks of an upstream's answer to events. A complete answer is a stream of one chunk.

use std::borrow::Cow;

use super::grounding::{self, Sources, Words};
use super::wire_request::{Content, Part};
use super::wire_response::{Candidate, Chunk};
use super::{base64, decode_parts, error, finish, logprobs, signatures, usage};
use crate::Text;
use crate::continuation::Continuation;
use crate::error::{Failure, FailureKind};
use crate::ir::{Args, Event, Finish, Opaque, Opening, Usage};
use crate::json;
use crate::sse::Frame;
use crate::translate::Origin;
use crate::wire::{self, Number, OneOrMany};

/// More alternatives than any model gives; a larger index is the sign of a broken upstream.
const MAX_CHOICES: u64 = 128;

/// Reads a stream.
#[derive(Debug)]
pub struct StreamDecoder {
    provider: String,
    model: String,
    parts: u32,
    started: bool,
    failed: bool,
    choices: Vec<Choice>,
    usage: Option<Usage>,
    /// The latest event held counts.
    news: bool,
    /// What goes on with the answer, a JSON string.
    token: Option<String>,
}

/// One alternative answer.
#[derive(Debug, Default)]
struct Choice {
    open: Option<Open>,
    finish: Option<Finish<'static>>,
    seen: bool,
    called: bool,
    /// There were words.
    begun: bool,
    /// The place of the part on the wire.
    wire: u64,
    /// Sources of the chunk under way that are not named yet.
    sources: Sources,
    /// What was looked for, in words and as a part, until it is told.
    search: Option<(String, String)>,
}

/// The text or reasoning part that grows.
#[derive(Debug)]
struct Open {
    part: u32,
    thought: bool,
    /// State came with it; what follows is a part of its own.
    opaque: Vec<Opaque<'static>>,
    /// What was said in it, if it is no thought.
    words: Words,
}

type Sink<'s> = &'s mut dyn FnMut(Event<'_>);

impl StreamDecoder {
    pub(crate) fn new(origin: &Origin<'_>) -> Self {
        Self {
            provider: origin.provider.to_owned(),
            model: origin.model.to_owned(),
            parts: 0,
            started: false,
            failed: false,
            choices: Vec::new(),
            usage: None,
            news: false,
            token: None,
        }
    }

    /// What goes on with the answer. Several alternatives cannot be gone on with by one token.
    pub(crate) fn continuation(&mut self) -> Option<Continuation> {
        let token = self.token.take()?;
        Continuation::token(&token).filter(|_| self.choices.len() == 1)
    }

    /// Whether there were counts since the last question.
    pub(crate) const fn take_news(&mut self) -> bool {
        std::mem::replace(&mut self.news, false)
    }

    /// Takes a frame, and gives its usage object as it was written.
    pub(crate) fn frame<'d>(&mut self, frame: Frame<'d>, sink: Sink<'_>) -> Option<&'d str> {
        let whole = frame.data.trim();
        if whole.starts_with("[{") && whole.ends_with("}]") {
            json::elements(whole)
                .filter(|element| element.starts_with('{'))
                .filter_map(|element| self.data(element, sink))
                .last()
        } else {
            self.data(whole, sink)
        }
    }

    fn data<'d>(&mut self, data: &'d str, sink: Sink<'_>) -> Option<&'d str> {
        // In array framing a line may carry the list's brackets and commas.
        let data = data.trim_start_matches([',', '[']).trim_start();
        if self.failed || data.is_empty() || data == "]" || data.starts_with("DONE]") {
            return None;
        }
        match wire::parse::<Chunk<'_>>(data.as_bytes()) {
            Ok(chunk) => self.chunk(chunk, sink),
            Err(error) => {
                let bare = data.trim_end_matches([']', ',']).trim_end();
                match wire::parse::<Chunk<'_>>(bare.as_bytes()) {
                    Ok(chunk) if bare.len() < data.len() => self.chunk(chunk, sink),
                    _ => {
                        let message = format!("upstream chunk cannot be read: {}", error.message);
                        self.fail(Failure::new(FailureKind::Upstream, message), sink);
                        None
                    }
                }
            }
        }
    }

    fn fail(&mut self, failure: Failure, sink: Sink<'_>) {
        self.failed = true;
        sink(Event::Fail(failure));
    }

    fn chunk<'d>(&mut self, chunk: Chunk<'d>, sink: Sink<'_>) -> Option<&'d str> {
        if let Some(raw) = chunk.error {
            let value = serde_json::from_str(raw.get()).unwrap_or_default();
            self.fail(error::from_member(&value, 0), sink);
            return None;
        }
        if !self.started {
            self.started = true;
            let model = chunk
                .model
                .map_or(Cow::Borrowed(self.model.as_str()), |model| model.0);
            sink(Event::Start {
                id: chunk.id.unwrap_or_default().0,
                model,
            });
        }
        // Early chunks may leave counts out; they never take back what was counted.
        let counts = chunk.usage.as_ref();
        let raw = counts.map(|usage| usage.raw.get());
        if let Some(counted) = counts.and_then(|usage| usage::read(&usage.value)) {
            self.usage = Some(counted);
            self.news = true;
        }
        if let Some(feedback) = chunk.feedback
            && let Some(reason) = feedback
                .reason
                .filter(|reason| reason.as_str() != "BLOCK_REASON_UNSPECIFIED")
        {
            let finish = Finish::ContentFilter {
                category: Some(reason.0),
                explanation: feedback.message,
            };
            let choice = self.choice(0);
            choice.seen = true;
            choice.finish = Some(finish.into_owned());
        }
        for candidate in chunk.candidates.unwrap_or_default() {
            self.candidate(candidate, sink);
        }
        raw
    }

    fn choice(&mut self, index: usize) -> &mut Choice {
        if self.choices.len() <= index {
            self.choices.resize_with(index + 1, Choice::default);
        }
        &mut self.choices[index]
    }

    fn candidate(&mut self, candidate: Candidate<'_>, sink: Sink<'_>) {
        let index = candidate.index.and_then(Number::as_u64).unwrap_or(0);
        if index >= MAX_CHOICES {
            self.fail(
                Failure::new(
                    FailureKind::Upstream,
                    "upstream candidate index is out of range",
                ),
                sink,
            );
            return;
        }
        let index = index as usize;
        self.choice(index).seen = true;
        if let Some(result) = &candidate.logprobs {
            let tokens = logprobs::read(result);
            if !tokens.is_empty() {
                sink(Event::Logprobs {
                    choice: index as u32,
                    tokens: tokens.into(),
                });
            }
        }
        if let Some(grounding) = &candidate.grounding {
            let choice = self.choice(index);
            choice.sources = Sources::read(grounding);
            choice.search = grounding::search(grounding).or_else(|| choice.search.take());
            if !choice.begun {
                self.searched(index, sink);
            }
        }
        if let Some(content) = candidate.content {
            self.content(index, content, sink);
        }
        self.cite(index, true, sink);
        if let Some(token) = candidate.continuation {
            self.token = Some(token.get().to_owned());
        }
        if let Some(reason) = candidate
            .finish
            .and_then(|word| finish::read(word.0, candidate.message))
        {
            self.choice(index).finish = Some(reason.into_owned());
        }
    }

    fn content(&mut self, choice: usize, content: Content<'_>, sink: Sink<'_>) {
        match content.parts {
            Some(OneOrMany::One(text)) => self.text(choice, false, text, Vec::new(), sink),
            Some(OneOrMany::Many(parts)) => {
                for (index, part) in parts.into_iter().enumerate() {
                    self.choice(choice).wire = index as u64;
                    self.part(choice, part, sink);
                }
            }
            None => {}
        }
    }

    fn part(&mut self, choice: usize, part: Part<'_>, sink: Sink<'_>) {
        let opaque: Vec<Opaque<'static>> = part
            .signature
            .filter(|signature| base64::is_legal(&signature.0))
            .map(|signature| {
                let origin = Origin {
                    provider: &self.provider,
                    model: &self.model,
                };
                signatures::made(signature.0, Some(origin))
            })
            .into_iter()
            .collect();
        let thought = part.thought == Some(true);
        if let Some(text) = part.text {
            self.text(choice, thought, text, opaque, sink);
            return;
        }
        if let Some(call) = part.call {
            let args = call
                .args
                .map_or(Cow::Borrowed("{}"), |args| json::compact(args.get()));
            let args = Args::Text(Text::Plain(args)).to_object().0;
            let kind = Opening::ToolCall {
                id: call.id.unwrap_or_default().0,
                name: call.name.unwrap_or_default().0,
                namespace: None,
                freeform: false,
            };
            self.choice(choice).called = true;
            self.whole(choice, kind, opaque, Some(Text::Plain(args)), sink);
        } else if let Some(blob) = part.inline {
            if !thought && let Some(data) = blob.data {
                let mime = blob
                    .mime
                    .map_or(Cow::Borrowed("application/octet-stream"), |mime| mime.0);
                self.whole(
                    choice,
                    Opening::Media { mime },
                    opaque,
                    Some(base64::standard_text(data)),
                    sink,
                );
            }
        } else {
            let steps = [
                ("executableCode", part.code),
                ("codeExecutionResult", part.code_result),
                ("toolCall", part.tool_call),
                ("toolResponse", part.tool_response),
            ];
            match steps
                .into_iter()
                .find_map(|(member, raw)| Some((member, raw?)))
            {
                Some((member, raw)) => {
                    let (summary, raw) = decode_parts::server_step(member, raw.get());
                    let kind = Opening::ServerTool {
                        summary: summary.into_cow(),
                        raw: raw.into(),
                    };
                    self.whole(choice, kind, opaque, None, sink);
                }
                // A part with nothing but state.
                None if !opaque.is_empty() => {
                    self.text(choice, false, Text::default(), opaque, sink);
                }
                None => {}
            }
        }
    }

    /// A part that arrives in one piece.
    fn whole(
        &mut self,
        choice: usize,
        kind: Opening<'_>,
        opaque: Vec<Opaque<'static>>,
        text: Option<Text<'_>>,
        sink: Sink<'_>,
    ) {
        self.close(choice, sink);
        let part = self.number();
        sink(Event::Open {
            part,
            choice: choice as u32,
            kind,
            opaque,
        });
        if let Some(text) = text {
            sink(Event::Delta { part, text });
        }
        sink(Event::Close {
            part,
            opaque: Vec::new(),
        });
    }

    fn text(
        &mut self,
        choice: usize,
        thought: bool,
        text: Text<'_>,
        opaque: Vec<Opaque<'static>>,
        sink: Sink<'_>,
    ) {
        let empty = text.is_empty();
        if empty && opaque.is_empty() {
            return;
        }
        let fits = self
            .choice(choice)
            .open
            .as_ref()
            .is_some_and(|open| (open.thought == thought || empty) && open.opaque.is_empty());
        if !fits {
            self.close(choice, sink);
            let part = self.number();
            // State without words has no place in a text part, which must not be empty.
            let thought = thought || empty;
            let kind = if thought {
                Opening::Reasoning
            } else {
                Opening::Text
            };
            sink(Event::Open {
                part,
                choice: choice as u32,
                kind,
                opaque: Vec::new(),
            });
            self.choice(choice).open = Some(Open {
                part,
                thought,
                opaque: Vec::new(),
                words: Words::default(),
            });
        }
        let wire = self.choice(choice).wire;
        self.choice(choice).begun = true;
        if let Some(open) = &mut self.choice(choice).open {
            if !empty {
                if !open.thought {
                    open.words.add(wire, &text.as_str());
                }
                sink(Event::Delta {
                    part: open.part,
                    text,
                });
            }
            open.opaque.extend(opaque);
        }
    }

    fn number(&mut self) -> u32 {
        self.parts += 1;
        self.parts - 1
    }

    fn close(&mut self, choice: usize, sink: Sink<'_>) {
        self.cite(choice, false, sink);
        if let Some(open) = self.choice(choice).open.take() {
            sink(Event::Close {
                part: open.part,
                opaque: open.opaque,
            });
        }
    }

    /// Names the sources whose segments lie in the open text; with `rest` all others for it too. Before any text
    /// there is nothing to cite.
    fn cite(&mut self, choice: usize, rest: bool, sink: Sink<'_>) {
        let Choice { open, sources, .. } = self.choice(choice);
        let Some(open) = open.as_mut().filter(|open| !open.thought) else {
            return;
        };
        let citations = if rest {
            open.words.all(sources)
        } else {
            open.words.own(sources)
        };
        for citation in citations {
            let part = open.part;
            sink(Event::Citation { part, citation });
        }
    }

    /// What was looked for stands before the words when it is known by then, else behind them.
    fn searched(&mut self, choice: usize, sink: Sink<'_>) {
        if let Some((summary, raw)) = self.choice(choice).search.take() {
            let kind = Opening::ServerTool {
                summary: summary.into(),
                raw: raw.into(),
            };
            self.whole(choice, kind, Vec::new(), None, sink);
        }
    }

    pub(crate) fn end(&mut self, sink: Sink<'_>) {
        if self.failed {
            return;
        }
        for choice in 0..self.choices.len() {
            self.close(choice, sink);
            self.searched(choice, sink);
        }
        if let Some(usage) = self.usage {
            sink(Event::Usage(usage));
        }
        let complete = self
            .choices
            .iter()
            .all(|choice| choice.finish.is_some() || !choice.seen);
        if self.choices.is_empty() || !complete {
            self.fail(
                Failure::new(
                    FailureKind::Upstream,
                    "upstream ended the answer without a finish reason",
                ),
                sink,
            );
            return;
        }
        for (index, choice) in self.choices.iter_mut().enumerate() {
            let Some(reason) = choice.finish.take() else {
                continue;
            };
            let reason = if choice.called && reason == Finish::Stop {
                Finish::ToolUse
            } else {
                reason
            };
            sink(Event::Finish {
                choice: index as u32,
                reason,
            });
        }
        self.failed = true;
    }
}
