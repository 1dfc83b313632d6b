//! `bridge openapi`: the document of the admin API.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

/// Writes it to a file, else to standard output.
pub(crate) fn run(out: Option<PathBuf>) -> anyhow::Result<()> {
    let document = format!("{}\n", bridge::admin::document());
    match out {
        Some(path) => std::fs::write(&path, document)
            .with_context(|| format!("{} cannot be written", path.display())),
        None => std::io::stdout()
            .write_all(document.as_bytes())
            .context("standard output cannot be written"),
    }
}
