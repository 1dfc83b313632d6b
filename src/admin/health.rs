//! How providers fare: from live traffic, and by asking them when somebody wants to know.
//!
//! Nothing is asked of a provider by itself, so that no tokens are spent unnoticed.

use std::collections::BTreeMap;
use std::time::Instant;

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};

use super::Admin;
use super::page::{Page, Range};
use super::person::{Role, Session};
use super::problem::{Answer, Problem};
use super::provider_trials::{TestResult, usual_model};
use crate::config::{ProviderSettings, Settings};
use crate::gateway::{self, Checked};
use crate::pool::{BreakerPhase, BreakerState, KeyStats};
use crate::store::HealthFinding;
use crate::store::entities::health_check::Model;

/// Checks that run at the same time.
const AT_ONCE: usize = 4;

/// How a provider fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enum)]
#[oai(rename_all = "snake_case")]
pub(super) enum HealthState {
    /// It serves.
    Healthy,
    /// Some of its models or keys do not.
    PartiallyHealthy,
    /// It does not serve.
    Unhealthy,
    /// Nobody knows: no request went there yet.
    Unchecked,
}

/// A breaker.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Breaker {
    /// The provider.
    provider: String,
    /// The model.
    model: String,
    /// `closed` lets calls pass, `open` refuses them, `half-open` lets one pass to see.
    phase: String,
    /// Failures in a row.
    failures: u32,
    /// Seconds until the next try, while open.
    retry_seconds: Option<u64>,
}

/// What a check found.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct HealthCheck {
    /// Names it.
    id: String,
    /// When, in milliseconds since 1970.
    at: i64,
    /// It gave an answer.
    ok: bool,
    /// The status, if an answer came.
    status: Option<i64>,
    /// How long it took.
    latency_ms: i64,
    /// The model that was asked.
    model: String,
    /// What went wrong.
    error: Option<String>,
}

/// A provider's health.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ProviderHealth {
    /// The provider.
    name: String,
    /// Whether it is in use.
    enabled: bool,
    /// How it fares.
    state: HealthState,
    /// Why.
    reasons: Vec<String>,
    /// Requests in flight.
    in_flight: u64,
    /// Recent time to the first byte in milliseconds, by model.
    latency_ms: BTreeMap<String, f64>,
    /// Its breakers that were ever needed.
    breakers: Vec<Breaker>,
    /// How many of its keys are ready, and how many there are.
    keys_ready: u64,
    /// How many keys there are.
    keys: u64,
    /// What the last check found.
    last_check: Option<HealthCheck>,
}

/// The health of all.
#[derive(Clone, Debug, Object)]
pub(super) struct Health {
    /// How providers in use fare together.
    state: HealthState,
    /// Each provider.
    providers: Vec<ProviderHealth>,
}

/// How a check of one of many went.
#[derive(Clone, Debug, Object)]
pub(super) struct NamedCheck {
    /// The provider.
    provider: String,
    #[oai(flatten)]
    result: TestResult,
}

/// How many were touched.
#[derive(Clone, Debug, Object)]
pub(super) struct HealthReset {
    /// Breakers that were closed.
    breakers: u64,
    /// Keys whose rest was ended.
    keys: u64,
}

impl From<BreakerState> for Breaker {
    fn from(state: BreakerState) -> Self {
        Self {
            provider: state.provider.to_string(),
            model: state.model.to_string(),
            phase: match state.phase {
                BreakerPhase::Closed => "closed",
                BreakerPhase::Open => "open",
                BreakerPhase::HalfOpen => "half-open",
            }
            .to_owned(),
            failures: state.failures,
            retry_seconds: state.retry_seconds,
        }
    }
}

impl From<Model> for HealthCheck {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            at: row.at,
            ok: row.ok,
            status: row.status,
            latency_ms: row.latency_ms,
            model: row.model,
            error: row.error,
        }
    }
}

/// What traffic and the last check say.
fn verdict(
    breakers: &[Breaker],
    keys: &[&KeyStats],
    key_count: usize,
    last: Option<&HealthCheck>,
) -> (HealthState, Vec<String>) {
    let mut reasons = Vec::new();
    let closed = breakers.iter().filter(|breaker| breaker.phase == "closed");
    let shut = breakers.len() - closed.count();
    for breaker in breakers.iter().filter(|breaker| breaker.phase != "closed") {
        reasons.push(format!(
            "the breaker of `{}` is {} after {} failures",
            breaker.model, breaker.phase, breaker.failures
        ));
    }
    for breaker in breakers
        .iter()
        .filter(|one| one.phase == "closed" && one.failures > 0)
    {
        reasons.push(format!(
            "`{}` failed {} times in a row",
            breaker.model, breaker.failures
        ));
    }
    let refused = keys.iter().filter(|key| key.state == "quarantined").count();
    let resting = keys.iter().filter(|key| key.state == "cooling").count();
    if refused > 0 {
        reasons.push(format!("{refused} of {key_count} keys were refused"));
    }
    if resting > 0 {
        reasons.push(format!(
            "{resting} of {key_count} keys rest after a rate limit"
        ));
    }
    if let Some(last) = last.filter(|last| !last.ok) {
        let words = last.error.as_deref().unwrap_or("no answer");
        reasons.push(format!("the last check failed: {words}"));
    }
    let used = keys.iter().any(|key| key.total > 0);
    let all_shut = shut > 0 && shut == breakers.len();
    let no_keys = key_count > 0 && refused == key_count;
    let failed_check = last.is_some_and(|last| !last.ok);
    let state = if all_shut || no_keys || (failed_check && !used) {
        HealthState::Unhealthy
    } else if !reasons.is_empty() {
        HealthState::PartiallyHealthy
    } else if used || last.is_some() {
        HealthState::Healthy
    } else {
        HealthState::Unchecked
    };
    (state, reasons)
}

impl Admin {
    /// Keeps what a check found, as far as the database lets it.
    pub(super) async fn remember_check(&self, provider: &str, checked: &Checked) {
        let finding = HealthFinding {
            provider: provider.to_owned(),
            ok: checked.ok,
            status: checked.status,
            latency_ms: i64::try_from(checked.latency.as_millis()).unwrap_or(i64::MAX),
            model: checked.model.clone(),
            error: checked.error.clone(),
        };
        if let Err(error) = self.control.store().keep_health(finding).await {
            tracing::warn!(%error, "what a check found is not kept");
        }
    }

    async fn health(&self, settings: &Settings, provider: &ProviderSettings) -> ProviderHealth {
        let hub = self.control.hub();
        let now = Instant::now();
        let stats = hub.pools.stats(now);
        let keys_of = settings.keys_of(provider);
        let pool = keys_of.pool.map_or(&provider.name, |pool| &pool.name);
        let keys: Vec<&KeyStats> = stats.iter().filter(|key| *key.pool == **pool).collect();
        let breakers: Vec<Breaker> = hub
            .breakers
            .states(now)
            .into_iter()
            .filter(|breaker| *breaker.provider == *provider.name)
            .map(Breaker::from)
            .collect();
        // Without the database there is still traffic to judge by.
        let last = self
            .control
            .store()
            .health_of(&provider.name, None, 1)
            .await;
        let last = last
            .ok()
            .and_then(|mut rows| rows.pop())
            .map(HealthCheck::from);
        let count = keys_of.keys.len();
        let (mut state, mut reasons) = verdict(&breakers, &keys, count, last.as_ref());
        if keys_of.missing {
            state = HealthState::Unhealthy;
            reasons.push("no key is set".to_owned());
        }
        let tired = keys.iter().filter(|key| key.state != "active").count();
        ProviderHealth {
            name: provider.name.clone(),
            enabled: provider.enabled,
            state,
            reasons,
            in_flight: hub.gates.busy(&provider.name),
            latency_ms: hub
                .latencies
                .of_provider(&provider.name)
                .into_iter()
                .collect(),
            breakers,
            keys_ready: count.saturating_sub(tired) as u64,
            keys: count as u64,
            last_check: last,
        }
    }

    async fn checked(&self, name: &str, model: Option<String>) -> Answer<TestResult> {
        let (snapshot, provider) = self.provider_to_try(name, None)?;
        let model = model.map_or_else(|| usual_model(&provider), Ok)?;
        let hub = self.control.hub();
        let checked = gateway::check(hub, &snapshot, &provider, &model, None).await;
        self.remember_check(name, &checked).await;
        Ok(checked.into())
    }
}

/// The resource.
pub(super) struct HealthOfAll(pub(super) Admin);

#[OpenApi(prefix_path = "/api/health")]
impl HealthOfAll {
    /// How providers fare
    ///
    /// As live traffic shows it, and the last checks; nothing is asked of a provider.
    #[oai(path = "/", method = "get", operation_id = "health_list")]
    async fn list(&self, session: Session) -> Answer<Json<Health>> {
        session.at_least(Role::Viewer)?;
        let in_force = self.0.control.in_force();
        let mut providers = Vec::new();
        for provider in &in_force.settings.providers {
            providers.push(self.0.health(&in_force.settings, provider).await);
        }
        let in_use: Vec<HealthState> = providers
            .iter()
            .filter(|provider| provider.enabled)
            .map(|provider| provider.state)
            .collect();
        let all = |state: HealthState| in_use.iter().all(|one| *one == state);
        let state = if all(HealthState::Unchecked) {
            HealthState::Unchecked
        } else if in_use
            .iter()
            .all(|one| matches!(one, HealthState::Healthy | HealthState::Unchecked))
        {
            HealthState::Healthy
        } else if all(HealthState::Unhealthy) {
            HealthState::Unhealthy
        } else {
            HealthState::PartiallyHealthy
        };
        Ok(Json(Health { state, providers }))
    }

    /// Check all providers in use now
    ///
    /// Each is sent one short request, which costs a few tokens.
    #[oai(path = "/check", method = "post", operation_id = "health_check_all")]
    async fn check_all(&self, session: Session) -> Answer<Json<Vec<NamedCheck>>> {
        session.at_least(Role::Operator)?;
        let snapshot = self.0.control.hub().snapshots.load_full();
        let names: Vec<String> = snapshot
            .providers
            .iter()
            .filter(|provider| provider.models().next().is_some())
            .map(|provider| provider.name.to_string())
            .collect();
        let mut waiting = names.into_iter();
        let mut running = tokio::task::JoinSet::new();
        let mut results = Vec::new();
        loop {
            while running.len() < AT_ONCE {
                let Some(provider) = waiting.next() else {
                    break;
                };
                let admin = self.0.clone();
                running.spawn(async move {
                    let result = admin.checked(&provider, None).await?;
                    Ok::<_, Problem>(NamedCheck { provider, result })
                });
            }
            match running.join_next().await {
                Some(Ok(result)) => results.push(result?),
                Some(Err(error)) => return Err(Problem::internal(&error)),
                None => break,
            }
        }
        results.sort_by(|a, b| a.provider.cmp(&b.provider));
        Ok(Json(results))
    }

    /// List breakers
    #[oai(path = "/breakers", method = "get", operation_id = "health_breakers")]
    async fn breakers(&self, session: Session) -> Answer<Json<Vec<Breaker>>> {
        session.at_least(Role::Viewer)?;
        let states = self.0.control.hub().breakers.states(Instant::now());
        Ok(Json(states.into_iter().map(Breaker::from).collect()))
    }

    /// How one provider fares
    #[oai(path = "/:name", method = "get", operation_id = "health_get")]
    async fn get(&self, session: Session, name: Path<String>) -> Answer<Json<ProviderHealth>> {
        session.at_least(Role::Viewer)?;
        let in_force = self.0.control.in_force();
        let provider = in_force.settings.provider(&name);
        let provider = provider.ok_or_else(|| Problem::not_found("provider"))?;
        Ok(Json(self.0.health(&in_force.settings, provider).await))
    }

    /// Check one provider now
    #[oai(path = "/:name/check", method = "post", operation_id = "health_check")]
    async fn check(
        &self,
        session: Session,
        name: Path<String>,
        model: Query<Option<String>>,
    ) -> Answer<Json<TestResult>> {
        session.at_least(Role::Operator)?;
        Ok(Json(self.0.checked(&name, model.0).await?))
    }

    /// List what checks of a provider found
    ///
    /// The newest first; the last 200 are kept.
    #[oai(
        path = "/:name/history",
        method = "get",
        operation_id = "health_history"
    )]
    async fn history(
        &self,
        session: Session,
        name: Path<String>,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
    ) -> Answer<Json<Page<HealthCheck>>> {
        session.at_least(Role::Viewer)?;
        let range = Range::of(cursor.0, limit.0)?;
        let (store, after) = (self.0.control.store(), range.after.as_deref());
        let rows = store.health_of(&name, after, range.limit + 1).await?;
        Ok(Json(range.page(
            rows,
            |row| row.id.clone(),
            HealthCheck::from,
        )))
    }

    /// Close breakers and end the rest of keys of a provider
    #[oai(path = "/:name/reset", method = "post", operation_id = "health_reset")]
    async fn reset(
        &self,
        session: Session,
        name: Path<String>,
        model: Query<Option<String>>,
    ) -> Answer<Json<HealthReset>> {
        session.at_least(Role::Operator)?;
        let in_force = self.0.control.in_force();
        let provider = in_force.settings.provider(&name);
        let provider = provider.ok_or_else(|| Problem::not_found("provider"))?;
        let keys = in_force.settings.keys_of(provider);
        let pool = keys.pool.map_or(&provider.name, |pool| &pool.name);
        let hub = self.0.control.hub();
        Ok(Json(HealthReset {
            breakers: hub.reset_breakers(&name, model.0.as_deref()) as u64,
            keys: if model.0.is_some() {
                0
            } else {
                hub.reset_keys(pool, None) as u64
            },
        }))
    }
}
