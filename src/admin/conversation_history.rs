//! `/conversation` and what is below it: the paths of older set-ups for the history of what goes over the data plane.
//!
//! Nothing is kept unless the owner of a client key wants it. Clients of the model APIs send what was said so far with
//! every request, so a conversation goes on across a switch of models by itself; who has lost the history takes it from
//! here, in whatever dialect.

use std::collections::BTreeSet;

use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::types::Any;
use poem_openapi::{Enum, Object, OpenApi};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use serde_json::{Value, json};
use translator::Dialect;

use super::Admin;
use super::conversation_view::{keeper, lost};
use super::person::{Identity, Role, Session};
use super::problem::{Answer, Problem};
use super::trial_subject::dialect;
use crate::control::AuditEntry;
use crate::conversations::{ArchivedMessage, Resumption};
use crate::gateway::HistoryStore;
use crate::snapshot::Auth;
use crate::store::entities::client_key::{Column, Entity};
use crate::store::{ConversationFilter, Order, conversation_switches};

/// Messages that are read at once.
const PAGE: u64 = 100;

/// Where conversations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
enum KeptWhere {
    /// In the database, sealed.
    Database,
    /// In files beside it, which their owner on the machine can read.
    File,
}

impl From<HistoryStore> for KeptWhere {
    fn from(store: HistoryStore) -> Self {
        match store {
            HistoryStore::Database => Self::Database,
            HistoryStore::File => Self::File,
        }
    }
}

impl From<KeptWhere> for HistoryStore {
    fn from(place: KeptWhere) -> Self {
        match place {
            KeptWhere::Database => Self::Database,
            KeptWhere::File => Self::File,
        }
    }
}

/// Whether to keep what is said.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct KeepingWish {
    /// Keep it from now on, or stop.
    #[oai(default = "super::definition::yes")]
    enabled: bool,
    /// Where; in the database unless it is said.
    store: Option<KeptWhere>,
    /// One client key; absent, all of one's own, for administrators those of files too.
    client_key_id: Option<String>,
}

/// A client key whose conversations are kept.
#[derive(Clone, Debug, Object)]
struct KeptKey {
    /// The client key; empty for those who come without one.
    client_key_id: String,
    /// Where.
    store: KeptWhere,
}

/// What is kept.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct HistoryStatus {
    /// Something is kept of one's own keys.
    enabled: bool,
    /// Where, if it is one place.
    store: Option<KeptWhere>,
    /// The client keys whose conversations are kept.
    keys: Vec<KeptKey>,
    /// How many conversations there are.
    conversations: u64,
    /// Most messages of a conversation; the oldest go when more come. 0 is no bound.
    max_messages: u64,
    /// Exchanges of this hub that found no room or were too long.
    not_kept: u64,
}

/// The conversation in which something was said last.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct CurrentConversation {
    /// Something is kept of one's own keys.
    enabled: bool,
    /// Where it is kept.
    store: Option<KeptWhere>,
    /// Its identifier; absent for one in a file.
    conversation_id: Option<String>,
    /// What to call it.
    title: Option<String>,
    /// The model that was asked for last.
    model: Option<String>,
    /// The dialect that it was held in last.
    dialect: Option<String>,
    /// What was said, in this order.
    messages: Vec<ArchivedMessage>,
}

/// What has gone.
#[derive(Clone, Debug, Object)]
struct ForgottenConversations {
    /// It is done.
    success: bool,
    /// How many conversations went.
    conversations: u64,
}

/// What to go on with.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct ContinueWish {
    /// The conversation; the one in which something was said last unless it is named.
    conversation_id: Option<String>,
    /// The dialect to write it in; the one that it was held in unless it is named.
    dialect: Option<String>,
    /// The model to ask for; the one that was asked for last unless it is named. Names of roles (`opus`, `sonnet`,
    /// `haiku`) stand for whatever the last switch has put behind them.
    model: Option<String>,
    /// What to say next.
    message: Option<String>,
}

/// A request that goes on with a conversation.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct ContinuedConversation {
    /// The conversation; absent for one in a file.
    conversation_id: Option<String>,
    /// How many messages of the past are in it.
    messages: u64,
    /// The dialect that it is written in.
    dialect: String,
    /// The model that is asked for.
    model: String,
    /// Where to send it, with a client key.
    path: String,
    /// The request: send it as it is, or with a message more.
    request: Any<Value>,
}

/// The resource.
pub(super) struct ConversationHistory(pub(super) Admin);

impl ConversationHistory {
    /// The client keys that somebody decides about.
    async fn scopes(&self, who: &Identity) -> Answer<BTreeSet<String>> {
        let own: Vec<String> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::OwnerId.eq(&who.user_id))
            .into_tuple()
            .all(self.0.control.store().read())
            .await?;
        let mut scopes: BTreeSet<String> = own.into_iter().collect();
        if who.role >= Role::Admin {
            let snapshot = self.0.control.hub().snapshots.load_full();
            let nobodys = snapshot
                .client_keys
                .iter()
                .filter(|key| key.owner.is_none());
            scopes.extend(nobodys.map(|key| key.id.to_string()));
            if snapshot.auth == Auth::Open {
                scopes.insert(String::new());
            }
        }
        Ok(scopes)
    }

    async fn keys(&self, who: &Identity) -> Answer<Vec<KeptKey>> {
        let scopes = self.scopes(who).await?;
        let all = conversation_switches::all(self.0.control.store().read()).await?;
        let mut keys: Vec<KeptKey> = all
            .into_iter()
            .filter(|(scope, _)| scopes.contains(&**scope))
            .map(|(scope, store)| KeptKey {
                client_key_id: scope.to_string(),
                store: store.into(),
            })
            .collect();
        keys.sort_by(|a, b| a.client_key_id.cmp(&b.client_key_id));
        Ok(keys)
    }

    async fn status_of(&self, who: &Identity) -> Answer<HistoryStatus> {
        let keys = self.keys(who).await?;
        let store = self.0.control.store();
        let mut conversations = store.count_recorded(&keeper(who)).await?;
        for scope in self.scopes(who).await? {
            let files = self.0.files.count(&scope).await;
            conversations += files.map_err(|error| Problem::internal(&error))?;
        }
        Ok(HistoryStatus {
            enabled: !keys.is_empty(),
            store: one_place(&keys),
            keys,
            conversations,
            max_messages: self.0.control.in_force().settings.conversations.messages,
            not_kept: self.0.control.hub().history.refused(),
        })
    }

    /// The conversation in which something was said last, or the one that is named.
    async fn current(&self, who: &Identity, id: Option<&str>) -> Answer<Option<Found>> {
        let (store, keeper) = (self.0.control.store(), keeper(who));
        let kept = match id {
            Some(id) => Some(store.conversation(&keeper, id).await.map_err(lost)?),
            None => {
                let filter = ConversationFilter {
                    origin: Some("gateway".to_owned()),
                    ..ConversationFilter::default()
                };
                let page = store.conversations(&keeper, &filter, None, 1).await?;
                page.items.into_iter().next()
            }
        };
        let mut newest: Option<Found> = None;
        if let Some(kept) = kept {
            let mut messages = Vec::new();
            let mut after = None;
            loop {
                let page = store
                    .messages(&kept.row.id, Order::Oldest, after, PAGE)
                    .await?;
                let is_last = (page.len() as u64) < PAGE;
                after = page.last().map(|message| message.place);
                messages.extend(page.into_iter().map(|message| message.said));
                if is_last {
                    break;
                }
            }
            newest = Some(Found {
                place: KeptWhere::Database,
                id: Some(kept.row.id),
                at: kept.row.updated_at,
                title: kept.heading.title,
                system: kept.heading.system,
                model: kept.row.model,
                dialect: kept.row.dialect,
                messages,
            });
        }
        if id.is_some() {
            return Ok(newest);
        }
        for scope in self.scopes(who).await? {
            let file = self.0.files.newest(&scope).await;
            let Some(file) = file.map_err(|error| Problem::internal(&error))? else {
                continue;
            };
            let at = file.updated_at.unwrap_or_default();
            if newest.as_ref().is_none_or(|newest| newest.at < at) {
                newest = Some(Found {
                    place: KeptWhere::File,
                    id: None,
                    at,
                    title: file.title,
                    system: file.system,
                    model: file.model,
                    dialect: file.dialect,
                    messages: file.messages,
                });
            }
        }
        Ok(newest)
    }
}

/// A conversation with its messages.
struct Found {
    place: KeptWhere,
    id: Option<String>,
    at: i64,
    title: String,
    system: Option<String>,
    model: Option<String>,
    dialect: Option<String>,
    messages: Vec<ArchivedMessage>,
}

fn one_place(keys: &[KeptKey]) -> Option<KeptWhere> {
    let first = keys.first()?.store;
    keys.iter().all(|key| key.store == first).then_some(first)
}

/// Where requests of a dialect go.
fn path(dialect: Dialect, model: &str) -> String {
    match dialect {
        Dialect::OpenAiChat => "/v1/chat/completions".to_owned(),
        Dialect::OpenAiResponses => "/v1/responses".to_owned(),
        Dialect::Anthropic => "/v1/messages".to_owned(),
        Dialect::Gemini => format!("/v1beta/models/{model}:generateContent"),
    }
}

#[OpenApi(prefix_path = "/conversation")]
impl ConversationHistory {
    /// The recorded conversation in which something was said last
    #[oai(path = "/", method = "get", operation_id = "conversation_current")]
    async fn get(
        &self,
        session: Session,
        /// Another one of one's own.
        id: Query<Option<String>>,
    ) -> Answer<Json<CurrentConversation>> {
        let who = session.anybody();
        let keys = self.keys(who).await?;
        let found = self.current(who, id.0.as_deref()).await?;
        let enabled = !keys.is_empty();
        Ok(Json(match found {
            None => CurrentConversation {
                enabled,
                store: one_place(&keys),
                conversation_id: None,
                title: None,
                model: None,
                dialect: None,
                messages: Vec::new(),
            },
            Some(found) => CurrentConversation {
                enabled,
                store: Some(found.place),
                conversation_id: found.id,
                title: Some(found.title),
                model: found.model,
                dialect: found.dialect,
                messages: found.messages,
            },
        }))
    }

    /// Forget what was recorded of one's own client keys
    #[oai(path = "/", method = "delete", operation_id = "conversation_forget")]
    async fn forget(
        &self,
        session: Session,
        client_key_id: Query<Option<String>>,
    ) -> Answer<Json<ForgottenConversations>> {
        let who = session.anybody();
        let only = client_key_id.0;
        let store = self.0.control.store();
        let mut conversations = store.forget_recorded(&keeper(who), only.as_deref()).await?;
        for scope in self.scopes(who).await? {
            if only.as_ref().is_some_and(|only| *only != scope) {
                continue;
            }
            let gone = self.0.files.forget(&scope).await;
            conversations += gone.map_err(|error| Problem::internal(&error))?;
        }
        Ok(Json(ForgottenConversations {
            success: true,
            conversations,
        }))
    }

    /// Whether what is said is kept, where, and how much of it
    #[oai(path = "/status", method = "get", operation_id = "conversation_status")]
    async fn status(&self, session: Session) -> Answer<Json<HistoryStatus>> {
        Ok(Json(self.status_of(session.anybody()).await?))
    }

    /// Keep what is said with one's own client keys, or stop
    ///
    /// In force for the next request. What looks like a credential and the bytes of pictures are left out.
    #[oai(
        path = "/enable",
        method = "post",
        operation_id = "conversation_enable"
    )]
    async fn enable(
        &self,
        session: Session,
        body: Json<KeepingWish>,
    ) -> Answer<Json<HistoryStatus>> {
        let who = session.anybody();
        let wish = body.0;
        let own = self.scopes(who).await?;
        let scopes: Vec<String> = match wish.client_key_id {
            None => own.into_iter().collect(),
            Some(id) if own.contains(&id) => vec![id],
            Some(_) => return Err(Problem::not_found("client key")),
        };
        if scopes.is_empty() && wish.enabled {
            return Err(Problem::invalid(
                "client_key_id",
                "you have no client key yet whose conversations could be kept",
                "make one with POST /api/api-keys",
            ));
        }
        let place = wish.store.unwrap_or(KeptWhere::Database);
        let store = wish.enabled.then(|| HistoryStore::from(place));
        let change = self.0.control.begin(who.actor()).await?;
        conversation_switches::set(change.work(), &scopes, store).await?;
        let after = json!({"store": store.map(HistoryStore::as_str)});
        for scope in &scopes {
            change
                .note(AuditEntry {
                    action: "update",
                    kind: "conversation_history",
                    id: scope,
                    name: scope,
                    before: None,
                    after: Some(&after),
                })
                .await?;
        }
        change.commit().await?;
        Ok(Json(self.status_of(who).await?))
    }

    /// Go on with a conversation
    ///
    /// Gives the whole history as a request in any dialect, for whatever model answers now. What belongs to one vendor
    /// alone, such as signed reasoning, travels in envelopes that the hub opens on the way and gives to nobody else.
    #[oai(
        path = "/continue",
        method = "post",
        operation_id = "conversation_continue"
    )]
    async fn resume(
        &self,
        session: Session,
        body: Json<ContinueWish>,
    ) -> Answer<Json<ContinuedConversation>> {
        let wish = body.0;
        let found = self
            .current(session.anybody(), wish.conversation_id.as_deref())
            .await?
            .ok_or_else(|| Problem::not_found("conversation"))?;
        let name = wish.dialect.or(found.dialect);
        let dialect = dialect(name.as_deref().unwrap_or("openai-chat"))?;
        let model = wish
            .model
            .or(found.model)
            .ok_or_else(|| Problem::invalid("model", "nobody has said which model", "name one"))?;
        let resumption = Resumption {
            dialect,
            model: &model,
            system: found.system.as_deref(),
            messages: &found.messages,
            next: wish.message.as_deref(),
        };
        let request = resumption
            .body()
            .map_err(|words| Problem::invalid("dialect", words, "use another dialect"))?;
        Ok(Json(ContinuedConversation {
            conversation_id: found.id,
            messages: found.messages.len() as u64,
            dialect: dialect.as_str().to_owned(),
            path: path(dialect, &model),
            model,
            request: Any(request),
        }))
    }
}
