//! Gathers the blocks of a streamed turn, to give the turn back to the service when it has paused it.
//!
//! Thinking, searches and their results go back byte for byte, or the service refuses them.

use super::wire::{Block, Delta};
use crate::Text;
use crate::continuation::Continuation;
use crate::ir::into_string;
use crate::json::{self, escape_inner};

/// The blocks so far.
#[derive(Debug, Default)]
pub(super) struct Turn(Vec<Gathered>);

#[derive(Debug)]
struct Gathered {
    index: u32,
    /// The block as it began.
    block: String,
    /// What was added to `text` or `thinking`, and to `signature`, as the inside of JSON strings.
    words: Vec<u8>,
    signature: Vec<u8>,
    input: String,
    citations: Vec<String>,
}

impl Turn {
    /// A block begins.
    pub(super) fn start(&mut self, index: u32, block: &Block<'_>) {
        self.0.push(Gathered {
            index,
            block: block.rebuild(),
            words: Vec::new(),
            signature: Vec::new(),
            input: String::new(),
            citations: Vec::new(),
        });
    }

    /// A block grows.
    pub(super) fn delta(&mut self, index: u32, delta: &Delta<'_>) {
        // A server that repeats an index means the latest block.
        let Some(block) = self.0.iter_mut().rfind(|block| block.index == index) else {
            return;
        };
        push(&mut block.words, delta.text.as_ref());
        push(&mut block.words, delta.thinking.as_ref());
        push(&mut block.signature, delta.signature.as_ref());
        if let Some(piece) = &delta.partial_json {
            block.input.push_str(&piece.as_str());
        }
        if let Some(raw) = delta.citation {
            block.citations.push(raw.get().to_owned());
        }
    }

    /// The turn as the service wants it back.
    pub(super) fn finish(self) -> Option<Continuation> {
        let blocks: Vec<String> = self.0.into_iter().filter_map(Gathered::finish).collect();
        Continuation::turn(blocks.iter().map(String::as_str))
    }
}

impl Gathered {
    /// The whole block; nothing for one without words, which the service refuses.
    fn finish(self) -> Option<String> {
        let mut out = Vec::with_capacity(self.block.len() + self.words.len() + self.input.len());
        let (mut wrote_citations, mut words) = (false, false);
        json::Writer::new(&mut out).object(|w| {
            for (name, range) in json::members(&self.block) {
                let raw = &self.block[range];
                match &*name {
                    "text" | "thinking" => {
                        words |= raw.len() > 2 || !self.words.is_empty();
                        w.raw(&name, &grown(raw, &self.words));
                    }
                    "signature" => w.raw(&name, &grown(raw, &self.signature)),
                    "input" if !self.input.is_empty() => w.raw(&name, &self.input),
                    "citations" => {
                        wrote_citations = true;
                        let list = json::elements(raw).chain(self.citations.iter().map(|c| &**c));
                        w.raw(&name, &format!("[{}]", list.collect::<Vec<_>>().join(",")));
                    }
                    _ => w.raw(&name, raw),
                }
            }
            if !wrote_citations && !self.citations.is_empty() {
                w.raw("citations", &format!("[{}]", self.citations.join(",")));
            }
            if json::member(&self.block, "signature").is_none() && !self.signature.is_empty() {
                w.raw("signature", &grown("\"\"", &self.signature));
            }
        });
        let is_text = json::member(&self.block, "type") == Some("\"text\"");
        (words || !is_text).then(|| into_string(out))
    }
}

/// A JSON string with more behind it.
fn grown(raw: &str, more: &[u8]) -> String {
    let head = raw.strip_suffix('"').unwrap_or("\"");
    let mut out = Vec::with_capacity(raw.len() + more.len());
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(more);
    out.push(b'"');
    into_string(out)
}

/// Appends a text as the inside of a JSON string; halves of a surrogate pair meet again that way.
pub(super) fn push(out: &mut Vec<u8>, text: Option<&Text<'_>>) {
    match text {
        None => {}
        Some(Text::Json(literal)) => {
            out.extend_from_slice(&literal.as_bytes()[1..literal.len() - 1]);
        }
        Some(Text::Plain(text)) => escape_inner(text, out),
    }
}
