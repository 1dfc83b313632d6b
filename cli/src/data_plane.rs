//! Calls of the data plane, as a client makes them: a path per dialect, and a client key in the place of a log-in.

use clap::Args;
use serde_json::Value;

use crate::client::{Call, fill};
use crate::failure::{Ended, Failure};
use crate::input;
use crate::session::Session;
use translator::Dialect;

/// A client key, by every way that keeps it out of the list of processes; `BRIDGE_API_KEY` where none is taken.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub(crate) struct ClientKey {
    /// Read the client key from a file [default: BRIDGE_API_KEY].
    #[arg(long, value_name = "FILE")]
    pub(crate) client_key_file: Option<String>,
    /// Read the client key from standard input.
    #[arg(long)]
    pub(crate) client_key_stdin: bool,
}

impl ClientKey {
    /// The key, asked for where none was given.
    pub(crate) fn wanted(&self, session: &Session) -> Ended<String> {
        match (&self.client_key_file, self.client_key_stdin) {
            (Some(path), _) => input::secret(path),
            (None, true) => input::secret("-"),
            (None, false) => match std::env::var("BRIDGE_API_KEY") {
                Ok(key) if !key.is_empty() => Ok(key),
                _ => input::asked(
                    session,
                    "Client key",
                    "BRIDGE_API_KEY, --client-key-file or --client-key-stdin",
                ),
            },
        }
    }
}

/// A dialect by any of its names.
pub(crate) fn dialect(name: &str) -> Result<Dialect, String> {
    Dialect::parse(name)
        .ok_or_else(|| format!("there are {}", Dialect::ALL.map(Dialect::as_str).join(", ")))
}

/// Asks for an answer of a model, in this dialect.
pub(crate) fn generation(
    dialect: Dialect,
    model: &str,
    is_stream: bool,
    body: Value,
    key: &str,
) -> Call {
    let path = match (dialect, is_stream) {
        (Dialect::OpenAiChat, _) => "/v1/chat/completions".to_owned(),
        (Dialect::OpenAiResponses, _) => "/v1/responses".to_owned(),
        (Dialect::Anthropic, _) => "/v1/messages".to_owned(),
        (Dialect::Gemini, false) => fill("/v1beta/models/{model}", &[model]) + ":generateContent",
        (Dialect::Gemini, true) => {
            fill("/v1beta/models/{model}", &[model]) + ":streamGenerateContent"
        }
    };
    let call = Call::new("POST", path)
        .open()
        .header("authorization", &format!("Bearer {key}"))
        .body(body);
    match (dialect, is_stream) {
        (Dialect::Gemini, true) => call.with("alt", "sse"),
        (Dialect::Anthropic, _) => call.header("anthropic-version", "2023-06-01"),
        _ => call,
    }
}

/// A dialect as the hub's log names it.
pub(crate) fn logged_dialect(name: &str) -> Ended<Dialect> {
    dialect(name)
        .map_err(|_| Failure::failed(format!("this program does not know the dialect `{name}`")))
}
