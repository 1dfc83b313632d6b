//! A place a request might go, and whether this caller may go there.

use std::sync::Arc;

use super::plan::PlannedTarget;
use super::request::Facts;
use super::trace::{SkipReason, TraceStep};
use crate::snapshot::{KeyPool, Mode, Provider, Role, Rule, Snapshot};

/// A possible target before it is put in order.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) provider: Arc<Provider>,
    pub(super) model: Arc<str>,
    pub(super) pool: Arc<KeyPool>,
    pub(super) weight: u32,
}

impl Candidate {
    pub(super) fn new(provider: &Arc<Provider>, model: Arc<str>) -> Self {
        Self {
            provider: provider.clone(),
            model,
            pool: provider.pool.clone(),
            weight: provider.weight,
        }
    }

    /// Whether it may serve: the caller's rights, and the dialect in direct mode.
    pub(super) fn admit(
        &self,
        snapshot: &Snapshot,
        facts: &Facts<'_>,
        rule: Option<&Rule>,
    ) -> Result<(), SkipReason> {
        if facts
            .client_key
            .is_some_and(|key| !key.allows_provider(&self.provider.name))
        {
            return Err(SkipReason::NotAllowed);
        }
        if self.mode(snapshot, rule) == Mode::Direct && self.provider.dialect != facts.ingress {
            return Err(SkipReason::OtherDialect);
        }
        Ok(())
    }

    fn mode(&self, snapshot: &Snapshot, rule: Option<&Rule>) -> Mode {
        rule.and_then(|rule| rule.mode)
            .or(self.provider.mode)
            .unwrap_or(snapshot.mode)
    }

    pub(super) fn planned(self, snapshot: &Snapshot, rule: Option<&Rule>) -> PlannedTarget {
        let mode = self.mode(snapshot, rule);
        let params = rule.and_then(|rule| rule.params.clone());
        PlannedTarget {
            provider: self.provider,
            model: self.model,
            pool: self.pool,
            mode,
            params,
        }
    }
}

/// Leaves out what may not serve, with a trace; keeps the reason of the last one left out.
pub(super) fn admit_all(
    candidates: &mut Vec<Candidate>,
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    rule: Option<&Rule>,
    trace: &mut Vec<TraceStep>,
) -> Option<(Arc<str>, SkipReason)> {
    let mut last = None;
    candidates.retain(|candidate| match candidate.admit(snapshot, facts, rule) {
        Ok(()) => true,
        Err(why) => {
            let provider = candidate.provider.name.clone();
            trace.push(TraceStep::TargetSkipped {
                provider: provider.clone(),
                why,
            });
            last = Some((provider, why));
            false
        }
    });
    last
}

/// What a provider calls the model that was asked for: its own name if it lists it, its list for the
/// role that the name asks for, else the name.
pub(super) fn model_for(provider: &Provider, name: &str) -> Arc<str> {
    if let Some(listed) = provider.lists(name) {
        return listed.clone();
    }
    let by_role = Role::of(name).and_then(|role| provider.role_models(role).first());
    by_role.cloned().unwrap_or_else(|| name.into())
}
