//! Rows of client keys: whose they are, how they are found, saved and shown, and what their owners may make of them.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
};
use serde_json::{Value, json};

use super::key_limits::{Bounds, Ceiling, is_at_most, keep_within};
use super::person::{Identity, Role};
use super::problem::{Answer, Problem};
use crate::config::{KeyLimits, Secret};
use crate::store::entities::client_key::{Column, Entity, Model};
use crate::store::entities::user;
use crate::store::{Purpose, StoreError, Vault, now_ms, random};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

/// Keys of one person who is no operator, where nobody says.
const MOST_KEYS: u64 = 50;
/// Characters of a key that are shown, to know it again.
const SHOWN: usize = 11;

/// A key that has just been made.
pub(super) struct Fresh {
    /// The key itself, to be shown once.
    pub secret: Secret,
    /// Its first characters.
    pub prefix: String,
    /// What is kept of it.
    pub digest: String,
}

impl Fresh {
    /// Makes one.
    pub(super) fn new(vault: &Vault) -> Self {
        let secret = Secret::new(format!("sk-{}", BASE64.encode(*random())));
        Self {
            prefix: secret.expose()[..SHOWN].to_owned(),
            digest: vault.digest(Purpose::ClientKey, secret.expose()),
            secret,
        }
    }
}

/// What a caller may reach: all keys from a role on, else their own.
pub(super) fn reach(who: &Identity, all_from: Role) -> sea_orm::Condition {
    let own = (who.role < all_from).then(|| Column::OwnerId.eq(&who.user_id));
    sea_orm::Condition::all().add_option(own)
}

/// One key within reach. One of somebody else is as good as none.
pub(super) async fn find(
    database: &impl ConnectionTrait,
    who: &Identity,
    all_from: Role,
    id: &str,
) -> Answer<Model> {
    let query = Entity::find_by_id(id).filter(reach(who, all_from));
    let found = query.one(database).await?;
    found.ok_or_else(|| Problem::not_found("client key"))
}

/// Replaces a row if it is still at the version that was read, and returns it at the next one.
pub(super) async fn save(work: &impl ConnectionTrait, row: Model) -> Result<Model, StoreError> {
    let next = Model {
        version: row.version + 1,
        updated_at: now_ms(),
        ..row
    };
    let changed = Entity::update_many()
        .col_expr(Column::Name, next.name.as_str().into())
        .col_expr(Column::Prefix, next.prefix.as_str().into())
        .col_expr(Column::Digest, next.digest.as_str().into())
        .col_expr(Column::PreviousDigest, next.previous_digest.clone().into())
        .col_expr(Column::PreviousUntil, next.previous_until.into())
        .col_expr(Column::Enabled, next.enabled.into())
        .col_expr(Column::Limits, next.limits.as_str().into())
        .col_expr(Column::Ceiling, next.ceiling.clone().into())
        .col_expr(Column::Tags, next.tags.as_str().into())
        .col_expr(Column::ExpiresAt, next.expires_at.into())
        .col_expr(Column::Version, next.version.into())
        .col_expr(Column::UpdatedAt, next.updated_at.into())
        .filter(Column::Id.eq(&next.id))
        .filter(Column::Version.eq(row.version))
        .exec(work)
        .await?;
    if changed.rows_affected == 1 {
        return Ok(next);
    }
    match Entity::find_by_id(&next.id).one(work).await? {
        Some(now) => Err(StoreError::Changed(now.version)),
        None => Err(StoreError::Missing),
    }
}

/// What is bound of a key, and who wants it so.
pub(super) struct Wish<'a> {
    pub who: &'a Identity,
    pub owner: &'a user::Model,
    pub limits: &'a KeyLimits,
    pub expires_at: Option<i64>,
    pub enabled: bool,
}

impl Wish<'_> {
    /// The ceiling to keep with the key. Operators set it by what they write for others; everybody else
    /// stays below it and below the bounds of their own.
    pub(super) fn allowed(&self, before: Option<&Model>) -> Answer<Option<String>> {
        let kept = before.and_then(|row| row.ceiling.clone());
        if self.who.role >= Role::Operator {
            if self.who.user_id == self.owner.id {
                return Ok(kept);
            }
            let ceiling = Ceiling {
                limits: self.limits.clone(),
                expires_at: self.expires_at,
                enabled: self.enabled,
            };
            return text(&ceiling).map(Some);
        }
        keep_within(self.limits, &bounds(self.owner)?.limits)?;
        if let Some(kept) = &kept {
            let ceiling: Ceiling = read(kept)?;
            keep_within(self.limits, &ceiling.limits)?;
            if !is_at_most(self.expires_at, ceiling.expires_at) {
                return Err(Problem::invalid(
                    "expires_at",
                    "the key was made to end earlier",
                    "ask an operator",
                ));
            }
            if self.enabled && !ceiling.enabled {
                return Err(Problem::forbidden("an operator has switched this key off"));
            }
        }
        Ok(kept)
    }
}

/// Refuses one key too many.
pub(super) async fn leave_room(
    work: &impl ConnectionTrait,
    who: &Identity,
    owner: &user::Model,
) -> Answer<()> {
    if who.role >= Role::Operator {
        return Ok(());
    }
    let most = bounds(owner)?.max_keys.map_or(MOST_KEYS, u64::from);
    let there = Entity::find().filter(Column::OwnerId.eq(&owner.id));
    if there.count(work).await? >= most {
        return Err(Problem::conflict(
            "too_many_keys",
            format!("you may have {most} keys; remove one, or ask an operator"),
        ));
    }
    Ok(())
}

/// The bounds of somebody's keys.
pub(super) fn bounds(owner: &user::Model) -> Answer<Bounds> {
    owner
        .key_bounds
        .as_deref()
        .map_or_else(|| Ok(Bounds::default()), read)
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Answer<T> {
    // What cannot be read must not be taken for no bound at all.
    serde_json::from_str(text).map_err(|error| Problem::internal(&error))
}

/// A value as a column keeps it.
pub(super) fn text<T: serde::Serialize>(value: &T) -> Answer<String> {
    serde_json::to_string(value).map_err(|error| Problem::internal(&error))
}

/// A row as the audit shows it.
pub(super) fn shown(row: &Model) -> Value {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    json!({
        "name": row.name,
        "owner_id": row.owner_id,
        "prefix": row.prefix,
        "enabled": row.enabled,
        "limits": json(&row.limits),
        "ceiling": row.ceiling.as_deref().map(json),
        "tags": json(&row.tags),
        "expires_at": row.expires_at,
        "previous_until": row.previous_until,
        "version": row.version,
    })
}
