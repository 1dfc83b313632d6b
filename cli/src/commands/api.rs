//! `api`: a call of the admin API as it is, for what has no command.

use clap::Args;
use serde_json::Value;

use crate::client::Call;
use crate::failure::{Ended, Failure};
use crate::input;
use crate::output::Format;
use crate::resource::{parse_value, set};
use crate::session::Session;

/// A call.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  bridge-admin api GET /providers\n  \
    bridge-admin api GET /logs -Q limit=1\n  \
    bridge-admin api PUT /preferences --set theme=dark")]
pub(crate) struct Api {
    /// GET, POST, PUT or DELETE.
    method: String,
    /// The path, with or without `/api` before it.
    path: String,
    /// A query parameter.
    #[arg(long, short = 'Q', value_name = "NAME=VALUE", value_parser = pair)]
    query: Vec<(String, String)>,
    /// A header.
    #[arg(long, short = 'H', value_name = "NAME=VALUE", value_parser = pair)]
    header: Vec<(String, String)>,
    /// The body, in YAML or JSON; `-` reads standard input.
    #[arg(long, short, value_name = "FILE")]
    file: Option<String>,
    /// A member of the body and its value in YAML.
    #[arg(long, value_name = "MEMBER=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it like name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Api {
    /// Sends it and shows the answer.
    pub(crate) async fn run(&self, session: &Session) -> Ended {
        let call = self.call()?;
        let answer = if call.method == "GET" {
            session.read(&call).await?
        } else {
            match session.write(&call).await? {
                Some(answer) => answer,
                None => return Ok(()),
            }
        };
        match (&answer.body, session.console.format) {
            (Value::Null, _) => Ok(()),
            (Value::String(text), _) => session.console.text(text),
            // An answer as it came is JSON.
            (body, Format::Table | Format::Wide) => session.console.json(body),
            (body, _) => session.console.raw(body),
        }
    }

    fn call(&self) -> Ended<Call> {
        let path = match self.path.trim_start_matches('/') {
            path if path == "api" || path.starts_with("api/") => format!("/{path}"),
            path => format!("/api/{path}"),
        };
        if path.contains("/../") || path.ends_with("/..") {
            return Err(Failure::usage("a path does not go back"));
        }
        let mut body = self
            .file
            .as_deref()
            .map(|path| input::text(path).and_then(|text| input::parse(path, &text)))
            .transpose()?;
        for (member, value) in &self.set {
            set(body.get_or_insert(Value::Null), member, parse_value(value));
        }
        let mut call = Call::new(self.method.to_uppercase(), path);
        call.query.clone_from(&self.query);
        call.headers.clone_from(&self.header);
        call.body = body;
        Ok(call)
    }
}
