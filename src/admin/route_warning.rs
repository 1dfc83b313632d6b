//! What is odd about rules: those that are never reached, and those that nobody can serve.
//!
//! Only what is certain is told: a rule hides another when every one of its conditions follows from a condition of
//! the other. Expressions and patterns are compared as text, and patterns with plain names.

use std::collections::BTreeMap;

use crate::config::{MatchSettings, RouteSettings, Settings};
use crate::routing::Glob;

/// What is odd about the rules, by name. Rules stand in the order in which they are looked at.
pub(super) fn warnings(settings: &Settings) -> BTreeMap<String, Vec<String>> {
    let mut rules: Vec<&RouteSettings> = settings.routes.iter().collect();
    rules.sort_by_key(|rule| rule.priority);
    let mut found = BTreeMap::<String, Vec<String>>::new();
    let mut before: Vec<&RouteSettings> = Vec::new();
    for rule in rules {
        let mut tell = |words: String| found.entry(rule.name.clone()).or_default().push(words);
        let servable = rule
            .targets
            .iter()
            .any(|target| serves(settings, &target.provider));
        if !rule.enabled {
            continue;
        }
        if let Some(other) = before
            .iter()
            .find(|other| hides(&other.matches, &rule.matches))
        {
            let words = if is_everything(&other.matches) {
                "never reached: every request fits"
            } else {
                "never reached: whatever fits it fits"
            };
            tell(format!(
                "{words} `{}`, which is looked at first",
                other.name
            ));
        }
        for target in &rule.targets {
            if !serves(settings, &target.provider) {
                tell(format!(
                    "target `{}` is left out: its provider is disabled or has no key",
                    target.provider
                ));
            }
        }
        if servable {
            before.push(rule);
        } else {
            tell("passed over: none of its targets can serve".to_owned());
        }
    }
    found
}

fn serves(settings: &Settings, name: &str) -> bool {
    settings
        .provider(name)
        .is_some_and(|provider| provider.enabled && !settings.keys_of(provider).missing)
}

fn is_everything(matches: &MatchSettings) -> bool {
    hides(matches, &MatchSettings::default())
}

/// Whether all that fits `narrow` also fits `wide`.
fn hides(wide: &MatchSettings, narrow: &MatchSettings) -> bool {
    let within = |wide: &[String], narrow: &[String]| {
        wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(|one| wide.contains(one)))
    };
    let headers = wide.header.iter().all(|(name, values)| {
        narrow
            .header
            .iter()
            .any(|(other, others)| other.eq_ignore_ascii_case(name) && within(values, others))
    });
    let dialects = wide.ingress.is_empty()
        || (!narrow.ingress.is_empty()
            && narrow.ingress.iter().all(|one| wide.ingress.contains(one)));
    models(&wide.model, &narrow.model)
        && within(&wide.model_regex, &narrow.model_regex)
        && within(&wide.keyword, &narrow.keyword)
        && within(&wide.client_key, &narrow.client_key)
        && within(&wide.tag, &narrow.tag)
        && headers
        && dialects
        && (!wide.has_tools || narrow.has_tools)
        && (!wide.has_images || narrow.has_images)
        && (!wide.has_thinking || narrow.has_thinking)
        && wide.min_input_tokens.unwrap_or(0) <= narrow.min_input_tokens.unwrap_or(0)
        && wide.max_input_tokens.unwrap_or(u64::MAX) >= narrow.max_input_tokens.unwrap_or(u64::MAX)
        && (!wide.unexplained || narrow.unexplained)
}

fn models(wide: &[String], narrow: &[String]) -> bool {
    if wide.is_empty() || wide.iter().any(|pattern| pattern == "*") {
        return true;
    }
    let is_plain = |name: &str| !name.contains(['*', '?', '[', ']', '{', '}', '\\']);
    let covers = |pattern: &String, name: &String| {
        pattern == name
            || (is_plain(name) && Glob::new(pattern).is_ok_and(|glob| glob.matches(name)))
            || covers_pattern(pattern, name)
    };
    !narrow.is_empty()
        && narrow
            .iter()
            .all(|name| wide.iter().any(|pattern| covers(pattern, name)))
}

/// `claude-*` covers `claude-sonnet-*`.
fn covers_pattern(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|start| {
        !start.contains(['*', '?', '[', ']', '{', '}', '\\']) && name.starts_with(start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(models: &[&str]) -> MatchSettings {
        MatchSettings {
            model: models.iter().map(|&model| model.to_owned()).collect(),
            ..MatchSettings::default()
        }
    }

    #[test]
    fn only_what_is_certain_is_hidden() {
        for (wide, narrow, want) in [
            (&["claude-*"][..], &["claude-3"][..], true),
            (&["claude-*"], &["claude-sonnet-*"], true),
            (&["*"], &["a", "b*"], true),
            (&[], &["a"], true),
            (&["a", "b"], &["b"], true),
            (&["claude-3"], &["claude-*"], false),
            (&["a"], &[], false),
            (&["[ab]*"], &["[abc]*"], false),
        ] {
            assert_eq!(hides(&of(wide), &of(narrow)), want, "{wide:?} {narrow:?}");
        }
        let tools = MatchSettings {
            has_tools: true,
            ..of(&["*"])
        };
        assert!(hides(&of(&["*"]), &tools) && !hides(&tools, &of(&["*"])));
        let large = MatchSettings {
            min_input_tokens: Some(1000),
            ..of(&[])
        };
        assert!(hides(&of(&[]), &large) && !hides(&large, &of(&[])));
    }
}
