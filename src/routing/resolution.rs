//! From a model name to providers, where no rule decides.
//!
//! The first of these that says something wins: a provider's name before the model, an alias or role, a
//! list, the family the name belongs to, the preferred provider.

use std::sync::Arc;

use super::Chooser;
use super::order::order;
use super::owner::owner_of;
use super::plan::named_provider;
use super::target::Candidate;
use super::trace::TraceStep;
use crate::snapshot::{ClientKey, Provider, Role, Snapshot, Source};

/// Candidates in order, and the step that found them.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) route: &'static str,
    pub(super) candidates: Vec<Candidate>,
}

/// What a resolution needs besides the name.
struct Resolver<'s, 't> {
    snapshot: &'s Snapshot,
    choose: &'t dyn Chooser,
    trace: &'t mut Vec<TraceStep>,
}

/// Finds who serves a name.
pub(super) fn resolve(
    snapshot: &Snapshot,
    name: &str,
    choose: &dyn Chooser,
    trace: &mut Vec<TraceStep>,
) -> Option<Found> {
    if name.is_empty() {
        return None;
    }
    let mut resolver = Resolver {
        snapshot,
        choose,
        trace,
    };
    resolver
        .prefix(name)
        .or_else(|| resolver.alias(name))
        .or_else(|| resolver.role(name))
        .or_else(|| resolver.plain(name))
}

impl Resolver<'_, '_> {
    /// `provider/model`: the model exactly as written, but for a role's bare name.
    fn prefix(&mut self, name: &str) -> Option<Found> {
        let (provider, model) = named_provider(self.snapshot, name)?;
        let role = Role::ALL
            .into_iter()
            .find(|role| model.eq_ignore_ascii_case(role.family()));
        let by_role = role
            .and_then(|role| provider.role_models(role).first())
            .cloned();
        let model = by_role.unwrap_or_else(|| model.into());
        self.trace.push(TraceStep::Prefix(provider.name.clone()));
        Some(self.with_fallbacks("model-prefix", provider, model))
    }

    fn alias(&mut self, name: &str) -> Option<Found> {
        let model = self.snapshot.roles.alias(name)?.clone();
        self.trace.push(TraceStep::Alias(model.clone()));
        let found = self.prefix(&model).or_else(|| self.plain(&model))?;
        Some(Found {
            route: "alias",
            ..found
        })
    }

    fn role(&mut self, name: &str) -> Option<Found> {
        let role = Role::of(name)?;
        if let Some(model) = self.snapshot.roles.get(role).cloned() {
            self.trace.push(TraceStep::RoleSetting(role, model.clone()));
            let found = self.prefix(&model).or_else(|| self.plain(&model))?;
            return Some(Found {
                route: "role",
                ..found
            });
        }
        self.role_lists(role, name)
    }

    /// The chosen provider's list: the preferred provider's, if there is one, and never another's in its
    /// place; else that of the providers that have one, by strategy.
    fn role_lists(&mut self, role: Role, name: &str) -> Option<Found> {
        let preferred = self.snapshot.preferred.as_ref();
        if preferred.is_some_and(|provider| provider.role_models(role).is_empty()) {
            return None;
        }
        let serving = self
            .snapshot
            .providers
            .iter()
            .filter(|provider| !provider.role_models(role).is_empty());
        let mut candidates: Vec<_> = serving
            .map(|provider| {
                let list = provider.role_models(role);
                let model = list
                    .iter()
                    .find(|listed| ***listed == *name)
                    .unwrap_or(&list[0]);
                Candidate::new(provider, model.clone())
            })
            .collect();
        if candidates.is_empty() {
            return None;
        }
        self.trace.push(TraceStep::RoleList(role));
        self.arrange(&mut candidates, role.as_str());
        if let Some(at) = preferred.and_then(|first| {
            candidates
                .iter()
                .position(|c| c.provider.name == first.name)
        }) {
            candidates[..=at].rotate_right(1);
        }
        Some(Found {
            route: "role",
            candidates,
        })
    }

    /// A list, the family's owner, the preferred provider.
    fn plain(&mut self, name: &str) -> Option<Found> {
        let mut candidates: Vec<_> = self
            .snapshot
            .listing(name)
            .map(|provider| Candidate::new(provider, name.into()))
            .collect();
        if !candidates.is_empty() {
            self.trace.push(TraceStep::Listed(candidates.len()));
            self.arrange(&mut candidates, "listed");
            return Some(Found {
                route: "listed",
                candidates,
            });
        }
        let (route, provider) = if let Some(owner) = owner_of(self.snapshot, name) {
            self.trace.push(TraceStep::Owner(owner.name.clone()));
            ("catalogue", owner)
        } else {
            let preferred = self.snapshot.preferred.as_ref()?;
            self.trace
                .push(TraceStep::Preferred(preferred.name.clone()));
            ("preferred", preferred)
        };
        Some(Found {
            route,
            candidates: vec![Candidate::new(provider, name.into())],
        })
    }

    /// One provider first, then the others that list the same model.
    fn with_fallbacks(
        &mut self,
        route: &'static str,
        provider: &Arc<Provider>,
        model: Arc<str>,
    ) -> Found {
        let others = self
            .snapshot
            .listing(&model)
            .filter(|other| other.name != provider.name);
        let mut others: Vec<_> = others
            .map(|other| Candidate::new(other, model.clone()))
            .collect();
        if !others.is_empty() {
            self.trace.push(TraceStep::Fallbacks(others.len()));
            self.arrange(&mut others, "fallbacks");
        }
        let mut candidates = Vec::with_capacity(others.len() + 1);
        candidates.push(Candidate::new(provider, model));
        candidates.append(&mut others);
        Found { route, candidates }
    }

    fn arrange(&mut self, candidates: &mut [Candidate], group: &str) {
        if candidates.len() > 1 {
            order(candidates, self.snapshot.strategy, group, self.choose);
            self.trace.push(TraceStep::Ordered(self.snapshot.strategy));
        }
    }
}

/// Whether anything that somebody has set up says who serves a name: then the demonstration keeps out.
pub(super) fn is_explained(snapshot: &Snapshot, name: &str) -> bool {
    let is_real = |provider: &Arc<Provider>| provider.source != Source::Demo;
    let serves_role = |role| {
        let mut real = snapshot.providers.iter().filter(|one| is_real(one));
        snapshot.roles.get(role).is_some() || real.any(|one| !one.role_models(role).is_empty())
    };
    named_provider(snapshot, name).is_some()
        || snapshot.roles.alias(name).is_some()
        || Role::of(name).is_some_and(serves_role)
        || snapshot.listing(name).next().is_some()
        || owner_of(snapshot, name).is_some_and(is_real)
        || snapshot.preferred.as_ref().is_some_and(is_real)
}

/// What an alias or a role setting makes of a name.
pub(super) fn stands_for<'s>(snapshot: &'s Snapshot, name: &str) -> Option<&'s str> {
    let roles = &snapshot.roles;
    let by_role = || roles.get(Role::of(name)?);
    roles.alias(name).or_else(by_role).map(|target| &**target)
}

/// All names a caller might have meant.
pub(super) fn known_names(snapshot: &Snapshot, key: Option<&ClientKey>) -> Vec<Arc<str>> {
    snapshot
        .models(key)
        .into_iter()
        .map(|entry| entry.id)
        .collect()
}
