//! What all resources that operators define have in common: finding, listing, changing and auditing them.

use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde_json::Value;

use super::Admin;
use super::page::{Range, holding};
use super::person::Identity;
use super::problem::{Answer, Problem};
use super::version::expect;
use crate::config::{Kind, Secret};
use crate::control::{AuditEntry, Change};
use crate::store::definitions::{add_secret, insert, named, remove, remove_secrets, replace};
use crate::store::entities::definition::{self, Column, Entity, Model};

/// A definition as a caller wants it.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) position: i64,
    pub(super) enabled: bool,
    /// Its members as configuration files write them; never with a secret.
    pub(super) document: Value,
    /// Secrets by field; those of a field that is named here replace the ones that are there.
    pub(super) secrets: Vec<(String, Vec<Secret>)>,
}

/// A page of the definitions of a kind, by name.
pub(super) async fn list(
    admin: &Admin,
    kind: Kind,
    range: &Range,
    search: Option<&str>,
) -> Answer<Vec<Model>> {
    let mut query = Entity::find()
        .filter(Column::Kind.eq(kind.as_str()))
        .order_by_asc(Column::Name)
        .limit(range.limit + 1);
    if let Some(after) = &range.after {
        query = query.filter(Column::Name.gt(after.as_str()));
    }
    if let Some(search) = search.filter(|search| !search.is_empty()) {
        query = query.filter(Column::Name.like(holding(search)));
    }
    Ok(query.all(admin.control.store().read()).await?)
}

/// One definition by name.
pub(super) async fn find(admin: &Admin, kind: Kind, name: &str) -> Answer<Model> {
    named(admin.control.store().read(), kind, name)
        .await
        .map_err(|error| match error {
            crate::store::StoreError::Missing => Problem::not_found(kind.as_str()),
            other => other.into(),
        })
}

/// Makes a new one.
pub(super) async fn create(
    admin: &Admin,
    who: &Identity,
    kind: Kind,
    wanted: Wanted,
) -> Answer<Model> {
    let change = admin.control.begin(who.actor()).await?;
    let row = insert(
        change.work(),
        kind,
        &wanted.name,
        wanted.position,
        wanted.enabled,
        &wanted.document,
    )
    .await?;
    put_secrets(&change, &row, &wanted).await?;
    note(&change, "create", kind, None, Some(&row)).await?;
    change.commit().await?;
    Ok(row)
}

/// Replaces the one of this name, if it is at the version that the caller read.
pub(super) async fn update(
    admin: &Admin,
    who: &Identity,
    kind: Kind,
    name: &str,
    if_match: Option<&str>,
    wanted: Wanted,
) -> Answer<Model> {
    let change = admin.control.begin(who.actor()).await?;
    let before = named(change.work(), kind, name).await?;
    expect(if_match, before.version)?;
    let row = Model {
        name: wanted.name.clone(),
        position: wanted.position,
        enabled: wanted.enabled,
        document: wanted.document.to_string(),
        ..before.clone()
    };
    let row = replace(change.work(), &row).await?;
    put_secrets(&change, &row, &wanted).await?;
    note(&change, "update", kind, Some(&before), Some(&row)).await?;
    change.commit().await?;
    Ok(row)
}

/// Removes the one of this name, if it is at the version that the caller read.
pub(super) async fn delete(
    admin: &Admin,
    who: &Identity,
    kind: Kind,
    name: &str,
    if_match: Option<&str>,
) -> Answer<()> {
    let change = admin.control.begin(who.actor()).await?;
    let before = named(change.work(), kind, name).await?;
    expect(if_match, before.version)?;
    remove(change.work(), &before).await?;
    note(&change, "delete", kind, Some(&before), None).await?;
    change.commit().await?;
    Ok(())
}

async fn put_secrets(change: &Change, row: &definition::Model, wanted: &Wanted) -> Answer<()> {
    for (field, values) in &wanted.secrets {
        remove_secrets(change.work(), &row.id, field).await?;
        for (place, value) in (0_i64..).zip(values) {
            add_secret(
                change.work(),
                change.vault(),
                &row.id,
                field,
                place,
                "",
                value,
            )
            .await?;
        }
    }
    Ok(())
}

async fn note(
    change: &Change,
    action: &str,
    kind: Kind,
    before: Option<&Model>,
    after: Option<&Model>,
) -> Answer<()> {
    let Some(subject) = after.or(before) else {
        return Ok(());
    };
    let (before, after) = (before.map(shown), after.map(shown));
    change
        .note(AuditEntry {
            action,
            kind: kind.as_str(),
            id: &subject.id,
            name: &subject.name,
            before: before.as_ref(),
            after: after.as_ref(),
        })
        .await?;
    Ok(())
}

/// A row as the audit shows it.
fn shown(row: &Model) -> Value {
    serde_json::json!({
        "name": row.name,
        "priority": row.position,
        "enabled": row.enabled,
        "document": serde_json::from_str::<Value>(&row.document).unwrap_or_default(),
        "version": row.version,
    })
}

/// What is in force unless it says otherwise.
pub(super) const fn yes() -> bool {
    true
}
