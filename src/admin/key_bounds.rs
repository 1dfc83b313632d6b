//! Bounds that operators set for the client keys that somebody makes.

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Admin;
use super::client_key_rows::{bounds, text};
use super::key_limits::{Bounds, Limits};
use super::people::{self, shown};
use super::person::{Role, Session};
use super::problem::{Answer, Problem};
use crate::control::AuditEntry;
use crate::store::entities::user::Model;

/// What the keys that somebody makes may do at most.
#[derive(Clone, Debug, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
struct BoundsOfKeys {
    /// Each key; absent, everything.
    limits: Option<Limits>,
    /// How many keys; absent, 50. With 0 they make none.
    max_keys: Option<u32>,
}

impl From<Bounds> for BoundsOfKeys {
    fn from(bounds: Bounds) -> Self {
        Self {
            limits: Some(bounds.limits.into()),
            max_keys: bounds.max_keys,
        }
    }
}

/// The resource.
pub(super) struct KeyBounds(pub(super) Admin);

#[OpenApi(prefix_path = "/api/users")]
impl KeyBounds {
    /// Read what the client keys of a user may do at most
    #[oai(
        path = "/:id/key-bounds",
        method = "get",
        operation_id = "users_key_bounds_get"
    )]
    async fn get(&self, session: Session, id: Path<String>) -> Answer<Json<BoundsOfKeys>> {
        session.at_least(Role::Operator)?;
        let row = people::by_id(self.0.control.store().read(), &id).await?;
        Ok(Json(bounds(&row)?.into()))
    }

    /// Say what the client keys that a user makes may do at most
    ///
    /// Holds for keys that they make or change from now on, unless they are operators.
    #[oai(
        path = "/:id/key-bounds",
        method = "put",
        operation_id = "users_key_bounds_set"
    )]
    async fn set(
        &self,
        session: Session,
        id: Path<String>,
        body: Json<BoundsOfKeys>,
    ) -> Answer<Json<BoundsOfKeys>> {
        let who = session.at_least(Role::Operator)?;
        if who.user_id == *id {
            return Err(Problem::forbidden("nobody sets bounds for themselves"));
        }
        let limits = body.0.limits.map(Limits::read).transpose()?;
        let wanted = Bounds {
            limits: limits.unwrap_or_default(),
            max_keys: body.0.max_keys,
        };
        let change = self.0.control.begin(who.actor()).await?;
        let before = people::by_id(change.work(), &id).await?;
        let after = Model {
            key_bounds: Some(text(&wanted)?),
            ..before.clone()
        };
        let after = people::save(change.work(), after).await?;
        change
            .note(AuditEntry {
                action: "key_bounds",
                kind: "user",
                id: &after.id,
                name: &after.email,
                before: Some(&shown(&before)),
                after: Some(&shown(&after)),
            })
            .await?;
        change.commit_quietly().await?;
        Ok(Json(wanted.into()))
    }
}
