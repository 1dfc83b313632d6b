//! The plan of a request: who is asked first, who follows, and why.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Chooser;
use super::condition::{check, strip_provider};
use super::no_route::{NoRoute, presentable};
use super::order::order;
use super::request::{Facts, Request};
use super::resolution::{is_explained, known_names, resolve, stands_for};
use super::target::{Candidate, admit_all, model_for};
use super::trace::{SkipReason, TraceStep};
use super::{closest, owner};
use crate::snapshot::{KeyPool, Mode, Provider, Rule, Snapshot};

/// Longer names are unknown without a look: no model is called that, and every rule would read it.
const LONGEST_MODEL: usize = 512;

/// Where a request goes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The rule's name, or `pin`, `model-prefix`, `alias`, `role`, `listed`, `catalogue`, `preferred`.
    pub route: Arc<str>,
    /// In the order in which they are tried; never empty.
    pub targets: Vec<PlannedTarget>,
    /// How it came to this.
    pub trace: Vec<TraceStep>,
}

/// One target of a plan.
#[derive(Clone, Debug)]
pub struct PlannedTarget {
    /// Who is asked.
    pub provider: Arc<Provider>,
    /// For which model.
    pub model: Arc<str>,
    /// With which keys.
    pub pool: Arc<KeyPool>,
    /// Whether the hub may translate.
    pub mode: Mode,
    /// Parameters to put in or over the request's, by canonical name.
    pub params: Option<Arc<Map<String, Value>>>,
}

/// What was left out so far, to say why if nothing remains.
type LeftOut = Option<(Arc<str>, SkipReason)>;

/// Plans a request.
///
/// # Errors
/// When nothing can serve it.
pub fn plan(snapshot: &Snapshot, facts: &Facts<'_>, choose: &dyn Chooser) -> Result<Plan, NoRoute> {
    if facts.model.len() > LONGEST_MODEL {
        return Err(NoRoute::UnknownModel {
            model: presentable(facts.model),
            closest: Vec::new(),
        });
    }
    allow_model(snapshot, facts)?;
    if let Some(pin) = facts.pin {
        return pinned(snapshot, facts, pin);
    }
    let mut trace = Vec::with_capacity(4);
    let mut left_out = None;
    if let Some(plan) = by_rule(snapshot, facts, choose, &mut trace, &mut left_out) {
        return Ok(plan);
    }
    let Some(mut found) = resolve(snapshot, facts.model, choose, &mut trace) else {
        return Err(nowhere(snapshot, facts, left_out));
    };
    if let Some(last) = admit_all(&mut found.candidates, snapshot, facts, None, &mut trace) {
        left_out = Some(last);
    }
    if found.candidates.is_empty() {
        return Err(nowhere(snapshot, facts, left_out));
    }
    let targets = found
        .candidates
        .into_iter()
        .map(|candidate| candidate.planned(snapshot, None))
        .collect();
    Ok(Plan {
        route: found.route.into(),
        targets,
        trace,
    })
}

/// Says of every rule whether it holds and why not, down to the one that decides. For people; a
/// request does not pay for it.
#[must_use]
pub fn explain(snapshot: &Snapshot, facts: &Facts<'_>) -> Vec<TraceStep> {
    let request = Request::new(facts, &snapshot.matchers);
    let mut steps = Vec::new();
    for rule in snapshot.rules.iter() {
        let name = rule.name.clone();
        match check(&rule.matches, &request, || {
            is_explained(snapshot, facts.model)
        }) {
            Err(why) => steps.push(TraceStep::RulePassedOver { rule: name, why }),
            Ok(()) => {
                let mut candidates = candidates(rule, facts.model, &mut steps);
                admit_all(&mut candidates, snapshot, facts, Some(rule), &mut steps);
                if !candidates.is_empty() {
                    steps.push(TraceStep::RuleMatched(name));
                    return steps;
                }
                steps.push(TraceStep::RuleWithoutTarget(name));
            }
        }
    }
    steps
}

fn by_rule(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    choose: &dyn Chooser,
    trace: &mut Vec<TraceStep>,
    left_out: &mut LeftOut,
) -> Option<Plan> {
    let request = Request::new(facts, &snapshot.matchers);
    let mut without_target = 0;
    for (index, rule) in snapshot.rules.for_model(facts.model) {
        if check(&rule.matches, &request, || {
            is_explained(snapshot, facts.model)
        })
        .is_err()
        {
            continue;
        }
        let passed_over = index - without_target;
        let mut candidates = candidates(rule, facts.model, trace);
        if let Some(last) = admit_all(&mut candidates, snapshot, facts, Some(rule), trace) {
            *left_out = Some(last);
        }
        if candidates.is_empty() {
            trace.push(TraceStep::RuleWithoutTarget(rule.name.clone()));
            without_target += 1;
            continue;
        }
        if passed_over > 0 {
            trace.push(TraceStep::RulesPassedOver(passed_over));
        }
        trace.push(TraceStep::RuleMatched(rule.name.clone()));
        if candidates.len() > 1 {
            order(&mut candidates, rule.strategy, &rule.name, choose);
            trace.push(TraceStep::Ordered(rule.strategy));
        }
        let targets = candidates
            .into_iter()
            .map(|candidate| candidate.planned(snapshot, Some(rule)))
            .collect();
        return Some(Plan {
            route: rule.name.clone(),
            targets,
            trace: std::mem::take(trace),
        });
    }
    let passed_over = snapshot.rules.len() - without_target;
    if passed_over > 0 {
        trace.push(TraceStep::RulesPassedOver(passed_over));
    }
    None
}

/// The targets of a rule whose providers are enabled.
fn candidates(rule: &Rule, model: &str, trace: &mut Vec<TraceStep>) -> Vec<Candidate> {
    let mut candidates = Vec::with_capacity(rule.targets.len());
    for target in &rule.targets {
        let Some(provider) = &target.provider else {
            let why = SkipReason::NotEnabled;
            trace.push(TraceStep::TargetSkipped {
                provider: target.name.clone(),
                why,
            });
            continue;
        };
        let model = target.model.clone().unwrap_or_else(|| {
            let name = strip_provider(model, provider).unwrap_or(model);
            model_for(provider, name)
        });
        let pool = target.pool.as_ref().unwrap_or(&provider.pool).clone();
        candidates.push(Candidate {
            provider: provider.clone(),
            model,
            pool,
            weight: target.weight,
        });
    }
    candidates
}

/// The provider that the caller chose, and no other.
fn pinned(snapshot: &Snapshot, facts: &Facts<'_>, pin: &str) -> Result<Plan, NoRoute> {
    if facts.client_key.is_some_and(|key| !key.may_pin) {
        return Err(NoRoute::PinNotAllowed);
    }
    let Some(provider) = snapshot.provider(pin) else {
        // Only names this caller may reach are offered.
        let names = snapshot.providers.iter().map(|provider| &*provider.name);
        let names =
            names.filter(|name| facts.client_key.is_none_or(|key| key.allows_provider(name)));
        return Err(NoRoute::UnknownPin {
            provider: presentable(pin),
            closest: closest(pin, names, 3),
        });
    };
    let name = strip_provider(facts.model, provider).unwrap_or(facts.model);
    let model = snapshot.roles.alias(name).map_or_else(
        || model_for(provider, name),
        |alias| model_for(provider, strip_provider(alias, provider).unwrap_or(alias)),
    );
    let candidate = Candidate::new(provider, model);
    if let Err(why) = candidate.admit(snapshot, facts, None) {
        return Err(nowhere(snapshot, facts, Some((provider.name.clone(), why))));
    }
    let trace = vec![TraceStep::Pinned(provider.name.clone())];
    Ok(Plan {
        route: "pin".into(),
        targets: vec![candidate.planned(snapshot, None)],
        trace,
    })
}

/// A key with a list of models may ask for these, with or without the provider before them.
fn allow_model(snapshot: &Snapshot, facts: &Facts<'_>) -> Result<(), NoRoute> {
    let Some(key) = facts.client_key else {
        return Ok(());
    };
    if key.allowed_models.is_none() || key.allows_model(facts.model) {
        return Ok(());
    }
    let bare = named_provider(snapshot, facts.model).map(|(_, rest)| rest);
    if bare.is_some_and(|bare| key.allows_model(bare)) {
        return Ok(());
    }
    Err(NoRoute::NotAllowed {
        model: presentable(facts.model),
        provider: None,
    })
}

/// The enabled provider that a name begins with, and the rest of the name.
pub(super) fn named_provider<'s, 'm>(
    snapshot: &'s Snapshot,
    model: &'m str,
) -> Option<(&'s Arc<Provider>, &'m str)> {
    let (head, rest) = model.split_once('/')?;
    if rest.is_empty() {
        return None;
    }
    let exact = snapshot.provider(head);
    let folded = || {
        snapshot
            .providers
            .iter()
            .find(|provider| provider.name.eq_ignore_ascii_case(head))
    };
    exact
        .or_else(folded)
        .or_else(|| owner::vendor(snapshot, head))
        .map(|provider| (provider, rest))
}

fn nowhere(snapshot: &Snapshot, facts: &Facts<'_>, left_out: LeftOut) -> NoRoute {
    let model = presentable(facts.model);
    match left_out {
        Some((provider, SkipReason::NotAllowed)) => NoRoute::NotAllowed {
            model,
            provider: Some(provider.as_ref().into()),
        },
        Some((_, SkipReason::OtherDialect)) => NoRoute::NotDirect {
            model,
            ingress: facts.ingress,
        },
        Some((_, SkipReason::NotEnabled)) | None => {
            if let Some(target) = stands_for(snapshot, facts.model) {
                let target = presentable(target);
                return NoRoute::Unserved { model, target };
            }
            let names = known_names(snapshot, facts.client_key);
            let closest = closest(facts.model, names.iter().map(|name| &**name), 3);
            NoRoute::UnknownModel { model, closest }
        }
    }
}
