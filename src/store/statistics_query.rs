//! The statements behind statistics.
//!
//! Names of tables and columns are constants of ours and steps are integers; everything else is a parameter.

use sea_orm::sea_query::{Cond, Expr, Func, Query, SelectStatement};
use sea_orm::{DatabaseBackend, ExprTrait as _, Order};

use super::rollups::{By, face_with};
use super::statistics::{Group, Question};

/// Names of the columns of a key.
const KEYS: [&str; 2] = ["key0", "key1"];

/// Where counts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The requests themselves.
    Rows,
    /// Sums over buckets of so many milliseconds.
    Sums(i64),
}

/// Where counts per slot come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slots {
    /// The column of the requests that has the slot to the end.
    Total,
    /// The one that has the slot to the first bytes.
    FirstByte,
    /// The counts of the roll-ups.
    Counted,
}

/// Each sum: its name, and how it is made of a row.
const SUMS: [(&str, &str); 26] = [
    ("requests", "1"),
    ("ok", "CASE WHEN outcome = 'ok' THEN 1 ELSE 0 END"),
    (
        "errors",
        "CASE WHEN outcome NOT IN ('ok', 'cancelled', 'cut') THEN 1 ELSE 0 END",
    ),
    (
        "cancelled",
        "CASE WHEN outcome = 'cancelled' THEN 1 ELSE 0 END",
    ),
    ("cut", "CASE WHEN outcome = 'cut' THEN 1 ELSE 0 END"),
    ("limited", "CASE WHEN status = 429 THEN 1 ELSE 0 END"),
    ("streams", "CASE WHEN stream THEN 1 ELSE 0 END"),
    ("attempts", "attempts"),
    ("input", "input"),
    ("uncached", "uncached"),
    ("cache_read", "cache_read"),
    ("cache_write_5m", "cache_write_5m"),
    ("cache_write_1h", "cache_write_1h"),
    ("cache_write", "cache_write"),
    ("tool_input", "tool_input"),
    ("audio_input", "audio_input"),
    ("output", "output"),
    ("reasoning", "reasoning"),
    ("audio_output", "audio_output"),
    ("image_output", "image_output"),
    (
        "estimated",
        "CASE WHEN usage_source = 'estimated' THEN 1 ELSE 0 END",
    ),
    ("cost_nano_usd", "COALESCE(cost_nano_usd, 0)"),
    (
        "unpriced",
        "CASE WHEN usage_source IS NOT NULL AND input + output > 0 AND cost_nano_usd IS NULL THEN 1 ELSE 0 END",
    ),
    ("first_byte_us", "COALESCE(first_byte_us, 0)"),
    (
        "first_bytes",
        "CASE WHEN first_byte_us IS NULL THEN 0 ELSE 1 END",
    ),
    ("total_us", "total_us"),
];

/// Columns of a group, among dimensions and among rows.
const fn columns(group: Group) -> &'static [(&'static str, &'static str)] {
    match group {
        Group::Provider => &[("provider", "provider")],
        Group::Model => &[("model", "model_served")],
        Group::ClientKey => &[("client_key_id", "client_key_id")],
        Group::Owner => &[("owner_id", "owner_id")],
        Group::Dialects => &[("ingress", "ingress"), ("upstream", "upstream")],
        Group::Route => &[("route", "route")],
        Group::Call => &[("call_kind", "call_kind")],
    }
}

/// Builds the statements of one question.
pub(super) struct Builder<'q> {
    pub(super) question: &'q Question,
    pub(super) from: From,
    pub(super) backend: DatabaseBackend,
}

impl Builder<'_> {
    /// How many columns a key has.
    pub(super) fn width(&self) -> usize {
        self.question.by.map_or(0, |group| columns(group).len())
    }

    /// Sums, by group and time as asked for; of these groups alone where some are given.
    pub(super) fn sums(&self, step: Option<i64>, groups: &[Vec<String>]) -> SelectStatement {
        let mut select = self.base("rollups", step, groups);
        if self.question.by == Some(Group::ClientKey) {
            select.expr_as(Expr::col("client_key").max(), "name");
        }
        for (name, of_row) in SUMS {
            let what = match self.from {
                From::Rows => of_row.to_owned(),
                From::Sums(_) => format!("rollups.{name}"),
            };
            select.expr_as(self.sum(&what), name);
        }
        if self.question.by.is_some() && step.is_none() {
            let largest = match self.from {
                From::Rows => "COUNT(*)",
                From::Sums(_) => "SUM(rollups.requests)",
            };
            select.order_by_expr(Expr::cust(largest), Order::Desc);
            select.limit(self.question.most);
        }
        select
    }

    /// The statements that slots take.
    pub(super) const fn slot_sources(&self) -> &'static [Slots] {
        match self.from {
            From::Rows => &[Slots::Total, Slots::FirstByte],
            From::Sums(_) => &[Slots::Counted],
        }
    }

    /// Counts per slot, by group and time as asked for.
    pub(super) fn slots(
        &self,
        source: Slots,
        step: Option<i64>,
        groups: &[Vec<String>],
    ) -> SelectStatement {
        let mut select = self.base("latencies", step, groups);
        let (slot, totals, firsts) = match source {
            Slots::Total => ("requests.total_slot", "1", "0"),
            Slots::FirstByte => ("requests.first_byte_slot", "0", "1"),
            Slots::Counted => (
                "latencies.slot",
                "latencies.totals",
                "latencies.first_bytes",
            ),
        };
        if source == Slots::FirstByte {
            select.and_where(Expr::cust("requests.first_byte_slot IS NOT NULL"));
        }
        select.expr_as(Expr::cust(slot), "slot");
        select.expr_as(self.sum(totals), "totals");
        select.expr_as(self.sum(firsts), "first_bytes");
        select.add_group_by([Expr::cust(slot)]);
        select
    }

    /// From the rows, or from this table of sums, with everything that both kinds of statement share.
    fn base(
        &self,
        sums: &'static str,
        step: Option<i64>,
        groups: &[Vec<String>],
    ) -> SelectStatement {
        let mut select = Query::select();
        match self.from {
            From::Rows => {
                select.from("requests");
                select.and_where(Expr::col(("requests", "at")).gte(self.question.from));
                select.and_where(Expr::col(("requests", "at")).lt(self.question.to));
            }
            From::Sums(length) => {
                select.from(sums).inner_join(
                    "dimensions",
                    Expr::col(("dimensions", "id")).equals((sums, "dimension_id")),
                );
                select.and_where(Expr::col(("dimensions", "face")).eq(self.face()));
                select.and_where(Expr::col((sums, "step")).eq(length));
                select.and_where(Expr::col((sums, "bucket")).gte(self.question.from));
                select.and_where(Expr::col((sums, "bucket")).lt(self.question.to));
            }
        }
        select.cond_where(self.only());
        if !groups.is_empty() {
            select.cond_where(self.among(groups));
        }
        for (place, key) in self.keys().into_iter().enumerate() {
            select.expr_as(key.clone(), KEYS[place]);
            select.add_group_by([key]);
        }
        if let Some(step) = step {
            let at = match self.from {
                From::Rows => "requests.at".to_owned(),
                From::Sums(_) => format!("{sums}.bucket"),
            };
            // Not with parameters: servers must see that it is the same in both places.
            let bucket = Expr::cust(format!("{at} - {at} % {step}"));
            select.expr_as(bucket.clone(), "bucket");
            select.add_group_by([bucket]);
        }
        select
    }

    /// The smallest face that has what is asked.
    fn face(&self) -> i64 {
        let only = &self.question.only;
        let mut needed = self.question.by.map_or_else(Vec::new, |by| match by {
            Group::Provider => vec![By::Provider],
            Group::Model => vec![By::Model],
            Group::ClientKey => vec![By::Key],
            Group::Owner => vec![By::Owner],
            Group::Dialects => vec![By::Ingress, By::Upstream],
            Group::Route => vec![By::Route],
            Group::Call => vec![By::Call],
        });
        for (by, value) in [
            (By::Provider, &only.provider),
            (By::Model, &only.model),
            (By::Key, &only.client_key_id),
            (By::Owner, &only.owner_id),
            (By::Ingress, &only.ingress),
            (By::Upstream, &only.upstream),
            (By::Route, &only.route),
            (By::Call, &only.call),
        ] {
            if value.is_some() {
                needed.push(by);
            }
        }
        face_with(&needed)
    }

    fn keys(&self) -> Vec<Expr> {
        let Some(group) = self.question.by else {
            return Vec::new();
        };
        columns(group)
            .iter()
            .map(|(dimension, row)| match self.from {
                From::Rows => Expr::cust(format!("COALESCE(requests.{row}, '')")),
                From::Sums(_) => Expr::cust(format!("dimensions.{dimension}")),
            })
            .collect()
    }

    fn only(&self) -> Cond {
        let only = &self.question.only;
        let mut all = Cond::all();
        for (group, value) in [
            (Group::Provider, &only.provider),
            (Group::Model, &only.model),
            (Group::ClientKey, &only.client_key_id),
            (Group::Owner, &only.owner_id),
            (Group::Route, &only.route),
            (Group::Call, &only.call),
        ] {
            let (dimension, row) = columns(group)[0];
            all = all.add_option(self.is(dimension, row, value.as_deref()));
        }
        all.add_option(self.is("ingress", "ingress", only.ingress.as_deref()))
            .add_option(self.is("upstream", "upstream", only.upstream.as_deref()))
    }

    fn is(&self, dimension: &'static str, row: &'static str, value: Option<&str>) -> Option<Expr> {
        let column = match self.from {
            From::Rows => Expr::col(("requests", row)),
            From::Sums(_) => Expr::col(("dimensions", dimension)),
        };
        value.map(|value| column.eq(value))
    }

    fn among(&self, groups: &[Vec<String>]) -> Cond {
        let keys = self.keys();
        groups.iter().fold(Cond::any(), |any, group| {
            let same = keys
                .iter()
                .zip(group)
                .fold(Cond::all(), |all, (key, value)| {
                    all.add(key.clone().eq(value.as_str()))
                });
            any.add(same)
        })
    }

    /// Servers sum into wider types than they store; back to what we read.
    fn sum(&self, what: &str) -> Expr {
        let width = match self.backend {
            DatabaseBackend::MySql => "SIGNED",
            _ => "BIGINT",
        };
        let sum = Expr::cust(format!("SUM({what})")).cast_as(width);
        Expr::expr(Func::coalesce([sum, Expr::val(0_i64)]))
    }
}
