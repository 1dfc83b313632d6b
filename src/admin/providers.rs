//! Providers: where requests go.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;

use super::Admin;
use super::definition;
use super::known::Known;
use super::owned::{Gone, One, Origin, read_only};
use super::page::{Page, Range};
use super::person::{Identity, Role, Session};
use super::problem::{Answer, Problem};
use super::provider_entry::{Provider, ProviderEntry};
use crate::config::{Kind, ProviderSettings};
use crate::control::Assembly;
use crate::snapshot::Source;
use crate::store::entities::definition::Model;

/// The resource.
pub(super) struct Providers(pub(super) Admin);

/// A file's provider of this name.
fn given<'a>(in_force: &'a Assembly, name: &str) -> Option<&'a ProviderSettings> {
    in_force
        .settings
        .provider(name)
        .filter(|provider| provider.source != Source::Database)
}

/// Refuses to change what a file owns.
pub(super) fn changeable(admin: &Admin, name: &str) -> Answer<()> {
    match given(&admin.control.in_force(), name) {
        Some(provider) => Err(read_only(
            "provider",
            name,
            provider.source,
            &provider.place,
        )),
        None => Ok(()),
    }
}

/// The dial guard is an administrator's to open, and so is what an open one lets through.
pub(super) fn guard_private(
    who: &Identity,
    before: Option<&Model>,
    after: &serde_json::Value,
    proxy: bool,
) -> Answer<()> {
    let opens = |document: &serde_json::Value| {
        matches!(
            document["allow_private_network"]
                .to_string()
                .trim_matches('"')
                .to_ascii_lowercase()
                .as_str(),
            "true" | "yes" | "on" | "1"
        )
    };
    if who.role >= Role::Admin || !opens(after) {
        return Ok(());
    }
    let before: serde_json::Value = before
        .and_then(|row| serde_json::from_str(&row.document).ok())
        .unwrap_or_default();
    let same = opens(&before)
        && ["base_url", "profile", "api_format"]
            .iter()
            .all(|member| before[*member] == after[*member]);
    if same && !proxy {
        return Ok(());
    }
    Err(Problem::forbidden(
        "only administrators may let a provider reach private addresses, or change where such a provider is",
    ))
}

impl Providers {
    async fn shown(&self, row: Model) -> Answer<Provider> {
        let in_force = self.0.control.in_force();
        let secrets = definition::secrets_of(&self.0, &row.id).await?;
        let origin = match given(&in_force, &row.name) {
            Some(provider) => Origin::hidden(&row, &in_force, &provider.place),
            None => Origin::defined(&row, &in_force),
        };
        Ok(Provider::defined(
            &in_force.settings,
            &row,
            &secrets,
            origin,
        ))
    }

    async fn one(&self, row: Model) -> Answer<One<Provider>> {
        let provider = self.shown(row).await?;
        let etag = provider.origin.etag();
        Ok(One::Ok(Json(provider), etag))
    }

    /// The definition of this name, unless a file owns it.
    pub(super) async fn row(&self, name: &str) -> Answer<Model> {
        changeable(&self.0, name)?;
        definition::find(&self.0, Kind::Provider, name).await
    }

    async fn switch(&self, who: &Identity, name: &str, on: bool) -> Answer<One<Provider>> {
        changeable(&self.0, name)?;
        let row = definition::switch(&self.0, who, Kind::Provider, name, on).await?;
        self.one(row).await
    }
}

#[OpenApi(prefix_path = "/api/providers")]
impl Providers {
    /// List providers
    ///
    /// Those of files too; `source` says whose each is. In the order in which they are tried.
    #[oai(path = "/", method = "get", operation_id = "providers_list")]
    async fn list(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        search: Query<Option<String>>,
    ) -> Answer<Json<Page<Provider>>> {
        session.at_least(Role::Viewer)?;
        let range = Range::of(cursor.0, limit.0)?;
        let in_force: Arc<Assembly> = self.0.control.in_force();
        let secrets = definition::secrets_by_definition(&self.0).await?;
        let mut all: Vec<Provider> = in_force
            .settings
            .providers
            .iter()
            .filter(|provider| provider.source != Source::Database)
            .map(|provider| Provider::given(&in_force.settings, provider))
            .collect();
        for row in definition::all_of(&self.0, Kind::Provider).await? {
            // One that a file hides is still reached by its name.
            if given(&in_force, &row.name).is_none() {
                let none = Vec::new();
                let secrets = secrets.get(&row.id).unwrap_or(&none);
                let origin = Origin::defined(&row, &in_force);
                all.push(Provider::defined(&in_force.settings, &row, secrets, origin));
            }
        }
        if let Some(search) = search.0.as_deref() {
            all.retain(|provider| provider.entry.name.contains(search));
        }
        let key = |provider: &Provider| {
            definition::order_key(provider.entry.priority, &provider.entry.name)
        };
        Ok(Json(range.cut(all, key)))
    }

    /// Add a provider
    #[oai(path = "/", method = "post", operation_id = "providers_create")]
    async fn create(
        &self,
        session: Session,
        body: Json<Known<ProviderEntry, Provider>>,
    ) -> Answer<One<Provider>> {
        let who = session.at_least(Role::Operator)?;
        changeable(&self.0, &body.name)?;
        let wanted = body.wanted(&[]);
        guard_private(who, None, &wanted.document, body.proxy.is_value())?;
        let in_force = self.0.control.in_force();
        let pools = &in_force.settings.key_pools;
        let has_keys = wanted
            .secrets
            .iter()
            .any(|(field, keys)| field == "key" && !keys.is_empty());
        if has_keys && pools.iter().any(|pool| pool.name == wanted.name) {
            return Err(Problem::conflict(
                "name_taken",
                format!(
                    "there is a key pool `{}`, which would hide the keys of a provider of this name; name it as `key_pool` in place of keys, or choose another name",
                    wanted.name
                ),
            ));
        }
        let row = definition::create(&self.0, who, Kind::Provider, wanted).await?;
        let provider = self.shown(row).await?;
        let etag = provider.origin.etag();
        Ok(One::Created(Json(provider), etag))
    }

    /// Read a provider
    #[oai(path = "/:name", method = "get", operation_id = "providers_get")]
    async fn get(&self, session: Session, name: Path<String>) -> Answer<One<Provider>> {
        session.at_least(Role::Viewer)?;
        let in_force = self.0.control.in_force();
        if let Some(provider) = given(&in_force, &name) {
            let provider = Provider::given(&in_force.settings, provider);
            return Ok(One::Ok(Json(provider), None));
        }
        let row = definition::find(&self.0, Kind::Provider, &name).await?;
        self.one(row).await
    }

    /// Replace a provider
    ///
    /// Secrets that the body does not name stay; `null` removes them.
    #[oai(path = "/:name", method = "put", operation_id = "providers_update")]
    async fn update(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<Known<ProviderEntry, Provider>>,
    ) -> Answer<One<Provider>> {
        let who = session.at_least(Role::Operator)?;
        let before = self.row(&name).await?;
        if body.name != name.0 {
            changeable(&self.0, &body.name)?;
        }
        let there = definition::secrets_of(&self.0, &before.id).await?;
        let wanted = body.wanted(&there);
        guard_private(who, Some(&before), &wanted.document, body.proxy.is_value())?;
        let row = definition::update(
            &self.0,
            who,
            Kind::Provider,
            &name,
            if_match.0.as_deref(),
            wanted,
        )
        .await?;
        self.one(row).await
    }

    /// Remove a provider
    #[oai(path = "/:name", method = "delete", operation_id = "providers_delete")]
    async fn delete(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
    ) -> Answer<Gone> {
        let who = session.at_least(Role::Operator)?;
        changeable(&self.0, &name)?;
        definition::delete(&self.0, who, Kind::Provider, &name, if_match.0.as_deref()).await?;
        Ok(Gone::Done)
    }

    /// Put a provider in use
    #[oai(
        path = "/:name/enable",
        method = "post",
        operation_id = "providers_enable"
    )]
    async fn enable(&self, session: Session, name: Path<String>) -> Answer<One<Provider>> {
        let who = session.at_least(Role::Operator)?;
        self.switch(who, &name, true).await
    }

    /// Take a provider out of use
    #[oai(
        path = "/:name/disable",
        method = "post",
        operation_id = "providers_disable"
    )]
    async fn disable(&self, session: Session, name: Path<String>) -> Answer<One<Provider>> {
        let who = session.at_least(Role::Operator)?;
        self.switch(who, &name, false).await
    }
}
