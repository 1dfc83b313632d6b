//! What to answer, without a dialect: blocks, how the answer ends, and what it costs. The same request always gets the
//! same answer. It must never look at wire JSON; the dialect folders render what it decides.

use serde_json::{Value, json};

use super::ask::{Ask, Choice, Dialect, Form, Thought, Tool, tokens};
use super::fault::Fault;
use super::schema_sample::sample;
use super::wish;

/// One block of an answer, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Block {
    /// The text is empty when the caller may not see it; the state is made by the dialect.
    Reasoning(String),
    Text(String),
    Refusal(String),
    Call(Call),
}

/// A call of one of the caller's tools.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) input: Input,
}

/// What a tool is called with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Input {
    Json(Value),
    Free(String),
}

/// Why the answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    StopSequence(String),
    Length,
    Calls,
    Refusal,
}

/// What happens to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    /// The connection dies half way.
    Cut,
    /// Half an answer, then silence.
    Hang,
    /// Half an answer, then an error event.
    Fail,
}

/// Token counts that do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) fresh: u64,
    pub(super) read: u64,
    pub(super) written: u64,
    pub(super) visible: u64,
    pub(super) reasoning: u64,
}

impl Usage {
    /// All input tokens, cached ones included.
    pub(super) fn input(&self) -> u64 {
        self.fresh + self.read + self.written
    }

    /// All output tokens, reasoning included.
    pub(super) fn output(&self) -> u64 {
        self.visible + self.reasoning
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) blocks: Vec<Block>,
    pub(super) finish: Finish,
    pub(super) ending: Ending,
    pub(super) slow: bool,
    pub(super) usage: Usage,
}

/// The answer to a request, or the error that its text asks for.
pub(super) fn answer(ask: &Ask) -> Result<Answer, Fault> {
    if let Some(status @ 400..=599) = wish::number(&ask.user, "error") {
        let status = u16::try_from(status).expect("the pattern bounds it");
        return Err(Fault::of(
            status,
            None,
            format!("The prompt asked for this error (demo:error-{status})"),
        ));
    }
    let reasoning = reasoning(ask);
    let thought = reasoning.as_deref().map_or(0, tokens);
    let (mut blocks, mut finish) = content(ask);
    if wish::has(&ask.user, "empty") {
        blocks.clear();
    } else if wish::has(&ask.user, "refusal") {
        blocks = vec![Block::Refusal(
            "The demo upstream declines to answer this.".to_owned(),
        )];
        finish = Finish::Refusal;
    }
    shorten(ask, &mut blocks, &mut finish);
    let usage = usage(ask, &blocks, thought);
    if let Some(text) = reasoning {
        let seen = wish::has(&ask.user, "reasoning") || ask.thought == Thought::Shown;
        blocks.insert(0, Block::Reasoning(if seen { text } else { String::new() }));
    }
    let ending = match &ask.user {
        text if wish::has(text, "cut") => Ending::Cut,
        text if wish::has(text, "hang") => Ending::Hang,
        text if wish::has(text, "stream-error") => Ending::Fail,
        _ => Ending::Whole,
    };
    let slow = wish::has(&ask.user, "slow");
    Ok(Answer {
        blocks,
        finish,
        ending,
        slow,
        usage,
    })
}

fn reasoning(ask: &Ask) -> Option<String> {
    let wanted = wish::has(&ask.user, "reasoning") || ask.thought != Thought::Off;
    wanted.then(|| {
        let step = if ask.results.is_empty() {
            "the question"
        } else {
            "the tool results"
        };
        format!(
            "The demo upstream considers {step}. It weighs {} tools and answers.",
            ask.tools.len()
        )
    })
}

fn content(ask: &Ask) -> (Vec<Block>, Finish) {
    let calls = calls(ask);
    if !calls.is_empty() {
        return (calls.into_iter().map(Block::Call).collect(), Finish::Calls);
    }
    let text = match &ask.form {
        Form::Schema(schema) => sample(schema, 0).to_string(),
        Form::Json => {
            json!({"demo": true, "dialect": ask.dialect.name(), "model": ask.model}).to_string()
        }
        Form::Text if wish::has(&ask.user, "json") => {
            json!({"demo": true, "said": ask.user}).to_string()
        }
        Form::Text => prose(ask),
    };
    (vec![Block::Text(text)], Finish::Stop)
}

fn prose(ask: &Ask) -> String {
    let mut text = if ask.results.is_empty() {
        let article =
            if ask.dialect == Dialect::Messages || ask.dialect.name().starts_with("openai") {
                "an"
            } else {
                "a"
            };
        format!(
            "Hello from the demo upstream. You reached model {} in {article} {} conversation. You said: {}",
            ask.model,
            ask.dialect.name(),
            ask.user
        )
    } else {
        format!(
            "The demo upstream has read the tool results: {}",
            ask.results.join(" | ")
        )
    };
    if ask.states > 0 {
        text.push_str(&format!(
            " (reasoning states that came back intact: {})",
            ask.states
        ));
    }
    if wish::has(&ask.user, "long") {
        for number in 1..=200 {
            text.push_str(&format!(" This is sentence {number} of a long answer."));
        }
    }
    text
}

/// The calls that this step makes: forced by the tool choice, or asked for by the text and not yet answered.
fn calls(ask: &Ask) -> Vec<Call> {
    let wanted = match wish::number(&ask.user, "steps") {
        Some(steps) => (ask.rounds as u64) < steps,
        None => {
            ask.results.is_empty()
                && (wish::has(&ask.user, "tool") || wish::has(&ask.user, "parallel"))
        }
    };
    let candidates: Vec<&Tool> = match &ask.choice {
        Choice::Never => Vec::new(),
        Choice::Auto if !wanted => Vec::new(),
        Choice::Auto | Choice::Required => ask.tools.iter().collect(),
        Choice::Named(names) => ask
            .tools
            .iter()
            .filter(|tool| names.contains(&tool.name))
            .collect(),
    };
    let Some(first) = candidates
        .iter()
        .find(|tool| ask.user.contains(&tool.name))
        .or(candidates.first())
    else {
        return Vec::new();
    };
    let mut calls = vec![call(first, ask.rounds)];
    if ask.parallel && wish::has(&ask.user, "parallel") {
        let second = candidates
            .iter()
            .find(|tool| tool.name != first.name)
            .unwrap_or(first);
        calls.push(call(second, ask.rounds + 1));
    }
    calls
}

fn call(tool: &Tool, variant: usize) -> Call {
    let input = match &tool.schema {
        Some(schema) => Input::Json(sample(schema, variant)),
        None => Input::Free(format!("demo input {}", variant + 1)),
    };
    Call {
        name: tool.name.clone(),
        namespace: tool.namespace.clone(),
        input,
    }
}

/// Applies stop sequences and the output limit to the text.
fn shorten(ask: &Ask, blocks: &mut [Block], finish: &mut Finish) {
    for block in blocks {
        let Block::Text(text) = block else { continue };
        let hit = ask
            .stop
            .iter()
            .filter_map(|stop| Some((text.find(stop.as_str())?, stop)))
            .min();
        if let Some((at, stop)) = hit {
            text.truncate(at);
            *finish = Finish::StopSequence(stop.clone());
        }
        let limit = if wish::has(&ask.user, "length") {
            Some(8)
        } else {
            ask.limit
        };
        let longest = limit
            .and_then(|tokens| usize::try_from(tokens.saturating_mul(4)).ok())
            .unwrap_or(usize::MAX);
        if text.len() > longest {
            text.truncate(text.floor_char_boundary(longest));
            *finish = Finish::Length;
        }
    }
}

fn usage(ask: &Ask, blocks: &[Block], thought: u64) -> Usage {
    if wish::has(&ask.user, "usage") {
        return Usage {
            fresh: 1000,
            read: 200,
            written: 100,
            visible: 50,
            reasoning: 30,
        };
    }
    let read = if wish::has(&ask.user, "cached") {
        ask.input_tokens / 2
    } else {
        0
    };
    let visible = blocks
        .iter()
        .map(|block| match block {
            Block::Reasoning(_) => 0,
            Block::Text(text) | Block::Refusal(text) => tokens(text),
            Block::Call(call) => {
                tokens(&call.name)
                    + match &call.input {
                        Input::Json(value) => tokens(&value.to_string()),
                        Input::Free(text) => tokens(text),
                    }
            }
        })
        .sum();
    Usage {
        fresh: ask.input_tokens - read,
        read,
        written: 0,
        visible,
        reasoning: thought,
    }
}

/// The pieces in which a text is streamed: a few words each.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest
            .match_indices(' ')
            .nth(2)
            .map_or(rest.len(), |(at, _)| at + 1);
        let (piece, tail) = rest.split_at(end);
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

/// The pieces in which arguments are streamed: cut anywhere, as the vendors do.
pub(super) fn fragments(json: &str) -> Vec<&str> {
    let mut fragments = Vec::new();
    let mut rest = json;
    while !rest.is_empty() {
        let end = rest.ceil_char_boundary(12.min(rest.len()));
        let (fragment, tail) = rest.split_at(end);
        fragments.push(fragment);
        rest = tail;
    }
    fragments
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Answer, Block, Finish, answer, fragments, pieces};
    use crate::demo::ask::{Ask, Choice, Dialect, Tool};

    fn ask(user: &str) -> Ask {
        let mut ask = Ask::new(Dialect::Chat, "m", &json!({"text": user}));
        ask.said(user);
        ask.tools = ["first", "second"]
            .map(|name| Tool {
                name: name.to_owned(),
                namespace: None,
                schema: Some(json!({"type": "object"})),
            })
            .into();
        ask
    }

    fn made(ask: &Ask) -> Answer {
        answer(ask).expect("nothing asks for an error")
    }

    fn names(ask: &Ask) -> Vec<String> {
        let blocks = made(ask).blocks.into_iter();
        blocks
            .filter_map(|block| {
                if let Block::Call(call) = block {
                    Some(call.name)
                } else {
                    None
                }
            })
            .collect()
    }

    #[test]
    fn calls_what_was_asked_for() {
        assert_eq!(names(&ask("demo:tool")), ["first"]);
        assert_eq!(names(&ask("call second demo:tool")), ["second"]);
        assert_eq!(names(&ask("demo:parallel")), ["first", "second"]);
        assert!(names(&ask("hello")).is_empty());
        let one_by_one = Ask {
            parallel: false,
            ..ask("demo:parallel")
        };
        assert_eq!(names(&one_by_one), ["first"]);
        let forced = Ask {
            choice: Choice::Named(vec!["second".to_owned()]),
            ..ask("hello")
        };
        assert_eq!(names(&forced), ["second"]);
        let forbidden = Ask {
            choice: Choice::Never,
            ..ask("demo:tool")
        };
        assert!(names(&forbidden).is_empty());
    }

    #[test]
    fn what_an_agent_adds_hides_nothing_of_what_was_said() {
        let mut ask = ask("<system-reminder>first</system-reminder>\ncall second demo:tool");
        ask.said("<system_note>the time is noon, demo:empty</system_note>");
        assert_eq!(names(&ask), ["second"]);
        ask.ran(vec!["done".to_owned()]);
        ask.said("<system_note>tokens left: 9</system_note>");
        assert!(made(&ask).blocks.contains(&Block::Text(
            "The demo upstream has read the tool results: done".to_owned()
        )));
    }

    #[test]
    fn takes_as_many_rounds_as_asked_for() {
        let mut ask = ask("demo:steps-2");
        for _ in 0..2 {
            assert_eq!(made(&ask).finish, Finish::Calls);
            ask.ran(vec!["done".to_owned()]);
        }
        assert_eq!(made(&ask).finish, Finish::Stop);
        assert!(made(&ask).blocks.contains(&Block::Text(
            "The demo upstream has read the tool results: done".to_owned()
        )));
    }

    #[test]
    fn stops_where_it_must() {
        let stopped = made(&Ask {
            stop: vec!["reached".to_owned(), "upstream".to_owned()],
            ..ask("hello")
        });
        assert_eq!(stopped.finish, Finish::StopSequence("upstream".to_owned()));
        assert_eq!(
            stopped.blocks,
            [Block::Text("Hello from the demo ".to_owned())]
        );
        let limited = made(&Ask {
            limit: Some(2),
            ..ask("hello")
        });
        assert_eq!((limited.finish, limited.usage.visible), (Finish::Length, 2));
    }

    #[test]
    fn pieces_and_fragments_add_up() {
        for text in [
            "",
            "a",
            "one two three four five",
            "  spaces  ",
            "äöü äöü äöü äöü 漢字漢字漢字漢字漢字",
        ] {
            assert_eq!(pieces(text).concat(), text);
            assert_eq!(fragments(text).concat(), text);
        }
    }
}
