//! How long statistics take on very many requests: fills an empty PostgreSQL database and asks.
//!
//! `cargo run --example statistics_at_scale -- postgres://user@host:port/database 10000000`; see
//! `scripts/statistics-at-scale.sh`, which brings its own server.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bridge::config::Secret;
use bridge::store::request_list::RequestFilter;
use bridge::store::rollups::{DAY, HOUR};
use bridge::store::statistics::{Group, MINUTE, Question, Selection};
use bridge::store::{Store, StoreOptions, now_ms};
use sea_orm::ConnectionTrait as _;

/// Days of traffic.
const DAYS: i64 = 30;
/// Each question is asked so often; the median counts.
const ROUNDS: usize = 7;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments
        .next()
        .context("say the URL of an empty database")?;
    let rows: i64 = arguments
        .next()
        .map_or(Ok(1_000_000), |rows| rows.parse())?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(measure(&url, rows))
}

async fn measure(url: &str, rows: i64) -> anyhow::Result<()> {
    let options = StoreOptions {
        url: Secret::new(url),
        pool_size: 4,
        pool_timeout: Duration::from_secs(60),
        encryption_key: Some(Secret::new("no secret is kept in this database")),
    };
    let store = Store::open(&options).await?;
    let now = now_ms();
    // A database that was filled before is asked as it is.
    if count(store.write(), "rollups").await? == 0 {
        fill(&store, rows, now).await?;
    }
    told(store.write()).await?;
    say("| question | lines | median ms | slowest ms |\n| --- | --: | --: | --: |")?;
    for (name, question) in questions(now) {
        let mut times = Vec::with_capacity(ROUNDS);
        let mut lines = 0;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            lines = store.statistics(&question).await?.lines.len();
            times.push(begun.elapsed());
        }
        row(name, lines, times)?;
    }
    for (name, filter) in lists(now) {
        let mut times = Vec::with_capacity(ROUNDS);
        let mut lines = 0;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            lines = store.requests(&filter, None, 50).await?.len();
            times.push(begun.elapsed());
        }
        row(name, lines, times)?;
    }
    Ok(())
}

fn row(name: &str, lines: usize, mut times: Vec<Duration>) -> anyhow::Result<()> {
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    say(&format!(
        "| {name} | {lines} | {:.0} | {:.0} |",
        ms(times[ROUNDS / 2]),
        ms(times[ROUNDS - 1])
    ))
}

fn say(words: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{words}")?)
}

fn questions(now: i64) -> Vec<(&'static str, Question)> {
    let last = |range, by, step| Question {
        by,
        step,
        most: 50,
        ..Question::between(now - range, now)
    };
    let of_owner = |by, step| Question {
        only: Selection {
            owner_id: Some("owner-7".to_owned()),
            ..Selection::default()
        },
        ..last(30 * DAY, by, step)
    };
    vec![
        ("30 days, all together", last(30 * DAY, None, None)),
        ("30 days by day", last(30 * DAY, None, Some(DAY))),
        (
            "30 days by provider",
            last(30 * DAY, Some(Group::Provider), None),
        ),
        ("30 days by model", last(30 * DAY, Some(Group::Model), None)),
        (
            "30 days by client key",
            last(30 * DAY, Some(Group::ClientKey), None),
        ),
        ("30 days by user", last(30 * DAY, Some(Group::Owner), None)),
        (
            "30 days by pair of dialects",
            last(30 * DAY, Some(Group::Dialects), None),
        ),
        ("30 days by route", last(30 * DAY, Some(Group::Route), None)),
        (
            "30 days by provider and day",
            last(30 * DAY, Some(Group::Provider), Some(DAY)),
        ),
        (
            "30 days of one user by model and day",
            of_owner(Some(Group::Model), Some(DAY)),
        ),
        ("24 hours by hour", last(DAY, None, Some(HOUR))),
        (
            "24 hours by model and hour",
            last(DAY, Some(Group::Model), Some(HOUR)),
        ),
        (
            "1 hour by minute, from the rows",
            last(HOUR, None, Some(MINUTE)),
        ),
    ]
}

fn lists(now: i64) -> Vec<(&'static str, RequestFilter)> {
    vec![
        ("list: the newest", RequestFilter::default()),
        (
            "list: errors",
            RequestFilter {
                outcome: Some("error".to_owned()),
                ..RequestFilter::default()
            },
        ),
        (
            "list: one client key",
            RequestFilter {
                client_key_id: Some("key-42".to_owned()),
                ..RequestFilter::default()
            },
        ),
        (
            "list: words in errors of the last day",
            RequestFilter {
                from: Some(now - DAY),
                outcome: Some("error".to_owned()),
                text: Some("broke".to_owned()),
                ..RequestFilter::default()
            },
        ),
    ]
}

/// Requests of 300 keys of 60 users, each with three of 24 models of six providers, and the sums over them.
async fn fill(store: &Store, rows: i64, now: i64) -> anyhow::Result<()> {
    let database = store.write();
    let begun = Instant::now();
    // Indexes are quicker made at the end.
    database
        .execute_unprepared(
            "ALTER TABLE requests SET UNLOGGED;
             ALTER TABLE requests DROP CONSTRAINT IF EXISTS requests_pkey;
             DROP INDEX IF EXISTS requests_at, requests_key, requests_owner, requests_outcome",
        )
        .await?;
    let there = count(database, "requests").await?;
    let span = DAYS * DAY;
    // In portions, so that one statement does not take half an hour.
    let portions = 20.max(rows / 500_000);
    for portion in 0..portions {
        let (from, to) = (
            there.max(rows * portion / portions),
            rows * (portion + 1) / portions - 1,
        );
        database
            .execute_unprepared(&format!(
                "INSERT INTO requests
                 SELECT 'req_' || md5(n::text), at, 'generate',
                   (ARRAY['anthropic','openai-chat','openai-responses','gemini'])[1 + k % 4],
                   (ARRAY['openai-chat','openai-responses','anthropic','gemini'])[1 + m / 4 % 4],
                   'key-' || k, 'key ' || k, 'owner-' || k % 60, '|team-' || k % 7 || '|',
                   'provider-' || m / 4, 'sonnet', 'model-' || m, CASE WHEN m % 4 = 0 THEN 'role' ELSE 'rule-' || m % 9 END,
                   n % 2 = 0, CASE WHEN e THEN 'error' ELSE 'ok' END, CASE WHEN e THEN 502 ELSE 200 END,
                   CASE WHEN e THEN 'upstream' END, CASE WHEN e THEN 'the upstream broke off' END,
                   i, i / 4, i - i / 4, 0, 0, 0, 0, 0, o, o / 3, 0, 0,
                   'vendor', NULL, i * 3 + o * 15, 'v', t / 4, t,
                   LEAST(100, GREATEST(0, floor(log(2, (t / 4) / 250.0) * 4) + 1)),
                   LEAST(100, GREATEST(0, floor(log(2, t / 250.0) * 4) + 1)), 1, ''
                 FROM (SELECT n, k, (k * 7 + (n / 300) % 3 * 5) % 24 AS m, n % 97 = 0 AS e,
                   {now} - {span} + (n * ({span}::numeric / {rows}))::bigint AS at,
                   (500 + 20000 * random())::bigint AS i, (20 + 800 * random())::bigint AS o,
                   (1000000 * exp(2.0 * (random() + random() + random() - 1.5)))::bigint AS t
                   FROM (SELECT n, (n * 31 % 300)::int AS k FROM generate_series({from}::bigint, {to}::bigint) n) a) b"
            ))
            .await?;
    }
    database
        .execute_unprepared("ALTER TABLE requests ADD PRIMARY KEY (id)")
        .await?;
    for (name, of) in [
        ("requests_at", "(at, id)"),
        ("requests_key", "(client_key_id, at)"),
        (
            "requests_owner",
            "(owner_id, at) WHERE owner_id IS NOT NULL",
        ),
        ("requests_outcome", "(outcome, at) WHERE outcome <> 'ok'"),
    ] {
        database
            .execute_unprepared(&format!("CREATE INDEX {name} ON requests {of}"))
            .await?;
    }
    sums(database, now).await?;
    database.execute_unprepared("VACUUM ANALYZE").await?;
    say(&format!("filled in {:.0} s", begun.elapsed().as_secs_f64()))
}

/// How much there is.
async fn told(database: &impl sea_orm::ConnectionTrait) -> anyhow::Result<()> {
    say(&format!(
        "{} requests over {DAYS} days, {} combinations of what sums are kept apart by, {} sums, {} counts per slot\n",
        count(database, "requests").await?,
        count(database, "dimensions").await?,
        count(database, "rollups").await?,
        count(database, "latencies").await?,
    ))
}

/// Columns that sums are kept apart by, among dimensions and among requests.
const COLUMNS: [(&str, &str); 9] = [
    ("call_kind", "call_kind"),
    ("provider", "provider"),
    ("model", "model_served"),
    ("client_key_id", "client_key_id"),
    ("client_key", "client_key"),
    ("owner_id", "owner_id"),
    ("ingress", "ingress"),
    ("upstream", "upstream"),
    ("route", "route"),
];

/// The faces of sums as the hub makes them.
const FACES: [(i64, &[&str]); 11] = [
    (1, &[]),
    (8, &["call_kind"]),
    (2, &["provider"]),
    (6, &["ingress", "upstream"]),
    (7, &["route"]),
    (3, &["model"]),
    (5, &["owner_id"]),
    (9, &["owner_id", "provider"]),
    (4, &["client_key_id", "client_key", "owner_id"]),
    (10, &["owner_id", "model"]),
    (
        0,
        &[
            "call_kind",
            "provider",
            "model",
            "client_key_id",
            "client_key",
            "owner_id",
            "ingress",
            "upstream",
            "route",
        ],
    ),
];

/// The sums over all rows: per day, and per hour of the last days.
async fn sums(database: &impl sea_orm::ConnectionTrait, now: i64) -> anyhow::Result<()> {
    let plain: Vec<String> = COLUMNS
        .iter()
        .map(|(name, column)| format!("{column} AS {name}"))
        .collect();
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let (plain, names) = (plain.join(", "), names.join(", "));
    let hours_from = (now - 4 * DAY) / DAY * DAY;
    // Days need no finer buckets than days.
    let bucket =
        format!("CASE WHEN at >= {hours_from} THEN at - at % {HOUR} ELSE at - at % {DAY} END");
    for statement in [
        format!(
            "CREATE UNLOGGED TABLE cells AS SELECT {plain}, {bucket} AS bucket, count(*) AS n, count(*) FILTER (WHERE outcome = 'ok') AS ok,
               count(*) FILTER (WHERE stream) AS streams, sum(input) AS input, sum(uncached) AS uncached, sum(cache_read) AS cache_read,
               sum(output) AS output, sum(reasoning) AS reasoning, sum(cost_nano_usd) AS cost, sum(first_byte_us) AS first, sum(total_us) AS total
             FROM requests GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
        ),
        format!(
            "CREATE UNLOGGED TABLE slots AS SELECT {plain}, {bucket} AS bucket, total_slot, first_byte_slot, count(*) AS n
             FROM requests GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"
        ),
    ] {
        database.execute_unprepared(&statement).await?;
    }
    for (face, kept) in FACES {
        let seen: Vec<String> = COLUMNS
            .iter()
            .map(|(name, _)| {
                if kept.contains(name) {
                    (*name).to_owned()
                } else {
                    format!("''::text AS {name}")
                }
            })
            .collect();
        let seen = seen.join(", ");
        let identity = format!(
            "('x' || substr(md5({face} || concat_ws('|', {names})), 1, 15))::bit(60)::bigint"
        );
        database
            .execute_unprepared(&format!(
                "INSERT INTO dimensions SELECT DISTINCT {identity}, {face}, {names} FROM (SELECT {seen} FROM cells) x"
            ))
            .await?;
        for (step, from) in [(HOUR, hours_from), (DAY, 0)] {
            database
                .execute_unprepared(&format!(
                    "INSERT INTO rollups (step, dimension_id, bucket, requests, ok, errors, cancelled, cut, limited, streams, attempts, input, uncached,
                       cache_read, cache_write_5m, cache_write_1h, cache_write, tool_input, audio_input, output, reasoning, audio_output, image_output,
                       estimated, cost_nano_usd, unpriced, first_byte_us, first_bytes, total_us)
                     SELECT {step}, {identity}, bucket - bucket % {step}, sum(n), sum(ok), sum(n - ok), 0, 0, 0, sum(streams), sum(n), sum(input),
                       sum(uncached), sum(cache_read), 0, 0, 0, 0, 0, sum(output), sum(reasoning), 0, 0, 0, sum(cost), 0, sum(first), sum(n), sum(total)
                     FROM (SELECT {seen}, bucket, n, ok, streams, input, uncached, cache_read, output, reasoning, cost, first, total
                       FROM cells WHERE bucket >= {from}) x GROUP BY 2, 3"
                ))
                .await?;
            database
                .execute_unprepared(&format!(
                    "INSERT INTO latencies (step, dimension_id, bucket, slot, totals, first_bytes)
                     SELECT {step}, {identity}, bucket - bucket % {step}, slot, sum(a), sum(b) FROM (
                       SELECT {seen}, bucket, total_slot AS slot, n AS a, 0 AS b FROM slots WHERE bucket >= {from}
                       UNION ALL SELECT {seen}, bucket, first_byte_slot, 0, n FROM slots WHERE bucket >= {from}) x GROUP BY 2, 3, 4"
                ))
                .await?;
        }
    }
    // As the hub has it: the last two minutes are counted from the rows.
    let mark = now - 120_000;
    for statement in [
        "DROP TABLE cells".to_owned(),
        "DROP TABLE slots".to_owned(),
        format!("INSERT INTO facts (name, value) VALUES ('rolled_until', '{mark}')"),
    ] {
        database.execute_unprepared(&statement).await?;
    }
    Ok(())
}

async fn count(
    database: &impl sea_orm::ConnectionTrait,
    table: &'static str,
) -> anyhow::Result<i64> {
    let select = sea_orm::sea_query::Query::select()
        .expr(sea_orm::sea_query::Expr::cust("COUNT(*)"))
        .from(table)
        .take();
    let row = database.query_one(&select).await?.context("a count")?;
    Ok(row.try_get_by_index(0)?)
}
