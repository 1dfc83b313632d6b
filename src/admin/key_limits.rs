//! Limits of client keys as the admin API shows them, and the rule that nobody widens what operators bound.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::problem::{Flaw, Problem};
use crate::config::{KeyLimits, parse_usd};
use crate::routing::Glob;

/// What a key may do and how much of it; what is absent is not limited.
#[derive(Clone, Debug, Default, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
pub(super) struct Limits {
    /// Patterns of the model names it may ask for.
    #[oai(validator(max_items = 200))]
    pub allowed_models: Option<Vec<String>>,
    /// Names of the providers it may reach.
    #[oai(validator(max_items = 200))]
    pub allowed_providers: Option<Vec<String>>,
    /// The dialects it may speak: `openai`, `openai-responses`, `anthropic`, `gemini`.
    #[oai(validator(max_items = 16))]
    pub allowed_dialects: Option<Vec<String>>,
    /// Whether it may choose the provider by header.
    #[oai(default = "super::definition::yes")]
    pub may_pin: bool,
    /// Requests a minute.
    pub rpm: Option<u64>,
    /// Tokens a minute, input and output together.
    pub tpm: Option<u64>,
    /// Requests in flight at a time.
    pub max_concurrency: Option<u32>,
    /// US dollars in one day of UTC, such as `5.00`.
    pub budget_day: Option<String>,
    /// US dollars in one calendar month of UTC.
    pub budget_month: Option<String>,
}

impl Limits {
    /// As they are kept.
    ///
    /// # Errors
    /// When they make no sense.
    pub(super) fn read(self) -> Result<KeyLimits, Problem> {
        let mut flaws = Vec::new();
        let mut amount = |field: &str, text: Option<String>| {
            let text = text?;
            let amount = parse_usd(text.trim());
            if amount.is_none() {
                flaws.push(Flaw {
                    field: format!("limits.{field}"),
                    message: format!("{field} is not an amount of US dollars"),
                    fix: "write it as \"5.00\"".to_owned(),
                });
            }
            amount
        };
        let limits = KeyLimits {
            budget_day_nano_usd: amount("budget_day", self.budget_day),
            budget_month_nano_usd: amount("budget_month", self.budget_month),
            allowed_models: self.allowed_models,
            allowed_providers: self.allowed_providers,
            allowed_dialects: self.allowed_dialects,
            may_pin: self.may_pin,
            rpm: self.rpm,
            tpm: self.tpm,
            max_concurrency: self.max_concurrency,
        };
        flaws.extend(limits.faults().into_iter().map(|fault| {
            let field = fault.field.trim_end_matches("_nano_usd");
            Flaw {
                field: format!("limits.{field}"),
                message: format!("{field} {}", fault.must),
                fix: String::new(),
            }
        }));
        if flaws.is_empty() {
            Ok(limits)
        } else {
            Err(Problem::flawed(flaws))
        }
    }
}

impl From<KeyLimits> for Limits {
    fn from(limits: KeyLimits) -> Self {
        Self {
            allowed_models: limits.allowed_models,
            allowed_providers: limits.allowed_providers,
            allowed_dialects: limits.allowed_dialects,
            may_pin: limits.may_pin,
            rpm: limits.rpm,
            tpm: limits.tpm,
            max_concurrency: limits.max_concurrency,
            budget_day: limits.budget_day_nano_usd.map(usd),
            budget_month: limits.budget_month_nano_usd.map(usd),
        }
    }
}

/// An amount in billionths as text, with at least two places.
fn usd(nano: i64) -> String {
    let (whole, part) = (nano / 1_000_000_000, nano % 1_000_000_000);
    let part = format!("{part:09}");
    let part = part.trim_end_matches('0');
    format!("{whole}.{part:0<2}")
}

/// Bounds of the keys that somebody makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Bounds {
    /// Each key may do this at most.
    pub limits: KeyLimits,
    /// Most keys.
    pub max_keys: Option<u32>,
}

/// How far the owner may widen a key that an operator made for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ceiling {
    pub limits: KeyLimits,
    pub expires_at: Option<i64>,
    pub enabled: bool,
}

/// The members in which something goes beyond its ceiling.
pub(super) fn beyond(wanted: &KeyLimits, ceiling: &KeyLimits) -> Vec<&'static str> {
    let mut beyond = Vec::new();
    let mut check = |field, is_within: bool| {
        if !is_within {
            beyond.push(field);
        }
    };
    check(
        "allowed_models",
        is_covered(
            wanted.allowed_models.as_deref(),
            ceiling.allowed_models.as_deref(),
            |pattern, over| {
                // Of a pattern only itself is known to be no wider.
                pattern == over
                    || Glob::new(pattern).is_ok_and(|glob| {
                        glob.literal().is_some_and(|name| {
                            Glob::new(over).is_ok_and(|over| over.matches(name))
                        })
                    })
            },
        ),
    );
    let same = |a: &str, b: &str| a == b;
    let (mine, over) = (&wanted.allowed_providers, &ceiling.allowed_providers);
    check(
        "allowed_providers",
        is_covered(mine.as_deref(), over.as_deref(), same),
    );
    let (mine, over) = (&wanted.allowed_dialects, &ceiling.allowed_dialects);
    check(
        "allowed_dialects",
        is_covered(mine.as_deref(), over.as_deref(), same),
    );
    check("may_pin", ceiling.may_pin || !wanted.may_pin);
    check("rpm", is_at_most(wanted.rpm, ceiling.rpm));
    check("tpm", is_at_most(wanted.tpm, ceiling.tpm));
    check(
        "max_concurrency",
        is_at_most(wanted.max_concurrency, ceiling.max_concurrency),
    );
    check(
        "budget_day",
        is_at_most(wanted.budget_day_nano_usd, ceiling.budget_day_nano_usd),
    );
    check(
        "budget_month",
        is_at_most(wanted.budget_month_nano_usd, ceiling.budget_month_nano_usd),
    );
    beyond
}

/// Absent is without limit.
pub(super) fn is_at_most<T: Ord>(wanted: Option<T>, most: Option<T>) -> bool {
    match (wanted, most) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(wanted), Some(most)) => wanted <= most,
    }
}

fn is_covered(
    wanted: Option<&[String]>,
    over: Option<&[String]>,
    covers: impl Fn(&str, &str) -> bool,
) -> bool {
    match (wanted, over) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(wanted), Some(over)) => wanted
            .iter()
            .all(|wanted| over.iter().any(|over| covers(wanted, over))),
    }
}

/// Refuses what goes beyond a ceiling.
pub(super) fn keep_within(wanted: &KeyLimits, ceiling: &KeyLimits) -> Result<(), Problem> {
    let flaws: Vec<Flaw> = beyond(wanted, ceiling)
        .into_iter()
        .map(|field| Flaw {
            field: format!("limits.{field}"),
            message: format!("{field} goes beyond what an operator allowed"),
            fix: "narrow it, or ask an operator".to_owned(),
        })
        .collect();
    if flaws.is_empty() {
        Ok(())
    } else {
        Err(Problem::flawed(flaws))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(json: serde_json::Value) -> KeyLimits {
        serde_json::from_value(json).expect("sound limits")
    }

    #[test]
    fn amounts_come_back_as_they_went() {
        for (nano, text) in [
            (5_000_000_000, "5.00"),
            (250_000_000, "0.25"),
            (1, "0.000000001"),
            (12_340_000_000, "12.34"),
            (i64::MAX, "9223372036.854775807"),
        ] {
            assert_eq!(usd(nano), text);
            assert_eq!(parse_usd(text), Some(nano));
        }
    }

    #[test]
    fn nothing_goes_beyond_its_ceiling() {
        let ceiling = limits(serde_json::json!({
            "allowed_models": ["gpt-*", "demo/one"], "allowed_providers": ["a", "b"],
            "allowed_dialects": ["openai"], "may_pin": false, "rpm": 10, "tpm": 1000,
            "max_concurrency": 2, "budget_day_nano_usd": 5, "budget_month_nano_usd": 50
        }));
        assert!(beyond(&ceiling, &ceiling).is_empty());
        assert!(beyond(&ceiling, &KeyLimits::default()).is_empty());
        assert_eq!(beyond(&KeyLimits::default(), &ceiling).len(), 9);
        let narrower = KeyLimits {
            allowed_models: Some(vec!["gpt-5".to_owned(), "demo/one".to_owned()]),
            allowed_providers: Some(Vec::new()),
            rpm: Some(1),
            ..ceiling.clone()
        };
        assert!(beyond(&narrower, &ceiling).is_empty());
        for wider in [
            serde_json::json!({"allowed_models": ["*"]}),
            serde_json::json!({"allowed_models": ["gpt-5", "claude"]}),
            serde_json::json!({"allowed_models": ["g*"]}),
        ] {
            let wanted = KeyLimits {
                allowed_models: limits(wider).allowed_models,
                ..ceiling.clone()
            };
            assert_eq!(beyond(&wanted, &ceiling), ["allowed_models"]);
        }
        let wanted = KeyLimits {
            rpm: Some(11),
            ..ceiling.clone()
        };
        assert_eq!(beyond(&wanted, &ceiling), ["rpm"]);
    }
}
