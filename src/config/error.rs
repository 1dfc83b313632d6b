//! Errors of configuration: where, what, and how to mend it. Never a secret.

use std::fmt;

use super::Place;

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct ConfigError {
    /// Where it stands.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub fix: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)?;
        if self.fix.is_empty() {
            Ok(())
        } else {
            write!(f, "; {}", self.fix)
        }
    }
}

/// Everything that is wrong, in the order found.
#[derive(Clone, Debug, Default)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// Notes an error.
    pub fn push(&mut self, place: &Place, what: impl Into<String>, fix: impl Into<String>) {
        self.0.push(ConfigError {
            place: place.clone(),
            what: what.into(),
            fix: fix.into(),
        });
    }

    /// The value, if nothing is wrong.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
