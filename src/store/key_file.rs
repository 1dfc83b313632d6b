//! The operator's key: given, or kept in a file that only its owner can read.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::vault::random;
use super::{StoreError, StoreOptions};
use crate::config::Secret;

/// Shorter keys can be guessed.
const SHORTEST: usize = 32;

/// The operator's key and where it is kept.
pub(super) struct OperatorKey {
    given: Option<Secret>,
    pub(super) path: PathBuf,
}

impl OperatorKey {
    /// The key of these options. The file lies beside an SQLite database, else below `data`.
    pub(super) fn of(options: &StoreOptions, database: Option<&Path>) -> Result<Self, StoreError> {
        let given = options.encryption_key.clone();
        if given
            .as_ref()
            .is_some_and(|key| key.expose().len() < SHORTEST)
        {
            return Err(StoreError::WeakKey);
        }
        let path = database.map_or_else(
            || PathBuf::from("data/bridge.key"),
            |database| database.with_extension("key"),
        );
        Ok(Self { given, path })
    }

    /// The key that is there.
    pub(super) fn existing(&self) -> Result<Secret, StoreError> {
        if let Some(given) = &self.given {
            return Ok(given.clone());
        }
        if !self.path.exists() {
            return Err(StoreError::LostKey(self.path.clone()));
        }
        refuse_exposed(&self.path)?;
        let mut text = String::new();
        std::fs::File::open(&self.path)
            .and_then(|mut file| file.read_to_string(&mut text))
            .map_err(|error| StoreError::File {
                path: self.path.clone(),
                error,
            })?;
        let text = text.trim();
        if text.len() < SHORTEST {
            return Err(StoreError::WrongKey(self.path.clone()));
        }
        Ok(Secret::new(text))
    }

    /// The key that is there, or a new one in a new file.
    pub(super) fn existing_or_new(&self) -> Result<Secret, StoreError> {
        if self.given.is_some() || self.path.exists() {
            return self.existing();
        }
        let key = BASE64.encode(*random());
        let mut file = private_file(&self.path)?;
        file.write_all(format!("{key}\n").as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| StoreError::File {
                path: self.path.clone(),
                error,
            })?;
        Ok(Secret::new(key))
    }
}

/// Makes a file, and its folder, that only its owner can read. It must not be there yet.
pub(super) fn private_file(path: &Path) -> Result<std::fs::File, StoreError> {
    let failed = |error| StoreError::File {
        path: path.to_owned(),
        error,
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(failed)
}

/// Refuses a file that others can read.
pub(super) fn refuse_exposed(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let meta = std::fs::metadata(path).map_err(|error| StoreError::File {
            path: path.to_owned(),
            error,
        })?;
        if meta.permissions().mode() & 0o077 != 0 {
            return Err(StoreError::Exposed(path.to_owned()));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
