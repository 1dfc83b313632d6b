//! `pools`: keys that providers and routes share.

use clap::{Args, Subcommand};

use super::providers::PROVIDERS;
use crate::failure::Ended;
use crate::output::{Layout, Show, column};
use crate::resource::{Change, Does, Draft, Plain, Resource};
use crate::session::Session;

/// Key pools.
pub(crate) const POOLS: Resource = Resource {
    noun: "key pool",
    path: "/api/key-pools",
    label: None,
    layout: Layout {
        things: "key pools",
        key: "name",
        columns: &[
            column("NAME", "name"),
            column("STRATEGY", "strategy").wide(),
            column("KEYS", "counts.total").show(Show::Number),
            column("ACTIVE", "counts.active").show(Show::Number),
            column("COOLING", "counts.cooling").show(Show::Number),
            column("QUARANTINED", "counts.quarantined").show(Show::Number),
            column("DISABLED", "counts.disabled").show(Show::Number),
            column("IN FLIGHT", "counts.in_flight").show(Show::Number),
            column("PROVIDERS", "providers"),
            column("ROUTES", "routes"),
            column("SOURCE", "source").wide(),
            column("HEADER", "auth_header").wide(),
            column("FORMAT", "auth_format").wide(),
            column("PROBLEM", "problem").wide(),
        ],
    },
    members: &[
        "name",
        "strategy",
        "auth_header",
        "auth_format",
        "max_concurrency_per_key",
        "keys",
    ],
    tells: &[
        "source",
        "place",
        "version",
        "updated_at",
        "problem",
        "of_provider",
        "providers",
        "routes",
        "counts",
    ],
    does: &[
        Does::List,
        Does::Show,
        Does::Create,
        Does::Replace,
        Does::Delete,
    ],
};

/// What can be done with key pools.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    #[command(flatten)]
    Plain(Plain),
    /// Add one; its keys come by `keys add --pool`.
    Create(Write),
    /// Change one.
    Update(Write),
    /// Say which key is tried first, of a pool or of a provider with keys of its own.
    SetStrategy {
        /// The pool, or the provider.
        name: String,
        /// Each in turn, by weight (`keys update --weight`), by chance, the least busy one, or the first one for as
        /// long as it can be used.
        #[arg(value_parser = STRATEGIES)]
        strategy: String,
    },
}

/// Which key of a pool is tried first.
const STRATEGIES: [&str; 5] = [
    "round_robin",
    "weighted",
    "random",
    "least_busy",
    "priority",
];

/// A pool to be written.
#[derive(Args, Debug)]
pub(crate) struct Write {
    /// Its name.
    name: String,
    /// The header that carries a key.
    #[arg(long, value_name = "HEADER")]
    auth_header: Option<String>,
    /// Its value, with `{key}` in the place of the key.
    #[arg(long, value_name = "TEXT")]
    auth_format: Option<String>,
    /// Which key is tried first.
    #[arg(long, value_parser = STRATEGIES)]
    strategy: Option<String>,
    /// Most requests in flight with one key.
    #[arg(long, value_name = "N")]
    max_concurrency_per_key: Option<u32>,
    #[command(flatten)]
    change: Change,
}

impl Write {
    fn on(&self, draft: Draft) -> Draft {
        draft
            .with("auth_header", self.auth_header.as_deref())
            .with("auth_format", self.auth_format.as_deref())
            .with("strategy", self.strategy.as_deref())
            .with("max_concurrency_per_key", self.max_concurrency_per_key)
            .changed(&self.change)
    }
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::Plain(verb) => POOLS.plain(session, verb).await,
        Verb::Create(write) => {
            let draft = write.on(POOLS.begin(&write.change, Some(&write.name))?);
            POOLS.create(session, draft).await.map(drop)
        }
        Verb::Update(write) => {
            let draft = write.on(POOLS.take(session, &write.name, &write.change).await?);
            POOLS.replace(session, &write.name, draft).await.map(drop)
        }
        Verb::SetStrategy { name, strategy } => set_strategy(session, name, strategy).await,
    }
}

/// A provider's own keys are chosen as the provider says.
async fn set_strategy(session: &Session, name: &str, strategy: &str) -> Ended {
    let pool = POOLS.get(session, name).await?.body;
    let (owner, member) = match pool["of_provider"].as_bool() {
        Some(true) => (PROVIDERS, "key_strategy"),
        _ => (POOLS, "strategy"),
    };
    let draft = owner.take(session, name, &Change::default()).await?;
    let draft = draft.with(member, Some(strategy));
    owner.replace(session, name, draft).await.map(drop)
}
