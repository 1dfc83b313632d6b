//! The commands: a file per noun. Each says what its verbs take and does them through the session.

pub(crate) mod api;
pub(crate) mod login;
pub(crate) mod migrate_from;
pub(crate) mod profile;
pub(crate) mod providers;
pub(crate) mod setup;
pub(crate) mod tail;
pub(crate) mod translate;

use crate::arguments::{Arguments, Command};
use crate::failure::Ended;
use crate::session::{Session, console};

/// All resources, for what holds for each of them.
#[cfg(test)]
pub(crate) const RESOURCES: &[crate::resource::Resource] = &[providers::PROVIDERS];

/// Does what the command line says.
pub(crate) async fn run(arguments: Arguments) -> Ended {
    let Arguments { global, command } = arguments;
    // A log-in may name a profile that is still to be made.
    if let Command::Login(login) = &command {
        return login.run(&global).await;
    }
    // Works without a hub, and without a home to keep profiles in.
    if let Command::Translate(translate) = &command {
        return translate.run(&console(&global));
    }
    if let Command::MigrateFrom(migrate) = &command {
        return migrate.run(&console(&global));
    }
    let session = Session::open(&global)?;
    let session = &session;
    match &command {
        Command::Login(_) | Command::Translate(_) | Command::MigrateFrom(_) => Ok(()),
        Command::Logout => login::logout(session).await,
        Command::Whoami => login::whoami(session).await,
        Command::Profile(verb) => profile::run(session, verb),
        Command::Providers(verb) => providers::run(session, verb).await,
        Command::Api(api) => api.run(session).await,
        Command::Setup(setup) => setup.run(session).await,
        Command::Tail(tail) => tail.run(session).await,
    }
}
