//! `translate`: what a request, or an upstream's stream, becomes in another dialect. Offline: neither a hub nor a
//! log-in is needed, and nothing is sent.

use clap::Args;
use serde_json::{Value, json};
use translator::answer::Answer;
use translator::fidelity::Report;
use translator::ir::Request;
use translator::sse::Decoder;
use translator::translate::{self, Origin, StreamTranslation, Target};
use translator::undo::Undo;
use translator::{Dialect, capability, estimate};

use crate::failure::{Ended, Failure};
use crate::input;
use crate::output::{Console, Format, tell};

/// What is to be translated.
#[derive(Args, Debug)]
#[command(
    after_help = "What was changed stands on standard error, or beside the request with -o json.\n\nExamples:\n  \
    bridge-admin translate --from openai-chat --to gemini -f request.json\n  \
    bridge-admin translate --from anthropic --to openai-chat --stream-events answer.sse"
)]
pub(crate) struct Translate {
    /// The client's dialect: openai-chat, openai-responses, anthropic, gemini.
    #[arg(long, value_parser = dialect, value_name = "DIALECT")]
    from: Dialect,
    /// The upstream's dialect.
    #[arg(long, value_parser = dialect, value_name = "DIALECT")]
    to: Dialect,
    /// The upstream's model [default: the request's].
    #[arg(long, short)]
    model: Option<String>,
    /// Refuse what cannot be carried without loss.
    #[arg(long)]
    strict: bool,
    /// The client's request; `-` reads standard input.
    #[arg(
        long,
        short,
        value_name = "FILE",
        required_unless_present = "stream_events"
    )]
    file: Option<String>,
    /// A stream of the upstream, to be shown as the client would get it; `-` reads standard input. The request, where
    /// it is given too, says what is reversed on the way back.
    #[arg(long, value_name = "FILE")]
    stream_events: Option<String>,
}

/// A dialect by any of its names.
pub(crate) fn dialect(name: &str) -> Result<Dialect, String> {
    Dialect::parse(name)
        .ok_or_else(|| format!("there are {}", Dialect::ALL.map(Dialect::as_str).join(", ")))
}

/// A request on its way, and what its answer needs to know of it.
struct Translated {
    is_same: bool,
    model: String,
    body: Value,
    headers: Vec<(&'static str, String)>,
    report: Report,
    undo: Undo,
    answer: Answer,
}

impl Translate {
    /// Shows what becomes of it.
    pub(crate) fn run(&self, console: &Console) -> Ended {
        let is_input = |path: &Option<String>| path.as_deref() == Some("-");
        if is_input(&self.file) && is_input(&self.stream_events) {
            return Err(Failure::usage("standard input can be read only once"));
        }
        let translated = self
            .file
            .as_deref()
            .map(|path| self.request(path))
            .transpose()?;
        match (&self.stream_events, translated) {
            (Some(path), translated) => self.show_stream(console, path, translated),
            (None, Some(translated)) => show(console, &translated),
            (None, None) => Ok(()),
        }
    }

    fn request(&self, path: &str) -> Ended<Translated> {
        let text = input::text(path)?;
        let invalid = |why: String| Failure::usage(format!("{path}: {why}"));
        let mut request = self
            .from
            .decode_request(text.as_bytes(), &translate::no_recall)
            .map_err(|refusal| invalid(refusal.to_string()))?;
        let own = request.model.strip_prefix("models/");
        let own = own.unwrap_or(&request.model).to_owned();
        let model = self.model.clone().unwrap_or_else(|| own.clone());
        if model.is_empty() {
            return Err(invalid("the request names no model".to_owned()).next("give one: --model"));
        }
        request.model = if own.is_empty() { model.clone() } else { own }.into();
        let mut answer = Answer::new(&request, 0, 0);
        if self.from == Dialect::Anthropic {
            answer.input_estimate = estimate::request(&request);
        }
        if self.from == self.to {
            return Ok(Translated {
                is_same: true,
                body: with_model(input::parse(path, &text)?, self.model.as_deref()),
                model,
                headers: Vec::new(),
                report: Report::default(),
                undo: Undo::default(),
                answer,
            });
        }
        let target = Target {
            dialect: self.to,
            provider: self.to.as_str(),
            model: &model,
            capability: capability::of(self.to, &model),
            stream: request.stream,
            cache_key: None,
            auto_cache: self.to == Dialect::Anthropic,
            drop_state: false,
        };
        let outbound = translate::request(request, &target, self.strict)
            .map_err(|refusal| Failure::check(refusal.to_string()))?;
        let body = serde_json::from_slice(&outbound.body)
            .map_err(|error| Failure::failed(error.to_string()))?;
        Ok(Translated {
            is_same: false,
            body,
            headers: outbound.headers,
            report: outbound.report,
            undo: outbound.undo,
            answer,
            model,
        })
    }

    fn show_stream(&self, console: &Console, path: &str, translated: Option<Translated>) -> Ended {
        let stream = input::text(path)?;
        let shown = if self.from == self.to {
            stream
        } else {
            self.stream(&stream, translated)
        };
        match console.format {
            Format::Json | Format::Yaml => console.raw(&frames(&shown)?),
            _ => console.text(&shown),
        }
    }

    fn stream(&self, stream: &str, translated: Option<Translated>) -> String {
        let (model, undo, answer) = match translated {
            Some(translated) => (translated.model, translated.undo, translated.answer),
            None => {
                let model = self.model.clone().unwrap_or_else(|| "model".to_owned());
                let request = Request::new(self.from, model.clone().into());
                let answer = Answer::new(&request, 0, 0);
                (model, Undo::default(), answer)
            }
        };
        let origin = Origin {
            provider: self.to.as_str(),
            model: &model,
        };
        let mut translation = StreamTranslation::new(self.to, &origin, &undo, answer);
        let mut out = Vec::with_capacity(stream.len());
        translation.feed(stream.as_bytes(), &mut out);
        translation.end(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// Gemini's model stands in the path; the other dialects have it in the body.
fn with_model(mut body: Value, model: Option<&str>) -> Value {
    if let (Some(model), Some(slot)) = (model, body.get_mut("model")) {
        *slot = json!(model);
    }
    body
}

fn show(console: &Console, translated: &Translated) -> Ended {
    if matches!(console.format, Format::Json | Format::Yaml) {
        return console.raw(&portrait(translated));
    }
    console.json(&translated.body)?;
    for (name, value) in &translated.headers {
        console.note(&format!("header {name}: {value}"));
    }
    for entry in translated.report.entries() {
        // A loss is what this command is asked for: it is told even to those who want quiet.
        match entry.action.is_loss() {
            true => tell(&format!("loss: {entry}")),
            false => console.note(&format!("note: {entry}")),
        }
    }
    if translated.is_same {
        console.note("one dialect: the bytes pass as they are, but for the model");
    } else if translated.report.is_empty() {
        console.note("nothing was lost");
    }
    Ok(())
}

fn portrait(translated: &Translated) -> Value {
    let headers = translated
        .headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)));
    let changes = translated.report.entries().iter().map(|entry| {
        json!({
            "code": entry.code(),
            "action": entry.action.as_str(),
            "is_loss": entry.action.is_loss(),
            "field": entry.field,
            "detail": entry.detail,
        })
    });
    json!({
        "lane": if translated.is_same { "bytes" } else { "translated" },
        "model": translated.model,
        "headers": headers.collect::<serde_json::Map<_, _>>(),
        "request": translated.body,
        "fidelity": changes.collect::<Vec<_>>(),
    })
}

/// The events of a stream as a list.
fn frames(stream: &str) -> Ended<Value> {
    let mut frames = Vec::new();
    let mut keep = |frame: translator::sse::Frame<'_>| {
        let data = serde_json::from_str(frame.data).unwrap_or_else(|_| json!(frame.data));
        frames.push(match frame.event {
            "" => json!({"data": data}),
            event => json!({"event": event, "data": data}),
        });
    };
    let mut decoder = Decoder::default();
    decoder
        .feed(stream.as_bytes(), &mut keep)
        .and_then(|()| decoder.end(&mut keep))
        .map_err(|error| Failure::failed(error.to_string()))?;
    Ok(Value::Array(frames))
}
