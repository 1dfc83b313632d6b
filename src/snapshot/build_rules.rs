//! From route settings to compiled rules.

use std::sync::Arc;

use super::build::{check_provider_name, compile, suggest_pool};
use super::credentials::PoolMaker;
use super::{HeaderMatch, Provider, Rule, RuleMatch, RuleMatchers, RuleTarget};
use crate::config::{ConfigErrors, MatchSettings, Place, RouteSettings, Settings, TargetSettings};

/// Longest expression.
const LONGEST_EXPRESSION: usize = 1024;
/// Largest compiled size of one expression.
const LARGEST_EXPRESSION: usize = 256 * 1024;

type Find<'a> = &'a dyn Fn(&str) -> Option<Arc<Provider>>;

/// Collects rules, and the expressions and keywords they share.
pub(super) struct RuleBuilder<'a> {
    settings: &'a Settings,
    find: Find<'a>,
    pools: &'a mut PoolMaker,
    errors: &'a mut ConfigErrors,
    rules: Vec<Rule>,
    expressions: Vec<String>,
    keywords: Vec<String>,
}

impl<'a> RuleBuilder<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        find: Find<'a>,
        pools: &'a mut PoolMaker,
        errors: &'a mut ConfigErrors,
    ) -> Self {
        Self {
            settings,
            find,
            pools,
            errors,
            rules: Vec::new(),
            expressions: Vec::new(),
            keywords: Vec::new(),
        }
    }

    pub(super) fn add_all(&mut self) {
        let mut routes: Vec<_> = self.settings.routes.iter().collect();
        // Stable: rules of one priority stay as written.
        routes.sort_by_key(|route| route.priority);
        for route in routes {
            let rule = self.rule(route);
            if route.enabled {
                self.rules.push(rule);
            }
        }
    }

    /// The rules and their matchers; no matchers when all together are too large.
    pub(super) fn finish(self) -> (Vec<Rule>, Option<RuleMatchers>) {
        match RuleMatchers::new(&self.expressions, &self.keywords) {
            Ok(matchers) => (self.rules, Some(matchers)),
            Err(why) => {
                self.errors
                    .push(&Place::default(), why, "use fewer or simpler ones");
                (self.rules, None)
            }
        }
    }

    fn rule(&mut self, route: &RouteSettings) -> Rule {
        if let Some(pool) = &route.key_pool
            && self
                .settings
                .key_pools
                .iter()
                .all(|other| other.name != *pool)
        {
            let what = format!(
                "route `{}` names key pool `{pool}`, which does not exist",
                route.name
            );
            self.errors.push(
                &route.place.key("key_pool"),
                what,
                suggest_pool(self.settings, pool),
            );
        }
        Rule {
            name: route.name.as_str().into(),
            priority: route.priority,
            matches: self.matches(&route.matches, &route.place.key("match")),
            targets: route
                .targets
                .iter()
                .map(|target| self.target(route, target))
                .collect(),
            strategy: route.strategy,
            mode: route.mode,
            key_pool: route.key_pool.as_deref().map(Into::into),
            params: (!route.params.is_empty()).then(|| Arc::new(route.params.clone())),
            source: route.source,
        }
    }

    fn target(&mut self, route: &RouteSettings, target: &TargetSettings) -> RuleTarget {
        let who = format!("route `{}`", route.name);
        check_provider_name(
            self.settings,
            &target.provider,
            &who,
            &target.place,
            self.errors,
        );
        let pool = route.key_pool.as_ref().and_then(|name| {
            let pool = self
                .settings
                .key_pools
                .iter()
                .find(|pool| pool.name == *name)?;
            let provider = self.settings.provider(&target.provider)?;
            Some(
                self.pools
                    .of_pool(self.settings, pool, provider, self.errors),
            )
        });
        RuleTarget {
            name: target.provider.as_str().into(),
            provider: (self.find)(&target.provider),
            model: target.model.as_deref().map(Into::into),
            weight: target.weight,
            pool,
        }
    }

    fn matches(&mut self, matches: &MatchSettings, place: &Place) -> RuleMatch {
        let texts = |list: &[String]| list.iter().map(|text| text.as_str().into()).collect();
        let mut headers = Vec::new();
        for (name, values) in &matches.header {
            let Ok(name) = name.parse() else { continue };
            headers.push(HeaderMatch {
                name,
                values: compile(values, &place.key("header"), self.errors),
            });
        }
        let first_keyword = self.keywords.len();
        self.keywords.extend(matches.keyword.iter().cloned());
        RuleMatch {
            model: compile(&matches.model, &place.key("model"), self.errors),
            model_regex: self.expressions(&matches.model_regex, &place.key("model_regex")),
            keyword: (first_keyword..self.keywords.len()).collect(),
            header: headers,
            client_key: texts(&matches.client_key),
            tag: texts(&matches.tag),
            has_tools: matches.has_tools,
            has_images: matches.has_images,
            has_thinking: matches.has_thinking,
            min_input_tokens: matches.min_input_tokens,
            max_input_tokens: matches.max_input_tokens,
            ingress: matches.ingress.clone(),
            unexplained: matches.unexplained,
        }
    }

    fn expressions(&mut self, list: &[String], place: &Place) -> Vec<usize> {
        let mut indices = Vec::with_capacity(list.len());
        for text in list {
            let compiled = regex::RegexBuilder::new(text)
                .size_limit(LARGEST_EXPRESSION)
                .build();
            if text.len() > LONGEST_EXPRESSION {
                self.errors.push(
                    place,
                    "an expression is longer than 1024 characters",
                    "shorten it",
                );
            } else if let Err(error) = compiled {
                let why = match error {
                    regex::Error::CompiledTooBig(_) => "is too large when compiled".to_owned(),
                    other => other
                        .to_string()
                        .lines()
                        .last()
                        .unwrap_or_default()
                        .trim()
                        .to_owned(),
                };
                let fix = "correct it; look-around and back-references are not offered";
                self.errors.push(place, format!("model_regex: {why}"), fix);
            } else {
                indices.push(self.expressions.len());
                self.expressions.push(text.clone());
            }
        }
        indices
    }
}
