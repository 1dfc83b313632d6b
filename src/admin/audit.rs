//! Who changed what: the audit, newest first.

use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::types::Any;
use poem_openapi::{Object, OpenApi};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};
use serde_json::Value;

use super::Admin;
use super::page::{Page, Range, holding};
use super::person::{Role, Session};
use super::problem::Answer;
use crate::store::entities::audit::{Column, Entity, Model};

/// One change, or one attempt to log in.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct AuditRow {
    /// Its identifier.
    id: String,
    /// When; milliseconds since 1970.
    at: i64,
    /// Who did it; absent for the hub itself and for strangers.
    actor_id: Option<String>,
    /// Their address, `system`, or `nobody`.
    actor: String,
    /// `create`, `update`, `delete`, `login`, `login_failed`, ...
    action: String,
    /// Which kind of thing: `provider`, `user`, `client_key`, `session`, ...
    kind: String,
    /// Its identifier.
    target_id: String,
    /// Its name.
    target: String,
    /// What it was.
    before: Option<Any<Value>>,
    /// What it became.
    after: Option<Any<Value>>,
    /// Where the call came from.
    address: Option<String>,
}

impl From<Model> for AuditRow {
    fn from(row: Model) -> Self {
        let json = |text: Option<String>| {
            text.and_then(|text| serde_json::from_str(&text).ok())
                .map(Any)
        };
        Self {
            id: row.id,
            at: row.at,
            actor_id: row.actor_id,
            actor: row.actor,
            action: row.action,
            kind: row.kind,
            target_id: row.target_id,
            target: row.target,
            before: json(row.before),
            after: json(row.after),
            address: row.address,
        }
    }
}

/// The resource.
pub(super) struct Audit(pub(super) Admin);

#[OpenApi(prefix_path = "/api/audit")]
impl Audit {
    /// List who changed what, the newest first
    #[oai(path = "/", method = "get", operation_id = "audit_list")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a parameter of the query"
    )]
    async fn list(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        /// The identifier of who did it, or a part of their address.
        actor: Query<Option<String>>,
        /// Which kind of thing.
        kind: Query<Option<String>>,
        /// The identifier of the thing, or a part of its name.
        target: Query<Option<String>>,
        /// What was done.
        action: Query<Option<String>>,
        /// Not before; milliseconds since 1970.
        from: Query<Option<i64>>,
        /// Before; milliseconds since 1970.
        to: Query<Option<i64>>,
    ) -> Answer<Json<Page<AuditRow>>> {
        session.at_least(Role::Operator)?;
        let range = Range::of(cursor.0, limit.0)?;
        let mut query = Entity::find()
            .order_by_desc(Column::Id)
            .limit(range.limit + 1);
        if let Some(after) = &range.after {
            query = query.filter(Column::Id.lt(after.as_str()));
        }
        query = among(query, Column::ActorId, Column::Actor, actor.0);
        query = among(query, Column::TargetId, Column::Target, target.0);
        if let Some(kind) = kind.0 {
            query = query.filter(Column::Kind.eq(kind));
        }
        if let Some(action) = action.0 {
            query = query.filter(Column::Action.eq(action));
        }
        if let Some(from) = from.0 {
            query = query.filter(Column::At.gte(from));
        }
        if let Some(to) = to.0 {
            query = query.filter(Column::At.lt(to));
        }
        let rows = query.all(self.0.control.store().read()).await?;
        Ok(Json(range.page(rows, |row| row.id.clone(), AuditRow::from)))
    }
}

/// Those with this identifier, or with a name that holds the text.
fn among(
    query: Select<Entity>,
    id: Column,
    name: Column,
    wanted: Option<String>,
) -> Select<Entity> {
    match wanted.filter(|wanted| !wanted.is_empty()) {
        None => query,
        Some(wanted) => query.filter(
            Condition::any()
                .add(name.like(holding(&wanted)))
                .add(id.eq(wanted)),
        ),
    }
}
