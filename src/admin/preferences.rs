//! What people set for themselves in the web interface.

use poem_openapi::payload::Json;
use poem_openapi::types::Any;
use poem_openapi::{Enum, Object, OpenApi};
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait as _, Set};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Admin;
use super::person::Session;
use super::problem::{Answer, Problem};
use crate::store::entities::preference::{ActiveModel, Column, Entity};
use crate::store::now_ms;

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

/// The resource.
pub(super) struct PreferencesApi(pub(super) Admin);

#[OpenApi(prefix_path = "/api/preferences")]
impl PreferencesApi {
    /// Read one's own preferences
    #[oai(path = "/", method = "get", operation_id = "preferences_get")]
    async fn get(&self, session: Session) -> Answer<Json<Preferences>> {
        let who = session.anybody();
        let read = self.0.control.store().read();
        let row = Entity::find_by_id(&who.user_id).one(read).await?;
        let kept = row.and_then(|row| serde_json::from_str(&row.document).ok());
        Ok(Json(kept.unwrap_or_default()))
    }

    /// Replace one's own preferences
    #[oai(path = "/", method = "put", operation_id = "preferences_set")]
    async fn set(&self, session: Session, body: Json<Preferences>) -> Answer<Json<Preferences>> {
        let who = session.anybody();
        let document = serde_json::to_string(&body.0).map_err(|error| Problem::internal(&error))?;
        if document.len() > LARGEST {
            return Err(Problem::invalid(
                "other",
                "preferences are larger than 16 KiB",
                "keep less",
            ));
        }
        let row = ActiveModel {
            user_id: Set(who.user_id.clone()),
            document: Set(document),
            updated_at: Set(now_ms()),
        };
        let replace = OnConflict::column(Column::UserId)
            .update_columns([Column::Document, Column::UpdatedAt])
            .to_owned();
        Entity::insert(row)
            .on_conflict(replace)
            .exec_without_returning(self.0.control.store().write())
            .await?;
        Ok(body)
    }
}
