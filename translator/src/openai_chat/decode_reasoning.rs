//! Reasoning and vendor state in assistant messages of history.
//!
//! State comes back in `reasoning_details` (the hub's own envelopes, or an upstream's own records) or beside a call
//! in `extra_content`.

use std::borrow::Cow;

use super::wire::WireDetail;
use super::wire_request::WireMessage;
use crate::ir::{Kind, Opaque, OpaqueKind, Part};
use crate::json::{self, Writer};
use crate::wire::{Number, Raw, Str, parse_text};
use crate::{Dialect, Text, envelope};

/// The type tag of the hub's records in `reasoning_details`.
pub(super) const HUB_STATE: &str = "hub.state";

/// What an assistant message remembers, by the number of calls before it.
pub(super) struct History<'a> {
    text: Text<'a>,
    states: Vec<(usize, Vec<Opaque<'a>>)>,
}

impl<'a> History<'a> {
    /// Reads the reasoning members of a message.
    pub(super) fn read(message: &WireMessage<'a>) -> Self {
        let mut history = Self {
            text: Text::default(),
            states: Vec::new(),
        };
        let mut spoken = Vec::new();
        if let Some(details) = message.reasoning_details {
            history.details(details, &mut spoken);
        }
        history.text = [message.reasoning_content, message.reasoning]
            .into_iter()
            .flatten()
            .find(|raw| raw.get().starts_with('"') && raw.get().len() > 2)
            .map_or_else(|| joined(spoken), |raw| Text::Json(raw.get()));
        history
    }

    fn details(&mut self, raw: Raw<'a>, spoken: &mut Vec<Text<'a>>) {
        let mut native = Vec::new();
        for element in json::elements(raw.get()) {
            let Ok(detail) = parse_text::<WireDetail<'a>>(element) else {
                continue;
            };
            if detail.kind.as_ref().map(Str::as_str) == Some(HUB_STATE) {
                let call = detail.call.and_then(Number::as_u64).unwrap_or(0);
                let opened = detail.data.and_then(|data| envelope::open(&data.as_str()));
                if let Some(states) = opened {
                    self.states
                        .push((usize::try_from(call).unwrap_or(0), states));
                }
                continue;
            }
            spoken.extend(detail.text.or(detail.summary));
            native.push(element);
        }
        if !native.is_empty() {
            let mut out = Vec::new();
            Writer::new(&mut out).array(|w| native.iter().for_each(|element| w.item_raw(element)));
            let state = Cow::Owned(crate::ir::into_string(out));
            self.states
                .push((0, vec![own_state(OpaqueKind::Reasoning, state)]));
        }
    }

    /// The state of the call at `position` by its own signature. State that belongs before the call is kept for
    /// [`Self::place`].
    pub(super) fn of_call(
        &mut self,
        position: usize,
        signature: Option<Cow<'a, str>>,
    ) -> Vec<Opaque<'a>> {
        let Some(signature) = signature else {
            return Vec::new();
        };
        match envelope::open(&signature) {
            Some(states) => self.split(position, states),
            None if envelope::is_envelope(&signature) => Vec::new(),
            // Born at Google, whichever of its surfaces the client talked to.
            None => vec![
                Opaque {
                    origin: Dialect::Gemini,
                    ..own_state(OpaqueKind::Signature, signature.clone())
                },
                own_state(OpaqueKind::Signature, signature),
            ],
        }
    }

    fn split(&mut self, position: usize, states: Vec<Opaque<'static>>) -> Vec<Opaque<'a>> {
        let (own, before): (Vec<_>, Vec<_>) = states
            .into_iter()
            .partition(|state| state.kind == OpaqueKind::Signature);
        if !before.is_empty() {
            self.states.push((position, before));
        }
        own
    }

    /// Appends the reasoning parts that stand before the call at `position`; the text goes with the first ones.
    pub(super) fn place(&mut self, position: usize, parts: &mut Vec<Part<'a>>) {
        let mut text = if position == 0 {
            std::mem::take(&mut self.text)
        } else {
            Text::default()
        };
        let mut rest = Vec::new();
        for (at, opaque) in std::mem::take(&mut self.states) {
            if at == position {
                parts.push(Part {
                    opaque,
                    ..Part::new(Kind::Reasoning {
                        text: std::mem::take(&mut text),
                    })
                });
            } else {
                rest.push((at, opaque));
            }
        }
        self.states = rest;
        if !text.is_empty() {
            parts.push(Part::new(Kind::Reasoning { text }));
        }
    }

    /// Appends what belongs behind the last call.
    pub(super) fn place_rest(&mut self, parts: &mut Vec<Part<'a>>) {
        for (_, opaque) in std::mem::take(&mut self.states) {
            parts.push(Part {
                opaque,
                ..Part::new(Kind::Reasoning {
                    text: Text::default(),
                })
            });
        }
    }
}

fn own_state(kind: OpaqueKind, state: Cow<'_, str>) -> Opaque<'_> {
    Opaque {
        origin: Dialect::OpenAiChat,
        provider: None,
        model: None,
        kind,
        state,
    }
}

fn joined<'a>(mut texts: Vec<Text<'a>>) -> Text<'a> {
    if texts.len() == 1 {
        return texts.remove(0);
    }
    let all: Vec<String> = texts
        .iter()
        .map(|text| text.as_str().into_owned())
        .collect();
    Text::from(all.join("\n\n"))
}
