//! Names for models.

use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::json;

use super::Admin;
use super::definition::{self, Wanted};
use super::known::Known;
use super::page::{Page, Range};
use super::person::{Role, Session};
use super::problem::Answer;
use super::version::tag;
use crate::config::Kind;
use crate::store::entities::definition::Model;

/// A name for a model.
#[derive(Clone, Debug, Object)]
pub(super) struct Alias {
    /// What clients ask for.
    #[oai(validator(min_length = 1, max_length = 128))]
    name: String,
    /// What they get: `provider/model`, or a model that a provider lists.
    #[oai(validator(min_length = 1, max_length = 256))]
    model: String,
    /// Whether it is in force.
    #[oai(default = "super::definition::yes")]
    enabled: bool,
    /// `database`, or the file that owns it.
    #[oai(read_only)]
    source: String,
    /// Grows with every change.
    #[oai(read_only)]
    version: i64,
    /// Milliseconds since 1970.
    #[oai(read_only)]
    updated_at: i64,
}

/// An alias and its version.
#[derive(ApiResponse)]
pub(super) enum OneAlias {
    /// As it is.
    #[oai(status = 200)]
    Ok(Json<Alias>, #[oai(header = "ETag")] String),
    /// Newly made.
    #[oai(status = 201)]
    Created(Json<Alias>, #[oai(header = "ETag")] String),
}

/// It is gone.
#[derive(ApiResponse)]
pub(super) enum Gone {
    /// It is gone.
    #[oai(status = 204)]
    Done,
}

/// The resource.
pub(super) struct Aliases(pub(super) Admin);

fn show(row: Model) -> Alias {
    let document: serde_json::Value = serde_json::from_str(&row.document).unwrap_or_default();
    Alias {
        name: row.name,
        model: document["model"].as_str().unwrap_or_default().to_owned(),
        enabled: row.enabled,
        source: "database".to_owned(),
        version: row.version,
        updated_at: row.updated_at,
    }
}

fn wanted(alias: &Alias) -> Wanted {
    Wanted {
        name: alias.name.clone(),
        position: 0,
        enabled: alias.enabled,
        document: json!({"model": alias.model}),
        secrets: Vec::new(),
    }
}

#[OpenApi(prefix_path = "/api/aliases")]
impl Aliases {
    /// List aliases
    #[oai(path = "/", method = "get", operation_id = "aliases_list")]
    async fn list(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        search: Query<Option<String>>,
    ) -> Answer<Json<Page<Alias>>> {
        session.at_least(Role::Viewer)?;
        let range = Range::of(cursor.0, limit.0)?;
        let rows = definition::list(&self.0, Kind::Alias, &range, search.0.as_deref()).await?;
        Ok(Json(range.page(rows, |row| row.name.clone(), show)))
    }

    /// Make an alias
    #[oai(path = "/", method = "post", operation_id = "aliases_create")]
    async fn create(&self, session: Session, body: Json<Known<Alias>>) -> Answer<OneAlias> {
        let who = session.at_least(Role::Operator)?;
        let row = definition::create(&self.0, who, Kind::Alias, wanted(&body)).await?;
        let version = tag(row.version);
        Ok(OneAlias::Created(Json(show(row)), version))
    }

    /// Read an alias
    #[oai(path = "/:name", method = "get", operation_id = "aliases_get")]
    async fn get(&self, session: Session, name: Path<String>) -> Answer<OneAlias> {
        session.at_least(Role::Viewer)?;
        let row = definition::find(&self.0, Kind::Alias, &name).await?;
        let version = tag(row.version);
        Ok(OneAlias::Ok(Json(show(row)), version))
    }

    /// Replace an alias
    #[oai(path = "/:name", method = "put", operation_id = "aliases_update")]
    async fn update(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<Known<Alias>>,
    ) -> Answer<OneAlias> {
        let who = session.at_least(Role::Operator)?;
        let row = definition::update(
            &self.0,
            who,
            Kind::Alias,
            &name,
            if_match.0.as_deref(),
            wanted(&body),
        )
        .await?;
        let version = tag(row.version);
        Ok(OneAlias::Ok(Json(show(row)), version))
    }

    /// Remove an alias
    #[oai(path = "/:name", method = "delete", operation_id = "aliases_delete")]
    async fn delete(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
    ) -> Answer<Gone> {
        let who = session.at_least(Role::Operator)?;
        definition::delete(&self.0, who, Kind::Alias, &name, if_match.0.as_deref()).await?;
        Ok(Gone::Done)
    }
}
