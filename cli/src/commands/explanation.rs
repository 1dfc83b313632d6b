//! `routes explain`: what a request would meet, without sending it.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::endpoints;
use crate::entry;
use crate::failure::{Ended, Failure};
use crate::input;
use crate::output::harmless;
use crate::session::Session;

/// A request to try.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The request as the client would send it; `-` reads standard input.
    #[arg(long, short, value_name = "FILE")]
    file: String,
    /// The client's dialect: openai, openai-responses, anthropic or gemini.
    #[arg(long, value_name = "DIALECT", default_value = "openai")]
    dialect: String,
    /// The model, where the request does not name it (Gemini).
    #[arg(long)]
    model: Option<String>,
    /// The client key it would come with.
    #[arg(long, value_name = "NAME")]
    client_key: Option<String>,
    /// A header it would have.
    #[arg(long, short = 'H', value_name = "NAME=VALUE", value_parser = pair)]
    header: Vec<(String, String)>,
    /// Refuse what cannot be carried without loss.
    #[arg(long)]
    strict: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it like name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Explain {
    /// Asks the hub, and shows what it says.
    pub(crate) async fn run(&self, session: &Session) -> Ended {
        let request = input::parse(&self.file, &input::text(&self.file)?)?;
        let headers: Map<String, Value> = self
            .header
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let mut trial = json!({"dialect": self.dialect, "request": request, "headers": headers, "strict": self.strict});
        for (member, value) in [("model", &self.model), ("client_key", &self.client_key)] {
            if let Some(value) = value {
                trial[member] = json!(value);
            }
        }
        // A trial sends nothing and changes nothing, so a dry run tries too.
        let report = session
            .read(&endpoints::ROUTE_TEST.call(&[]).body(trial))
            .await?
            .body;
        match session.console.format.is_for_people() {
            true => session.console.text(&told(&report))?,
            false => session.console.raw(&report)?,
        }
        match report["refusal"].as_str() {
            Some(_) => Err(Failure::check("the request would be refused")),
            None => Ok(()),
        }
    }
}

/// The report in words.
fn told(report: &Value) -> String {
    let mut out = String::new();
    let text = |value: &Value| harmless(value.as_str().unwrap_or_default());
    // Writing to a string cannot fail.
    let _ = writeln!(out, "model     {}", text(&report["model"]));
    let _ = writeln!(
        out,
        "route     {}",
        report["route"]
            .as_str()
            .map_or_else(|| "-".to_owned(), harmless)
    );
    heading(
        &mut out,
        "rules",
        &report["rules"],
        |rule| match rule["matched"].as_bool() {
            Some(true) => format!("+ {}: matches", text(&rule["rule"])),
            _ => format!("- {}: {}", text(&rule["rule"]), text(&rule["why"])),
        },
    );
    heading(&mut out, "steps", &report["steps"], text);
    heading(&mut out, "targets", &report["targets"], |target| {
        let [provider, model, dialect, pool, mode] =
            ["provider", "model", "dialect", "key_pool", "mode"]
                .map(|member| text(&target[member]));
        format!("{provider}/{model} ({dialect}, {mode}, keys of {pool})")
    });
    let sent = &report["request"];
    if sent.is_object() {
        let _ = writeln!(
            out,
            "sent      {} ({})",
            text(&sent["url"]),
            text(&sent["lane"])
        );
        heading(&mut out, "losses", &sent["losses"], |loss| {
            format!("{}: {}", text(&loss["code"]), text(&loss["detail"]))
        });
        let body = serde_json::to_string_pretty(&sent["body"]).unwrap_or_default();
        for (index, line) in body.lines().enumerate() {
            let _ = writeln!(out, "{:<10}{line}", if index == 0 { "body" } else { "" });
        }
    }
    if let Some(refusal) = report["refusal"].as_str() {
        let _ = writeln!(out, "refused   {}", harmless(refusal));
    }
    out
}

fn heading(out: &mut String, title: &str, items: &Value, line: impl Fn(&Value) -> String) {
    for (index, item) in entry::items(items).iter().enumerate() {
        let _ = writeln!(
            out,
            "{:<10}{}",
            if index == 0 { title } else { "" },
            line(item)
        );
    }
}
