//! Statistics: how many requests, how fast, how many tokens, at which cost.

use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};

use super::Admin;
use super::period::{Period, step};
use super::person::{Identity, Session};
use super::problem::Answer;
use super::requests::{addresses, milliseconds, owner};
use crate::store::histogram::Histogram;
use crate::store::statistics::{Group, Line, MOST_GROUPS, Question, Selection, Statistics, Totals};

/// What requests are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(super) enum GroupBy {
    /// By time alone.
    Time,
    /// Who answered.
    Provider,
    /// The model that was asked for upstream.
    Model,
    /// The client key.
    Key,
    /// Whose key it is.
    User,
    /// The client's dialect and the provider's.
    Dialects,
    /// Why they went there.
    Route,
    /// `generate`, `count`, `embed`.
    Call,
}

/// Times of a group.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Times {
    /// How many were measured.
    count: i64,
    /// The mean in milliseconds.
    mean_ms: Option<f64>,
    /// Half took no longer, in milliseconds.
    p50_ms: Option<f64>,
    /// Nine of ten.
    p90_ms: Option<f64>,
    /// 95 of a hundred.
    p95_ms: Option<f64>,
    /// 99 of a hundred.
    p99_ms: Option<f64>,
}

/// What a line is about.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Subject {
    /// Begin of the step, milliseconds since 1970; absent when lines are not told apart by time.
    bucket: Option<i64>,
    /// What the group has in common; two texts for dialects, empty when all are together.
    key: Vec<String>,
    /// The same for people: a name or an address instead of an id.
    label: String,
}

/// Requests of a group.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RequestLine {
    #[oai(flatten)]
    subject: Subject,
    /// All requests.
    requests: i64,
    /// Answered.
    ok: i64,
    /// Answered with an error.
    errors: i64,
    /// Left by the client.
    cancelled: i64,
    /// Broken off.
    cut: i64,
    /// Answered 429.
    rate_limited: i64,
    /// Of them: streams.
    streams: i64,
    /// Tries at upstreams.
    attempts: i64,
    /// Answered, of those that the client waited for; absent without any.
    success_rate: Option<f64>,
    /// Known costs in nano-USD; absent where requests have used tokens and none of them has a known price.
    cost_nano_usd: Option<i64>,
    /// Requests with tokens but without a known price: their cost is not in the sum.
    unpriced: i64,
    /// Times to the end.
    latency: Times,
    /// Times to the first bytes.
    first_byte: Times,
}

/// Tokens of a group.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct TokenLine {
    #[oai(flatten)]
    subject: Subject,
    /// All requests.
    requests: i64,
    /// All input.
    input: i64,
    /// Of it: read afresh.
    uncached: i64,
    /// Of it: from a prompt cache.
    cache_read: i64,
    /// Of it: written to a cache for five minutes.
    cache_write_5m: i64,
    /// Of it: written to a cache for an hour.
    cache_write_1h: i64,
    /// Of it: written to a cache, life unknown.
    cache_write: i64,
    /// Of it: brought in by the vendor's tools.
    tool_input: i64,
    /// Of it, in whichever bucket: audio.
    audio_input: i64,
    /// All output.
    output: i64,
    /// Of it: reasoning.
    reasoning: i64,
    /// Of it: audio.
    audio_output: i64,
    /// Of it: images.
    image_output: i64,
    /// Requests whose tokens the hub counted, wholly or in part.
    estimated: i64,
    /// Input from a cache, of all input; absent without any.
    cache_rate: Option<f64>,
    /// Known costs in nano-USD; absent where requests have used tokens and none of them has a known price.
    cost_nano_usd: Option<i64>,
    /// Requests with tokens but without a known price: their cost is not in the sum.
    unpriced: i64,
}

/// Requests by group and time.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RequestStatistics {
    /// Where it begins, milliseconds since 1970: at the begin of a step.
    from: i64,
    /// Where it ends.
    to: i64,
    /// The step in milliseconds.
    step: Option<i64>,
    /// The lines, those with the most requests first, or by time.
    lines: Vec<RequestLine>,
}

/// Tokens by group and time.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct TokenStatistics {
    /// Where it begins, milliseconds since 1970: at the begin of a step.
    from: i64,
    /// Where it ends.
    to: i64,
    /// The step in milliseconds.
    step: Option<i64>,
    /// The lines, those with the most requests first, or by time.
    lines: Vec<TokenLine>,
}

/// Everything at a glance.
#[derive(Clone, Debug, Object)]
pub(super) struct Summary {
    /// Where it begins, milliseconds since 1970.
    from: i64,
    /// Where it ends.
    to: i64,
    /// Requests.
    requests: RequestLine,
    /// Tokens.
    tokens: TokenLine,
    /// Requests in the time of the same length before.
    requests_before: RequestLine,
    /// Tokens in the time of the same length before.
    tokens_before: TokenLine,
    /// Providers with the most requests.
    providers: Vec<RequestLine>,
    /// Models with the most requests.
    models: Vec<RequestLine>,
}

/// The resource.
pub(super) struct Stats(pub(super) Admin);

/// What every question says.
struct Asked {
    from: Option<i64>,
    to: Option<i64>,
    range: Option<String>,
    step: Option<String>,
    group_by: Option<GroupBy>,
    only: Selection,
    limit: Option<u64>,
}

impl Asked {
    fn question(self, who: &Identity) -> Answer<Question> {
        let period = Period::of(self.from, self.to, self.range.as_deref())?;
        let step = step(self.step.as_deref())?;
        let by = self.group_by.and_then(group);
        // By time alone needs a step.
        let usual = matches!(self.group_by, Some(GroupBy::Time)).then(|| usual_step(period));
        Ok(Question {
            from: period.from,
            to: period.to,
            step: step.or(usual),
            by,
            only: Selection {
                owner_id: owner(who, self.only.owner_id),
                ..self.only
            },
            most: self.limit.unwrap_or(MOST_GROUPS),
        })
    }
}

const fn group(by: GroupBy) -> Option<Group> {
    match by {
        GroupBy::Time => None,
        GroupBy::Provider => Some(Group::Provider),
        GroupBy::Model => Some(Group::Model),
        GroupBy::Key => Some(Group::ClientKey),
        GroupBy::User => Some(Group::Owner),
        GroupBy::Dialects => Some(Group::Dialects),
        GroupBy::Route => Some(Group::Route),
        GroupBy::Call => Some(Group::Call),
    }
}

/// Between one and two hundred points.
fn usual_step(period: Period) -> i64 {
    use crate::store::rollups::{DAY, HOUR};
    use crate::store::statistics::MINUTE;
    match period.to - period.from {
        short if short <= 2 * HOUR => MINUTE,
        days if days <= 8 * DAY => HOUR,
        _ => DAY,
    }
}

fn times(histogram: &Histogram, sum_us: i64, count: i64) -> Times {
    let at = |share| histogram.percentile(share).map(milliseconds);
    Times {
        count,
        mean_ms: (count > 0).then(|| milliseconds(sum_us) / count as f64),
        p50_ms: at(0.5),
        p90_ms: at(0.9),
        p95_ms: at(0.95),
        p99_ms: at(0.99),
    }
}

/// A cost of nothing beside requests without a price is not known to be nothing.
fn known_cost(nano_usd: i64, unpriced: i64) -> Option<i64> {
    (nano_usd > 0 || unpriced == 0).then_some(nano_usd)
}

fn request_line(line: &Line, label: String) -> RequestLine {
    let Totals {
        requests,
        ok,
        errors,
        cancelled,
        cut,
        limited,
        streams,
        attempts,
        cost_nano_usd,
        unpriced,
        ..
    } = line.totals;
    let waited = requests - cancelled;
    RequestLine {
        subject: subject(line, label),
        requests,
        ok,
        errors,
        cancelled,
        cut,
        rate_limited: limited,
        streams,
        attempts,
        success_rate: (waited > 0).then(|| ok as f64 / waited as f64),
        cost_nano_usd: known_cost(cost_nano_usd, unpriced),
        unpriced,
        latency: times(&line.total, line.totals.total_us, requests),
        first_byte: times(
            &line.first_byte,
            line.totals.first_byte_us,
            line.totals.first_bytes,
        ),
    }
}

fn token_line(line: &Line, label: String) -> TokenLine {
    let totals = line.totals;
    TokenLine {
        subject: subject(line, label),
        requests: totals.requests,
        input: totals.input,
        uncached: totals.uncached,
        cache_read: totals.cache_read,
        cache_write_5m: totals.cache_write_5m,
        cache_write_1h: totals.cache_write_1h,
        cache_write: totals.cache_write,
        tool_input: totals.tool_input,
        audio_input: totals.audio_input,
        output: totals.output,
        reasoning: totals.reasoning,
        audio_output: totals.audio_output,
        image_output: totals.image_output,
        estimated: totals.estimated,
        cache_rate: (totals.input > 0).then(|| totals.cache_read as f64 / totals.input as f64),
        cost_nano_usd: known_cost(totals.cost_nano_usd, totals.unpriced),
        unpriced: totals.unpriced,
    }
}

fn subject(line: &Line, label: String) -> Subject {
    Subject {
        bucket: line.bucket,
        key: line.key.clone(),
        label,
    }
}

impl Stats {
    /// Lines with their labels.
    async fn ask(&self, question: &Question) -> Answer<(Statistics, Vec<String>)> {
        let mut found = self.0.control.store().statistics(question).await?;
        if found.step.is_some() {
            found
                .lines
                .sort_by(|a, b| (a.bucket, &a.key).cmp(&(b.bucket, &b.key)));
        }
        let people = if question.by == Some(Group::Owner) {
            let ids = found.lines.iter().filter_map(|line| line.key.first());
            addresses(&self.0, ids.map(String::as_str)).await?
        } else {
            std::collections::HashMap::new()
        };
        let labels = found
            .lines
            .iter()
            .map(|line| {
                let key = line.key.join(" \u{2192} ");
                line.name
                    .clone()
                    .or_else(|| people.get(&key).cloned())
                    .unwrap_or(key)
            })
            .collect();
        Ok((found, labels))
    }

    async fn requests_of(&self, question: &Question) -> Answer<Vec<RequestLine>> {
        let (found, labels) = self.ask(question).await?;
        Ok(found
            .lines
            .iter()
            .zip(labels)
            .map(|(line, label)| request_line(line, label))
            .collect())
    }
}

#[OpenApi(prefix_path = "/api/stats")]
impl Stats {
    /// Requests: how many, how they ended, how long they took, what they cost
    ///
    /// Give `from` and `to` in milliseconds since 1970, or `range` such as `24h`. Lines come by `group_by`, and by time
    /// when `step` (`minute`, `hour`, `day`, `week`) is given too. Members see their own requests.
    #[oai(path = "/requests", method = "get", operation_id = "stats_requests")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the call")]
    async fn requests(
        &self,
        session: Session,
        from: Query<Option<i64>>,
        to: Query<Option<i64>>,
        range: Query<Option<String>>,
        step: Query<Option<String>>,
        group_by: Query<Option<GroupBy>>,
        provider: Query<Option<String>>,
        model: Query<Option<String>>,
        client_key_id: Query<Option<String>>,
        user_id: Query<Option<String>>,
        ingress: Query<Option<String>>,
        upstream: Query<Option<String>>,
        route: Query<Option<String>>,
        call: Query<Option<String>>,
        limit: Query<Option<u64>>,
    ) -> Answer<Json<RequestStatistics>> {
        let asked = Asked {
            from: from.0,
            to: to.0,
            range: range.0,
            step: step.0,
            group_by: group_by.0,
            only: Selection {
                provider: provider.0,
                model: model.0,
                client_key_id: client_key_id.0,
                owner_id: user_id.0,
                ingress: ingress.0,
                upstream: upstream.0,
                route: route.0,
                call: call.0,
            },
            limit: limit.0,
        };
        let question = asked.question(session.anybody())?;
        let (found, labels) = self.ask(&question).await?;
        let lines = found.lines.iter().zip(labels);
        Ok(Json(RequestStatistics {
            from: found.from,
            to: found.to,
            step: found.step,
            lines: lines
                .map(|(line, label)| request_line(line, label))
                .collect(),
        }))
    }

    /// Tokens by kind, and what they cost
    #[oai(path = "/token-usage", method = "get", operation_id = "stats_tokens")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the call")]
    async fn tokens(
        &self,
        session: Session,
        from: Query<Option<i64>>,
        to: Query<Option<i64>>,
        range: Query<Option<String>>,
        step: Query<Option<String>>,
        group_by: Query<Option<GroupBy>>,
        provider: Query<Option<String>>,
        model: Query<Option<String>>,
        client_key_id: Query<Option<String>>,
        user_id: Query<Option<String>>,
        ingress: Query<Option<String>>,
        upstream: Query<Option<String>>,
        route: Query<Option<String>>,
        call: Query<Option<String>>,
        limit: Query<Option<u64>>,
    ) -> Answer<Json<TokenStatistics>> {
        let asked = Asked {
            from: from.0,
            to: to.0,
            range: range.0,
            step: step.0,
            group_by: group_by.0,
            only: Selection {
                provider: provider.0,
                model: model.0,
                client_key_id: client_key_id.0,
                owner_id: user_id.0,
                ingress: ingress.0,
                upstream: upstream.0,
                route: route.0,
                call: call.0,
            },
            limit: limit.0,
        };
        let question = asked.question(session.anybody())?;
        let (found, labels) = self.ask(&question).await?;
        let lines = found.lines.iter().zip(labels);
        Ok(Json(TokenStatistics {
            from: found.from,
            to: found.to,
            step: found.step,
            lines: lines.map(|(line, label)| token_line(line, label)).collect(),
        }))
    }

    /// Everything at a glance, beside the time before
    #[oai(path = "/summary", method = "get", operation_id = "stats_summary")]
    async fn summary(
        &self,
        session: Session,
        from: Query<Option<i64>>,
        to: Query<Option<i64>>,
        range: Query<Option<String>>,
        user_id: Query<Option<String>>,
    ) -> Answer<Json<Summary>> {
        let who = session.anybody();
        let period = Period::of(from.0, to.0, range.0.as_deref())?;
        let of = |period: Period, by| Question {
            only: Selection {
                owner_id: owner(who, user_id.0.clone()),
                ..Selection::default()
            },
            by,
            most: 10,
            ..Question::between(period.from, period.to)
        };
        let (now, _) = self.ask(&of(period, None)).await?;
        let (before, _) = self.ask(&of(period.before(), None)).await?;
        let (line, past) = (whole(&now), whole(&before));
        Ok(Json(Summary {
            from: period.from,
            to: period.to,
            requests: request_line(&line, String::new()),
            tokens: token_line(&line, String::new()),
            requests_before: request_line(&past, String::new()),
            tokens_before: token_line(&past, String::new()),
            providers: self.requests_of(&of(period, Some(Group::Provider))).await?,
            models: self.requests_of(&of(period, Some(Group::Model))).await?,
        }))
    }
}

fn whole(found: &Statistics) -> Line {
    found.lines.first().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::known_cost;

    #[test]
    fn nothing_is_a_cost_only_where_all_of_it_is_priced() {
        assert_eq!(known_cost(0, 0), Some(0));
        assert_eq!(known_cost(7, 3), Some(7));
        assert_eq!(known_cost(0, 3), None);
    }
}
