//! Sums per hour and day, kept apart by what requests have in common.

use std::collections::{BTreeMap, HashMap};

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait, DatabaseBackend, EntityTrait as _, ExprTrait as _,
    IdenStatic as _, IntoActiveModel as _, Iterable as _,
};
use sha2::{Digest as _, Sha256};

use super::StoreError;
use super::entities::{dimension, latency, request, rollup};
use super::requests::KnownDimensions;

/// Milliseconds of an hour.
pub const HOUR: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY: i64 = 24 * HOUR;
/// Rows in one statement.
const ROWS: usize = 100;
/// Dimensions that are remembered as known; more are looked at again.
const REMEMBERED: usize = 50_000;

/// What a batch adds.
#[derive(Debug, Default)]
pub struct Sums {
    dimensions: HashMap<i64, dimension::Model>,
    // In the order of the keys: hubs that write at the same time take their locks in the same order.
    rollups: BTreeMap<(i64, i64, i64), rollup::Model>,
    latencies: BTreeMap<(i64, i64, i64, i64), latency::Model>,
}

impl Sums {
    /// The sums over rows.
    pub fn of<'r>(rows: impl Iterator<Item = &'r request::Model>) -> Self {
        let mut sums = Self::default();
        for row in rows {
            let dimension = dimension_of(row);
            let id = dimension.id;
            sums.dimensions.entry(id).or_insert(dimension);
            for step in [HOUR, DAY] {
                let bucket = row.at - row.at.rem_euclid(step);
                let sum = sums
                    .rollups
                    .entry((step, bucket, id))
                    .or_insert_with(|| empty(step, bucket, id));
                count(sum, row);
                sums.time(step, bucket, id, row.total_slot, 1, 0);
                if let Some(slot) = row.first_byte_slot {
                    sums.time(step, bucket, id, slot, 0, 1);
                }
            }
        }
        sums
    }

    fn time(&mut self, step: i64, bucket: i64, id: i64, slot: i64, totals: i64, firsts: i64) {
        let times = self
            .latencies
            .entry((step, bucket, id, slot))
            .or_insert(latency::Model {
                step,
                bucket,
                dimension_id: id,
                slot,
                totals: 0,
                first_bytes: 0,
            });
        times.totals += totals;
        times.first_bytes += firsts;
    }
}

fn dimension_of(row: &request::Model) -> dimension::Model {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut dimension = dimension::Model {
        id: 0,
        call_kind: row.call_kind.clone(),
        provider: text(&row.provider),
        model: text(&row.model_served),
        client_key_id: text(&row.client_key_id),
        client_key: text(&row.client_key),
        owner_id: text(&row.owner_id),
        ingress: row.ingress.clone(),
        upstream: text(&row.upstream),
        route: text(&row.route),
    };
    dimension.id = identity(&dimension);
    dimension
}

/// 63 bits of a digest: two of a million different ones share an identity once in ten million installations.
fn identity(dimension: &dimension::Model) -> i64 {
    let mut digest = Sha256::new();
    for part in [
        &dimension.call_kind,
        &dimension.provider,
        &dimension.model,
        &dimension.client_key_id,
        &dimension.owner_id,
        &dimension.ingress,
        &dimension.upstream,
        &dimension.route,
    ] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    let mut first = [0_u8; 8];
    first.copy_from_slice(&digest.finalize()[..8]);
    i64::from_le_bytes(first) & i64::MAX
}

fn empty(step: i64, bucket: i64, dimension_id: i64) -> rollup::Model {
    rollup::Model {
        step,
        bucket,
        dimension_id,
        requests: 0,
        ok: 0,
        errors: 0,
        cancelled: 0,
        cut: 0,
        limited: 0,
        streams: 0,
        attempts: 0,
        input: 0,
        uncached: 0,
        cache_read: 0,
        cache_write_5m: 0,
        cache_write_1h: 0,
        cache_write: 0,
        tool_input: 0,
        audio_input: 0,
        output: 0,
        reasoning: 0,
        audio_output: 0,
        image_output: 0,
        estimated: 0,
        cost_nano_usd: 0,
        unpriced: 0,
        first_byte_us: 0,
        first_bytes: 0,
        total_us: 0,
    }
}

fn count(sum: &mut rollup::Model, row: &request::Model) {
    let add = |to: &mut i64, by: i64| *to = to.saturating_add(by);
    add(&mut sum.requests, 1);
    match row.outcome.as_str() {
        "ok" => add(&mut sum.ok, 1),
        "cancelled" => add(&mut sum.cancelled, 1),
        "cut" => add(&mut sum.cut, 1),
        _ => add(&mut sum.errors, 1),
    }
    add(&mut sum.limited, i64::from(row.status == 429));
    add(&mut sum.streams, i64::from(row.stream));
    add(&mut sum.attempts, row.attempts);
    add(&mut sum.input, row.input);
    add(&mut sum.uncached, row.uncached);
    add(&mut sum.cache_read, row.cache_read);
    add(&mut sum.cache_write_5m, row.cache_write_5m);
    add(&mut sum.cache_write_1h, row.cache_write_1h);
    add(&mut sum.cache_write, row.cache_write);
    add(&mut sum.tool_input, row.tool_input);
    add(&mut sum.audio_input, row.audio_input);
    add(&mut sum.output, row.output);
    add(&mut sum.reasoning, row.reasoning);
    add(&mut sum.audio_output, row.audio_output);
    add(&mut sum.image_output, row.image_output);
    let estimated = row.usage_source.as_deref() == Some("estimated");
    add(&mut sum.estimated, i64::from(estimated));
    add(&mut sum.cost_nano_usd, row.cost_nano_usd.unwrap_or(0));
    let counted = row.usage_source.is_some() && row.input.saturating_add(row.output) > 0;
    let unpriced = counted && row.cost_nano_usd.is_none();
    add(&mut sum.unpriced, i64::from(unpriced));
    add(&mut sum.first_byte_us, row.first_byte_us.unwrap_or(0));
    add(&mut sum.first_bytes, i64::from(row.first_byte_us.is_some()));
    add(&mut sum.total_us, row.total_us);
}

impl KnownDimensions {
    pub(super) fn learn(&mut self, news: Vec<i64>) {
        if self.0.len() + news.len() > REMEMBERED {
            self.0.clear();
        }
        self.0.extend(news);
    }
}

/// Adds sums to what is there. Returns the dimensions that were not known before.
pub(super) async fn add(
    database: &impl ConnectionTrait,
    sums: &Sums,
    known: &KnownDimensions,
) -> Result<Vec<i64>, StoreError> {
    let mut news: Vec<&dimension::Model> = sums
        .dimensions
        .values()
        .filter(|dimension| !known.0.contains(&dimension.id))
        .collect();
    news.sort_unstable_by_key(|dimension| dimension.id);
    for part in news.chunks(ROWS) {
        let rows = part
            .iter()
            .map(|row| (*row).clone().into_active_model().reset_all());
        dimension::Entity::insert_many(rows)
            .on_conflict_do_nothing_on([dimension::Column::Id])
            .exec_without_returning(database)
            .await?;
    }
    let backend = database.get_database_backend();
    let rows: Vec<&rollup::Model> = sums.rollups.values().collect();
    for part in rows.chunks(ROWS) {
        let rows = part
            .iter()
            .map(|row| (*row).clone().into_active_model().reset_all());
        let key = [
            rollup::Column::Step,
            rollup::Column::Bucket,
            rollup::Column::DimensionId,
        ];
        let mut merge = OnConflict::columns(key);
        for column in rollup::Column::iter().filter(|column| !is_key(column, &key)) {
            merge.value(column, summed(backend, "rollups", column.as_str()));
        }
        rollup::Entity::insert_many(rows)
            .on_conflict(merge)
            .exec_without_returning(database)
            .await?;
    }
    let rows: Vec<&latency::Model> = sums.latencies.values().collect();
    for part in rows.chunks(ROWS) {
        let rows = part
            .iter()
            .map(|row| (*row).clone().into_active_model().reset_all());
        let mut merge = OnConflict::columns([
            latency::Column::Step,
            latency::Column::Bucket,
            latency::Column::DimensionId,
            latency::Column::Slot,
        ]);
        for column in [latency::Column::Totals, latency::Column::FirstBytes] {
            merge.value(column, summed(backend, "latencies", column.as_str()));
        }
        latency::Entity::insert_many(rows)
            .on_conflict(merge)
            .exec_without_returning(database)
            .await?;
    }
    Ok(news.iter().map(|dimension| dimension.id).collect())
}

fn is_key(column: &rollup::Column, key: &[rollup::Column]) -> bool {
    key.iter().any(|other| other.as_str() == column.as_str())
}

/// What is there plus what comes. The names are columns of ours.
fn summed(backend: DatabaseBackend, table: &'static str, column: &'static str) -> Expr {
    if backend == DatabaseBackend::MySql {
        Expr::cust(format!("`{column}` + VALUES(`{column}`)"))
    } else {
        Expr::col((table, column)).add(Expr::col(("excluded", column)))
    }
}
