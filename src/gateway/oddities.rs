//! What a vendor refuses in a body of its own dialect, and a translation into the same dialect mends.
//!
//! A look at the bytes only: nothing is changed here.

use translator::{Dialect, json};

use super::peek::Peek;

/// True when the body must not pass as it is.
pub(super) fn found_in(dialect: Dialect, body: &[u8], peek: &Peek) -> bool {
    match dialect {
        Dialect::OpenAiResponses => {
            let text = std::str::from_utf8(body).unwrap_or("");
            let input = peek.input.as_ref().map_or("", |range| &text[range.clone()]);
            input.starts_with('[')
                && json::elements(input).any(|item| is_foreign(item, peek.store_off))
        }
        Dialect::Gemini => [&br#""name":"""#[..], br#""name": """#]
            .iter()
            .any(|nameless| memchr::memmem::find(body, nameless).is_some()),
        Dialect::OpenAiChat | Dialect::Anthropic => false,
    }
}

/// An item whose id no store of the vendor can know.
fn is_foreign(item: &str, store_off: bool) -> bool {
    let Some(id) = json::member(item, "id") else {
        return false;
    };
    let prefix = match json::member(item, "type") {
        Some(r#""reasoning""#) => {
            let state = json::member(item, "encrypted_content");
            if store_off && state.is_none_or(|state| state == "null") {
                return true;
            }
            "\"rs_"
        }
        Some(r#""message""#) => "\"msg_",
        Some(r#""function_call""#) => "\"fc_",
        Some(r#""custom_tool_call""#) => "\"ctc_",
        _ => return false,
    };
    id != "null" && !id.starts_with(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_items_are_told_from_own_ones() {
        for (item, foreign) in [
            (r#"{"type":"message","id":"msg_1"}"#, false),
            (r#"{"type":"message","id":"item_0"}"#, true),
            (r#"{"type":"message","role":"user"}"#, false),
            (r#"{"type":"function_call","id":"call_1"}"#, true),
            (
                r#"{"type":"reasoning","id":"rs_1","encrypted_content":"x"}"#,
                false,
            ),
            (r#"{"type":"reasoning","id":"rs_1","summary":[]}"#, true),
            (r#"{"type":"reasoning","id":""}"#, true),
            (r#"{"type":"web_search_call","id":"ws_1"}"#, false),
        ] {
            assert_eq!(is_foreign(item, true), foreign, "{item}");
        }
        assert!(!is_foreign(r#"{"type":"reasoning","id":"rs_1"}"#, false));
    }
}
