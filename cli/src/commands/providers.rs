//! `providers`: the servers with models behind the hub.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::endpoints;
use crate::entry::items;
use crate::failure::{Ended, Failure, Kind};
use crate::input::{self, ApiKey};
use crate::output::{Layout, Show, column};
use crate::resource::{Change, Does, Draft, Plain, Resource, Toggle};
use crate::session::Session;

/// Providers.
pub(crate) const PROVIDERS: Resource = Resource {
    noun: "provider",
    path: "/api/providers",
    label: None,
    layout: Layout {
        things: "providers",
        key: "name",
        columns: &[
            column("NAME", "name"),
            column("FORMAT", "api_format"),
            column("BASE URL", "base_url"),
            column("ENABLED", "enabled").show(Show::Yes),
            column("PRIORITY", "priority"),
            column("LACKS KEY", "lacks_key").show(Show::Yes),
            column("SOURCE", "source"),
            column("POOL", "key_pool").wide(),
            column("MODE", "mode").wide(),
            column("BIG", "models.big").wide(),
            column("MIDDLE", "models.middle").wide(),
            column("SMALL", "models.small").wide(),
            column("OTHER", "models.other").wide(),
            column("CHANGED", "updated_at").show(Show::Moment).wide(),
            column("PROBLEM", "problem"),
        ],
    },
    members: &[
        "name",
        "description",
        "api_format",
        "base_url",
        "profile",
        "api_version",
        "key_pool",
        "key_strategy",
        "auth_header",
        "auth_format",
        "enabled",
        "priority",
        "timeout",
        "max_retries",
        "max_tokens_limit",
        "omit_params",
        "always_stream",
        "allow_private_network",
        "models",
        "mode",
        "max_concurrency",
        "max_concurrency_per_key",
        "weight",
        "api_key",
        "keys",
        "headers",
        "proxy",
    ],
    tells: &[
        "source",
        "place",
        "version",
        "updated_at",
        "problem",
        "secrets",
        "lacks_key",
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

const PRESETS: Layout = Layout {
    things: "presets",
    key: "name",
    columns: &[
        column("NAME", "name"),
        column("TITLE", "title"),
        column("FORMAT", "api_format"),
        column("BASE URL", "base_url"),
        column("KEY VARIABLE", "key_variable"),
        column("NOTE", "note").wide(),
    ],
};

const OFFER: Layout = Layout {
    things: "models",
    key: "id",
    columns: &[
        column("MODEL", "id"),
        column("TITLE", "title"),
        column("LISTED", "listed").show(Show::Yes),
    ],
};

/// What a try at a provider came to.
pub(crate) const TEST: Layout = Layout {
    things: "tests",
    key: "provider",
    columns: &[
        column("PROVIDER", "provider"),
        column("OK", "ok").show(Show::State),
        column("LATENCY", "latency_ms").show(Show::Ms),
        column("STATUS", "status"),
        column("MODEL", "model"),
        column("KEY", "key"),
        column("ERROR", "error"),
    ],
};

/// What can be done with providers.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    #[command(flatten)]
    Plain(Plain),
    #[command(flatten)]
    Toggle(Toggle),
    /// Add one: a known vendor by --preset, or any other.
    Create(Box<Create>),
    /// Change one.
    Update(Box<Update>),
    /// Try some with a small request; exit code 7 where one fails.
    Test {
        /// Their names.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// With this model.
        #[arg(long)]
        model: Option<String>,
    },
    /// The models that one offers; with --adopt, list some of them in its configuration.
    Models(Models),
    /// Known vendors to pick from.
    Presets,
}

/// A new provider.
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// Its name: what stands before the slash in `provider/model` [default: the preset's].
    name: Option<String>,
    /// A known vendor; see `providers presets`.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    change: Change,
}

/// A change of a provider.
#[derive(Args, Debug)]
pub(crate) struct Update {
    /// Its name.
    name: String,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    change: Change,
}

/// The members that are set most.
#[derive(Args, Debug)]
struct Settings {
    /// openai, openai-responses, anthropic or gemini.
    #[arg(long, value_name = "DIALECT")]
    api_format: Option<String>,
    /// Its address.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// A key pool in the place of keys of its own.
    #[arg(long, value_name = "NAME")]
    key_pool: Option<String>,
    /// Smaller is tried first.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    priority: Option<i64>,
    /// transformer (translate) or direct (pass through).
    #[arg(long)]
    mode: Option<String>,
    /// Models for `opus`.
    #[arg(long, value_name = "MODELS", value_delimiter = ',')]
    big: Vec<String>,
    /// Models for `sonnet`.
    #[arg(long, value_name = "MODELS", value_delimiter = ',')]
    middle: Vec<String>,
    /// Models for `haiku`.
    #[arg(long, value_name = "MODELS", value_delimiter = ',')]
    small: Vec<String>,
    /// Further models.
    #[arg(long, value_name = "MODELS", value_delimiter = ',')]
    other: Vec<String>,
    #[command(flatten)]
    key: ApiKey,
}

impl Settings {
    fn on(&self, session: &Session, draft: Draft) -> Ended<Draft> {
        let key = self.key.given(session)?;
        Ok(draft
            .with("api_format", self.api_format.as_deref())
            .with("base_url", self.base_url.as_deref())
            .with("key_pool", self.key_pool.as_deref())
            .with("priority", self.priority)
            .with("mode", self.mode.as_deref())
            .with_list("models.big", &self.big)
            .with_list("models.middle", &self.middle)
            .with_list("models.small", &self.small)
            .with_list("models.other", &self.other)
            .with("api_key", key))
    }
}

/// The models of one.
#[derive(Args, Debug)]
pub(crate) struct Models {
    /// Its name.
    name: String,
    /// Only those with these words in them.
    #[arg(long, short)]
    search: Option<String>,
    /// List these in its configuration.
    #[arg(long, value_name = "MODELS", value_delimiter = ',')]
    adopt: Vec<String>,
    /// In which list: big, middle, small, other.
    #[arg(long, value_name = "LIST", default_value = "other")]
    list: String,
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::Plain(verb) => PROVIDERS.plain(session, verb).await,
        Verb::Toggle(verb) => PROVIDERS.toggle(session, verb).await,
        Verb::Create(create) => create.run(session).await,
        Verb::Update(update) => {
            let draft = PROVIDERS
                .take(session, &update.name, &update.change)
                .await?;
            let draft = update.settings.on(session, draft)?.changed(&update.change);
            PROVIDERS
                .replace(session, &update.name, draft)
                .await
                .map(drop)
        }
        Verb::Test { names, model } => test(session, names, model.as_deref()).await,
        Verb::Models(models) => models.run(session).await,
        Verb::Presets => {
            let presets = session
                .read(&endpoints::PROVIDER_PRESETS.call(&[]))
                .await?
                .body;
            session.console.list(&PRESETS, items(&presets))
        }
    }
}

impl Create {
    async fn run(&self, session: &Session) -> Ended {
        let name = self.name.as_deref().or(self.preset.as_deref());
        let mut draft = PROVIDERS.begin(&self.change, name)?;
        let mut needs_key = false;
        if let Some(preset) = &self.preset {
            (draft, needs_key) = with_preset(session, draft, preset).await?;
        }
        let mut draft = self.settings.on(session, draft)?.changed(&self.change);
        if draft.get("name").is_null() {
            return Err(Failure::usage("the provider has no name")
                .next("give one: bridge-admin providers create NAME, or --preset"));
        }
        // A vendor's key is asked for, as nothing works without it; it may as well come from a pool.
        let has_key = ["api_key", "keys", "key_pool"]
            .iter()
            .any(|member| !draft.get(member).is_null());
        if needs_key && !has_key && session.can_ask() {
            let key = input::asked(session, "API key (empty for none)", "--api-key-stdin")?;
            draft = draft.with("api_key", Some(key).filter(|key| !key.is_empty()));
        }
        PROVIDERS.create(session, draft).await.map(drop)
    }
}

/// What is known of a vendor, and whether it wants a key.
async fn with_preset(session: &Session, draft: Draft, name: &str) -> Ended<(Draft, bool)> {
    let presets = session
        .read(&endpoints::PROVIDER_PRESETS.call(&[]))
        .await?
        .body;
    let preset = items(&presets).iter().find(|preset| preset["name"] == name);
    let preset = preset.ok_or_else(|| {
        Failure::new(Kind::NotFound, format!("there is no preset `{name}`"))
            .next("see them: bridge-admin providers presets")
    })?;
    let text = |member: &str| preset[member].as_str();
    let draft = draft
        .with("api_format", text("api_format"))
        .with("base_url", text("base_url"))
        .with("profile", text("profile"))
        .with(
            "allow_private_network",
            preset["is_private"].as_bool().filter(|is| *is),
        );
    Ok((draft, text("key_variable").is_some()))
}

async fn test(session: &Session, names: &[String], model: Option<&str>) -> Ended {
    let mut results = Vec::new();
    for name in names {
        let call = endpoints::PROVIDER_TEST
            .call(&[name])
            .with_some("model", model);
        if let Some(mut answer) = session.write(&call).await? {
            answer.body["provider"] = json!(name);
            results.push(answer.body);
        }
    }
    if session.is_dry() {
        return Ok(());
    }
    session.console.list(&TEST, &results)?;
    checked(&results)
}

/// Whether all of them went well.
pub(crate) fn checked(results: &[Value]) -> Ended {
    let failed = results
        .iter()
        .filter(|result| result["ok"] != json!(true))
        .count();
    match failed {
        0 => Ok(()),
        failed => Err(Failure::check(format!(
            "{failed} of {} failed",
            results.len()
        ))),
    }
}

impl Models {
    async fn run(&self, session: &Session) -> Ended {
        if !self.adopt.is_empty() {
            let body = json!({"models": self.adopt, "list": self.list});
            let call = endpoints::PROVIDER_ADOPT.call(&[&self.name]).body(body);
            if session.write(&call).await?.is_some() {
                let models = self.adopt.join(", ");
                session.console.note(&format!(
                    "provider `{}` lists {models} as {}",
                    self.name, self.list
                ));
            }
            return Ok(());
        }
        let call = endpoints::PROVIDER_OFFER.call(&[&self.name]);
        let offer = session
            .read(&call.with_some("search", self.search.as_deref()))
            .await?
            .body;
        session.console.list(&OFFER, items(&offer))
    }
}
