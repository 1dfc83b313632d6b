//! What all resources that operators define have in common: finding, listing, changing and auditing them.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde_json::Value;

use super::Admin;
use super::page::Range;
use super::person::Identity;
use super::problem::{Answer, Problem};
use super::version::expect;
use crate::config::{ConfigError, ConfigErrors, Kind, Secret};
use crate::control::{AuditEntry, Change, ChangeError};
use crate::store::definitions::{add_secret, insert, named, remove, remove_secrets, replace};
use crate::store::entities::definition::{self, Column, Entity, Model};
use crate::store::entities::{audit, secret};

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
    let mut rows = all_of(admin, kind).await?;
    // Compared here: databases differ in how they order names and in what they take for a wildcard.
    rows.retain(|row| {
        range.after.as_ref().is_none_or(|after| row.name > *after)
            && search.is_none_or(|search| row.name.contains(search))
    });
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows.truncate(usize::try_from(range.limit + 1).unwrap_or(usize::MAX));
    Ok(rows)
}

/// All definitions of a kind. What is defined is in memory as a whole anyway.
pub(super) async fn all_of(admin: &Admin, kind: Kind) -> Answer<Vec<Model>> {
    let query = Entity::find().filter(Column::Kind.eq(kind.as_str()));
    Ok(query.all(admin.control.store().read()).await?)
}

/// What is known of secrets, by the definition they belong to; never opened.
pub(super) async fn secrets_by_definition(
    admin: &Admin,
) -> Answer<HashMap<String, Vec<secret::Model>>> {
    let rows = secret::Entity::find()
        .order_by_asc(secret::Column::Position)
        .order_by_asc(secret::Column::Id)
        .all(admin.control.store().read())
        .await?;
    let mut secrets = HashMap::<String, Vec<secret::Model>>::new();
    for row in rows {
        secrets
            .entry(row.definition_id.clone())
            .or_default()
            .push(row);
    }
    Ok(secrets)
}

/// What is known of the secrets of one definition; never opened.
pub(super) async fn secrets_of(admin: &Admin, id: &str) -> Answer<Vec<secret::Model>> {
    let rows = secret::Entity::find()
        .filter(secret::Column::DefinitionId.eq(id))
        .order_by_asc(secret::Column::Position)
        .order_by_asc(secret::Column::Id)
        .all(admin.control.store().read())
        .await?;
    Ok(rows)
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
    let before = named_as(&change, kind, name).await?;
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

/// Puts the one of this name in force, or out of it.
pub(super) async fn switch(
    admin: &Admin,
    who: &Identity,
    kind: Kind,
    name: &str,
    enabled: bool,
) -> Answer<Model> {
    let change = admin.control.begin(who.actor()).await?;
    let before = named_as(&change, kind, name).await?;
    if before.enabled == enabled {
        return Ok(before);
    }
    let row = Model {
        enabled,
        ..before.clone()
    };
    let row = replace(change.work(), &row).await?;
    let action = if enabled { "enable" } else { "disable" };
    note(&change, action, kind, Some(&before), Some(&row)).await?;
    change.commit().await?;
    Ok(row)
}

async fn named_as(change: &Change, kind: Kind, name: &str) -> Answer<Model> {
    named(change.work(), kind, name)
        .await
        .map_err(|error| match error {
            crate::store::StoreError::Missing => Problem::not_found(kind.as_str()),
            other => other.into(),
        })
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
    let before = named_as(&change, kind, name).await?;
    expect(if_match, before.version)?;
    remove(change.work(), &before).await?;
    note(&change, "delete", kind, Some(&before), None).await?;
    change.commit().await.map_err(still_used)?;
    Ok(())
}

/// What no longer fits once something is removed has used it; the words are for somebody who wants it gone.
fn still_used(error: ChangeError) -> ChangeError {
    let ChangeError::Invalid(ConfigErrors(errors)) = error else {
        return error;
    };
    let used =
        errors.into_iter().map(
            |error| match error.what.strip_suffix(", which does not exist") {
                Some(user) => ConfigError {
                    what: format!("it is still used: {user}"),
                    fix: "change that first".to_owned(),
                    place: error.place,
                },
                None => error,
            },
        );
    ChangeError::Invalid(ConfigErrors(used.collect()))
}

/// Puts the secrets of the fields that are named.
pub(super) async fn put_secrets(
    change: &Change,
    row: &definition::Model,
    wanted: &Wanted,
) -> Answer<()> {
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

/// Writes down what became of a definition.
pub(super) async fn note(
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

/// What was done to one definition, or to all of a kind; the newest first. A cursor is the id of a row.
pub(super) async fn history(
    admin: &Admin,
    kind: Kind,
    id: Option<&str>,
    range: &Range,
) -> Answer<Vec<audit::Model>> {
    let mut query = audit::Entity::find()
        .filter(audit::Column::Kind.eq(kind.as_str()))
        .order_by_desc(audit::Column::Id)
        .limit(range.limit + 1);
    if let Some(id) = id {
        query = query.filter(audit::Column::TargetId.eq(id));
    }
    if let Some(after) = &range.after {
        query = query.filter(audit::Column::Id.lt(after.as_str()));
    }
    Ok(query.all(admin.control.store().read()).await?)
}

/// A definition as it was at an earlier version, as far as the audit goes back.
pub(super) async fn at_version(admin: &Admin, row: &Model, version: i64) -> Answer<Wanted> {
    let rows = audit::Entity::find()
        .filter(audit::Column::Kind.eq(row.kind.as_str()))
        .filter(audit::Column::TargetId.eq(row.id.as_str()))
        .order_by_desc(audit::Column::Id)
        .all(admin.control.store().read())
        .await?;
    let then = rows
        .iter()
        .filter_map(|row| serde_json::from_str::<Value>(row.after.as_deref()?).ok())
        .find(|then| then["version"] == version && then["document"].is_object())
        .ok_or_else(|| Problem::not_found("version"))?;
    Ok(Wanted {
        name: then["name"].as_str().unwrap_or(&row.name).to_owned(),
        position: then["priority"].as_i64().unwrap_or(row.position),
        enabled: then["enabled"].as_bool().unwrap_or(row.enabled),
        document: then["document"].clone(),
        secrets: Vec::new(),
    })
}

/// A row as the audit shows it.
pub(super) fn shown(row: &Model) -> Value {
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

/// What a priority is unless it says otherwise.
pub(super) const fn usual_priority() -> i64 {
    100
}

/// A key that sorts by priority, then by name.
pub(super) fn order_key(priority: i64, name: &str) -> String {
    let place = u64::try_from(i128::from(priority) - i128::from(i64::MIN)).unwrap_or(u64::MAX);
    format!("{place:020}/{name}")
}
