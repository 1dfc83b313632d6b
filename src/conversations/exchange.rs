//! One request and its answer, as they went through the hub, as messages.

use bytes::Bytes;
use translator::ident::Ids;
use translator::ir::{Event, Kind, Opening, OutPart, Part, Role, Source, Turn};
use translator::sequence::{Order, Sequencer};
use translator::translate::{Origin, no_recall};
use translator::{Dialect, fold, json, sse};

use super::state::kept;
use super::{
    ArchivedMessage, ImagePart, MessageUsage, ReasoningPart, ResultPart, Speaker, SpokenPart,
    TextPart, ToolCallPart, ToolResultPart,
};
use crate::ledger::masked;

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// As in the request log.
    pub request_id: String,
    /// The client key; empty on an open hub.
    pub scope: String,
    /// Whose key it is.
    pub owner: Option<String>,
    /// The dialect of the request's body.
    pub asked_in: Dialect,
    /// The dialect of the answer.
    pub answered_in: Dialect,
    /// The request, with everything that it refers to.
    pub request: Bytes,
    /// The answer, complete or as a stream.
    pub answer: Vec<u8>,
    /// The model that was asked for.
    pub model_asked: String,
    /// Who answered.
    pub provider: String,
    /// The model that answered.
    pub model: String,
    /// What it took.
    pub usage: Option<MessageUsage>,
}

/// What was said.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// Instructions in front.
    pub system: Option<String>,
    /// Everything up to the answer.
    pub before: Vec<ArchivedMessage>,
    /// The answer.
    pub answer: ArchivedMessage,
}

impl Exchange {
    /// What was said; nothing when either side cannot be read.
    #[must_use]
    pub fn spoken(&self) -> Option<Spoken> {
        let request = self.asked_in.decode_request(&self.request, &no_recall);
        let request = request.ok()?;
        let system: Vec<String> = request
            .instructions
            .iter()
            .map(|instruction| masked(&instruction.text.as_str()))
            .collect();
        let content: Vec<SpokenPart> = self.answered()?.iter().filter_map(said).collect();
        if content.is_empty() {
            return None;
        }
        Some(Spoken {
            system: (!system.is_empty()).then(|| system.join("\n\n")),
            before: request.turns.iter().flat_map(messages).collect(),
            answer: ArchivedMessage {
                model: Some(self.model.clone()),
                provider: Some(self.provider.clone()),
                dialect: Some(self.answered_in.as_str().to_owned()),
                request_id: Some(self.request_id.clone()),
                usage: self.usage,
                ..plain(Speaker::Assistant, content)
            },
        })
    }

    /// The parts of the answer's first alternative.
    fn answered(&self) -> Option<Vec<OutPart>> {
        let origin = Origin {
            provider: &self.provider,
            model: &self.model,
        };
        let mut fold = fold::Fold::default();
        let mut failed = false;
        let mut sequencer = Sequencer::new(Order::OneAtATime, Ids::new(0), 0);
        let mut take = |event: Event<'_>| {
            failed |= matches!(event, Event::Fail(_));
            sequencer.event(event, &mut |event| fold.event(event));
        };
        let text = std::str::from_utf8(&self.answer).unwrap_or("");
        let is_list = text.trim_start().starts_with('[');
        if is_list || sse::is_stream(&self.answer) {
            let mut decoder = self.answered_in.stream_decoder(&origin);
            let mut frames = sse::Decoder::default();
            if is_list {
                for piece in json::elements(text.trim()) {
                    let line = format!("data: {}\n\n", json::compact(piece));
                    let fed = frames.feed(line.as_bytes(), |frame| decoder.frame(frame, &mut take));
                    fed.ok()?;
                }
            } else {
                let fed = frames.feed(&self.answer, |frame| decoder.frame(frame, &mut take));
                fed.ok()?;
            }
            let ended = frames.end(|frame| decoder.frame(frame, &mut take));
            ended.ok()?;
            decoder.end(&mut take);
        } else {
            self.answered_in
                .decode_response(&self.answer, origin, &mut take);
        }
        sequencer.end(&mut |event| fold.event(event));
        let parts = fold.finish().parts;
        let first = parts.into_iter().filter(|part| part.choice == 0).collect();
        (!failed).then_some(first)
    }
}

const fn plain(role: Speaker, content: Vec<SpokenPart>) -> ArchivedMessage {
    ArchivedMessage {
        role,
        content,
        model: None,
        provider: None,
        dialect: None,
        request_id: None,
        usage: None,
        created_at: None,
    }
}

/// The messages of a turn: results of tools stand by themselves.
fn messages(turn: &Turn<'_>) -> Vec<ArchivedMessage> {
    let mut messages: Vec<ArchivedMessage> = Vec::new();
    for part in &turn.parts {
        let role = match (&part.kind, turn.role) {
            (Kind::ToolResult(_), _) => Speaker::Tool,
            (_, Role::User) => Speaker::User,
            (_, Role::Assistant) => Speaker::Assistant,
            (_, Role::System) => Speaker::System,
        };
        let Some(part) = told(part) else { continue };
        match messages.last_mut().filter(|last| last.role == role) {
            Some(last) => last.content.push(part),
            None => messages.push(plain(role, vec![part])),
        }
    }
    messages
}

fn words(text: &str) -> SpokenPart {
    SpokenPart::text(masked(text))
}

/// A part of a request as it is kept.
fn told(part: &Part<'_>) -> Option<SpokenPart> {
    let state = || kept(&part.opaque);
    Some(match &part.kind {
        Kind::Text { text, .. } => SpokenPart::Text(TextPart {
            text: masked(&text.as_str()),
            state: state(),
        }),
        Kind::Refusal(text) => words(&text.as_str()),
        Kind::Reasoning { text } => SpokenPart::Reasoning(ReasoningPart {
            text: masked(&text.as_str()),
            state: state(),
        }),
        Kind::ToolCall(call) => SpokenPart::ToolCall(ToolCallPart {
            id: call.id.clone().into_owned(),
            name: call.name.clone().into_owned(),
            arguments: masked(&call.args.to_text().as_str()),
            state: state(),
        }),
        Kind::ToolResult(result) => SpokenPart::ToolResult(ToolResultPart {
            call_id: result.id.clone().into_owned(),
            name: result.name.clone().map(std::borrow::Cow::into_owned),
            content: result.content.iter().filter_map(given).collect(),
            is_error: result.is_error,
        }),
        Kind::Image { source, .. } => picture(source),
        Kind::Document { title, .. } => {
            let title = title.as_ref().map(|title| title.as_str().into_owned());
            words(&format!(
                "[document left out: {}]",
                title.unwrap_or_default()
            ))
        }
        Kind::Audio { .. } => words("[sound left out]"),
        Kind::Video { .. } => words("[video left out]"),
        Kind::ServerTool { summary, .. } if summary.is_blank() => return None,
        Kind::ServerTool { summary, .. } => words(&summary.as_str()),
        Kind::Other { text, .. } => words(&text.as_ref()?.as_str()),
    })
}

/// A picture by its address; its bytes are left out, as they are of captures.
fn picture(source: &Source<'_>) -> SpokenPart {
    match source {
        Source::Url { url, mime } => SpokenPart::Image(ImagePart {
            media_type: mime.as_deref().map(str::to_owned),
            data: None,
            url: Some(url.as_str().into_owned()),
        }),
        Source::Base64 { mime, .. } => words(&format!("[{mime} left out]")),
        _ => words("[picture left out]"),
    }
}

fn given(part: &Part<'_>) -> Option<ResultPart> {
    Some(match told(part)? {
        SpokenPart::Text(part) => ResultPart::Text(part),
        SpokenPart::Image(part) => ResultPart::Image(part),
        other => ResultPart::Text(TextPart {
            text: other.words().collect::<Vec<_>>().join("\n"),
            state: Vec::new(),
        }),
    })
}

/// A part of an answer as it is kept.
fn said(part: &OutPart) -> Option<SpokenPart> {
    let state = kept(&part.opaque);
    let text = masked(&part.text);
    Some(match &part.kind {
        Opening::Text if text.is_empty() && state.is_empty() => return None,
        Opening::Text => SpokenPart::Text(TextPart { text, state }),
        Opening::Refusal => words(&text),
        Opening::Reasoning => SpokenPart::Reasoning(ReasoningPart { text, state }),
        Opening::ToolCall { id, name, .. } => SpokenPart::ToolCall(ToolCallPart {
            id: id.clone().into_owned(),
            name: name.clone().into_owned(),
            arguments: text,
            state,
        }),
        _ => words("[left out]"),
    })
}
