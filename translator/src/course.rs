//! The course of one alternative: what the calls made for it say, one after the other, as one sequence.
//!
//! An upstream may interrupt an answer and want to be called again. Its end is then withheld, the parts of the next
//! call are numbered on, text goes on where it was cut, and what the calls cost is added up. What the request's
//! encoder changed is undone here too. It knows no dialect and makes no calls.

use crate::ir::{Event, Finish, Opaque, Opening, Usage};
use crate::undo::{Undo, UndoStream};

/// The course of one alternative.
#[derive(Debug)]
pub(crate) struct Course {
    undo: UndoStream,
    /// Present when the upstream may interrupt its answer.
    laps: Option<Laps>,
}

/// Calls that continue one another.
#[derive(Debug, Default)]
struct Laps {
    /// Where the parts of the present call are numbered from, and the next free number.
    base: u32,
    next: u32,
    /// What earlier calls have cost, and the present one so far.
    earlier: Usage,
    present: Usage,
    /// The end of the present call, withheld.
    paused: Option<Finish<'static>>,
    /// The part that opened last: its number and whether it holds words.
    latest: Option<(u32, Words)>,
    /// A part whose end is withheld, because the next call may go on with it.
    cut: Option<Cut>,
    /// A part of the present call that goes on with one of the call before: its number there, and its own.
    joined: Option<(u32, u32)>,
    /// The present call goes on in the middle of the words, and nothing of it has come yet.
    mid_words: bool,
}

/// What a part holds, as far as it matters for joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    Text,
    Reasoning,
    None,
}

#[derive(Debug)]
struct Cut {
    part: u32,
    words: Words,
    opaque: Vec<Opaque<'static>>,
}

type Sink<'s> = &'s mut dyn FnMut(Event<'_>);

impl Course {
    /// A course at its beginning; `resumes` when the upstream may interrupt its answer.
    pub(crate) fn new(undo: &Undo, input_estimate: u64, resumes: bool) -> Self {
        Self {
            undo: undo.stream(input_estimate),
            laps: resumes.then(Laps::default),
        }
    }

    /// Takes one event of the present call.
    pub(crate) fn event(&mut self, event: Event<'_>, sink: Sink<'_>) {
        let Self { undo, laps } = self;
        match laps {
            None => undo.event(event, sink),
            Some(laps) => laps.event(event, &mut |event| undo.event(event, sink)),
        }
    }

    /// The upstream has interrupted its answer and can be called again.
    pub(crate) fn is_paused(&self) -> bool {
        self.laps.as_ref().is_some_and(|laps| laps.paused.is_some()) && !self.is_satisfied()
    }

    /// Another call begins that goes on.
    pub(crate) fn resume(&mut self) {
        if let Some(laps) = &mut self.laps {
            laps.resume();
        }
    }

    /// There will be no other call: the end that was withheld is told.
    pub(crate) fn release(&mut self, sink: Sink<'_>) {
        let Self { undo, laps } = self;
        if let Some(laps) = laps {
            laps.release(&mut |event| undo.event(event, sink));
        }
    }

    /// True when the hub has seen enough: a stop sequence.
    pub(crate) const fn is_satisfied(&self) -> bool {
        self.undo.is_satisfied()
    }

    /// The course is over; gives what was held back.
    pub(crate) fn end(&mut self, sink: Sink<'_>) {
        self.release(sink);
        self.undo.end(sink);
    }
}

impl Laps {
    fn event(&mut self, event: Event<'_>, sink: Sink<'_>) {
        match event {
            Event::Open {
                part,
                choice,
                kind,
                opaque,
            } => self.open(part, choice, kind, opaque, sink),
            Event::Delta { part, text } => sink(Event::Delta {
                part: self.number(part),
                text,
            }),
            Event::Citation { part, citation } => sink(Event::Citation {
                part: self.number(part),
                citation,
            }),
            Event::Close { part, opaque } => self.close(part, opaque, sink),
            Event::Usage(usage) => {
                self.present = usage;
                sink(Event::Usage(self.earlier.plus(usage)));
            }
            Event::Finish {
                choice: 0,
                reason: reason @ (Finish::Pause | Finish::Continuation),
            } if self.paused.is_none() => self.paused = Some(reason.into_owned()),
            Event::Finish { .. } | Event::Fail(_) => {
                self.release(sink);
                sink(event);
            }
            Event::Start { .. } | Event::Logprobs { .. } | Event::Ping => sink(event),
        }
    }

    fn open(
        &mut self,
        local: u32,
        choice: u32,
        kind: Opening<'_>,
        opaque: Vec<Opaque<'_>>,
        sink: Sink<'_>,
    ) {
        let words = match kind {
            Opening::Text => Words::Text,
            Opening::Reasoning => Words::Reasoning,
            _ => Words::None,
        };
        let mid_words = std::mem::take(&mut self.mid_words);
        if let Some(cut) = self.cut.take() {
            if mid_words && cut.words == words && cut.opaque.is_empty() && opaque.is_empty() {
                self.joined = Some((local, cut.part));
                self.latest = Some((cut.part, words));
                return;
            }
            cut.close(sink);
        }
        let part = self.number(local);
        self.next = self.next.max(part + 1);
        self.latest = Some((part, words));
        sink(Event::Open {
            part,
            choice,
            kind,
            opaque,
        });
    }

    fn close(&mut self, local: u32, opaque: Vec<Opaque<'_>>, sink: Sink<'_>) {
        let part = self.number(local);
        match self.latest {
            Some((latest, words)) if latest == part && words != Words::None => {
                self.cut = Some(Cut {
                    part,
                    words,
                    opaque: opaque.into_iter().map(Opaque::into_owned).collect(),
                });
            }
            _ => sink(Event::Close { part, opaque }),
        }
    }

    fn number(&self, local: u32) -> u32 {
        match self.joined {
            Some((joined, part)) if joined == local => part,
            _ => self.base.saturating_add(local),
        }
    }

    fn resume(&mut self) {
        self.mid_words = self.paused.take() == Some(Finish::Continuation);
        self.base = self.next;
        self.joined = None;
        self.earlier = self.earlier.plus(std::mem::take(&mut self.present));
    }

    fn release(&mut self, sink: Sink<'_>) {
        if let Some(cut) = self.cut.take() {
            cut.close(sink);
        }
        if let Some(reason) = self.paused.take() {
            sink(Event::Finish { choice: 0, reason });
        }
    }
}

impl Cut {
    fn close(self, sink: Sink<'_>) {
        sink(Event::Close {
            part: self.part,
            opaque: self.opaque,
        });
    }
}
