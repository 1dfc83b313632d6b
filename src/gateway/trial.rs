//! Where a request would go and what would be sent, for those who look after routes: every rule with the reason
//! why it does or does not hold, all targets, and the final request of the first one. Nothing is sent.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use translator::Dialect;
use translator::error::{Failure, FailureKind};

use super::explain::{order, shown};
use super::generate::planned;
use super::headers::BRIDGE_PROVIDER;
use super::hub::Hub;
use super::models;
use super::peek::Peek;
use super::portrayal;
use super::prepare::{Lane, prepare};
use super::responses;
use super::service::Caller;
use crate::ledger::Change;
use crate::routing::{Facts, PlannedTarget, TraceStep, explain};
use crate::snapshot::{ClientKey, Snapshot};

/// A request to try.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The client's dialect.
    pub dialect: Dialect,
    /// The client's body.
    pub body: Bytes,
    /// The model; the body's own when absent.
    pub model: Option<String>,
    /// The client's headers.
    pub headers: HeaderMap,
    /// Who asks; nobody on an open hub.
    pub client_key: Option<Arc<ClientKey>>,
    /// Refuse what cannot be carried without loss.
    pub strict: bool,
}

/// What a rule had to say.
#[derive(Clone, Debug)]
pub struct RuleFinding {
    /// The rule.
    pub rule: String,
    /// It decides.
    pub matched: bool,
    /// Why not, or what is odd about it.
    pub why: Option<String>,
}

/// Somebody who would be asked.
#[derive(Clone, Debug)]
pub struct TrialTarget {
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// Whose keys.
    pub key_pool: String,
    /// Whether the hub may translate.
    pub mode: &'static str,
}

/// The request as it would be sent.
#[derive(Clone, Debug)]
pub struct FinalRequest {
    /// `bytes` or `translated`.
    pub lane: &'static str,
    /// Where to.
    pub url: String,
    /// With which headers; no secret is among them.
    pub headers: serde_json::Map<String, Value>,
    /// With which body.
    pub body: Value,
    /// What was changed or lost.
    pub losses: Vec<Change>,
}

/// Where a request would go.
#[derive(Clone, Debug)]
pub struct TrialReport {
    /// The model that was asked for.
    pub model: String,
    /// The rule that decides, or how the name was resolved.
    pub route: Option<String>,
    /// The rules, in the order in which they are looked at; those after the one that decides are not looked at.
    pub rules: Vec<RuleFinding>,
    /// The further steps of the decision.
    pub steps: Vec<String>,
    /// Who would be asked, in order.
    pub targets: Vec<TrialTarget>,
    /// What the first target would be sent.
    pub request: Option<FinalRequest>,
    /// Why it comes to nothing.
    pub refusal: Option<String>,
}

/// Tries a request.
///
/// # Errors
/// When the body is no request; that nobody can serve it is a finding.
pub fn try_route(
    hub: &Arc<Hub>,
    snapshot: &Arc<Snapshot>,
    trial: Trial,
) -> Result<TrialReport, Failure> {
    let peek = Peek::at(&trial.body)?;
    let own = peek
        .model
        .as_ref()
        .map(|(_, name)| name.strip_prefix("models/").unwrap_or(name).to_owned());
    let model = trial.model.clone().or(own);
    let model = model.filter(|model| !model.is_empty()).ok_or_else(|| {
        Failure::new(
            FailureKind::InvalidRequest,
            "say the model, in the request or beside it",
        )
        .with_param("model")
    })?;
    let mut report = TrialReport {
        rules: findings(snapshot, &trial, &model),
        model: model.clone(),
        route: None,
        steps: Vec::new(),
        targets: Vec::new(),
        request: None,
        refusal: None,
    };
    let caller = Caller {
        hub: Arc::clone(hub),
        snapshot: Arc::clone(snapshot),
        request_id: String::new(),
        key: trial.client_key.clone(),
    };
    let plan = match planned(&caller, trial.dialect, &model, &trial.body, &trial.headers) {
        Ok(plan) => plan,
        Err(failure) => {
            report.refusal = Some(failure.message);
            return Ok(report);
        }
    };
    report.route = Some(plan.route.to_string());
    report.steps = plan
        .trace
        .iter()
        .filter(|step| !matches!(step, TraceStep::RulesPassedOver(_)))
        .map(ToString::to_string)
        .collect();
    report.targets = plan.targets.iter().map(target).collect();
    let mut order = order(
        &caller,
        &trial.headers,
        trial.dialect,
        model,
        trial.body,
        peek,
        trial.strict,
        plan,
    );
    if trial.dialect == Dialect::OpenAiResponses
        && let Err(failure) = responses::recall(&mut order)
    {
        report.refusal = Some(failure.message);
        return Ok(report);
    }
    let Some(first) = order.targets.first() else {
        return Ok(report);
    };
    match prepare(&order, first, false) {
        Ok(prepared) => {
            report.request = Some(FinalRequest {
                lane: portrayal::lane(matches!(prepared.lane, Lane::Same { .. })),
                url: prepared.uri.to_string(),
                headers: shown(&prepared, first),
                body: serde_json::from_slice(&prepared.body.whole()).unwrap_or_default(),
                losses: prepared.report.entries().iter().map(Into::into).collect(),
            });
        }
        Err(failure) => report.refusal = Some(failure.message),
    }
    Ok(report)
}

fn target(planned: &PlannedTarget) -> TrialTarget {
    TrialTarget {
        provider: planned.provider.name.to_string(),
        model: planned.model.to_string(),
        dialect: planned.provider.dialect,
        key_pool: planned.pool.name.to_string(),
        mode: planned.mode.as_str(),
    }
}

/// What each rule says, down to the one that decides.
fn findings(snapshot: &Snapshot, trial: &Trial, model: &str) -> Vec<RuleFinding> {
    let facts = Facts {
        ingress: trial.dialect,
        model: models::plain_name(trial.dialect, model),
        body: &trial.body,
        headers: &trial.headers,
        client_key: trial.client_key.as_deref(),
        pin: None,
    };
    // A pin goes past the rules.
    if trial.headers.contains_key(&BRIDGE_PROVIDER) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut skipped = Vec::new();
    for step in explain(snapshot, &facts) {
        let (rule, matched, why) = match &step {
            TraceStep::RulePassedOver { rule, why } => (rule, false, Some(why.to_string())),
            TraceStep::RuleMatched(rule) => (rule, true, None),
            TraceStep::RuleWithoutTarget(rule) => (
                rule,
                false,
                Some("none of its targets can serve".to_owned()),
            ),
            other => {
                skipped.push(other.to_string());
                continue;
            }
        };
        let mut words: Vec<String> = why.into_iter().collect();
        words.append(&mut skipped);
        findings.push(RuleFinding {
            rule: rule.to_string(),
            matched,
            why: (!words.is_empty()).then(|| words.join("; ")),
        });
    }
    let decided = findings
        .last()
        .filter(|last| last.matched)
        .map(|last| last.rule.clone());
    if let Some(decided) = decided {
        let rest = snapshot.rules.iter().skip(findings.len());
        findings.extend(rest.map(|rule| RuleFinding {
            rule: rule.name.to_string(),
            matched: false,
            why: Some(format!("not looked at, since `{decided}` decides")),
        }));
    }
    findings
}
