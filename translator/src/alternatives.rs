//! Several courses as the alternatives of one answer.
//!
//! Each course is one call for one alternative. Parts are numbered so that they cannot meet, what the calls cost is
//! added up (the prompt was read, and billed, once for each), and the ends are told together, in the order of the
//! alternatives. It knows no dialect.

use crate::ir::{Event, Finish, Usage};

/// The alternatives of one answer. With a single call everything passes as it is: the upstream itself may give
/// several.
#[derive(Debug)]
pub(crate) struct Alternatives(Vec<Tally>);

/// What is known of one alternative.
#[derive(Clone, Debug, Default)]
struct Tally {
    usage: Option<Usage>,
    finish: Option<Finish<'static>>,
}

impl Alternatives {
    /// Alternatives of so many calls.
    pub(crate) fn new(calls: usize) -> Self {
        Self(if calls > 1 {
            vec![Tally::default(); calls]
        } else {
            Vec::new()
        })
    }

    /// True when the alternative has come to its end.
    pub(crate) fn is_finished(&self, course: usize) -> bool {
        self.0
            .get(course)
            .is_some_and(|tally| tally.finish.is_some())
    }

    /// Takes one event of a course.
    pub(crate) fn event(
        &mut self,
        course: usize,
        event: Event<'_>,
        sink: &mut dyn FnMut(Event<'_>),
    ) {
        if self.0.is_empty() {
            return sink(event);
        }
        let choice = course as u32;
        let calls = self.0.len() as u32;
        let number = |part: u32| part.saturating_mul(calls).saturating_add(choice);
        match event {
            Event::Open {
                part, kind, opaque, ..
            } => sink(Event::Open {
                part: number(part),
                choice,
                kind,
                opaque,
            }),
            Event::Delta { part, text } => sink(Event::Delta {
                part: number(part),
                text,
            }),
            Event::Citation { part, citation } => sink(Event::Citation {
                part: number(part),
                citation,
            }),
            Event::Close { part, opaque } => sink(Event::Close {
                part: number(part),
                opaque,
            }),
            Event::Logprobs { tokens, .. } => sink(Event::Logprobs { choice, tokens }),
            Event::Usage(usage) => {
                self.0[course].usage = Some(usage);
                sink(Event::Usage(self.sum()));
            }
            Event::Finish { reason, .. } => self.finish(course, reason, sink),
            Event::Start { .. } | Event::Fail(_) | Event::Ping => sink(event),
        }
    }

    fn finish(&mut self, course: usize, reason: Finish<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        self.0[course]
            .finish
            .get_or_insert_with(|| reason.into_owned());
        if self.0.iter().any(|tally| tally.finish.is_none()) {
            return;
        }
        let counted = self.0.iter().filter(|tally| tally.usage.is_some()).count();
        if counted > 0 && counted < self.0.len() {
            sink(Event::Usage(Usage {
                estimated: true,
                ..self.sum()
            }));
        }
        for (choice, tally) in (0..).zip(&self.0) {
            if let Some(reason) = tally.finish.clone() {
                sink(Event::Finish { choice, reason });
            }
        }
    }

    fn sum(&self) -> Usage {
        self.0
            .iter()
            .filter_map(|tally| tally.usage)
            .fold(Usage::default(), Usage::plus)
    }
}
