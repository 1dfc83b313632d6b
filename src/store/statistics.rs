//! Statistics: sums, costs and percentiles by time and by what requests have in common.
//!
//! Short ranges are counted from the rows themselves, longer ones from the sums per hour and day and the rows that
//! are newer than those, so that a question costs about the same whatever the number of requests.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{
    ConnectionTrait as _, DatabaseBackend, DatabaseTransaction, FromQueryResult, QueryResult,
};

use super::histogram::Histogram;
use super::rolling::{Hold, mark};
use super::rollups::{DAY, HOUR};
use super::statistics_query::{Builder, From};
use super::{Store, StoreError};

/// Milliseconds of a minute.
pub const MINUTE: i64 = 60_000;
/// Ranges up to this are counted from rows.
const FRESH: i64 = HOUR;
/// Ranges up to this are counted from sums per hour.
const SHORT: i64 = 3 * DAY;
/// Most points of time in an answer.
const MOST_POINTS: i64 = 1_500;
/// Most groups in an answer.
pub const MOST_GROUPS: u64 = 200;
/// Most groups in an answer by time.
const MOST_LINES: u64 = 24;

/// What requests are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Who answered.
    Provider,
    /// The model that was asked for upstream.
    Model,
    /// The client key.
    ClientKey,
    /// Whose key it is.
    Owner,
    /// The two dialects.
    Dialects,
    /// Why they went there.
    Route,
    /// `generate`, `count`, `embed`.
    Call,
}

/// Which requests count.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Who answered.
    pub provider: Option<String>,
    /// The model that was asked for upstream.
    pub model: Option<String>,
    /// The client key's id.
    pub client_key_id: Option<String>,
    /// Whose key it is.
    pub owner_id: Option<String>,
    /// The client's dialect.
    pub ingress: Option<String>,
    /// The provider's dialect.
    pub upstream: Option<String>,
    /// Why they went there.
    pub route: Option<String>,
    /// `generate`, `count`, `embed`.
    pub call: Option<String>,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// From this time on, milliseconds since 1970.
    pub from: i64,
    /// Before this time.
    pub to: i64,
    /// Apart by time, in steps of so many milliseconds.
    pub step: Option<i64>,
    /// Apart by this.
    pub by: Option<Group>,
    /// Which requests count.
    pub only: Selection,
    /// Most groups; those with the most requests.
    pub most: u64,
}

/// Names each sum once, for reading and for adding.
macro_rules! totals {
    ($($name:ident),* $(,)?) => {
        /// Sums, named as the columns of roll-ups are.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromQueryResult)]
        #[expect(missing_docs, reason = "the columns of roll-ups have their words there")]
        pub struct Totals {
            $(pub $name: i64),*
        }

        impl Totals {
            fn merge(&mut self, other: &Self) {
                $(self.$name = self.$name.saturating_add(other.$name);)*
            }
        }
    };
}

totals!(
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

/// One line of an answer.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Begin of the step, where they are told apart by time.
    pub bucket: Option<i64>,
    /// What the group has in common: one text, or the two dialects. Empty when all are together.
    pub key: Vec<String>,
    /// For people, where the key is an id.
    pub name: Option<String>,
    /// The sums.
    pub totals: Totals,
    /// Times to the end.
    pub total: Histogram,
    /// Times to the first bytes.
    pub first_byte: Histogram,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Where it really begins: at the begin of a bucket.
    pub from: i64,
    /// Where it ends.
    pub to: i64,
    /// The step in milliseconds.
    pub step: Option<i64>,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Question {
    /// Everything since a time, together.
    #[must_use]
    pub fn between(from: i64, to: i64) -> Self {
        Self {
            from,
            to,
            step: None,
            by: None,
            only: Selection::default(),
            most: MOST_GROUPS,
        }
    }

    /// The same question with bounds that can be answered.
    fn settled(&self) -> (Self, From) {
        let mut settled = self.clone();
        settled.to = self.to.max(self.from + 1);
        let range = settled.to - settled.from;
        // A finer step than the range allows would make too many points.
        let least = range / MOST_POINTS;
        settled.step = self.step.map(|step| {
            [
                MINUTE,
                5 * MINUTE,
                15 * MINUTE,
                HOUR,
                DAY,
                7 * DAY,
                30 * DAY,
            ]
            .into_iter()
            .find(|usual| *usual >= step && *usual > least)
            .unwrap_or(30 * DAY)
        });
        let is_fine = settled.step.is_some_and(|step| step < HOUR);
        let from = if range <= FRESH || is_fine {
            From::Rows
        } else if range <= SHORT || settled.step.is_some_and(|step| step < DAY) {
            From::Sums(HOUR)
        } else {
            From::Sums(DAY)
        };
        let grain = match from {
            From::Rows => settled.step.unwrap_or(1),
            From::Sums(step) => settled.step.unwrap_or(step).max(step),
        };
        settled.from -= settled.from.rem_euclid(grain);
        let most = if settled.step.is_some() {
            MOST_LINES
        } else {
            MOST_GROUPS
        };
        settled.most = self.most.clamp(1, most);
        (settled, from)
    }
}

impl Store {
    /// Answers a question.
    ///
    /// # Errors
    /// When the database is away, or takes too long.
    pub async fn statistics(&self, question: &Question) -> Result<Statistics, StoreError> {
        let (question, from) = question.settled();
        let lines = self
            .in_time(async |work| lines(work, self.backend(), &question, from).await)
            .await?;
        Ok(Statistics {
            from: question.from,
            to: question.to,
            step: question.step,
            lines,
        })
    }
}

async fn lines(
    work: &DatabaseTransaction,
    backend: DatabaseBackend,
    question: &Question,
    from: From,
) -> Result<Vec<Line>, StoreError> {
    // What the sums have not come to yet is counted from the rows.
    let mark = match from {
        From::Rows => None,
        From::Sums(_) => mark(work, Hold::No).await?,
    };
    let fresh = Question {
        from: question.from.max(mark.unwrap_or(i64::MIN)),
        ..question.clone()
    };
    let builder = |question, from| Builder {
        question,
        from,
        backend,
    };
    let mut sources = Vec::with_capacity(2);
    if mark.is_some() {
        sources.push(builder(question, from));
    }
    if fresh.from < fresh.to {
        sources.push(builder(&fresh, From::Rows));
    }
    let mut gathered = Gathered::default();
    for source in &sources {
        gathered.add(summed(work, source, None, &[]).await?);
    }
    let mut lines = gathered.largest(question.most);
    // Only the groups that are shown are looked at further.
    let groups: Vec<Vec<String>> = match question.by {
        Some(_) => lines.iter().map(|line| line.key.clone()).collect(),
        None => Vec::new(),
    };
    if question.by.is_some() && groups.is_empty() {
        return Ok(lines);
    }
    if question.step.is_some() {
        let mut gathered = Gathered::default();
        for source in &sources {
            gathered.add(summed(work, source, question.step, &groups).await?);
        }
        lines = gathered
            .0
            .into_values()
            .filter(Line::is_something)
            .collect();
    }
    let places: HashMap<_, _> = lines
        .iter()
        .enumerate()
        .map(|(place, line)| ((line.bucket, line.key.clone()), place))
        .collect();
    for builder in &sources {
        for source in builder.slot_sources() {
            let select = builder.slots(*source, question.step, &groups);
            for row in work.query_all(&select).await? {
                let at = (bucket(&row, builder, question.step)?, key(&row, builder)?);
                let Some(line) = places.get(&at).and_then(|place| lines.get_mut(*place)) else {
                    continue;
                };
                // There are many such rows: columns are read by their place, which is quicker than by name.
                let place = builder.width() + usize::from(question.step.is_some());
                let slot = row.try_get_by_index(place)?;
                line.total.add(slot, row.try_get_by_index(place + 1)?);
                line.first_byte.add(slot, row.try_get_by_index(place + 2)?);
            }
        }
    }
    Ok(lines)
}

/// Lines of several sources, each once.
#[derive(Default)]
struct Gathered(BTreeMap<(Option<i64>, Vec<String>), Line>);

impl Gathered {
    fn add(&mut self, lines: Vec<Line>) {
        for line in lines {
            let same = self
                .0
                .entry((line.bucket, line.key.clone()))
                .or_insert_with(|| Line {
                    bucket: line.bucket,
                    key: line.key.clone(),
                    ..Line::default()
                });
            same.totals.merge(&line.totals);
            same.name = line.name.or(same.name.take());
        }
    }

    /// Those with the most requests.
    fn largest(self, most: u64) -> Vec<Line> {
        let mut lines: Vec<Line> = self.0.into_values().filter(Line::is_something).collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.totals.requests));
        lines.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        lines
    }
}

impl Line {
    /// Sums over nothing are a line too, where nothing is told apart; it says nothing in a list.
    const fn is_something(&self) -> bool {
        self.totals.requests > 0 || (self.bucket.is_none() && self.key.is_empty())
    }
}

async fn summed(
    work: &DatabaseTransaction,
    builder: &Builder<'_>,
    step: Option<i64>,
    groups: &[Vec<String>],
) -> Result<Vec<Line>, StoreError> {
    let rows = work.query_all(&builder.sums(step, groups)).await?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let name = match builder.question.by {
            Some(Group::ClientKey) => row.try_get::<Option<String>>("", "name")?,
            _ => None,
        };
        lines.push(Line {
            bucket: bucket(&row, builder, step)?,
            key: key(&row, builder)?,
            name: name.filter(|name| !name.is_empty()),
            totals: Totals::from_query_result(&row, "")?,
            ..Line::default()
        });
    }
    Ok(lines)
}

/// The begin of the step stands behind the key.
fn bucket(
    row: &QueryResult,
    builder: &Builder<'_>,
    step: Option<i64>,
) -> Result<Option<i64>, StoreError> {
    Ok(match step {
        Some(_) => Some(row.try_get_by_index(builder.width())?),
        None => None,
    })
}

fn key(row: &QueryResult, builder: &Builder<'_>) -> Result<Vec<String>, StoreError> {
    (0..builder.width())
        .map(|place| Ok(row.try_get_by_index(place)?))
        .collect()
}
