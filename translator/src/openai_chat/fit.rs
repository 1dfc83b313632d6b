//! A body of this dialect, made to fit a server of this dialect that knows less than OpenAI.
//!
//! What can be said by editing members is edited, and every other byte stays. What needs an understanding of the
//! whole request is left to a translation. Consults the capability record and nothing else.

use std::borrow::Cow;

use super::encode_turns::AFTER_TOOL;
use super::server_members::is_silent;
use super::thinking;
use crate::Dialect;
use crate::capability::{Capability, ReasoningKnob};
use crate::fidelity::Report;
use crate::ir::{Effort, Reasoning, ReasoningMode};
use crate::json::{self, Writer};
use crate::member::Member;
use crate::switches::{CallIds, ThinkingSwitch};
use crate::text::Text;

/// What becomes of a body.
#[derive(Clone, Debug)]
pub enum Fit {
    /// It fits as it is.
    AsItIs,
    /// It fits with these edits.
    Edited {
        /// The new body.
        body: Vec<u8>,
        /// What was changed.
        report: Report,
    },
    /// It must be translated.
    Translate,
}

/// Makes a body fit. `body` must be a JSON object.
#[must_use]
pub fn fit(body: &str, capability: &Capability, stream: bool) -> Fit {
    let mut editor = Editor {
        capability,
        report: Report::default(),
        edited: false,
        translate: false,
        reasons: reasons(body, capability),
    };
    if reasons_in_vain(body, capability, stream) || forgets(body, capability) {
        return Fit::Translate;
    }
    let mut out = Vec::with_capacity(body.len() + 64);
    Writer::new(&mut out).object(|w| {
        for (name, range) in json::members(body) {
            editor.member(body, &name, &body[range], w);
        }
    });
    match editor {
        Editor {
            translate: true, ..
        } => Fit::Translate,
        Editor { edited: false, .. } => Fit::AsItIs,
        Editor { report, .. } => Fit::Edited { body: out, report },
    }
}

/// The body asks for, or leaves on, reasoning that this server gives on streams only.
fn reasons_in_vain(body: &str, capability: &Capability, stream: bool) -> bool {
    capability.chat.thinking_streamed_only && !stream && reasons(body, capability)
}

/// The server wants its reasoning back in tool loops, and the client is not known to return it: the hub must keep it
/// for the client, which only a translation does. One that has returned it once needs no help.
fn forgets(body: &str, capability: &Capability) -> bool {
    if !capability.replay_reasoning || !reasons(body, capability) {
        return false;
    }
    let has_tools =
        json::member(body, "tools").is_some_and(|raw| json::elements(raw).next().is_some());
    let messages = json::member(body, "messages").unwrap_or("[]");
    let mut calls = json::elements(messages)
        .filter(|message| json::member(message, "tool_calls").is_some_and(|raw| raw != "null"))
        .peekable();
    let returns = |message: &str| {
        ["reasoning_content", "reasoning"].iter().any(|name| {
            json::member(message, name).is_some_and(|raw| raw.len() > 2 && raw != "null")
        })
    };
    has_tools && (calls.peek().is_none() || !calls.all(returns))
}

/// The model will reason as far as can be known.
fn reasons(body: &str, capability: &Capability) -> bool {
    let said = |name: &str| json::member(body, name);
    if said("reasoning_effort") == Some("\"none\"") || said("enable_thinking") == Some("false") {
        return false;
    }
    let kind = said("thinking").and_then(|raw| json::member(raw, "type"));
    match kind {
        Some("\"disabled\"") => false,
        Some("\"enabled\"") => true,
        _ if said("enable_thinking") == Some("true") => true,
        _ => {
            let effort = said("reasoning_effort").is_some_and(|raw| raw != "null");
            capability.reasons_by_default || (effort && capability.reasoning != ReasoningKnob::None)
        }
    }
}

struct Editor<'c> {
    capability: &'c Capability,
    report: Report,
    edited: bool,
    translate: bool,
    reasons: bool,
}

impl Editor<'_> {
    fn member(&mut self, body: &str, name: &str, raw: &str, w: &mut Writer<'_>) {
        let (capability, switches) = (self.capability, &self.capability.chat);
        if name == "n"
            && raw
                .parse::<u64>()
                .is_ok_and(|n| n > capability.n_max.max(1))
        {
            // A translation asks for them one by one.
            self.translate = true;
        }
        if switches.drops(name) {
            return self.leave_out(name, raw);
        }
        match name {
            "messages" => return self.messages(raw, w),
            "max_completion_tokens" if capability.legacy_max_tokens => {
                self.edited = true;
                if json::member(body, "max_tokens").is_none_or(|other| other == "null") {
                    w.raw("max_tokens", raw);
                }
                return;
            }
            "max_tokens" if capability.legacy_max_tokens && raw == "null" => {
                // The limit under its other name takes this place.
                self.edited = true;
                return;
            }
            "seed" if !capability.seed => return self.leave_out(name, raw),
            "seed" if switches.random_seed => {
                self.edited = true;
                return w.raw("random_seed", raw);
            }
            "stream_options" if !switches.stream_options => {
                self.edited = true;
                return;
            }
            "logprobs" | "top_logprobs" if !capability.logprobs => {
                return self.leave_out(name, raw);
            }
            "frequency_penalty" | "presence_penalty" if !self.takes_penalties() => {
                return self.leave_out(name, raw);
            }
            "n" if raw
                .parse::<u64>()
                .is_ok_and(|n| n > capability.n_max.max(1)) =>
            {
                self.translate = true;
            }
            "stop" if self.too_many_stops(raw) => self.translate = true,
            "temperature" => return self.temperature(raw, w),
            "reasoning_effort" => return self.effort(body, raw, w),
            "tool_choice" if self.refuses_choice(raw) => self.translate = true,
            "response_format" if self.refuses_format(raw) => self.translate = true,
            _ => {}
        }
        w.raw(name, raw);
    }

    fn leave_out(&mut self, name: &str, raw: &str) {
        self.edited = true;
        if !is_silent(name, raw) {
            self.report
                .dropped(name.to_owned(), "this server does not take it");
        }
    }

    const fn takes_penalties(&self) -> bool {
        self.capability.penalties && !(self.reasons && self.capability.chat.bare_reasoning)
    }

    fn too_many_stops(&self, raw: &str) -> bool {
        let bare = self.reasons && self.capability.chat.bare_reasoning;
        let most = if bare { 0 } else { self.capability.stop_max };
        let count = if raw.starts_with('"') {
            1
        } else {
            json::elements(raw).count()
        };
        raw != "null" && count > most
    }

    fn temperature(&mut self, raw: &str, w: &mut Writer<'_>) {
        let most = self.capability.temperature_max;
        if raw.parse::<f64>().is_ok_and(|value| value > most) {
            self.edited = true;
            self.report.clamped(
                Member::Temperature.of(Dialect::OpenAiChat),
                format!("{raw} is above {most}"),
            );
            return w.float("temperature", most);
        }
        w.raw("temperature", raw);
    }

    /// The effort word as the server's own switch, unless the client has moved that itself.
    fn effort(&mut self, body: &str, raw: &str, w: &mut Writer<'_>) {
        let capability = self.capability;
        if raw == "null" {
            return w.raw("reasoning_effort", raw);
        }
        let word = Text::Json(raw).into_cow();
        let off = word.eq_ignore_ascii_case("none");
        if capability.reasoning == ReasoningKnob::None {
            self.edited = true;
            if !off {
                self.report.dropped(
                    Member::Effort.of(Dialect::OpenAiChat),
                    "the model's reasoning cannot be controlled",
                );
            }
            return;
        }
        if capability.chat.thinking == ThinkingSwitch::Effort {
            return self.effort_word(&word, off, raw, w);
        }
        self.edited = true;
        let own = capability.chat.thinking.members();
        if own.iter().any(|name| json::member(body, name).is_some()) {
            return;
        }
        if off && !capability.can_disable {
            return self.report.degraded(
                Member::Effort.of(Dialect::OpenAiChat),
                "reasoning cannot be switched off",
            );
        }
        let wish = Reasoning {
            mode: if off {
                ReasoningMode::Off
            } else {
                ReasoningMode::Unset
            },
            effort: Effort::parse(&word),
            ..Reasoning::default()
        };
        if !thinking::write(!off, &wish, capability, w) {
            let what = "reasoning was switched on: its amount cannot be set";
            self.report
                .degraded(Member::Effort.of(Dialect::OpenAiChat), what);
        }
    }

    fn effort_word(&mut self, word: &str, off: bool, raw: &str, w: &mut Writer<'_>) {
        let wish = if off {
            Some(Effort::Minimal)
        } else {
            Effort::parse(word)
        };
        let takes = match wish {
            Some(_) if off => self.capability.can_disable,
            Some(wish) => self.capability.efforts.contains(&wish),
            None => true,
        };
        let nearest = wish.and_then(|wish| self.capability.nearest_effort(wish));
        match nearest.filter(|_| !takes) {
            Some(nearest) => {
                self.edited = true;
                let what = format!(
                    "the model has no {word}: {} was asked for",
                    nearest.as_str()
                );
                self.report
                    .clamped(Member::Effort.of(Dialect::OpenAiChat), what);
                w.str("reasoning_effort", nearest.as_str());
            }
            None => w.raw("reasoning_effort", raw),
        }
    }

    fn refuses_choice(&self, raw: &str) -> bool {
        let (capability, switches) = (self.capability, &self.capability.chat);
        let takes = match raw {
            "null" | "\"auto\"" | "\"none\"" => return false,
            "\"required\"" => switches.required_choice,
            _ => switches.named_choice,
        };
        let clash = self.reasons && !capability.forced_with_reasoning;
        !takes || !capability.forced_tool_choice || clash
    }

    fn refuses_format(&self, raw: &str) -> bool {
        match json::member(raw, "type") {
            Some("\"json_schema\"") => !self.capability.json_schema,
            Some("\"json_object\"") => !self.capability.json_mode,
            _ => false,
        }
    }

    fn messages(&mut self, raw: &str, w: &mut Writer<'_>) {
        let (capability, switches) = (self.capability, &self.capability.chat);
        let looks = !capability.developer_role
            || capability.string_content
            || switches.call_ids != CallIds::Any
            || !switches.null_content
            || !switches.user_after_tool;
        if !looks {
            return w.raw("messages", raw);
        }
        w.array_in("messages", |w| {
            let mut after_tool = false;
            for message in json::elements(raw) {
                let role = json::member(message, "role").unwrap_or_default();
                if after_tool && role == "\"user\"" && !switches.user_after_tool {
                    self.edited = true;
                    let what = "a short assistant message was put between a tool result and what the user said";
                    self.report
                        .emulated(Member::Turns.of(Dialect::OpenAiChat), what);
                    w.object(|w| {
                        w.str("role", "assistant");
                        w.str("content", AFTER_TOOL);
                    });
                }
                after_tool = role == "\"tool\"";
                self.message(message, role, w);
            }
        });
    }

    fn message(&mut self, message: &str, role: &str, w: &mut Writer<'_>) {
        let (capability, switches) = (self.capability, &self.capability.chat);
        let content = json::member(message, "content");
        let is_list = content.is_some_and(|raw| raw.starts_with('['));
        let foreign_id = |raw: &str| {
            let id = Text::Json(raw).into_cow();
            matches!(crate::ident::nine(&id), Cow::Owned(_))
        };
        let ids = json::member(message, "tool_calls")
            .into_iter()
            .flat_map(json::elements);
        let mut ids = ids
            .filter_map(|call| json::member(call, "id"))
            .chain(json::member(message, "tool_call_id"))
            .filter(|raw| raw.starts_with('"'));
        let system_late = !capability.mid_system && matches!(role, "\"system\"" | "\"developer\"");
        if (is_list && capability.string_content)
            || (switches.call_ids == CallIds::Nine && ids.any(foreign_id))
            || (system_late && !w.buffer().ends_with(b"["))
        {
            self.translate = true;
        }
        let renamed = role == "\"developer\"" && !capability.developer_role;
        let filled = role == "\"assistant\""
            && !switches.null_content
            && content.is_none_or(|raw| raw == "null");
        if !renamed && !filled {
            return w.item_raw(message);
        }
        self.edited = true;
        w.object(|w| {
            for (name, range) in json::members(message) {
                match &*name {
                    "role" if renamed => w.str("role", "system"),
                    "content" if filled => {}
                    _ => w.raw(&name, &message[range]),
                }
            }
            if filled {
                w.str("content", "");
            }
        });
    }
}

#[cfg(test)]
#[path = "tests/fit.rs"]
mod tests;
