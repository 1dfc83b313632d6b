//! The load that a profile-guided build learns from: the cases of the table, then every dialect to every other over the
//! hub's own upstream, so that no direction of translation is taken for one that is never used.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::cases;
use crate::load;
use crate::run::{self, KEY};

/// What to teach.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The hub's program, built to count what it does.
    #[arg(long)]
    hub: String,
    /// Share of the full number of requests of a case.
    #[arg(long, default_value_t = 0.1)]
    scale: f64,
    /// How often each pair of dialects is asked for each thing.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
}

/// Sends everything; the hub writes its counts when it ends.
pub(crate) async fn train(options: &Options) -> Result<()> {
    let ground = run::Ground::prepare().await?;
    let (hub, _) = run::start_hub(&options.hub, &["--demo"], &ground).await?;
    for case in cases::all(options.scale) {
        if case.shape.pause_ms == 0 {
            run::measure(&case, &hub)
                .await
                .with_context(|| format!("case {}", case.id))?;
        }
    }
    pairs(hub.address, options.rounds).await
}

/// Every dialect over every other, whole and streamed.
async fn pairs(hub: SocketAddr, rounds: usize) -> Result<()> {
    let stream = tokio::net::TcpStream::connect(hub).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    for _ in 0..rounds {
        for provider in ["openai", "responses", "anthropic", "gemini"] {
            let model = format!("demo-{provider}/demo-model");
            for word in ["", "demo:reasoning", "demo:parallel", "demo:long"] {
                for (path, body) in questions(&model, word) {
                    let request = load::request(&path, KEY, Bytes::from(body.to_string()))?;
                    sender.ready().await?;
                    let response = sender.send_request(request).await?;
                    let status = response.status();
                    let answer = response.into_body().collect().await?.to_bytes();
                    ensure!(
                        status == 200,
                        "{path} to {model}: {status}: {}",
                        String::from_utf8_lossy(&answer)
                    );
                }
            }
        }
    }
    drop(sender);
    Ok(connection.await??)
}

/// One question in the words of each dialect, whole and streamed: path and body.
fn questions(model: &str, word: &str) -> Vec<(String, Value)> {
    let ask = format!("What does src/main.rs do? {word}");
    let schema =
        json!({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]});
    let describe = "Read a file of the project.";
    let system = "You are a careful assistant.";
    let chat = json!({"model": model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": ask}],
        "tools": [{"type": "function", "function": {"name": "read", "description": describe, "parameters": schema}}]});
    let responses = json!({"model": model, "instructions": system, "input": ask, "store": false,
        "tools": [{"type": "function", "name": "read", "description": describe, "parameters": schema}]});
    let messages = json!({"model": model, "max_tokens": 4096, "system": system,
        "messages": [{"role": "user", "content": [{"type": "text", "text": ask}]}],
        "tools": [{"name": "read", "description": describe, "input_schema": schema}]});
    let gemini = json!({"systemInstruction": {"parts": [{"text": system}]},
        "contents": [{"role": "user", "parts": [{"text": ask}]}],
        "tools": [{"functionDeclarations": [{"name": "read", "description": describe, "parameters": schema}]}]});
    let mut asked = Vec::new();
    for (path, body) in [
        ("/v1/chat/completions", chat),
        ("/v1/responses", responses),
        ("/v1/messages", messages),
    ] {
        let mut streamed = body.clone();
        streamed["stream"] = json!(true);
        asked.push((path.to_owned(), body));
        asked.push((path.to_owned(), streamed));
    }
    let path = format!("/v1beta/models/{model}");
    asked.push((format!("{path}:generateContent"), gemini.clone()));
    asked.push((format!("{path}:streamGenerateContent?alt=sse"), gemini));
    asked
}
