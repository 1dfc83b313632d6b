//! What an upstream wants to see when it is called again to go on with an answer that it has interrupted.
//!
//! Anthropic pauses long turns of its own tools and wants the turn so far; Gemini gives a token. Only a request
//! body is changed here: when to call, and how often, is the caller's business.

use crate::json::{self, Writer};
use crate::{Dialect, sse};

/// How an interrupted answer is gone on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// Anthropic: the blocks of the paused turn, a JSON list.
    Turn(String),
    /// Gemini: the token, a JSON string.
    Token(String),
}

impl Continuation {
    /// What a complete answer, interrupted as it is, wants.
    pub(crate) fn of_answer(upstream: Dialect, body: &[u8]) -> Option<Self> {
        let document = std::str::from_utf8(body).ok()?.trim();
        if sse::is_stream(body) {
            return None;
        }
        match upstream {
            Dialect::Anthropic => {
                Self::turn(json::elements(json::member(document, "content")?).filter(not_empty))
            }
            Dialect::Gemini => {
                let first = json::elements(json::member(document, "candidates")?).next()?;
                let token = json::member(first, "continuationToken")
                    .or_else(|| json::member(first, "continuation_token"))?;
                Self::token(token)
            }
            Dialect::OpenAiChat | Dialect::OpenAiResponses => None,
        }
    }

    /// A turn of these blocks, unless there are none.
    pub(crate) fn turn<'b>(blocks: impl Iterator<Item = &'b str>) -> Option<Self> {
        let mut list = String::from("[");
        for block in blocks {
            if list.len() > 1 {
                list.push(',');
            }
            list.push_str(block);
        }
        list.push(']');
        (list.len() > 2).then_some(Self::Turn(list))
    }

    /// A token, unless it is none.
    pub(crate) fn token(raw: &str) -> Option<Self> {
        (raw.len() > 2 && raw.starts_with('"')).then(|| Self::Token(raw.to_owned()))
    }

    /// The request that goes on with the answer to `request`, every other byte as it was.
    #[must_use]
    pub fn request(&self, request: &[u8]) -> Option<Vec<u8>> {
        let document = std::str::from_utf8(request).ok()?;
        match self {
            Self::Turn(blocks) => {
                let (_, messages) = json::members(document).find(|(name, _)| name == "messages")?;
                let last = messages.end.checked_sub(1)?;
                let mut out = Vec::with_capacity(request.len() + blocks.len() + 40);
                out.extend_from_slice(&request[..last]);
                out.extend_from_slice(b",{\"role\":\"assistant\",\"content\":");
                out.extend_from_slice(blocks.as_bytes());
                out.extend_from_slice(b"}");
                out.extend_from_slice(&request[last..]);
                Some(out)
            }
            Self::Token(token) => {
                let mut out = Vec::with_capacity(request.len() + token.len() + 32);
                Writer::new(&mut out).object(|w| {
                    for (name, range) in
                        json::members(document).filter(|(name, _)| name != "continuationToken")
                    {
                        w.raw(&name, &document[range]);
                    }
                    w.raw("continuationToken", token);
                });
                Some(out)
            }
        }
    }
}

/// The service refuses empty text, its own included.
fn not_empty(block: &&str) -> bool {
    json::member(block, "type") != Some("\"text\"") || json::member(block, "text") != Some("\"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_turn_is_put_behind_the_conversation() {
        let body = br#"{"stop_reason":"pause_turn","content":[{"type":"text","text":""},{"type":"text","text":"a\u00e9"},{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}}]}"#;
        let next = Continuation::of_answer(Dialect::Anthropic, body).expect("blocks");
        let request =
            br#"{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":9}"#;
        assert_eq!(
            String::from_utf8(next.request(request).expect("messages")).expect("utf-8"),
            r#"{"model":"m","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"text","text":"a\u00e9"},{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}}]}],"max_tokens":9}"#
        );
        assert_eq!(
            Continuation::of_answer(Dialect::Anthropic, br#"{"content":[]}"#),
            None
        );
    }

    #[test]
    fn a_token_takes_the_place_of_the_one_before() {
        let body = br#"{"candidates":[{"finishReason":"CONTINUATION","continuationToken":"t2"}]}"#;
        let next = Continuation::of_answer(Dialect::Gemini, body).expect("a token");
        for request in [
            &br#"{"contents":[]}"#[..],
            br#"{"continuationToken":"t1","contents":[]}"#,
        ] {
            assert_eq!(
                String::from_utf8(next.request(request).expect("an object")).expect("utf-8"),
                r#"{"contents":[],"continuationToken":"t2"}"#
            );
        }
        assert_eq!(
            Continuation::of_answer(Dialect::Gemini, br#"{"candidates":[{}]}"#),
            None
        );
    }
}
