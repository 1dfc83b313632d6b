//! `bridge translate`: shows what a translation makes of a request or of an upstream's stream, without sending anything.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bridge::gateway::{Rehearsal, Rehearsed, Unrehearsed, rehearse};
use bytes::Bytes;
use translator::Dialect;
use translator::answer::Answer;
use translator::ir::Request;
use translator::translate::{Origin, StreamTranslation};
use translator::undo::Undo;

/// The command line was wrong, or a file cannot be read.
const USAGE: u8 = 2;
/// The translation was refused.
const REFUSED: u8 = 3;

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The client's dialect: openai-chat, openai-responses, anthropic, gemini.
    #[arg(long, value_parser = dialect)]
    from: Dialect,
    /// The upstream's dialect.
    #[arg(long, value_parser = dialect)]
    to: Dialect,
    /// The upstream's model [default: the request's].
    #[arg(long)]
    model: Option<String>,
    /// Refuse what cannot be carried without loss.
    #[arg(long)]
    strict: bool,
    /// The client's request; `-` reads standard input.
    #[arg(long, short, required_unless_present = "stream_events")]
    file: Option<PathBuf>,
    /// A stream of the upstream (server-sent events) to be shown as the client would get it; `-` reads standard
    /// input. The request, where given, says what is reversed on the way back.
    #[arg(long, value_name = "FILE")]
    stream_events: Option<PathBuf>,
}

fn dialect(name: &str) -> Result<Dialect, String> {
    Dialect::parse(name)
        .ok_or_else(|| format!("there are {}", Dialect::ALL.map(Dialect::as_str).join(", ")))
}

/// Why nothing was shown.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{path}: {source}")]
    Unreadable {
        path: String,
        source: std::io::Error,
    },
    #[error("standard input can be read only once")]
    TwoInputs,
    #[error(transparent)]
    Translation(#[from] Unrehearsed),
    #[error("the answer cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

impl Trouble {
    const fn code(&self) -> u8 {
        match self {
            Self::Translation(Unrehearsed::Refused(_)) => REFUSED,
            Self::Unreadable { .. }
            | Self::TwoInputs
            | Self::Translation(Unrehearsed::Invalid(_)) => USAGE,
            Self::Output(_) => 1,
        }
    }
}

/// Shows a translation. The code says whether there was one.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match show(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            // Nothing is left to tell it to when standard error is closed.
            let _ = writeln!(std::io::stderr(), "bridge: {trouble}");
            ExitCode::from(trouble.code())
        }
    }
}

fn show(arguments: &Arguments) -> Result<(), Trouble> {
    let is_stdin = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
    if is_stdin(&arguments.file) && is_stdin(&arguments.stream_events) {
        return Err(Trouble::TwoInputs);
    }
    let rehearsed = arguments
        .file
        .as_deref()
        .map(|path| rehearsed(arguments, path))
        .transpose()?;
    let mut out = std::io::stdout().lock();
    if let Some(path) = &arguments.stream_events {
        let stream = read(path)?;
        out.write_all(&streamed(arguments, rehearsed, &stream))?;
    } else if let Some(rehearsed) = rehearsed {
        let json = rehearsed.to_json().map_err(std::io::Error::from)?;
        writeln!(out, "{json}")?;
    }
    out.flush()?;
    Ok(())
}

fn rehearsed(arguments: &Arguments, path: &Path) -> Result<Rehearsed, Trouble> {
    let body = Bytes::from(read(path)?);
    let wanted = Rehearsal {
        from: arguments.from,
        to: arguments.to,
        body: &body,
        model: arguments.model.as_deref(),
        strict: arguments.strict,
    };
    Ok(rehearse(&wanted)?)
}

/// The client's stream. Within one dialect it is the upstream's own.
fn streamed(arguments: &Arguments, rehearsed: Option<Rehearsed>, stream: &[u8]) -> Vec<u8> {
    let same = rehearsed
        .as_ref()
        .map_or(arguments.from == arguments.to, |rehearsed| rehearsed.same);
    if same {
        return stream.to_vec();
    }
    let model = arguments
        .model
        .clone()
        .unwrap_or_else(|| "model".to_owned());
    let (model, undo, answer) = match rehearsed {
        Some(rehearsed) => (rehearsed.model, rehearsed.undo, rehearsed.answer),
        None => {
            let request = Request::new(arguments.from, model.clone().into());
            (model, Undo::default(), Answer::new(&request, 0, 0))
        }
    };
    let origin = Origin {
        provider: arguments.to.as_str(),
        model: &model,
    };
    let mut translation = StreamTranslation::new(arguments.to, &origin, &undo, answer);
    let mut out = Vec::with_capacity(stream.len());
    translation.feed(stream, &mut out);
    translation.end(&mut out);
    out
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|source| Trouble::Unreadable {
        path: path.display().to_string(),
        source,
    })
}
