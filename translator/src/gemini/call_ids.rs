//! A body of this dialect for a surface that takes no ids of calls: they are taken out, all else stays as it is.

use crate::json::{self, Writer};

/// The members that hold an id, in both spellings.
const HOLDERS: [&str; 4] = [
    "functionCall",
    "functionResponse",
    "function_call",
    "function_response",
];

/// The body without ids of calls; `None` when there are none. `body` must be a JSON object.
#[must_use]
pub fn without_call_ids(body: &str) -> Option<Vec<u8>> {
    let holds = |holder: &&&str| memchr::memmem::find(body.as_bytes(), holder.as_bytes()).is_some();
    HOLDERS.iter().find(holds)?;
    let mut out = Vec::with_capacity(body.len());
    let mut removed = false;
    rewrite(body, "contents", &mut out, &mut |contents, w| {
        w.array(|w| {
            for content in each(contents) {
                let mut rewritten = Vec::with_capacity(content.len());
                rewrite(content, "parts", &mut rewritten, &mut |parts, w| {
                    w.array(|w| {
                        each(parts).for_each(|it| removed |= part(it, w));
                    });
                });
                w.item_raw(&crate::ir::into_string(rewritten));
            }
        });
    });
    removed.then_some(out)
}

/// A list, or the one element that clients may write instead.
fn each(raw: &str) -> impl Iterator<Item = &str> {
    let one = (!raw.starts_with('[')).then_some(raw);
    one.into_iter().chain(json::elements(raw))
}

/// Writes an object with one of its members written anew.
fn rewrite(
    raw: &str,
    member: &str,
    out: &mut Vec<u8>,
    fill: &mut dyn FnMut(&str, &mut Writer<'_>),
) {
    if !raw.starts_with('{') {
        out.extend_from_slice(raw.as_bytes());
        return;
    }
    Writer::new(out).object(|w| {
        for (name, range) in json::members(raw) {
            if name == member {
                let mut inner = Vec::new();
                fill(&raw[range], &mut Writer::new(&mut inner));
                w.raw(&name, &crate::ir::into_string(inner));
            } else {
                w.raw(&name, &raw[range]);
            }
        }
    });
}

/// True when an id was left out.
fn part(raw: &str, w: &mut Writer<'_>) -> bool {
    let Some(holder) = HOLDERS.iter().find(|holder| {
        json::member(raw, holder).is_some_and(|call| json::member(call, "id").is_some())
    }) else {
        w.item_raw(raw);
        return false;
    };
    let mut out = Vec::with_capacity(raw.len());
    rewrite(raw, holder, &mut out, &mut |call, w| {
        w.object(|w| {
            for (name, range) in json::members(call).filter(|(name, _)| name != "id") {
                w.raw(&name, &call[range]);
            }
        });
    });
    w.item_raw(&crate::ir::into_string(out));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_and_nothing_else() {
        let body = r#"{"contents":[{"role":"user","parts":[{"text":"\"functionCall\"","id":"x"}]},{"role":"model","parts":[{"functionCall":{"id":"x1","name":"f","args":{"id":1}},"thoughtSignature":"c2ln"}]},{"role":"user","parts":[{"function_response":{"name":"f","response":{"id":2},"id":"x1"}}]}],"id":3}"#;
        let want = body
            .replace(r#""id":"x1","name""#, r#""name""#)
            .replace(r#","id":"x1""#, "");
        let out = without_call_ids(body).expect("has ids");
        assert_eq!(String::from_utf8(out).expect("is text"), want);
        assert_eq!(without_call_ids(&want), None);
        assert_eq!(without_call_ids(r#"{"contents":[]}"#), None);
    }
}
