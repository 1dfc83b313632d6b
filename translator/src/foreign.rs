//! What may stand in a body of the upstream's own dialect and yet must not go to that vendor as it is, beside
//! envelopes.
//!
//! Such bodies are translated into their own dialect, which mends them; all others pass byte by byte, so these
//! tests must be cheap. Only the history is looked at: a client's present wishes are its own affair.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::ident::Charset;
use crate::{Dialect, capability, ident, json};

/// What Gemini takes in place of a signature; clients that were moved between models send it to everybody.
pub(crate) const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// True when a body must be translated even for an upstream of its own dialect.
#[must_use]
pub fn found_in(dialect: Dialect, model: &str, body: &[u8]) -> bool {
    is_refused(dialect, model, body)
        || (dialect == Dialect::Anthropic
            && has_strange_calls(body)
            && signs(model)
            && thinks(body))
        || (dialect == Dialect::OpenAiChat && is_openai(model) && has_thoughts(body))
}

/// True when the vendor would refuse something in the history for itself.
#[must_use]
pub fn is_refused(dialect: Dialect, model: &str, body: &[u8]) -> bool {
    dialect == Dialect::Anthropic && suspicious(body) && of_another_vendor(model, body)
}

/// The members in which other servers of this dialect give their reasoning. OpenAI refuses what it does not know.
static THOUGHTS: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| ["\"reasoning_content\"", "\"reasoning_details\""].map(Finder::new));

fn has_thoughts(body: &[u8]) -> bool {
    THOUGHTS.iter().any(|member| member.find(body).is_some())
}

fn is_openai(model: &str) -> bool {
    capability::of(Dialect::OpenAiChat, model).openai_members
}

/// What calls of Anthropic's models are named. Others' calls come without the thinking that a loop under way must
/// begin with.
const OWN_CALLS: &[u8] = b"toolu_";

/// Results of calls that another vendor's model made.
fn has_strange_calls(body: &[u8]) -> bool {
    let member = &MEMBERS[1];
    member.find_iter(body).any(|at| {
        let rest = body[at + member.needle().len()..].trim_ascii_start();
        let value = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start);
        value.is_some_and(|value| value.starts_with(b"\"") && !value[1..].starts_with(OWN_CALLS))
    })
}

/// Other vendors who speak this dialect do not sign their thinking, and want it back.
fn signs(model: &str) -> bool {
    !capability::of(Dialect::Anthropic, model).assumed
}

/// Thinking is asked for in the form that demands it of every answer of a loop.
fn thinks(body: &[u8]) -> bool {
    std::str::from_utf8(body)
        .ok()
        .and_then(|text| json::member(text, "thinking"))
        .is_some_and(|raw| json::member(raw, "type") == Some("\"enabled\""))
}

/// The members that can be wrong.
static MEMBERS: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| ["\"signature\"", "\"tool_use_id\"", "\"name\""].map(Finder::new));

/// Something looks wrong somewhere: a fast test that may err on this side alone.
fn suspicious(body: &[u8]) -> bool {
    MEMBERS.iter().any(|member| {
        member.find_iter(body).any(|at| {
            let rest = body[at + member.needle().len()..].trim_ascii_start();
            let Some(rest) = rest.strip_prefix(b":") else {
                return false;
            };
            rest.trim_ascii_start()
                .strip_prefix(b"\"")
                .is_some_and(|value| {
                    let end = memchr::memchr(b'"', value).unwrap_or(value.len());
                    let value = std::str::from_utf8(&value[..end]).unwrap_or("");
                    value == NO_SIGNATURE
                        || if member.needle() == b"\"tool_use_id\"" {
                            !is_plain(value)
                        } else {
                            value.is_empty()
                        }
                })
        })
    })
}

/// An id that Anthropic's service takes.
fn is_plain(id: &str) -> bool {
    matches!(
        ident::call_id(id, Charset::Word, usize::MAX),
        Cow::Borrowed(_)
    )
}

/// Looks at the blocks of the history.
fn of_another_vendor(model: &str, body: &[u8]) -> bool {
    let Some(messages) = std::str::from_utf8(body)
        .ok()
        .and_then(|text| json::member(text, "messages"))
    else {
        return false;
    };
    let signs = signs(model);
    json::elements(messages)
        .filter_map(|message| json::member(message, "content"))
        .flat_map(json::elements)
        .any(|block| {
            let is = |name: &str, test: &dyn Fn(&str) -> bool| {
                json::member(block, name).is_some_and(|raw| test(raw.trim_matches('"')))
            };
            match json::member(block, "type") {
                Some("\"thinking\"") => {
                    signs && is("signature", &|it| it.is_empty() || it == NO_SIGNATURE)
                }
                Some("\"tool_use\"") => is("name", &str::is_empty) || is("id", &|it| !is_plain(it)),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(model: &str, block: &str) -> bool {
        let body = format!(
            "{{\"messages\":[{{\"role\":\"assistant\",\"content\":[{block}]}},{{\"role\":\"user\",\"content\":[{{\"type\":\"tool_result\",\"tool_use_id\" : \"a.b\"}}]}}]}}"
        );
        found_in(Dialect::Anthropic, model, body.as_bytes())
    }

    #[test]
    fn foreign_history_is_found() {
        for block in [
            r#"{"type":"thinking","thinking":"x","signature":""}"#,
            r#"{"type":"thinking","thinking":"x","signature": "skip_thought_signature_validator"}"#,
            r#"{"type":"tool_use","id":"toolu_1","name":"","input":{}}"#,
            r#"{"type":"tool_use","id":"functions.f:0","name":"f","input":{}}"#,
        ] {
            assert!(found("claude-sonnet-4-5", block), "{block}");
        }
    }

    #[test]
    fn loops_of_other_vendors_are_found_where_thinking_is_demanded() {
        let found = |thinking: &str, id: &str| {
            let body = format!(
                "{{\"thinking\":{{\"type\":\"{thinking}\"}},\"messages\":[{{\"role\":\"user\",\"content\":[{{\"type\":\"tool_result\",\"tool_use_id\" : \"{id}\"}}]}}]}}"
            );
            found_in(Dialect::Anthropic, "claude-sonnet-4-5", body.as_bytes())
        };
        assert!(found("enabled", "call_1"));
        assert!(!found("enabled", "toolu_1") && !found("adaptive", "call_1"));
    }

    #[test]
    fn reasoning_of_other_servers_does_not_go_to_openai() {
        let body = br#"{"messages":[{"role":"assistant","content":"x","reasoning_content":"y"}]}"#;
        assert!(found_in(Dialect::OpenAiChat, "gpt-4o", body));
        assert!(!found_in(Dialect::OpenAiChat, "deepseek-reasoner", body));
        let words = br#"{"messages":[{"role":"user","content":"\"reasoning_content\""}]}"#;
        assert!(!found_in(Dialect::OpenAiChat, "gpt-4o", words));
    }

    #[test]
    fn native_history_passes() {
        for block in [
            r#"{"type":"thinking","thinking":"x","signature":"EqQB"}"#,
            r#"{"type":"tool_use","id":"toolu_1","name":"f","input":{"name":"","signature":"","tool_use_id":"."}}"#,
            r#"{"type":"text","text":"\"signature\":\"\""}"#,
        ] {
            assert!(!found("claude-sonnet-4-5", block), "{block}");
        }
        assert!(
            !found(
                "kimi-k2",
                r#"{"type":"thinking","thinking":"x","signature":""}"#
            ),
            "unsigned by its own vendor"
        );
    }
}
