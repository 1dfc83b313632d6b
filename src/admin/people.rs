//! Rows of people: finding, making and changing them, and what must hold of all of them together.

use poem_openapi::Object;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, Set,
};
use serde_json::{Value, json};

use super::password::check_strength;
use super::person::Role;
use super::problem::{Answer, Problem};
use crate::config::Secret;
use crate::store::entities::user::{ActiveModel, Column, Entity, Model};
use crate::store::{StoreError, new_id, now_ms};

/// A person, as all may see who may see them.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Person {
    /// Their identifier.
    pub id: String,
    /// What they log in with, in lower case.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may log in, and their keys work.
    pub enabled: bool,
    /// They must choose another password before anything else.
    pub must_change_password: bool,
    /// Milliseconds since 1970.
    pub last_login_at: Option<i64>,
    /// Grows with every change.
    pub version: i64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub updated_at: i64,
}

impl From<Model> for Person {
    fn from(row: Model) -> Self {
        Self {
            // A role that this version does not know may do the least.
            role: Role::parse(&row.role).unwrap_or(Role::Member),
            id: row.id,
            email: row.email,
            name: row.name,
            enabled: row.enabled,
            must_change_password: row.must_change_password,
            last_login_at: row.last_login_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Somebody new.
pub(super) struct Newcomer {
    pub email: String,
    pub name: String,
    pub role: Role,
    /// The hash of their password.
    pub password: String,
    pub enabled: bool,
    pub must_change_password: bool,
}

/// An address in the one form it is kept in.
///
/// # Errors
/// When it cannot be one.
pub(super) fn address(text: &str) -> Result<String, Problem> {
    let address = text.trim().to_lowercase();
    let is_sound = address.len() <= 254
        && address
            .split_once('@')
            .is_some_and(|(person, host)| !person.is_empty() && !host.is_empty())
        && address.matches('@').count() == 1
        && !address.chars().any(|c| c.is_control() || c.is_whitespace());
    if is_sound {
        Ok(address)
    } else {
        Err(Problem::invalid(
            "email",
            "this is not an e-mail address",
            "write it as name@host",
        ))
    }
}

/// A role by its name.
///
/// # Errors
/// When there is none of this name.
pub(super) fn role(name: &str) -> Result<Role, Problem> {
    Role::parse(name).ok_or_else(|| {
        Problem::invalid(
            "role",
            format!("there is no role `{name}`"),
            "use admin, operator, viewer or member",
        )
    })
}

/// A password that is good enough.
///
/// # Errors
/// When it is not.
pub(super) fn strong(field: &str, password: &str, email: &str) -> Result<Secret, Problem> {
    match check_strength(password, email) {
        Ok(()) => Ok(Secret::new(password)),
        Err(weak) => Err(Problem::invalid(
            field,
            format!("the password is too weak: {weak}"),
            weak.to_string(),
        )),
    }
}

/// The person of this address.
pub(super) async fn by_email(
    database: &impl ConnectionTrait,
    email: &str,
) -> Result<Option<Model>, StoreError> {
    let query = Entity::find().filter(Column::Email.eq(email));
    Ok(query.one(database).await?)
}

/// The person of this identifier.
pub(super) async fn by_id(database: &impl ConnectionTrait, id: &str) -> Answer<Model> {
    let found = Entity::find_by_id(id).one(database).await?;
    found.ok_or_else(|| Problem::not_found("user"))
}

/// Puts somebody in.
pub(super) async fn insert(
    work: &impl ConnectionTrait,
    newcomer: Newcomer,
) -> Result<Model, StoreError> {
    let now = now_ms();
    let row = ActiveModel {
        id: Set(new_id()),
        email: Set(newcomer.email),
        name: Set(newcomer.name),
        role: Set(newcomer.role.as_str().to_owned()),
        password: Set(newcomer.password),
        enabled: Set(newcomer.enabled),
        must_change_password: Set(newcomer.must_change_password),
        key_bounds: Set(None),
        last_login_at: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    Ok(row.insert(work).await?)
}

/// Replaces a row if it is still at the version that was read, and returns it at the next one.
pub(super) async fn save(work: &impl ConnectionTrait, row: Model) -> Result<Model, StoreError> {
    let next = Model {
        version: row.version + 1,
        updated_at: now_ms(),
        ..row
    };
    let changed = Entity::update_many()
        .col_expr(Column::Email, next.email.as_str().into())
        .col_expr(Column::Name, next.name.as_str().into())
        .col_expr(Column::Role, next.role.as_str().into())
        .col_expr(Column::Password, next.password.as_str().into())
        .col_expr(Column::Enabled, next.enabled.into())
        .col_expr(Column::MustChangePassword, next.must_change_password.into())
        .col_expr(Column::KeyBounds, next.key_bounds.clone().into())
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

/// Writes down that somebody logged in.
pub(super) async fn entered(work: &impl ConnectionTrait, id: &str) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::LastLoginAt, now_ms().into())
        .filter(Column::Id.eq(id))
        .exec(work)
        .await?;
    Ok(())
}

/// Refuses what would leave the hub without an administrator who can log in.
pub(super) async fn keep_an_admin(work: &impl ConnectionTrait, but: &Model) -> Answer<()> {
    let others = Entity::find()
        .filter(Column::Role.eq(Role::Admin.as_str()))
        .filter(Column::Enabled.eq(true))
        .filter(Column::Id.ne(&but.id))
        .count(work)
        .await?;
    if others == 0 && but.enabled && but.role == Role::Admin.as_str() {
        return Err(Problem::conflict(
            "last_admin",
            "this is the last administrator who can log in; make another one first",
        ));
    }
    Ok(())
}

/// A row as the audit shows it.
pub(super) fn shown(row: &Model) -> Value {
    json!({
        "email": row.email,
        "name": row.name,
        "role": row.role,
        "enabled": row.enabled,
        "must_change_password": row.must_change_password,
        "key_bounds": row.key_bounds.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
        "version": row.version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        assert!(matches!(address(" Ada@Example.TEST "), Ok(a) if a == "ada@example.test"));
        assert!(address("admin@localhost").is_ok());
        for bad in [
            "", "ada", "@", "a@", "@b", "a@b@c", "a b@c", "a\n@b", "a@b\u{0}",
        ] {
            assert!(address(bad).is_err(), "{bad:?}");
        }
        assert!(address(&format!("{}@b", "a".repeat(254))).is_err());
    }
}
