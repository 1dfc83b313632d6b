//! Settings that may change while the hub runs, and their history.

use std::collections::{BTreeMap, HashMap};

use poem_openapi::param::{Header, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Any;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Admin;
use super::definition;
use super::page::{Page, Range};
use super::person::{Identity, Role, Session};
use super::problem::{Answer, Problem};
use super::version::{expect, tag};
use crate::config::{Kind, LIVE};
use crate::control::Change;
use crate::store::StoreError;
use crate::store::definitions::{insert, named, remove, replace};
use crate::store::entities::definition::Model;

/// A setting.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Setting {
    /// Its key, as in `app.yml`.
    key: String,
    /// What is in force.
    value: Any<Value>,
    /// What would be without anybody's doing.
    default: Any<Value>,
    /// `default`, `database`, or what owns it: `file`, `environment`.
    source: String,
    /// Where its owner has it.
    place: Option<String>,
    /// It cannot be changed here.
    is_read_only: bool,
    /// What it does.
    about: String,
    /// The words it may be, where these are few.
    choices: Vec<String>,
}

/// All settings.
#[derive(Clone, Debug, Object)]
pub(super) struct Config {
    /// The settings.
    settings: Vec<Setting>,
}

/// Settings to change: those that are not named stay, `null` goes back to the default.
#[derive(Clone, Debug, Object)]
pub(super) struct ConfigChange {
    /// New values by key.
    settings: HashMap<String, Any<Value>>,
}

/// A change of a setting.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct SettingChange {
    /// Names it.
    id: String,
    /// When, in milliseconds since 1970.
    at: i64,
    /// Who.
    actor: String,
    /// Where the request came from.
    address: Option<String>,
    /// The key.
    key: String,
    /// What it was; null is the default.
    before: Any<Value>,
    /// What it became; null is the default.
    after: Any<Value>,
}

/// All settings and their version.
#[derive(ApiResponse)]
pub(super) enum ConfigAnswer {
    /// As they are.
    #[oai(status = 200)]
    Ok(Json<Config>, #[oai(header = "ETag")] String),
}

/// The resource.
pub(super) struct Settings(pub(super) Admin);

/// A version of all settings together: another one whenever one of them is another.
fn version(rows: &[Model]) -> i64 {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let mut digest = Sha256::new();
    for row in rows {
        digest.update(row.id.as_bytes());
        digest.update(row.version.to_le_bytes());
    }
    let digest = digest.finalize();
    // 52 bits, which JSON numbers hold.
    digest[..6]
        .iter()
        .fold(0_i64, |all, byte| (all << 8) | i64::from(*byte))
}

impl Settings {
    async fn answer(&self) -> Answer<ConfigAnswer> {
        let rows = definition::all_of(&self.0, Kind::Setting).await?;
        let in_force = self.0.control.in_force();
        let settings = in_force.settings.live_settings().into_iter();
        let settings = settings.map(|setting| {
            let is_defined = rows.iter().any(|row| row.name == setting.key);
            let source = match &setting.given {
                Some(place) if place.is_variable() => "environment",
                Some(_) => "file",
                None if is_defined => "database",
                None => "default",
            };
            Setting {
                key: setting.key.to_owned(),
                value: Any(setting.value),
                default: Any(setting.default),
                source: source.to_owned(),
                is_read_only: setting.given.is_some(),
                place: setting.given.map(|place| place.to_string()),
                about: setting.about.to_owned(),
                choices: setting
                    .choices
                    .iter()
                    .map(|&word| word.to_owned())
                    .collect(),
            }
        });
        let config = Config {
            settings: settings.collect(),
        };
        Ok(ConfigAnswer::Ok(Json(config), tag(version(&rows))))
    }
}

impl Admin {
    /// Changes settings within a change under way; `null` goes back to the default.
    pub(super) async fn put_settings(
        &self,
        change: &Change,
        wanted: &BTreeMap<String, Value>,
    ) -> Answer<()> {
        let in_force = self.control.in_force();
        for (key, value) in wanted {
            let Some(key) = LIVE.into_iter().find(|live| live == key) else {
                return Err(Problem::invalid(
                    &format!("settings.{key}"),
                    "there is no such setting, or it cannot change while the hub runs",
                    format!("use one of {}", LIVE.join(", ")),
                ));
            };
            if let Some(place) = in_force.settings.given_at.get(key) {
                return Err(Problem::conflict(
                    "read_only",
                    format!("{key} is read-only here: {place} gives it; change it there"),
                ));
            }
            let before = match named(change.work(), Kind::Setting, key).await {
                Ok(row) => Some(row),
                Err(StoreError::Missing) => None,
                Err(error) => return Err(error.into()),
            };
            let (action, after) = match (&before, value) {
                (None, Value::Null) => continue,
                (Some(row), Value::Null) => {
                    remove(change.work(), row).await?;
                    ("delete", None)
                }
                (Some(row), value) => {
                    let document = json!({"value": value}).to_string();
                    if row.document == document {
                        continue;
                    }
                    let row = Model {
                        document,
                        ..row.clone()
                    };
                    ("update", Some(replace(change.work(), &row).await?))
                }
                (None, value) => {
                    let document = json!({"value": value});
                    let work = change.work();
                    let row = insert(work, Kind::Setting, key, 0, true, &document).await?;
                    ("create", Some(row))
                }
            };
            definition::note(
                change,
                action,
                Kind::Setting,
                before.as_ref(),
                after.as_ref(),
            )
            .await?;
        }
        Ok(())
    }

    /// Changes settings.
    pub(super) async fn change_settings(
        &self,
        who: &Identity,
        wanted: &BTreeMap<String, Value>,
    ) -> Answer<()> {
        let change = self.control.begin(who.actor()).await?;
        self.put_settings(&change, wanted).await?;
        Ok(change.commit().await?)
    }
}

#[OpenApi(prefix_path = "/api/config")]
impl Settings {
    /// Read the settings
    #[oai(path = "/", method = "get", operation_id = "config_get")]
    async fn get(&self, session: Session) -> Answer<ConfigAnswer> {
        session.at_least(Role::Viewer)?;
        self.answer().await
    }

    /// Change settings
    ///
    /// Those that are not named stay; `null` goes back to the default. In force at once.
    #[oai(path = "/", method = "put", operation_id = "config_update")]
    async fn put(
        &self,
        session: Session,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<ConfigChange>,
    ) -> Answer<ConfigAnswer> {
        let who = session.at_least(Role::Admin)?;
        let rows = definition::all_of(&self.0, Kind::Setting).await?;
        expect(if_match.0.as_deref(), version(&rows))?;
        let wanted = body.0.settings.into_iter();
        let wanted = wanted.map(|(key, Any(value))| (key, value)).collect();
        self.0.change_settings(who, &wanted).await?;
        self.answer().await
    }

    /// List what became of the settings
    ///
    /// The newest first.
    #[oai(path = "/history", method = "get", operation_id = "config_history")]
    async fn history(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
    ) -> Answer<Json<Page<SettingChange>>> {
        session.at_least(Role::Viewer)?;
        let range = Range::of(cursor.0, limit.0)?;
        let rows = definition::history(&self.0, Kind::Setting, None, &range).await?;
        let value = |text: Option<&str>| {
            let row: Value = serde_json::from_str(text.unwrap_or("null")).unwrap_or_default();
            Any(row["document"]["value"].clone())
        };
        Ok(Json(range.page(
            rows,
            |row| row.id.clone(),
            |row| SettingChange {
                at: row.at,
                before: value(row.before.as_deref()),
                after: value(row.after.as_deref()),
                id: row.id,
                actor: row.actor,
                address: row.address,
                key: row.target,
            },
        )))
    }
}
