//! A request becomes the body for an upstream.
//!
//! One pass, one buffer. Consults the capability record of the model and nothing else; what it changes goes
//! into the report, what must be reversed into the undo record. Earlier turns never look at later ones.

use std::borrow::Cow;

use super::server_members::without_dropped;
use crate::capability::Capability;
use crate::error::Refusal;
use crate::fidelity::{Action, Report};
use crate::ir::{Kind, Part, Request, Tool, ToolKind};
use crate::json::Writer;
use crate::member::Member;
use crate::translate::{Outbound, Target};
use crate::undo::Undo;
use crate::{Dialect, Text};

/// Writes a request.
///
/// # Errors
/// When something in it has no form here (policy R).
pub(crate) fn encode_request(
    request: &Request<'_>,
    target: &Target<'_>,
) -> Result<Outbound, Refusal> {
    let mut draft = Draft::new(request, target);
    draft.check()?;
    let mut body = Vec::with_capacity(size_hint(request));
    Writer::new(&mut body).object(|w| draft.body(w));
    draft.undo.think_tags = target.capability.chat.think_tags;
    let body = without_dropped(
        body,
        draft.settled,
        target.capability,
        draft.request,
        &mut draft.report,
    );
    match draft.refusal {
        Some(refusal) => Err(refusal),
        None => Ok(Outbound {
            body,
            headers: Vec::new(),
            report: draft.report,
            undo: draft.undo,
            ..Outbound::default()
        }),
    }
}

/// A body in the making.
pub(super) struct Draft<'r> {
    pub(super) request: &'r Request<'r>,
    pub(super) target: &'r Target<'r>,
    pub(super) capability: &'r Capability,
    pub(super) report: Report,
    pub(super) undo: Undo,
    /// The first thing that cannot be carried; the writing goes on, for the closures that write cannot fail.
    pub(super) refusal: Option<Refusal>,
    /// Cache marks that are left out because only the last ones count.
    pub(super) marks_to_skip: usize,
    /// A demanded call is asked for only, because the model reasons.
    pub(super) soft_choice: bool,
    /// The last message is a tool's.
    pub(super) after_tool: bool,
    /// The length of what every server takes: model, messages and tools.
    pub(super) settled: usize,
}

impl<'r> Draft<'r> {
    fn new(request: &'r Request<'_>, target: &'r Target<'_>) -> Self {
        let mut report = Report::default();
        if target.capability.assumed {
            report.add(
                Action::Assumed,
                Member::Model.of(request.dialect),
                "the model is unknown: its abilities were assumed",
            );
        }
        Self {
            request,
            target,
            capability: target.capability,
            report,
            undo: Undo::default(),
            refusal: None,
            marks_to_skip: 0,
            soft_choice: false,
            after_tool: false,
            settled: 0,
        }
    }

    /// The client speaks this dialect itself.
    pub(super) fn is_native(&self) -> bool {
        self.request.dialect == Dialect::OpenAiChat
    }

    /// The client's name of a member.
    pub(super) const fn member(&self, member: Member) -> &'static str {
        member.of(self.request.dialect)
    }

    /// Keeps the first refusal.
    pub(super) fn refuse(&mut self, member: Member, message: impl Into<String>) {
        let field = self.member(member);
        self.refusal
            .get_or_insert_with(|| Refusal::new(field, message));
    }

    /// What can be refused before a byte is written.
    fn check(&mut self) -> Result<(), Refusal> {
        let n = self.request.n.unwrap_or(1);
        if n > self.capability.n_max {
            let field = self.member(Member::N);
            let most = self.capability.n_max;
            return Err(Refusal::new(
                field,
                format!(
                    "{field} is {n}, but this model gives at most {most}: ask for fewer alternatives"
                ),
            ));
        }
        Ok(())
    }

    fn body(&mut self, w: &mut Writer<'_>) {
        let format = self.plan_format();
        self.plan_marks();
        let wish = self.plan_thinking();
        w.str("model", self.target.model);
        w.array_in("messages", |w| {
            self.instructions(format.instruction.as_deref(), w);
            self.turns(w);
        });
        self.settled = w.buffer().len();
        let functions = self.tools(w);
        if let Some(native) = &format.native {
            w.raw("response_format", native);
        }
        let reasons = self.reasoning(wish, functions, w);
        self.sampling(reasons, w);
        self.limits(reasons, w);
        self.account(w);
        if self.target.stream {
            w.bool("stream", true);
            if self.capability.chat.stream_options {
                w.object_in("stream_options", |w| w.bool("include_usage", true));
            }
        }
        if self.is_native() {
            let request = self.request;
            let switch = self.switch_members();
            for residue in &request.residue {
                if switch.contains(&residue.field.as_ref()) {
                    continue;
                }
                if residue.field == "logit_bias" && !self.capability.penalties {
                    self.report.dropped(
                        self.member(Member::LogitBias),
                        "this model does not take it",
                    );
                    continue;
                }
                w.raw(&residue.field, residue.raw);
            }
        }
    }
}

/// A guess of the body's size, so that the buffer seldom grows.
fn size_hint(request: &Request<'_>) -> usize {
    let part = |part: &Part<'_>| match &part.kind {
        Kind::Text { text, .. } => text.len_hint() + 64,
        Kind::ToolResult(result) => {
            let inner = result.content.iter().map(|part| match &part.kind {
                Kind::Text { text, .. } => text.len_hint(),
                _ => 256,
            });
            inner.sum::<usize>() + 128
        }
        Kind::ToolCall(_) => 512,
        _ => 1_024,
    };
    let instructions: usize = request
        .instructions
        .iter()
        .map(|one| one.text.len_hint() + 64)
        .sum();
    let turns: usize = request
        .turns
        .iter()
        .map(|turn| 32 + turn.parts.iter().map(part).sum::<usize>())
        .sum();
    let tools: usize = request.tools.iter().map(tool_size).sum();
    1_024 + instructions + turns + tools
}

/// A guess of what a tool takes.
pub(super) fn tool_size(tool: &Tool<'_>) -> usize {
    let description = tool.description.as_ref().map_or(0, Text::len_hint);
    let schema = match &tool.kind {
        ToolKind::Function { schema } => schema.as_ref().map_or(0, |schema| schema.len()),
        _ => 256,
    };
    tool.name.len() + description + schema + 128
}

/// The same text, borrowed.
pub(super) fn borrow<'t>(text: &'t Text<'_>) -> Text<'t> {
    match text {
        Text::Json(literal) => Text::Json(literal),
        Text::Plain(text) => Text::Plain(Cow::Borrowed(text)),
    }
}
