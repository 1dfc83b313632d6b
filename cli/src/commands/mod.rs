//! The commands: a file per noun. Each says what its verbs take and does them through the session.

pub(crate) mod aliases;
pub(crate) mod api;
pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod backup;
mod catalogue;
pub(crate) mod chat;
pub(crate) mod completions;
pub(crate) mod config;
mod continuation;
pub(crate) mod conversations;
mod explanation;
pub(crate) mod health;
mod history;
pub(crate) mod keys;
mod log_entry;
pub(crate) mod login;
pub(crate) mod logs;
pub(crate) mod migrate_from;
pub(crate) mod models;
pub(crate) mod pools;
pub(crate) mod presets;
mod prices;
pub(crate) mod profile;
pub(crate) mod providers;
pub(crate) mod routes;
pub(crate) mod sessions;
pub(crate) mod setup;
pub(crate) mod stats;
pub(crate) mod switch;
pub(crate) mod system;
pub(crate) mod tail;
pub(crate) mod translate;
pub(crate) mod tui;
pub(crate) mod users;

use crate::arguments::{Arguments, Command};
use crate::failure::Ended;
use crate::session::{Session, console};
use crate::tui::Screen;

/// All resources, for what holds for each of them.
#[cfg(test)]
pub(crate) const RESOURCES: &[crate::resource::Resource] = &[
    providers::PROVIDERS,
    aliases::ALIASES,
    pools::POOLS,
    routes::ROUTES,
    presets::PRESETS,
    prices::PRICES,
    api_keys::API_KEYS,
    users::USERS,
    conversations::CONVERSATIONS,
];

/// Does what the command line says.
pub(crate) async fn run(arguments: Arguments) -> Ended {
    let Arguments { global, command } = arguments;
    // A log-in may name a profile that is still to be made.
    if let Command::Login(login) = &command {
        return login.run(&global).await;
    }
    // These work without a hub, and without a home to keep profiles in.
    match &command {
        Command::Translate(translate) => return translate.run(&console(&global)),
        Command::Config(config::Verb::MigrateFrom(migrate)) => {
            return migrate.run(&console(&global));
        }
        Command::Completions(completions) => return completions.run(&console(&global)),
        Command::Man(man) => return man.run(&console(&global)),
        _ => {}
    }
    let session = Session::open(&global)?;
    let session = &session;
    match &command {
        Command::Login(_) | Command::Translate(_) | Command::Completions(_) | Command::Man(_) => {
            Ok(())
        }
        Command::Logout => login::logout(session).await,
        Command::Whoami => login::whoami(session).await,
        Command::Profile(verb) => profile::run(session, verb),
        Command::Providers(verb) => providers::run(session, verb).await,
        Command::Models(verb) => models::run(session, verb).await,
        Command::Keys(verb) => keys::run(session, verb).await,
        Command::Pools(verb) => pools::run(session, verb).await,
        Command::Routes(verb) => routes::run(session, verb).await,
        Command::Aliases(verb) => aliases::run(session, verb).await,
        Command::Presets(verb) => presets::run(session, verb).await,
        Command::Switch(switch) => switch.run(session).await,
        Command::ApiKeys(verb) => api_keys::run(session, verb).await,
        Command::Users(verb) => users::run(session, verb).await,
        Command::Sessions(verb) => sessions::run(session, verb).await,
        Command::Stats(verb) => stats::run(session, verb).await,
        Command::Logs(verb) => logs::run(session, verb).await,
        Command::Conversations(verb) => conversations::run(session, verb).await,
        Command::Health(verb) => health::run(session, verb).await,
        Command::Config(verb) => config::run(session, verb).await,
        Command::Audit(verb) => audit::run(session, verb).await,
        Command::Db(verb) => system::database(session, verb).await,
        Command::Backup(verb) => backup::run(session, verb).await,
        Command::Version => system::version(session).await,
        Command::Api(api) => api.run(session).await,
        Command::Tui => tui::show(session, Screen::Status, global.color.holds()).await,
        Command::Top => tui::show(session, Screen::Top, global.color.holds()).await,
        Command::Chat(chat) => chat.run(session).await,
        Command::Setup(setup) => setup.run(session).await,
    }
}
