//! Variables: the process's own, over those of a `.env` file.

use std::collections::BTreeMap;
use std::fmt;

use super::{ConfigErrors, Place};

/// Variables by name. Values may be secrets and are never printed.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The process's own variables; those that are not UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let pairs = std::env::vars_os();
        pairs
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Adds the variables of a `.env` file below those that are there.
    pub(super) fn add_below(&mut self, file: &str, text: &str, errors: &mut ConfigErrors) {
        for (index, line) in text.lines().enumerate() {
            match entry(line) {
                Ok(None) => {}
                Ok(Some((name, value))) => {
                    // An empty variable counts as unset, so the file may still speak.
                    let current = self.variables.entry(name).or_default();
                    if current.is_empty() {
                        *current = value;
                    }
                }
                Err(what) => {
                    errors.push(&Place::line_of(file, index + 1), what, "write NAME=value");
                }
            }
        }
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self {
            variables: pairs.into_iter().collect(),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// One line of a `.env` file.
fn entry(line: &str) -> Result<Option<(String, String)>, &'static str> {
    let line = line.trim_start_matches('\u{feff}').trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    let (name, value) = line.split_once('=').ok_or("not a variable")?;
    let name = name.trim_end();
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(legal)
    {
        return Err("not a variable name");
    }
    Ok(Some((name.to_owned(), unquoted(value.trim())?)))
}

fn unquoted(value: &str) -> Result<String, &'static str> {
    match value.chars().next() {
        Some('\'') => {
            let (inner, _) = value[1..]
                .split_once('\'')
                .ok_or("the quote is not closed")?;
            Ok(inner.to_owned())
        }
        Some('"') => double_quoted(&value[1..]),
        _ => {
            // A comment begins with a # after a space.
            let end = value
                .find(" #")
                .or_else(|| value.starts_with('#').then_some(0))
                .unwrap_or(value.len());
            Ok(value[..end].trim_end().to_owned())
        }
    }
}

fn double_quoted(rest: &str) -> Result<String, &'static str> {
    let mut text = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(text),
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    Err("the quote is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_env_files_below_the_process() {
        let mut errors = ConfigErrors::default();
        let mut environment: Environment = [
            ("A".to_owned(), "process".to_owned()),
            ("E".to_owned(), String::new()),
        ]
        .into_iter()
        .collect();
        let text = "# c\nA=file\nexport B = 'x # y'\nC=\"l1\\nl2\" # c\nD=v # c\nE=e\nURL=http://h/#x\n1X=2\nnope\nQ='x";
        environment.add_below(".env", text, &mut errors);
        for (name, want) in [
            ("A", "process"),
            ("B", "x # y"),
            ("C", "l1\nl2"),
            ("D", "v"),
            ("E", "e"),
            ("URL", "http://h/#x"),
        ] {
            assert_eq!(environment.get(name), Some(want), "{name}");
        }
        let told: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with(".env:8: "), "{told:?}");
        assert!(!format!("{environment:?}").contains("process"));
    }
}
