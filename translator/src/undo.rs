//! What an encoded request changed, reversed in the answer: tool names, custom tools, wrapped schemas, code
//! fences, stop sequences that the hub watches for.
//!
//! A filter over events between decoder and [`crate::sequence::Sequencer`]; it knows no dialect.

use std::borrow::Cow;
use std::sync::Arc;

use crate::integers;
use crate::ir::{Event, Finish, Opening, Usage};
use crate::text::Text;
use crate::think::ThinkTags;

/// What must be reversed in the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undo {
    /// Tools whose wire name or form differs from the client's.
    pub tools: Vec<ToolAlias>,
    /// The schema was wrapped as `{"value": ...}`; the answer's text is unwrapped.
    pub unwrap_value: bool,
    /// The answer is a string in JSON, and the client wants its words alone.
    pub unquote: bool,
    /// A code fence around the answer's text is taken away.
    pub strip_fence: bool,
    /// Stop sequences that the hub watches for in visible text.
    pub stop: Vec<String>,
    /// Reasoning between `<think>` tags at the start of the answer is told from the answer.
    pub think_tags: bool,
    /// Tools with whole numbers among their arguments, which the upstream writes with a fraction.
    pub integers: Vec<Integers>,
    /// All stop sequences of the request, when they are known: servers name end-of-text tokens in the same place.
    pub asked: Option<Vec<String>>,
    /// The vendor runs tools of its own, and may pause the turn for a client that knows no pauses.
    pub pauses: bool,
}

/// A tool whose arguments hold whole numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integers {
    /// The name on the upstream's wire.
    pub wire: String,
    /// The schema of the arguments, raw JSON.
    pub schema: Arc<str>,
}

/// A tool under another name or in another form than the client gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolAlias {
    /// The name on the upstream's wire.
    pub wire: String,
    /// The client's name.
    pub name: String,
    /// The client's group.
    pub namespace: Option<String>,
    /// A custom tool that was sent as a function with one string `input`.
    pub freeform: bool,
}

impl Undo {
    /// The filter for one answer. `input_estimate` stands in when the hub ends the answer before the upstream
    /// has counted its input.
    #[must_use]
    pub fn stream(&self, input_estimate: u64) -> UndoStream {
        UndoStream {
            idle: Self {
                think_tags: false,
                ..self.clone()
            }
            .is_empty(),
            think: self.think_tags.then(ThinkTags::default),
            undo: self.clone(),
            parts: Vec::new(),
            usage: None,
            input_estimate,
            visible: 0,
            stopped: None,
            ended: false,
        }
    }

    /// True when there is nothing to reverse.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
            && self.integers.is_empty()
            && !self.unwrap_value
            && !self.unquote
            && !self.strip_fence
            && self.stop.is_empty()
    }

    /// What a complete text holds.
    fn value(&self, mut text: String) -> String {
        if self.unquote && self.strip_fence {
            let mut fence = Fence::Unknown(String::new());
            text = fence.feed(&text) + &fence.finish();
        }
        if self.unwrap_value
            && let Some(value) = crate::json::member(&text, "value")
        {
            text = value.trim().to_owned();
        }
        if self.unquote
            && let Ok(word) = serde_json::from_str::<String>(text.trim())
        {
            text = word;
        }
        text
    }

    fn asked_for(&self, sequence: &str) -> bool {
        self.asked
            .as_ref()
            .is_none_or(|asked| asked.iter().any(|one| one == sequence))
    }
}

/// A filter between decoder and [`crate::sequence::Sequencer`].
#[derive(Debug)]
pub struct UndoStream {
    undo: Undo,
    idle: bool,
    think: Option<ThinkTags>,
    /// Parts whose text is being rewritten.
    parts: Vec<(u32, Rewrite)>,
    usage: Option<Usage>,
    input_estimate: u64,
    /// Bytes of visible text so far, for an estimate when the answer is cut before the upstream counts.
    visible: u64,
    /// The stop sequence that was met. Only counts pass from here on; the end is told by [`UndoStream::end`].
    stopped: Option<String>,
    ended: bool,
}

#[derive(Debug)]
enum Rewrite {
    /// Arguments of an emulated custom tool, gathered until they are complete.
    Freeform(String),
    /// A wrapped or quoted value, gathered until it is complete.
    Value(String),
    /// Arguments with whole numbers in them, gathered until they are complete; and their schema.
    Integers(String, Arc<str>),
    /// Text that passes with a little held back.
    Visible { fence: Option<Fence>, held: String },
}

/// A code fence around a JSON answer.
#[derive(Debug)]
enum Fence {
    /// Too little text to tell.
    Unknown(String),
    /// There is none.
    Absent,
    /// Inside; what may be its end is held back.
    Inside(String),
}

impl UndoStream {
    /// Takes one event and gives what becomes of it.
    pub fn event(&mut self, event: Event<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(mut think) = self.think.take() else {
            return self.reverse(event, sink);
        };
        think.event(event, &mut |event| self.reverse(event, sink));
        self.think = Some(think);
    }

    fn reverse(&mut self, event: Event<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let event = match event {
            Event::Finish {
                choice,
                reason: Finish::StopSequence(Some(sequence)),
            } if !self.undo.asked_for(&sequence.as_str()) => Event::Finish {
                choice,
                reason: Finish::Stop,
            },
            event => event,
        };
        if self.idle {
            return sink(event);
        }
        match event {
            Event::Usage(usage) => {
                self.usage = Some(usage);
                sink(Event::Usage(usage));
            }
            _ if self.stopped.is_some() => {}
            Event::Open {
                part,
                choice,
                kind,
                opaque,
            } => {
                let kind = self.open(part, kind);
                sink(Event::Open {
                    part,
                    choice,
                    kind,
                    opaque,
                });
            }
            Event::Delta { part, text } => {
                match self.parts.iter().position(|(number, _)| *number == part) {
                    Some(index) => self.delta(index, &text, sink),
                    None => sink(Event::Delta { part, text }),
                }
            }
            Event::Close { part, opaque } => {
                if let Some(index) = self.parts.iter().position(|(number, _)| *number == part) {
                    let (_, rewrite) = self.parts.remove(index);
                    self.flush(part, rewrite, sink);
                }
                if self.stopped.is_none() {
                    sink(Event::Close { part, opaque });
                }
            }
            Event::Finish { .. } | Event::Fail(_) => {
                self.release(sink);
                if self.stopped.is_none() {
                    sink(event);
                }
            }
            other => sink(other),
        }
    }

    /// The upstream has ended, or is not needed any more; gives what was held back, and the end of an answer
    /// that a stop sequence has cut.
    pub fn end(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        if let Some(mut think) = self.think.take() {
            think.release(&mut |event| self.reverse(event, sink));
        }
        self.release(sink);
        let Some(sequence) = self.stopped.clone() else {
            return;
        };
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let mut usage = self.usage.unwrap_or(Usage {
            fresh: self.input_estimate,
            estimated: true,
            ..Usage::default()
        });
        if usage.output_total() < self.visible.div_ceil(4) {
            // The upstream has not counted what it was not allowed to finish.
            usage.output = self.visible.div_ceil(4);
            usage.estimated = true;
        }
        sink(Event::Usage(usage));
        sink(Event::Finish {
            choice: 0,
            reason: Finish::StopSequence(Some(sequence.into())),
        });
    }

    fn release(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        for (part, rewrite) in std::mem::take(&mut self.parts) {
            if self.stopped.is_none() {
                self.flush(part, rewrite, sink);
            }
        }
    }

    /// True when a stop sequence was met: the answer is complete and the upstream can be cancelled.
    #[must_use]
    pub const fn is_satisfied(&self) -> bool {
        self.stopped.is_some()
    }

    fn open<'a>(&mut self, part: u32, kind: Opening<'a>) -> Opening<'a> {
        match kind {
            Opening::ToolCall {
                id,
                name,
                namespace,
                freeform,
            } => {
                let whole = self.undo.integers.iter().find(|tool| tool.wire == name);
                if let Some(tool) = whole.filter(|_| !freeform) {
                    let rewrite = Rewrite::Integers(String::new(), Arc::clone(&tool.schema));
                    self.parts.push((part, rewrite));
                }
                let Some(alias) = self.undo.tools.iter().find(|alias| alias.wire == name) else {
                    return Opening::ToolCall {
                        id,
                        name,
                        namespace,
                        freeform,
                    };
                };
                if alias.freeform && !freeform {
                    self.parts.push((part, Rewrite::Freeform(String::new())));
                }
                Opening::ToolCall {
                    id,
                    name: Cow::Owned(alias.name.clone()),
                    namespace: alias.namespace.clone().map(Cow::Owned),
                    freeform: freeform || alias.freeform,
                }
            }
            Opening::Text if self.undo.unwrap_value || self.undo.unquote => {
                self.parts.push((part, Rewrite::Value(String::new())));
                Opening::Text
            }
            Opening::Text if self.undo.strip_fence || !self.undo.stop.is_empty() => {
                let fence = self.undo.strip_fence.then(|| Fence::Unknown(String::new()));
                self.parts.push((
                    part,
                    Rewrite::Visible {
                        fence,
                        held: String::new(),
                    },
                ));
                Opening::Text
            }
            other => other,
        }
    }

    fn delta(&mut self, index: usize, text: &Text<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let (part, rewrite) = &mut self.parts[index];
        let part = *part;
        match rewrite {
            Rewrite::Freeform(buffer) | Rewrite::Value(buffer) | Rewrite::Integers(buffer, _) => {
                buffer.push_str(&text.as_str());
            }
            Rewrite::Visible { fence, held } => {
                match fence {
                    Some(fence) => held.push_str(&fence.feed(&text.as_str())),
                    None => held.push_str(&text.as_str()),
                }
                let mut pending = std::mem::take(held);
                if let Some((at, sequence)) = first_stop(&pending, &self.undo.stop) {
                    pending.truncate(at);
                    self.stopped = Some(sequence.to_owned());
                    return self.emit(part, pending, sink);
                }
                let keep = held_back(&pending, &self.undo.stop);
                let rest = pending.split_off(pending.len() - keep);
                if let Rewrite::Visible { held, .. } = &mut self.parts[index].1 {
                    *held = rest;
                }
                self.emit(part, pending, sink);
            }
        }
    }

    fn flush(&mut self, part: u32, rewrite: Rewrite, sink: &mut dyn FnMut(Event<'_>)) {
        match rewrite {
            Rewrite::Freeform(arguments) => {
                let input = crate::json::member(&arguments, "input")
                    .filter(|raw| raw.starts_with('"'))
                    .and_then(|raw| serde_json::from_str::<String>(raw).ok());
                self.emit(part, input.unwrap_or(arguments), sink);
            }
            Rewrite::Integers(args, schema) => {
                let mended = integers::mend(&args, &schema).into_owned();
                self.emit(part, mended, sink);
            }
            Rewrite::Value(text) => {
                let value = self.undo.value(text);
                self.emit(part, value, sink);
            }
            Rewrite::Visible { fence, mut held } => {
                if let Some(fence) = fence {
                    held.push_str(&fence.finish());
                    if let Some((at, sequence)) = first_stop(&held, &self.undo.stop) {
                        held.truncate(at);
                        self.stopped = Some(sequence.to_owned());
                    }
                }
                self.emit(part, held, sink);
            }
        }
    }

    fn emit(&mut self, part: u32, text: String, sink: &mut dyn FnMut(Event<'_>)) {
        if !text.is_empty() {
            self.visible += text.len() as u64;
            sink(Event::Delta {
                part,
                text: text.into(),
            });
        }
    }
}

/// The first place where any of the sequences stands; of two at one place the longer.
fn first_stop<'s>(text: &str, sequences: &'s [String]) -> Option<(usize, &'s str)> {
    sequences
        .iter()
        .filter_map(|sequence| {
            text.find(sequence.as_str())
                .map(|at| (at, sequence.as_str()))
        })
        .min_by_key(|(at, sequence)| (*at, std::cmp::Reverse(sequence.len())))
}

/// How many bytes at the end of the text may be the beginning of a sequence.
fn held_back(text: &str, sequences: &[String]) -> usize {
    sequences
        .iter()
        .filter_map(|sequence| {
            let longest = sequence.len().saturating_sub(1).min(text.len());
            (1..=longest).rev().find(|&n| {
                text.is_char_boundary(text.len() - n)
                    && sequence
                        .as_bytes()
                        .starts_with(&text.as_bytes()[text.len() - n..])
            })
        })
        .max()
        .unwrap_or(0)
}

impl Fence {
    /// Takes text and gives what is certain not to be part of the fence.
    fn feed(&mut self, text: &str) -> String {
        match self {
            Self::Absent => text.to_owned(),
            Self::Inside(held) => {
                held.push_str(text);
                let body = held
                    .trim_end_matches(|c: char| c == '`' || c.is_whitespace())
                    .len();
                let rest = held.split_off(body);
                std::mem::replace(held, rest)
            }
            Self::Unknown(seen) => {
                seen.push_str(text);
                let start = seen.trim_start();
                if start.len() < 3 && "```".starts_with(start) {
                    return String::new();
                }
                if !start.starts_with("```") {
                    let text = std::mem::take(seen);
                    *self = Self::Absent;
                    return text;
                }
                let Some(line_end) = start.find('\n') else {
                    return String::new();
                };
                let rest = start[line_end + 1..].to_owned();
                *self = Self::Inside(String::new());
                self.feed(&rest)
            }
        }
    }

    /// The text is complete; gives what was held back and is not the fence.
    fn finish(self) -> String {
        match self {
            Self::Absent => String::new(),
            Self::Inside(held) if held.contains("```") => String::new(),
            Self::Inside(text) | Self::Unknown(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(undo: &Undo, pieces: &[&str]) -> (String, Option<Finish<'static>>) {
        let (mut text, mut finish) = (String::new(), None);
        let mut stream = undo.stream(7);
        let mut sink = |event: Event<'_>| match event {
            Event::Delta { text: delta, .. } => text.push_str(&delta.as_str()),
            Event::Finish { reason, .. } => finish = Some(reason.into_owned()),
            _ => {}
        };
        stream.event(
            Event::Open {
                part: 0,
                choice: 0,
                kind: Opening::Text,
                opaque: Vec::new(),
            },
            &mut sink,
        );
        for piece in pieces {
            stream.event(
                Event::Delta {
                    part: 0,
                    text: (*piece).into(),
                },
                &mut sink,
            );
        }
        stream.event(
            Event::Finish {
                choice: 0,
                reason: Finish::Stop,
            },
            &mut sink,
        );
        stream.end(&mut sink);
        stream.end(&mut sink);
        (text, finish)
    }

    #[test]
    fn stop_sequences_are_found_across_deltas() {
        let undo = Undo {
            stop: vec!["END".into(), "\n\n".into()],
            ..Undo::default()
        };
        let stopped = |s: &str| Some(Finish::StopSequence(Some(s.to_owned().into())));
        assert_eq!(
            answer(&undo, &["one E", "N", "D two"]),
            ("one ".into(), stopped("END"))
        );
        assert_eq!(answer(&undo, &["EN", "D"]), (String::new(), stopped("END")));
        assert_eq!(
            answer(&undo, &["a\n", "\nb"]),
            ("a".into(), stopped("\n\n"))
        );
        assert_eq!(
            answer(&undo, &["EN", "EN"]),
            ("ENEN".into(), Some(Finish::Stop))
        );
        assert_eq!(
            answer(&undo, &["é", "E"]),
            ("éE".into(), Some(Finish::Stop))
        );
    }

    #[test]
    fn fences_are_taken_away_in_any_split() {
        let undo = Undo {
            strip_fence: true,
            ..Undo::default()
        };
        let fenced = "```json\n{\"a\": \"`x`\"}\n```\n";
        for cut in 0..fenced.len() {
            assert_eq!(
                answer(&undo, &[&fenced[..cut], &fenced[cut..]]).0,
                "{\"a\": \"`x`\"}",
                "cut at {cut}"
            );
        }
        assert_eq!(answer(&undo, &["{", "}"]).0, "{}");
        assert_eq!(answer(&undo, &["`", "a"]).0, "`a");
    }

    #[test]
    fn values_are_unwrapped() {
        let undo = Undo {
            unwrap_value: true,
            ..Undo::default()
        };
        assert_eq!(answer(&undo, &["{\"value\":", " [1, 2]}"]).0, "[1, 2]");
        assert_eq!(answer(&undo, &["no json"]).0, "no json");
    }

    #[test]
    fn a_word_loses_its_quotes() {
        let quoted = Undo {
            unquote: true,
            ..Undo::default()
        };
        assert_eq!(answer(&quoted, &["\"a", " \\\"b\\\"\" "]).0, "a \"b\"");
        assert_eq!(answer(&quoted, &["bare"]).0, "bare");
        let wrapped = Undo {
            unwrap_value: true,
            ..quoted.clone()
        };
        assert_eq!(answer(&wrapped, &["{\"value\":", "\"x\"}"]).0, "x");
        assert_eq!(answer(&wrapped, &["\"x\""]).0, "x");
        let fenced = Undo {
            strip_fence: true,
            ..quoted
        };
        assert_eq!(answer(&fenced, &["```json\n\"x\"", "\n```"]).0, "x");
    }

    #[test]
    fn custom_tools_get_their_text_back() {
        let undo = Undo {
            tools: vec![ToolAlias {
                wire: "f__exec".into(),
                name: "exec".into(),
                namespace: Some("f".into()),
                freeform: true,
            }],
            ..Undo::default()
        };
        let mut stream = undo.stream(7);
        let mut seen = Vec::new();
        let mut sink = |event: Event<'_>| match event {
            Event::Open { kind, .. } => seen.push(format!("{kind:?}")),
            Event::Delta { text, .. } => seen.push(text.as_str().into_owned()),
            _ => {}
        };
        let kind = Opening::ToolCall {
            id: "c".into(),
            name: "f__exec".into(),
            namespace: None,
            freeform: false,
        };
        stream.event(
            Event::Open {
                part: 3,
                choice: 0,
                kind,
                opaque: Vec::new(),
            },
            &mut sink,
        );
        for piece in ["{\"inp", "ut\":\"let a = \\\"b\\\"\"}"] {
            stream.event(
                Event::Delta {
                    part: 3,
                    text: piece.into(),
                },
                &mut sink,
            );
        }
        stream.event(
            Event::Close {
                part: 3,
                opaque: Vec::new(),
            },
            &mut sink,
        );
        assert!(
            seen[0].contains("\"exec\"") && seen[0].contains("freeform: true"),
            "{seen:?}"
        );
        assert_eq!(seen[1], "let a = \"b\"");
    }
}
