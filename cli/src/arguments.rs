//! The command line: what can be said to every command, and the commands. What a command takes stands beside it.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::output::{Colour, Format};

/// Administers an LLM Bridge.
#[derive(Debug, Parser)]
#[command(
    name = "bridge-admin",
    version,
    about,
    max_term_width = 100,
    propagate_version = true,
    infer_subcommands = false,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 not found, 4 not allowed, 5 changed \
                  meanwhile or there already, 6 hub unreachable, 7 a check found something, 130 interrupted."
)]
pub(crate) struct Arguments {
    /// What can be said to every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be said to every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The hub's address [default: the profile's, else http://127.0.0.1:8000].
    #[arg(
        long,
        global = true,
        env = "BRIDGE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) url: Option<String>,
    /// Which profile to use: a hub and who one is there.
    #[arg(
        long,
        global = true,
        env = "BRIDGE_PROFILE",
        value_name = "NAME",
        hide_env_values = true
    )]
    pub(crate) profile: Option<String>,
    /// Only from the environment: arguments can be seen by others.
    #[arg(skip = std::env::var("BRIDGE_TOKEN").ok().filter(|token| !token.is_empty()))]
    pub(crate) token: Option<String>,
    /// The form of what is shown.
    #[arg(
        long,
        short,
        global = true,
        env = "BRIDGE_OUTPUT",
        value_enum,
        default_value_t,
        value_name = "FORM",
        hide_env_values = true
    )]
    pub(crate) output: Format,
    /// The columns to show: titles, or members of the JSON form such as `limits.rpm`.
    #[arg(long, global = true, value_delimiter = ',', value_name = "LIST")]
    pub(crate) columns: Vec<String>,
    /// Tables without a head.
    #[arg(long, global = true)]
    pub(crate) no_headers: bool,
    /// Say nothing but what was asked for.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Tell each call on standard error.
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Colours [NO_COLOR is obeyed].
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Colour,
    /// Do destructive things without asking.
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
    /// Never ask: what is missing is an error.
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// Show what would be sent, and send nothing that writes.
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// How long an answer may take, such as `30s` or `2m`.
    #[arg(long, global = true, value_parser = span, default_value = "30s", value_name = "TIME")]
    pub(crate) timeout: Duration,
}

/// A time such as `2s`; a bare number is seconds.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let with_unit = match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => format!("{text}s"),
        false => text.to_owned(),
    };
    let ms = crate::moment::parse_span(&with_unit).and_then(|ms| u64::try_from(ms).ok());
    match ms {
        Some(0) | None => Err("write it like 30s, 15m, 24h".to_owned()),
        Some(ms) => Ok(Duration::from_millis(ms)),
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Log in to a hub and remember it.
    Login(commands::login::Login),
    /// Log out, here and at the hub.
    Logout,
    /// Who one is.
    Whoami,
    /// Hubs and log-ins that are remembered.
    #[command(subcommand, visible_alias = "profiles")]
    Profile(commands::profile::Verb),
    /// Where requests go: providers of models.
    #[command(subcommand, visible_alias = "provider")]
    Providers(commands::providers::Verb),
    /// What clients can ask for.
    #[command(subcommand, visible_alias = "model")]
    Models(commands::models::Verb),
    /// What providers are called with: upstream keys.
    #[command(subcommand, visible_alias = "key")]
    Keys(commands::keys::Verb),
    /// Keys that providers and routes share.
    #[command(subcommand, visible_alias = "pool")]
    Pools(commands::pools::Verb),
    /// The rules that decide where requests go.
    #[command(subcommand, visible_alias = "route")]
    Routes(commands::routes::Verb),
    /// Names for models.
    #[command(subcommand, visible_alias = "alias")]
    Aliases(commands::aliases::Verb),
    /// A big, a middle and a small model under one name.
    #[command(subcommand, visible_alias = "preset")]
    Presets(commands::presets::Verb),
    /// Put other models behind `opus`, `sonnet` and `haiku`.
    Switch(commands::switch::Switch),
    /// What clients call the hub with: client keys.
    #[command(subcommand, visible_alias = "api-key")]
    ApiKeys(commands::api_keys::Verb),
    /// People who administer the hub or have keys of it.
    #[command(subcommand, visible_alias = "user")]
    Users(commands::users::Verb),
    /// Where one is logged in oneself.
    #[command(subcommand, visible_alias = "session")]
    Sessions(commands::sessions::Verb),
    /// What came through, what it took, what it cost.
    #[command(subcommand, visible_alias = "stat")]
    Stats(commands::stats::Verb),
    /// Requests, one by one.
    #[command(subcommand, visible_alias = "log")]
    Logs(commands::logs::Verb),
    /// What was said through the hub and kept there.
    #[command(subcommand, visible_alias = "conversation")]
    Conversations(commands::conversations::Verb),
    /// How providers are.
    #[command(subcommand)]
    Health(commands::health::Verb),
    /// Settings, and the whole configuration as a document.
    #[command(subcommand)]
    Config(commands::config::Verb),
    /// Who changed what.
    #[command(subcommand)]
    Audit(commands::audit::Verb),
    /// The hub's database.
    #[command(subcommand)]
    Db(commands::system::Database),
    /// Copies of the hub's database.
    #[command(subcommand, visible_alias = "backups")]
    Backup(commands::backup::Verb),
    /// What runs here and there.
    Version,
    /// Call the admin API itself.
    Api(commands::api::Api),
    /// Send a client to the hub: what to set in Claude Code, Codex, Gemini CLI, Qwen Code, or in the environment.
    Setup(commands::setup::Setup),
    /// The hub on a whole terminal: status, models, live requests, conversations, logs, keys, a configuration test.
    Tui,
    /// Live traffic, streams and keys on a whole terminal.
    Top,
    /// Talk to a model through the hub, in any dialect.
    Chat(commands::chat::Chat),
    /// Completions for a shell.
    Completions(commands::completions::Completions),
    /// Manual pages, into a folder.
    Man(commands::completions::Man),
    /// What a request becomes in another dialect; offline.
    Translate(commands::translate::Translate),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_have_units() {
        assert_eq!(span("2"), Ok(Duration::from_secs(2)));
        assert_eq!(span("15m"), Ok(Duration::from_secs(900)));
        assert!(span("0").is_err() && span("-1s").is_err() && span("").is_err());
    }
}
