//! An upstream's stream becomes events.
//!
//! Tolerates what compatible servers do: missing indices and roles, usage anywhere and on any chunk, arguments as
//! objects, repeated names and finishes, no `[DONE]`, errors inside a chunk. Ordering is the sequencer's business.

use std::borrow::Cow;

use super::decode_calls::Call;
use super::decode_endings::{finish_reason, joined_details};
use super::decode_parts::{source, thinking};
use super::error::{decode_error, decode_inline};
use super::usage;
use super::wire::{Content, WireCall, WireDetail, WirePart};
use super::wire_response::{
    WireAlternative, WireAnnotation, WireAnswer, WireDelta, WireImage, WireUrlCitation, WireUsage,
};
use crate::error::{Failure, FailureKind};
use crate::ir::{Citation, Event, Finish, Opaque, OpaqueKind, Opening, Source, Usage};
use crate::json;
use crate::sse::Frame;
use crate::translate::Origin;
use crate::wire::{self, Number, Raw, Str, parse_raw, parse_text};
use crate::{Dialect, Text};

/// More alternatives than any server gives.
const CHOICES_MAX: u64 = 128;

/// Takes events.
pub(super) type Sink<'s> = &'s mut dyn FnMut(Event<'_>);

/// Reads a stream.
#[derive(Debug)]
pub struct StreamDecoder {
    provider: String,
    model: String,
    started: bool,
    over: bool,
    parts: u32,
    pub(super) choices: Vec<Choice>,
    usage: Option<Usage>,
    /// The latest event held counts.
    news: bool,
}

/// One alternative.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// The text-like part that is open.
    open: Option<(Words, u32)>,
    pub(super) calls: Vec<Call>,
    /// Elements of `reasoning_details`, to go back to the server unchanged.
    details: Vec<String>,
    /// A refusal in words has been seen.
    refused: bool,
    lead: Lead,
    finish: Option<Finish<'static>>,
}

/// How the visible text begins.
#[derive(Debug, Default)]
enum Lead {
    /// No reasoning has come, or text has come: text passes.
    #[default]
    Passed,
    /// Reasoning has come. Servers with a reasoning parser may leave its end tag in front of the text; what may
    /// be that tag is held back.
    Held(String),
}

/// The end tag of reasoning that a server's parser may leave behind.
const THINK_END: &str = "</think>";

/// The kinds of text-like parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    Text,
    Reasoning,
    Refusal,
}

impl StreamDecoder {
    pub(crate) fn new(origin: &Origin<'_>) -> Self {
        Self {
            provider: origin.provider.to_owned(),
            model: origin.model.to_owned(),
            started: false,
            over: false,
            parts: 0,
            choices: Vec::new(),
            usage: None,
            news: false,
        }
    }

    /// Whether there were counts since the last question.
    pub(crate) const fn take_news(&mut self) -> bool {
        std::mem::replace(&mut self.news, false)
    }

    pub(crate) fn frame(&mut self, frame: Frame<'_>, sink: Sink<'_>) {
        if self.over {
            return;
        }
        let data = frame.data.trim();
        if data == "[DONE]" {
            return self.done(sink);
        }
        if !data.starts_with('{') {
            // Empty frames and other signs of life.
            return sink(Event::Ping);
        }
        match wire::parse::<WireAnswer<'_>>(data.as_bytes()) {
            Ok(answer) if frame.event == "error" && answer.choices.is_none() => {
                self.fail(decode_error(0, data.as_bytes()), sink);
            }
            Ok(answer) => self.answer(answer, sink),
            Err(_) if frame.event == "error" => self.fail(decode_error(0, data.as_bytes()), sink),
            Err(error) => {
                let message = format!("a chunk of the upstream's stream cannot be read: {error}");
                self.fail(Failure::new(FailureKind::Upstream, message), sink);
            }
        }
    }

    pub(crate) fn end(&mut self, sink: Sink<'_>) {
        if self.over {
            return;
        }
        // Some servers never say [DONE]; a finish reason on every alternative is as good.
        let complete =
            !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finish.is_some());
        if complete {
            return self.finish(sink);
        }
        let message = "the upstream's stream ended before the answer was complete";
        self.fail(Failure::new(FailureKind::Upstream, message), sink);
    }

    fn done(&mut self, sink: Sink<'_>) {
        if self.choices.is_empty() {
            let message = "the upstream's stream held no answer";
            return self.fail(Failure::new(FailureKind::Upstream, message), sink);
        }
        self.finish(sink);
    }

    fn fail(&mut self, failure: Failure, sink: Sink<'_>) {
        self.over = true;
        sink(Event::Fail(failure));
    }

    /// Takes a chunk, or a whole completion.
    pub(super) fn answer(&mut self, answer: WireAnswer<'_>, sink: Sink<'_>) {
        if self.over {
            return;
        }
        let groq = answer.x_groq.as_ref();
        if let Some(error) = answer.error.or(groq.and_then(|groq| groq.error)) {
            return self.fail(decode_inline(error.get()), sink);
        }
        if answer
            .object
            .as_ref()
            .is_some_and(|object| object.as_str() == "error")
        {
            let word = |name: &str| {
                answer
                    .extra
                    .iter()
                    .find(|(key, _)| key == name)
                    .map(|(_, raw)| raw.get())
            };
            let message = word("message").unwrap_or("\"the upstream failed\"");
            let code = word("code").unwrap_or("null");
            return self.fail(
                decode_inline(&format!("{{\"message\":{message},\"code\":{code}}}")),
                sink,
            );
        }
        if !self.started {
            self.started = true;
            sink(Event::Start {
                id: answer.id.map(|id| id.0).unwrap_or_default(),
                model: answer.model.map(|model| model.0).unwrap_or_default(),
            });
        }
        for alternative in answer.choices.into_iter().flatten() {
            self.alternative(alternative, sink);
            if self.over {
                return;
            }
        }
        if let Some(wire) = answer.usage.or(answer.x_groq.and_then(|groq| groq.usage)) {
            self.count(&wire.value, sink);
        }
    }

    fn count(&mut self, wire: &WireUsage<'_>, sink: Sink<'_>) {
        if let Some(usage) = usage::decode(wire)
            && self.usage != Some(usage)
        {
            self.usage = Some(usage);
            self.news = true;
            sink(Event::Usage(usage));
        }
    }

    fn alternative(&mut self, wire: WireAlternative<'_>, sink: Sink<'_>) {
        if let Some(error) = wire.error {
            return self.fail(decode_inline(error.get()), sink);
        }
        let index = wire.index.and_then(Number::as_u64).unwrap_or(0);
        if index >= CHOICES_MAX {
            let message = format!("the upstream gave an alternative number {index}");
            return self.fail(Failure::new(FailureKind::Upstream, message), sink);
        }
        let at = usize::try_from(index).unwrap_or(0);
        if self.choices.len() <= at {
            self.choices.resize_with(at + 1, Choice::default);
        }
        let tokens = wire
            .logprobs
            .and_then(|raw| json::member(raw.get(), "content"));
        if let Some(event) = tokens.and_then(|list| Event::logprobs(self::index(at), list)) {
            sink(event);
        }
        if let Some(delta) = wire.delta {
            self.delta(at, delta, sink);
        }
        let choice = &mut self.choices[at];
        if choice.finish.is_none() {
            choice.finish = wire
                .finish_reason
                .and_then(|raw| finish_reason(raw, wire.stop_reason, choice.refused));
        }
        if let Some(wire) = wire.usage {
            self.count(&wire.value, sink);
        }
    }

    fn delta(&mut self, at: usize, delta: WireDelta<'_>, sink: Sink<'_>) {
        self.reasoning(at, &delta, sink);
        match delta.content {
            Some(Content::Text(text)) => self.words(at, Words::Text, text, sink),
            Some(Content::Parts(parts)) => {
                parts.into_iter().for_each(|part| self.part(at, part, sink));
            }
            None => {}
        }
        if let Some(raw) = delta.annotations {
            self.annotations(at, raw, sink);
        }
        if let Some(text) = delta.refusal {
            self.words(at, Words::Refusal, text, sink);
        }
        if let Some(raw) = delta.audio
            && let Some(transcript) =
                json::member(raw.get(), "transcript").filter(|raw| raw.starts_with('"'))
        {
            self.words(at, Words::Text, Text::Json(transcript), sink);
        }
        if let Some(raw) = delta.images {
            self.images(at, raw, sink);
        }
        for call in delta.tool_calls.into_iter().flatten() {
            self.call(at, call, sink);
        }
        if let Some(invocation) = delta.function_call {
            // The deprecated form: one call without index and id.
            let call = WireCall {
                index: Some(Number(0.0)),
                function: Some(invocation),
                ..WireCall::default()
            };
            self.call(at, call, sink);
        }
    }

    fn reasoning(&mut self, at: usize, delta: &WireDelta<'_>, sink: Sink<'_>) {
        let spoken = [delta.reasoning_content, delta.reasoning]
            .into_iter()
            .flatten()
            .find(|raw| raw.get().starts_with('"') && raw.get().len() > 2);
        if let Some(raw) = spoken {
            self.words(at, Words::Reasoning, Text::Json(raw.get()), sink);
        }
        if let Some(details) = delta.reasoning_details {
            for element in json::elements(details.get()) {
                self.detail(at, element, spoken.is_some(), sink);
            }
        }
    }

    /// An element of `reasoning_details` is shown when nothing else was, and kept for the way back.
    fn detail(&mut self, at: usize, element: &str, spoken: bool, sink: Sink<'_>) {
        let Ok(detail) = parse_text::<WireDetail<'_>>(element) else {
            return;
        };
        let text = detail.text.or(detail.summary).unwrap_or_default();
        if !spoken && !text.is_empty() {
            self.words(at, Words::Reasoning, text, sink);
        }
        self.open(at, Words::Reasoning, sink);
        if let Some(choice) = self.choices.get_mut(at) {
            choice.details.push(element.to_owned());
        }
    }

    fn part(&mut self, at: usize, part: WirePart<'_>, sink: Sink<'_>) {
        match (
            part.kind.as_ref().map(Str::as_str),
            part.thinking,
            part.text,
            part.image_url,
        ) {
            (Some("thinking"), Some(raw), ..) => {
                self.words(at, Words::Reasoning, thinking(raw), sink);
            }
            (Some("image_url"), _, _, Some(raw)) => {
                let url = json::member(raw.get(), "url").unwrap_or(raw.get());
                self.image(at, Text::Json(url), sink);
            }
            (_, _, Some(text), _) => self.words(at, Words::Text, text, sink),
            _ => {}
        }
    }

    fn images(&mut self, at: usize, raw: Raw<'_>, sink: Sink<'_>) {
        let images: Vec<WireImage<'_>> = parse_raw(raw).unwrap_or_default();
        for url in images.into_iter().filter_map(|image| image.image_url?.url) {
            self.image(at, url, sink);
        }
    }

    fn image(&mut self, at: usize, url: Text<'_>, sink: Sink<'_>) {
        let Source::Base64 { mime, data } = source(url) else {
            return;
        };
        self.release(at, sink);
        self.close(at, sink);
        let part = self.number();
        sink(Event::Open {
            part,
            choice: index(at),
            kind: Opening::Media { mime },
            opaque: Vec::new(),
        });
        sink(Event::Delta { part, text: data });
        sink(Event::Close {
            part,
            opaque: Vec::new(),
        });
    }

    fn annotations(&mut self, at: usize, raw: Raw<'_>, sink: Sink<'_>) {
        let Some((Words::Text, part)) = self.choices[at].open else {
            return;
        };
        for element in json::elements(raw.get()) {
            let Ok(annotation) = parse_text::<WireAnnotation<'_>>(element) else {
                continue;
            };
            let Some(Ok(cited)) = annotation
                .url_citation
                .map(parse_raw::<WireUrlCitation<'_>>)
            else {
                continue;
            };
            let span = cited
                .start
                .and_then(Number::as_u64)
                .zip(cited.end.and_then(Number::as_u64));
            let citation = Citation {
                url: cited.url.map(|url| url.0),
                title: cited.title.map(|title| title.0),
                quote: cited.content.map(|content| content.0),
                span: span.filter(|(start, end)| start < end),
                raw: Cow::Borrowed(element),
            };
            sink(Event::Citation { part, citation });
        }
    }

    pub(super) const fn number(&mut self) -> u32 {
        self.parts += 1;
        self.parts - 1
    }

    fn words(&mut self, at: usize, kind: Words, text: Text<'_>, sink: Sink<'_>) {
        if text.is_empty() {
            return;
        }
        match (kind, &mut self.choices[at].lead) {
            (Words::Text, Lead::Held(held)) => {
                held.push_str(&text.as_str());
                let begun = held.trim_start();
                if let Some(rest) = begun.strip_prefix(THINK_END) {
                    *held = rest.trim_start().to_owned();
                } else if THINK_END.starts_with(begun) {
                    return;
                }
                return self.release(at, sink);
            }
            (Words::Reasoning, lead @ Lead::Passed) => *lead = Lead::Held(String::new()),
            _ => {}
        }
        let part = self.open(at, kind, sink);
        sink(Event::Delta { part, text });
    }

    /// Lets text pass that was held back.
    pub(super) fn release(&mut self, at: usize, sink: Sink<'_>) {
        if let Lead::Held(held) = std::mem::take(&mut self.choices[at].lead)
            && !held.is_empty()
        {
            let part = self.open(at, Words::Text, sink);
            sink(Event::Delta {
                part,
                text: Text::from(held),
            });
        }
    }

    /// The open part of a kind; another kind is closed first.
    fn open(&mut self, at: usize, kind: Words, sink: Sink<'_>) -> u32 {
        if let Some((open, part)) = self.choices[at].open
            && open == kind
        {
            return part;
        }
        self.close(at, sink);
        let part = self.number();
        let choice = &mut self.choices[at];
        choice.open = Some((kind, part));
        choice.refused |= kind == Words::Refusal;
        let kind = match kind {
            Words::Text => Opening::Text,
            Words::Reasoning => Opening::Reasoning,
            Words::Refusal => Opening::Refusal,
        };
        sink(Event::Open {
            part,
            choice: index(at),
            kind,
            opaque: Vec::new(),
        });
        part
    }

    pub(super) fn close(&mut self, at: usize, sink: Sink<'_>) {
        let Some((kind, part)) = self.choices[at].open.take() else {
            return;
        };
        let details = if kind == Words::Reasoning {
            std::mem::take(&mut self.choices[at].details)
        } else {
            Vec::new()
        };
        let opaque = if details.is_empty() {
            Vec::new()
        } else {
            vec![self.state(OpaqueKind::Reasoning, Cow::Owned(joined_details(&details)))]
        };
        sink(Event::Close { part, opaque });
    }

    pub(super) fn state<'s>(&self, kind: OpaqueKind, state: Cow<'s, str>) -> Opaque<'s> {
        Opaque {
            origin: Dialect::OpenAiChat,
            provider: Some(Cow::Owned(self.provider.clone())),
            model: Some(Cow::Owned(self.model.clone())),
            kind,
            state,
        }
    }

    /// The answer is complete: closes what is open and gives every finish.
    pub(super) fn finish(&mut self, sink: Sink<'_>) {
        if self.over {
            return;
        }
        self.over = true;
        for at in 0..self.choices.len() {
            self.release(at, sink);
            self.close(at, sink);
            for part in self.choices[at].calls.iter().filter_map(|call| call.part) {
                sink(Event::Close {
                    part,
                    opaque: Vec::new(),
                });
            }
        }
        for (at, choice) in self.choices.iter_mut().enumerate() {
            // A server that says no reason may have been cut off inside a call.
            let is_cut = choice.calls.iter().any(super::decode_calls::Call::is_cut);
            let unsaid = if is_cut { Finish::Length } else { Finish::Stop };
            let reason = choice.finish.take().unwrap_or(unsaid);
            sink(Event::Finish {
                choice: index(at),
                reason,
            });
        }
    }
}

/// The number of an alternative.
pub(super) fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(0)
}
