//! The settings of clients: which members of which files send them to a hub, how a file is changed without touching
//! anything else in it, and how that is taken back. Knows the files of clients, and nothing of the hub but its address.

pub(crate) mod change;
pub(crate) mod client;
mod dotenv;
mod jsonc;
pub(crate) mod replacement;
mod toml;

use crate::failure::{Ended, Failure};

/// A member of a file and what it is to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Setting {
    /// The names on the way to it.
    pub(crate) path: Vec<&'static str>,
    /// Its value.
    pub(crate) value: String,
    /// Whether nobody is to see it.
    pub(crate) is_secret: bool,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Syntax {
    /// JSON, in which comments and trailing commas are let stand.
    Json,
    /// TOML.
    Toml,
    /// `NAME=value` lines.
    Dotenv,
}

impl Syntax {
    /// The text with the settings in it and everything else as it was. What comes out has been read again.
    pub(crate) fn set(self, text: &str, settings: &[Setting]) -> Ended<String> {
        if settings.is_empty() {
            return Ok(text.to_owned());
        }
        let made = match self {
            Self::Json => jsonc::set(text, settings),
            Self::Toml => toml::set(text, settings),
            Self::Dotenv => dotenv::set(text, settings),
        };
        let made = made.map_err(Failure::failed)?;
        for setting in settings {
            let read = self.get(&made, &setting.path);
            if read.as_deref() != Some(setting.value.as_str()) {
                let name = setting.path.join(".");
                return Err(Failure::failed(format!(
                    "`{name}` did not come out as it went in"
                )));
            }
        }
        Ok(made)
    }

    /// A member that is text.
    pub(crate) fn get(self, text: &str, path: &[&str]) -> Option<String> {
        match self {
            Self::Json => jsonc::get(text, path),
            Self::Toml => toml::get(text, path),
            Self::Dotenv => dotenv::get(text, path.last()?),
        }
    }
}
