//! What every answer goes through between the upstream's decoder and the client's encoder.
//!
//! Calls are put together, what was renamed is restored, the order made strict, and what the gateway needs to know
//! is noted. It knows neither frames nor bytes.

use crate::Dialect;
use crate::alternatives::Alternatives;
use crate::answer::Answer;
use crate::course::Course;
use crate::error::{Failure, FailureKind};
use crate::estimate::Spoken;
use crate::ir::{Event, Finish, Opening, Usage};
use crate::note::Notes;
use crate::recall::Kept;
use crate::sequence::{Order, Sequencer};
use crate::translate::{Calls, Origin};
use crate::undo::Undo;

/// The way of an answer.
#[derive(Debug)]
pub(crate) struct Stage {
    courses: Vec<Course>,
    alternatives: Alternatives,
    sequencer: Sequencer,
    /// The answer flows: a stop sequence ends it at once. Of a complete answer the counts behind it are taken.
    pub(crate) flows: bool,
    pub(crate) summary: Summary,
}

/// What the gateway needs to know of a stream that passes.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Content has been seen: from here on there is no other attempt.
    pub content: bool,
    /// The latest token counts, of all calls together.
    pub usage: Option<Usage>,
    /// Output so far, for when the upstream does not come to count it.
    pub spoken: Spoken,
    /// Why the answer ended.
    pub finish: Option<Finish<'static>>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The hub has seen enough (a stop sequence): the upstream can be cancelled.
    pub satisfied: bool,
    /// State to keep for clients that drop what carries it.
    pub keep: Vec<Kept>,
    notes: Notes,
    /// The client's dialect.
    client: Option<Dialect>,
}

type Sink<'s> = &'s mut dyn FnMut(&Event<'_>);

impl Stage {
    /// A stage at the beginning of an answer; `resumes` when the upstream may interrupt it.
    pub(crate) fn new(
        order: Order,
        undo: &Undo,
        answer: &Answer,
        calls: Calls,
        resumes: bool,
    ) -> Self {
        let estimate = answer.input_estimate;
        let calls = calls.0.max(1);
        Self {
            courses: (0..calls)
                .map(|_| Course::new(undo, estimate, resumes))
                .collect(),
            alternatives: Alternatives::new(calls),
            sequencer: Sequencer::new(order, answer.ids.fork(1), estimate),
            flows: false,
            summary: Summary {
                client: Some(answer.dialect),
                ..Summary::default()
            },
        }
    }

    /// Takes one event of a call.
    pub(crate) fn event(&mut self, call: usize, event: Event<'_>, sink: Sink<'_>) {
        // Several alternatives finish one after the other, so a finish does not close the gate. What else came in
        // the read in which a stop sequence stood must not matter.
        let satisfied = self.flows && self.courses[call].is_satisfied();
        if self.summary.failure.is_some() || satisfied {
            return;
        }
        let event = harden(event, self.summary.client);
        self.with(call, sink, |course, sink| course.event(event, sink));
        if !self.flows || !self.courses[call].is_satisfied() {
            return;
        }
        if self.courses.len() > 1 {
            self.with(call, sink, Course::end);
        }
        self.summary.satisfied = self.courses.iter().all(Course::is_satisfied);
    }

    /// What a course says now goes the rest of the way.
    fn with(
        &mut self,
        call: usize,
        sink: Sink<'_>,
        say: impl FnOnce(&mut Course, &mut dyn FnMut(Event<'_>)),
    ) {
        let Self {
            courses,
            alternatives,
            sequencer,
            summary,
            ..
        } = self;
        say(&mut courses[call], &mut |event| {
            alternatives.event(call, event, &mut |event| {
                sequencer.event(unanswered(event, summary), &mut |event| {
                    summary.note(event);
                    sink(event);
                });
            });
        });
    }

    /// The upstream has interrupted the answer of this call.
    pub(crate) fn is_paused(&self, call: usize) -> bool {
        self.summary.failure.is_none() && self.courses[call].is_paused()
    }

    /// Another call goes on.
    pub(crate) fn resume(&mut self, call: usize) {
        self.courses[call].resume();
    }

    /// No other call goes on.
    pub(crate) fn give_up(&mut self, call: usize, sink: Sink<'_>) {
        self.with(call, sink, Course::release);
    }

    /// True when this call has nothing more to say.
    pub(crate) fn is_over(&self, call: usize) -> bool {
        self.summary.is_over()
            || self.alternatives.is_finished(call)
            || self.courses[call].is_satisfied()
            || self.courses[call].is_paused()
    }

    /// The answer is over; gives what was held back, and the failure of one without an end.
    pub(crate) fn end(&mut self, sink: Sink<'_>) {
        for call in 0..self.courses.len() {
            self.with(call, sink, Course::end);
        }
        let Self {
            sequencer, summary, ..
        } = self;
        sequencer.end(&mut |event| {
            summary.note(event);
            sink(event);
        });
    }
}

impl Summary {
    /// True when nothing more will come: the gateway calls [`StreamTranslation::end`] and need not read on.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.failure.is_some() || self.finish.is_some() || self.satisfied
    }
}

impl Summary {
    /// Begins to note what is to be kept of an answer from there.
    pub(crate) fn listen(&mut self, answer: &Answer, upstream: Dialect, origin: &Origin<'_>) {
        self.notes = Notes::new(answer.dialect, upstream, origin, answer.before);
    }

    /// Takes note of an event.
    pub fn note(&mut self, event: &Event<'_>) {
        self.notes.event(event, &mut self.keep);
        match event {
            Event::Open { .. } => self.content = true,
            Event::Delta { text, .. } => {
                self.content = true;
                self.spoken.add(text.len_hint());
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { reason, .. } => self.finish = Some(reason.clone().into_owned()),
            Event::Fail(failure) => self.failure = Some(failure.clone()),
            Event::Start { .. }
            | Event::Citation { .. }
            | Event::Logprobs { .. }
            | Event::Close { .. }
            | Event::Ping => {}
        }
    }
}

/// An unusable call must not end as a success: agents would take it for the end of their task.
/// Gemini clients know the reason and get it as it is.
fn harden(event: Event<'_>, client: Option<Dialect>) -> Event<'_> {
    match event {
        Event::Finish {
            reason: Finish::BadToolCall(reason),
            ..
        } if client != Some(Dialect::Gemini) => Event::Fail(Failure::new(
            FailureKind::Upstream,
            format!("the model made an unusable tool call ({reason})"),
        )),
        // Nobody else is shown the step itself, and its state belongs on nothing else.
        Event::Open {
            part,
            choice,
            kind: kind @ Opening::ServerTool { .. },
            mut opaque,
        } => {
            opaque.retain(|state| Some(state.origin) == client);
            Event::Open {
                part,
                choice,
                kind,
                opaque,
            }
        }
        other => other,
    }
}

/// Nor must an answer without any content whose reason nobody knows.
fn unanswered<'a>(event: Event<'a>, summary: &Summary) -> Event<'a> {
    match event {
        Event::Finish {
            reason: Finish::Other(reason),
            ..
        } if !summary.content && summary.client != Some(Dialect::Gemini) => {
            Event::Fail(Failure::new(
                FailureKind::Upstream,
                format!("the model ended without an answer ({reason})"),
            ))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::Ids;
    use crate::ir::{Opaque, OpaqueKind};
    use crate::text::Text;

    fn stage(undo: &Undo, calls: usize, resumes: bool) -> Stage {
        let answer = Answer {
            dialect: Dialect::OpenAiChat,
            model: String::new(),
            ids: Ids::new(1),
            created: 0,
            include_usage: true,
            before: None,
            show_reasoning: true,
            function_calls: false,
            json_array: false,
            input_estimate: 0,
            echo: String::new(),
        };
        let mut stage = Stage::new(Order::Interleaved, undo, &answer, Calls(calls), resumes);
        stage.flows = true;
        stage
    }

    /// What comes out, in short: `+1` opens a part of choice 1, `u5` counts five of input, `.1Stop` ends choice 1.
    fn say(event: &Event<'_>, out: &mut Vec<String>) {
        out.push(match event {
            Event::Open { choice, .. } => format!("+{choice}"),
            Event::Delta { part, text } => format!("{part}:{}", text.as_str()),
            Event::Close { part, .. } => format!("-{part}"),
            Event::Usage(usage) => format!("u{}", usage.fresh),
            Event::Finish { choice, reason } => format!(".{choice}{reason:?}"),
            Event::Fail(_) => "!".to_owned(),
            _ => return,
        });
    }

    fn text(part: u32, text: &str) -> [Event<'_>; 2] {
        let text = Text::borrowed(text);
        let open = Event::Open {
            part,
            choice: 0,
            kind: Opening::Text,
            opaque: Vec::new(),
        };
        [open, Event::Delta { part, text }]
    }

    fn finish(reason: Finish<'_>) -> Event<'_> {
        Event::Finish { choice: 0, reason }
    }

    fn usage(fresh: u64) -> Event<'static> {
        Event::Usage(Usage {
            fresh,
            ..Usage::default()
        })
    }

    #[test]
    fn ends_are_told_together_and_counts_added_up() {
        let mut stage = stage(&Undo::default(), 2, false);
        let mut out = Vec::new();
        let mut take = |call: usize, event: Event<'_>| {
            stage.event(call, event, &mut |event| say(event, &mut out));
        };
        let [open, delta] = text(0, "b");
        take(1, open);
        take(1, delta);
        take(1, usage(3));
        take(1, finish(Finish::Length));
        let [open, delta] = text(0, "a");
        take(0, open);
        take(0, delta);
        take(0, usage(4));
        take(0, finish(Finish::Stop));
        assert_eq!(out.join(" "), "+1 0:b u3 +0 1:a u7 -0 -1 .0Stop .1Length");
    }

    #[test]
    fn a_stop_sequence_ends_its_own_alternative() {
        let undo = Undo {
            stop: vec!["END".to_owned()],
            ..Undo::default()
        };
        let mut stage = stage(&undo, 2, false);
        let mut out = Vec::new();
        for (call, words) in [(0, "one END two"), (1, "three")] {
            for event in text(0, words) {
                stage.event(call, event, &mut |event| say(event, &mut out));
            }
        }
        assert!(stage.is_over(0) && !stage.is_over(1) && !stage.summary.is_over());
        stage.event(0, text(9, "late")[1].clone(), &mut |event| {
            say(event, &mut out);
        });
        stage.event(1, finish(Finish::Stop), &mut |event| say(event, &mut out));
        let out = out.join(" ");
        assert!(
            out.contains("0:one ") && out.contains(":three") && !out.contains("late"),
            "{out}"
        );
        assert!(
            out.ends_with(".0StopSequence(Some(Plain(\"END\"))) .1Stop"),
            "{out}"
        );
    }

    #[test]
    fn words_that_were_cut_go_on_in_their_part() {
        let mut stage = stage(&Undo::default(), 1, true);
        let mut out = Vec::new();
        let close = || Event::Close {
            part: 0,
            opaque: Vec::new(),
        };
        for (words, reason) in [
            ("Hel", Finish::Continuation),
            ("lo", Finish::Pause),
            ("!", Finish::Stop),
        ] {
            for event in text(0, words) {
                stage.event(0, event, &mut |event| say(event, &mut out));
            }
            for event in [close(), usage(2), finish(reason)] {
                stage.event(0, event, &mut |event| say(event, &mut out));
            }
            if stage.is_paused(0) {
                stage.resume(0);
            }
        }
        // Behind a pause, words are a part of their own.
        assert_eq!(out.join(" "), "+0 0:Hel u2 0:lo u4 -0 +0 1:! u6 -1 .0Stop");
    }

    #[test]
    fn state_of_a_step_that_the_client_is_not_shown_goes_with_it() {
        let state = Opaque {
            origin: Dialect::Gemini,
            provider: None,
            model: None,
            kind: OpaqueKind::Signature,
            state: "c2ln".into(),
        };
        let step = Event::Open {
            part: 0,
            choice: 0,
            kind: Opening::ServerTool {
                summary: "".into(),
                raw: r#"{"toolCall":{}}"#.into(),
            },
            opaque: vec![state],
        };
        for (client, want) in [
            (Dialect::Gemini, 1),
            (Dialect::OpenAiChat, 0),
            (Dialect::Anthropic, 0),
        ] {
            let Event::Open { opaque, .. } = harden(step.clone(), Some(client)) else {
                unreachable!("it stays what it was")
            };
            assert_eq!(opaque.len(), want, "{client:?}");
        }
    }

    #[test]
    fn a_pause_that_nobody_goes_on_with_is_an_end() {
        let mut stage = stage(&Undo::default(), 1, true);
        let mut out = Vec::new();
        for event in text(0, "x") {
            stage.event(0, event, &mut |event| say(event, &mut out));
        }
        stage.event(0, finish(Finish::Pause), &mut |event| say(event, &mut out));
        assert!(stage.is_paused(0) && !stage.summary.is_over());
        stage.end(&mut |event| say(event, &mut out));
        assert_eq!(out.join(" "), "+0 0:x -0 u0 .0Pause");
    }
}
