//! The database schema, step by step. Each step can be taken back.
//!
//! Steps only ever add (expand); what is no longer needed is removed one release later (contract), so that
//! hubs of two versions can share a database while they are exchanged. Columns hold what SQLite, PostgreSQL
//! and MySQL agree on: text, integers, and times as milliseconds since 1970 in UTC.

#![expect(
    elided_lifetimes_in_paths,
    reason = "the trait of the steps elides them, and its methods must be written the same way"
)]

mod columns;
mod m20261121_000001_configuration;
mod m20261121_000002_people;
mod m20261121_000003_ledger;
mod m20261121_000004_spend;
mod m20261121_000005_key_bounds;
mod m20261121_000006_health;
mod m20261121_000010_conversations;
mod m20261121_000011_responses;
mod m20261121_000012_conversation_switches;
mod m20261121_000013_latencies_in_index;
mod m20261121_000014_usages;
mod m20261121_000015_key_weights;
mod m20261121_000016_lean_requests;

pub use sea_orm_migration::prelude::*;

/// All steps, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_configuration::Migration),
            Box::new(m20261121_000002_people::Migration),
            Box::new(m20261121_000003_ledger::Migration),
            Box::new(m20261121_000004_spend::Migration),
            Box::new(m20261121_000005_key_bounds::Migration),
            Box::new(m20261121_000006_health::Migration),
            Box::new(m20261121_000010_conversations::Migration),
            Box::new(m20261121_000011_responses::Migration),
            Box::new(m20261121_000012_conversation_switches::Migration),
            Box::new(m20261121_000013_latencies_in_index::Migration),
            Box::new(m20261121_000014_usages::Migration),
            Box::new(m20261121_000015_key_weights::Migration),
            Box::new(m20261121_000016_lean_requests::Migration),
        ]
    }
}
