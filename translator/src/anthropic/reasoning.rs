//! How much to think: the client's wish in the words that the model takes.

use crate::Dialect;
use crate::capability::{Capability, ReasoningKnob};
use crate::fidelity::Report;
use crate::ir::{Effort, Reasoning, ReasoningMode, Request, Show};
use crate::member::Member;

/// The smallest budget that the service takes.
const BUDGET_MIN: u64 = 1024;
/// What an adaptive wish without an effort gets where only budgets are known.
const BUDGET_UNSTATED: i64 = 8192;

/// The `thinking` member and the effort beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thinking {
    pub(super) mode: Mode,
    /// The `display` word.
    pub(super) display: Option<&'static str>,
    /// `output_config.effort`.
    pub(super) effort: Option<Effort>,
}

/// The `type` of `thinking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Left to the service.
    Unset,
    Disabled,
    BetweenTools,
    Adaptive,
    /// With a budget in tokens.
    Enabled(u64),
}

impl Thinking {
    const fn of(mode: Mode) -> Self {
        Self {
            mode,
            display: None,
            effort: None,
        }
    }

    /// True when the model will think.
    pub(super) const fn is_on(&self, capability: &Capability) -> bool {
        match self.mode {
            Mode::Unset => capability.reasons_by_default,
            Mode::Disabled => false,
            Mode::BetweenTools | Mode::Adaptive | Mode::Enabled(_) => true,
        }
    }
}

/// True when the client itself asked for thinking.
pub(super) fn is_asked_for(reasoning: &Reasoning) -> bool {
    match reasoning.mode {
        ReasoningMode::Off => false,
        ReasoningMode::Unset => {
            reasoning.effort.is_some() || reasoning.budget.is_some_and(|budget| budget != 0)
        }
        ReasoningMode::On | ReasoningMode::Adaptive | ReasoningMode::BetweenTools => true,
    }
}

/// Decides how the model thinks. `limit` is the output limit that the client gave.
pub(super) fn plan(
    request: &Request<'_>,
    capability: &Capability,
    limit: Option<u64>,
    report: &mut Report,
) -> Thinking {
    let field = Member::Reasoning.of(request.dialect);
    let wish = &request.reasoning;
    let native = request.dialect == Dialect::Anthropic;
    let off = wish.mode == ReasoningMode::Off
        || (wish.budget == Some(0) && wish.mode != ReasoningMode::Adaptive);
    let mut thinking = match capability.reasoning {
        ReasoningKnob::AnthropicAdaptive if off => switched_off(capability, field, report),
        ReasoningKnob::AnthropicAdaptive => adaptive(wish, native, capability, field, report),
        ReasoningKnob::AnthropicBudget if off => Thinking::of(Mode::Disabled),
        ReasoningKnob::AnthropicBudget => budget(wish, native, capability, limit, field, report),
        _ => {
            if is_asked_for(wish) {
                report.dropped(field, "the model does not reason");
            }
            return Thinking::of(Mode::Unset);
        }
    };
    if matches!(thinking.mode, Mode::Adaptive | Mode::Enabled(_)) {
        thinking.display = match wish.show {
            Show::Summary(_) => Some("summarized"),
            Show::Hidden => Some("omitted"),
            // Chat has no word for it: whoever asks for an effort there is shown what there is.
            Show::Unset if request.dialect == Dialect::OpenAiChat => Some("summarized"),
            Show::Unset => None,
        };
    }
    if native && thinking.effort.is_none() {
        thinking.effort = beside(wish, thinking.mode, capability, report);
    }
    thinking
}

/// Effort in its own right: on this service it steers the length of answers even without thinking.
fn beside(
    wish: &Reasoning,
    mode: Mode,
    capability: &Capability,
    report: &mut Report,
) -> Option<Effort> {
    let effort = wish.effort?;
    let field = Member::Effort.of(Dialect::Anthropic);
    // Without thinking the highest efforts are refused.
    let wanted = if mode == Mode::Disabled {
        effort.min(Effort::High)
    } else {
        effort
    };
    let nearest = capability.nearest_effort(wanted);
    match nearest {
        None => report.dropped(field, "the model takes no effort"),
        Some(nearest) if nearest != effort => {
            report.clamped(field, "moved to the nearest effort that the model takes");
        }
        Some(_) => {}
    }
    nearest
}

fn switched_off(capability: &Capability, field: &'static str, report: &mut Report) -> Thinking {
    if capability.can_disable {
        return Thinking::of(Mode::Disabled);
    }
    if capability.between_tools {
        report.clamped(
            field,
            "thinking cannot be switched off; it is confined to tool loops",
        );
        return Thinking::of(Mode::BetweenTools);
    }
    report.clamped(
        field,
        "thinking cannot be switched off; the lowest effort is used",
    );
    Thinking {
        mode: Mode::Adaptive,
        display: None,
        effort: capability.nearest_effort(Effort::Low),
    }
}

fn adaptive(
    wish: &Reasoning,
    native: bool,
    capability: &Capability,
    field: &'static str,
    report: &mut Report,
) -> Thinking {
    if wish.mode == ReasoningMode::BetweenTools {
        if capability.between_tools {
            return Thinking::of(Mode::BetweenTools);
        }
        report.clamped(
            field,
            "the model does not confine thinking to tool loops; it thinks as it sees fit",
        );
    }
    // The service's own clients set effort and thinking apart from each other.
    if !is_asked_for(wish) || (native && wish.mode == ReasoningMode::Unset) {
        return Thinking::of(Mode::Unset);
    }
    let wanted = wish
        .effort
        .or_else(|| wish.budget.and_then(Effort::from_budget));
    let effort = wanted.and_then(|wanted| capability.nearest_effort(wanted));
    if let (Some(wanted), Some(effort)) = (wanted, effort)
        && effort < wanted
    {
        report.clamped(field, "moved to the nearest effort that the model takes");
    }
    Thinking {
        mode: Mode::Adaptive,
        display: None,
        effort,
    }
}

fn budget(
    wish: &Reasoning,
    native: bool,
    capability: &Capability,
    limit: Option<u64>,
    field: &'static str,
    report: &mut Report,
) -> Thinking {
    if !is_asked_for(wish) || (native && wish.mode == ReasoningMode::Unset && wish.budget.is_none())
    {
        return Thinking::of(Mode::Unset);
    }
    if wish.mode == ReasoningMode::BetweenTools {
        report.clamped(
            field,
            "the model does not confine thinking to tool loops; it thinks with a budget",
        );
    }
    let wanted = match (wish.budget.filter(|budget| *budget > 0), wish.effort) {
        (Some(budget), _) => budget,
        (None, Some(effort)) => effort_budget(effort, capability),
        (None, None) => BUDGET_UNSTATED,
    };
    let (low, high) = capability.budget;
    let wanted = wanted
        .clamp(low.max(1), high.max(1))
        .unsigned_abs()
        .max(BUDGET_MIN);
    let Some(limit) = limit.or(capability.max_output) else {
        return Thinking::of(Mode::Enabled(wanted));
    };
    if limit <= BUDGET_MIN {
        report.degraded(
            field,
            "the output limit leaves no room for thinking, which is off",
        );
        return Thinking::of(Mode::Disabled);
    }
    // Some of the limit is left for the answer itself.
    let room = limit.saturating_sub((limit / 4).max(512)).max(BUDGET_MIN);
    if wanted > room {
        report.clamped(field, "the budget was made smaller than the output limit");
    }
    Thinking::of(Mode::Enabled(wanted.min(room)))
}

fn effort_budget(effort: Effort, capability: &Capability) -> i64 {
    match effort {
        Effort::Minimal => 1_024,
        Effort::Low => 2_048,
        Effort::Medium => BUDGET_UNSTATED,
        Effort::High => 24_576,
        Effort::XHigh => 32_768,
        Effort::Max => {
            let most = capability.max_output.unwrap_or(capability.default_output);
            i64::try_from(most - most / 4).unwrap_or(i64::MAX)
        }
    }
}
