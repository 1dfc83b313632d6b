//! The switch for reasoning in the form that a server has it.
//!
//! Decides nothing: `reasoning` says what is wanted, this writes it.

use crate::capability::Capability;
use crate::ir::{Effort, Reasoning, Show};
use crate::json::Writer;
use crate::switches::ThinkingSwitch;

/// Writes the switch, on or off. Only the forms that are no plain effort word. True when the wish came through
/// whole, false when an amount was lost.
pub(super) fn write(
    on: bool,
    wish: &Reasoning,
    capability: &Capability,
    w: &mut Writer<'_>,
) -> bool {
    let asked = on && (wish.effort.is_some() || wish.budget.is_some_and(|budget| budget > 0));
    match capability.chat.thinking {
        ThinkingSwitch::Effort => {}
        ThinkingSwitch::Type => {
            w.object_in("thinking", |w| {
                w.str("type", if on { "enabled" } else { "disabled" });
            });
            return !asked;
        }
        ThinkingSwitch::Enable => {
            w.bool("enable_thinking", on);
            if let Some(budget) = budget(wish, capability).filter(|_| on) {
                w.int("thinking_budget", budget);
            }
        }
        ThinkingSwitch::Object => w.object_in("reasoning", |w| object(on, wish, capability, w)),
        ThinkingSwitch::Template => {
            w.object_in("chat_template_kwargs", |w| w.bool("enable_thinking", on));
            return !asked;
        }
    }
    true
}

/// An amount is a budget or an effort, never both.
fn object(on: bool, wish: &Reasoning, capability: &Capability, w: &mut Writer<'_>) {
    let tokens = wish
        .budget
        .filter(|budget| *budget > 0 && wish.effort.is_none());
    match (on, tokens, wish.effort) {
        (false, ..) => w.str("effort", "none"),
        (true, Some(tokens), _) => w.int("max_tokens", within(tokens, capability)),
        (true, None, Some(effort)) => {
            let nearest = capability.nearest_effort(effort).unwrap_or(effort);
            w.str("effort", nearest.as_str());
        }
        (true, None, None) => w.bool("enabled", true),
    }
    if wish.show == Show::Hidden {
        w.bool("exclude", true);
    }
}

/// The tokens that were asked for, in so many words or by an effort.
fn budget(wish: &Reasoning, capability: &Capability) -> Option<i64> {
    let tokens = wish
        .budget
        .filter(|budget| *budget > 0)
        .or(wish.effort.map(Effort::budget))?;
    Some(within(tokens, capability))
}

fn within(tokens: i64, capability: &Capability) -> i64 {
    let (least, most) = capability.budget;
    if most > 0 {
        tokens.clamp(least, most)
    } else {
        tokens
    }
}
