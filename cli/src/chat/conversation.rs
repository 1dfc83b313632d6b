//! What was said so far, and what is to be said next. Pure but for reading images.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use translator::Dialect;

use super::image;
use super::wire::Heard;
use crate::failure::Ended;

/// A conversation.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    /// The model to ask.
    pub(crate) model: String,
    /// What the model is told before everything else.
    pub(crate) system: Option<String>,
    /// The most tokens of an answer.
    pub(crate) max_tokens: Option<u64>,
    /// How much the model is to think.
    pub(crate) effort: Option<String>,
    /// Turns of both sides, in the Chat dialect.
    turns: Vec<Value>,
    /// Who said what of it, by its place.
    accounts: BTreeMap<usize, Value>,
    /// Images for the next turn.
    images: Vec<Value>,
}

impl Conversation {
    /// One that begins.
    pub(crate) fn new(model: String) -> Self {
        Self::resumed(model, Vec::new())
    }

    /// One that goes on.
    pub(crate) fn resumed(model: String, turns: Vec<Value>) -> Self {
        Self {
            model,
            system: None,
            max_tokens: None,
            effort: None,
            turns,
            accounts: BTreeMap::new(),
            images: Vec::new(),
        }
    }

    /// Takes an image for the next turn.
    pub(crate) fn attach(&mut self, path: &str) -> Ended {
        self.images.push(image::part(path)?);
        Ok(())
    }

    /// What the user says.
    pub(super) fn say(&mut self, text: &str) {
        let images = std::mem::take(&mut self.images);
        let content = if images.is_empty() {
            json!(text)
        } else {
            let mut parts = images;
            parts.push(json!({"type": "text", "text": text}));
            Value::Array(parts)
        };
        self.turns.push(json!({"role": "user", "content": content}));
    }

    /// What the model said.
    pub(super) fn hear(&mut self, heard: &Heard, dialect: Dialect) {
        let mut account = json!({"model": self.model, "dialect": dialect.as_str()});
        if let Some((provider, _)) = heard
            .served_by
            .split_once('/')
            .filter(|(name, _)| !name.is_empty())
        {
            account["provider"] = json!(provider);
        }
        if let Some((input, output)) = heard.tokens {
            account["usage"] = json!({"input_tokens": input, "output_tokens": output});
        }
        self.accounts.insert(self.turns.len(), account);
        self.turns
            .push(json!({"role": "assistant", "content": heard.text}));
    }

    /// Who said the turn at this place, and what it took, where it was heard here.
    pub(crate) fn account(&self, place: usize) -> Option<&Value> {
        self.accounts.get(&place)
    }

    /// Takes back what the user said last, since it was not answered.
    pub(super) fn unsay(&mut self) {
        self.turns.pop();
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.turns.clear();
        self.accounts.clear();
        self.images.clear();
    }

    /// All turns, for a file.
    pub(crate) fn turns(&self) -> &[Value] {
        &self.turns
    }

    /// The request in the Chat dialect.
    pub(super) fn request(&self) -> Value {
        let mut messages = Vec::with_capacity(self.turns.len() + 1);
        if let Some(system) = &self.system {
            messages.push(json!({"role": "system", "content": system}));
        }
        messages.extend(self.turns.iter().cloned());
        let mut request = json!({
            "model": self.model,
            "messages": messages,
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        if let Some(most) = self.max_tokens {
            request["max_completion_tokens"] = json!(most);
        }
        if let Some(effort) = &self.effort {
            request["reasoning_effort"] = json!(effort);
        }
        request
    }
}
