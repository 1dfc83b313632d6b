//! `chat`: a word with a model through the hub, in any dialect, as its clients have it.

use std::io::IsTerminal as _;

use clap::Args;
use translator::Dialect;

use super::translate::dialect;
use crate::chat::repl::Stage;
use crate::chat::{Conversation, Line};
use crate::client::Client;
use crate::data_plane;
use crate::failure::{Ended, Failure};
use crate::input::{self, ApiKey};
use crate::output::Format;
use crate::session::Session;

/// What to say, to whom, and how.
#[derive(Args, Debug)]
#[command(
    after_help = "Without words it is a conversation, in which /help tells what else there is. The client key comes \
                  from --api-key-file, --api-key-stdin, BRIDGE_API_KEY, or the profile (--remember).\n\nExamples:\n  \
                  bridge-admin chat -m sonnet --dialect anthropic \"Why is the sky blue?\"\n  \
                  bridge-admin chat -m haiku -f error.log \"What went wrong here?\"\n  \
                  bridge-admin chat -m opus"
)]
pub(crate) struct Chat {
    /// What to say; `-` reads it from standard input.
    words: Vec<String>,
    /// The model.
    #[arg(long, short, default_value = "sonnet")]
    model: String,
    /// The dialect: openai-chat, openai-responses, anthropic, gemini.
    #[arg(long, value_parser = dialect, default_value = "openai-chat", value_name = "DIALECT")]
    dialect: Dialect,
    /// What the model is told before everything else.
    #[arg(long, short, value_name = "TEXT")]
    system: Option<String>,
    /// An image to look at.
    #[arg(long, value_name = "FILE")]
    image: Vec<String>,
    /// Text to read, behind the words.
    #[arg(long, short, value_name = "FILE")]
    file: Option<String>,
    /// How much to think: minimal, low, medium, high.
    #[arg(long, value_name = "EFFORT")]
    effort: Option<String>,
    /// The most tokens of an answer.
    #[arg(long, value_name = "N")]
    max_tokens: Option<u64>,
    /// Leave thoughts out.
    #[arg(long)]
    no_reasoning: bool,
    /// Keep the client key in the profile.
    #[arg(long)]
    remember: bool,
    #[command(flatten)]
    key: ApiKey,
}

impl Chat {
    /// Talks.
    pub(crate) async fn run(&self, session: &Session) -> Ended {
        let words = self.words()?;
        let mut line = Line {
            client: self.client(session)?,
            dialect: self.dialect,
            is_raw: matches!(session.console.format, Format::Json),
        };
        let mut conversation = Conversation::new(self.model.clone());
        conversation.system.clone_from(&self.system);
        conversation.effort.clone_from(&self.effort);
        conversation.max_tokens = self.max_tokens;
        for path in &self.image {
            conversation.attach(path)?;
        }
        let stage = Stage {
            console: &session.console,
            shows_thoughts: !self.no_reasoning && !session.console.is_quiet,
            has_colour: session.console.has_colour,
        };
        match words {
            Some(words) => stage.turn(&line, &mut conversation, &words).await,
            None if session.can_ask() => stage.talk(&mut line, &mut conversation).await,
            None => Err(Failure::usage("there is nothing to say, and nobody to ask")
                .next("give the words: bridge-admin chat \"...\"")),
        }
    }

    /// What is said at once; nothing where it is to be a conversation.
    fn words(&self) -> Ended<Option<String>> {
        let is_input = self.words == ["-"];
        if (is_input || self.file.as_deref() == Some("-")) && self.key.api_key_stdin {
            return Err(Failure::usage("standard input can be read only once"));
        }
        let mut words = match is_input || (self.words.is_empty() && self.is_piped()) {
            true => input::text("-")?,
            false => self.words.join(" "),
        };
        if let Some(path) = &self.file {
            if !words.is_empty() {
                words.push_str("\n\n");
            }
            words.push_str(&input::text(path)?);
        }
        Ok(Some(words).filter(|words| !words.trim().is_empty()))
    }

    fn is_piped(&self) -> bool {
        self.file.is_none() && !self.key.api_key_stdin && !std::io::stdin().is_terminal()
    }

    /// The way to the hub with a client key.
    fn client(&self, session: &Session) -> Ended<Client> {
        let key = data_plane::client_key(session, &self.key)?;
        if self.remember {
            remember(session, &key)?;
        }
        data_plane::with_key(session, key)
    }
}

fn remember(session: &Session, key: &str) -> Ended {
    let (name, url) = (session.profile.clone(), session.client.url().to_owned());
    let is_kept = session.store.change(|profiles| {
        let profile = profiles.profiles.entry(name).or_default();
        if profile.url.is_empty() {
            profile.url.clone_from(&url);
        }
        let is_its_hub = profile.url.trim_end_matches('/') == url;
        if is_its_hub {
            profile.client_key = Some(key.to_owned());
        }
        is_its_hub
    })?;
    match is_kept {
        true => Ok(()),
        false => Err(
            Failure::usage(format!("profile `{}` is of another hub", session.profile))
                .next("name or make one for this hub: --profile"),
        ),
    }
}
