//! When an upstream wants to be asked again, from whichever header says so.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The wait that the head of an answer asks for. A wait of a year is the pool's business to bound.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    if let Some(ms) = text("retry-after-ms").and_then(|value| value.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1e3).ok();
    }
    if let Some(value) = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
    {
        if let Ok(seconds) = value.parse::<f64>() {
            return Duration::try_from_secs_f64(seconds).ok();
        }
        if let Ok(date) = httpdate::parse_http_date(value) {
            return Some(date.duration_since(now).unwrap_or_default());
        }
    }
    exhausted_reset(&text).or_else(|| exhausted_until(&text, now))
}

/// OpenAI's family of limits that has run out: `x-ratelimit-remaining-requests: 0` and its reset.
fn exhausted_reset<'h>(text: &impl Fn(&str) -> Option<&'h str>) -> Option<Duration> {
    ["requests", "tokens"]
        .iter()
        .filter(|kind| text(&format!("x-ratelimit-remaining-{kind}")) == Some("0"))
        .filter_map(|kind| span(text(&format!("x-ratelimit-reset-{kind}"))?))
        .max()
}

/// Anthropic's family, whose resets are points in time: `anthropic-ratelimit-tokens-remaining: 0` and its reset.
fn exhausted_until<'h>(
    text: &impl Fn(&str) -> Option<&'h str>,
    now: SystemTime,
) -> Option<Duration> {
    ["requests", "tokens", "input-tokens", "output-tokens"]
        .iter()
        .filter(|kind| text(&format!("anthropic-ratelimit-{kind}-remaining")) == Some("0"))
        .filter_map(|kind| text(&format!("anthropic-ratelimit-{kind}-reset")))
        .filter_map(|reset| OffsetDateTime::parse(reset, &Rfc3339).ok())
        .map(|reset| {
            SystemTime::from(reset)
                .duration_since(now)
                .unwrap_or_default()
        })
        .max()
}

/// `1s`, `6m0s`, `1h2m3.5s`, `20ms`.
fn span(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let unit = &rest[end..];
        let unit_end = unit
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(unit.len());
        total += number
            * match &unit[..unit_end] {
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &unit[unit_end..];
    }
    Duration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn of(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        retry_after(&headers, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn every_spelling_is_read() {
        let seconds = |s| Some(Duration::from_secs(s));
        assert_eq!(of(&[("retry-after", "7")]), seconds(7));
        assert_eq!(
            of(&[("retry-after", "Thu, 01 Jan 1970 00:01:00 GMT")]),
            seconds(60)
        );
        assert_eq!(
            of(&[("retry-after-ms", "1500")]),
            Some(Duration::from_millis(1_500))
        );
        assert_eq!(of(&[("retry-after", "-1")]), None);
        assert_eq!(of(&[("retry-after", "soon")]), None);
        assert_eq!(
            of(&[
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "6m2s")
            ]),
            seconds(362)
        );
        assert_eq!(
            of(&[
                ("x-ratelimit-remaining-tokens", "5"),
                ("x-ratelimit-reset-tokens", "1s")
            ]),
            None
        );
        assert_eq!(
            of(&[
                ("anthropic-ratelimit-requests-remaining", "9"),
                ("anthropic-ratelimit-requests-reset", "1970-01-01T00:05:00Z"),
                ("anthropic-ratelimit-tokens-remaining", "0"),
                ("anthropic-ratelimit-tokens-reset", "1970-01-01T00:00:30Z"),
                ("anthropic-ratelimit-output-tokens-remaining", "0"),
                (
                    "anthropic-ratelimit-output-tokens-reset",
                    "1970-01-01T01:00:40+01:00"
                ),
            ]),
            seconds(40)
        );
        assert_eq!(
            of(&[
                ("anthropic-ratelimit-tokens-remaining", "0"),
                ("anthropic-ratelimit-tokens-reset", "1969-12-31T23:59:59Z"),
            ]),
            seconds(0),
            "it is over"
        );
        assert_eq!(
            of(&[
                ("anthropic-ratelimit-tokens-remaining", "0"),
                ("anthropic-ratelimit-tokens-reset", "soon"),
            ]),
            None
        );
        assert_eq!(of(&[]), None);
    }
}
