//! Output items, written whole. Used by the complete answer and by the stream alike, so that both say the
//! same; knows nothing of events.

use super::vendor::{self, Vendor};
use crate::answer::Answer;
use crate::ir::{Citation, Opaque, OpaqueKind};
use crate::json::{self, Writer};
use crate::{Dialect, Text, envelope};

/// Whether an item is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete,
}

impl Status {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}

/// What a part of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    Text,
    Refusal,
}

/// Writes a part of a message. `annotations` and `logprobs` are list elements.
pub(super) fn content_part(
    w: &mut Writer<'_>,
    words: Words,
    text: &Text<'_>,
    annotations: &str,
    logprobs: &str,
) {
    match words {
        Words::Text => {
            w.str("type", "output_text");
            w.raw("annotations", &format!("[{annotations}]"));
            w.raw("logprobs", &format!("[{logprobs}]"));
            w.text("text", text);
        }
        Words::Refusal => {
            w.str("type", "refusal");
            w.text("refusal", text);
        }
    }
}

/// Writes a message whose parts are already written, as list elements.
pub(super) fn message(
    w: &mut Writer<'_>,
    id: &str,
    status: Status,
    phase: Option<&str>,
    parts: &str,
) {
    w.str("id", id);
    w.str("type", "message");
    w.str("status", status.as_str());
    w.str("role", "assistant");
    if let Some(phase) = phase {
        w.str("phase", phase);
    }
    w.key("content");
    let out = w.buffer();
    out.push(b'[');
    out.extend_from_slice(parts.as_bytes());
    out.push(b']');
}

/// Writes a reasoning item.
pub(super) fn reasoning(w: &mut Writer<'_>, id: &str, text: &Text<'_>, encrypted: Option<&str>) {
    w.str("id", id);
    w.str("type", "reasoning");
    w.array_in("summary", |w| {
        if !text.is_empty() {
            w.object(|w| summary(w, text));
        }
    });
    if let Some(encrypted) = encrypted {
        w.str("encrypted_content", encrypted);
    }
}

/// Writes a summary part.
pub(super) fn summary(w: &mut Writer<'_>, text: &Text<'_>) {
    w.str("type", "summary_text");
    w.text("text", text);
}

/// What came with the words of a message: their phase, and state that stands in a reasoning item behind them.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) phase: Option<String>,
    pub(super) states: Vec<Opaque<'static>>,
}

impl Beside {
    /// Takes the state of one part of the message.
    pub(super) fn take(&mut self, states: &[Opaque<'_>]) {
        for state in states {
            if state.kind == OpaqueKind::Phase {
                self.phase = Some(state.state.clone().into_owned());
            } else {
                self.states.push(state.clone().into_owned());
            }
        }
    }
}

/// The opaque content of a reasoning item: the service's own as it came, anything else in an envelope.
pub(super) fn encrypted(states: &[Opaque<'_>]) -> Option<String> {
    match states {
        [] => None,
        [state]
            if state.origin == Dialect::OpenAiResponses && state.kind == OpaqueKind::Reasoning =>
        {
            let native =
                json::member(&state.state, "encrypted_content").filter(|raw| raw.starts_with('"'));
            native.map(|raw| Text::Json(raw).as_str().into_owned())
        }
        states => Some(envelope::seal(states)),
    }
}

/// A call of a tool.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) call_id: String,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) freeform: bool,
    /// The call has an item type of its own.
    pub(super) vendor: Option<Vendor>,
}

impl Call {
    /// A call, in the form that the client's own tools ask for.
    pub(super) fn new(
        call_id: &str,
        name: &str,
        namespace: Option<&str>,
        freeform: bool,
        answer: &Answer,
    ) -> Self {
        Self {
            call_id: call_id.to_owned(),
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            freeform,
            vendor: vendor::by_tag(name)
                .filter(|vendor| !freeform && namespace.is_none() && declared(answer, vendor)),
        }
    }

    /// What its item ids begin with.
    pub(super) const fn prefix(&self) -> &'static str {
        match (self.vendor, self.freeform) {
            (Some(vendor), _) => vendor.prefix,
            (None, true) => "ctc_",
            (None, false) => "fc_",
        }
    }

    /// Arguments that are no JSON were cut: nobody may run such a call.
    pub(super) fn status(&self, args: &Text<'_>) -> Status {
        let is_whole =
            self.freeform || serde_json::from_str::<serde::de::IgnoredAny>(&args.as_str()).is_ok();
        if is_whole {
            Status::Completed
        } else {
            Status::Incomplete
        }
    }

    /// Writes the item. `args` is JSON text or free text.
    pub(super) fn write(&self, w: &mut Writer<'_>, id: &str, status: Status, args: &Text<'_>) {
        w.str("id", id);
        if let Some(vendor) = self.vendor {
            w.str("type", vendor.call);
            w.str("status", status.as_str());
            w.str("call_id", &self.call_id);
            w.raw(vendor.member, &object(args));
            match vendor.tag {
                "tool_search" => w.str("execution", "client"),
                "shell" => w.null("environment"),
                _ => {}
            }
            return;
        }
        w.str(
            "type",
            if self.freeform {
                "custom_tool_call"
            } else {
                "function_call"
            },
        );
        if !self.freeform {
            // The type of custom calls has no such member.
            w.str("status", status.as_str());
        }
        w.text(if self.freeform { "input" } else { "arguments" }, args);
        w.str("call_id", &self.call_id);
        w.str("name", &self.name);
        if let Some(namespace) = &self.namespace {
            w.str("namespace", namespace);
        }
    }
}

fn object(args: &Text<'_>) -> String {
    let text = args.as_str();
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    if is_json {
        json::compact(&text).into_owned()
    } else {
        "{}".to_owned()
    }
}

/// True when the client's tools hold this one. The echo is compact, so its text can be searched.
fn declared(answer: &Answer, vendor: &Vendor) -> bool {
    let needle = format!("\"type\":\"{}\"", vendor.tag);
    memchr::memmem::find(answer.echo.as_bytes(), needle.as_bytes()).is_some()
}

/// Writes a picture that the model made. `None` for anything that is no picture.
pub(super) fn image_format(mime: &str) -> Option<&str> {
    let format = mime.strip_prefix("image/")?;
    Some(match format {
        "jpeg" | "jpg" => "jpeg",
        "svg+xml" => "svg",
        "webp" | "gif" => format,
        _ => "png",
    })
}

/// Writes a picture item.
pub(super) fn image(w: &mut Writer<'_>, id: &str, format: &str, data: Option<&Text<'_>>) {
    w.str("id", id);
    w.str("type", "image_generation_call");
    w.str(
        "status",
        if data.is_some() {
            "completed"
        } else {
            "in_progress"
        },
    );
    match data {
        Some(data) => w.text("result", data),
        None => w.null("result"),
    }
    w.str("output_format", format);
}

/// A citation as this dialect writes it; `None` when it cites nothing that this dialect can name.
pub(super) fn annotation(citation: &Citation<'_>, length: impl FnOnce() -> u64) -> Option<String> {
    const NATIVE: [&str; 3] = [
        "\"file_citation\"",
        "\"container_file_citation\"",
        "\"file_path\"",
    ];
    // Chat has the same word for another shape.
    let native = match json::member(&citation.raw, "type") {
        Some("\"url_citation\"") => json::member(&citation.raw, "url").is_some(),
        tag => tag.is_some_and(|tag| NATIVE.contains(&tag)),
    };
    if native {
        return Some(json::compact(&citation.raw).into_owned());
    }
    let url = citation.url.as_deref()?;
    let (start, end) = citation.span.unwrap_or_else(|| (0, length()));
    let mut out = Vec::with_capacity(128);
    Writer::new(&mut out).object(|w| {
        w.str("type", "url_citation");
        w.str("url", url);
        w.str("title", citation.title.as_deref().unwrap_or(url));
        w.uint("start_index", start);
        w.uint("end_index", end);
    });
    Some(crate::ir::into_string(out))
}
