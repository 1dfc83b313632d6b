//! What a client key may do and how much of it, as files and the database say it.
//!
//! Plain data with its checks. How requests are counted against it is the pools' business.

use serde::{Deserialize, Serialize};
use translator::Dialect;

use crate::routing::Glob;

/// What a client key may do and how much of it. Also the JSON of the `limits` column of `client_keys`.
///
/// What is absent is not limited. Amounts are in billionths of a US dollar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyLimits {
    /// Patterns of the model names it may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_models: Option<Vec<String>>,
    /// Names of the providers it may reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_providers: Option<Vec<String>>,
    /// The dialects it may speak: `openai`, `openai-responses`, `anthropic`, `gemini`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_dialects: Option<Vec<String>>,
    /// Whether it may choose the provider by header.
    pub may_pin: bool,
    /// Requests a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u64>,
    /// Tokens a minute, input and output together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u64>,
    /// Requests in flight at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<u32>,
    /// What it may spend in one day of UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_day_nano_usd: Option<i64>,
    /// What it may spend in one calendar month of UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_month_nano_usd: Option<i64>,
}

impl Default for KeyLimits {
    fn default() -> Self {
        Self {
            allowed_models: None,
            allowed_providers: None,
            allowed_dialects: None,
            may_pin: true,
            rpm: None,
            tpm: None,
            max_concurrency: None,
            budget_day_nano_usd: None,
            budget_month_nano_usd: None,
        }
    }
}

/// A limit that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {must}")]
pub struct BadLimit {
    /// Which one, as it is written.
    pub field: &'static str,
    /// What it must be.
    pub must: String,
}

impl KeyLimits {
    /// Everything that makes no sense. A limit of nothing would be a key that does not work; whoever wants
    /// that disables the key.
    #[must_use]
    pub fn faults(&self) -> Vec<BadLimit> {
        let mut faults = Vec::new();
        let mut fault = |field, must: String| faults.push(BadLimit { field, must });
        for (field, limit) in [
            ("rpm", self.rpm),
            ("tpm", self.tpm),
            ("max_concurrency", self.max_concurrency.map(u64::from)),
        ] {
            if limit == Some(0) {
                fault(
                    field,
                    "must be at least 1; disable the key instead".to_owned(),
                );
            }
        }
        for (field, budget) in [
            ("budget_day_nano_usd", self.budget_day_nano_usd),
            ("budget_month_nano_usd", self.budget_month_nano_usd),
        ] {
            if budget.is_some_and(|budget| budget <= 0) {
                fault(field, "must be above 0; disable the key instead".to_owned());
            }
        }
        for pattern in self.allowed_models.iter().flatten() {
            if let Err(why) = Glob::new(pattern) {
                fault("allowed_models", format!("has a pattern in which {why}"));
            }
        }
        for name in self.allowed_dialects.iter().flatten() {
            if Dialect::parse(name).is_none() {
                let must = "must name dialects: openai, openai-responses, anthropic, gemini";
                fault("allowed_dialects", must.to_owned());
            }
        }
        faults
    }
}

/// Reads an amount of US dollars, such as `5`, `0.25` or, as small numbers are printed, `4e-6`, as billionths.
/// Never through floating point: an amount is what was written, or it is refused.
#[must_use]
pub fn parse_usd(text: &str) -> Option<i64> {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{part}");
    if whole.is_empty() || digits.len() > 30 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // At most 30 digits: nothing here can overflow but the shift, which is checked.
    let shift = exponent.checked_add(9)?.checked_sub(part.len() as i32)?;
    let number: u128 = digits.parse().ok()?;
    let power = 10_u128.checked_pow(shift.unsigned_abs())?;
    let nano = match shift {
        0.. => number.checked_mul(power)?,
        _ if number.is_multiple_of(power) => number / power,
        _ => return None,
    };
    i64::try_from(nano).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, nano) in [
            ("5.00", Some(5_000_000_000)),
            ("5", Some(5_000_000_000)),
            ("0.000000001", Some(1)),
            ("9223372036.854775807", Some(i64::MAX)),
            ("9223372036.854775808", None),
            ("0.0000000001", None),
            ("-5", None),
            ("NaN", None),
            ("1e3", Some(1_000_000_000_000)),
            ("4e-6", Some(4_000)),
            ("1.5E-9", None),
            ("5.0000000000", Some(5_000_000_000)),
            ("1e-2147483648", None),
            ("1e2147483647", None),
            ("1e99999999999", None),
            (".5", None),
            ("", None),
            ("5.-1", None),
        ] {
            assert_eq!(parse_usd(text), nano, "{text}");
        }
    }

    #[test]
    fn an_empty_document_limits_nothing() {
        let limits: KeyLimits = serde_json::from_str("{}").expect("sound");
        assert_eq!(limits, KeyLimits::default());
        assert!(limits.may_pin && limits.faults().is_empty());
        assert_eq!(
            serde_json::to_string(&limits).expect("plain"),
            r#"{"may_pin":true}"#
        );
        assert!(serde_json::from_str::<KeyLimits>(r#"{"rmp":1}"#).is_err());
        assert!(serde_json::from_str::<KeyLimits>(r#"{"rpm":-1}"#).is_err());
    }

    #[test]
    fn limits_of_nothing_and_below_are_faults() {
        let limits = KeyLimits {
            allowed_models: Some(vec!["a[".to_owned()]),
            allowed_dialects: Some(vec!["openai".to_owned(), "soap".to_owned()]),
            rpm: Some(0),
            tpm: Some(0),
            max_concurrency: Some(0),
            budget_day_nano_usd: Some(-5),
            budget_month_nano_usd: Some(0),
            ..KeyLimits::default()
        };
        let fields: Vec<_> = limits.faults().iter().map(|fault| fault.field).collect();
        assert_eq!(
            fields,
            [
                "rpm",
                "tpm",
                "max_concurrency",
                "budget_day_nano_usd",
                "budget_month_nano_usd",
                "allowed_models",
                "allowed_dialects"
            ]
        );
    }
}
