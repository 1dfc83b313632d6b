//! `config migrate-from`: the configuration of an older gateway as an `app.yml`. Offline.

use clap::Args;

use crate::failure::{Ended, Failure};
use crate::input;
use crate::migrate::Origin;
use crate::output::Console;

/// Whose configuration, and where it is.
#[derive(Args, Debug)]
#[command(
    after_help = "What could not be carried over stands as comments in the file.\n\nExamples:\n  \
    bridge-admin config migrate-from litellm -f config.yaml > app.yml && bridge check --config app.yml\n  \
    bridge-admin config migrate-from claude-code-router -f ~/.claude-code-router/config.json"
)]
pub(crate) struct MigrateFrom {
    /// Whose configuration it is.
    #[arg(value_enum)]
    origin: Origin,
    /// The file; `-` reads standard input.
    #[arg(long, short, value_name = "FILE")]
    file: String,
}

impl MigrateFrom {
    /// Writes it anew.
    pub(crate) fn run(&self, console: &Console) -> Ended {
        let text = input::text(&self.file)?;
        let path = &self.file;
        let draft = self
            .origin
            .migrate(&text)
            .map_err(|why| Failure::usage(format!("{path}: {why}")))?;
        let origin = clap::ValueEnum::to_possible_value(&self.origin);
        let origin = origin.map_or_else(String::new, |value| value.get_name().to_owned());
        let yaml = draft
            .yaml(&origin)
            .map_err(|error| Failure::failed(error.to_string()))?;
        console.text(&yaml)?;
        match draft.remarks() {
            0 => console.note("everything was carried over"),
            1 => console.note("1 thing was not carried over: see the comment"),
            more => console.note(&format!(
                "{more} things were not carried over: see the comments"
            )),
        }
        if draft.has_secret() {
            console.warn("keys stand in it as they are: let nobody else read the file, or put them into the environment");
        }
        Ok(())
    }
}
