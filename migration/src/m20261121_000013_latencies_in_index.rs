//! Counts per slot out of the index alone.
//!
//! A question reads thousands of them, which lie far apart in the table: they are written as time goes, and read by what
//! requests have in common. MySQL keeps its tables in the order of their keys anyway; PostgreSQL takes what is counted
//! into the index of the key.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        key(manager, " INCLUDE (totals, first_bytes)").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        key(manager, "").await
    }
}

async fn key(manager: &SchemaManager<'_>, beside: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() != DatabaseBackend::Postgres {
        return Ok(());
    }
    let statement = format!(
        "ALTER TABLE latencies DROP CONSTRAINT latencies_pkey, \
         ADD PRIMARY KEY (step, dimension_id, bucket, slot){beside}"
    );
    let database = manager.get_connection();
    database.execute_unprepared(&statement).await?;
    Ok(())
}
