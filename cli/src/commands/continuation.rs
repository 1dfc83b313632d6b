//! `conversations continue`: what was said is told to a model, and what is said then is kept with it.

use clap::Args;
use serde_json::{Value, json};
use translator::Dialect;

use super::conversations::{CONVERSATIONS, found, messages};
use super::translate::dialect;
use crate::chat::repl::Stage;
use crate::chat::{Conversation, Line};
use crate::data_plane;
use crate::endpoints;
use crate::entry::items;
use crate::failure::{Ended, Failure};
use crate::input::ApiKey;
use crate::output::is_watched;
use crate::resource::Change;
use crate::session::Session;

/// What to say next.
#[derive(Args, Debug)]
pub(crate) struct Continue {
    /// Its id, or `last`.
    id: String,
    /// What to say; without words, as many turns as one likes.
    words: Vec<String>,
    /// Another model from now on.
    #[arg(long, short)]
    model: Option<String>,
    /// The dialect: openai-chat, openai-responses, anthropic, gemini.
    #[arg(long, value_parser = dialect, value_name = "DIALECT")]
    dialect: Option<Dialect>,
    #[command(flatten)]
    key: ApiKey,
}

impl Continue {
    /// Goes on with it.
    pub(crate) async fn run(&self, session: &Session) -> Ended {
        let id = found(session, &self.id).await?;
        let kept = CONVERSATIONS.get(session, &id).await?.body;
        let model = self.model.as_deref().or(kept["model"].as_str());
        let model = model.ok_or_else(|| {
            Failure::usage("the conversation has no model yet").next("add --model NAME")
        })?;
        if session.is_dry() {
            let said = json!({"role": "user", "content": self.words.join(" ")});
            let call = endpoints::MESSAGES_ADD.call(&[&id]);
            let call = call.body(json!({"messages": [spoken(&said, None)]}));
            return session.write(&call).await.map(drop);
        }
        let mut turns = Vec::new();
        for message in messages(session, &id).await? {
            turns.extend(turn(&message));
        }
        let before = turns.len();
        let mut conversation = Conversation::resumed(model.to_owned(), turns);
        conversation.system = kept["system"].as_str().map(str::to_owned);
        let spoken = kept["dialect"].as_str().and_then(Dialect::parse);
        let mut line = Line {
            client: data_plane::client(session, &self.key)?,
            dialect: self.dialect.or(spoken).unwrap_or(Dialect::OpenAiChat),
            is_raw: false,
        };
        let stage = Stage {
            console: &session.console,
            shows_thoughts: !session.console.is_quiet,
            has_colour: session.console.has_colour && is_watched(),
        };
        let talked = match self.words.join(" ") {
            words if !words.trim().is_empty() => stage.turn(&line, &mut conversation, &words).await,
            _ if session.can_ask() => stage.talk(&mut line, &mut conversation).await,
            _ => Err(Failure::usage("there is nothing to say, and nobody to ask")
                .next("give the words: bridge-admin conversations continue ID \"...\"")),
        };
        // What was answered is kept, also where a later turn failed.
        keep(session, &id, &conversation, before).await?;
        talked?;
        if kept["model"].as_str() == Some(conversation.model.as_str()) {
            return Ok(());
        }
        let change = Change {
            set: vec![("model".to_owned(), json!(conversation.model))],
            ..Change::default()
        };
        CONVERSATIONS.update(session, &id, &change).await
    }
}

async fn keep(session: &Session, id: &str, conversation: &Conversation, before: usize) -> Ended {
    let new = conversation.turns().iter().enumerate().skip(before);
    let new: Vec<Value> = new
        .map(|(place, turn)| spoken(turn, conversation.account(place)))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let call = endpoints::MESSAGES_ADD
        .call(&[id])
        .body(json!({"messages": new}));
    session.write(&call).await.map(drop)
}

/// A turn of the Chat dialect as the hub keeps it.
fn spoken(turn: &Value, account: Option<&Value>) -> Value {
    let parts = match &turn["content"] {
        Value::String(text) => vec![json!({"type": "text", "text": text})],
        parts => items(parts).iter().map(part).collect(),
    };
    let mut message = json!({"role": turn["role"], "content": parts});
    for (member, value) in account.and_then(Value::as_object).into_iter().flatten() {
        message[member] = value.clone();
    }
    message
}

fn part(part: &Value) -> Value {
    let Some(url) = part["image_url"]["url"].as_str() else {
        return part.clone();
    };
    let inline = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((media_type, data)) => {
            json!({"type": "image", "media_type": media_type, "data": data})
        }
        None => json!({"type": "image", "url": url}),
    }
}

/// What was said, as turns of the Chat dialect: results of tools are turns of their own there.
fn turn(message: &Value) -> Vec<Value> {
    let role = message["role"].as_str().unwrap_or_default();
    let (mut content, mut calls, mut turns) = (Vec::new(), Vec::new(), Vec::new());
    for part in items(&message["content"]) {
        match part["type"].as_str() {
            Some("text") => content.push(json!({"type": "text", "text": part["text"]})),
            Some("image") => content.extend(image(part)),
            Some("tool_call") => calls.push(json!({"id": part["id"], "type": "function",
                "function": {"name": part["name"], "arguments": part["arguments"]}})),
            Some("tool_result") => turns
                .push(json!({"role": "tool", "tool_call_id": part["call_id"],
                "content": words(&part["content"])})),
            // Thoughts are their model's own.
            _ => {}
        }
    }
    if content.is_empty() && calls.is_empty() {
        return turns;
    }
    let mut said = json!({"role": role});
    match role {
        // These two take words alone.
        "assistant" | "system" if !content.is_empty() => {
            said["content"] = json!(words(&json!(content)));
        }
        _ if !content.is_empty() => said["content"] = json!(content),
        _ => {}
    }
    if !calls.is_empty() {
        said["tool_calls"] = json!(calls);
    }
    turns.push(said);
    turns
}

fn image(part: &Value) -> Option<Value> {
    let inline = part["data"].as_str().map(|data| {
        let kind = part["media_type"].as_str().unwrap_or("image/png");
        format!("data:{kind};base64,{data}")
    });
    let url = inline.or_else(|| part["url"].as_str().map(str::to_owned))?;
    Some(json!({"type": "image_url", "image_url": {"url": url}}))
}

/// The words of parts.
fn words(parts: &Value) -> String {
    match parts {
        Value::String(text) => text.clone(),
        parts => {
            let texts = items(parts).iter().filter_map(|part| part["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_becomes_turns_and_turns_become_what_is_kept() {
        let kept = json!({"role": "user", "content": [
            {"type": "text", "text": "look"}, {"type": "image", "media_type": "image/gif", "data": "R0lG"}]});
        let turns = turn(&kept);
        assert_eq!(
            turns[0]["content"][1]["image_url"]["url"],
            "data:image/gif;base64,R0lG"
        );
        assert_eq!(spoken(&turns[0], None), kept);
    }

    #[test]
    fn tools_keep_their_pairs() {
        let call = json!({"role": "assistant", "content": [{"type": "reasoning", "text": "hm"},
            {"type": "tool_call", "id": "c1", "name": "clock", "arguments": "{}"}]});
        let result = json!({"role": "tool", "content": [{"type": "tool_result", "call_id": "c1",
            "content": [{"type": "text", "text": "noon"}]}]});
        let turns: Vec<Value> = [call, result].iter().flat_map(turn).collect();
        assert_eq!(turns[0]["tool_calls"][0]["function"]["name"], "clock");
        assert_eq!(
            turns[1],
            json!({"role": "tool", "tool_call_id": "c1", "content": "noon"})
        );
    }
}
