//! What client keys spent and a hub that stops could not write down: a file beside the database, which the next start
//! takes up.
//!
//! Whoever removes the file has its amounts, so that of several hubs in one folder one counts them. A process that is
//! killed between that and its first round loses them, as it loses all that it has settled since its last round.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::pool::limits::{Delta, Due, Period};
use crate::store::new_id;
use crate::store::spend::Increment;

const PREFIX: &str = "spending.";
const SUFFIX: &str = ".waiting.json";

/// Leaves amounts in a folder; says in which file.
///
/// # Errors
/// When the disk does not take them; then there is no file.
pub(super) fn leave(folder: &Path, due: &[Due]) -> io::Result<PathBuf> {
    let amounts: Vec<_> = due.iter().map(Increment::from).collect();
    let text = serde_json::to_vec(&amounts)?;
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{PREFIX}{}{SUFFIX}", new_id()));
    // Under another name until it is whole.
    let making = path.with_extension("making");
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // What somebody spends is nobody else's business.
        options.mode(0o600);
    }
    let mut file = options.open(&making)?;
    let written = file.write_all(&text).and_then(|()| file.sync_all());
    let kept = written.and_then(|()| fs::rename(&making, &path));
    if kept.is_err() {
        // Half of it would be taken for nothing by everybody, and is of no use.
        let _ = fs::remove_file(&making);
    }
    kept.map(|()| path)
}

/// Takes up what was left in a folder. A file that cannot be read stays, and is told.
pub(super) fn take_up(folder: &Path) -> Vec<Due> {
    let mut due = Vec::new();
    for path in files(folder) {
        match taken(&path) {
            Ok(amounts) => due.extend(amounts),
            // Another hub was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(
                %error,
                "{} cannot be taken up: what client keys spent before the last stop is not counted",
                path.display()
            ),
        }
    }
    due
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
    };
    paths.filter(ours).collect()
}

fn taken(path: &Path) -> io::Result<Vec<Due>> {
    let amounts: Vec<Increment> = serde_json::from_slice(&fs::read(path)?)?;
    let due = amounts.into_iter().map(Due::try_from);
    let due = due.collect::<Result<_, _>>()?;
    fs::remove_file(path)?;
    Ok(due)
}

impl TryFrom<Increment> for Due {
    type Error = io::Error;

    fn try_from(amount: Increment) -> io::Result<Self> {
        let period = Period::parse(&amount.period)
            .ok_or_else(|| io::Error::other(format!("`{}` is no period", amount.period)))?;
        let delta = Delta {
            nano_usd: amount.nano_usd,
            tokens: amount.tokens,
            requests: amount.requests,
        };
        if [delta.nano_usd, delta.tokens, delta.requests]
            .iter()
            .any(|one| *one < 0)
        {
            return Err(io::Error::other("an amount is negative"));
        }
        Ok(Self {
            key: amount.client_key_id.into(),
            period,
            delta,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_taken_up_once_and_files_that_cannot_be_read_stay() {
        let folder = std::env::temp_dir().join(format!("bridge-spending-{}", new_id()));
        assert!(take_up(&folder).is_empty(), "no folder yet");
        let due: Vec<_> = ["2026-11-21", "2026-11"]
            .map(|period| Due {
                key: "ci".into(),
                period: Period::parse(period).expect("a period"),
                delta: Delta {
                    nano_usd: 5,
                    tokens: 3,
                    requests: 1,
                },
            })
            .into();
        let (one, two) = (
            leave(&folder, &due).expect("left"),
            leave(&folder, &due).expect("left"),
        );
        assert_ne!(one, two);
        let names = [
            "spending.a.waiting.json",
            "spending.b.waiting.json",
            "app.db",
            "spending.c.waiting.making",
        ];
        let negative =
            r#"[{"client_key_id":"ci","period":"2026-11","nano_usd":-5,"tokens":0,"requests":0}]"#;
        for (name, text) in names.into_iter().zip(["[{", negative, "[]", "[]"]) {
            fs::write(folder.join(name), text).expect("written");
        }
        let taken = take_up(&folder);
        assert_eq!(taken, [&due[..], &due[..]].concat());
        assert!(take_up(&folder).is_empty(), "once");
        for name in names {
            assert!(folder.join(name).exists(), "{name}");
        }
        fs::remove_dir_all(&folder).expect("removed");
    }
}
