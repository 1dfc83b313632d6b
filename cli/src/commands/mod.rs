//! The commands: a file per noun. Each says what its verbs take and does them through the session.

pub(crate) mod api;
pub(crate) mod login;
pub(crate) mod profile;
pub(crate) mod providers;

use crate::arguments::{Arguments, Command};
use crate::failure::Ended;
use crate::session::Session;

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
    let session = Session::open(&global)?;
    let session = &session;
    match &command {
        Command::Login(_) => Ok(()),
        Command::Logout => login::logout(session).await,
        Command::Whoami => login::whoami(session).await,
        Command::Profile(verb) => profile::run(session, verb),
        Command::Providers(verb) => providers::run(session, verb).await,
        Command::Api(api) => api.run(session).await,
    }
}
