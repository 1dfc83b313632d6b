//! How much to think, written as `reasoning_effort` or in the form that the server has.
//!
//! `disabled` beats an effort, an effort beats a budget. Some models refuse function tools beside reasoning; for
//! them reasoning is switched off.

use super::encode_request::Draft;
use super::thinking;
use crate::capability::{ReasoningKnob, ToolsWithReasoning};
use crate::ir::{Effort, Reasoning, ReasoningMode, ToolChoice};
use crate::json::Writer;
use crate::member::Member;
use crate::switches::ThinkingSwitch;

/// What the client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// It did not say.
    Unset,
    Off,
    /// On, at the model's discretion.
    On,
    Effort(Effort),
}

impl Wish {
    pub(super) fn of(reasoning: &Reasoning) -> Self {
        if reasoning.mode == ReasoningMode::Off || reasoning.budget == Some(0) {
            return Self::Off;
        }
        match reasoning
            .effort
            .or_else(|| reasoning.budget.and_then(Effort::from_budget))
        {
            Some(effort) => Self::Effort(effort),
            None if matches!(reasoning.mode, ReasoningMode::On | ReasoningMode::Adaptive) => {
                Self::On
            }
            None => Self::Unset,
        }
    }
}

impl Draft<'_> {
    /// What is wanted, after what cannot go together has been settled: a demanded call and reasoning on some
    /// servers, reasoning and a whole answer on others.
    pub(super) fn plan_thinking(&mut self) -> Wish {
        let wish = Wish::of(&self.request.reasoning);
        let capability = self.capability;
        let controlled = capability.reasoning != ReasoningKnob::None;
        let asked = controlled && matches!(wish, Wish::On | Wish::Effort(_));
        let reasons = asked || (wish != Wish::Off && capability.reasons_by_default);
        let can_stop = controlled && capability.can_disable;
        if capability.chat.thinking_streamed_only && reasons && can_stop && !self.target.stream {
            if asked {
                let field = self.member(Member::Reasoning);
                self.report
                    .dropped(field, "this model reasons in streamed answers only");
            }
            return Wish::Off;
        }
        let forces = !self.request.tools.is_empty()
            && self
                .request
                .tool_choice
                .as_ref()
                .is_some_and(ToolChoice::forces);
        let clash = forces && capability.forced_tool_choice && !capability.forced_with_reasoning;
        if !clash || !(reasons || (capability.reasons_by_default && !can_stop)) {
            return wish;
        }
        if asked || !can_stop {
            self.soft_choice = true;
            return wish;
        }
        self.report.degraded(
            self.member(Member::Reasoning),
            "reasoning was switched off: a call is demanded, and this model takes not both",
        );
        Wish::Off
    }

    /// The members that the server's own switch takes, written or not, when the request says how to reason: what
    /// the client said in them has been read and is not repeated.
    pub(super) fn switch_members(&self) -> &'static [&'static str] {
        let switch = self.capability.chat.thinking;
        let said = Wish::of(&self.request.reasoning) != Wish::Unset;
        let rewritten = said || self.capability.chat.thinking_streamed_only;
        if switch == ThinkingSwitch::Effort
            || !rewritten
            || self.capability.reasoning == ReasoningKnob::None
        {
            return &[];
        }
        switch.members()
    }

    /// Writes how to reason. True when the model will reason as far as can be known.
    pub(super) fn reasoning(&mut self, wish: Wish, functions: bool, w: &mut Writer<'_>) -> bool {
        if self.capability.reasoning == ReasoningKnob::None {
            if matches!(wish, Wish::Effort(_)) {
                self.report.dropped(
                    self.member(Member::Reasoning),
                    "the model's reasoning cannot be controlled",
                );
            }
            return self.capability.reasons_by_default;
        }
        let forbidden = functions && self.tools_forbid(wish);
        if forbidden {
            if wish != Wish::Off {
                self.report.dropped(
                    self.member(Member::Reasoning),
                    "the model takes function tools only without reasoning here",
                );
            }
            w.str("reasoning_effort", "none");
            return false;
        }
        if self.capability.chat.thinking != ThinkingSwitch::Effort {
            return self.switch(wish, w);
        }
        match wish {
            Wish::Unset | Wish::On => self.capability.reasons_by_default,
            Wish::Off => self.off(w),
            Wish::Effort(effort) => self.effort(effort, w),
        }
    }

    /// A switch of the server's own form.
    fn switch(&mut self, wish: Wish, w: &mut Writer<'_>) -> bool {
        let on = match wish {
            Wish::Unset => return self.capability.reasons_by_default,
            Wish::Off => false,
            Wish::On | Wish::Effort(_) => true,
        };
        if !on && !self.capability.can_disable {
            let field = self.member(Member::Reasoning);
            self.report
                .degraded(field, "reasoning cannot be switched off");
            return true;
        }
        if !thinking::write(on, &self.request.reasoning, self.capability, w) {
            let field = self.member(Member::Reasoning);
            self.report
                .degraded(field, "reasoning was switched on: its amount cannot be set");
        }
        on
    }

    fn tools_forbid(&self, wish: Wish) -> bool {
        match self.capability.tools_with_reasoning {
            ToolsWithReasoning::Yes => false,
            ToolsWithReasoning::NotWithEffort => matches!(wish, Wish::Effort(_)),
            ToolsWithReasoning::OnlyWithNone => true,
        }
    }

    fn off(&mut self, w: &mut Writer<'_>) -> bool {
        if self.capability.can_disable {
            // Servers that do not reason by themselves often do not know the word.
            if self.capability.openai_members
                || self.capability.reasons_by_default
                || self.is_native()
            {
                w.str("reasoning_effort", "none");
            }
            return false;
        }
        if let Some(least) = self.capability.nearest_effort(Effort::Minimal) {
            self.report.clamped(
                self.member(Member::Reasoning),
                format!(
                    "reasoning cannot be switched off: {} was asked for",
                    least.as_str()
                ),
            );
            w.str("reasoning_effort", least.as_str());
        }
        true
    }

    fn effort(&mut self, wish: Effort, w: &mut Writer<'_>) -> bool {
        let Some(nearest) = self.capability.nearest_effort(wish) else {
            self.report
                .dropped(self.member(Member::Reasoning), "the model takes no effort");
            return self.capability.reasons_by_default;
        };
        if nearest != wish {
            self.report.clamped(
                self.member(Member::Reasoning),
                format!(
                    "the model has no {}: {} was asked for",
                    wish.as_str(),
                    nearest.as_str()
                ),
            );
        }
        w.str("reasoning_effort", nearest.as_str());
        true
    }
}
