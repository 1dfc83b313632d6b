//! `<think>` tags at the start of an answer become a reasoning part.
//!
//! For servers without a reasoning parser. Only the beginning of an answer is looked at: an answer that speaks of the
//! tag later on keeps it. Text is held back just as long as it may still become a tag.

use crate::ir::{Event, Opening};
use crate::text::Text;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Reasoning parts get the number of the text part that they came from, with this bit.
const REASONING: u32 = 1 << 31;

/// A filter between decoder and the rest of the way back.
#[derive(Debug, Default)]
pub(crate) struct ThinkTags {
    choices: Vec<Choice>,
}

/// The first part of one alternative.
#[derive(Debug)]
struct Choice {
    number: u32,
    part: u32,
    state: State,
    /// Reasoning has been passed on; white space before the first of it is not part of it.
    spoken: bool,
    held: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Too little text to tell; nothing has been passed on.
    Start,
    /// Inside the tags.
    Inside,
    /// The closing tag has been read, no text after it.
    Behind,
    /// From here on everything passes.
    Through,
}

impl ThinkTags {
    /// Takes one event and gives what becomes of it.
    pub(crate) fn event(&mut self, event: Event<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        match event {
            Event::Open {
                part,
                choice,
                kind,
                opaque,
            } => {
                if self.choices.iter().any(|known| known.number == choice) {
                    return sink(Event::Open {
                        part,
                        choice,
                        kind,
                        opaque,
                    });
                }
                let begins = kind == Opening::Text && opaque.is_empty();
                let state = if begins { State::Start } else { State::Through };
                self.choices.push(Choice {
                    number: choice,
                    part,
                    state,
                    spoken: false,
                    held: String::new(),
                });
                if !begins {
                    sink(Event::Open {
                        part,
                        choice,
                        kind,
                        opaque,
                    });
                }
            }
            Event::Delta { part, text } => match self.find(part) {
                Some(choice) => choice.feed(&text.as_str(), sink),
                None => sink(Event::Delta { part, text }),
            },
            Event::Close { part, opaque } => {
                let shown = self.find(part).is_none_or(|choice| choice.end(sink));
                if shown {
                    sink(Event::Close { part, opaque });
                }
            }
            Event::Citation { part, citation } => {
                if let Some(choice) = self.find(part) {
                    choice.settle(sink);
                }
                sink(Event::Citation { part, citation });
            }
            Event::Finish { .. } | Event::Fail(_) => {
                self.release(sink);
                sink(event);
            }
            other => sink(other),
        }
    }

    /// The upstream has ended; gives what was held back.
    pub(crate) fn release(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        for choice in &mut self.choices {
            choice.settle(sink);
        }
    }

    /// The alternative whose first part this is, while there is something to look for.
    fn find(&mut self, part: u32) -> Option<&mut Choice> {
        self.choices
            .iter_mut()
            .find(|choice| choice.part == part && choice.state != State::Through)
    }
}

impl Choice {
    fn feed(&mut self, text: &str, sink: &mut dyn FnMut(Event<'_>)) {
        self.held.push_str(text);
        if self.state == State::Start {
            let start = self.held.trim_start();
            if start.len() < OPEN.len() && OPEN.starts_with(start) {
                return;
            }
            let Some(rest) = start.strip_prefix(OPEN) else {
                return self.settle(sink);
            };
            self.held = rest.to_owned();
            self.state = State::Inside;
            self.open(self.part | REASONING, Opening::Reasoning, sink);
        }
        if self.state == State::Inside && !self.inside(sink) {
            return;
        }
        if self.state == State::Behind && !self.held.trim_start().is_empty() {
            self.settle(sink);
        }
    }

    /// Passes reasoning on up to the closing tag. True when that has been read.
    fn inside(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> bool {
        let part = self.part | REASONING;
        if !self.spoken {
            let blank = self.held.len() - self.held.trim_start().len();
            self.held.drain(..blank);
        }
        if let Some(at) = self.held.find(CLOSE) {
            let rest = self.held.split_off(at + CLOSE.len());
            self.held.truncate(at);
            delta(part, self.held.trim_end(), sink);
            sink(Event::Close {
                part,
                opaque: Vec::new(),
            });
            self.held = rest;
            self.state = State::Behind;
            return true;
        }
        // White space before the closing tag is not part of the reasoning, so it waits with the tag.
        let keep = (1..CLOSE.len())
            .rev()
            .find(|&n| self.held.ends_with(&CLOSE[..n]))
            .unwrap_or(0);
        let certain = self.held[..self.held.len() - keep].trim_end().len();
        let rest = self.held.split_off(certain);
        self.spoken |= certain > 0;
        delta(part, &std::mem::replace(&mut self.held, rest), sink);
        false
    }

    /// There is no more to look for: what was held back goes where it belongs.
    fn settle(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        let held = std::mem::take(&mut self.held);
        match std::mem::replace(&mut self.state, State::Through) {
            State::Through => {}
            State::Start => {
                self.open(self.part, Opening::Text, sink);
                delta(self.part, &held, sink);
            }
            State::Inside => {
                let part = self.part | REASONING;
                delta(part, &held, sink);
                sink(Event::Close {
                    part,
                    opaque: Vec::new(),
                });
            }
            State::Behind => {
                let text = held.trim_start();
                if !text.is_empty() {
                    self.open(self.part, Opening::Text, sink);
                    delta(self.part, text, sink);
                }
            }
        }
    }

    /// The part is complete. True when it has been opened, so that it must be closed.
    fn end(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> bool {
        let shown = self.state == State::Start
            || (self.state == State::Behind && !self.held.trim_start().is_empty());
        self.settle(sink);
        shown
    }

    fn open(&self, part: u32, kind: Opening<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        sink(Event::Open {
            part,
            choice: self.number,
            kind,
            opaque: Vec::new(),
        });
    }
}

fn delta(part: u32, text: &str, sink: &mut dyn FnMut(Event<'_>)) {
    if !text.is_empty() {
        sink(Event::Delta {
            part,
            text: Text::borrowed(text),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Finish;

    /// What becomes of an answer in pieces: `r` and `t` parts with their text, `)` for a close.
    fn split(pieces: &[&str]) -> String {
        let mut tags = ThinkTags::default();
        let mut out = String::new();
        let mut sink = |event: Event<'_>| match event {
            Event::Open { kind, .. } => out.push_str(if kind == Opening::Reasoning {
                "r("
            } else {
                "t("
            }),
            Event::Delta { text, .. } => out.push_str(&text.as_str()),
            Event::Close { .. } => out.push(')'),
            _ => {}
        };
        tags.event(
            Event::Open {
                part: 0,
                choice: 0,
                kind: Opening::Text,
                opaque: Vec::new(),
            },
            &mut sink,
        );
        for piece in pieces {
            tags.event(
                Event::Delta {
                    part: 0,
                    text: Text::borrowed(piece),
                },
                &mut sink,
            );
        }
        tags.event(
            Event::Close {
                part: 0,
                opaque: Vec::new(),
            },
            &mut sink,
        );
        tags.event(
            Event::Finish {
                choice: 0,
                reason: Finish::Stop,
            },
            &mut sink,
        );
        out
    }

    #[test]
    fn only_the_beginning_counts() {
        for (answer, want) in [
            ("<think>a b</think>c", "r(a b)t(c)"),
            ("\n<think>\na\n</think>\n\nc\n", "r(a)t(c\n)"),
            ("hello <think>a</think>", "t(hello <think>a</think>)"),
            ("<thinking>a", "t(<thinking>a)"),
            ("<think>only thoughts", "r(only thoughts)"),
            ("<think>a</think>", "r(a)"),
            ("<think></think>c", "r()t(c)"),
            ("<think>\n\n</think>\n\nc", "r()t(c)"),
            ("<think>a\n\nb</think>", "r(a\n\nb)"),
            (
                "<think>a < b </thin c</think>d <think>e</think>",
                "r(a < b </thin c)t(d <think>e</think>)",
            ),
            ("<th", "t(<th)"),
            ("", "t()"),
            ("  x", "t(  x)"),
            ("<think>日本</think>語", "r(日本)t(語)"),
        ] {
            assert_eq!(split(&[answer]), want, "{answer:?} whole");
            let letters: Vec<String> = answer.chars().map(String::from).collect();
            let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
            assert_eq!(split(&letters), want, "{answer:?} letter by letter");
            for at in (1..answer.len()).filter(|&at| answer.is_char_boundary(at)) {
                assert_eq!(
                    split(&[&answer[..at], &answer[at..]]),
                    want,
                    "{answer:?} cut at {at}"
                );
            }
        }
    }
}
