//! `logs tail`: requests as they end, a line each, and the newest ones before it starts.

use clap::Args;
use serde_json::Value;

use crate::client::Call;
use crate::endpoints;
use crate::entry::{clock, count, items, lasted, models, text};
use crate::events::{Attention, Heard, follow};
use crate::failure::{Ended, Failure};
use crate::moment;
use crate::output::{Format, harmless, tell};
use crate::resource::PAGE;
use crate::session::Session;

/// Most pages that are looked through for the newest requests of a kind.
const MOST_PAGES: usize = 10;

/// Which requests.
#[derive(Args, Debug)]
pub(crate) struct Tail {
    /// Go on with those that end from now on.
    #[arg(long, short)]
    follow: bool,
    /// How many of the newest to begin with.
    #[arg(long, short = 'n', default_value_t = 10, value_name = "N")]
    lines: usize,
    /// Only those that did not go well.
    #[arg(long)]
    errors: bool,
    /// Only of this model, asked for or served.
    #[arg(long, short)]
    model: Option<String>,
    /// Only of this provider.
    #[arg(long)]
    provider: Option<String>,
    /// Only of this client key, by its id.
    #[arg(long, value_name = "ID")]
    client_key: Option<String>,
}

impl Tail {
    /// Shows them.
    pub(crate) async fn run(&self, session: &Session) -> Ended {
        if matches!(session.console.format, Format::Csv | Format::Yaml) {
            return Err(
                Failure::usage("a tail is shown in lines of text or of JSON")
                    .next("take requests away with `bridge-admin logs export`"),
            );
        }
        if session.console.format.is_for_people() && session.console.has_headers {
            session.console.text(&format!("{HEAD}\n"))?;
        }
        for row in self.newest(session).await?.iter().rev() {
            show(session, row)?;
        }
        if !self.follow {
            return Ok(());
        }
        let call = self.call();
        tokio::select! {
            ended = follow(&session.client, &call, |heard| listen(session, heard)) => ended,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
        }
    }

    fn call(&self) -> Call {
        endpoints::LOG_TAIL
            .call(&[])
            .with_some("errors", self.errors.then_some(true))
            .with_some("model", self.model.as_deref())
            .with_some("provider", self.provider.as_deref())
            .with_some("client_key_id", self.client_key.as_deref())
    }

    /// The newest that are asked for, the newest first.
    async fn newest(&self, session: &Session) -> Ended<Vec<Value>> {
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            if rows.len() >= self.lines {
                break;
            }
            let limit = if self.errors {
                PAGE
            } else {
                self.lines.min(PAGE)
            };
            let call = endpoints::LOGS
                .call(&[])
                .with("limit", limit)
                .with_some("cursor", cursor.as_deref())
                .with_some("model", self.model.as_deref())
                .with_some("provider", self.provider.as_deref())
                .with_some("client_key_id", self.client_key.as_deref());
            let page = session.read(&call).await?.body;
            let wanted = |row: &&Value| !self.errors || row["outcome"] != "ok";
            rows.extend(items(&page["items"]).iter().filter(wanted).cloned());
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        rows.truncate(self.lines);
        Ok(rows)
    }
}

fn listen(session: &Session, heard: Heard) -> Ended<Attention> {
    match heard {
        Heard::Open => {}
        Heard::Event(name, row) if name == "request" => show(session, &row)?,
        Heard::Event(name, missed) if name == "missed" => {
            tell(&format!("too fast to follow: {} left out", missed["count"]));
        }
        Heard::Event(..) => {}
        Heard::Lost(failure, pause) => {
            let seconds = pause.as_secs_f32();
            session
                .console
                .note(&format!("{failure}; trying again in {seconds} s"));
        }
    }
    Ok(Attention::More)
}

fn show(session: &Session, row: &Value) -> Ended {
    let line = match session.console.format {
        Format::Name => text(row, "id").to_owned(),
        Format::Json => {
            let mut row = row.clone();
            moment::spell(&mut row);
            row.to_string()
        }
        _ => line(row, session.console.has_colour),
    };
    session.console.text(&format!("{line}\n"))
}

const HEAD: &str = "TIME      STATUS      TIME     IN    OUT  MODEL                         PROVIDER          CLIENT";

/// A request in a line.
fn line(row: &Value, has_colour: bool) -> String {
    let outcome = match row["outcome"].as_str() {
        Some("ok") => row["status"].to_string(),
        _ => format!("{} {}", row["status"], text(row, "outcome")),
    };
    let mut line = format!(
        "{}  {outcome:<9} {:>7} {:>6} {:>6}  {:<28}  {:<16}  {}",
        clock(row["at"].as_i64().unwrap_or_default()),
        lasted(row["total_ms"].as_f64()),
        count(&row["tokens"]["input"]),
        count(&row["tokens"]["output"]),
        models(row),
        text(row, "provider"),
        text(row, "client_key"),
    );
    let code = text(row, "error_code");
    if !code.is_empty() {
        line.push_str("  ");
        line.push_str(code);
    }
    // Clients name models as they like.
    let line = harmless(line.trim_end());
    match (has_colour, row["outcome"].as_str()) {
        (false, _) | (true, Some("ok")) => line,
        (true, Some("cancelled")) => format!("\u{1b}[33m{line}\u{1b}[0m"),
        (true, _) => format!("\u{1b}[31m{line}\u{1b}[0m"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_fits_a_line() {
        let row = json!({"at": 1_795_287_747_000_i64, "status": 529, "outcome": "error", "total_ms": 1234.0,
            "tokens": {"input": 12_345, "output": null}, "model_asked": "sonnet", "model_served": "qwen3-max",
            "provider": "qwen", "client_key": "ci", "error_code": "overloaded"});
        assert_eq!(
            line(&row, false),
            "19:02:27  529 error    1.2s    12k      -  sonnet > qwen3-max            qwen              ci  overloaded"
        );
        assert!(line(&row, true).starts_with("\u{1b}[31m"));
    }

    #[test]
    fn a_name_does_not_speak_to_the_terminal() {
        let row = json!({"status": 200, "outcome": "ok", "model_asked": "\u{1b}[2Jgpt"});
        let line = line(&row, true);
        assert!(line.contains("gpt") && !line.contains('\u{1b}'), "{line}");
    }
}
