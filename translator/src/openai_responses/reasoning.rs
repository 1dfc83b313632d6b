//! The service's own reasoning, sent back as it came. Reasoning of others is left out: it would be refused.

use super::encode_request::Encoding;
use crate::Dialect;
use crate::ir::{OpaqueKind, Part};
use crate::json::{self, Writer};

/// Members of a reasoning item that the service takes back.
const MEMBERS: [&str; 6] = [
    "type",
    "id",
    "summary",
    "content",
    "encrypted_content",
    "status",
];

/// Writes the reasoning items that belong to a part of a turn, before its own item. State that the turn has
/// shown already is not shown again: the service refuses an item that comes twice.
pub(super) fn replay(encoding: &Encoding<'_>, parts: &[Part<'_>], at: usize, w: &mut Writer<'_>) {
    if encoding.target.drop_state {
        return;
    }
    let (earlier, part) = (&parts[..at], &parts[at]);
    for opaque in &part.opaque {
        let ours = opaque.origin == Dialect::OpenAiResponses
            && opaque.kind == OpaqueKind::Reasoning
            && opaque
                .provider
                .as_deref()
                .is_none_or(|provider| provider == encoding.target.provider);
        let shown = earlier
            .iter()
            .any(|part| part.opaque.iter().any(|other| other.state == opaque.state));
        if !ours
            || shown
            || json::member(&opaque.state, "encrypted_content").is_none_or(|raw| raw == "null")
        {
            continue;
        }
        w.object(|w| {
            // Clients send absent members as null, which the service does not take everywhere.
            for (name, range) in json::members(&opaque.state) {
                let value = &opaque.state[range];
                if value != "null" && MEMBERS.contains(&name.as_ref()) {
                    w.raw(&name, &json::compact(value));
                }
            }
            if json::member(&opaque.state, "summary").is_none_or(|raw| raw == "null") {
                w.raw("summary", "[]");
            }
        });
    }
}
