//! Vendor state of kept parts: what came in a client's fields, and how it goes back into them.

use std::borrow::Cow;

use serde_json::{Value, json};
use translator::ir::{Opaque, OpaqueKind};
use translator::{Dialect, envelope};

use super::PartState;

/// Members of native blocks that an envelope may stand in.
const CARRIERS: [&str; 3] = ["signature", "data", "encrypted_content"];

/// State as it is kept: what the hub itself put into an envelope is taken out of it.
pub(super) fn kept(opaque: &[Opaque<'_>]) -> Vec<PartState> {
    opaque
        .iter()
        .flat_map(|one| match enclosed(&one.state) {
            Some(inner) => inner.iter().map(state).collect(),
            None => vec![state(one)],
        })
        .collect()
}

fn state(opaque: &Opaque<'_>) -> PartState {
    PartState {
        dialect: opaque.origin.as_str().to_owned(),
        provider: opaque.provider.as_deref().map(str::to_owned),
        model: opaque.model.as_deref().map(str::to_owned),
        kind: opaque.kind.as_str().to_owned(),
        value: opaque.state.clone().into_owned(),
    }
}

/// What is in the envelope that a native state carries, if it carries one.
fn enclosed(state: &str) -> Option<Vec<Opaque<'static>>> {
    if let Some(inner) = envelope::open(state) {
        return Some(inner);
    }
    let block: Value = serde_json::from_str(state).ok()?;
    CARRIERS
        .iter()
        .find_map(|name| envelope::open(block.get(name)?.as_str()?))
}

/// Kept state in the field that clients of a dialect carry it in: in an envelope, so that the hub knows on its way in
/// whose it is and gives it to nobody else. Chat clients carry none.
pub(super) fn carried(states: &[PartState], dialect: Dialect, text: &str) -> Vec<Opaque<'static>> {
    let states: Vec<Opaque<'_>> = states.iter().filter_map(opaque).collect();
    if states.is_empty() {
        return Vec::new();
    }
    let (kind, state) = match dialect {
        Dialect::Anthropic => (
            OpaqueKind::Thinking,
            json!({"type": "thinking", "thinking": text, "signature": envelope::seal(&states)})
                .to_string(),
        ),
        Dialect::OpenAiResponses => {
            let summary = match text {
                "" => json!([]),
                text => json!([{"type": "summary_text", "text": text}]),
            };
            let sealed = envelope::seal(&states);
            let item =
                json!({"type": "reasoning", "summary": summary, "encrypted_content": sealed});
            (OpaqueKind::Reasoning, item.to_string())
        }
        Dialect::Gemini => (OpaqueKind::Signature, envelope::seal_base64(&states)),
        Dialect::OpenAiChat => return Vec::new(),
    };
    vec![Opaque {
        origin: dialect,
        provider: None,
        model: None,
        kind,
        state: Cow::Owned(state),
    }]
}

fn opaque(state: &PartState) -> Option<Opaque<'_>> {
    Some(Opaque {
        origin: Dialect::parse(&state.dialect)?,
        provider: state.provider.as_deref().map(Cow::Borrowed),
        model: state.model.as_deref().map(Cow::Borrowed),
        kind: OpaqueKind::parse(&state.kind)?,
        state: Cow::Borrowed(&state.value),
    })
}
