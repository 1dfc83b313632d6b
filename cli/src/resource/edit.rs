//! Changing one in an editor: what can be written of it, as YAML, in a file that only its owner can read.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::change::Draft;
use super::{Change, Resource};
use crate::failure::{Ended, Failure, Kind};
use crate::input;
use crate::moment;
use crate::session::Session;

impl Resource {
    /// Shows one in an editor and writes what comes back, unless somebody else has changed it meanwhile.
    pub(crate) async fn edit(&self, session: &Session, name: &str) -> Ended {
        let draft = self.take(session, name, &Change::default()).await?;
        let mut shown = draft.body().clone();
        moment::spell(&mut shown);
        let before =
            serde_yaml::to_string(&shown).map_err(|error| Failure::failed(error.to_string()))?;
        let path = file(self.noun, &before)?;
        let edited = edited(&path, &before);
        let written = match edited {
            Ok(Some(document)) => self.send(session, name, draft, document).await,
            Ok(None) => {
                session
                    .console
                    .note(&format!("{} `{name}` is as it was", self.noun));
                Ok(())
            }
            Err(failure) => Err(failure),
        };
        let is_as_it_was = || std::fs::read_to_string(&path).is_ok_and(|text| text == before);
        match written {
            // Work that was not taken is not thrown away.
            Err(failure) if !is_as_it_was() => {
                Err(failure.next(format!("what you wrote is in {}", path.display())))
            }
            written => {
                // A file that cannot be removed holds nothing that is not at the hub.
                let _ = std::fs::remove_file(&path);
                written
            }
        }
    }

    async fn send(&self, session: &Session, name: &str, draft: Draft, document: Value) -> Ended {
        let draft = draft.rewritten(self.writable(document)?);
        self.replace(session, name, draft).await.map(drop)
    }
}

/// What came back; nothing where nothing was changed.
fn edited(path: &Path, before: &str) -> Ended<Option<Value>> {
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let editor = editor
        .filter(|editor| !editor.trim().is_empty())
        .unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program).args(words).arg(path).status();
    let status = status.map_err(|error| {
        Failure::usage(format!("the editor `{program}` does not start: {error}"))
            .next("name one in EDITOR")
    })?;
    if !status.success() {
        return Err(Failure::new(
            Kind::Failed,
            format!("the editor `{program}` ended with a failure"),
        ));
    }
    let path = path.display().to_string();
    let after = input::text(&path)?;
    if after == before {
        return Ok(None);
    }
    input::document(&path).map(Some)
}

fn file(noun: &str, text: &str) -> Ended<PathBuf> {
    let name = format!(
        "bridge-{}-{}-{}.yml",
        noun.replace(' ', "-"),
        std::process::id(),
        moment::now_ms()
    );
    let path = std::env::temp_dir().join(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path)?;
    file.write_all(text.as_bytes())?;
    Ok(path)
}
