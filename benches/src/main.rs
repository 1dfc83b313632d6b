//! The bench: a mock upstream, a minimal reverse proxy to compare with, a load generator that checks every
//! answer, and a runner that reads CPU time and memory from `/proc`.
//!
//! `bridge-bench run` prints the table; `make bench` builds what it needs first.

mod cases;
mod load;
mod mock;
mod process;
mod proxy;
mod report;
mod run;
mod train;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Speed and memory of the hub, beside minimal proxies")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the mock upstream.
    Mock {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:9100")]
        listen: std::net::SocketAddr,
    },
    /// Serve the minimal reverse proxy.
    Proxy {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:9101")]
        listen: std::net::SocketAddr,
        /// The upstream.
        #[arg(long, default_value = "127.0.0.1:9100")]
        upstream: std::net::SocketAddr,
    },
    /// Measure everything and print the table.
    Run(run::Options),
    /// Send what a profile-guided build learns from to a hub that counts.
    Train(train::Options),
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match cli.command {
        Command::Mock { listen } => runtime.block_on(mock::serve(listen)),
        Command::Proxy { listen, upstream } => runtime.block_on(proxy::serve(listen, upstream)),
        Command::Run(options) => runtime.block_on(run::run(&options)),
        Command::Train(options) => runtime.block_on(train::train(&options)),
    }
}
