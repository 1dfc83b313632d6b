//! A file before and after: what a change makes of it, and how that looks. Pure but for reading the file.

use std::path::PathBuf;

use similar::TextDiff;

use super::client::Target;
use crate::failure::{Ended, Failure};

/// A file before and after.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What is in it; nothing where there is no file.
    pub(crate) before: Option<String>,
    /// What is to be in it; nothing where it is to go.
    pub(crate) after: Option<String>,
    /// Whether a key stands in it.
    pub(crate) has_secret: bool,
    /// What nobody is to see of it.
    secrets: Vec<String>,
}

impl Change {
    /// What a target makes of its file.
    pub(crate) fn of(target: &Target) -> Ended<Self> {
        let before = read(&target.path)?;
        let text = before.as_deref().unwrap_or_default();
        let after = target
            .syntax
            .set(text, &target.settings)
            .map_err(|failure| {
                Failure::failed(format!("{}: {failure}", target.path.display()))
                    .next("the file is as it was; mend it first")
            })?;
        let change = Self::between(target.path.clone(), before, Some(after));
        Ok(Self {
            has_secret: target.settings.iter().any(|setting| setting.is_secret),
            ..change.hiding(target)
        })
    }

    /// From one state of a file to another.
    pub(crate) fn between(path: PathBuf, before: Option<String>, after: Option<String>) -> Self {
        Self {
            path,
            before,
            after,
            has_secret: false,
            secrets: Vec::new(),
        }
    }

    /// With the keys of this target masked.
    #[must_use]
    pub(crate) fn hiding(mut self, target: &Target) -> Self {
        let texts = [&self.before, &self.after];
        self.secrets = texts
            .into_iter()
            .flatten()
            .flat_map(|text| target.kept_keys(text))
            .filter(|secret| secret.len() > 3)
            .collect();
        self
    }

    /// Whether anything changes.
    pub(crate) fn is_change(&self) -> bool {
        self.before != self.after
    }

    /// The lines that change, with keys masked.
    pub(crate) fn diff(&self) -> String {
        let shown = |text: &Option<String>| {
            let text = text.clone().unwrap_or_default();
            self.secrets
                .iter()
                .fold(text, |text, secret| text.replace(secret, &masked(secret)))
        };
        let (before, after) = (shown(&self.before), shown(&self.after));
        let name = self.path.display().to_string();
        let old = if self.before.is_some() {
            &name
        } else {
            "/dev/null"
        };
        let new = if self.after.is_some() {
            &name
        } else {
            "/dev/null"
        };
        if before == after {
            // A key in the place of another looks the same when both are masked.
            return format!("--- {old}\n+++ {new}\n the key alone changes\n");
        }
        TextDiff::from_lines(before.as_str(), after.as_str())
            .unified_diff()
            // What stands around it in such files is secret too.
            .context_radius(0)
            .header(old, new)
            .to_string()
    }
}

/// A file's text, where there is such a file.
pub(crate) fn read(path: &std::path::Path) -> Ended<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::failed(format!("{}: {error}", path.display()))),
    }
}

/// The beginning and the end of a key.
pub(crate) fn masked(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    if letters.len() < 16 {
        return "***".to_owned();
    }
    let head: String = letters[..5].iter().collect();
    let tail: String = letters[letters.len() - 4..].iter().collect();
    format!("{head}***{tail}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::client::{Client, Wish};
    use super::*;

    #[test]
    fn neither_keys_nor_what_stands_beside_them_is_shown() {
        let wish = Wish {
            url: "http://hub".to_owned(),
            key: None,
            model: Some("sonnet".to_owned()),
            small_model: None,
        };
        let targets = Client::Env.targets(Path::new("."), &wish);
        let keys = ["OPENAI", "ANTHROPIC", "GEMINI"].map(|name| format!("{name}_API_KEY"));
        let text = |key: &str| {
            let lines = keys
                .iter()
                .map(|name| format!("{name}=sk-{key}-0123456789\n"));
            lines.chain(["OTHER=hush\n".to_owned()]).collect::<String>()
        };
        let (before, after) = (Some(text("hub")), Some(text("mine")));
        let change = Change::between(".env".into(), before, after).hiding(&targets[0]);
        let shown = change.diff();
        assert!(shown.contains("-GEMINI_API_KEY=sk-hu***6789"), "{shown}");
        assert!(
            !shown.contains("0123456789") && !shown.contains("hush"),
            "{shown}"
        );
    }
}
