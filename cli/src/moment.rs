//! Moments: milliseconds since 1970 as the hub counts them, RFC 3339 as programs and people read them. Pure; the clock
//! is passed in but for one function.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since 1970, now.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// As RFC 3339 in UTC, to the second; nothing where the number is none that a calendar knows.
pub(crate) fn rfc3339(ms: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)).ok()?;
    at.format(&Rfc3339).ok()
}

/// Milliseconds since 1970 out of RFC 3339, a date (its first moment), or a number of milliseconds.
pub(crate) fn parse(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse() {
        return Some(ms);
    }
    let whole = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    let at = OffsetDateTime::parse(&whole, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// Milliseconds out of `90s`, `15m`, `24h`, `30d`, `2w`.
pub(crate) fn parse_span(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let ms = match unit {
        's' => 1000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        'w' => 604_800_000,
        _ => return None,
    };
    number.checked_mul(ms).filter(|span| *span >= 0)
}

/// How long ago, or in how long, in one unit.
pub(crate) fn relative(ms: i64, now: i64) -> String {
    let seconds = now.saturating_sub(ms) / 1000;
    let span = match seconds.unsigned_abs() {
        0..=4 => return "now".to_owned(),
        s @ 5..=119 => format!("{s}s"),
        s @ 120..=7199 => format!("{}m", s / 60),
        s @ 7200..=172_799 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    };
    if seconds < 0 {
        format!("in {span}")
    } else {
        format!("{span} ago")
    }
}

/// Whether a member of this name is a moment wherever the hub shows it.
fn is_moment(name: &str) -> bool {
    matches!(
        name,
        "at" | "last_used" | "timestamp" | "bucket" | "from" | "to"
    ) || name.ends_with("_at")
        || name.ends_with("_until")
}

/// Every moment in it as RFC 3339.
pub(crate) fn spell(value: &mut Value) {
    each_moment(value, &|inner| {
        if let Some(text) = inner.as_i64().and_then(rfc3339) {
            *inner = Value::String(text);
        }
    });
}

/// Every moment in it as the hub counts it: what `spell` made, and what people write.
pub(crate) fn count(value: &mut Value) {
    each_moment(value, &|inner| {
        if let Some(ms) = inner.as_str().and_then(parse) {
            *inner = Value::from(ms);
        }
    });
}

fn each_moment(value: &mut Value, change: &impl Fn(&mut Value)) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members.iter_mut() {
                if is_moment(name) && !inner.is_object() && !inner.is_array() {
                    change(inner);
                } else {
                    each_moment(inner, change);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                each_moment(item, change);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_go_there_and_back() {
        let mut shown =
            json!({"at": 1_795_287_747_000_i64, "inner": [{"expires_at": null, "count": 3}]});
        let counted = shown.clone();
        spell(&mut shown);
        assert_eq!(shown["at"], "2026-11-21T19:02:27Z");
        count(&mut shown);
        assert_eq!(shown, counted);
    }

    #[test]
    fn spans_and_dates_are_read() {
        assert_eq!(parse_span("15m"), Some(900_000));
        assert_eq!(parse_span("m"), None);
        assert_eq!(parse_span("15 parsecs"), None);
        assert_eq!(parse("2026-11-21"), Some(1_795_219_200_000));
        assert_eq!(parse("2026-11-21T01:00:00+01:00"), parse("2026-11-21"));
        assert_eq!(parse("soon"), None);
    }

    #[test]
    fn distances_take_one_unit() {
        let told = [-3_600_000 * 3, 0, 30_000, 7_200_000]
            .map(|ago| relative(10_000_000_000 - ago, 10_000_000_000));
        assert_eq!(told, ["in 3h", "now", "30s ago", "2h ago"]);
    }
}
