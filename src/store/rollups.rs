//! Sums per hour and day, kept apart by what requests have in common.
//!
//! Sums are kept in several faces: by everything at once, and by those few columns at a time that questions are
//! mostly about. A question reads the smallest face that has what it needs.

use std::collections::{BTreeMap, HashMap};

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait, DatabaseBackend, EntityTrait as _, ExprTrait as _,
    IdenStatic as _, IntoActiveModel as _, Iterable as _,
};
use sha2::{Digest as _, Sha256};

use super::StoreError;
use super::entities::{dimension, latency, request, rollup};
use super::requests::Knowledge;

/// Milliseconds of an hour.
pub const HOUR: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY: i64 = 24 * HOUR;
/// Rows in one statement.
const ROWS: usize = 100;
/// Dimensions that are remembered as known; more are looked at again.
const REMEMBERED: usize = 50_000;

/// A column that sums are kept apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// `generate`, `count`, `embed`.
    Call,
    /// Who answered.
    Provider,
    /// The model that was asked for upstream.
    Model,
    /// The client key; its owner counts with it.
    Key,
    /// Whose key it is.
    Owner,
    /// The client's dialect.
    Ingress,
    /// The provider's dialect.
    Upstream,
    /// Why they went there.
    Route,
}

/// A face: its number, which is for good, and the columns that count. The smallest come first.
pub(super) const FACES: [(i64, &[By]); 11] = [
    (1, &[]),
    (8, &[By::Call]),
    (2, &[By::Provider]),
    (6, &[By::Ingress, By::Upstream]),
    (7, &[By::Route]),
    (3, &[By::Model]),
    (5, &[By::Owner]),
    (9, &[By::Owner, By::Provider]),
    (4, &[By::Key, By::Owner]),
    (10, &[By::Owner, By::Model]),
    (
        0,
        &[
            By::Call,
            By::Provider,
            By::Model,
            By::Key,
            By::Owner,
            By::Ingress,
            By::Upstream,
            By::Route,
        ],
    ),
];

/// The smallest face that has these columns.
pub(super) fn face_with(needed: &[By]) -> i64 {
    FACES
        .iter()
        .find(|(_, columns)| needed.iter().all(|column| columns.contains(column)))
        .map_or(0, |(face, _)| *face)
}

/// How many there were of each slot: to the end, and to the first bytes.
type Slots = BTreeMap<i64, (i64, i64)>;

/// What requests add.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// By everything at once, and hour.
    cells: HashMap<(i64, i64), (rollup::Model, Slots)>,
    dimensions: HashMap<i64, dimension::Model>,
    /// The dimension of the row before: the next one is often alike.
    last: Option<i64>,
}

impl Sums {
    /// The sums over rows.
    pub fn of<'r>(rows: impl Iterator<Item = &'r request::Model>) -> Self {
        let mut sums = Self::default();
        for row in rows {
            sums.add(row);
        }
        sums
    }

    /// Adds a row.
    pub fn add(&mut self, row: &request::Model) {
        let id = self.dimension(row);
        let hour = row.at - row.at.rem_euclid(HOUR);
        let (sum, slots) = self.cell(id, hour);
        merge(sum, &single(row));
        slots.entry(row.total_slot).or_default().0 += 1;
        if let Some(slot) = row.first_byte_slot {
            slots.entry(slot).or_default().1 += 1;
        }
    }

    /// Adds other sums.
    pub(super) fn join(&mut self, other: &Self) {
        for (id, dimension) in &other.dimensions {
            self.dimensions
                .entry(*id)
                .or_insert_with(|| dimension.clone());
        }
        for ((id, hour), (sum, slots)) in &other.cells {
            let (all, all_slots) = self.cell(*id, *hour);
            merge(all, sum);
            for (slot, (totals, firsts)) in slots {
                let times = all_slots.entry(*slot).or_default();
                times.0 += totals;
                times.1 += firsts;
            }
        }
    }

    /// How much is kept apart.
    pub(super) fn apart(&self) -> usize {
        self.cells.values().map(|(_, slots)| 1 + slots.len()).sum()
    }

    fn cell(&mut self, id: i64, hour: i64) -> &mut (rollup::Model, Slots) {
        self.cells
            .entry((id, hour))
            .or_insert_with(|| (empty(HOUR, hour, id), Slots::new()))
    }

    fn dimension(&mut self, row: &request::Model) -> i64 {
        let last = self.last.and_then(|id| self.dimensions.get(&id));
        if let Some(last) = last.filter(|last| is_of(row, last)) {
            return last.id;
        }
        let dimension = dimension_of(row);
        let id = dimension.id;
        self.dimensions.entry(id).or_insert(dimension);
        self.last = Some(id);
        id
    }

    /// Whether there is nothing to add.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The same in all faces, per hour and day.
    fn spread(&self) -> Spread {
        let mut spread = Spread::default();
        for ((id, hour), (sum, slots)) in &self.cells {
            let Some(whole) = self.dimensions.get(id) else {
                continue;
            };
            for (face, columns) in FACES {
                let dimension = seen_from(whole, face, columns);
                let id = dimension.id;
                spread.dimensions.entry(id).or_insert(dimension);
                for step in [HOUR, DAY] {
                    let bucket = hour - hour.rem_euclid(step);
                    let all = spread
                        .rollups
                        .entry((step, id, bucket))
                        .or_insert_with(|| empty(step, bucket, id));
                    merge(all, sum);
                    for (slot, (totals, firsts)) in slots {
                        let times = spread.latencies.entry((step, id, bucket, *slot)).or_insert(
                            latency::Model {
                                step,
                                bucket,
                                dimension_id: id,
                                slot: *slot,
                                totals: 0,
                                first_bytes: 0,
                            },
                        );
                        times.totals += totals;
                        times.first_bytes += firsts;
                    }
                }
            }
        }
        spread
    }
}

/// What is added to the tables.
#[derive(Debug, Default)]
struct Spread {
    dimensions: BTreeMap<i64, dimension::Model>,
    // In the order of the keys: hubs that write at the same time take their locks in the same order.
    rollups: BTreeMap<(i64, i64, i64), rollup::Model>,
    latencies: BTreeMap<(i64, i64, i64, i64), latency::Model>,
}

fn dimension_of(row: &request::Model) -> dimension::Model {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut dimension = dimension::Model {
        id: 0,
        face: 0,
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

/// Whether a row has what the dimension is made of. What it is called besides does not matter.
fn is_of(row: &request::Model, dimension: &dimension::Model) -> bool {
    let same = |value: &Option<String>, other: &str| value.as_deref().unwrap_or_default() == other;
    row.call_kind == dimension.call_kind
        && row.ingress == dimension.ingress
        && same(&row.provider, &dimension.provider)
        && same(&row.model_served, &dimension.model)
        && same(&row.client_key_id, &dimension.client_key_id)
        && same(&row.owner_id, &dimension.owner_id)
        && same(&row.upstream, &dimension.upstream)
        && same(&row.route, &dimension.route)
}

/// A dimension with nothing left but the columns of a face.
fn seen_from(whole: &dimension::Model, face: i64, columns: &[By]) -> dimension::Model {
    let keep = |by, text: &String| {
        if columns.contains(&by) {
            text.clone()
        } else {
            String::new()
        }
    };
    let mut dimension = dimension::Model {
        id: 0,
        face,
        call_kind: keep(By::Call, &whole.call_kind),
        provider: keep(By::Provider, &whole.provider),
        model: keep(By::Model, &whole.model),
        client_key_id: keep(By::Key, &whole.client_key_id),
        client_key: keep(By::Key, &whole.client_key),
        owner_id: keep(By::Owner, &whole.owner_id),
        ingress: keep(By::Ingress, &whole.ingress),
        upstream: keep(By::Upstream, &whole.upstream),
        route: keep(By::Route, &whole.route),
    };
    dimension.id = identity(&dimension);
    dimension
}

/// 63 bits of a digest: two of a million different ones share an identity once in ten million installations.
fn identity(dimension: &dimension::Model) -> i64 {
    let mut digest = Sha256::new();
    digest.update(dimension.face.to_le_bytes());
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

/// Names each sum once, for adding and for nothing.
macro_rules! sums {
    ($($name:ident),* $(,)?) => {
        fn empty(step: i64, bucket: i64, dimension_id: i64) -> rollup::Model {
            rollup::Model { step, bucket, dimension_id, $($name: 0),* }
        }

        fn merge(to: &mut rollup::Model, from: &rollup::Model) {
            $(to.$name = to.$name.saturating_add(from.$name);)*
        }
    };
}

sums!(
    requests,
    ok,
    errors,
    cancelled,
    cut,
    limited,
    streams,
    attempts,
    input,
    uncached,
    cache_read,
    cache_write_5m,
    cache_write_1h,
    cache_write,
    tool_input,
    audio_input,
    output,
    reasoning,
    audio_output,
    image_output,
    estimated,
    cost_nano_usd,
    unpriced,
    first_byte_us,
    first_bytes,
    total_us,
);

/// The sums over one row.
fn single(row: &request::Model) -> rollup::Model {
    let outcome = row.outcome.as_str();
    let counted = row.usage_source.is_some() && row.input.saturating_add(row.output) > 0;
    rollup::Model {
        requests: 1,
        ok: i64::from(outcome == "ok"),
        errors: i64::from(!["ok", "cancelled", "cut"].contains(&outcome)),
        cancelled: i64::from(outcome == "cancelled"),
        cut: i64::from(outcome == "cut"),
        limited: i64::from(row.status == 429),
        streams: i64::from(row.stream),
        attempts: row.attempts,
        input: row.input,
        uncached: row.uncached,
        cache_read: row.cache_read,
        cache_write_5m: row.cache_write_5m,
        cache_write_1h: row.cache_write_1h,
        cache_write: row.cache_write,
        tool_input: row.tool_input,
        audio_input: row.audio_input,
        output: row.output,
        reasoning: row.reasoning,
        audio_output: row.audio_output,
        image_output: row.image_output,
        estimated: i64::from(row.usage_source.as_deref() == Some("estimated")),
        cost_nano_usd: row.cost_nano_usd.unwrap_or(0),
        unpriced: i64::from(counted && row.cost_nano_usd.is_none()),
        first_byte_us: row.first_byte_us.unwrap_or(0),
        first_bytes: i64::from(row.first_byte_us.is_some()),
        total_us: row.total_us,
        ..empty(HOUR, 0, 0)
    }
}

impl Knowledge {
    pub(super) fn learn(&mut self, news: Vec<i64>) {
        if self.dimensions.len() + news.len() > REMEMBERED {
            self.dimensions.clear();
        }
        self.dimensions.extend(news);
    }
}

/// Adds sums to what is there. Returns the dimensions that were not known before.
pub(super) async fn add(
    database: &impl ConnectionTrait,
    sums: &Sums,
    known: &Knowledge,
) -> Result<Vec<i64>, StoreError> {
    let spread = sums.spread();
    let news: Vec<&dimension::Model> = spread
        .dimensions
        .values()
        .filter(|dimension| !known.dimensions.contains(&dimension.id))
        .collect();
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
    let rows: Vec<&rollup::Model> = spread.rollups.values().collect();
    for part in rows.chunks(ROWS) {
        let rows = part
            .iter()
            .map(|row| (*row).clone().into_active_model().reset_all());
        let key = [
            rollup::Column::Step,
            rollup::Column::DimensionId,
            rollup::Column::Bucket,
        ];
        let mut both = OnConflict::columns(key);
        for column in rollup::Column::iter().filter(|column| !is_key(column, &key)) {
            both.value(column, summed(backend, "rollups", column.as_str()));
        }
        rollup::Entity::insert_many(rows)
            .on_conflict(both)
            .exec_without_returning(database)
            .await?;
    }
    let rows: Vec<&latency::Model> = spread.latencies.values().collect();
    for part in rows.chunks(4 * ROWS) {
        let rows = part
            .iter()
            .map(|row| (*row).clone().into_active_model().reset_all());
        let mut both = OnConflict::columns([
            latency::Column::Step,
            latency::Column::DimensionId,
            latency::Column::Bucket,
            latency::Column::Slot,
        ]);
        for column in [latency::Column::Totals, latency::Column::FirstBytes] {
            both.value(column, summed(backend, "latencies", column.as_str()));
        }
        latency::Entity::insert_many(rows)
            .on_conflict(both)
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
