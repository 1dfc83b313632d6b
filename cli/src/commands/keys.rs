//! `keys`: what providers are called with.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::pools::POOLS;
use super::providers::PROVIDERS;
use crate::client::Call;
use crate::endpoints;
use crate::entry::{items, text};
use crate::failure::{Ended, Failure, Kind};
use crate::input::{self, ApiKey};
use crate::output::{Layout, Show, column};
use crate::resource::{Watch, all_pages};
use crate::session::Session;

/// Keys of all pools.
const KEYS: Layout = Layout {
    things: "keys",
    key: "id",
    columns: &[
        column("POOL", "pool"),
        column("ID", "id"),
        column("KEY", "key"),
        column("LABEL", "label"),
        column("STATE", "state").show(Show::State),
        column("WEIGHT", "weight").show(Show::Number).wide(),
        column("IN FLIGHT", "in_flight").show(Show::Number).wide(),
        column("TOTAL", "total").show(Show::Number),
        column("SUCCESS", "success_rate").show(Show::Percent),
        column("LAST USED", "last_used").show(Show::Moment),
        column("COOLING", "cooling_seconds").wide(),
        column("LAST ERROR", "last_error").wide(),
    ],
};

/// The same, for who looks at numbers.
const STATS: Layout = Layout {
    columns: &[
        column("POOL", "pool"),
        column("KEY", "key"),
        column("STATE", "state").show(Show::State),
        column("IN FLIGHT", "in_flight").show(Show::Number),
        column("TOTAL", "total").show(Show::Number),
        column("OK", "successful").show(Show::Number),
        column("FAILED", "failed").show(Show::Number),
        column("SUCCESS", "success_rate").show(Show::Percent),
        column("STATUS CODES", "status_codes"),
        column("COOLING", "cooling_seconds").show(Show::Number),
        column("LAST USED", "last_used").show(Show::Moment),
    ],
    ..KEYS
};

const TESTS: Layout = Layout {
    things: "tests",
    key: "id",
    columns: &[
        column("POOL", "pool"),
        column("ID", "id"),
        column("KEY", "key"),
        column("OK", "ok").show(Show::State),
        column("LATENCY", "latency_ms").show(Show::Ms),
        column("STATUS", "status"),
        column("MODEL", "model"),
        column("ERROR", "error"),
    ],
};

/// Whose keys.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub(crate) struct Whose {
    /// Of this provider.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Of this key pool.
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them, masked.
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// How they are used: calls, successes, status codes, cool-downs.
    Stats {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        watch: Watch,
    },
    /// Add one.
    Add {
        #[command(flatten)]
        whose: Whose,
        /// What to call it.
        #[arg(long)]
        label: Option<String>,
        #[command(flatten)]
        key: ApiKey,
    },
    /// Add many: one a line, or with commas between; those that are there already are left out.
    Import {
        /// The file; `-` reads standard input.
        file: String,
        #[command(flatten)]
        whose: Whose,
        /// What to call them.
        #[arg(long)]
        label: Option<String>,
    },
    /// Try some with a small request; exit code 7 where one fails.
    Test {
        #[command(flatten)]
        some: Picked,
        /// All of them.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// With this model.
        #[arg(long)]
        model: Option<String>,
    },
    /// Change what one is called, or what it weighs where its pool chooses keys by weight.
    Update {
        /// Its id, its mask, or its label.
        id: String,
        #[command(flatten)]
        whose: Whose,
        /// What to call it.
        #[arg(long, required_unless_present = "weight")]
        label: Option<String>,
        /// Its share; one of 0 is used when no other can be.
        #[arg(long, value_name = "N")]
        weight: Option<u32>,
    },
    /// Put some back to use.
    Enable(Picked),
    /// Take some out of use; they stay.
    Disable {
        #[command(flatten)]
        some: Picked,
        /// Also the last usable one of its pool.
        #[arg(long)]
        force: bool,
    },
    /// End cool-downs and quarantine, of some keys or of a whole pool.
    Reset(Picked),
    /// Put another key in the place of one: the new one is added and tried first.
    Rotate {
        /// The old one: its id, its mask, or its label.
        id: String,
        #[command(flatten)]
        whose: Whose,
        /// Do not try the new key.
        #[arg(long)]
        untested: bool,
        #[command(flatten)]
        key: ApiKey,
    },
    /// Remove some.
    #[command(visible_alias = "rm")]
    Delete {
        #[command(flatten)]
        some: Picked,
        /// Also the last usable one of its pool.
        #[arg(long)]
        force: bool,
    },
}

/// Some of them.
#[derive(Args, Debug)]
pub(crate) struct Picked {
    /// Their ids, masks, or labels.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    whose: Whose,
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::List { whose } => {
            let keys = keys(session, whose).await?;
            session.console.list(&KEYS, &keys)
        }
        Verb::Stats { whose, watch } => {
            session
                .watch(watch.every(), async || {
                    session.console.list(&STATS, &keys(session, whose).await?)
                })
                .await
        }
        Verb::Add { whose, label, key } => {
            let pool = one_pool(session, whose).await?;
            let key = key.wanted(session)?;
            add(session, &pool, key, label.as_deref()).await.map(drop)
        }
        Verb::Import { file, whose, label } => {
            let pool = one_pool(session, whose).await?;
            let text = input::text(file)?;
            let lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'));
            add(
                session,
                &pool,
                lines.collect::<Vec<_>>().join("\n"),
                label.as_deref(),
            )
            .await
            .map(drop)
        }
        Verb::Test { some, all, model } => test(session, some, *all, model.as_deref()).await,
        Verb::Update {
            id,
            whose,
            label,
            weight,
        } => {
            let key = find(session, whose, id).await?;
            update(session, &key, label.as_deref(), *weight).await
        }
        Verb::Enable(some) => {
            each(session, some, "enabled", |pool, id| {
                endpoints::KEY_ENABLE.call(&[pool, id])
            })
            .await
        }
        Verb::Disable { some, force } => {
            let call =
                |pool: &str, id: &str| forced(endpoints::KEY_DISABLE.call(&[pool, id]), *force);
            each(session, some, "disabled", call).await
        }
        Verb::Reset(some) if some.ids.is_empty() => {
            let pool = one_pool(session, &some.whose).await?;
            if let Some(answer) = session.write(&endpoints::KEYS_RESET.call(&[&pool])).await? {
                let touched = answer.body["touched"].as_u64().unwrap_or_default();
                session.console.note(&format!(
                    "keys of `{pool}` that may be used again: {touched}"
                ));
            }
            Ok(())
        }
        Verb::Reset(some) => {
            each(session, some, "reset", |pool, id| {
                endpoints::KEY_RESET.call(&[pool, id])
            })
            .await
        }
        Verb::Rotate {
            id,
            whose,
            untested,
            key,
        } => {
            let old = find(session, whose, id).await?;
            rotate(session, &old, key.wanted(session)?, *untested).await
        }
        Verb::Delete { some, force } => {
            session.confirm(&format!("delete the keys {}", some.ids.join(", ")))?;
            let call =
                |pool: &str, id: &str| forced(endpoints::KEY_DELETE.call(&[pool, id]), *force);
            each(session, some, "deleted", call).await
        }
    }
}

fn forced(call: Call, is_forced: bool) -> Call {
    call.with_some("force", is_forced.then_some(true))
}

/// The pool that a provider is called with is its own, unless it names another.
async fn pool_of(session: &Session, provider: &str) -> Ended<String> {
    let provider = PROVIDERS.get(session, provider).await?.body;
    let named = provider["key_pool"].as_str().or(provider["name"].as_str());
    Ok(named.unwrap_or_default().to_owned())
}

async fn one_pool(session: &Session, whose: &Whose) -> Ended<String> {
    match (&whose.provider, &whose.pool) {
        (Some(provider), _) => pool_of(session, provider).await,
        (None, Some(pool)) => Ok(pool.clone()),
        (None, None) => {
            Err(Failure::usage("whose key it is, is missing").next("add --provider or --pool"))
        }
    }
}

/// The pools to look at; a provider without keys has none.
async fn pools(session: &Session, whose: &Whose) -> Ended<Vec<String>> {
    if let Some(pool) = &whose.pool {
        return Ok(vec![pool.clone()]);
    }
    let wanted = match &whose.provider {
        Some(provider) => Some(pool_of(session, provider).await?),
        None => None,
    };
    let all = all_pages(session, &Call::new("GET", POOLS.path)).await?;
    let names = all
        .iter()
        .filter_map(|pool| pool["name"].as_str().map(str::to_owned));
    Ok(names
        .filter(|name| wanted.as_ref().is_none_or(|wanted| wanted == name))
        .collect())
}

async fn keys(session: &Session, whose: &Whose) -> Ended<Vec<Value>> {
    let mut keys = Vec::new();
    for pool in pools(session, whose).await? {
        let call = endpoints::KEYS.call(&[&pool]);
        for mut key in all_pages(session, &call).await? {
            key["pool"] = json!(pool);
            keys.push(key);
        }
    }
    Ok(keys)
}

/// The key that goes by an id, a mask, or a label.
async fn find(session: &Session, whose: &Whose, id: &str) -> Ended<Value> {
    let keys = keys(session, whose).await?;
    let mut found: Vec<Value> = Vec::new();
    for member in ["id", "key", "label"] {
        found.extend(keys.iter().filter(|key| key[member] == id).cloned());
        if !found.is_empty() {
            break;
        }
    }
    let several = found.len() > 1;
    match found.pop() {
        Some(key) if !several => Ok(key),
        Some(_) => Err(Failure::usage(format!("more than one key goes by `{id}`"))
            .next("name it by its id, and its pool with --pool")),
        None => Err(
            Failure::new(Kind::NotFound, format!("there is no key `{id}`"))
                .next("see them: bridge-admin keys list"),
        ),
    }
}

async fn each(
    session: &Session,
    some: &Picked,
    done: &str,
    call: impl Fn(&str, &str) -> Call,
) -> Ended {
    if some.ids.is_empty() {
        return Err(Failure::usage("no key is named").next("see their ids: bridge-admin keys list"));
    }
    for id in &some.ids {
        let key = find(session, &some.whose, id).await?;
        let (pool, id) = (text(&key, "pool"), text(&key, "id"));
        if let Some(mut answer) = session.write(&call(pool, id)).await? {
            session
                .console
                .note(&format!("key {} of `{pool}` {done}", text(&key, "key")));
            if answer.body.is_object() && !session.console.format.is_for_people() {
                answer.body["pool"] = json!(pool);
                session.console.one(&KEYS, &answer.body)?;
            }
        }
    }
    Ok(())
}

/// Adds keys; the pool's keys then.
async fn add(
    session: &Session,
    pool: &str,
    keys: String,
    label: Option<&str>,
) -> Ended<Option<Value>> {
    let mut body = json!({"keys": [keys]});
    if let Some(label) = label {
        body["label"] = json!(label);
    }
    let call = endpoints::KEYS_ADD.call(&[pool]).body(body);
    let Some(answer) = session.write(&call).await? else {
        return Ok(None);
    };
    let count = |member: &str| answer.body[member].as_u64().unwrap_or_default();
    let (added, duplicates) = (count("added"), count("duplicates"));
    session.console.note(&match duplicates {
        0 => format!("{added} added to `{pool}`"),
        _ => format!("{added} added to `{pool}`, {duplicates} were there already"),
    });
    if !session.console.format.is_for_people() {
        session.console.json_or_yaml(&answer.body)?;
    }
    Ok(Some(answer.body))
}

async fn update(session: &Session, key: &Value, label: Option<&str>, weight: Option<u32>) -> Ended {
    let (pool, id) = (text(key, "pool"), text(key, "id"));
    let mut body = json!({});
    if let Some(label) = label {
        body["label"] = json!(label);
    }
    if let Some(weight) = weight {
        body["weight"] = json!(weight);
    }
    let call = endpoints::KEY_UPDATE.call(&[pool, id]).body(body);
    if let Some(mut answer) = session.write(&call).await? {
        session
            .console
            .note(&format!("key {} of `{pool}` changed", text(key, "key")));
        answer.body["pool"] = json!(pool);
        session.console.one(&KEYS, &answer.body)?;
    }
    Ok(())
}

async fn test(session: &Session, some: &Picked, all: bool, model: Option<&str>) -> Ended {
    let mut results = Vec::new();
    let provider = some.whose.provider.as_deref();
    let mut tried = |pool: &str, result: &Value| {
        let mut result = result.clone();
        result["pool"] = json!(pool);
        results.push(result);
    };
    if some.ids.is_empty() {
        if !all && some.whose.provider.is_none() && some.whose.pool.is_none() {
            return Err(Failure::usage("no key is named")
                .next("name some, or add --all, --provider, or --pool"));
        }
        for pool in pools(session, &some.whose).await? {
            let call = endpoints::KEYS_TEST.call(&[&pool]);
            let call = call
                .with_some("model", model)
                .with_some("provider", provider);
            let answer = session.write(&call).await?;
            let answer = answer.map(|answer| answer.body).unwrap_or_default();
            for result in items(&answer) {
                tried(&pool, result);
            }
        }
    }
    for id in &some.ids {
        let key = find(session, &some.whose, id).await?;
        let pool = text(&key, "pool");
        let call = endpoints::KEY_TEST.call(&[pool, text(&key, "id")]);
        let call = call
            .with_some("model", model)
            .with_some("provider", provider);
        if let Some(answer) = session.write(&call).await? {
            tried(pool, &answer.body);
        }
    }
    if session.is_dry() {
        return Ok(());
    }
    session.console.list(&TESTS, &results)?;
    super::providers::checked(&results)
}

/// The old key goes when the new one works, and not before.
async fn rotate(session: &Session, old: &Value, key: String, untested: bool) -> Ended {
    let (pool, id) = (text(old, "pool"), text(old, "id"));
    let label = Some(text(old, "label")).filter(|label| !label.is_empty());
    let before = all_pages(session, &endpoints::KEYS.call(&[pool])).await?;
    let Some(added) = add(session, pool, key, label).await? else {
        return Ok(());
    };
    let is_new = |key: &&Value| before.iter().all(|known| known["id"] != key["id"]);
    let new = items(&added["keys"]).iter().find(is_new);
    let new =
        new.ok_or_else(|| Failure::new(Kind::Conflict, "the new key is in the pool already"))?;
    if !untested {
        let tried = session
            .read(&endpoints::KEY_TEST.call(&[pool, text(new, "id")]))
            .await?
            .body;
        if tried["ok"] != json!(true) {
            let back = forced(endpoints::KEY_DELETE.call(&[pool, text(new, "id")]), true);
            session.read(&back).await?;
            return Err(Failure::check(format!(
                "the new key does not work, so the old one stays: {}",
                tried["error"].as_str().unwrap_or("no reason was given")
            ))
            .next("--untested takes it as it is"));
        }
    }
    session
        .read(&forced(endpoints::KEY_DELETE.call(&[pool, id]), true))
        .await?;
    session.console.note(&format!(
        "key {} of `{pool}` is gone; {} is in its place",
        text(old, "key"),
        text(new, "key")
    ));
    Ok(())
}
