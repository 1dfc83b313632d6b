//! `bridge-admin`, the command line of a hub: reads the arguments, hands over to a command, says how it ended.
//! Everything goes through the admin API; it never touches the hub's database or files.

mod arguments;
mod chat;
mod client;
mod commands;
#[cfg(test)]
mod contract;
mod data_plane;
mod endpoints;
mod entry;
mod events;
mod failure;
mod input;
mod migrate;
mod moment;
mod output;
mod profile;
mod resource;
mod secret;
mod session;
mod setup;
mod tui;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use crate::arguments::Arguments;
use crate::failure::{Failure, Kind};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => match offered(&error) {
            Some(arguments) => arguments,
            None => return unread(&error),
        },
    };
    let is_json = arguments.global.output == output::Format::Json;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(commands::run(arguments)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => tell(&failure, is_json),
    }
}

/// Whether nothing was said at all. Variables of the environment count as arguments to the parser.
fn is_bare(error: &clap::Error) -> bool {
    let is_without = matches!(
        error.kind(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
    );
    is_without && std::env::args_os().len() == 1
}

/// The terminal interface, for those who sit at a terminal and name no command.
fn offered(error: &clap::Error) -> Option<Arguments> {
    if !is_bare(error) || !output::is_watched() || !std::io::stdin().is_terminal() {
        return None;
    }
    let asked = inquire::Confirm::new("Show the hub on this terminal (bridge-admin tui)?")
        .with_default(true)
        .with_help_message("n lists the commands")
        .prompt();
    match asked {
        Ok(true) => Arguments::try_parse_from(["bridge-admin", "tui"]).ok(),
        Ok(false) | Err(_) => None,
    }
}

/// A command line that cannot be read; help and version are no failures.
fn unread(error: &clap::Error) -> ExitCode {
    let wants_json = {
        let words: Vec<String> = std::env::args().collect();
        let by_flag = words
            .windows(2)
            .any(|pair| matches!(pair[0].as_str(), "-o" | "--output") && pair[1] == "json");
        by_flag
            || words
                .iter()
                .any(|word| matches!(word.as_str(), "-ojson" | "-o=json" | "--output=json"))
            || std::env::var("BRIDGE_OUTPUT").is_ok_and(|form| form == "json")
    };
    if error.use_stderr() && wants_json {
        let words = error.to_string();
        let what = words
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        return tell(&Failure::new(Kind::Usage, what), true);
    }
    if is_bare(error) {
        output::tell(&Arguments::command().render_help().to_string());
        return ExitCode::from(Kind::Usage as u8);
    }
    // Nothing is left to tell it to when the output is closed.
    let _ = error.print();
    match error.use_stderr() {
        true => ExitCode::from(Kind::Usage as u8),
        false => ExitCode::SUCCESS,
    }
}

fn tell(failure: &Failure, is_json: bool) -> ExitCode {
    if failure.is_quiet() {
        return match failure.kind() {
            Kind::Interrupted => failure.exit_code(),
            _ => ExitCode::SUCCESS,
        };
    }
    if is_json {
        output::tell(&failure.to_json().to_string());
    } else {
        output::tell(&format!("bridge-admin: {failure}"));
    }
    failure.exit_code()
}
