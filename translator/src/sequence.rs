//! The strict sequence of events that encoders rely on, whatever a decoder saw.
//!
//! Guarantees: `Start` once and first. A text-like part opens with its first non-empty delta, so there are
//! no empty parts (a part that closes with vendor state is the exception). Deltas only while open. Parts are
//! numbered 0, 1, 2, ... as they open and every part is closed before `Finish`. A call has an id that is
//! unique in the answer. `Finish` says `ToolUse` exactly when its alternative holds a call and ended well.
//! Usage comes before `Finish`, estimated when the upstream did not count. Exactly one end: all `Finish` in a row, or one `Fail`; nothing follows. With [`Order::OneAtATime`] parts
//! never overlap: later ones wait until the earlier ones are closed; [`Order::OnePerChoice`] says the same of each
//! alternative by itself.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::error::{Failure, FailureKind};
use crate::ident::Ids;
use crate::ir::{Citation, Event, Finish, Opaque, Opening, Usage};
use crate::text::Text;

/// More alternatives than any vendor gives.
const MAX_CHOICES: u32 = 128;

/// Whether parts may overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Parts may overlap (Chat).
    Interleaved,
    /// A part opens when the one before is closed (Anthropic, Responses).
    OneAtATime,
    /// The same for each alternative by itself (Gemini).
    OnePerChoice,
}

impl Order {
    /// A part of one alternative stands in the way of a part of the other.
    const fn concerns(self, one: u32, other: u32) -> bool {
        match self {
            Self::Interleaved => false,
            Self::OneAtATime => true,
            Self::OnePerChoice => one == other,
        }
    }
}

/// Makes a sequence strict.
#[derive(Debug)]
pub struct Sequencer {
    order: Order,
    ids: Ids,
    stage: Stage,
    /// Parts that are not closed on the client's side yet, in order of appearance.
    parts: VecDeque<Part>,
    /// The number of the next part on the client's side.
    next: u32,
    call_ids: Vec<String>,
    /// Alternatives that hold a call.
    called: Vec<u32>,
    /// Alternatives that have finished.
    finished: Vec<u32>,
    counted: bool,
    input_estimate: u64,
    /// Bytes of output so far, for an estimate.
    output: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Before,
    Running,
    Finishing,
    Over,
}

#[derive(Debug)]
struct Part {
    /// The decoder's number.
    number: u32,
    choice: u32,
    state: PartState,
    /// The decoder has closed it.
    closed: Option<Vec<Opaque<'static>>>,
    /// What has to wait.
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
enum PartState {
    /// Not opened yet, for want of content or because another part is live.
    Pending {
        kind: Opening<'static>,
        opaque: Vec<Opaque<'static>>,
        content: bool,
    },
    /// Opened under this number.
    Open(u32),
}

#[derive(Debug)]
enum Waiting {
    Delta(Text<'static>),
    Citation(Citation<'static>),
}

impl Sequencer {
    /// A sequencer at the beginning of an answer; `ids` replace missing and repeated call ids, `input_estimate`
    /// is the prompt's size in tokens in case that the upstream does not count.
    #[must_use]
    pub const fn new(order: Order, ids: Ids, input_estimate: u64) -> Self {
        Self {
            order,
            ids,
            stage: Stage::Before,
            parts: VecDeque::new(),
            next: 0,
            call_ids: Vec::new(),
            called: Vec::new(),
            finished: Vec::new(),
            counted: false,
            input_estimate,
            output: 0,
        }
    }

    /// Takes one event and gives what may follow now.
    pub fn event(&mut self, event: Event<'_>, sink: &mut dyn FnMut(&Event<'_>)) {
        match (self.stage, &event) {
            (Stage::Over, _) => return,
            (_, Event::Fail(_)) => {
                self.stage = Stage::Over;
                return sink(&event);
            }
            (Stage::Finishing, Event::Finish { .. }) => {}
            (Stage::Finishing, _) => return,
            (Stage::Before, Event::Start { .. }) => {
                self.stage = Stage::Running;
                return sink(&event);
            }
            (Stage::Before, Event::Ping) | (Stage::Running, Event::Start { .. }) => return,
            (Stage::Before, _) => {
                self.stage = Stage::Running;
                sink(&Event::Start {
                    id: Cow::Borrowed(""),
                    model: Cow::Borrowed(""),
                });
            }
            (Stage::Running, _) => {}
        }
        match event {
            Event::Open {
                part,
                choice,
                kind,
                opaque,
            } => self.open(part, choice, kind, opaque, sink),
            Event::Delta { part, text } => self.delta(part, text, sink),
            Event::Citation { part, citation } => self.citation(part, citation, sink),
            Event::Close { part, opaque } => self.close(part, opaque, sink),
            Event::Usage(_) => {
                self.counted = true;
                sink(&event);
            }
            Event::Logprobs { choice, .. } if choice >= MAX_CHOICES => {}
            Event::Ping | Event::Logprobs { .. } => sink(&event),
            Event::Finish { choice, reason } => self.finish(choice, reason, sink),
            Event::Start { .. } | Event::Fail(_) => {}
        }
    }

    /// The upstream has ended. Without an end so far this is a failure.
    pub fn end(&mut self, sink: &mut dyn FnMut(&Event<'_>)) {
        if matches!(self.stage, Stage::Before | Stage::Running) {
            self.stage = Stage::Over;
            sink(&Event::Fail(Failure::new(
                FailureKind::Upstream,
                "the upstream closed the connection before the answer was complete",
            )));
        }
    }

    fn open(
        &mut self,
        number: u32,
        choice: u32,
        kind: Opening<'_>,
        opaque: Vec<Opaque<'_>>,
        sink: &mut dyn FnMut(&Event<'_>),
    ) {
        if choice >= MAX_CHOICES || self.parts.iter().any(|part| part.number == number) {
            return;
        }
        let kind = self.with_call_id(choice, kind);
        let lazy = matches!(kind, Opening::Text | Opening::Reasoning | Opening::Refusal)
            && opaque.is_empty();
        let blocked = self.is_busy(choice);
        let state = if lazy || blocked {
            PartState::Pending {
                kind: kind.into_owned(),
                opaque: opaque.into_iter().map(Opaque::into_owned).collect(),
                content: !lazy,
            }
        } else {
            let part = self.number();
            sink(&Event::Open {
                part,
                choice,
                kind,
                opaque,
            });
            PartState::Open(part)
        };
        self.parts.push_back(Part {
            number,
            choice,
            state,
            closed: None,
            waiting: Vec::new(),
        });
    }

    /// Another part is live, or is waiting and was there first.
    fn is_busy(&self, choice: u32) -> bool {
        self.parts
            .iter()
            .filter(|part| self.order.concerns(part.choice, choice))
            .any(|part| match part.state {
                PartState::Open(_) => true,
                PartState::Pending { content, .. } => content,
            })
    }

    /// An open part stands in the way of others of this alternative.
    fn is_live(&self, choice: u32) -> bool {
        self.parts.iter().any(|part| {
            matches!(part.state, PartState::Open(_)) && self.order.concerns(part.choice, choice)
        })
    }

    fn number(&mut self) -> u32 {
        let number = self.next;
        self.next += 1;
        number
    }

    fn with_call_id<'a>(&mut self, choice: u32, mut kind: Opening<'a>) -> Opening<'a> {
        if let Opening::ToolCall { id, .. } = &mut kind {
            if id.is_empty() || self.call_ids.iter().any(|known| known == id.as_ref()) {
                *id = Cow::Owned(self.ids.next("call_"));
            }
            self.call_ids.push(id.clone().into_owned());
            if !self.called.contains(&choice) {
                self.called.push(choice);
            }
        }
        kind
    }

    fn delta(&mut self, number: u32, text: Text<'_>, sink: &mut dyn FnMut(&Event<'_>)) {
        if text.is_empty() {
            return;
        }
        let Some(index) = self.live(number, sink) else {
            return;
        };
        self.output += text.len_hint() as u64;
        match self.parts[index].state {
            PartState::Open(part) => sink(&Event::Delta { part, text }),
            PartState::Pending { .. } => self.parts[index]
                .waiting
                .push(Waiting::Delta(text.into_owned())),
        }
    }

    fn citation(&mut self, number: u32, citation: Citation<'_>, sink: &mut dyn FnMut(&Event<'_>)) {
        let Some(index) = self.position(number) else {
            return;
        };
        match self.parts[index].state {
            PartState::Open(part) => sink(&Event::Citation { part, citation }),
            PartState::Pending { .. } => {
                self.parts[index]
                    .waiting
                    .push(Waiting::Citation(citation.into_owned()));
            }
        }
    }

    fn position(&self, number: u32) -> Option<usize> {
        self.parts
            .iter()
            .rposition(|part| part.number == number && part.closed.is_none())
    }

    /// The position of a part that has content now; opens it if it may.
    fn live(&mut self, number: u32, sink: &mut dyn FnMut(&Event<'_>)) -> Option<usize> {
        let index = self.position(number)?;
        if let PartState::Pending { content: false, .. } = self.parts[index].state {
            let blocked = self.is_busy(self.parts[index].choice);
            if let PartState::Pending { content, .. } = &mut self.parts[index].state {
                *content = true;
            }
            if !blocked {
                self.start(index, sink);
            }
        }
        Some(index)
    }

    /// Opens a pending part and gives what has waited in it.
    fn start(&mut self, index: usize, sink: &mut dyn FnMut(&Event<'_>)) {
        let number = self.number();
        let part = &mut self.parts[index];
        let state = std::mem::replace(&mut part.state, PartState::Open(number));
        if let PartState::Pending { kind, opaque, .. } = state {
            sink(&Event::Open {
                part: number,
                choice: part.choice,
                kind,
                opaque,
            });
        }
        for waiting in part.waiting.drain(..) {
            match waiting {
                Waiting::Delta(text) => sink(&Event::Delta { part: number, text }),
                Waiting::Citation(citation) => sink(&Event::Citation {
                    part: number,
                    citation,
                }),
            }
        }
    }

    fn close(&mut self, number: u32, opaque: Vec<Opaque<'_>>, sink: &mut dyn FnMut(&Event<'_>)) {
        // State alone is content: a reasoning part without text must reach the client.
        let index = if opaque.is_empty() {
            self.position(number)
        } else {
            self.live(number, sink)
        };
        let Some(index) = index else { return };
        if let PartState::Pending { content: false, .. } = self.parts[index].state {
            self.parts.remove(index);
            return;
        }
        self.parts[index].closed = Some(opaque.into_iter().map(Opaque::into_owned).collect());
        self.advance(sink);
    }

    /// Closes open parts that the decoder has closed, and opens those that had to wait for it.
    fn advance(&mut self, sink: &mut dyn FnMut(&Event<'_>)) {
        loop {
            let done = self
                .parts
                .iter()
                .position(|part| matches!(part.state, PartState::Open(_)) && part.closed.is_some());
            if let Some(index) = done {
                if let Some(Part {
                    state: PartState::Open(part),
                    closed: Some(opaque),
                    ..
                }) = self.parts.remove(index)
                {
                    sink(&Event::Close { part, opaque });
                }
                continue;
            }
            let ready = self.parts.iter().position(|part| {
                matches!(part.state, PartState::Pending { content: true, .. })
                    && !self.is_live(part.choice)
            });
            match ready {
                Some(index) => self.start(index, sink),
                None => return,
            }
        }
    }

    fn finish(&mut self, choice: u32, reason: Finish<'_>, sink: &mut dyn FnMut(&Event<'_>)) {
        if self.stage == Stage::Running {
            self.parts
                .retain(|part| !matches!(part.state, PartState::Pending { content: false, .. }));
            for part in &mut self.parts {
                part.closed.get_or_insert_with(Vec::new);
            }
            self.advance(sink);
            self.stage = Stage::Finishing;
            if !self.counted {
                let output = self.output.div_ceil(4);
                sink(&Event::Usage(Usage {
                    fresh: self.input_estimate,
                    output,
                    estimated: true,
                    ..Usage::default()
                }));
            }
        }
        if choice >= MAX_CHOICES || self.finished.contains(&choice) {
            return;
        }
        self.finished.push(choice);
        let reason = match (reason, self.called.contains(&choice)) {
            // Some servers say "stop" after a call: agents would end their task.
            (Finish::Stop, true) => Finish::ToolUse,
            // And some say "tool_calls" without one: agents would wait.
            (Finish::ToolUse, false) => Finish::Stop,
            (reason, _) => reason,
        };
        sink(&Event::Finish { choice, reason });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(part: u32, text: &str) -> Event<'_> {
        Event::Delta {
            part,
            text: Text::borrowed(text),
        }
    }

    fn open(part: u32, kind: Opening<'_>) -> Event<'_> {
        Event::Open {
            part,
            choice: 0,
            kind,
            opaque: Vec::new(),
        }
    }

    fn close<'a>(part: u32) -> Event<'a> {
        Event::Close {
            part,
            opaque: Vec::new(),
        }
    }

    fn call(id: &str) -> Opening<'_> {
        Opening::ToolCall {
            id: id.into(),
            name: "f".into(),
            namespace: None,
            freeform: false,
        }
    }

    fn stop<'a>() -> Event<'a> {
        Event::Finish {
            choice: 0,
            reason: Finish::Stop,
        }
    }

    /// A short form of the sequence: `S` start, `+0` open, `0:text` delta, `-0` close, `.Stop` finish, `!` fail.
    fn run(order: Order, events: Vec<Event<'_>>) -> String {
        let mut out = Vec::new();
        let mut sequencer = Sequencer::new(order, Ids::new(1), 9);
        let mut sink = |event: &Event<'_>| {
            out.push(match event {
                Event::Start { .. } => "S".to_owned(),
                Event::Open { part, .. } => format!("+{part}"),
                Event::Delta { part, text } => format!("{part}:{}", text.as_str()),
                Event::Citation { .. } => "c".to_owned(),
                Event::Close { part, .. } => format!("-{part}"),
                Event::Usage(_) => "u".to_owned(),
                Event::Finish { reason, .. } => format!(".{reason:?}"),
                Event::Fail(_) => "!".to_owned(),
                Event::Logprobs { .. } => "l".to_owned(),
                Event::Ping => "p".to_owned(),
            });
        };
        for event in events {
            sequencer.event(event, &mut sink);
        }
        sequencer.end(&mut sink);
        out.join(" ")
    }

    #[test]
    fn overlapping_calls_are_serialised_or_not() {
        let events = || {
            vec![
                open(0, call("a")),
                text(0, "1"),
                open(1, call("b")),
                text(1, "2"),
                text(0, "3"),
                text(1, "4"),
                close(1),
                stop(),
            ]
        };
        assert_eq!(
            run(Order::OneAtATime, events()),
            "S +0 0:1 0:3 -0 +1 1:2 1:4 -1 u .ToolUse"
        );
        assert_eq!(
            run(Order::Interleaved, events()),
            "S +0 0:1 +1 1:2 0:3 1:4 -1 -0 u .ToolUse"
        );
    }

    #[test]
    fn empty_parts_never_open_and_state_alone_does() {
        let state = Opaque {
            origin: crate::Dialect::Anthropic,
            provider: None,
            model: None,
            kind: crate::ir::OpaqueKind::Thinking,
            state: "{}".into(),
        };
        let events = vec![
            open(0, Opening::Text),
            text(0, ""),
            open(1, Opening::Reasoning),
            Event::Close {
                part: 1,
                opaque: vec![state],
            },
            text(0, "x"),
            stop(),
            stop(),
            text(0, "late"),
        ];
        assert_eq!(run(Order::OneAtATime, events), "S +0 -0 +1 1:x -1 u .Stop");
    }

    #[test]
    fn an_answer_without_end_fails() {
        assert_eq!(
            run(
                Order::OneAtATime,
                vec![open(0, Opening::Text), text(0, "x")]
            ),
            "S +0 0:x !"
        );
        assert_eq!(run(Order::OneAtATime, vec![]), "!");
        let fail = Event::Fail(Failure::new(FailureKind::Upstream, "x"));
        assert_eq!(run(Order::Interleaved, vec![fail, stop()]), "!");
    }

    #[test]
    fn repeated_and_missing_call_ids_are_replaced() {
        let mut ids = Vec::new();
        let mut sequencer = Sequencer::new(Order::Interleaved, Ids::new(1), 9);
        for (part, id) in ["", "x", "x"].into_iter().enumerate() {
            sequencer.event(open(part as u32, call(id)), &mut |event| {
                if let Event::Open {
                    kind: Opening::ToolCall { id, .. },
                    ..
                } = event
                {
                    ids.push(id.clone().into_owned());
                }
            });
        }
        assert_eq!(ids[1], "x");
        assert!(ids[0].starts_with("call_") && ids[2].starts_with("call_") && ids[0] != ids[2]);
    }

    #[test]
    fn tool_use_without_a_call_is_a_stop() {
        let events = vec![Event::Finish {
            choice: 0,
            reason: Finish::ToolUse,
        }];
        assert_eq!(run(Order::OneAtATime, events), "S u .Stop");
    }
}
