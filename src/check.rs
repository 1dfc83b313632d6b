//! `bridge check`: reads the configuration as `serve` would, and says what it found.

use std::io::Write as _;
use std::path::PathBuf;

use bridge::config::{self, LoadOptions};
use bridge::snapshot::Snapshot;

/// Checks the configuration.
pub(crate) fn run(config: Option<PathBuf>) -> anyhow::Result<()> {
    let settings = config::load(&LoadOptions::of_process(config))?;
    Snapshot::build(&settings, 1)?;
    let mut out = std::io::stdout().lock();
    for warning in &settings.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    write!(out, "{}", config::describe(&settings))?;
    writeln!(out, "the configuration is sound")?;
    Ok(())
}
