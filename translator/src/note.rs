//! Takes note of the state in an answer that its client may not return, so that the gateway can keep it.
//!
//! State goes with the next call, because calls are what every client returns. What comes with the last words has no
//! place in an Anthropic answer at all: clients take the last block for the answer. It is kept under the words.

use std::borrow::Cow;

use crate::Dialect;
use crate::ir::{Args, Event, Opaque, OpaqueKind, Opening};
use crate::recall::Kept;
use crate::translate::Origin;

/// What has been seen of an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// Who speaks to whom, in an answer to what; absent when nothing is to be kept.
    between: Option<Between>,
    /// State that belongs to the next call.
    pending: Vec<Opaque<'static>>,
    /// State of the latest words, as long as nothing follows them.
    held: Vec<Opaque<'static>>,
    /// Reasoning in words, which some servers want back.
    thought: String,
    /// The words of the answer, as far as they matter.
    words: String,
    /// Parts that are open.
    open: Vec<(u32, Open)>,
    called: bool,
}

#[derive(Clone, Debug)]
struct Between {
    client: Dialect,
    upstream: Dialect,
    provider: String,
    model: String,
    before: u64,
}

#[derive(Clone, Debug)]
enum Open {
    Words,
    Thought,
    /// A call whose state is kept once its arguments are complete.
    Call {
        id: String,
        name: String,
        freeform: bool,
        args: String,
        states: Vec<Opaque<'static>>,
    },
}

impl Notes {
    /// Notes of an answer to a request whose mark is `before`.
    pub(crate) fn new(
        client: Dialect,
        upstream: Dialect,
        origin: &Origin<'_>,
        before: Option<u64>,
    ) -> Self {
        Self {
            between: before.map(|before| Between {
                client,
                upstream,
                provider: origin.provider.to_owned(),
                model: origin.model.to_owned(),
                before,
            }),
            ..Self::default()
        }
    }

    /// Takes note of an event; what can be kept is added to `keep`.
    pub(crate) fn event(&mut self, event: &Event<'_>, keep: &mut Vec<Kept>) {
        let Some(between) = &self.between else { return };
        match event {
            Event::Open {
                part, kind, opaque, ..
            } => {
                self.held.clear();
                let open = match kind {
                    Opening::Text | Opening::Refusal => Open::Words,
                    Opening::Reasoning => Open::Thought,
                    Opening::ToolCall {
                        id, name, freeform, ..
                    } => {
                        self.called = true;
                        let mut states = std::mem::take(&mut self.pending);
                        states.extend(between.thought(&mut self.thought));
                        states.extend(opaque.iter().cloned().map(Opaque::into_owned));
                        let id = between.client_id(id).into_owned();
                        if states.is_empty() {
                            return keep.push(Kept::without_state(id, between.before));
                        }
                        Open::Call {
                            id,
                            name: name.clone().into_owned(),
                            freeform: *freeform,
                            args: String::new(),
                            states,
                        }
                    }
                    Opening::Media { .. } | Opening::ServerTool { .. } => return,
                };
                if !matches!(open, Open::Call { .. }) {
                    self.pending
                        .extend(opaque.iter().cloned().map(Opaque::into_owned));
                }
                self.open.push((*part, open));
            }
            Event::Delta { part, text } => {
                let Some((_, open)) = self.open.iter_mut().find(|(number, _)| number == part)
                else {
                    return;
                };
                match open {
                    Open::Words if between.holds_words() => self.words.push_str(&text.as_str()),
                    Open::Thought if between.holds_thought() => {
                        self.thought.push_str(&text.as_str());
                    }
                    Open::Call { args, .. } => args.push_str(&text.as_str()),
                    Open::Words | Open::Thought => {}
                }
            }
            Event::Close { part, opaque } => {
                self.pending
                    .extend(opaque.iter().cloned().map(Opaque::into_owned));
                let Some(at) = self.open.iter().position(|(number, _)| number == part) else {
                    return;
                };
                match self.open.remove(at).1 {
                    Open::Call {
                        id,
                        name,
                        freeform,
                        args,
                        states,
                    } => {
                        let args = if freeform {
                            Args::Freeform(args.into())
                        } else {
                            Args::Text(args.into())
                        };
                        keep.push(Kept::with_call(id, &name, &args, between.before, &states));
                    }
                    Open::Words => {
                        self.held = opaque.iter().cloned().map(Opaque::into_owned).collect();
                    }
                    Open::Thought => {}
                }
            }
            Event::Finish { .. }
                if !self.called && !self.held.is_empty() && between.holds_words() =>
            {
                let states = std::mem::take(&mut self.held);
                keep.push(Kept::with_words(&self.words, between.before, &states));
            }
            _ => {}
        }
    }
}

impl Between {
    /// The id under which the client knows a call.
    fn client_id<'i>(&self, id: &'i str) -> Cow<'i, str> {
        match self.client {
            Dialect::Anthropic => crate::anthropic::client_call_id(id),
            _ => Cow::Borrowed(id),
        }
    }

    fn holds_words(&self) -> bool {
        self.client == Dialect::Anthropic
            && matches!(self.upstream, Dialect::Gemini | Dialect::OpenAiResponses)
    }

    /// Servers that speak Chat do not seal their reasoning: the words themselves are what they want back.
    fn holds_thought(&self) -> bool {
        self.upstream == Dialect::OpenAiChat
    }

    fn thought(&self, words: &mut String) -> Option<Opaque<'static>> {
        (!words.is_empty()).then(|| Opaque {
            origin: self.upstream,
            provider: Some(Cow::Owned(self.provider.clone())),
            model: Some(Cow::Owned(self.model.clone())),
            kind: OpaqueKind::Words,
            state: Cow::Owned(std::mem::take(words)),
        })
    }
}
