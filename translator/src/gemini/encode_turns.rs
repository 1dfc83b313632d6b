//! Contents and their parts, with signatures where they belong.

use std::borrow::Cow;

use super::encode_media;
use super::encode_tools::Tools;
use super::signatures::{self, BYPASS};
use super::turns::{Content, Item};
use crate::error::Refusal;
use crate::fidelity::Report;
use crate::ident::{self, Charset};
use crate::ir::{Args, ArgsShape, Kind, Part, Request, Source, ToolCall, ToolResult};
use crate::json::{self, Writer};
use crate::member::Member;
use crate::translate::{Outbound, Target};
use crate::{Dialect, Text};

pub(super) fn contents(
    contents: &[Content<'_, '_>],
    request: &Request<'_>,
    target: &Target<'_>,
    tools: &Tools<'_>,
    outbound: &mut Outbound,
    w: &mut Writer<'_>,
) -> Result<(), Refusal> {
    let mut scribe = Scribe {
        request,
        target,
        tools,
        report: &mut outbound.report,
        pending: None,
        called: false,
        in_result: false,
    };
    for content in contents {
        let mut written = Ok(());
        w.object(|w| {
            w.str("role", if content.model { "model" } else { "user" });
            w.array_in("parts", |w| written = scribe.content(content, w));
        });
        written?;
    }
    Ok(())
}

/// Writes parts and remembers what belongs to the next one.
pub(super) struct Scribe<'s, 'r> {
    pub(super) request: &'s Request<'r>,
    pub(super) target: &'s Target<'s>,
    tools: &'s Tools<'s>,
    pub(super) report: &'s mut Report,
    /// A signature for the next call or text.
    pending: Option<String>,
    /// The content holds a call already.
    called: bool,
    /// Inside a result, where media stand without anything beside them.
    pub(super) in_result: bool,
}

impl Scribe<'_, '_> {
    fn content(&mut self, content: &Content<'_, '_>, w: &mut Writer<'_>) -> Result<(), Refusal> {
        self.called = false;
        self.pending = None;
        let mut wrote = false;
        for item in &content.items {
            wrote |= self.item(item, w)?;
        }
        self.media_of_results(content, w)?;
        if let Some(signature) = self.pending.take() {
            bare_signature(&signature, w);
        } else if !wrote {
            // A content without parts is refused.
            w.object(|w| w.str("text", "(no content)"));
        }
        Ok(())
    }

    /// True when a part was written.
    fn item(&mut self, item: &Item<'_, '_>, w: &mut Writer<'_>) -> Result<bool, Refusal> {
        match item {
            Item::Part(part) => return self.part(part, w),
            Item::Result(result, call) => self.result(result, call, w)?,
            Item::Unanswered(call) => {
                self.response(call, w, |w| w.str("error", "Tool call was not executed."));
                self.report.emulated(
                    Member::ToolResult.of(self.request.dialect),
                    "an unanswered call was answered",
                );
            }
            Item::Orphan(result) => {
                self.wordless(&result.content, false);
                let text = format!(
                    "[tool result for unknown call {}]: {}",
                    result.id,
                    result_text(&result.content)
                );
                w.object(|w| w.str("text", &text));
                self.report.emulated(
                    Member::ToolResult.of(self.request.dialect),
                    "a result without a call became text",
                );
            }
            Item::Note(text) => {
                self.report.emulated(
                    Member::Turns.of(self.request.dialect),
                    "a system message was put into a user message",
                );
                w.object(|w| {
                    w.concat(
                        "text",
                        &[
                            &Text::borrowed("<system_note>"),
                            text,
                            &Text::borrowed("</system_note>"),
                        ],
                    );
                });
            }
            Item::Instruction(instruction) => w.object(|w| w.text("text", &instruction.text)),
            Item::Fixed(text) => w.object(|w| w.str("text", text)),
        }
        Ok(true)
    }

    pub(super) fn part(&mut self, part: &Part<'_>, w: &mut Writer<'_>) -> Result<bool, Refusal> {
        match &part.kind {
            Kind::Text { text, .. } | Kind::Refusal(text) => {
                if text.is_empty() && part.opaque.is_empty() {
                    return Ok(false);
                }
                let signature = self.signature(part, w);
                if text.is_empty() && signature.is_none() {
                    return Ok(false);
                }
                w.object(|w| {
                    w.text("text", text);
                    sign(signature.as_deref(), w);
                });
            }
            // Thoughts go back only where the vendor has signed them. State without words comes from the part
            // that follows, which the client's dialect could not mark.
            Kind::Reasoning { text } => {
                let Some(signature) = signatures::replayable(&part.opaque, self.target) else {
                    return Ok(false);
                };
                let signature = signature.to_owned();
                if text.is_empty() {
                    self.hold(signature, w);
                    return Ok(false);
                }
                w.object(|w| {
                    w.text("text", text);
                    w.bool("thought", true);
                    sign(Some(&signature), w);
                });
            }
            Kind::ToolCall(call) => self.call(call, part, w),
            Kind::ToolResult(result) => {
                self.wordless(&result.content, false);
                let text = result_text(&result.content);
                w.object(|w| w.str("text", &text));
            }
            Kind::ServerTool { summary, raw } => return Ok(self.server(summary, raw, part, w)),
            Kind::Other { text, raw, tag } => {
                if self.request.dialect == Dialect::Gemini {
                    w.item_raw(raw);
                } else if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
                    w.object(|w| w.text("text", text));
                } else {
                    let member = Member::Content.of(self.request.dialect);
                    self.report.dropped(member, format!("a part of type {tag}"));
                    return Ok(false);
                }
            }
            Kind::Image { .. }
            | Kind::Document { .. }
            | Kind::Audio { .. }
            | Kind::Video { .. } => {
                return encode_media::part(self, part, w);
            }
        }
        Ok(true)
    }

    fn server(
        &mut self,
        summary: &Text<'_>,
        raw: &str,
        part: &Part<'_>,
        w: &mut Writer<'_>,
    ) -> bool {
        if self.request.dialect == Dialect::Gemini {
            let signature = self.signature(part, w);
            w.object(|w| {
                for (key, range) in json::members(raw) {
                    w.raw(&key, &raw[range]);
                }
                sign(signature.as_deref(), w);
            });
            return true;
        }
        let member = Member::Content.of(self.request.dialect);
        if summary.is_empty() {
            self.report
                .dropped(member, "a step of the vendor's own tools");
            return false;
        }
        w.object(|w| w.text("text", summary));
        self.report
            .emulated(member, "steps of the vendor's own tools are told in words");
        true
    }

    fn call(&mut self, call: &ToolCall<'_>, part: &Part<'_>, w: &mut Writer<'_>) {
        let mut signature = self.signature(part, w);
        if !self.called && signature.is_none() && self.target.capability.call_signatures {
            signature = Some(BYPASS.to_owned());
        }
        self.called = true;
        let (args, shape) = call.args.to_object();
        match shape {
            ArgsShape::Object => {}
            ArgsShape::Wrapped => self.report.emulated(
                Member::Arguments.of(self.request.dialect),
                "arguments that are no object",
            ),
            ArgsShape::Invalid => self.report.degraded(
                Member::Arguments.of(self.request.dialect),
                "arguments that are no JSON",
            ),
        }
        w.object(|w| {
            w.object_in("functionCall", |w| {
                self.identity(call, w);
                w.raw("args", &json::compact(&args));
            });
            sign(signature.as_deref(), w);
        });
    }

    fn identity(&self, call: &ToolCall<'_>, w: &mut Writer<'_>) {
        if !call.id.is_empty() && self.target.capability.call_id_max > 0 {
            w.str(
                "id",
                &ident::call_id(&call.id, Charset::Any, self.target.capability.call_id_max),
            );
        }
        w.str(
            "name",
            &self.tools.wire_name(call.namespace.as_deref(), &call.name),
        );
    }

    fn response(
        &self,
        call: &ToolCall<'_>,
        w: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>),
    ) {
        w.object(|w| {
            w.object_in("functionResponse", |w| {
                self.identity(call, w);
                w.object_in("response", fill);
            });
        });
    }

    fn result(
        &mut self,
        result: &ToolResult<'_>,
        call: &ToolCall<'_>,
        w: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        self.wordless(&result.content, true);
        let has_media = result.content.iter().any(is_media);
        let inside = has_media && self.target.capability.tool_result_media;
        let mut written = Ok(());
        self.in_result = true;
        w.object(|w| {
            w.object_in("functionResponse", |w| {
                self.identity(call, w);
                w.key("response");
                write_response(self.request.dialect, result, has_media, w.buffer());
                if inside {
                    w.array_in("parts", |w| {
                        for part in result.content.iter().filter(|part| is_media(part)) {
                            if written.is_ok() {
                                written = encode_media::part(self, part, w).map(|_| ());
                            }
                        }
                    });
                }
            });
        });
        self.in_result = false;
        written
    }

    /// What a result holds beside words is told; `media` has a place of its own where its call is known.
    fn wordless(&mut self, content: &[Part<'_>], media: bool) {
        for part in content {
            if part_text(part).is_some() {
                if let Kind::Document {
                    source: Source::Parts(parts),
                    ..
                } = &part.kind
                {
                    self.wordless(parts, false);
                }
                continue;
            }
            let tag = match &part.kind {
                _ if is_media(part) => {
                    if media {
                        continue;
                    }
                    "media"
                }
                Kind::Other { tag, .. } => tag,
                Kind::ServerTool { .. } => "server tool",
                _ => continue,
            };
            let member = Member::Content.of(self.request.dialect);
            self.report
                .dropped(member, format!("a part of type {tag} in a tool result"));
        }
    }

    /// Models that take no media inside a result get them behind all results of the turn.
    fn media_of_results(
        &mut self,
        content: &Content<'_, '_>,
        w: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        if self.target.capability.tool_result_media {
            return Ok(());
        }
        for item in &content.items {
            let Item::Result(result, _) = item else {
                continue;
            };
            let mut first = true;
            for part in result.content.iter().filter(|part| is_media(part)) {
                if std::mem::take(&mut first) {
                    w.object(|w| {
                        w.str("text", &format!("[tool result {} attachments]", result.id));
                    });
                    let member = Member::Content.of(self.request.dialect);
                    self.report
                        .emulated(member, "media of a tool result stand behind it");
                }
                encode_media::part(self, part, w)?;
            }
        }
        Ok(())
    }

    /// The signature of a part: its own, or the one that was waiting for it.
    fn signature(&mut self, part: &Part<'_>, w: &mut Writer<'_>) -> Option<String> {
        match signatures::replayable(&part.opaque, self.target) {
            Some(own) => {
                let own = own.to_owned();
                self.hold(own, w);
                self.pending.take()
            }
            None => self.pending.take(),
        }
    }

    /// Keeps a signature for what follows; one that already waits becomes an empty part of its own.
    fn hold(&mut self, signature: String, w: &mut Writer<'_>) {
        if let Some(earlier) = self.pending.replace(signature)
            && self.pending.as_ref() != Some(&earlier)
        {
            bare_signature(&earlier, w);
        }
    }
}

fn sign(signature: Option<&str>, w: &mut Writer<'_>) {
    if let Some(signature) = signature {
        w.str("thoughtSignature", signature);
    }
}

fn bare_signature(signature: &str, w: &mut Writer<'_>) {
    w.object(|w| {
        w.str("text", "");
        w.str("thoughtSignature", signature);
    });
}

pub(super) const fn is_media(part: &Part<'_>) -> bool {
    match &part.kind {
        Kind::Image { .. } | Kind::Audio { .. } | Kind::Video { .. } => true,
        Kind::Document { source, .. } => !matches!(source, Source::Text(_) | Source::Parts(_)),
        _ => false,
    }
}

/// All words of a result, joined by line ends.
pub(super) fn result_text(content: &[Part<'_>]) -> String {
    let mut out = String::new();
    for part in content {
        let text = part_text(part);
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&text);
        }
    }
    out
}

/// The words of a part of a result; `None` where it is made of something else.
fn part_text<'p>(part: &'p Part<'_>) -> Option<Cow<'p, str>> {
    match &part.kind {
        Kind::Text { text, .. } | Kind::Refusal(text) | Kind::Reasoning { text } => {
            Some(text.as_str())
        }
        Kind::Document { source, title, .. } => {
            let text = match source {
                Source::Text(text) => text.as_str(),
                Source::Parts(parts) => Cow::Owned(result_text(parts)),
                _ => return None,
            };
            let title = title.as_ref().filter(|title| !title.is_empty());
            Some(match title {
                Some(title) => Cow::Owned(format!(
                    "<document title=\"{}\">\n{text}\n</document>",
                    title.as_str()
                )),
                None => text,
            })
        }
        Kind::Other { text, .. } => text.as_ref().map(Text::as_str),
        _ => None,
    }
}

fn write_response(dialect: Dialect, result: &ToolResult<'_>, has_media: bool, out: &mut Vec<u8>) {
    let key = if result.is_error { "error" } else { "output" };
    let mut w = Writer::new(out);
    if let [
        Part {
            kind: Kind::Text { text, .. },
            ..
        },
    ] = &result.content[..]
    {
        // A Gemini client's own object goes back as the object that it was.
        let plain = text.as_str();
        if dialect == Dialect::Gemini && !result.is_error && is_object(&plain) {
            w.object(|w| {
                for (key, range) in json::members(&plain) {
                    w.raw(&key, &plain[range]);
                }
            });
            return;
        }
        w.object(|w| w.text(key, text));
        return;
    }
    let mut text = result_text(&result.content);
    if text.is_empty() && has_media {
        text.push_str("See attached content.");
    }
    w.object(|w| w.str(key, &text));
}

/// True for the text of a JSON object.
fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
        && matches!(
            Args::Text(Text::borrowed(text)).to_object().1,
            ArgsShape::Object
        )
}
