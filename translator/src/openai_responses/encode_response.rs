//! A complete answer for a client, and the response object that stands in stream events.

use std::ops::Range;

use super::encode_items::{self as items, Call, Status, Words};
use super::{error, server_items};
use crate::Text;
use crate::answer::Answer;
use crate::error::{Failure, FailureKind};
use crate::ir::{Finish, Opening, OutPart, Response, Usage};
use crate::json::Writer;

/// How an answer stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stand<'s> {
    InProgress,
    Completed,
    /// Cut short, with the reason on the wire.
    Incomplete(&'static str),
    Failed(&'s Failure),
}

impl Stand<'_> {
    /// What a finish reason means here. Reasons that would make an agent believe in a normal end do not.
    pub(super) const fn of(finish: Option<&Finish<'_>>) -> Self {
        match finish {
            Some(Finish::Length | Finish::ContextWindow | Finish::Pause | Finish::Continuation)
            | None => Self::Incomplete("max_output_tokens"),
            Some(Finish::ContentFilter { .. } | Finish::Recitation | Finish::Language) => {
                Self::Incomplete("content_filter")
            }
            Some(_) => Self::Completed,
        }
    }

    pub(super) const fn status(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(_) => "failed",
        }
    }
}

/// Writes the response object; gives the place of its usage object. `output` holds the items, as list elements.
pub(super) fn response(
    w: &mut Writer<'_>,
    answer: &Answer,
    id: &str,
    stand: Stand<'_>,
    output: &[u8],
    usage: Option<&Usage>,
) -> Option<Range<usize>> {
    w.str("id", id);
    w.str("object", "response");
    w.uint("created_at", answer.created);
    w.str("status", stand.status());
    match stand {
        Stand::Failed(failure) => w.object_in("error", |w| {
            w.str("code", error::closed_code(failure));
            w.str("message", &error::message(failure));
        }),
        _ => w.null("error"),
    }
    match stand {
        Stand::Incomplete(reason) => w.object_in("incomplete_details", |w| w.str("reason", reason)),
        _ => w.null("incomplete_details"),
    }
    w.str("model", &answer.model);
    w.key("output");
    let out = w.buffer();
    out.push(b'[');
    out.extend_from_slice(output);
    out.push(b']');
    let told = usage.map(|usage| w.object_at("usage", |w| self::usage(w, usage)));
    if told.is_none() {
        w.null("usage");
    }
    w.members_raw(if answer.echo.is_empty() {
        BARE_ECHO
    } else {
        &answer.echo
    });
    told
}

/// The members that must not be missing, for an answer without a request of this dialect.
const BARE_ECHO: &str = concat!(
    r#""instructions":null,"metadata":{},"parallel_tool_calls":true,"temperature":1,"#,
    r#""tool_choice":"auto","tools":[],"top_p":1"#
);

pub(super) fn usage(w: &mut Writer<'_>, usage: &Usage) {
    w.uint("input_tokens", usage.input_total());
    w.object_in("input_tokens_details", |w| {
        w.uint("cached_tokens", usage.cache_read);
        w.uint("cache_write_tokens", usage.cache_write_total());
    });
    w.uint("output_tokens", usage.output_total());
    w.object_in("output_tokens_details", |w| {
        w.uint("reasoning_tokens", usage.reasoning);
    });
    w.uint(
        "total_tokens",
        usage.input_total().saturating_add(usage.output_total()),
    );
}

/// Writes a complete answer; gives the place of its usage object. Of several alternatives the first is written: this
/// dialect has no more.
pub(crate) fn encode_response(
    complete: &Response,
    answer: &mut Answer,
    out: &mut Vec<u8>,
) -> Option<Range<usize>> {
    let id = answer.ids.next("resp_");
    let mut output = Output {
        logprobs: complete.logprobs(0).unwrap_or_default().to_owned(),
        ..Output::default()
    };
    for part in complete.choice(0) {
        output.part(part, answer);
    }
    let finish = complete.finish.first().and_then(Option::as_ref);
    let status = match Stand::of(finish) {
        Stand::Incomplete(_) => Status::Incomplete,
        _ => Status::Completed,
    };
    output.end_message(status, answer);
    let failure = finish.and_then(unusable);
    let stand = failure
        .as_ref()
        .map_or_else(|| Stand::of(finish), Stand::Failed);
    let mut told = None;
    Writer::new(out).object(|w| {
        told = response(
            w,
            answer,
            &id,
            stand,
            &output.items,
            complete.usage.as_ref(),
        );
    });
    told
}

/// An unusable call is a failure: a normal end would make an agent stop in the middle of its task.
pub(super) fn unusable(finish: &Finish<'_>) -> Option<Failure> {
    match finish {
        Finish::BadToolCall(reason) => Some(Failure::new(
            FailureKind::Upstream,
            format!("the model produced an unusable tool call ({reason})"),
        )),
        _ => None,
    }
}

/// The items so far, and the parts of a message that is still open.
#[derive(Debug, Default)]
struct Output {
    items: Vec<u8>,
    parts: Vec<u8>,
    beside: items::Beside,
    /// How likely the tokens of the first words were, as list elements.
    logprobs: String,
}

impl Output {
    fn item(&mut self, fill: impl FnOnce(&mut Writer<'_>)) {
        if !self.items.is_empty() {
            self.items.push(b',');
        }
        Writer::new(&mut self.items).object(fill);
    }

    fn end_message(&mut self, status: Status, answer: &mut Answer) {
        if self.parts.is_empty() {
            return;
        }
        let parts = crate::ir::into_string(std::mem::take(&mut self.parts));
        let items::Beside { phase, states } = std::mem::take(&mut self.beside);
        let id = answer.ids.next("msg_");
        self.item(|w| items::message(w, &id, status, phase.as_deref(), &parts));
        if let Some(encrypted) = items::encrypted(&states) {
            let id = answer.ids.next("rs_");
            self.item(|w| items::reasoning(w, &id, &Text::default(), Some(&encrypted)));
        }
    }

    fn part(&mut self, part: &OutPart, answer: &mut Answer) {
        let text = Text::borrowed(&part.text);
        match &part.kind {
            Opening::Text => self.words(Words::Text, part),
            Opening::Refusal => self.words(Words::Refusal, part),
            Opening::Reasoning => {
                let encrypted = items::encrypted(&part.opaque);
                if part.text.is_empty() && encrypted.is_none() {
                    return;
                }
                self.end_message(Status::Completed, answer);
                let id = answer.ids.next("rs_");
                self.item(|w| items::reasoning(w, &id, &text, encrypted.as_deref()));
            }
            Opening::ToolCall {
                id,
                name,
                namespace,
                freeform,
            } => {
                self.end_message(Status::Completed, answer);
                if let Some(encrypted) = items::encrypted(&part.opaque) {
                    let id = answer.ids.next("rs_");
                    self.item(|w| items::reasoning(w, &id, &Text::default(), Some(&encrypted)));
                }
                let call = Call::new(id, name, namespace.as_deref(), *freeform, answer);
                let args = if part.text.is_empty() && !freeform {
                    Text::borrowed("{}")
                } else {
                    text
                };
                let id = answer.ids.next(call.prefix());
                let status = call.status(&args);
                self.item(|w| call.write(w, &id, status, &args));
            }
            Opening::Media { mime } => {
                let Some(format) = items::image_format(mime) else {
                    return;
                };
                self.end_message(Status::Completed, answer);
                let id = answer.ids.next("ig_");
                self.item(|w| items::image(w, &id, format, Some(&text)));
            }
            Opening::ServerTool { raw, .. } => {
                let Some(item) = server_items::item(raw, |prefix| answer.ids.next(prefix)) else {
                    return;
                };
                self.end_message(Status::Completed, answer);
                if !self.items.is_empty() {
                    self.items.push(b',');
                }
                self.items.extend_from_slice(item.as_bytes());
            }
        }
    }

    fn words(&mut self, words: Words, part: &OutPart) {
        self.beside.take(&part.opaque);
        let length = || part.text.chars().count() as u64;
        let annotations: Vec<String> = part
            .citations
            .iter()
            .filter_map(|citation| items::annotation(citation, length))
            .collect();
        if !self.parts.is_empty() {
            self.parts.push(b',');
        }
        let logprobs = match words {
            Words::Text => std::mem::take(&mut self.logprobs),
            Words::Refusal => String::new(),
        };
        Writer::new(&mut self.parts).object(|w| {
            items::content_part(
                w,
                words,
                &Text::borrowed(&part.text),
                &annotations.join(","),
                &logprobs,
            );
        });
    }
}
