//! What people set for themselves in the web interface.

use poem_openapi::param::Header;
use poem_openapi::payload::Json;
use poem_openapi::types::Any;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use sea_orm::{ColumnTrait as _, DatabaseConnection, EntityTrait as _, QueryFilter as _, Set};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Admin;
use super::person::Session;
use super::problem::{Answer, Problem};
use super::version::{expect, tag};
use crate::store::entities::preference::{ActiveModel, Column, Entity};
use crate::store::{StoreError, now_ms};

/// Most bytes of what the interface keeps for itself.
const LARGEST: usize = 16 << 10;

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum Theme {
    /// As the machine is set.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// What somebody set for themselves.
#[derive(Clone, Debug, Default, Object, Serialize, Deserialize)]
#[serde(default)]
#[oai(skip_serializing_if_is_none)]
struct Preferences {
    /// The language, such as `en` or `pt-BR`.
    #[oai(validator(max_length = 35, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Light or dark.
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<Theme>,
    /// What else the interface keeps, by its own names.
    #[serde(skip_serializing_if = "Option::is_none", with = "others")]
    other: Option<Any<Map<String, Value>>>,
}

mod others {
    use super::{Any, Map, Value};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Any<Map<String, Value>>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(|Any(value)| value).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Any<Map<String, Value>>>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Any))
    }
}

/// Somebody's preferences and their version.
#[derive(ApiResponse)]
enum OwnPreferences {
    /// As they are.
    #[oai(status = 200)]
    Ok(Json<Preferences>, #[oai(header = "ETag")] String),
}

/// How often a write is tried that others overtake.
const TRIES: usize = 8;

/// Keeps a document unless another version than `if_match` is in force; the version it has then.
async fn keep(
    write: &DatabaseConnection,
    user_id: &str,
    if_match: Option<&str>,
    document: &str,
) -> Answer<i64> {
    let mut in_force = 0;
    for _ in 0..TRIES {
        let row = Entity::find_by_id(user_id).one(write).await?;
        in_force = row.as_ref().map_or(0, |row| row.updated_at);
        expect(if_match, in_force)?;
        // Two changes within a millisecond are two versions.
        let version = now_ms().max(in_force + 1);
        let kept = ActiveModel {
            user_id: Set(user_id.to_owned()),
            document: Set(document.to_owned()),
            updated_at: Set(version),
        };
        let written = match row {
            Some(_) => {
                Entity::update_many()
                    .set(kept)
                    .filter(Column::UserId.eq(user_id))
                    .filter(Column::UpdatedAt.eq(in_force))
                    .exec(write)
                    .await?
                    .rows_affected
            }
            None => match Entity::insert(kept).exec_without_returning(write).await {
                Ok(rows) => rows,
                Err(error) => match StoreError::from(error) {
                    StoreError::Taken => 0,
                    other => return Err(other.into()),
                },
            },
        };
        if written > 0 {
            return Ok(version);
        }
    }
    Err(Problem::changed(in_force))
}

/// The resource.
pub(super) struct PreferencesApi(pub(super) Admin);

#[OpenApi(prefix_path = "/api/preferences")]
impl PreferencesApi {
    /// Read one's own preferences
    #[oai(path = "/", method = "get", operation_id = "preferences_get")]
    async fn get(&self, session: Session) -> Answer<OwnPreferences> {
        let who = session.anybody();
        let read = self.0.control.store().read();
        let row = Entity::find_by_id(&who.user_id).one(read).await?;
        let version = row.as_ref().map_or(0, |row| row.updated_at);
        let kept = row.and_then(|row| serde_json::from_str(&row.document).ok());
        Ok(OwnPreferences::Ok(
            Json(kept.unwrap_or_default()),
            tag(version),
        ))
    }

    /// Replace one's own preferences
    #[oai(path = "/", method = "put", operation_id = "preferences_set")]
    async fn set(
        &self,
        session: Session,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<Preferences>,
    ) -> Answer<OwnPreferences> {
        let who = session.anybody();
        let document = serde_json::to_string(&body.0).map_err(|error| Problem::internal(&error))?;
        if document.len() > LARGEST {
            return Err(Problem::invalid(
                "other",
                "preferences are larger than 16 KiB",
                "keep less",
            ));
        }
        let write = self.0.control.store().write();
        let version = keep(write, &who.user_id, if_match.0.as_deref(), &document).await?;
        Ok(OwnPreferences::Ok(body, tag(version)))
    }
}
