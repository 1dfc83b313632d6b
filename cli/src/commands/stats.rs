//! `stats`: what came through, what it took, what it cost.

use std::collections::HashMap;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::client::{Call, Endpoint};
use crate::endpoints;
use crate::entry::items;
use crate::failure::Ended;
use crate::moment;
use crate::output::{Layout, Show, column};
use crate::resource::{Period, Watch};
use crate::session::Session;

const REQUESTS: Layout = Layout {
    things: "requests in this time",
    key: "label",
    columns: &[
        column("TIME", "bucket").show(Show::Exact),
        column("GROUP", "label"),
        column("REQUESTS", "requests").show(Show::Number),
        column("OK", "ok").show(Show::Number),
        column("ERRORS", "errors").show(Show::Number),
        column("LIMITED", "rate_limited").show(Show::Number).wide(),
        column("CANCELLED", "cancelled").show(Show::Number).wide(),
        column("CUT", "cut").show(Show::Number).wide(),
        column("STREAMS", "streams").show(Show::Number).wide(),
        column("ATTEMPTS", "attempts").show(Show::Number).wide(),
        column("SUCCESS", "success_rate").show(Show::Percent),
        column("P50", "latency.p50_ms").show(Show::Ms),
        column("P95", "latency.p95_ms").show(Show::Ms),
        column("P99", "latency.p99_ms").show(Show::Ms).wide(),
        column("FIRST BYTE P50", "first_byte.p50_ms").show(Show::Ms),
        column("COST", "cost_nano_usd").show(Show::Nano),
        column("UNPRICED", "unpriced").show(Show::Number),
    ],
};

const TOKENS: Layout = Layout {
    things: "requests in this time",
    key: "label",
    columns: &[
        column("TIME", "bucket").show(Show::Exact),
        column("GROUP", "label"),
        column("REQUESTS", "requests").show(Show::Number),
        column("INPUT", "input").show(Show::Number),
        column("CACHE READ", "cache_read").show(Show::Number),
        column("CACHE WRITE", "cache_write").show(Show::Number),
        column("OUTPUT", "output").show(Show::Number),
        column("REASONING", "reasoning").show(Show::Number),
        column("CACHE RATE", "cache_rate").show(Show::Percent),
        column("AUDIO IN", "audio_input").show(Show::Number).wide(),
        column("AUDIO OUT", "audio_output")
            .show(Show::Number)
            .wide(),
        column("IMAGE OUT", "image_output")
            .show(Show::Number)
            .wide(),
        column("ESTIMATED", "estimated").show(Show::Number).wide(),
        column("COST", "cost_nano_usd").show(Show::Nano),
        column("UNPRICED", "unpriced").show(Show::Number),
    ],
};

const COST: Layout = Layout {
    columns: &[
        column("TIME", "bucket").show(Show::Exact),
        column("GROUP", "label"),
        column("REQUESTS", "requests").show(Show::Number),
        column("INPUT", "input").show(Show::Number),
        column("OUTPUT", "output").show(Show::Number),
        column("COST", "cost_nano_usd").show(Show::Nano),
        column("UNPRICED", "unpriced").show(Show::Number),
    ],
    ..TOKENS
};

/// Requests and tokens beside each other.
pub(crate) const USAGE: Layout = Layout {
    columns: &[
        column("GROUP", "label"),
        column("REQUESTS", "requests").show(Show::Number),
        column("SUCCESS", "success_rate").show(Show::Percent),
        column("P50", "latency.p50_ms").show(Show::Ms),
        column("INPUT", "input").show(Show::Number),
        column("OUTPUT", "output").show(Show::Number),
        column("CACHE READ", "cache_read").show(Show::Number).wide(),
        column("REASONING", "reasoning").show(Show::Number).wide(),
        column("COST", "cost_nano_usd").show(Show::Nano),
        column("UNPRICED", "unpriced").show(Show::Number),
    ],
    ..TOKENS
};

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// How many requests, how they ended, how long they took.
    Requests(Query),
    /// How many tokens of which kind.
    Tokens(Query),
    /// What it cost.
    Cost(Query),
    /// Everything at a glance, beside the time before.
    Summary {
        #[command(flatten)]
        period: Period,
        #[command(flatten)]
        watch: Watch,
    },
}

/// What to count, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct Query {
    /// time, provider, model, key, user, dialects, route or call.
    #[arg(long, short, value_name = "WHAT")]
    group_by: Option<String>,
    /// minute, hour, day, week, or a time such as 15m: a line for each.
    #[arg(long, value_name = "TIME")]
    step: Option<String>,
    /// Only this provider.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Only this model.
    #[arg(long)]
    model: Option<String>,
    /// Only this client key.
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// Only this person.
    #[arg(long, value_name = "ADDRESS")]
    user: Option<String>,
    /// Only this route.
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// Only clients of this dialect.
    #[arg(long, value_name = "DIALECT")]
    ingress: Option<String>,
    /// Only upstreams of this dialect.
    #[arg(long, value_name = "DIALECT")]
    upstream: Option<String>,
    /// At most so many groups.
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    #[command(flatten)]
    period: Period,
    #[command(flatten)]
    watch: Watch,
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::Requests(query) => {
            query
                .show(session, endpoints::STATS_REQUESTS, &REQUESTS)
                .await
        }
        Verb::Tokens(query) => query.show(session, endpoints::STATS_TOKENS, &TOKENS).await,
        Verb::Cost(query) => query.show(session, endpoints::STATS_TOKENS, &COST).await,
        Verb::Summary { period, watch } => {
            session
                .watch(watch.every(), async || summary(session, period).await)
                .await
        }
    }
}

impl Query {
    async fn show(&self, session: &Session, endpoint: Endpoint, layout: &Layout) -> Ended {
        let call = self.call(session, endpoint).await?;
        session
            .watch(self.watch.every(), async || {
                let call = self.period.on(call.clone());
                let answer = session.read(&call).await?.body;
                if !session.console.format.is_for_people() {
                    return session.console.list(layout, items(&answer["lines"]));
                }
                session.console.note(&told(&answer));
                session
                    .console
                    .list(&fitting(layout, &answer), &priced(items(&answer["lines"])))
            })
            .await
    }

    async fn call(&self, session: &Session, endpoint: Endpoint) -> Ended<Call> {
        let key = match &self.key {
            Some(key) => Some(super::api_keys::API_KEYS.key(session, key).await?),
            None => None,
        };
        let user = match &self.user {
            Some(user) => Some(super::users::USERS.key(session, user).await?),
            None => None,
        };
        // Without a grouping, one line tells all.
        Ok(endpoint
            .call(&[])
            .with_some("group_by", self.group_by.as_deref())
            .with_some("step", self.step.as_deref())
            .with_some("provider", self.provider.as_deref())
            .with_some("model", self.model.as_deref())
            .with_some("client_key_id", key)
            .with_some("user_id", user)
            .with_some("route", self.route.as_deref())
            .with_some("ingress", self.ingress.as_deref())
            .with_some("upstream", self.upstream.as_deref())
            .with_some("limit", self.limit))
    }
}

/// From when to when.
fn told(answer: &Value) -> String {
    let moment = |member: &str| {
        answer[member]
            .as_i64()
            .and_then(moment::rfc3339)
            .unwrap_or_default()
    };
    format!("from {} to {}", moment("from"), moment("to"))
}

/// Without the columns that say nothing here.
fn fitting(layout: &Layout, answer: &Value) -> Layout {
    let lines = items(&answer["lines"]);
    let has_time = lines.iter().any(|line| !line["bucket"].is_null());
    let has_group = lines.iter().any(|line| {
        line["label"]
            .as_str()
            .is_some_and(|label| !label.is_empty())
    });
    let first = usize::from(!has_time);
    // Time and group are the first two of every layout.
    match (has_time, has_group) {
        (_, true) => Layout {
            columns: &layout.columns[first..],
            ..*layout
        },
        (false, false) => Layout {
            columns: &layout.columns[2..],
            ..*layout
        },
        (true, false) => *layout,
    }
}

/// An unknown price is not a price of nothing: sums without any price are left open.
pub(crate) fn priced(lines: &[Value]) -> Vec<Value> {
    let lines = lines.iter().map(|line| {
        let mut line = line.clone();
        if line["cost_nano_usd"] == json!(0)
            && line["unpriced"].as_i64().is_some_and(|count| count > 0)
        {
            line["cost_nano_usd"] = Value::Null;
        }
        line
    });
    lines.collect()
}

/// Lines about requests with those about tokens beside them.
pub(crate) fn joined(requests: &Value, tokens: &Value) -> Vec<Value> {
    let by_key: HashMap<String, &Value> = items(&tokens["lines"])
        .iter()
        .map(|line| (line["key"].to_string(), line))
        .collect();
    let lines = items(&requests["lines"]).iter().map(|line| {
        let mut line = line.clone();
        if let Some(tokens) = by_key.get(&line["key"].to_string()) {
            for (member, value) in tokens.as_object().into_iter().flatten() {
                if line[member].is_null() {
                    line[member] = value.clone();
                }
            }
        }
        line
    });
    lines.collect()
}

async fn summary(session: &Session, period: &Period) -> Ended {
    let answer = session
        .read(&period.on(endpoints::STATS_SUMMARY.call(&[])))
        .await?
        .body;
    if !session.console.format.is_for_people() {
        return session.console.json_or_yaml(&answer);
    }
    session.console.note(&told(&answer));
    let both = [
        ("now", "requests", "tokens"),
        ("before", "requests_before", "tokens_before"),
    ];
    let rows = both.map(|(label, requests, tokens)| {
        let line = |member: &str| {
            let mut line = answer[member].clone();
            line["key"] = json!([]);
            json!({"lines": [line]})
        };
        let mut rows = joined(&line(requests), &line(tokens));
        let mut row = rows.pop().unwrap_or_default();
        row["label"] = json!(label);
        row
    });
    session.console.list(&USAGE, &priced(&rows))?;
    for (title, member) in [("providers", "providers"), ("models", "models")] {
        if !items(&answer[member]).is_empty() {
            session.console.text(&format!("\n{title}\n"))?;
            let layout = Layout {
                columns: &REQUESTS.columns[1..],
                ..REQUESTS
            };
            session
                .console
                .list(&layout, &priced(items(&answer[member])))?;
        }
    }
    Ok(())
}
