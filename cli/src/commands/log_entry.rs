//! One request of the log: shown with both sides of its translation, and sent again.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use translator::Dialect;

use super::logs::LOGS;
use crate::data_plane;
use crate::endpoints;
use crate::entry::items;
use crate::failure::{Ended, Failure};
use crate::input::ApiKey;
use crate::output::{harmless, is_watched};
use crate::session::Session;

/// Which bodies to show.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Side {
    /// What the client sent and got.
    Client,
    /// What the upstream got and sent.
    Upstream,
    /// All four.
    Both,
}

/// Shows one.
#[derive(Args, Debug)]
pub(crate) struct ShowOne {
    /// Its id.
    id: String,
    /// Show bodies, where they were captured.
    #[arg(long, value_enum)]
    side: Option<Side>,
}

impl ShowOne {
    /// Shows it.
    pub(crate) async fn run(&self, session: &Session) -> Ended {
        let record = session.read(&endpoints::LOG.call(&[&self.id])).await?.body;
        if !session.console.format.is_for_people() {
            let mut shown = record;
            if self.side.is_none()
                && let Some(members) = shown.as_object_mut()
            {
                members.remove("capture");
            }
            return session.console.json_or_yaml(&shown);
        }
        session.console.one(&LOGS, &record["request"])?;
        session.console.text(&happenings(&record))?;
        match self.side {
            Some(side) => bodies(session, &record["capture"], side),
            None => Ok(()),
        }
    }
}

/// Decision, attempts and losses, in words.
fn happenings(record: &Value) -> String {
    let mut out = String::new();
    let text = |value: &Value| harmless(value.as_str().unwrap_or_default());
    // Writing to a string cannot fail.
    for step in items(&record["trace"]) {
        let _ = writeln!(out, "decided   {}", text(step));
    }
    for attempt in items(&record["attempts"]) {
        let _ = writeln!(
            out,
            "attempt   {}",
            harmless(&crate::output::plain(attempt))
        );
    }
    for loss in items(&record["fidelity"]) {
        let _ = writeln!(
            out,
            "fidelity  {}: {}",
            text(&loss["code"]),
            text(&loss["detail"])
        );
    }
    out
}

fn bodies(session: &Session, capture: &Value, side: Side) -> Ended {
    if !capture.is_object() {
        return Err(Failure::failed("its bodies were not captured")
            .next("capture them from now on: bridge-admin logs settings --set capture=all"));
    }
    let client = ["client_request", "client_answer"];
    let upstream = ["upstream_request", "upstream_answer"];
    let order = match side {
        Side::Client => client.to_vec(),
        Side::Upstream => upstream.to_vec(),
        Side::Both => vec![client[0], upstream[0], upstream[1], client[1]],
    };
    for member in order {
        let body = &capture[member];
        let cut = if body["truncated"] == json!(true) {
            ", cut off"
        } else {
            ""
        };
        session.console.text(&format!(
            "\n--- {} ({} bytes{cut})\n",
            member.replace('_', " "),
            body["bytes"]
        ))?;
        session.console.text(&readable(
            body["text"].as_str().unwrap_or_default().as_bytes(),
        ))?;
    }
    Ok(())
}

/// JSON over several lines; other text as it is, but for what would move the cursor.
fn readable(text: &[u8]) -> String {
    let pretty = serde_json::from_slice::<Value>(text)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    let text = pretty.unwrap_or_else(|| String::from_utf8_lossy(text).into_owned());
    text.lines().map(|line| harmless(line) + "\n").collect()
}

/// Sends one again.
#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// Its id.
    id: String,
    /// Ask for this model in the place of the one that was asked for.
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    key: ApiKey,
}

impl Replay {
    /// Sends it and shows the answer as it comes.
    pub(crate) async fn run(&self, session: &Session) -> Ended {
        let record = session.read(&endpoints::LOG.call(&[&self.id])).await?.body;
        let (request, body) = (&record["request"], &record["capture"]["client_request"]);
        let text = body["text"].as_str().ok_or_else(|| {
            Failure::failed("its body was not captured")
                .next("capture bodies from now on: bridge-admin logs settings --set capture=all")
        })?;
        if request["call"] != json!("generate") {
            return Err(Failure::failed(format!(
                "a call of the kind {} cannot be sent again",
                request["call"]
            )));
        }
        if body["truncated"] == json!(true) {
            return Err(Failure::failed(
                "its body was captured in part only, so it cannot be sent again",
            ));
        }
        let mut body: Value = serde_json::from_str(text)
            .map_err(|error| Failure::failed(format!("its body is no JSON: {error}")))?;
        let ingress = request["ingress"].as_str().unwrap_or_default();
        let dialect = Dialect::parse(ingress).ok_or_else(|| {
            Failure::failed(format!(
                "this program does not know the dialect `{ingress}`"
            ))
        })?;
        let asked = request["model_asked"].as_str().unwrap_or_default();
        let model = self.model.as_deref().unwrap_or(asked);
        if !body["model"].is_null() {
            body["model"] = json!(model);
        }
        let is_stream = request["stream"].as_bool().unwrap_or_default();
        let call = data_plane::generation(dialect, model, is_stream, body);
        if session.is_dry() {
            return session.write(&call).await.map(drop);
        }
        let client = data_plane::client(session, &self.key)?;
        let mut response = client.open(&call).await?;
        let mut out = std::io::stdout();
        let mut rest = Vec::new();
        while let Some(chunk) = client.chunk(&mut response).await? {
            if !is_watched() {
                out.write_all(&chunk)?;
                out.flush()?;
                continue;
            }
            rest.extend_from_slice(&chunk);
            // Lines of a stream are shown when they are whole, a document when all of it is there.
            if is_stream && let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') {
                let lines: Vec<u8> = rest.drain(..=end).collect();
                session.console.text(&readable(&lines))?;
            }
        }
        match is_watched() {
            true => session.console.text(&readable(&rest)),
            false => out.write_all(b"\n").map_err(Failure::from),
        }
    }
}
