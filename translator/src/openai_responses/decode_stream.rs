//! An upstream's stream to events. Deltas go through at once; what a `done` event says beyond them is added;
//! items that only the terminal event shows are given then.

use super::decode_answer::{Reader, annotation, call_opening, call_text, reasoning_text};
use super::error;
use super::wire_request::{Content, Item, Piece};
use super::wire_response::{Answered, FrameWire};
use crate::Text;
use crate::error::{Failure, FailureKind};
use crate::ir::{Event, Opaque, Opening};
use crate::sse::Frame;
use crate::translate::Origin;
use crate::wire::{Number, Raw, Str, parse_raw, parse_text};

/// Reads a stream.
#[derive(Debug)]
pub struct StreamDecoder {
    reader: Reader,
    started: bool,
    ended: bool,
    /// The latest event held counts.
    news: bool,
    items: Vec<OpenItem>,
}

/// An item that has been added.
#[derive(Debug)]
struct OpenItem {
    index: u64,
    id: String,
    shape: Shape,
    parts: Vec<OpenPart>,
    /// The phase of a message.
    phase: Vec<Opaque<'static>>,
    done: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Message,
    Reasoning,
    Call,
    /// Given when it is done.
    Whole,
}

/// A part of the representation and what it has so far, to find what the deltas left out.
/// A string as it stands in the frame.
fn literal(raw: Option<Raw<'_>>) -> Option<Text<'_>> {
    raw.map(Raw::get)
        .filter(|raw| raw.starts_with('"'))
        .map(Text::Json)
}

#[derive(Debug)]
struct OpenPart {
    part: u32,
    /// `content_index`, or the latest `summary_index`.
    index: u64,
    text: String,
    citations: usize,
    /// What is told when it closes.
    phase: Vec<Opaque<'static>>,
    closed: bool,
}

impl StreamDecoder {
    pub(crate) fn new(origin: &Origin<'_>) -> Self {
        Self {
            reader: Reader::new(origin),
            started: false,
            ended: false,
            news: false,
            items: Vec::new(),
        }
    }

    /// Whether there were counts since the last question.
    pub(crate) const fn take_news(&mut self) -> bool {
        std::mem::replace(&mut self.news, false)
    }

    pub(crate) fn frame(&mut self, frame: Frame<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        if self.ended || frame.data.is_empty() || frame.data == "[DONE]" {
            return;
        }
        let wire: FrameWire<'_> = match parse_text(frame.data) {
            Ok(wire) => wire,
            Err(error) => {
                let message = format!("an event of the upstream cannot be read: {error}");
                return self.fail(Failure::new(FailureKind::Upstream, message), sink);
            }
        };
        let kind = wire
            .kind
            .as_ref()
            .map_or(frame.event, |kind| kind.0.as_ref());
        if kind == "error" || (wire.error.is_some() && wire.response.is_none()) {
            return self.error(&wire, frame.data, sink);
        }
        self.event(kind, &wire, sink);
    }

    /// The upstream has closed the stream.
    pub(crate) fn end(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        if !self.ended {
            self.fail(
                Failure::new(
                    FailureKind::Upstream,
                    "the upstream's stream ended before the answer was complete",
                ),
                sink,
            );
        }
    }

    fn fail(&mut self, failure: Failure, sink: &mut dyn FnMut(Event<'_>)) {
        self.ended = true;
        sink(Event::Fail(failure));
    }

    /// The flat form has the members beside `type`, the nested one under `error`.
    fn error(&mut self, wire: &FrameWire<'_>, data: &str, sink: &mut dyn FnMut(Event<'_>)) {
        let nested = wire.error.map(Raw::get);
        // In the flat form `type` is the event's name, which says nothing of the error.
        self.fail(error::from_raw(nested.or(Some(data))), sink);
    }

    fn event(&mut self, kind: &str, wire: &FrameWire<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        match kind {
            "response.created" | "response.queued" | "response.in_progress" => {
                self.start(wire, sink);
            }
            "response.output_item.added" => self.added(wire, sink),
            "response.output_item.done" => self.item_done(wire, sink),
            "response.content_part.added" => self.part_added(wire, sink),
            "response.content_part.done" => self.part_done(wire, sink),
            "response.output_text.delta" => {
                if let Some(event) = wire.logprobs.and_then(|raw| Event::logprobs(0, raw.get())) {
                    sink(event);
                }
                self.delta(wire, &Opening::Text, sink);
            }
            "response.refusal.delta" => self.delta(wire, &Opening::Refusal, sink),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.delta(wire, &Opening::Reasoning, sink);
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.call_delta(wire, sink);
            }
            "response.function_call_arguments.done" => self.call_done(wire.arguments, wire, sink),
            "response.custom_tool_call_input.done" => self.call_done(wire.input, wire, sink),
            "response.output_text.done" => {
                self.text_done(wire.text, &Opening::Text, wire, sink);
            }
            "response.refusal.done" => {
                self.text_done(wire.refusal, &Opening::Refusal, wire, sink);
            }
            "response.output_text.annotation.added" => self.annotation(wire, sink),
            "response.completed" | "response.done" => self.terminal("completed", wire, sink),
            "response.incomplete" => self.terminal("incomplete", wire, sink),
            "response.failed" => self.terminal("failed", wire, sink),
            "response.cancelled" => self.terminal("cancelled", wire, sink),
            _ => sink(Event::Ping),
        }
    }

    fn start(&mut self, wire: &FrameWire<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        if self.started {
            return sink(Event::Ping);
        }
        self.started = true;
        let answered: Answered<'_> = wire
            .response
            .and_then(|raw| parse_raw(raw).ok())
            .unwrap_or_default();
        sink(Event::Start {
            id: answered.id.unwrap_or_default().0,
            model: answered.model.unwrap_or_default().0,
        });
    }

    fn added(&mut self, wire: &FrameWire<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(item) = wire.item.and_then(|raw| parse_raw::<Item<'_>>(raw).ok()) else {
            return;
        };
        let index = self.index(wire);
        if self
            .live(
                wire.item.map(|_| index),
                item.id.as_ref().map(|id| id.0.as_ref()),
            )
            .is_some()
        {
            return;
        }
        let kind = item.kind.clone().unwrap_or_default().0;
        let mut open = OpenItem {
            index,
            id: item.id.clone().unwrap_or_default().0.into_owned(),
            shape: match kind.as_ref() {
                "message" => Shape::Message,
                "reasoning" => Shape::Reasoning,
                "function_call" | "custom_tool_call" => Shape::Call,
                _ => Shape::Whole,
            },
            parts: Vec::new(),
            phase: self.reader.phase(&item),
            done: false,
        };
        match open.shape {
            Shape::Reasoning => open
                .parts
                .push(OpenPart::new(self.reader.open(Opening::Reasoning, sink), 0)),
            Shape::Call => {
                let opening = call_opening(&item, kind == "custom_tool_call");
                open.parts
                    .push(OpenPart::new(self.reader.open(opening, sink), 0));
            }
            Shape::Message | Shape::Whole => {}
        }
        self.items.push(open);
    }

    /// The item's place; servers that leave it out send one item after the other.
    fn index(&self, wire: &FrameWire<'_>) -> u64 {
        wire.output_index
            .and_then(Number::as_u64)
            .unwrap_or(self.items.len() as u64)
    }

    fn find(&self, index: Option<u64>, id: Option<&str>) -> Option<usize> {
        let by_index =
            index.and_then(|index| self.items.iter().rposition(|item| item.index == index));
        by_index.or_else(|| {
            let id = id.filter(|id| !id.is_empty())?;
            self.items.iter().rposition(|item| item.id == id)
        })
    }

    /// As [`Self::find`], but an item that is done is not taken for one with another id: some servers give
    /// several items one place.
    fn live(&self, index: Option<u64>, id: Option<&str>) -> Option<usize> {
        let found = self.find(index, id)?;
        let item = &self.items[found];
        match id {
            Some(id) if item.done && !id.is_empty() && !item.id.is_empty() && item.id != id => {
                self.items.iter().rposition(|item| item.id == id)
            }
            _ => Some(found),
        }
    }

    /// The item that a delta belongs to: by place, by id, else the one that is open.
    fn item_of(&self, wire: &FrameWire<'_>) -> Option<usize> {
        let index = wire.output_index.and_then(Number::as_u64);
        let id = wire.item_id.as_ref().map(|id| id.0.as_ref());
        let found = self.live(index, id);
        if found.is_some() || index.is_some() {
            return found;
        }
        self.items.iter().rposition(|item| !item.done)
    }

    fn part_added(&mut self, wire: &FrameWire<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(raw) = wire.part else { return };
        let Ok(piece) = parse_raw::<Piece<'_>>(raw) else {
            return;
        };
        let opening = match piece.kind.as_ref().map(|kind| kind.0.as_ref()) {
            Some("output_text" | "text") => Opening::Text,
            Some("refusal") => Opening::Refusal,
            _ => return,
        };
        self.part_of(wire, &opening, sink);
    }

    fn part_done(&mut self, wire: &FrameWire<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(piece) = wire.part.and_then(|raw| parse_raw::<Piece<'_>>(raw).ok()) else {
            return;
        };
        let index = wire
            .content_index
            .and_then(Number::as_u64)
            .unwrap_or_default();
        let Some(item) = self.item_of(wire).map(|at| &mut self.items[at]) else {
            return;
        };
        // Parts of reasoning are closed with their item, which brings the state.
        if item.shape == Shape::Message
            && let Some(part) = item.parts.iter_mut().find(|part| part.index == index)
        {
            part.complete(piece, sink);
        }
    }

    /// The part that a delta belongs to, opened when it is the first that is heard of it.
    fn part_of(
        &mut self,
        wire: &FrameWire<'_>,
        opening: &Opening<'static>,
        sink: &mut dyn FnMut(Event<'_>),
    ) -> Option<&mut OpenPart> {
        let shape = if *opening == Opening::Reasoning {
            Shape::Reasoning
        } else {
            Shape::Message
        };
        let at = self.item_of(wire).unwrap_or_else(|| {
            let id = wire.item_id.clone().unwrap_or_default().0.into_owned();
            let index = self.index(wire);
            self.items.push(OpenItem {
                index,
                id,
                shape,
                parts: Vec::new(),
                phase: Vec::new(),
                done: false,
            });
            self.items.len() - 1
        });
        let item = &mut self.items[at];
        if item.done || item.shape != shape {
            return None;
        }
        let index = wire
            .content_index
            .and_then(Number::as_u64)
            .unwrap_or_default();
        let found = match shape {
            Shape::Reasoning => (!item.parts.is_empty()).then_some(0),
            _ => item.parts.iter().position(|part| part.index == index),
        };
        let found = found.unwrap_or_else(|| {
            // Parts of a message come one after the other.
            item.close_parts(sink);
            item.parts.push(OpenPart {
                phase: item.phase.clone(),
                ..OpenPart::new(self.reader.open(opening.clone(), sink), index)
            });
            item.parts.len() - 1
        });
        item.parts.get_mut(found)
    }

    fn delta(
        &mut self,
        wire: &FrameWire<'_>,
        opening: &Opening<'static>,
        sink: &mut dyn FnMut(Event<'_>),
    ) {
        let Some(text) = wire
            .delta
            .map(Raw::get)
            .filter(|raw| raw.starts_with('"') && raw.len() > 2)
        else {
            return;
        };
        let summary = wire
            .summary_index
            .and_then(Number::as_u64)
            .unwrap_or_default();
        let Some(part) = self.part_of(wire, opening, sink) else {
            return;
        };
        if *opening == Opening::Reasoning && summary != part.index {
            part.index = summary;
            if !part.text.is_empty() {
                part.push(Text::borrowed("\n\n"), sink);
            }
        }
        part.push(Text::Json(text), sink);
    }

    fn call_delta(&mut self, wire: &FrameWire<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(text) = wire.delta.map(Raw::get).filter(|raw| raw.starts_with('"')) else {
            return;
        };
        let Some(at) = self.item_of(wire) else { return };
        let item = &mut self.items[at];
        if let (Shape::Call, false, Some(part)) = (item.shape, item.done, item.parts.first_mut()) {
            part.push(Text::Json(text), sink);
        }
    }

    /// Servers that send no deltas say everything here.
    fn call_done(
        &mut self,
        whole: Option<Raw<'_>>,
        wire: &FrameWire<'_>,
        sink: &mut dyn FnMut(Event<'_>),
    ) {
        sink(Event::Ping);
        let Some(at) = self.item_of(wire) else { return };
        let item = &mut self.items[at];
        if let (Some(text), Shape::Call, false, Some(part)) = (
            literal(whole),
            item.shape,
            item.done,
            item.parts.first_mut(),
        ) {
            part.reconcile(&text, sink);
        }
    }

    fn text_done(
        &mut self,
        whole: Option<Raw<'_>>,
        opening: &Opening<'static>,
        wire: &FrameWire<'_>,
        sink: &mut dyn FnMut(Event<'_>),
    ) {
        sink(Event::Ping);
        let Some(text) = literal(whole).filter(|text| !text.is_empty()) else {
            return;
        };
        if let Some(part) = self
            .part_of(wire, opening, sink)
            .filter(|part| !part.closed)
        {
            part.reconcile(&text, sink);
        }
    }

    fn annotation(&mut self, wire: &FrameWire<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(raw) = wire.annotation else { return };
        if let Some(part) = self.part_of(wire, &Opening::Text, sink) {
            part.citations += 1;
            annotation(part.part, raw.get(), sink);
        }
    }

    fn item_done(&mut self, wire: &FrameWire<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(raw) = wire.item else { return };
        let item: Item<'_> = parse_raw(raw).unwrap_or_default();
        let id = item.id.clone().unwrap_or_default().0;
        let index = wire.output_index.and_then(Number::as_u64);
        match self.live(index, Some(&id)) {
            Some(at) => self.complete(at, item, raw.get(), sink),
            None => {
                let index = self.index(wire);
                self.items.push(OpenItem {
                    index,
                    id: id.into_owned(),
                    shape: Shape::Whole,
                    parts: Vec::new(),
                    phase: Vec::new(),
                    done: true,
                });
                self.reader.item(item, raw.get(), sink);
            }
        }
    }

    /// Adds what the deltas left out and closes the item's parts.
    fn complete(&mut self, at: usize, item: Item<'_>, raw: &str, sink: &mut dyn FnMut(Event<'_>)) {
        let open = &mut self.items[at];
        if std::mem::replace(&mut open.done, true) {
            return;
        }
        match open.shape {
            Shape::Whole => self.reader.item(item, raw, sink),
            Shape::Call => {
                let text = call_text(&item);
                for part in &mut open.parts {
                    part.reconcile(&text, sink);
                }
                open.close_parts(sink);
            }
            Shape::Reasoning => {
                let opaque = self.reader.state(&item, raw);
                let text = reasoning_text(item);
                if let Some(part) = open.parts.first_mut() {
                    part.reconcile(&text, sink);
                    part.closed = true;
                    sink(Event::Close {
                        part: part.part,
                        opaque,
                    });
                }
            }
            Shape::Message => {
                let phase = self.reader.phase(&item);
                let pieces = match item.content {
                    Some(Content::Pieces(pieces)) => pieces,
                    _ => Vec::new(),
                };
                for (index, (piece, _)) in pieces.into_iter().enumerate() {
                    match open
                        .parts
                        .iter_mut()
                        .find(|part| part.index == index as u64)
                    {
                        Some(part) => part.complete(piece, sink),
                        None => {
                            open.close_parts(sink);
                            self.reader.piece(piece, phase.clone(), sink);
                        }
                    }
                }
                open.close_parts(sink);
            }
        }
    }

    fn terminal(
        &mut self,
        status: &'static str,
        wire: &FrameWire<'_>,
        sink: &mut dyn FnMut(Event<'_>),
    ) {
        self.start(wire, &mut |event| {
            if matches!(event, Event::Start { .. }) {
                sink(event);
            }
        });
        let mut answered: Answered<'_> = wire
            .response
            .and_then(|raw| parse_raw(raw).ok())
            .unwrap_or_default();
        answered.status.get_or_insert(Str(status.into()));
        for (index, raw) in answered.output.iter().flatten().enumerate() {
            let item: Item<'_> = parse_raw(*raw).unwrap_or_default();
            let id = item.id.clone().unwrap_or_default().0;
            match self.find(Some(index as u64), Some(&id)) {
                Some(at) => self.complete(at, item, raw.get(), sink),
                None => self.reader.item(item, raw.get(), sink),
            }
        }
        for item in &mut self.items {
            item.close_parts(sink);
        }
        self.ended = true;
        self.news = answered.usage.is_some();
        self.reader.finish(&answered, sink);
    }
}

impl OpenItem {
    fn close_parts(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        for part in self.parts.iter_mut().filter(|part| !part.closed) {
            part.closed = true;
            sink(Event::Close {
                part: part.part,
                opaque: std::mem::take(&mut part.phase),
            });
        }
    }
}

impl OpenPart {
    const fn new(part: u32, index: u64) -> Self {
        Self {
            part,
            index,
            text: String::new(),
            citations: 0,
            phase: Vec::new(),
            closed: false,
        }
    }

    fn push(&mut self, text: Text<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        if text.is_empty() || self.closed {
            return;
        }
        self.text.push_str(&text.as_str());
        sink(Event::Delta {
            part: self.part,
            text,
        });
    }

    /// Gives the end of the final text that no delta brought. A final text that differs is not believed:
    /// what has been sent cannot be taken back.
    fn reconcile(&mut self, whole: &Text<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let whole = whole.as_str();
        if let Some(rest) = whole
            .strip_prefix(self.text.as_str())
            .filter(|rest| !rest.is_empty())
        {
            let rest = Text::from(rest.to_owned());
            self.push(rest, sink);
        }
    }

    fn complete(&mut self, piece: Piece<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        if self.closed {
            return;
        }
        let whole = piece.refusal.or(piece.text).unwrap_or_default();
        self.reconcile(&whole, sink);
        for raw in piece
            .annotations
            .unwrap_or_default()
            .into_iter()
            .skip(self.citations)
        {
            annotation(self.part, raw.get(), sink);
        }
        self.closed = true;
        sink(Event::Close {
            part: self.part,
            opaque: std::mem::take(&mut self.phase),
        });
    }
}
