//! The data plane as a client sees it: a path per dialect, and a client key in the place of a log-in.

use std::time::Duration;

use serde_json::Value;
use translator::Dialect;

use crate::client::{Call, Client, Credential, Reach, fill};
use crate::failure::Ended;
use crate::input::{self, ApiKey};
use crate::session::Session;

/// Models that think take their time before they begin.
const PATIENCE: Duration = Duration::from_secs(600);
/// The variable with a client key.
const VARIABLE: &str = "BRIDGE_API_KEY";

/// The client key: of the command line, of the environment, of the profile, or of somebody who is asked.
pub(crate) fn client_key(session: &Session, key: &ApiKey) -> Ended<String> {
    if let Some(key) = key.given(session)? {
        return Ok(key);
    }
    let from_environment = std::env::var(VARIABLE).ok().filter(|key| !key.is_empty());
    let key = match from_environment {
        Some(key) => Some(key),
        None => kept(session)?,
    };
    let ways = "--api-key-file, --api-key-stdin or BRIDGE_API_KEY";
    key.map_or_else(|| input::asked(session, "Client key", ways), Ok)
}

/// The client key of the profile. It goes to the hub of that profile and to no other.
fn kept(session: &Session) -> Ended<Option<String>> {
    let profiles = session.store.read()?;
    let profile = profiles.profiles.get(&session.profile);
    Ok(profile
        .filter(|profile| profile.url.trim_end_matches('/') == session.client.url())
        .and_then(|profile| profile.client_key.clone()))
}

/// The way to the hub with a client key.
pub(crate) fn client(session: &Session, key: &ApiKey) -> Ended<Client> {
    with_key(session, client_key(session, key)?)
}

/// The way to the hub with this client key.
pub(crate) fn with_key(session: &Session, key: String) -> Ended<Client> {
    let reach = Reach {
        url: session.client.url().to_owned(),
        timeout: session.timeout().max(PATIENCE),
        is_verbose: false,
    };
    Client::new(reach, Credential::Token(key))
}

/// Asks for an answer of a model, in this dialect.
pub(crate) fn generation(dialect: Dialect, model: &str, is_stream: bool, body: Value) -> Call {
    let path = match (dialect, is_stream) {
        (Dialect::OpenAiChat, _) => "/v1/chat/completions".to_owned(),
        (Dialect::OpenAiResponses, _) => "/v1/responses".to_owned(),
        (Dialect::Anthropic, _) => "/v1/messages".to_owned(),
        // The verb belongs to the last part of the path, behind the blank.
        (Dialect::Gemini, false) => fill("/v1beta/models/{model}", &[model]) + ":generateContent",
        (Dialect::Gemini, true) => {
            fill("/v1beta/models/{model}", &[model]) + ":streamGenerateContent"
        }
    };
    let call = Call::new("POST", path).body(body);
    match (dialect, is_stream) {
        (Dialect::Gemini, true) => call.with("alt", "sse"),
        _ => call,
    }
}
