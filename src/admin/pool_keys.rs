//! The keys of a pool, or of a provider, one by one.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use serde_json::json;

use super::Admin;
use super::owned::Gone;
use super::page::{Page, Range};
use super::person::{Identity, Role, Session};
use super::pool_entry::{Holder, users};
use super::pool_key::PoolKey;
use super::problem::{Answer, Problem};
use super::provider_entry::distinct;
use super::provider_trials::{TestResult, usual_model};
use crate::config::Secret;
use crate::control::{AuditEntry, Change};
use crate::gateway;
use crate::store::definitions::{
    add_secret, describe_secret, remove_secret, replace, secrets_of, switch_secret,
};
use crate::store::entities::definition::Model;

/// Most keys that are taken in at once.
const MOST_AT_ONCE: usize = 1000;
/// Tests that run at the same time.
const AT_ONCE: usize = 4;

/// Keys to add.
#[derive(Clone, Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewKeys {
    /// The keys; each may itself hold several, one a line or with commas between.
    #[oai(write_only)]
    keys: Vec<String>,
    /// What to call them.
    #[oai(default, validator(max_length = 128))]
    label: String,
    /// Their share where the pool chooses keys by weight.
    #[oai(default = "usual_weight", validator(maximum(value = "1000000")))]
    weight: u32,
}

/// What can be changed of a key; what is not named stays.
#[derive(Clone, Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct KeyEdit {
    /// What to call it.
    #[oai(validator(max_length = 128))]
    label: Option<String>,
    /// Its share where the pool chooses keys by weight; one of 0 is used when no other can be.
    #[oai(validator(maximum(value = "1000000")))]
    weight: Option<u32>,
}

const fn usual_weight() -> u32 {
    1
}

/// What became of keys to add.
#[derive(Clone, Debug, Object)]
pub(super) struct Added {
    /// How many are new.
    added: u64,
    /// How many were there already.
    duplicates: u64,
    /// All keys of the pool.
    keys: Vec<PoolKey>,
}

/// How many were touched.
#[derive(Clone, Debug, Object)]
pub(super) struct Touched {
    /// How many.
    touched: u64,
}

/// A key and how its test went.
#[derive(Clone, Debug, Object)]
pub(super) struct KeyTest {
    /// The key.
    id: String,
    #[oai(flatten)]
    result: TestResult,
}

/// The resource.
pub(super) struct PoolKeys(pub(super) Admin);

impl PoolKeys {
    async fn find(&self, pool: &str, id: &str) -> Answer<(Holder, Vec<PoolKey>, PoolKey)> {
        let holder = self.0.holder(pool).await?;
        let keys = self.0.keys_of(&holder).await?;
        let found = keys.iter().find(|key| key.id == id || key.key == id);
        let found = found.cloned().ok_or_else(|| Problem::not_found("key"))?;
        Ok((holder, keys, found))
    }

    /// Refuses to leave a pool without a key, unless that is really wanted.
    fn guard_last(keys: &[PoolKey], key: &PoolKey, force: bool) -> Answer<()> {
        let others = keys
            .iter()
            .any(|other| other.id != key.id && other.is_usable());
        if others || force || !key.is_usable() {
            return Ok(());
        }
        Err(Problem::conflict(
            "last_key",
            "it is the last usable key of the pool; add another one first, or say force=true",
        ))
    }

    async fn switch(
        &self,
        who: &Identity,
        pool: &str,
        id: &str,
        enabled: bool,
        force: bool,
    ) -> Answer<Json<PoolKey>> {
        let (holder, keys, key) = self.find(pool, id).await?;
        let row = holder.row()?;
        if !enabled {
            Self::guard_last(&keys, &key, force)?;
        }
        let change = self.0.control.begin(who.actor()).await?;
        switch_secret(change.work(), &key.id, enabled).await?;
        let action = if enabled { "enable_key" } else { "disable_key" };
        touch(&change, &row, action, &[&key.key]).await?;
        change.commit().await?;
        let (_, _, key) = self.find(pool, &key.id).await?;
        Ok(Json(key))
    }

    /// The keys themselves, to try them out.
    async fn opened(&self, holder: &Holder) -> Answer<Vec<(String, Secret)>> {
        Ok(match holder {
            Holder::Given { keys, .. } => {
                keys.iter().map(|key| (key.masked(), key.clone())).collect()
            }
            Holder::Row(row) => {
                let store = self.0.control.store();
                secrets_of(store.read(), store.vault(), &row.id)
                    .await?
                    .into_iter()
                    .filter(|secret| secret.row.field == "key")
                    .map(|secret| (secret.row.id, secret.value))
                    .collect()
            }
        })
    }

    async fn try_out(
        admin: Admin,
        pool: String,
        provider: String,
        model: Option<String>,
        id: String,
        key: Secret,
    ) -> Answer<KeyTest> {
        let mask = key.masked();
        let (snapshot, provider) = admin.provider_to_try(&provider, Some(vec![key]))?;
        let model = model.map_or_else(|| usual_model(&provider), Ok)?;
        let hub = admin.control.hub();
        let checked = gateway::check(hub, &snapshot, &provider, &model, None).await;
        if checked.ok {
            hub.reset_keys(&pool, Some(&mask));
        }
        Ok(KeyTest {
            id,
            result: checked.into(),
        })
    }

    /// The provider to ask with the keys of a pool.
    fn asked(&self, pool: &str, wanted: Option<String>) -> Answer<String> {
        let in_force = self.0.control.in_force();
        let of_routes = in_force
            .settings
            .routes
            .iter()
            .filter(|route| route.key_pool.as_deref() == Some(pool))
            .flat_map(|route| &route.targets)
            .map(|target| target.provider.clone());
        let found = wanted.or_else(|| {
            users(&in_force.settings, pool)
                .into_iter()
                .chain(of_routes)
                .next()
        });
        found.ok_or_else(|| {
            Problem::invalid(
                "provider",
                format!("nothing uses the key pool `{pool}` yet"),
                "name the provider to ask",
            )
        })
    }
}

/// Writes down what was done to keys, and that their holder has another version now.
async fn touch(change: &Change, row: &Model, action: &str, keys: &[&str]) -> Answer<()> {
    let row = replace(change.work(), row).await?;
    let after = json!({"keys": keys, "version": row.version});
    let entry = AuditEntry {
        action,
        kind: &row.kind,
        id: &row.id,
        name: &row.name,
        before: None,
        after: Some(&after),
    };
    Ok(change.note(entry).await?)
}

#[OpenApi(prefix_path = "/api/key-pools")]
impl PoolKeys {
    /// List the keys of a pool with their state
    #[oai(
        path = "/:name/keys",
        method = "get",
        operation_id = "key_pools_keys_list"
    )]
    async fn list(
        &self,
        session: Session,
        name: Path<String>,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
    ) -> Answer<Json<Page<PoolKey>>> {
        session.at_least(Role::Viewer)?;
        let range = Range::of(cursor.0, limit.0)?;
        let holder = self.0.holder(&name).await?;
        let keys = self.0.keys_of(&holder).await?;
        Ok(Json(range.cut(keys, |key| key.id.clone())))
    }

    /// Add keys to a pool
    ///
    /// Keys that are there already are passed over.
    #[oai(
        path = "/:name/keys",
        method = "post",
        operation_id = "key_pools_keys_add"
    )]
    async fn add(
        &self,
        session: Session,
        name: Path<String>,
        body: Json<NewKeys>,
    ) -> Answer<Json<Added>> {
        let who = session.at_least(Role::Operator)?;
        let row = self.0.holder(&name).await?.row()?;
        let wanted = distinct(&body.keys);
        if wanted.is_empty() || wanted.len() > MOST_AT_ONCE {
            return Err(Problem::invalid(
                "keys",
                format!("there must be 1 to {MOST_AT_ONCE} keys"),
                "paste them one a line",
            ));
        }
        let change = self.0.control.begin(who.actor()).await?;
        let there = secrets_of(change.work(), change.vault(), &row.id).await?;
        let there: Vec<_> = there
            .iter()
            .filter(|secret| secret.row.field == "key")
            .collect();
        let new: Vec<&Secret> = wanted
            .iter()
            .filter(|key| there.iter().all(|known| known.value != **key))
            .collect();
        let first = there
            .iter()
            .map(|secret| secret.row.position + 1)
            .max()
            .unwrap_or(0);
        for (place, key) in (first..).zip(&new) {
            let (work, vault) = (change.work(), change.vault());
            let made = add_secret(work, vault, &row.id, "key", place, &body.label, key).await?;
            if body.weight != usual_weight() {
                describe_secret(work, &made.id, &body.label, body.weight).await?;
            }
        }
        let (added, duplicates) = (new.len() as u64, (wanted.len() - new.len()) as u64);
        if !new.is_empty() {
            let masks: Vec<String> = new.iter().map(|key| key.masked()).collect();
            let masks: Vec<&str> = masks.iter().map(String::as_str).collect();
            touch(&change, &row, "add_keys", &masks).await?;
            change.commit().await?;
        }
        let holder = self.0.holder(&name).await?;
        Ok(Json(Added {
            added,
            duplicates,
            keys: self.0.keys_of(&holder).await?,
        }))
    }

    /// Change what a key is called, or what it weighs
    ///
    /// The key itself stays: for another one, add that and remove this.
    #[oai(
        path = "/:name/keys/:id",
        method = "put",
        operation_id = "key_pools_keys_update"
    )]
    async fn update(
        &self,
        session: Session,
        name: Path<String>,
        id: Path<String>,
        body: Json<KeyEdit>,
    ) -> Answer<Json<PoolKey>> {
        let who = session.at_least(Role::Operator)?;
        let (holder, _, key) = self.find(&name, &id).await?;
        let row = holder.row()?;
        let label = body.label.as_deref().unwrap_or(&key.label);
        let weight = body.weight.unwrap_or(key.weight);
        if label != key.label || weight != key.weight {
            let change = self.0.control.begin(who.actor()).await?;
            describe_secret(change.work(), &key.id, label, weight).await?;
            touch(&change, &row, "update_key", &[&key.key]).await?;
            change.commit().await?;
        }
        let (_, _, key) = self.find(&name, &key.id).await?;
        Ok(Json(key))
    }

    /// Put a key in use
    #[oai(
        path = "/:name/keys/:id/enable",
        method = "post",
        operation_id = "key_pools_keys_enable"
    )]
    async fn enable(
        &self,
        session: Session,
        name: Path<String>,
        id: Path<String>,
    ) -> Answer<Json<PoolKey>> {
        let who = session.at_least(Role::Operator)?;
        self.switch(who, &name, &id, true, false).await
    }

    /// Take a key out of use
    ///
    /// The last usable one only with `force`.
    #[oai(
        path = "/:name/keys/:id/disable",
        method = "post",
        operation_id = "key_pools_keys_disable"
    )]
    async fn disable(
        &self,
        session: Session,
        name: Path<String>,
        id: Path<String>,
        force: Query<Option<bool>>,
    ) -> Answer<Json<PoolKey>> {
        let who = session.at_least(Role::Operator)?;
        self.switch(who, &name, &id, false, force.0.unwrap_or(false))
            .await
    }

    /// Remove a key
    ///
    /// The last usable one only with `force`.
    #[oai(
        path = "/:name/keys/:id",
        method = "delete",
        operation_id = "key_pools_keys_delete"
    )]
    async fn delete(
        &self,
        session: Session,
        name: Path<String>,
        id: Path<String>,
        force: Query<Option<bool>>,
    ) -> Answer<Gone> {
        let who = session.at_least(Role::Operator)?;
        let (holder, keys, key) = self.find(&name, &id).await?;
        let row = holder.row()?;
        Self::guard_last(&keys, &key, force.0.unwrap_or(false))?;
        let change = self.0.control.begin(who.actor()).await?;
        remove_secret(change.work(), &key.id).await?;
        touch(&change, &row, "delete_key", &[&key.key]).await?;
        change.commit().await?;
        Ok(Gone::Done)
    }

    /// Test one key
    #[oai(
        path = "/:name/keys/:id/test",
        method = "post",
        operation_id = "key_pools_keys_test"
    )]
    async fn test(
        &self,
        session: Session,
        name: Path<String>,
        id: Path<String>,
        provider: Query<Option<String>>,
        model: Query<Option<String>>,
    ) -> Answer<Json<KeyTest>> {
        session.at_least(Role::Operator)?;
        let (holder, _, key) = self.find(&name, &id).await?;
        let opened = self.opened(&holder).await?;
        let value = opened.into_iter().find(|(id, _)| *id == key.id);
        let (id, value) = value.ok_or_else(|| Problem::not_found("key"))?;
        let provider = self.asked(&name, provider.0)?;
        let tried = Self::try_out(self.0.clone(), name.0, provider, model.0, id, value);
        Ok(Json(tried.await?))
    }

    /// Test all keys of a pool
    #[oai(path = "/:name/test", method = "post", operation_id = "key_pools_test")]
    async fn test_all(
        &self,
        session: Session,
        name: Path<String>,
        provider: Query<Option<String>>,
        model: Query<Option<String>>,
    ) -> Answer<Json<Vec<KeyTest>>> {
        session.at_least(Role::Operator)?;
        let holder = self.0.holder(&name).await?;
        let provider = self.asked(&name, provider.0)?;
        let mut waiting = self.opened(&holder).await?.into_iter();
        let mut running = tokio::task::JoinSet::new();
        let mut results = Vec::new();
        loop {
            while running.len() < AT_ONCE {
                let Some((id, key)) = waiting.next() else {
                    break;
                };
                let (admin, name) = (self.0.clone(), name.0.clone());
                let (provider, model) = (provider.clone(), model.0.clone());
                running.spawn(Self::try_out(admin, name, provider, model, id, key));
            }
            match running.join_next().await {
                Some(Ok(result)) => results.push(result?),
                Some(Err(error)) => return Err(Problem::internal(&error)),
                None => break,
            }
        }
        results.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Json(results))
    }

    /// End cool-down and quarantine of all keys of a pool
    #[oai(
        path = "/:name/reset",
        method = "post",
        operation_id = "key_pools_reset"
    )]
    async fn reset_all(&self, session: Session, name: Path<String>) -> Answer<Json<Touched>> {
        session.at_least(Role::Operator)?;
        self.0.holder(&name).await?;
        let touched = self.0.control.hub().reset_keys(&name, None) as u64;
        Ok(Json(Touched { touched }))
    }

    /// End cool-down and quarantine of a key
    #[oai(
        path = "/:name/keys/:id/reset",
        method = "post",
        operation_id = "key_pools_keys_reset"
    )]
    async fn reset(
        &self,
        session: Session,
        name: Path<String>,
        id: Path<String>,
    ) -> Answer<Json<PoolKey>> {
        session.at_least(Role::Operator)?;
        let (_, _, key) = self.find(&name, &id).await?;
        self.0.control.hub().reset_keys(&name, Some(&key.key));
        let (_, _, key) = self.find(&name, &id).await?;
        Ok(Json(key))
    }
}
