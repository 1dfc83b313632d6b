//! Instructions and turns become messages.
//!
//! A user turn with tool results becomes `tool` messages, then one message with the media of those results, then
//! what the user said. Relies on calls and results being paired already.

use std::borrow::Cow;

use super::encode_parts::Piece;
use super::encode_request::{Draft, borrow};
use crate::capability::ReasoningField;
use crate::ident::{self, Charset};
use crate::ir::{
    Args, ArgsShape, CacheMark, Kind, Opaque, OpaqueKind, Part, Role, ToolCall, ToolResult, Turn,
};
use crate::json::Writer;
use crate::member::Member;
use crate::switches::CallIds;
use crate::{Dialect, Text};

/// The service takes this many cache marks.
const MARKS_MAX: usize = 4;

/// What the assistant says between a tool's result and the user.
pub(super) const AFTER_TOOL: &str = "I have the results.";

fn has_calls(turn: &Turn<'_>) -> bool {
    let is_call = |part: &Part<'_>| matches!(part.kind, Kind::ToolCall(_));
    turn.parts.iter().any(is_call)
}

impl Draft<'_> {
    /// Counts the cache marks: only the last ones are written.
    pub(super) fn plan_marks(&mut self) {
        if !self.capability.cache_marks {
            return;
        }
        let instructions = self
            .request
            .instructions
            .iter()
            .filter(|one| one.cache.is_some())
            .count();
        let parts = self.request.turns.iter().flat_map(|turn| &turn.parts);
        let marks: usize = parts
            .map(|part| match &part.kind {
                Kind::ToolResult(result) => {
                    let inner = result
                        .content
                        .iter()
                        .filter(|part| part.cache.is_some())
                        .count();
                    let last = result
                        .content
                        .last()
                        .is_some_and(|part| part.cache.is_some());
                    inner + usize::from(part.cache.is_some() && !last)
                }
                Kind::ToolCall(_) | Kind::Reasoning { .. } => 0,
                _ => usize::from(part.cache.is_some()),
            })
            .sum();
        self.marks_to_skip = (instructions + marks).saturating_sub(MARKS_MAX);
    }

    /// Writes leading instructions as one message.
    pub(super) fn instructions(&mut self, added: Option<&str>, w: &mut Writer<'_>) {
        let marks = self.capability.cache_marks;
        let mut pieces: Vec<Piece<'_>> = self
            .request
            .instructions
            .iter()
            .filter(|one| !one.text.is_empty())
            .map(|one| Piece::Text(borrow(&one.text), if marks { one.cache } else { None }))
            .collect();
        pieces.extend(added.map(|line| Piece::Text(Text::borrowed(line), None)));
        if pieces.is_empty() {
            return;
        }
        w.object(|w| {
            w.str("role", self.system_role());
            self.content(&pieces, w);
        });
    }

    const fn system_role(&self) -> &'static str {
        if self.capability.developer_role {
            "developer"
        } else {
            "system"
        }
    }

    /// Writes all turns.
    pub(super) fn turns(&mut self, w: &mut Writer<'_>) {
        let turns = &self.request.turns;
        let mut at = 0;
        while let Some(turn) = turns.get(at) {
            let run = match turn.role {
                Role::User => turns[at..]
                    .iter()
                    .take_while(|turn| turn.role == Role::User)
                    .count(),
                Role::Assistant if has_calls(turn) && !self.is_native() => turns[at..]
                    .iter()
                    .take_while(|turn| turn.role == Role::Assistant)
                    .count(),
                Role::Assistant | Role::System => 1,
            };
            match turn.role {
                Role::User => self.user_run(&turns[at..at + run], w),
                Role::Assistant if run > 1 => {
                    // Results must stand directly behind the message with their calls.
                    let mut joined = turn.clone();
                    let more = turns[at + 1..at + run].iter();
                    joined
                        .parts
                        .extend(more.flat_map(|turn| turn.parts.iter().cloned()));
                    self.assistant(&joined, w);
                }
                Role::Assistant => self.assistant(turn, w),
                Role::System => self.system(turn, w),
            }
            at += run;
        }
        let ends_with_assistant = turns
            .last()
            .is_some_and(|turn| turn.role == Role::Assistant);
        // OpenAI's own dialects take a trailing answer as finished.
        let continues = matches!(self.request.dialect, Dialect::Anthropic | Dialect::Gemini);
        if ends_with_assistant && continues && !self.capability.prefill {
            self.report.degraded(
                self.member(Member::Turns),
                "the answer cannot be begun for the model: it was asked to continue",
            );
            w.object(|w| {
                w.str("role", "user");
                w.str(
                    "content",
                    "Continue exactly from where the previous message ends.",
                );
            });
        }
    }

    fn system(&mut self, turn: &Turn<'_>, w: &mut Writer<'_>) {
        let mut pieces = Vec::new();
        self.pieces(&turn.parts, &mut pieces);
        if pieces.is_empty() {
            return;
        }
        if self.capability.mid_system || self.is_native() {
            return w.object(|w| {
                w.str("role", self.system_role());
                self.content(&pieces, w);
            });
        }
        self.report.emulated(
            self.member(Member::Turns),
            "a system message was put into a user message",
        );
        pieces.insert(0, Piece::Text(Text::borrowed("<system_note>"), None));
        pieces.push(Piece::Text(Text::borrowed("</system_note>"), None));
        self.bridge(w);
        w.object(|w| {
            w.str("role", "user");
            self.content(&pieces, w);
        });
    }

    /// User turns in a row: all tool results first, because nothing else may stand between calls and results.
    fn user_run(&mut self, turns: &[Turn<'_>], w: &mut Writer<'_>) {
        let mut attachments = Vec::new();
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            if let Kind::ToolResult(result) = &part.kind {
                self.result(result, part.cache, &mut attachments, w);
            }
        }
        if !attachments.is_empty() {
            self.bridge(w);
            self.report.emulated(
                self.member(Member::Content),
                "media of tool results were put into a user message behind them",
            );
            w.object(|w| {
                w.str("role", "user");
                self.content(&attachments, w);
            });
        }
        for turn in turns {
            let mut pieces = Vec::with_capacity(turn.parts.len());
            self.pieces(&turn.parts, &mut pieces);
            let only_results = turn
                .parts
                .iter()
                .any(|part| matches!(part.kind, Kind::ToolResult(_)));
            if pieces.is_empty() && only_results {
                continue;
            }
            self.bridge(w);
            w.object(|w| {
                w.str("role", "user");
                if let Some(name) = turn.name.as_deref().filter(|_| self.is_native()) {
                    w.str("name", name);
                }
                self.content(&pieces, w);
            });
        }
    }

    /// Some servers take no user message behind a tool message: the assistant says a word between them.
    fn bridge(&mut self, w: &mut Writer<'_>) {
        let after_tool = std::mem::take(&mut self.after_tool);
        if !after_tool || self.capability.chat.user_after_tool {
            return;
        }
        self.report.emulated(
            self.member(Member::Content),
            "a short assistant message was put between a tool result and what the user said",
        );
        w.object(|w| {
            w.str("role", "assistant");
            w.str("content", AFTER_TOOL);
        });
    }

    /// A call id that the server takes, the same for a call and its result.
    fn wire_id<'i>(&self, id: &'i str) -> Cow<'i, str> {
        match self.capability.chat.call_ids {
            CallIds::Any => ident::call_id(id, Charset::Any, self.capability.call_id_max),
            CallIds::Nine => ident::nine(id),
        }
    }

    fn result<'p>(
        &mut self,
        result: &'p ToolResult<'p>,
        cache: Option<CacheMark>,
        attachments: &mut Vec<Piece<'p>>,
        w: &mut Writer<'_>,
    ) {
        let id = self.wire_id(&result.id);
        let mut pieces = Vec::with_capacity(result.content.len());
        self.pieces(&result.content, &mut pieces);
        let media = if pieces.iter().all(Piece::is_text) {
            Vec::new()
        } else {
            let (texts, media): (Vec<_>, Vec<_>) = pieces.into_iter().partition(Piece::is_text);
            pieces = texts;
            media
        };
        if !media.is_empty() {
            if pieces.is_empty() {
                pieces.push(Piece::Text(Text::borrowed("See attached content."), None));
            }
            attachments.push(Piece::Text(
                Text::from(format!("[tool result {id} attachments]")),
                None,
            ));
            attachments.extend(media);
        }
        if result.is_error {
            mark_error(&mut pieces);
        }
        if let (Some(Piece::Text(_, mark)), Some(cache)) = (pieces.last_mut(), cache)
            && self.capability.cache_marks
        {
            *mark = Some(cache);
        }
        self.after_tool = true;
        w.object(|w| {
            w.str("role", "tool");
            w.str("tool_call_id", &id);
            self.content(&pieces, w);
        });
    }

    fn assistant(&mut self, turn: &Turn<'_>, w: &mut Writer<'_>) {
        let has_calls = has_calls(turn);
        let (pieces, refusal, audio) = self.spoken(turn);
        self.after_tool = false;
        let thoughts = self.thoughts(turn, has_calls);
        w.object(|w| {
            w.str("role", "assistant");
            if let Some(name) = turn.name.as_deref().filter(|_| self.is_native()) {
                w.str("name", name);
            }
            let bare = has_calls && self.capability.chat.null_content;
            if !thoughts.is_empty() {
                self.thought_and_said(&thoughts, &pieces, w);
            } else if !pieces.is_empty() || (!bare && refusal.is_none() && audio.is_none()) {
                self.said(&pieces, w);
            }
            if let Some(refusal) = refusal {
                w.text("refusal", refusal);
            }
            if let Some(audio) = audio {
                w.raw("audio", audio);
            }
            self.reasoned(turn, has_calls, w);
            if has_calls {
                w.array_in("tool_calls", |w| self.calls(turn, w));
            }
        });
    }

    /// The texts of an assistant turn, its refusal and its reference to a sound.
    fn spoken<'p>(
        &mut self,
        turn: &'p Turn<'p>,
    ) -> (Vec<Piece<'p>>, Option<&'p Text<'p>>, Option<&'p str>) {
        let mut pieces = Vec::with_capacity(turn.parts.len());
        let (mut refusal, mut audio) = (None, None);
        for part in &turn.parts {
            match &part.kind {
                Kind::Refusal(text) if self.capability.openai_members => refusal = Some(text),
                Kind::Other { tag, raw, .. } if tag == "audio" && self.is_native() => {
                    audio = Some(raw.as_ref());
                }
                Kind::Image { .. }
                | Kind::Document { .. }
                | Kind::Audio { .. }
                | Kind::Video { .. } => {
                    self.report.dropped(
                        self.member(Member::Content),
                        "assistant messages hold text only: media made by the model were left out",
                    );
                }
                _ => self.pieces(std::slice::from_ref(part), &mut pieces),
            }
        }
        (pieces, refusal, audio)
    }

    /// Assistant text is one string whatever its parts were, unless a cache mark or a native part needs the list.
    fn said(&mut self, pieces: &[Piece<'_>], w: &mut Writer<'_>) {
        let plain = pieces
            .iter()
            .all(|piece| matches!(piece, Piece::Text(_, None)));
        if !plain && !self.capability.string_content {
            return self.content(pieces, w);
        }
        let texts: Vec<&Text<'_>> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Text(text, _) => Some(text),
                _ => None,
            })
            .collect();
        w.concat("content", &texts);
    }

    /// Reasoning goes back to servers that demand it in tool loops, and to the server whose own state it is.
    fn reasoned(&mut self, turn: &Turn<'_>, has_calls: bool, w: &mut Writer<'_>) {
        let details: Vec<&Opaque<'_>> = turn
            .parts
            .iter()
            .flat_map(|part| &part.opaque)
            .filter(|state| state.kind == OpaqueKind::Reasoning && self.is_replayable(state))
            .collect();
        if !details.is_empty() {
            w.array_in("reasoning_details", |w| {
                for state in details {
                    crate::json::elements(&state.state).for_each(|element| w.item_raw(element));
                }
            });
        }
        if !self.capability.replay_reasoning || !has_calls {
            return;
        }
        let key = match self.capability.reasoning_field {
            ReasoningField::ReasoningContent => "reasoning_content",
            ReasoningField::Reasoning => "reasoning",
            ReasoningField::Parts => return,
        };
        let texts = reasoning_texts(turn);
        if texts.is_empty() {
            // History of a model that did not show its reasoning; such servers refuse an empty member.
            w.str(key, " ");
        } else {
            w.concat(key, &texts);
        }
    }

    /// The reasoning that goes back inside the content, where the server has it there.
    fn thoughts<'p>(&self, turn: &'p Turn<'p>, has_calls: bool) -> Vec<&'p Text<'p>> {
        let inside = self.capability.reasoning_field == ReasoningField::Parts;
        if inside && has_calls && self.capability.replay_reasoning {
            reasoning_texts(turn)
        } else {
            Vec::new()
        }
    }

    fn thought_and_said(
        &mut self,
        thoughts: &[&Text<'_>],
        pieces: &[Piece<'_>],
        w: &mut Writer<'_>,
    ) {
        w.array_in("content", |w| {
            w.object(|w| {
                w.str("type", "thinking");
                w.array_in("thinking", |w| {
                    w.object(|w| {
                        w.str("type", "text");
                        w.concat("text", thoughts);
                    });
                });
            });
            pieces.iter().for_each(|piece| self.piece(piece, w));
        });
    }

    fn is_replayable(&self, state: &Opaque<'_>) -> bool {
        state.origin == Dialect::OpenAiChat
            && !self.target.drop_state
            && state
                .provider
                .as_deref()
                .is_none_or(|provider| provider == self.target.provider)
    }

    /// Clients of dialects whose calls hold no state return a call's signature with the reasoning before it.
    fn calls(&mut self, turn: &Turn<'_>, w: &mut Writer<'_>) {
        let mut waiting = None;
        for part in &turn.parts {
            match &part.kind {
                Kind::Reasoning { .. } => waiting = self.signature(part).or(waiting),
                Kind::ToolCall(call) => {
                    let before = waiting.take();
                    self.call(call, self.signature(part).or(before), w);
                }
                _ => {}
            }
        }
    }

    /// A signature that came without an envelope counts only among clients of this dialect.
    fn signature<'p>(&self, part: &'p Part<'_>) -> Option<&'p str> {
        part.opaque
            .iter()
            .find(|state| {
                state.kind == OpaqueKind::Signature
                    && self.is_replayable(state)
                    && self.capability_takes(state)
            })
            .map(|state| &*state.state)
    }

    fn call(&mut self, call: &ToolCall<'_>, signature: Option<&str>, w: &mut Writer<'_>) {
        let id = self.wire_id(&call.id);
        let name = self.wire_name(call.namespace.as_deref(), &call.name);
        w.object(|w| {
            w.str("id", &id);
            match &call.args {
                Args::Freeform(text) if self.capability.openai_members => {
                    w.str("type", "custom");
                    w.object_in("custom", |w| {
                        w.str("name", &name);
                        w.text("input", text);
                    });
                }
                args => {
                    w.str("type", "function");
                    w.object_in("function", |w| {
                        w.str("name", &name);
                        w.text("arguments", &self.arguments(args));
                    });
                }
            }
            if let Some(signature) = signature {
                w.object_in("extra_content", |w| {
                    w.object_in("google", |w| w.str("thought_signature", signature));
                });
            }
        });
    }

    /// OpenAI itself refuses members that it does not know.
    fn capability_takes(&self, state: &Opaque<'_>) -> bool {
        state.provider.is_some() || !self.capability.openai_members
    }

    fn arguments<'t>(&mut self, args: &Args<'t>) -> Text<'t> {
        match args {
            Args::Freeform(_) => Text::Plain(args.to_object().0),
            Args::Object(_) => args.to_text(),
            Args::Text(text) => {
                // Only what does not even look like an object is worth a parse.
                let looks_right = match text {
                    Text::Json(literal) => literal.starts_with("\"{"),
                    Text::Plain(text) => text.trim_start().starts_with('{'),
                };
                if looks_right || text.is_blank() {
                    return args.to_text();
                }
                let (json, shape) = args.to_object();
                if shape == ArgsShape::Invalid {
                    self.report.degraded(
                        self.member(Member::Arguments),
                        "arguments of a call in history are no JSON",
                    );
                }
                Text::Plain(json)
            }
        }
    }
}

fn reasoning_texts<'p>(turn: &'p Turn<'p>) -> Vec<&'p Text<'p>> {
    let text_of = |part: &'p Part<'p>| match &part.kind {
        Kind::Reasoning { text } if !text.is_empty() => Some(text),
        _ => None,
    };
    turn.parts.iter().filter_map(text_of).collect()
}

/// Failed results say so in their text, which is the only place there is.
fn mark_error(pieces: &mut Vec<Piece<'_>>) {
    const PREFIX: &str = "Error: ";
    match pieces.first_mut() {
        Some(Piece::Text(text, _)) => {
            let said = text.as_str();
            let marked = said
                .get(..6)
                .is_some_and(|head| head.eq_ignore_ascii_case("error:"));
            if !marked {
                *text = Text::Plain(Cow::Owned(format!("{PREFIX}{said}")));
            }
        }
        _ => pieces.insert(
            0,
            Piece::Text(Text::borrowed("Error: the tool failed"), None),
        ),
    }
}
