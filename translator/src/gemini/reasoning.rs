//! `thinkingConfig`, both ways: a level, or a budget in tokens.

use super::wire_request::Thinking;
use crate::Dialect;
use crate::capability::{Capability, ReasoningKnob};
use crate::fidelity::Report;
use crate::ir::{Effort, Reasoning, ReasoningMode, Request, Show, Summary};
use crate::json::Writer;
use crate::member::Member;
use crate::wire::Number;

pub(super) fn read(wire: &Thinking<'_>) -> Reasoning {
    let budget = wire.budget.and_then(Number::as_i64);
    let mode = match budget {
        Some(0) => ReasoningMode::Off,
        Some(..0) => ReasoningMode::Adaptive,
        Some(_) => ReasoningMode::On,
        None => ReasoningMode::Unset,
    };
    let show = match wire.include {
        Some(true) => Show::Summary(Summary::Auto),
        Some(false) => Show::Hidden,
        None => Show::Unset,
    };
    let effort = wire
        .level
        .as_ref()
        .and_then(|level| Effort::parse(level.as_str()));
    Reasoning {
        mode,
        effort,
        budget: budget.filter(|&n| n != 0),
        show,
    }
}

/// What goes into `thinkingConfig`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Config {
    level: Option<Effort>,
    budget: Option<i64>,
    include: bool,
}

impl Config {
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    pub(super) fn write(self, w: &mut Writer<'_>) {
        w.object_in("thinkingConfig", |w| {
            if let Some(level) = self.level {
                w.str("thinkingLevel", &level.as_str().to_ascii_uppercase());
            }
            if let Some(budget) = self.budget {
                w.int("thinkingBudget", budget);
            }
            if self.include {
                w.bool("includeThoughts", true);
            }
        });
    }
}

pub(super) fn config(
    request: &Request<'_>,
    capability: &Capability,
    report: &mut Report,
) -> Config {
    let wish = &request.reasoning;
    let member = Member::Reasoning.of(request.dialect);
    let off = wish.mode == ReasoningMode::Off;
    let mut config = Config::default();
    match capability.reasoning {
        ReasoningKnob::GeminiBudget => config.budget = budget(wish, capability, member, report),
        ReasoningKnob::GeminiLevel => config.level = level(wish, capability, member, report),
        _ => {
            if !off && (wish.effort.is_some() || wish.budget.is_some()) {
                report.dropped(member, "the model does not reason");
            }
            return config;
        }
    }
    config.include = match wish.show {
        Show::Summary(_) => true,
        Show::Hidden => false,
        Show::Unset => {
            // Clients of these dialects see reasoning wherever it was asked for.
            let shown = matches!(request.dialect, Dialect::OpenAiChat | Dialect::Anthropic);
            shown && !off && (wish.effort.is_some() || wish.budget.is_some() || is_on(wish.mode))
        }
    } && config.budget != Some(0);
    config
}

const fn is_on(mode: ReasoningMode) -> bool {
    matches!(mode, ReasoningMode::On | ReasoningMode::Adaptive)
}

fn level(
    wish: &Reasoning,
    capability: &Capability,
    member: &'static str,
    report: &mut Report,
) -> Option<Effort> {
    let off = wish.mode == ReasoningMode::Off;
    let effort = if off {
        Effort::Minimal
    } else {
        wish.effort
            .or_else(|| wish.budget.and_then(Effort::from_budget))?
    };
    // Between low and high there may be nothing: more thought is the smaller harm.
    let above = || {
        capability
            .efforts
            .iter()
            .copied()
            .filter(|level| *level > effort)
            .min()
    };
    let level = if capability.efforts.contains(&effort) {
        effort
    } else if effort == Effort::Medium
        && let Some(above) = above()
    {
        above
    } else {
        capability.nearest_effort(effort)?
    };
    if off {
        report.clamped(
            member,
            format!(
                "the model cannot stop reasoning; level {} is its least",
                level.as_str()
            ),
        );
    } else if level != effort {
        report.clamped(
            member,
            format!("{} became {}", effort.as_str(), level.as_str()),
        );
    }
    Some(level)
}

fn budget(
    wish: &Reasoning,
    capability: &Capability,
    member: &'static str,
    report: &mut Report,
) -> Option<i64> {
    let (least, most) = capability.budget;
    if wish.mode == ReasoningMode::Off {
        if capability.can_disable {
            return Some(0);
        }
        report.clamped(
            member,
            format!("the model cannot stop reasoning; {least} tokens are its least"),
        );
        return Some(least);
    }
    let wanted = match (wish.budget, wish.effort) {
        (Some(tokens), _) if tokens < 0 => return Some(-1),
        (Some(tokens), _) => tokens,
        (None, Some(effort)) => return Some(tokens_of(effort, most).clamp(least, most)),
        (None, None) if wish.mode == ReasoningMode::Adaptive => return Some(-1),
        (None, None) => return None,
    };
    let tokens = wanted.clamp(least, most);
    if tokens != wanted {
        report.clamped(member, format!("{wanted} tokens became {tokens}"));
    }
    Some(tokens)
}

/// The vendor's own equivalents of effort words.
const fn tokens_of(effort: Effort, most: i64) -> i64 {
    match effort {
        Effort::Minimal | Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High => 24_576,
        Effort::XHigh => 32_768,
        Effort::Max => most,
    }
}
