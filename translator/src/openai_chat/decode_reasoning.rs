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

/// Where state stands to the words of its message. Calls come behind them, so this matters before the first call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It belongs to reasoning before the words, or between calls.
    Reasoning,
    /// It is the state of the words themselves.
    Words,
    /// It belongs to reasoning behind the words, which the call that follows must not lose.
    BehindWords,
}

impl Place {
    /// The word for it in the hub's records.
    pub(super) const fn word(self) -> Option<&'static str> {
        match self {
            Self::Reasoning => None,
            Self::Words => Some("text"),
            Self::BehindWords => Some("behind_text"),
        }
    }

    fn of(word: &str) -> Self {
        let places = [Self::Words, Self::BehindWords];
        let named = places.into_iter().find(|place| place.word() == Some(word));
        named.unwrap_or(Self::Reasoning)
    }
}

/// State that one record holds.
struct Record<'a> {
    /// The number of calls before it.
    calls: usize,
    place: Place,
    states: Vec<Opaque<'a>>,
}

/// What an assistant message remembers.
pub(super) struct History<'a> {
    text: Text<'a>,
    records: Vec<Record<'a>>,
}

impl<'a> History<'a> {
    /// Reads the reasoning members of a message.
    pub(super) fn read(message: &WireMessage<'a>) -> Self {
        let mut history = Self {
            text: Text::default(),
            records: Vec::new(),
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
                    let place = detail.place.as_ref().map_or("", Str::as_str);
                    self.records.push(Record {
                        calls: usize::try_from(call).unwrap_or(0),
                        place: Place::of(place),
                        states,
                    });
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
            self.before(0, vec![own_state(OpaqueKind::Reasoning, state)]);
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
            self.before(position, before);
        }
        own
    }

    fn before(&mut self, calls: usize, states: Vec<Opaque<'a>>) {
        self.records.push(Record {
            calls,
            place: Place::Reasoning,
            states,
        });
    }

    /// Appends what stands before the words: reasoning, whose text goes with the first state, then the state of the
    /// words themselves.
    pub(super) fn place_before_words(&mut self, parts: &mut Vec<Part<'a>>) {
        let has = |place| {
            let mut records = self.records.iter();
            records.any(|record| record.calls == 0 && record.place == place)
        };
        let later = !has(Place::Reasoning) && has(Place::BehindWords);
        self.place(0, Place::Reasoning, parts);
        if !later && !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            parts.push(Part::new(Kind::Reasoning { text }));
        }
        self.place(0, Place::Words, parts);
    }

    /// Appends the reasoning that stands before the call at `position`, and behind the words.
    pub(super) fn place_before_call(&mut self, position: usize, parts: &mut Vec<Part<'a>>) {
        if position == 0 {
            self.place(0, Place::BehindWords, parts);
        } else {
            self.place(position, Place::Reasoning, parts);
        }
    }

    fn place(&mut self, position: usize, place: Place, parts: &mut Vec<Part<'a>>) {
        let here = |record: &mut Record<'a>| record.calls == position && record.place == place;
        for record in self.records.extract_if(.., here) {
            let text = if place == Place::Words {
                Text::default()
            } else {
                std::mem::take(&mut self.text)
            };
            parts.push(Part {
                opaque: record.states,
                ..Part::new(Kind::Reasoning { text })
            });
        }
    }

    /// Appends what belongs behind the last call.
    pub(super) fn place_rest(&mut self, parts: &mut Vec<Part<'a>>) {
        for record in std::mem::take(&mut self.records) {
            parts.push(Part {
                opaque: record.states,
                ..Part::new(Kind::Reasoning {
                    text: std::mem::take(&mut self.text),
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
