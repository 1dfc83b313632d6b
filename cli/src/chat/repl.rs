//! Turns of a conversation on a terminal: one, or as many as somebody likes.

use std::time::Instant;

use inquire::autocompletion::{Autocomplete, Replacement};
use inquire::{CustomUserError, InquireError, Text};
use serde_json::json;
use translator::Dialect;

use super::answer::Piece;
use super::conversation::Conversation;
use super::prompt::{COMMANDS, Typed};
use super::wire::Line;
use crate::failure::{Ended, Failure};
use crate::output::{Console, is_watched, tell};

/// How an answer is shown.
pub(crate) struct Stage<'s> {
    /// How things are shown.
    pub(crate) console: &'s Console,
    /// Whether thoughts are shown.
    pub(crate) shows_thoughts: bool,
    /// Whether there are colours.
    pub(crate) has_colour: bool,
}

impl Stage<'_> {
    /// Says something and shows the answer. What is not answered counts as not said.
    pub(crate) async fn turn(
        &self,
        line: &Line,
        conversation: &mut Conversation,
        words: &str,
    ) -> Ended {
        conversation.say(words);
        let since = Instant::now();
        let mut is_thinking = false;
        let asked = line.ask(conversation, |piece| self.show(piece, &mut is_thinking));
        let heard = tokio::select! {
            heard = asked => heard,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
        };
        if is_thinking && self.has_colour {
            self.think("\u{1b}[0m")?;
        }
        let heard = match heard {
            Ok(heard) => heard,
            Err(failure) => {
                conversation.unsay();
                return Err(failure);
            }
        };
        conversation.hear(&heard, line.dialect);
        if line.is_raw {
            return Ok(());
        }
        if !heard.text.ends_with('\n') {
            self.console.text("\n")?;
        }
        if let Some(cut) = &heard.cut {
            self.console.note(&format!("(ended by {cut})"));
        }
        let seconds = since.elapsed().as_secs_f32();
        let tokens = heard.tokens.map_or_else(String::new, |(input, output)| {
            format!(", {input} tokens in, {output} out")
        });
        self.console.note(&self.dim(&format!(
            "[{} in {}{tokens}, {seconds:.1} s]",
            heard.served_by,
            line.dialect.as_str()
        )));
        Ok(())
    }

    fn show(&self, piece: Piece<'_>, is_thinking: &mut bool) -> Ended {
        match piece {
            Piece::Event(name, data) => {
                let data = serde_json::from_str(data).unwrap_or_else(|_| json!(data));
                let event = match name {
                    "" => json!({"data": data}),
                    name => json!({"event": name, "data": data}),
                };
                self.console.text(&format!("{event}\n"))
            }
            Piece::Thought(text) => {
                if !self.shows_thoughts {
                    return Ok(());
                }
                if !std::mem::replace(is_thinking, true) && self.has_colour {
                    self.think("\u{1b}[2m")?;
                }
                self.think(&plain(text))
            }
            Piece::Text(text) => {
                if std::mem::replace(is_thinking, false) {
                    self.think(if self.has_colour {
                        "\u{1b}[0m\n\n"
                    } else {
                        "\n\n"
                    })?;
                }
                match is_watched() {
                    true => self.console.text(&plain(text)),
                    false => self.console.text(text),
                }
            }
        }
    }

    /// Thoughts are no part of the answer: they go where remarks go.
    fn think(&self, text: &str) -> Ended {
        use std::io::Write as _;
        let mut out = std::io::stderr().lock();
        out.write_all(text.as_bytes())?;
        out.flush().map_err(Failure::from)
    }

    fn dim(&self, words: &str) -> String {
        match self.has_colour {
            true => format!("\u{1b}[2m{words}\u{1b}[0m"),
            false => words.to_owned(),
        }
    }

    /// Talks until somebody leaves.
    pub(crate) async fn talk(&self, line: &mut Line, conversation: &mut Conversation) -> Ended {
        self.console
            .note("type something, or /help; Ctrl-C stops an answer, Ctrl-D leaves");
        let mut said: Vec<String> = Vec::new();
        loop {
            let typed = typed(&format!("{}>", conversation.model), &said).await?;
            let Some(typed) = typed else {
                return Ok(());
            };
            let done = match Typed::read(&typed) {
                Typed::Quit => return Ok(()),
                Typed::Say(words) => {
                    said.push(typed);
                    self.turn(line, conversation, &words).await
                }
                other => self.obey(other, line, conversation),
            };
            // A conversation goes on after what went wrong.
            match done {
                Err(failure) if failure.is_quiet() => tell("\n(stopped)"),
                Err(failure) => tell(&failure.to_string()),
                Ok(()) => {}
            }
        }
    }

    fn obey(&self, typed: Typed, line: &mut Line, conversation: &mut Conversation) -> Ended {
        match typed {
            Typed::Model(model) => conversation.model = model,
            Typed::System(text) => {
                conversation.system = Some(text).filter(|text| !text.is_empty());
            }
            Typed::Dialect(name) => {
                line.dialect = Dialect::parse(&name).ok_or_else(|| {
                    let all = Dialect::ALL.map(Dialect::as_str).join(", ");
                    Failure::usage(format!("there is no dialect `{name}`, but {all}"))
                })?;
            }
            Typed::Image(path) => {
                conversation.attach(&path)?;
                self.console.note("it goes with the next message");
            }
            Typed::Clear => conversation.clear(),
            Typed::Save(path) => {
                let turns = json!(conversation.turns());
                let text = serde_json::to_string_pretty(&turns)
                    .map_err(|error| Failure::failed(error.to_string()))?;
                std::fs::write(&path, text + "\n")
                    .map_err(|error| Failure::failed(format!("{path}: {error}")))?;
                self.console.note(&format!("written to {path}"));
            }
            Typed::Help => {
                for (command, about) in COMMANDS {
                    tell(&format!("  {command:<10} {about}"));
                }
            }
            Typed::Unknown(line) => {
                return Err(Failure::usage(format!("`{line}` is no command")).next("see /help"));
            }
            Typed::Say(_) | Typed::Quit | Typed::Nothing => {}
        }
        Ok(())
    }
}

/// What a model sends is text: it must not speak to the terminal.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

/// A line that somebody types; nothing when they leave.
async fn typed(prompt: &str, said: &[String]) -> Ended<Option<String>> {
    let (prompt, past) = (prompt.to_owned(), Past(said.to_vec()));
    let asked = tokio::task::spawn_blocking(move || {
        Text::new(&prompt)
            .with_autocomplete(past)
            .with_page_size(5)
            .prompt()
    });
    match asked
        .await
        .map_err(|error| Failure::failed(error.to_string()))?
    {
        Ok(line) => Ok(Some(line)),
        Err(InquireError::OperationCanceled | InquireError::OperationInterrupted) => Ok(None),
        Err(error) => Err(Failure::failed(error.to_string())),
    }
}

/// What was said before, to be said again, and the commands.
#[derive(Clone)]
struct Past(Vec<String>);

impl Autocomplete for Past {
    fn get_suggestions(&mut self, input: &str) -> Result<Vec<String>, CustomUserError> {
        let commands = COMMANDS.iter().map(|(command, _)| (*command).to_owned());
        let fits = |line: &String| line.starts_with(input) && line != input;
        Ok(match input {
            "" => Vec::new(),
            _ if input.starts_with('/') => commands.filter(fits).collect(),
            _ => self
                .0
                .iter()
                .rev()
                .filter(|line| fits(line))
                .cloned()
                .collect(),
        })
    }

    fn get_completion(
        &mut self,
        input: &str,
        highlighted: Option<String>,
    ) -> Result<Replacement, CustomUserError> {
        let first = self.get_suggestions(input)?.into_iter().next();
        Ok(highlighted.or(first))
    }
}
