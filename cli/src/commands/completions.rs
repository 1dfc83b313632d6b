//! `completions` and `man`: what shells and readers of manuals know of the command line, made from its own definition.
//! Offline.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::failure::{Ended, Failure};
use crate::output::Console;

/// For which shell.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  bridge-admin completions bash > ~/.local/share/bash-completion/completions/bridge-admin\n  \
    bridge-admin completions zsh > ~/.zfunc/_bridge-admin\n  \
    bridge-admin completions fish > ~/.config/fish/completions/bridge-admin.fish"
)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Writes them.
    pub(crate) fn run(&self, console: &Console) -> Ended {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Arguments::command(),
            "bridge-admin",
            &mut script,
        );
        console.text(&String::from_utf8_lossy(&script))
    }
}

/// Where to.
#[derive(Args, Debug)]
pub(crate) struct Man {
    /// A folder; a page for each command is written there.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Man {
    /// Writes them.
    pub(crate) fn run(&self, console: &Console) -> Ended {
        let failure = |path: &Path, error: std::io::Error| {
            Failure::failed(format!("{}: {error}", path.display()))
        };
        std::fs::create_dir_all(&self.folder).map_err(|error| failure(&self.folder, error))?;
        clap_mangen::generate_to(Arguments::command(), &self.folder)
            .map_err(|error| failure(&self.folder, error))?;
        let folder = self.folder.display();
        console.note(&format!(
            "written to {folder}; read with `man -l {folder}/bridge-admin.1`"
        ));
        Ok(())
    }
}
