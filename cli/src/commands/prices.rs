//! `models prices`: prices that stand over those of the catalogue.

use clap::{Args, Subcommand};

use crate::failure::Ended;
use crate::output::{Layout, Show, column};
use crate::resource::{Change, Does, Draft, Plain, Resource};
use crate::session::Session;

/// Prices of one's own.
pub(crate) const PRICES: Resource = Resource {
    noun: "price",
    path: "/api/models/overrides",
    label: None,
    layout: Layout {
        things: "prices",
        key: "name",
        columns: &[
            column("NAME", "name"),
            column("PROVIDER", "provider"),
            column("MODEL", "model"),
            column("INPUT $/M", "cost.input"),
            column("OUTPUT $/M", "cost.output"),
            column("CACHED $/M", "cost.cache_read"),
            column("ENABLED", "enabled").show(Show::Yes),
            column("CHANGED", "updated_at").show(Show::Moment).wide(),
        ],
    },
    members: &["name", "provider", "model", "cost", "enabled"],
    tells: &["version", "updated_at"],
    does: &[
        Does::List,
        Does::Show,
        Does::Create,
        Does::Replace,
        Does::Delete,
    ],
};

/// What can be done with prices.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    #[command(flatten)]
    Plain(Plain),
    /// Add one.
    Create(Write),
    /// Change one.
    Update(Write),
}

/// A price to be written: dollars for a million tokens.
#[derive(Args, Debug)]
pub(crate) struct Write {
    /// What to call it.
    name: String,
    /// The model as it goes to the provider.
    #[arg(long)]
    model: Option<String>,
    /// The provider it is about; all of them where it is not given.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Input tokens.
    #[arg(long, value_name = "USD")]
    input: Option<f64>,
    /// Output tokens.
    #[arg(long, value_name = "USD")]
    output_tokens: Option<f64>,
    /// Tokens read from a cache.
    #[arg(long, value_name = "USD")]
    cache_read: Option<f64>,
    /// Tokens written to a cache.
    #[arg(long, value_name = "USD")]
    cache_write: Option<f64>,
    #[command(flatten)]
    change: Change,
}

impl Write {
    fn on(&self, draft: Draft) -> Draft {
        draft
            .with("model", self.model.as_deref())
            .with("provider", self.provider.as_deref())
            .with("cost.input", self.input)
            .with("cost.output", self.output_tokens)
            .with("cost.cache_read", self.cache_read)
            .with("cost.cache_write", self.cache_write)
            .changed(&self.change)
    }
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::Plain(verb) => PRICES.plain(session, verb).await,
        Verb::Create(write) => {
            let draft = write.on(PRICES.begin(&write.change, Some(&write.name))?);
            PRICES.create(session, draft).await.map(drop)
        }
        Verb::Update(write) => {
            let draft = write.on(PRICES.take(session, &write.name, &write.change).await?);
            PRICES.replace(session, &write.name, draft).await.map(drop)
        }
    }
}
