//! `api-keys`: what clients call the hub with.

use clap::{Args, Subcommand};
use serde_json::json;

use super::users::USERS;
use crate::client::Call;
use crate::endpoints;
use crate::failure::Ended;
use crate::output::{Layout, Show, column};
use crate::resource::{Change, Does, Draft, List, Named, Names, Period, Resource, Toggle, ahead};
use crate::session::Session;

/// Client keys.
pub(crate) const API_KEYS: Resource = Resource {
    noun: "client key",
    path: "/api/api-keys",
    label: Some("name"),
    layout: Layout {
        things: "client keys",
        key: "id",
        columns: &[
            column("NAME", "name"),
            column("KEY", "prefix"),
            column("OWNER", "owner_email"),
            column("ENABLED", "enabled").show(Show::Yes),
            column("RPM", "limits.rpm").show(Show::Number),
            column("TPM", "limits.tpm").show(Show::Number),
            column("$/MONTH", "limits.budget_month"),
            column("EXPIRES", "expires_at").show(Show::Moment),
            column("LAST USED", "last_used_at").show(Show::Moment),
            column("MODELS", "limits.allowed_models").wide(),
            column("TAGS", "tags").wide(),
            column("ID", "id").wide(),
        ],
    },
    members: &["name", "enabled", "limits", "tags", "expires_at"],
    tells: &[
        "id",
        "prefix",
        "owner_id",
        "owner_name",
        "owner_email",
        "last_used_at",
        "previous_until",
        "version",
        "created_at",
        "updated_at",
    ],
    does: &[
        Does::List,
        Does::Show,
        Does::Create,
        Does::Replace,
        Does::Delete,
        Does::Toggle,
    ],
};

/// The member with the key itself, which the hub tells once.
const SECRET: &str = "key";

/// What can be done with client keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them.
    #[command(visible_alias = "ls")]
    List(OwnersKeys),
    /// Show one.
    #[command(visible_alias = "get")]
    Show(Named),
    /// Change one in an editor (VISUAL, EDITOR).
    Edit(Named),
    /// Remove some.
    #[command(visible_alias = "rm")]
    Delete(Names),
    #[command(flatten)]
    Toggle(Toggle),
    /// Make one; the key itself is shown once.
    Create(Box<Create>),
    /// Change one.
    Update(Box<Update>),
    /// Put another key in the place of one; the new one is shown once.
    Rotate {
        /// Its name.
        name: String,
        /// How long the old one goes on working, such as `24h`.
        #[arg(long, value_name = "TIME", value_parser = crate::arguments::span)]
        grace: Option<std::time::Duration>,
    },
    /// What one was used for.
    Usage {
        /// Its name.
        name: String,
        #[command(flatten)]
        period: Period,
    },
}

/// What to list.
#[derive(Args, Debug)]
pub(crate) struct OwnersKeys {
    /// Only those of this person.
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<String>,
    #[command(flatten)]
    list: List,
}

/// A new key.
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// What to call it.
    #[arg(value_name = "NAME", required_unless_present_any = ["named", "file"])]
    name: Option<String>,
    /// The same.
    #[arg(long = "name", value_name = "NAME", conflicts_with = "name")]
    named: Option<String>,
    /// Whose it is [default: one's own].
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<String>,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    change: Change,
}

/// A change of a key.
#[derive(Args, Debug)]
pub(crate) struct Update {
    /// Its name.
    name: String,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    change: Change,
}

/// What a key may do, and how much of it.
#[derive(Args, Debug)]
struct Bounds {
    /// Patterns of the models it may ask for.
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    models: Vec<String>,
    /// The providers it may reach.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    providers: Vec<String>,
    /// The dialects it may speak.
    #[arg(long, value_name = "DIALECTS", value_delimiter = ',')]
    dialects: Vec<String>,
    /// Requests a minute.
    #[arg(long, value_name = "N")]
    rpm: Option<u64>,
    /// Tokens a minute.
    #[arg(long, value_name = "N")]
    tpm: Option<u64>,
    /// Requests at a time.
    #[arg(long, value_name = "N")]
    max_concurrency: Option<u32>,
    /// US dollars in a calendar month.
    #[arg(long, value_name = "USD", visible_alias = "budget-month")]
    budget: Option<String>,
    /// US dollars in a day.
    #[arg(long, value_name = "USD")]
    budget_day: Option<String>,
    /// When it ends: a moment, or a time from now such as `90d`.
    #[arg(long, value_name = "WHEN", value_parser = ahead)]
    expires: Option<i64>,
    /// Labels for rules and statistics.
    #[arg(long, value_name = "LABELS", value_delimiter = ',')]
    tags: Vec<String>,
}

impl Bounds {
    fn on(&self, draft: Draft) -> Draft {
        draft
            .with_list("limits.allowed_models", &self.models)
            .with_list("limits.allowed_providers", &self.providers)
            .with_list("limits.allowed_dialects", &self.dialects)
            .with("limits.rpm", self.rpm)
            .with("limits.tpm", self.tpm)
            .with("limits.max_concurrency", self.max_concurrency)
            .with("limits.budget_month", self.budget.as_deref())
            .with("limits.budget_day", self.budget_day.as_deref())
            .with("expires_at", self.expires)
            .with_list("tags", &self.tags)
    }
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::List(OwnersKeys { list, owner }) => {
            let owner = match owner {
                Some(owner) => Some(USERS.key(session, owner).await?),
                None => None,
            };
            let call = Call::new("GET", API_KEYS.path).with_some("search", list.search.as_deref());
            let call = call.with_some("owner_id", owner);
            list.paging.show(session, &API_KEYS.layout, &call).await
        }
        Verb::Show(named) => API_KEYS.show(session, named).await,
        Verb::Edit(named) => API_KEYS.edit(session, &named.name).await,
        Verb::Delete(names) => API_KEYS.delete(session, &names.names).await,
        Verb::Toggle(verb) => API_KEYS.toggle(session, verb).await,
        Verb::Create(create) => create.run(session).await,
        Verb::Update(update) => {
            let draft = API_KEYS.take(session, &update.name, &update.change).await?;
            let draft = update.bounds.on(draft).changed(&update.change);
            API_KEYS
                .replace(session, &update.name, draft)
                .await
                .map(drop)
        }
        Verb::Rotate { name, grace } => {
            rotate(session, name, grace.map(|grace| grace.as_secs())).await
        }
        Verb::Usage { name, period } => usage(session, name, period).await,
    }
}

impl Create {
    async fn run(&self, session: &Session) -> Ended {
        let name = self.name.as_deref().or(self.named.as_deref());
        let draft = self.bounds.on(API_KEYS.begin(&self.change, name)?);
        let owner = match &self.owner {
            Some(owner) => Some(USERS.key(session, owner).await?),
            None => None,
        };
        let draft = draft.with("owner_id", owner).changed(&self.change);
        API_KEYS.create_secret(session, draft, SECRET).await
    }
}

async fn rotate(session: &Session, name: &str, grace: Option<u64>) -> Ended {
    session.confirm(&format!(
        "put another key in the place of client key `{name}`"
    ))?;
    let key = API_KEYS.key(session, name).await?;
    let body = json!({"grace_seconds": grace.unwrap_or_default()});
    let call = endpoints::KEY_ROTATE.call(&[&key]).body(body);
    API_KEYS
        .write_secret(session, &call, "rotated", SECRET)
        .await
}

async fn usage(session: &Session, name: &str, period: &Period) -> Ended {
    let key = API_KEYS.key(session, name).await?;
    let about = |endpoint: crate::client::Endpoint| {
        period.on(endpoint
            .call(&[])
            .with("client_key_id", &key)
            .with("group_by", "model"))
    };
    let requests = session.read(&about(endpoints::STATS_REQUESTS)).await?.body;
    let tokens = session.read(&about(endpoints::STATS_TOKENS)).await?.body;
    let lines = super::stats::joined(&requests, &tokens);
    match session.console.format.is_for_people() {
        true => session
            .console
            .list(&super::stats::USAGE, &super::stats::priced(&lines)),
        false => session.console.list(&super::stats::USAGE, &lines),
    }
}
