//! What happened: requests, their details and captured bodies, and the sums that statistics are made of.

use sea_orm_migration::prelude::*;

use crate::columns::{
    drop_tables, flag, index, long_text, number, optional_number, optional_text, table, text_of,
};

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 6] = [
    "requests",
    "request_details",
    "captures",
    "dimensions",
    "rollups",
    "latencies",
];

/// Counts that a request has and a roll-up sums.
const TOKENS: [&str; 11] = [
    "input",
    "uncached",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "cache_write",
    "tool_input",
    "audio_input",
    "output",
    "reasoning",
    "audio_output",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        requests(manager).await?;
        bodies(manager).await?;
        statistics(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &TABLES).await
    }
}

/// One narrow row per request: lists and filters read nothing else.
async fn requests(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let head = [
        text_of("id", 64),
        number("at"),
        text_of("call_kind", 16),
        text_of("ingress", 24),
        optional_text("upstream", 24),
        optional_text("client_key_id", 64),
        optional_text("client_key", 128),
        optional_text("owner_id", 36),
        // Labels of the key between bars, so that one can be looked for.
        optional_text("tags", 255),
        optional_text("provider", 128),
        text_of("model_asked", 255),
        optional_text("model_served", 255),
        optional_text("route", 128),
        flag("stream"),
        text_of("outcome", 16),
        number("status"),
        optional_text("error_code", 64),
        optional_text("error", 500),
    ];
    let tail = [
        number("image_output"),
        // Absent when nobody counted.
        optional_text("usage_source", 16),
        optional_text("usage_flags", 64),
        // An unknown price is absent, never 0.
        optional_number("cost_nano_usd"),
        optional_text("price_version", 64),
        optional_number("first_byte_us"),
        number("total_us"),
        // Slots of the histograms, so that short ranges are counted like long ones.
        optional_number("first_byte_slot"),
        number("total_slot"),
        number("attempts"),
        text_of("fidelity", 500),
    ];
    let columns = head
        .into_iter()
        .chain(TOKENS.map(number))
        .chain(tail)
        .collect::<Vec<_>>();
    manager.create_table(table("requests", columns)).await?;
    for (name, columns) in [
        ("requests_at", &["at", "id"][..]),
        ("requests_key", &["client_key_id", "at"]),
        ("requests_owner", &["owner_id", "at"]),
        ("requests_outcome", &["outcome", "at"]),
    ] {
        manager
            .create_index(index("requests", name, columns))
            .await?;
    }
    Ok(())
}

/// What is only read for one request.
async fn bodies(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(table(
            "request_details",
            [
                text_of("id", 64),
                number("at"),
                long_text(manager, "attempts"),
                long_text(manager, "trace"),
                long_text(manager, "fidelity"),
            ],
        ))
        .await?;
    manager
        .create_index(index("request_details", "request_details_at", &["at"]))
        .await?;
    manager
        .create_table(table(
            "captures",
            [
                text_of("id", 64),
                number("at"),
                number("bytes"),
                // Bodies, redacted, as one sealed JSON document.
                long_text(manager, "sealed"),
            ],
        ))
        .await?;
    manager
        .create_index(index("captures", "captures_at", &["at", "bytes"]))
        .await
}

/// Sums per hour and day, and how often an answer took how long.
async fn statistics(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(table(
            "dimensions",
            [
                // Made from the other columns, so that every hub gives the same.
                number("id"),
                // Which of the other columns count; those that do not are empty.
                number("face"),
                text_of("call_kind", 16),
                text_of("provider", 128),
                text_of("model", 255),
                text_of("client_key_id", 64),
                text_of("client_key", 128),
                text_of("owner_id", 36),
                text_of("ingress", 24),
                text_of("upstream", 24),
                text_of("route", 128),
            ],
        ))
        .await?;
    manager
        .create_index(index("dimensions", "dimensions_face", &["face"]))
        .await?;
    let keyed = |name, columns: Vec<ColumnDef>, key: &[&'static str]| {
        let mut table = Table::create();
        table.table(name);
        for column in columns {
            table.col(column);
        }
        let mut primary = Index::create();
        for column in key {
            primary.col(*column);
        }
        table.primary_key(&mut primary);
        table
    };
    // What belongs to one line of an answer stands together, in the order of time.
    let place = || [number("step"), number("dimension_id"), number("bucket")];
    let counts = [
        "requests",
        "ok",
        "errors",
        "cancelled",
        "cut",
        "limited",
        "streams",
        "attempts",
    ];
    let sums = [
        "image_output",
        "estimated",
        "cost_nano_usd",
        "unpriced",
        "first_byte_us",
        "first_bytes",
        "total_us",
    ];
    let columns = place()
        .into_iter()
        .chain(counts.into_iter().chain(TOKENS).chain(sums).map(number))
        .collect();
    manager
        .create_table(keyed(
            "rollups",
            columns,
            &["step", "dimension_id", "bucket"],
        ))
        .await?;
    let columns = place()
        .into_iter()
        .chain(["slot", "totals", "first_bytes"].map(number))
        .collect();
    manager
        .create_table(keyed(
            "latencies",
            columns,
            &["step", "dimension_id", "bucket", "slot"],
        ))
        .await
}
