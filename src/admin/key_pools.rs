//! Pools of provider keys.

use std::sync::Arc;
use std::time::Instant;

use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;

use super::Admin;
use super::definition;
use super::key_events::{EventsAnswer, watch};
use super::known::Known;
use super::owned::{Gone, One, Origin, read_only};
use super::page::{Page, Range};
use super::person::{Role, Session};
use super::pool_entry::{Holder, KeyPool, KeyPoolEntry, given, portrait, source_of};
use super::problem::{Answer, Problem};
use crate::config::Kind;
use crate::store::entities::definition::Model;

/// The resource.
pub(super) struct KeyPools(pub(super) Admin);

impl KeyPools {
    async fn shown(&self, holder: Holder) -> Answer<KeyPool> {
        let in_force = self.0.control.in_force();
        let stats = self.0.control.hub().pools.stats(Instant::now());
        let (secrets, origin) = match &holder {
            Holder::Row(row) => (
                definition::secrets_of(&self.0, &row.id).await?,
                Origin::defined(row, &in_force),
            ),
            Holder::Given { source, place, .. } => (Vec::new(), Origin::given(*source, place)),
        };
        Ok(portrait(
            &in_force.settings,
            &stats,
            &holder,
            &secrets,
            origin,
        ))
    }

    /// Refuses to change what a file owns.
    fn changeable(&self, name: &str) -> Answer<()> {
        let in_force = self.0.control.in_force();
        let pools = in_force.settings.key_pools.iter();
        let given = pools
            .filter(|pool| pool.place.definition().is_none())
            .find(|pool| pool.name == name);
        match given {
            Some(pool) => {
                let source = source_of(&pool.place);
                Err(read_only("key pool", name, source, &pool.place))
            }
            None => Ok(()),
        }
    }

    /// Refuses a name under which the keys of a provider are: they would be hidden, and used all the same.
    fn unhidden(&self, name: &str) -> Answer<()> {
        let in_force = self.0.control.in_force();
        let provider = in_force.settings.provider(name);
        if provider.is_some_and(|provider| !provider.keys.is_empty()) {
            return Err(Problem::conflict(
                "name_taken",
                format!(
                    "provider `{name}` has keys of its own, which are kept under this name; add keys there, or choose another name"
                ),
            ));
        }
        Ok(())
    }

    async fn one(&self, row: Model) -> Answer<(KeyPool, Option<String>)> {
        let pool = self.shown(Holder::Row(row)).await?;
        let etag = pool.origin.etag();
        Ok((pool, etag))
    }
}

#[OpenApi(prefix_path = "/api/key-pools")]
impl KeyPools {
    /// List key pools
    ///
    /// Those of files too, and the keys that providers have of their own.
    #[oai(path = "/", method = "get", operation_id = "key_pools_list")]
    async fn list(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        search: Query<Option<String>>,
    ) -> Answer<Json<Page<KeyPool>>> {
        session.at_least(Role::Viewer)?;
        let range = Range::of(cursor.0, limit.0)?;
        let in_force = self.0.control.in_force();
        let settings = &in_force.settings;
        let stats = self.0.control.hub().pools.stats(Instant::now());
        let secrets = definition::secrets_by_definition(&self.0).await?;
        let mut all = Vec::new();
        for holder in given(settings) {
            if let Holder::Given { source, place, .. } = &holder {
                let origin = Origin::given(*source, place);
                all.push(portrait(settings, &stats, &holder, &[], origin));
            }
        }
        let pools = definition::all_of(&self.0, Kind::KeyPool).await?;
        let providers = definition::all_of(&self.0, Kind::Provider).await?;
        for row in pools.into_iter().chain(providers) {
            let own = secrets.get(&row.id).map_or(&[][..], Vec::as_slice);
            let has_keys = own.iter().any(|secret| secret.field == "key");
            let is_there = |pool: &KeyPool| pool.entry.name == row.name;
            if all.iter().any(is_there) || (row.kind == Kind::Provider.as_str() && !has_keys) {
                continue;
            }
            let origin = Origin::defined(&row, &in_force);
            all.push(portrait(settings, &stats, &Holder::Row(row), own, origin));
        }
        if let Some(search) = search.0.as_deref() {
            all.retain(|pool| pool.entry.name.contains(search));
        }
        Ok(Json(range.cut(all, |pool| pool.entry.name.clone())))
    }

    /// Follow the state of all keys
    ///
    /// Server-sent events: `keys` with all keys first, then with those that have changed, and a comment after 15 s of
    /// silence. A stream ends after 15 minutes.
    #[oai(path = "/events", method = "get", operation_id = "key_pools_events")]
    async fn events(&self, session: Session) -> Answer<EventsAnswer> {
        session.at_least(Role::Viewer)?;
        let place = Arc::clone(&self.0.watchers)
            .try_acquire_owned()
            .map_err(|_| Problem::too_many(5, "too many are watching; try again in a while"))?;
        Ok(watch(Arc::clone(self.0.control.hub()), place))
    }

    /// Make a key pool
    #[oai(path = "/", method = "post", operation_id = "key_pools_create")]
    async fn create(
        &self,
        session: Session,
        body: Json<Known<KeyPoolEntry, KeyPool>>,
    ) -> Answer<One<KeyPool>> {
        let who = session.at_least(Role::Operator)?;
        self.changeable(&body.name)?;
        self.unhidden(&body.name)?;
        let row = definition::create(&self.0, who, Kind::KeyPool, body.wanted()).await?;
        let (pool, etag) = self.one(row).await?;
        Ok(One::Created(Json(pool), etag))
    }

    /// Read a key pool
    #[oai(path = "/:name", method = "get", operation_id = "key_pools_get")]
    async fn get(&self, session: Session, name: Path<String>) -> Answer<One<KeyPool>> {
        session.at_least(Role::Viewer)?;
        let holder = self.0.holder(&name).await?;
        let pool = self.shown(holder).await?;
        let etag = pool.origin.etag();
        Ok(One::Ok(Json(pool), etag))
    }

    /// Replace a key pool
    #[oai(path = "/:name", method = "put", operation_id = "key_pools_update")]
    async fn update(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<Known<KeyPoolEntry, KeyPool>>,
    ) -> Answer<One<KeyPool>> {
        let who = session.at_least(Role::Operator)?;
        self.changeable(&name)?;
        if body.name != name.0 {
            self.changeable(&body.name)?;
            self.unhidden(&body.name)?;
        }
        let row = definition::update(
            &self.0,
            who,
            Kind::KeyPool,
            &name,
            if_match.0.as_deref(),
            body.wanted(),
        )
        .await?;
        let (pool, etag) = self.one(row).await?;
        Ok(One::Ok(Json(pool), etag))
    }

    /// Remove a key pool with its keys
    #[oai(path = "/:name", method = "delete", operation_id = "key_pools_delete")]
    async fn delete(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
    ) -> Answer<Gone> {
        let who = session.at_least(Role::Operator)?;
        self.changeable(&name)?;
        definition::delete(&self.0, who, Kind::KeyPool, &name, if_match.0.as_deref()).await?;
        Ok(Gone::Done)
    }
}
