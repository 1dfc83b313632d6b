//! What comes in: files and standard input, secrets by every way that does not show them to others, and prompts. Knows
//! nothing of the hub.

use std::io::Read as _;

use clap::Args;
use inquire::{InquireError, Password, PasswordDisplayMode, Text};
use serde_json::Value;

use crate::failure::{Ended, Failure};
use crate::moment;
use crate::session::Session;

/// Most bytes that are read from a file: what the hub takes.
const LARGEST_FILE: u64 = 64 << 20;

/// A file's text; `-` is standard input.
pub(crate) fn text(path: &str) -> Ended<String> {
    let failure = |error: std::io::Error| Failure::usage(format!("{path}: {error}"));
    let (mut bytes, most) = (Vec::new(), LARGEST_FILE + 1);
    let read = if path == "-" {
        std::io::stdin().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    }
    .map_err(failure)?;
    // Half of a file is not what it says.
    if read as u64 == most {
        return Err(Failure::usage(format!("{path}: larger than 64 MiB")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{path}: this is not UTF-8 text")))
}

/// A document in YAML or JSON (which is YAML), with moments as the hub counts them.
pub(crate) fn document(path: &str) -> Ended<Value> {
    let text = text(path)?;
    let mut value = parse(path, &text)?;
    moment::count(&mut value);
    Ok(value)
}

/// A document as it is written.
pub(crate) fn parse(path: &str, text: &str) -> Ended<Value> {
    // JSON first: it keeps the order and every digit.
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    serde_yaml::from_str(text).map_err(|error| {
        Failure::usage(format!("{path}: {error}")).next("write YAML or JSON, one document a file")
    })
}

/// A secret, by every way that keeps it out of the list of processes and out of the shell's history.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub(crate) struct ApiKey {
    /// The key; other users of this machine can see it while the command runs.
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: Option<String>,
    /// Read the key from a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) api_key_file: Option<String>,
    /// Read the key from standard input.
    #[arg(long)]
    pub(crate) api_key_stdin: bool,
}

impl ApiKey {
    /// The key, where one was given.
    pub(crate) fn given(&self, session: &Session) -> Ended<Option<String>> {
        if let Some(key) = &self.api_key {
            session.console.warn(
                "a key on the command line can be seen by others (`ps`); --api-key-stdin and --api-key-file cannot",
            );
            return Ok(Some(key.clone()));
        }
        let path = match (&self.api_key_file, self.api_key_stdin) {
            (Some(path), _) => path.as_str(),
            (None, true) => "-",
            (None, false) => return Ok(None),
        };
        secret(path).map(Some)
    }

    /// The key, asked for where none was given.
    pub(crate) fn wanted(&self, session: &Session) -> Ended<String> {
        match self.given(session)? {
            Some(key) => Ok(key),
            None => asked(session, "API key", "--api-key-stdin or --api-key-file"),
        }
    }
}

/// A secret out of a file or standard input, without the end of its line.
pub(crate) fn secret(path: &str) -> Ended<String> {
    let text = text(path)?;
    let secret = text.trim();
    match secret {
        "" => Err(Failure::usage(format!("{path}: there is nothing in it"))),
        secret => Ok(secret.to_owned()),
    }
}

/// A secret that somebody types without seeing it.
pub(crate) fn asked(session: &Session, what: &str, flag: &str) -> Ended<String> {
    can_ask(session, what, flag)?;
    Password::new(&format!("{what}:"))
        .with_display_mode(PasswordDisplayMode::Hidden)
        .without_confirmation()
        .prompt()
        .map_err(unasked)
}

/// A new secret, typed twice.
pub(crate) fn chosen(session: &Session, what: &str, flag: &str) -> Ended<String> {
    can_ask(session, what, flag)?;
    Password::new(&format!("{what}:"))
        .with_display_mode(PasswordDisplayMode::Hidden)
        .with_custom_confirmation_message("Once more:")
        .with_custom_confirmation_error_message("These two are not the same.")
        .prompt()
        .map_err(unasked)
}

/// A line that somebody types.
pub(crate) fn line(session: &Session, what: &str, flag: &str) -> Ended<String> {
    can_ask(session, what, flag)?;
    Text::new(&format!("{what}:")).prompt().map_err(unasked)
}

fn can_ask(session: &Session, what: &str, flag: &str) -> Ended {
    if session.can_ask() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{} is missing, and there is nobody to ask",
        what.to_lowercase()
    ))
    .next(format!("give it with {flag}")))
}

/// Why somebody who was asked did not answer.
pub(crate) fn unasked(error: InquireError) -> Failure {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => {
            Failure::interrupted()
        }
        other => Failure::failed(other.to_string()),
    }
}
