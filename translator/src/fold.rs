//! Gathers a sequence of events into a complete answer.

use crate::ir::{Event, Opaque, OutPart, Response};

/// Gathers events. Expects the strict sequence of [`crate::sequence::Sequencer`].
#[derive(Debug, Default)]
pub struct Fold {
    response: Response,
    /// Part numbers, in the order of `response.parts`.
    numbers: Vec<u32>,
}

impl Fold {
    /// Takes one event.
    pub fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Start { id, model } => {
                self.response.id = id.clone().into_owned();
                self.response.model = model.clone().into_owned();
            }
            Event::Open {
                part,
                choice,
                kind,
                opaque,
            } => {
                self.numbers.push(*part);
                self.response.parts.push(OutPart {
                    choice: *choice,
                    kind: kind.clone().into_owned(),
                    text: String::new(),
                    citations: Vec::new(),
                    opaque: opaque.iter().cloned().map(Opaque::into_owned).collect(),
                });
            }
            Event::Delta { part, text } => {
                if let Some(out) = self.part(*part) {
                    out.text.push_str(&text.as_str());
                }
            }
            Event::Citation { part, citation } => {
                if let Some(out) = self.part(*part) {
                    out.citations.push(citation.clone().into_owned());
                }
            }
            Event::Logprobs { choice, tokens } => {
                let index = *choice as usize;
                // The sequencer has bounded the number of alternatives.
                if self.response.logprobs.len() <= index {
                    self.response.logprobs.resize(index + 1, String::new());
                }
                let held = &mut self.response.logprobs[index];
                if !held.is_empty() {
                    held.push(',');
                }
                held.push_str(tokens);
            }
            Event::Close { part, opaque } => {
                if let Some(out) = self.part(*part) {
                    out.opaque
                        .extend(opaque.iter().cloned().map(Opaque::into_owned));
                }
            }
            Event::Usage(usage) => self.response.usage = Some(*usage),
            Event::Finish { choice, reason } => {
                let index = *choice as usize;
                // The sequencer has bounded the number of alternatives.
                if self.response.finish.len() <= index {
                    self.response.finish.resize(index + 1, None);
                }
                self.response.finish[index] = Some(reason.clone().into_owned());
            }
            Event::Fail(_) | Event::Ping => {}
        }
    }

    fn part(&mut self, number: u32) -> Option<&mut OutPart> {
        let index = self.numbers.iter().rposition(|&n| n == number)?;
        self.response.parts.get_mut(index)
    }

    /// The answer so far.
    #[must_use]
    pub const fn response(&self) -> &Response {
        &self.response
    }

    /// The complete answer.
    #[must_use]
    pub fn finish(self) -> Response {
        self.response
    }
}
