//! Profiles: which hubs there are and who is logged in to each, in one file that only its owner can read. Knows no
//! HTTP.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Ended, Failure};

/// The profile of those who name none.
pub(crate) const USUAL: &str = "default";

/// A log-in, as the hub gave it.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Login {
    /// Carried by every call.
    pub(crate) access_token: String,
    /// When the access token ends, in milliseconds since 1970.
    pub(crate) expires_at: i64,
    /// Gets another access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
}

/// A hub, and who one is there.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(crate) struct Profile {
    /// Its address.
    pub(crate) url: String,
    /// Who logged in, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    /// A key to talk to models with, where one is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_key: Option<String>,
    /// The log-in, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) login: Option<Login>,
}

/// All profiles.
#[derive(Default, Deserialize, Serialize)]
pub(crate) struct Profiles {
    /// The one in use where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// By name.
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, Profile>,
}

/// The file.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    path: PathBuf,
}

impl Store {
    /// Where `BRIDGE_ADMIN_CONFIG` says, else where the system keeps settings of its users.
    pub(crate) fn of_environment() -> Ended<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(path) = variable("BRIDGE_ADMIN_CONFIG") {
            return Ok(Self { path: path.into() });
        }
        let folder = variable("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")))
            .or_else(|| variable("APPDATA").map(PathBuf::from))
            .ok_or_else(|| {
                Failure::failed("there is no home to keep profiles in")
                    .next("set BRIDGE_ADMIN_CONFIG to the path of a file")
            })?;
        Ok(Self {
            path: folder.join("llm-bridge").join("profiles.yml"),
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All profiles; none where there is no file yet.
    pub(crate) fn read(&self) -> Ended<Profiles> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Profiles::default());
            }
            Err(error) => return Err(self.failure(&error)),
        };
        serde_yaml::from_str(&text).map_err(|error| {
            Failure::failed(format!("{}: {error}", self.path.display()))
                .next("mend the file, or remove it and log in again")
        })
    }

    /// Changes the profiles while nobody else does.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Profiles) -> T) -> Ended<T> {
        let _lock = self.lock()?;
        let mut profiles = self.read()?;
        let made = change(&mut profiles);
        self.write(&profiles)?;
        Ok(made)
    }

    /// Keeps other processes from changing the file until it is dropped.
    pub(crate) fn lock(&self) -> Ended<File> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| self.failure(&error))?;
        }
        let file = owners_alone()
            .truncate(false)
            .open(self.path.with_extension("lock"))
            .map_err(|error| self.failure(&error))?;
        file.lock().map_err(|error| self.failure(&error))?;
        Ok(file)
    }

    /// Writes all of it, or nothing. The lock is the caller's.
    pub(crate) fn write(&self, profiles: &Profiles) -> Ended<()> {
        let text =
            serde_yaml::to_string(profiles).map_err(|error| Failure::failed(error.to_string()))?;
        let draft = self.path.with_extension("new");
        // A draft that a killed process left may be readable by others.
        match std::fs::remove_file(&draft) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(self.failure(&error));
            }
            _ => {}
        }
        let written = owners_alone()
            .create_new(true)
            .open(&draft)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&draft, &self.path));
        written.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &std::io::Error) -> Failure {
        Failure::failed(format!("{}: {error}", self.path.display()))
    }
}

fn owners_alone() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_the_owners_alone_and_comes_back() {
        let folder = std::env::temp_dir().join(format!("bridge-profiles-{}", std::process::id()));
        let store = Store {
            path: folder.join("deep").join("profiles.yml"),
        };
        store
            .change(|profiles| {
                let url = "http://hub".to_owned();
                let profile = Profile {
                    url,
                    ..Profile::default()
                };
                profiles.profiles.insert("one".to_owned(), profile);
            })
            .expect("a writable folder");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&store.path)
                .expect("written")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let read = store.read().expect("what was written");
        assert_eq!(read.profiles["one"].url, "http://hub");
        std::fs::remove_dir_all(folder).expect("it was made here");
    }
}
