//! What a client key may do, asked before anything is spent: its dialects, and its limits and budgets.
//!
//! Requests of keys without limits are only counted; nothing is estimated for them.

use std::ops::Range;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use translator::error::{Failure, FailureKind};
use translator::ir::Usage;
use translator::{Dialect, estimate, json};

use super::body::AnswerBody;
use super::headers::value;
use super::hub::Hub;
use super::peek::Peek;
use super::service::Caller;
use super::settle::Account;
use crate::ledger::{Tokens, cost_nano_usd};
use crate::pool::limits::{Demand, Moment, Refusal, Standing};
use crate::routing::PlannedTarget;
use crate::snapshot::{ClientKey, Snapshot};

/// What a spent budget is called in answers.
pub(super) const BUDGET_EXCEEDED: &str = "budget_exceeded";
/// Output that is reserved for a request that does not bound it: most answers are shorter.
const UNBOUNDED_OUTPUT: u64 = 2_048;
/// The most output that is reserved. Agents allow 32,000 tokens and use a few hundred; reserving them all would
/// keep the rest of a key's limits idle.
const MOST_OUTPUT: u64 = 8_192;

/// The time by the wall's clock, in milliseconds since 1970.
pub(super) fn wall_ms() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}

/// Whether the key may speak this dialect.
pub(super) fn dialect(key: Option<&ClientKey>, dialect: Dialect) -> Result<(), Failure> {
    match key {
        Some(key) if !key.allows_dialect(dialect) => {
            let words = format!("this client key may not speak {}", dialect.as_str());
            Err(Failure::new(FailureKind::Permission, words).with_code("dialect_not_allowed"))
        }
        _ => Ok(()),
    }
}

/// What a request may come to use.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use<'r> {
    /// Tokens of a model: the body, and how much output it may have.
    Tokens(&'r [u8], Output),
    /// A count of tokens, which uses none.
    Count,
}

/// How much output a request may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// None: embeddings.
    None,
    /// As much as the request says.
    AtMost(u64),
    /// The request does not say.
    Unbounded,
}

impl Output {
    /// What a request for an answer says.
    pub(super) fn of(body: &[u8], peek: &Peek) -> Self {
        let text = |range: &Range<usize>| std::str::from_utf8(body.get(range.clone())?).ok();
        let config = peek.generation_config.as_ref().and_then(|range| {
            let config = text(range)?;
            json::member(config, "maxOutputTokens")
                .or_else(|| json::member(config, "max_output_tokens"))
        });
        let flat = peek.limits.iter().map(|(_, range)| text(range));
        let limits = flat.flatten().chain(config);
        limits
            .filter_map(|raw| raw.parse::<u64>().ok())
            .min()
            .map_or(Self::Unbounded, Self::AtMost)
    }

    fn tokens(self) -> u64 {
        match self {
            Self::None => 0,
            Self::AtMost(limit) => limit.min(MOST_OUTPUT),
            Self::Unbounded => UNBOUNDED_OUTPUT,
        }
    }
}

/// Asks all limits of the caller's key for leave. What is reserved goes with the account.
///
/// # Errors
/// The limit in the way, as the client is told.
pub(super) fn admit<'t>(
    caller: &Caller,
    dialect: Dialect,
    uses: Use<'_>,
    targets: impl IntoIterator<Item = &'t PlannedTarget>,
    account: &mut Account,
) -> Result<Notice, Failure> {
    let Some(key) = &caller.key else {
        return Ok(Notice::default());
    };
    let demand = demand(&caller.snapshot, key, uses, targets);
    let moment = Moment {
        now: Instant::now(),
        wall_ms: wall_ms(),
    };
    let meter = caller.hub.meters.of(&key.id);
    let (reservation, standing) = meter
        .admit(&key.allowance, demand, moment)
        .map_err(|refusal| told(&refusal))?;
    account.hold(reservation);
    Ok(Notice(Some((dialect, standing, moment.wall_ms))))
}

fn demand<'t>(
    snapshot: &Snapshot,
    key: &ClientKey,
    uses: Use<'_>,
    targets: impl IntoIterator<Item = &'t PlannedTarget>,
) -> Demand {
    let limited = key.allowance.tpm.is_some() || key.allowance.has_budget();
    let Use::Tokens(body, output) = uses else {
        return Demand::default();
    };
    if !limited {
        return Demand::default();
    }
    let tokens = Tokens::from(Usage {
        fresh: estimate::body(body),
        output: output.tokens(),
        ..Usage::default()
    });
    let cost = |target: &PlannedTarget| {
        let price = snapshot
            .prices
            .price(&target.provider.name, &target.model)?;
        Some(cost_nano_usd(price.rates, &tokens))
    };
    Demand {
        tokens: tokens.input.saturating_add(tokens.output),
        // It may end at the dearest.
        nano_usd: match key.allowance.has_budget() {
            true => targets.into_iter().filter_map(cost).max().unwrap_or(0),
            false => 0,
        },
    }
}

/// A spent budget is a matter of money, which trying again does not mend; all else passes by itself.
fn told(refusal: &Refusal) -> Failure {
    let (kind, code) = match refusal {
        Refusal::Exhausted { .. } => (FailureKind::Billing, BUDGET_EXCEEDED),
        _ => (FailureKind::RateLimit, "rate_limit_exceeded"),
    };
    Failure::new(kind, refusal.to_string())
        .with_code(code)
        .with_retry_after(refusal.retry_after())
}

/// Tells a caller that is turned away how its key stands: only who is let in has a notice.
pub(super) fn tell_refused(
    hub: &Hub,
    key: &ClientKey,
    dialect: Dialect,
    response: &mut Response<AnswerBody>,
) {
    let refused = matches!(
        response.status(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYMENT_REQUIRED
    );
    if !refused {
        return;
    }
    let standing = hub
        .meters
        .of(&key.id)
        .standing(&key.allowance, Instant::now());
    Notice(Some((dialect, standing, wall_ms()))).tell(response.headers_mut());
}

/// Limit, what is left, and when all is there again.
type Names = [HeaderName; 3];

/// How the caller's key stands, for the head of the answer; of callers without a key there is nothing to tell.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Notice(Option<(Dialect, Standing, i64)>);

impl Notice {
    /// Tells it where the SDKs of the dialect look for it. Gemini has no such headers.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let Some((dialect, standing, wall_ms)) = self.0 else {
            return;
        };
        let (names, reset): (&[Names; 2], &dyn Fn(Duration) -> String) = match dialect {
            Dialect::OpenAiChat | Dialect::OpenAiResponses => (&OPENAI, &duration),
            Dialect::Anthropic => (&ANTHROPIC, &|rest| instant(rest, wall_ms)),
            Dialect::Gemini => return,
        };
        let rooms = [standing.requests, standing.tokens];
        for ([limit, remaining, whole], room) in names.iter().zip(rooms) {
            let Some(room) = room else { continue };
            headers.insert(limit, HeaderValue::from(room.limit));
            headers.insert(remaining, HeaderValue::from(room.left));
            headers.insert(whole, value(&reset(room.whole_in)));
        }
    }
}

static OPENAI: [Names; 2] = [
    [
        HeaderName::from_static("x-ratelimit-limit-requests"),
        HeaderName::from_static("x-ratelimit-remaining-requests"),
        HeaderName::from_static("x-ratelimit-reset-requests"),
    ],
    [
        HeaderName::from_static("x-ratelimit-limit-tokens"),
        HeaderName::from_static("x-ratelimit-remaining-tokens"),
        HeaderName::from_static("x-ratelimit-reset-tokens"),
    ],
];

static ANTHROPIC: [Names; 2] = [
    [
        HeaderName::from_static("anthropic-ratelimit-requests-limit"),
        HeaderName::from_static("anthropic-ratelimit-requests-remaining"),
        HeaderName::from_static("anthropic-ratelimit-requests-reset"),
    ],
    [
        HeaderName::from_static("anthropic-ratelimit-tokens-limit"),
        HeaderName::from_static("anthropic-ratelimit-tokens-remaining"),
        HeaderName::from_static("anthropic-ratelimit-tokens-reset"),
    ],
];

/// `6m0s`
fn duration(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => itoa::Buffer::new().format(seconds).to_owned() + "s",
        seconds => format!("{}m{}s", seconds / 60, seconds % 60),
    }
}

/// `2026-11-21T12:00:00Z`
fn instant(from_now: Duration, wall_ms: i64) -> String {
    let seconds = i64::try_from(from_now.as_secs()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(wall_ms.div_euclid(1_000).saturating_add(seconds))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::limits::Room;

    #[test]
    fn the_smallest_bound_on_the_output_counts() {
        for (body, output) in [
            (r#"{"max_tokens":100}"#, Output::AtMost(100)),
            (
                r#"{"max_tokens":100,"max_completion_tokens":50}"#,
                Output::AtMost(50),
            ),
            (
                r#"{"max_output_tokens":9000000000000}"#,
                Output::AtMost(9_000_000_000_000),
            ),
            (
                r#"{"generationConfig":{"maxOutputTokens":7}}"#,
                Output::AtMost(7),
            ),
            (
                r#"{"generation_config":{"max_output_tokens":8}}"#,
                Output::AtMost(8),
            ),
            (r#"{"max_tokens":null}"#, Output::Unbounded),
            (r#"{"max_tokens":-5}"#, Output::Unbounded),
            (r#"{"max_tokens":"100"}"#, Output::Unbounded),
            ("{}", Output::Unbounded),
        ] {
            let peek = Peek::at(body.as_bytes()).expect("JSON");
            assert_eq!(Output::of(body.as_bytes(), &peek), output, "{body}");
        }
        assert_eq!(Output::AtMost(u64::MAX).tokens(), MOST_OUTPUT);
    }

    #[test]
    fn headers_are_those_that_sdks_read() {
        let room = Room {
            limit: 60,
            left: 59,
            whole_in: Duration::from_secs(61),
        };
        let standing = Standing {
            requests: Some(room),
            tokens: None,
        };
        let shown = |dialect| {
            let mut headers = HeaderMap::new();
            Notice(Some((dialect, standing, 1_795_262_400_123))).tell(&mut headers);
            let mut shown: Vec<_> = headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ascii")))
                .collect();
            shown.sort();
            shown
        };
        let openai = [
            "x-ratelimit-limit-requests: 60",
            "x-ratelimit-remaining-requests: 59",
            "x-ratelimit-reset-requests: 1m1s",
        ];
        assert_eq!(shown(Dialect::OpenAiChat), openai);
        assert_eq!(shown(Dialect::OpenAiResponses), openai);
        assert_eq!(
            shown(Dialect::Anthropic),
            [
                "anthropic-ratelimit-requests-limit: 60",
                "anthropic-ratelimit-requests-remaining: 59",
                "anthropic-ratelimit-requests-reset: 2026-11-21T12:01:01Z",
            ]
        );
        assert!(shown(Dialect::Gemini).is_empty());
        assert_eq!(duration(Duration::from_secs(59)), "59s");
    }
}
