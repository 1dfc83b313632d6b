//! What complete and streamed answers have in common: items that come whole, usage, the end.

use std::borrow::Cow;

use super::decode_items::join;
use super::wire_request::{Content, Item, Piece};
use super::wire_response::{AnnotationWire, Answered, UsageWire};
use super::{error, server_items, vendor};
use crate::ir::{Citation, Event, Finish, Opaque, OpaqueKind, Opening, Usage};
use crate::translate::Origin;
use crate::wire::{Number, Raw, Tally, parse_text};
use crate::{Dialect, Text, json};

/// Reads whole items and remembers what decides how the answer ended.
#[derive(Debug)]
pub(super) struct Reader {
    provider: String,
    model: String,
    next_part: u32,
    has_call: bool,
    has_refusal: bool,
}

impl Reader {
    pub(super) fn new(origin: &Origin<'_>) -> Self {
        Self {
            provider: origin.provider.to_owned(),
            model: origin.model.to_owned(),
            next_part: 0,
            has_call: false,
            has_refusal: false,
        }
    }

    /// Opens a part.
    pub(super) fn open(&mut self, kind: Opening<'_>, sink: &mut dyn FnMut(Event<'_>)) -> u32 {
        self.has_call |= matches!(kind, Opening::ToolCall { .. });
        self.has_refusal |= kind == Opening::Refusal;
        let part = self.next_part;
        self.next_part += 1;
        sink(Event::Open {
            part,
            choice: 0,
            kind,
            opaque: Vec::new(),
        });
        part
    }

    fn whole(
        &mut self,
        kind: Opening<'_>,
        text: Text<'_>,
        opaque: Vec<Opaque<'_>>,
        sink: &mut dyn FnMut(Event<'_>),
    ) {
        let part = self.open(kind, sink);
        if !text.is_empty() {
            sink(Event::Delta { part, text });
        }
        sink(Event::Close { part, opaque });
    }

    /// An item that comes whole.
    pub(super) fn item(&mut self, item: Item<'_>, raw: &str, sink: &mut dyn FnMut(Event<'_>)) {
        let kind = item.kind.clone().unwrap_or_default().0;
        match kind.as_ref() {
            "message" => self.message(item, sink),
            "reasoning" => {
                let part = self.open(Opening::Reasoning, sink);
                let opaque = self.state(&item, raw);
                let text = reasoning_text(item);
                if !text.is_empty() {
                    sink(Event::Delta { part, text });
                }
                sink(Event::Close { part, opaque });
            }
            "function_call" | "custom_tool_call" => {
                let text = call_text(&item);
                self.whole(
                    call_opening(&item, kind == "custom_tool_call"),
                    text,
                    Vec::new(),
                    sink,
                );
            }
            "image_generation_call"
                if item
                    .result
                    .as_ref()
                    .is_some_and(|result| !result.is_empty()) =>
            {
                let format = item
                    .output_format
                    .map_or(Cow::Borrowed("png"), |format| format.0);
                let mime = if format == "svg" {
                    "image/svg+xml".to_owned()
                } else {
                    format!("image/{format}")
                };
                self.whole(
                    Opening::Media { mime: mime.into() },
                    item.result.unwrap_or_default(),
                    Vec::new(),
                    sink,
                );
            }
            _ => self.rare(item, &kind, raw, sink),
        }
    }

    fn rare(&mut self, item: Item<'_>, kind: &str, raw: &str, sink: &mut dyn FnMut(Event<'_>)) {
        let by_service = item
            .execution
            .as_ref()
            .is_some_and(|execution| execution.0 == "server");
        if let Some(vendor) = vendor::by_call(kind).filter(|_| !by_service) {
            let args = json::member(raw, vendor.member).unwrap_or("{}");
            let opening = Opening::ToolCall {
                id: item.call_id.or(item.id).unwrap_or_default().0,
                name: Cow::Borrowed(vendor.tag),
                namespace: None,
                freeform: false,
            };
            self.whole(opening, Text::Plain(json::compact(args)), Vec::new(), sink);
            return;
        }
        let opening = Opening::ServerTool {
            summary: server_items::summary(raw).into(),
            raw: json::compact(raw),
        };
        self.whole(opening, Text::default(), Vec::new(), sink);
    }

    fn message(&mut self, item: Item<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let phase = self.phase(&item);
        match item.content {
            Some(Content::Words(words)) => self.whole(Opening::Text, words, phase, sink),
            Some(Content::Pieces(pieces)) => {
                for (piece, _) in pieces {
                    self.piece(piece, phase.clone(), sink);
                }
            }
            None => {}
        }
    }

    /// A part of a message that comes whole.
    pub(super) fn piece(
        &mut self,
        piece: Piece<'_>,
        phase: Vec<Opaque<'_>>,
        sink: &mut dyn FnMut(Event<'_>),
    ) {
        if let Some(refusal) = piece.refusal {
            self.whole(Opening::Refusal, refusal, phase, sink);
            return;
        }
        if let Some(event) = piece.logprobs.and_then(|raw| Event::logprobs(0, raw.get())) {
            sink(event);
        }
        let part = self.open(Opening::Text, sink);
        if let Some(text) = piece.text.filter(|text| !text.is_empty()) {
            sink(Event::Delta { part, text });
        }
        for raw in piece.annotations.unwrap_or_default() {
            annotation(part, raw.get(), sink);
        }
        sink(Event::Close {
            part,
            opaque: phase,
        });
    }

    /// Commentary or final answer, which the service wants to hear again.
    pub(super) fn phase(&self, item: &Item<'_>) -> Vec<Opaque<'static>> {
        let phase = item.phase.as_ref().filter(|phase| !phase.0.is_empty());
        phase
            .map(|phase| Opaque {
                origin: Dialect::OpenAiResponses,
                provider: Some(Cow::Owned(self.provider.clone())),
                model: Some(Cow::Owned(self.model.clone())),
                kind: OpaqueKind::Phase,
                state: Cow::Owned(phase.0.clone().into_owned()),
            })
            .into_iter()
            .collect()
    }

    /// The state that goes back to the service: the whole item, when it holds encrypted content.
    pub(super) fn state<'r>(&'r self, item: &Item<'_>, raw: &'r str) -> Vec<Opaque<'r>> {
        if item.encrypted.as_ref().is_none_or(Text::is_empty) {
            return Vec::new();
        }
        vec![Opaque {
            origin: Dialect::OpenAiResponses,
            provider: Some(Cow::Borrowed(&self.provider)),
            model: Some(Cow::Borrowed(&self.model)),
            kind: OpaqueKind::Reasoning,
            state: json::compact(raw),
        }]
    }

    /// The end of an answer: token counts and the reason.
    pub(super) fn finish(&self, answered: &Answered<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        if let Some(wire) = &answered.usage {
            sink(Event::Usage(usage(&wire.value)));
        }
        let status = answered
            .status
            .as_ref()
            .map_or("completed", |status| status.0.as_ref());
        let reason = match status {
            "failed" => {
                sink(Event::Fail(error::from_raw(answered.error.map(Raw::get))));
                return;
            }
            "queued" | "in_progress" => {
                sink(Event::Fail(crate::error::Failure::new(
                    crate::error::FailureKind::Upstream,
                    format!("the upstream left the answer {status}"),
                )));
                return;
            }
            "incomplete" => match answered
                .incomplete
                .as_ref()
                .and_then(|details| details.reason.as_ref())
            {
                Some(reason) => match reason.0.as_ref() {
                    "max_output_tokens" => Finish::Length,
                    "content_filter" => Finish::ContentFilter {
                        category: None,
                        explanation: None,
                    },
                    other => Finish::Other(Cow::Borrowed(other)),
                },
                None => Finish::Length,
            },
            "cancelled" => Finish::Cancelled,
            "completed" if self.has_call => Finish::ToolUse,
            "completed" if self.has_refusal => Finish::Refusal,
            "completed" => Finish::Stop,
            other => Finish::Other(Cow::Borrowed(other)),
        };
        sink(Event::Finish { choice: 0, reason });
    }
}

/// The opening of a call.
pub(super) fn call_opening<'a>(item: &Item<'a>, freeform: bool) -> Opening<'a> {
    Opening::ToolCall {
        id: item
            .call_id
            .clone()
            .or_else(|| item.id.clone())
            .unwrap_or_default()
            .0,
        name: item.name.clone().unwrap_or_default().0,
        namespace: item.namespace.clone().map(|namespace| namespace.0),
        freeform,
    }
}

/// The arguments or the free text of a call. Some servers give an object where a string belongs.
pub(super) fn call_text<'a>(item: &Item<'a>) -> Text<'a> {
    if let Some(input) = &item.input {
        return input.clone();
    }
    match item.arguments.map(Raw::get) {
        Some(raw) if raw.starts_with('"') => Text::Json(raw),
        Some(raw) => Text::Plain(json::compact(raw)),
        None => Text::default(),
    }
}

/// The readable text of a reasoning item: its summary, else its raw thoughts.
pub(super) fn reasoning_text(item: Item<'_>) -> Text<'_> {
    let mut texts: Vec<Text<'_>> = item
        .summary
        .unwrap_or_default()
        .into_iter()
        .filter_map(|piece| piece.text)
        .collect();
    if texts.is_empty() {
        texts = match item.content {
            Some(Content::Pieces(pieces)) => pieces
                .into_iter()
                .filter_map(|(piece, _)| piece.text)
                .collect(),
            Some(Content::Words(words)) => vec![words],
            None => Vec::new(),
        };
    }
    join(texts)
}

/// Gives a citation.
pub(super) fn annotation(part: u32, raw: &str, sink: &mut dyn FnMut(Event<'_>)) {
    let Ok(wire) = parse_text::<AnnotationWire<'_>>(raw) else {
        return;
    };
    let span = wire
        .start
        .and_then(Number::as_u64)
        .zip(wire.end.and_then(Number::as_u64));
    sink(Event::Citation {
        part,
        citation: Citation {
            url: wire.url.map(|url| url.0),
            title: wire.title.or(wire.filename).map(|title| title.0),
            quote: None,
            span,
            raw: json::compact(raw),
        },
    });
}

fn usage(wire: &UsageWire<'_>) -> Usage {
    let mut tally = Tally::default();
    let (input, output) = (wire.input_details.as_ref(), wire.output_details.as_ref());
    let mut usage = Usage::from_inclusive(
        tally.count(wire.input),
        tally.count(input.and_then(|details| details.cached)),
        tally.count(input.and_then(|details| details.written)),
        tally.count(wire.output),
        tally.count(output.and_then(|details| details.reasoning)),
    );
    usage.audio_input = tally.count(input.and_then(|details| details.audio));
    usage.audio_output = tally.count(output.and_then(|details| details.audio));
    usage.image_output = tally.count(output.and_then(|details| details.image));
    usage.clamped |= tally.clamped;
    usage
}

/// Reads a raw usage object; `None` when it holds no counts.
pub(crate) fn read_usage(raw: &str) -> Option<Usage> {
    let wire: UsageWire<'_> = crate::wire::parse_text(raw).ok()?;
    (wire.input.is_some() || wire.output.is_some()).then(|| usage(&wire))
}
