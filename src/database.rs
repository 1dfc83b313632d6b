//! `bridge migrate` and `bridge rotate-key`: what operators do to the database itself.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use bridge::config::{self, LoadOptions, Secret};
use bridge::store::{Store, StoreOptions};

/// The variable that may hold the new key.
const NEW_KEY: &str = "NEW_ENCRYPTION_KEY";

/// What the command line says of a migration.
#[derive(Debug, clap::Args)]
pub(crate) struct Migrate {
    /// The configuration file [default: config/app.yml where it exists].
    #[arg(long, short)]
    config: Option<PathBuf>,
    /// Only say which steps were made.
    #[arg(long, conflicts_with = "down")]
    status: bool,
    /// Take back this many steps, the newest first. What they held is lost.
    #[arg(long, value_name = "STEPS")]
    down: Option<u32>,
}

/// Brings the schema up to date, or back.
pub(crate) fn migrate(arguments: Migrate) -> anyhow::Result<()> {
    let options = options(arguments.config)?;
    runtime()?.block_on(async {
        if let Some(steps) = arguments.down {
            Store::migrate_down(&options, steps).await?;
            return say(&format!("{steps} steps were taken back\n"));
        }
        let steps = if arguments.status {
            Store::migration_status(&options).await?
        } else {
            Store::open(&options).await?.migrations().await?
        };
        let mut words = String::new();
        for (name, is_made) in steps {
            let state = if is_made { "made   " } else { "pending" };
            words.push_str(&format!("{state}  {name}\n"));
        }
        say(&words)
    })
}

/// Wraps the root key under another key of the operator's.
pub(crate) fn rotate_key(config: Option<PathBuf>) -> anyhow::Result<()> {
    let options = options(config)?;
    let new = new_key()?;
    runtime()?.block_on(Store::rotate_key(&options, &new))?;
    let told = if options.encryption_key.is_some() {
        "the key was changed; set ENCRYPTION_KEY to the new one before the next start\n"
    } else {
        "the key was changed; set ENCRYPTION_KEY to the new one before the next start, and remove the key file, \
         which opens nothing any more\n"
    };
    say(told)
}

/// From the environment or standard input: arguments are visible to everybody on the machine.
fn new_key() -> anyhow::Result<Secret> {
    if let Ok(key) = std::env::var(NEW_KEY) {
        return Ok(Secret::new(key));
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("the new key cannot be read")?;
    let key = line.trim();
    if key.is_empty() {
        bail!("write the new key to standard input, or set {NEW_KEY}");
    }
    Ok(Secret::new(key))
}

fn options(config: Option<PathBuf>) -> anyhow::Result<StoreOptions> {
    let settings = config::load(&LoadOptions::of_process(config))?;
    Ok(StoreOptions::of(&settings))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime does not start")
}

fn say(words: &str) -> anyhow::Result<()> {
    std::io::stdout()
        .write_all(words.as_bytes())
        .context("standard output cannot be written")
}
