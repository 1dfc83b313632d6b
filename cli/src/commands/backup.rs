//! `backup`: copies of the hub's database. The hub makes them; here they are written into a file.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::client::Call;
use crate::endpoints;
use crate::failure::{Ended, Failure};
use crate::moment;
use crate::output::is_watched;
use crate::session::Session;

/// What can be done with copies.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Copy the whole database, while the hub works on. Keep the hub's key with it: without that, secrets stay sealed.
    Create {
        /// Where to write it, a new file; `-` is standard output [default: bridge-TIME.db].
        #[arg(long, short = 'O', value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    let Verb::Create { out } = verb;
    let call = endpoints::BACKUP.call(&[]);
    if session.is_dry() {
        return session.write(&call).await.map(drop);
    }
    let path = out.clone().unwrap_or_else(usual_path);
    if path == Path::new("-") {
        if is_watched() {
            return Err(Failure::usage("a database is nothing for a terminal")
                .next("name a file with --out, or send standard output somewhere"));
        }
        return copy(session, &call, &mut std::io::stdout()).await.map(drop);
    }
    // Opened first: a file that is there already is no reason to copy a database.
    let mut file = private(&path)?;
    match copy(session, &call, &mut file).await {
        Ok(bytes) => {
            file.sync_all()?;
            session.console.note(&format!(
                "{bytes} bytes are in {}; keep the key of the hub too, in another place",
                path.display()
            ));
            Ok(())
        }
        Err(failure) => {
            drop(file);
            // Half of a database is none.
            let _ = std::fs::remove_file(&path);
            Err(failure)
        }
    }
}

async fn copy(session: &Session, call: &Call, out: &mut impl Write) -> Ended<u64> {
    let mut response = session.client.open(call).await?;
    let mut bytes = 0;
    while let Some(chunk) = session.client.chunk(&mut response).await? {
        out.write_all(&chunk)?;
        bytes += chunk.len() as u64;
    }
    out.flush()?;
    Ok(bytes)
}

fn usual_path() -> PathBuf {
    let now = moment::rfc3339(moment::now_ms()).unwrap_or_default();
    let digits: String = now.chars().filter(char::is_ascii_digit).take(14).collect();
    PathBuf::from(format!("bridge-{digits}.db"))
}

/// A new file for its owner alone: the people of the hub and what they said are in it.
fn private(path: &Path) -> Ended<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| {
        Failure::usage(format!("{}: {error}", path.display())).next("name a new file with --out")
    })
}
