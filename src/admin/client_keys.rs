//! The keys that clients call the hub with.
//!
//! Everybody has keys of their own; operators have everybody's. A key is shown once, when it is made; kept is a
//! keyed digest. Every change is in force on the data plane before it is answered.

use std::collections::HashMap;

use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};

use super::Admin;
use super::auth::Done;
use super::client_key_rows::{Fresh, Wish, find, leave_room, reach, save, shown, text};
use super::key_limits::Limits;
use super::page::{Page, Range, holding};
use super::people;
use super::person::{Identity, Role, Session};
use super::problem::{Answer, Problem};
use super::version::{expect, tag};
use crate::control::{AuditEntry, Change};
use crate::store::entities::client_key::{ActiveModel, Column, Entity, Model};
use crate::store::entities::user;
use crate::store::{conversation_switches, new_id, now_ms};

/// Longest time for which a key that was replaced goes on working, in seconds.
const LONGEST_GRACE: u64 = 30 * 24 * 60 * 60;

/// A client key, but not the key itself.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ClientKey {
    /// Its identifier.
    id: String,
    /// What the owner calls it.
    name: String,
    /// Its first characters.
    prefix: String,
    /// Whose it is.
    owner_id: String,
    /// What to call them.
    owner_name: String,
    /// Their address.
    owner_email: String,
    /// Whether it works, as far as this switch goes.
    enabled: bool,
    /// What it may do and how much of it.
    limits: Limits,
    /// Labels for rules and statistics.
    tags: Vec<String>,
    /// When it ends by itself; milliseconds since 1970.
    expires_at: Option<i64>,
    /// When it was last used, within a minute; milliseconds since 1970.
    last_used_at: Option<i64>,
    /// Until when the key before works too; milliseconds since 1970.
    previous_until: Option<i64>,
    /// Grows with every change.
    version: i64,
    /// Milliseconds since 1970.
    created_at: i64,
    /// Milliseconds since 1970.
    updated_at: i64,
}

/// A client key to be.
#[derive(Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
struct NewKey {
    /// What to call it.
    #[oai(validator(min_length = 1, max_length = 128))]
    name: String,
    /// Whose it is; absent, one's own. Only operators make keys for others.
    #[oai(validator(max_length = 36))]
    owner_id: Option<String>,
    /// Whether it works.
    #[oai(default = "super::definition::yes")]
    enabled: bool,
    /// What it may do and how much of it; absent, everything.
    limits: Option<Limits>,
    /// Labels for rules and statistics.
    #[oai(default, validator(max_items = 32))]
    tags: Vec<String>,
    /// When it ends by itself; milliseconds since 1970.
    expires_at: Option<i64>,
}

/// A client key as it shall be.
#[derive(Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
struct ChangedKey {
    /// What to call it.
    #[oai(validator(min_length = 1, max_length = 128))]
    name: String,
    /// Whether it works.
    #[oai(default = "super::definition::yes")]
    enabled: bool,
    /// What it may do and how much of it; absent, everything.
    limits: Option<Limits>,
    /// Labels for rules and statistics.
    #[oai(default, validator(max_items = 32))]
    tags: Vec<String>,
    /// When it ends by itself; milliseconds since 1970.
    expires_at: Option<i64>,
}

/// How a key is exchanged.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct Rotation {
    /// Seconds for which the old key goes on working; 0 ends it at once.
    #[oai(default)]
    grace_seconds: u64,
}

/// A client key with the key itself, which is not shown again.
#[derive(Object)]
pub(super) struct ClientKeyMade {
    #[oai(flatten)]
    shown: ClientKey,
    /// The key.
    key: String,
}

#[derive(ApiResponse)]
enum MadeKey {
    /// Newly made.
    #[oai(status = 201)]
    Created(Json<ClientKeyMade>, #[oai(header = "ETag")] String),
    /// Exchanged.
    #[oai(status = 200)]
    Rotated(Json<ClientKeyMade>, #[oai(header = "ETag")] String),
}

#[derive(ApiResponse)]
enum OneKey {
    /// As it is.
    #[oai(status = 200)]
    Ok(Json<ClientKey>, #[oai(header = "ETag")] String),
}

/// The resource.
pub(super) struct ClientKeys(pub(super) Admin);

#[OpenApi(prefix_path = "/api/api-keys")]
impl ClientKeys {
    /// List client keys
    ///
    /// Members see their own.
    #[oai(path = "/", method = "get", operation_id = "client_keys_list")]
    async fn list(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        /// A part of the name, or the first characters of the key.
        search: Query<Option<String>>,
        /// Whose keys.
        owner_id: Query<Option<String>>,
    ) -> Answer<Json<Page<ClientKey>>> {
        let who = session.anybody();
        let range = Range::of(cursor.0, limit.0)?;
        let mut query = Entity::find()
            .filter(reach(who, Role::Viewer))
            .order_by_asc(Column::Id)
            .limit(range.limit + 1);
        if let Some(after) = &range.after {
            query = query.filter(Column::Id.gt(after.as_str()));
        }
        if let Some(owner) = &owner_id.0 {
            query = query.filter(Column::OwnerId.eq(owner.as_str()));
        }
        if let Some(search) = search.0.filter(|search| !search.is_empty()) {
            let either = Condition::any()
                .add(Column::Name.like(holding(&search)))
                .add(Column::Prefix.like(holding(&search)));
            query = query.filter(either);
        }
        let read = self.0.control.store().read();
        let rows = query.all(read).await?;
        let owners = owners(read, &rows).await?;
        let view = |row: Model| view(owners.get(&row.owner_id), row);
        Ok(Json(range.page(rows, |row| row.id.clone(), view)))
    }

    /// Make a client key
    ///
    /// The key itself is in this answer and nowhere else.
    #[oai(path = "/", method = "post", operation_id = "client_keys_create")]
    async fn create(&self, session: Session, body: Json<NewKey>) -> Answer<MadeKey> {
        let who = session.anybody();
        let body = body.0;
        let owner_id = body.owner_id.unwrap_or_else(|| who.user_id.clone());
        if owner_id != who.user_id && who.role < Role::Operator {
            return Err(Problem::forbidden("only operators make keys for others"));
        }
        let limits = body
            .limits
            .map(Limits::read)
            .transpose()?
            .unwrap_or_default();
        if body.expires_at.is_some_and(|end| end <= now_ms()) {
            return Err(Problem::invalid(
                "expires_at",
                "that is over, so the key would never be valid",
                "name a time to come, in milliseconds since 1970",
            ));
        }
        let change = self.0.control.begin(who.actor()).await?;
        let owner =
            people::by_id(change.work(), &owner_id)
                .await
                .map_err(|problem| match problem {
                    Problem::NotFound(_) => {
                        Problem::invalid("owner_id", "there is no such user", "see /api/users")
                    }
                    other => other,
                })?;
        let wish = Wish {
            who,
            owner: &owner,
            limits: &limits,
            expires_at: body.expires_at,
            enabled: body.enabled,
        };
        leave_room(change.work(), who, &owner).await?;
        let ceiling = wish.allowed(None)?;
        let (fresh, now) = (Fresh::new(change.vault()), now_ms());
        let row = ActiveModel {
            id: Set(new_id()),
            name: Set(body.name),
            owner_id: Set(owner.id.clone()),
            prefix: Set(fresh.prefix),
            digest: Set(fresh.digest),
            previous_digest: Set(None),
            previous_until: Set(None),
            enabled: Set(body.enabled),
            limits: Set(text(&limits)?),
            ceiling: Set(ceiling),
            tags: Set(text(&labels(body.tags)?)?),
            expires_at: Set(body.expires_at),
            last_used_at: Set(None),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let row = row.insert(change.work()).await?;
        note(&change, "create", None, Some(&row)).await?;
        change.commit().await?;
        let version = tag(row.version);
        let made = ClientKeyMade {
            shown: view(Some(&owner), row),
            key: fresh.secret.expose().to_owned(),
        };
        Ok(MadeKey::Created(Json(made), version))
    }

    /// Read a client key
    #[oai(path = "/:id", method = "get", operation_id = "client_keys_get")]
    async fn get(&self, session: Session, id: Path<String>) -> Answer<OneKey> {
        let who = session.anybody();
        let read = self.0.control.store().read();
        let row = find(read, who, Role::Viewer, &id).await?;
        one(read, row).await
    }

    /// Replace what a client key may do
    ///
    /// Who is no operator stays within what operators allowed.
    #[oai(path = "/:id", method = "put", operation_id = "client_keys_update")]
    async fn update(
        &self,
        session: Session,
        id: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<ChangedKey>,
    ) -> Answer<OneKey> {
        let who = session.anybody();
        let body = body.0;
        let limits = body
            .limits
            .map(Limits::read)
            .transpose()?
            .unwrap_or_default();
        let tags = text(&labels(body.tags)?)?;
        let change = self.0.control.begin(who.actor()).await?;
        let before = find(change.work(), who, Role::Operator, &id).await?;
        expect(if_match.0.as_deref(), before.version)?;
        let owner = people::by_id(change.work(), &before.owner_id).await?;
        let wish = Wish {
            who,
            owner: &owner,
            limits: &limits,
            expires_at: body.expires_at,
            enabled: body.enabled,
        };
        let wanted = Model {
            ceiling: wish.allowed(Some(&before))?,
            name: body.name,
            enabled: body.enabled,
            limits: text(&limits)?,
            tags,
            expires_at: body.expires_at,
            ..before.clone()
        };
        let row = put(change, &before, wanted, "update").await?;
        one(self.0.control.store().read(), row).await
    }

    /// Exchange a client key for a new one
    ///
    /// The new key is in this answer and nowhere else; the old one works until the grace is over. A key that an
    /// earlier exchange left working ends.
    #[oai(
        path = "/:id/rotate",
        method = "post",
        operation_id = "client_keys_rotate"
    )]
    async fn rotate(
        &self,
        session: Session,
        id: Path<String>,
        body: Json<Rotation>,
    ) -> Answer<MadeKey> {
        let who = session.anybody();
        let grace = body.grace_seconds;
        if grace > LONGEST_GRACE {
            return Err(Problem::invalid(
                "grace_seconds",
                "the old key would work for more than 30 days",
                "use at most 2592000",
            ));
        }
        let change = self.0.control.begin(who.actor()).await?;
        let before = find(change.work(), who, Role::Operator, &id).await?;
        let owner = people::by_id(change.work(), &before.owner_id).await?;
        let fresh = Fresh::new(change.vault());
        let until = i64::try_from(grace * 1000)
            .ok()
            .map(|grace| now_ms() + grace);
        let wanted = Model {
            prefix: fresh.prefix,
            digest: fresh.digest,
            previous_digest: (grace > 0).then(|| before.digest.clone()),
            previous_until: until.filter(|_| grace > 0),
            ..before.clone()
        };
        let row = put(change, &before, wanted, "rotate").await?;
        let version = tag(row.version);
        let made = ClientKeyMade {
            shown: view(Some(&owner), row),
            key: fresh.secret.expose().to_owned(),
        };
        Ok(MadeKey::Rotated(Json(made), version))
    }

    /// Switch a client key on
    #[oai(
        path = "/:id/enable",
        method = "post",
        operation_id = "client_keys_enable"
    )]
    async fn enable(&self, session: Session, id: Path<String>) -> Answer<OneKey> {
        self.switch(session.anybody(), &id, true).await
    }

    /// Switch a client key off
    #[oai(
        path = "/:id/disable",
        method = "post",
        operation_id = "client_keys_disable"
    )]
    async fn disable(&self, session: Session, id: Path<String>) -> Answer<OneKey> {
        self.switch(session.anybody(), &id, false).await
    }

    /// Remove a client key
    #[oai(path = "/:id", method = "delete", operation_id = "client_keys_delete")]
    async fn delete(
        &self,
        session: Session,
        id: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
    ) -> Answer<Done> {
        let who = session.anybody();
        let change = self.0.control.begin(who.actor()).await?;
        let before = find(change.work(), who, Role::Operator, &id).await?;
        expect(if_match.0.as_deref(), before.version)?;
        Entity::delete_by_id(&before.id).exec(change.work()).await?;
        let gone = std::slice::from_ref(&before.id);
        conversation_switches::retire(change.work(), gone).await?;
        note(&change, "delete", Some(&before), None).await?;
        change.commit().await?;
        if let Err(error) = self.0.files.forget(&before.id).await {
            tracing::warn!(%error, "conversations of a removed client key go with the next sweep");
        }
        Ok(Done::Done)
    }
}

impl ClientKeys {
    async fn switch(&self, who: &Identity, id: &str, enabled: bool) -> Answer<OneKey> {
        let change = self.0.control.begin(who.actor()).await?;
        let before = find(change.work(), who, Role::Operator, id).await?;
        let owner = people::by_id(change.work(), &before.owner_id).await?;
        let limits =
            serde_json::from_str(&before.limits).map_err(|error| Problem::internal(&error))?;
        let wish = Wish {
            who,
            owner: &owner,
            limits: &limits,
            expires_at: before.expires_at,
            enabled,
        };
        // Switching off is always allowed, whatever has been bound since.
        let ceiling = if enabled || who.role >= Role::Operator {
            wish.allowed(Some(&before))?
        } else {
            before.ceiling.clone()
        };
        let wanted = Model {
            enabled,
            ceiling,
            ..before.clone()
        };
        let action = if enabled { "enable" } else { "disable" };
        let row = put(change, &before, wanted, action).await?;
        one(self.0.control.store().read(), row).await
    }
}

/// Saves a changed row and puts it in force.
async fn put(change: Change, before: &Model, wanted: Model, action: &str) -> Answer<Model> {
    let row = save(change.work(), wanted).await?;
    note(&change, action, Some(before), Some(&row)).await?;
    change.commit().await?;
    Ok(row)
}

async fn note(
    change: &Change,
    action: &str,
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
            kind: "client_key",
            id: &subject.id,
            name: &subject.name,
            before: before.as_ref(),
            after: after.as_ref(),
        })
        .await?;
    Ok(())
}

/// Labels without repetition.
fn labels(tags: Vec<String>) -> Answer<Vec<String>> {
    let mut labels: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        if tag.is_empty() || tag.len() > 64 || tag.chars().any(char::is_control) {
            return Err(Problem::invalid(
                "tags",
                "a label has 1 to 64 characters, none of them a control character",
                "shorten it",
            ));
        }
        if !labels.contains(&tag) {
            labels.push(tag);
        }
    }
    Ok(labels)
}

async fn owners(
    read: &impl ConnectionTrait,
    rows: &[Model],
) -> Answer<HashMap<String, user::Model>> {
    let ids = rows.iter().map(|row| row.owner_id.as_str());
    let found = user::Entity::find()
        .filter(user::Column::Id.is_in(ids))
        .all(read)
        .await?;
    let by_id = |row: user::Model| (row.id.clone(), row);
    Ok(found.into_iter().map(by_id).collect())
}

async fn one(read: &impl ConnectionTrait, row: Model) -> Answer<OneKey> {
    let owner = user::Entity::find_by_id(&row.owner_id).one(read).await?;
    let version = tag(row.version);
    Ok(OneKey::Ok(Json(view(owner.as_ref(), row)), version))
}

fn view(owner: Option<&user::Model>, row: Model) -> ClientKey {
    let limits: crate::config::KeyLimits = serde_json::from_str(&row.limits).unwrap_or_default();
    ClientKey {
        id: row.id,
        name: row.name,
        prefix: row.prefix,
        owner_id: row.owner_id,
        owner_name: owner.map(|owner| owner.name.clone()).unwrap_or_default(),
        owner_email: owner.map(|owner| owner.email.clone()).unwrap_or_default(),
        enabled: row.enabled,
        limits: limits.into(),
        tags: serde_json::from_str(&row.tags).unwrap_or_default(),
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        previous_until: row.previous_until.filter(|until| *until > now_ms()),
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
