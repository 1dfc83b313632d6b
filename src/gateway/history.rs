//! Conversation state of the Responses dialect: earlier items are put in front of the new ones, so that the
//! request stands on its own whatever the upstream is.

use std::sync::Arc;

use bytes::Bytes;
use translator::error::{Failure, FailureKind};
use translator::json;

use super::memory::{ResponseStore, StoredResponse};
use super::peek::Peek;
use super::splice::Edits;

/// A Responses request made whole.
pub(super) struct Whole {
    /// The body with the history in front of its input.
    pub(super) body: Bytes,
    /// All input items, a JSON list; `None` when the answer is not to be kept.
    pub(super) input: Option<Box<str>>,
    /// The request refers to an answer that the hub does not know.
    pub(super) unknown: Option<String>,
    /// The provider that knows the answer which the request refers to.
    pub(super) origin: Option<Arc<str>>,
}

/// Puts history in front of the input and fills in items that are only referred to.
pub(super) fn resolve(
    store: &dyn ResponseStore,
    scope: &Arc<str>,
    body: &Bytes,
    peek: &Peek,
) -> Whole {
    let text = std::str::from_utf8(body).unwrap_or("");
    let raw_input = peek
        .input
        .as_ref()
        .map_or("[]", |range| &text[range.clone()]);
    let mut whole = Whole {
        body: body.clone(),
        input: None,
        unknown: None,
        origin: None,
    };
    let previous: Option<Arc<StoredResponse>> = match &peek.previous {
        None => None,
        Some((_, id)) => {
            let found = store.get(scope, id);
            if found.is_none() {
                whole.unknown = Some(id.clone());
            }
            found
        }
    };
    let references = memchr::memmem::find(raw_input.as_bytes(), b"item_reference").is_some();
    if previous.is_none() && !references {
        whole.input =
            (!peek.store_off && whole.unknown.is_none()).then(|| list_of(raw_input, None).into());
        return whole;
    }
    let mut items = String::with_capacity(raw_input.len() + 256);
    items.push('[');
    if let Some(previous) = &previous {
        append(&mut items, json::elements(&previous.input));
        append(&mut items, json::elements(previous.output()));
        whole.origin.clone_from(&previous.origin);
    }
    let own = list_of(raw_input, Some((store, scope)));
    append(&mut items, json::elements(&own));
    items.push(']');
    let mut edits = Edits::default();
    match &peek.input {
        Some(range) => edits.replace(range.clone(), items.clone()),
        None => edits.insert(peek.inside, "input", items.as_bytes(), peek.empty),
    }
    if let (Some(_), Some((range, _))) = (&previous, &peek.previous) {
        edits.replace(range.clone(), *b"null");
    }
    whole.body = edits.apply(body).whole();
    whole.input = (!peek.store_off && whole.unknown.is_none()).then(|| items.into());
    whole
}

/// Whether the input refers to an item that the memory does not have.
pub(super) fn has_unknown_items(
    store: &dyn ResponseStore,
    scope: &Arc<str>,
    body: &Bytes,
    peek: &Peek,
) -> bool {
    let text = std::str::from_utf8(body).unwrap_or("");
    let raw = peek
        .input
        .as_ref()
        .map_or("[]", |range| &text[range.clone()]);
    memchr::memmem::find(raw.as_bytes(), b"item_reference").is_some()
        && json::elements(raw)
            .filter_map(referred)
            .any(|id| store.item(scope, &id).is_none())
}

/// The failure for a reference that nobody can follow.
pub(super) fn not_found(id: &str) -> Failure {
    Failure::new(
        FailureKind::InvalidRequest,
        format!("Previous response with id '{id}' not found."),
    )
    .with_code("previous_response_not_found")
    .with_param("previous_response_id")
}

fn append<'i>(list: &mut String, items: impl Iterator<Item = &'i str>) {
    for item in items {
        if !list.ends_with('[') {
            list.push(',');
        }
        list.push_str(item);
    }
}

/// The input as a list of items; the short form becomes a message.
fn list_of(raw: &str, references: Option<(&dyn ResponseStore, &Arc<str>)>) -> String {
    if raw.starts_with('"') {
        return format!(
            r#"[{{"type":"message","role":"user","content":[{{"type":"input_text","text":{raw}}}]}}]"#
        );
    }
    let Some((store, scope)) = references else {
        return raw.to_owned();
    };
    let mut items = String::from("[");
    for item in json::elements(raw) {
        let full = referred(item).and_then(|id| store.item(scope, &id));
        append(&mut items, std::iter::once(full.as_deref().unwrap_or(item)));
    }
    items.push(']');
    items
}

/// The id that an `item_reference` names.
fn referred(item: &str) -> Option<String> {
    let kind = json::member(item, "type");
    if kind.is_some_and(|kind| kind != r#""item_reference""#) {
        return None;
    }
    kind?;
    let id = json::member(item, "id")?;
    Some(translator::Text::Json(id).as_str().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::memory::ResponseMemory;

    fn store(scope: &Arc<str>) -> ResponseMemory {
        let store = ResponseMemory::default();
        let response = StoredResponse {
            input: r#"[{"role":"user","content":"1"}]"#.into(),
            response: r#"{"id":"resp_1","output":[{"id":"msg_1","type":"message"}]}"#.into(),
            origin: None,
        };
        store.put(scope, "resp_1", response);
        store
    }

    fn resolved(body: &'static str) -> Whole {
        let scope: Arc<str> = "a".into();
        let body = Bytes::from_static(body.as_bytes());
        resolve(
            &store(&scope),
            &scope,
            &body,
            &Peek::at(&body).expect("an object"),
        )
    }

    #[test]
    fn history_stands_in_front() {
        let whole = resolved(r#"{"previous_response_id":"resp_1","input":"2","model":"m"}"#);
        let want = r#"[{"role":"user","content":"1"},{"id":"msg_1","type":"message"},{"type":"message","role":"user","content":[{"type":"input_text","text":"2"}]}]"#;
        assert_eq!(
            &whole.body[..],
            format!(r#"{{"previous_response_id":null,"input":{want},"model":"m"}}"#).as_bytes()
        );
        assert_eq!(whole.input.as_deref(), Some(want));
    }

    #[test]
    fn references_are_filled_in() {
        let whole = resolved(
            r#"{"input":[{"type":"item_reference","id":"msg_1"},{"type":"item_reference","id":"msg_2"}]}"#,
        );
        assert_eq!(&whole.body[..], br#"{"input":[{"id":"msg_1","type":"message"},{"type":"item_reference","id":"msg_2"}]}"#);
    }

    #[test]
    fn strangers_and_plain_requests_stay() {
        let whole = resolved(r#"{"previous_response_id":"resp_9","input":[]}"#);
        assert_eq!(whole.unknown.as_deref(), Some("resp_9"));
        assert!(whole.input.is_none());
        let whole = resolved(r#"{"input":[{"role":"user","content":"x"}],"store":false}"#);
        assert!(whole.input.is_none() && whole.unknown.is_none());
        let whole = resolved(r#"{"input":[{"role":"user","content":"x"}]}"#);
        assert_eq!(
            whole.input.as_deref(),
            Some(r#"[{"role":"user","content":"x"}]"#)
        );
    }
}
