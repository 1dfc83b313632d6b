//! The executable: reads the command line and hands over to the library.

mod administration;
mod check;
mod database;
mod live_settings;
mod openapi;
mod ready;
mod serve;
mod translate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Many small pieces live as long as a request does; what a burst of streams took goes back to the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// LLM Bridge: any LLM client to any LLM provider.
#[derive(Debug, Parser)]
#[command(name = "bridge", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the hub.
    Serve(serve::Arguments),
    /// Read the configuration and say what is wrong with it.
    Check {
        /// The configuration file [default: config/app.yml where it exists].
        #[arg(long, short)]
        config: Option<PathBuf>,
    },
    /// Bring the database's schema up to date, or back.
    Migrate(database::Migrate),
    /// Change the key that secrets in the database are kept under; the new one comes from standard input
    /// or `NEW_ENCRYPTION_KEY`.
    RotateKey {
        /// The configuration file [default: config/app.yml where it exists].
        #[arg(long, short)]
        config: Option<PathBuf>,
    },
    /// Ask the hub on this machine whether it takes requests: exit 0 when it does.
    Ready {
        /// The configuration file [default: config/app.yml where it exists].
        #[arg(long, short)]
        config: Option<PathBuf>,
    },
    /// Write the OpenAPI document of the admin API.
    Openapi {
        /// The file to write [default: standard output].
        #[arg(long, short)]
        out: Option<PathBuf>,
    },
    /// Show what a translation makes of a request, without sending anything.
    Translate(translate::Arguments),
}

fn main() -> ExitCode {
    let ended = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Check { config } => check::run(config),
        Command::Migrate(arguments) => database::migrate(arguments),
        Command::RotateKey { config } => database::rotate_key(config),
        Command::Ready { config } => ready::run(config),
        Command::Openapi { out } => openapi::run(out),
        Command::Translate(arguments) => return translate::run(&arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let words = format!("bridge: {error:#}\n");
            // Nothing is left to tell it to when standard error is closed.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), words.as_bytes());
            ExitCode::FAILURE
        }
    }
}
