//! The settings of a vendor's web search, in whichever spelling a client gave them.
//!
//! Says which of them an upstream's own search does not take. It must never know how they are written there.

use std::borrow::Cow;

use crate::Dialect;
use crate::fidelity::Report;
use crate::ir::Tool;
use crate::json::{self, Writer};
use crate::member::Member;

/// Where the user is, as a flat object. Chat Completions nests the place once more.
pub(crate) fn location(raw: &str) -> Option<Cow<'_, str>> {
    let place = json::member(raw, "user_location").filter(|place| place.starts_with('{'))?;
    let Some(inner) = json::member(place, "approximate").filter(|inner| inner.starts_with('{'))
    else {
        return Some(Cow::Borrowed(place));
    };
    let mut out = Vec::with_capacity(inner.len() + 24);
    Writer::new(&mut out).object(|w| {
        w.str("type", "approximate");
        for (name, range) in json::members(inner).filter(|(name, _)| name != "type") {
            w.raw(&name, &inner[range]);
        }
    });
    Some(Cow::Owned(crate::ir::into_string(out)))
}

/// Reports the settings of a search that are given but not `kept`.
pub(crate) fn report_lost(tool: &Tool<'_>, client: Dialect, kept: &[Member], report: &mut Report) {
    let raw = tool.raw.as_deref().unwrap_or("{}");
    let google = json::member(raw, "googleSearch").unwrap_or("{}");
    let filters = json::member(raw, "filters").unwrap_or(raw);
    let list = |raw, name| {
        json::member(raw, name).is_some_and(|list| json::elements(list).next().is_some())
    };
    for (member, given) in [
        (Member::ToolAllowedDomains, list(filters, "allowed_domains")),
        (
            Member::ToolBlockedDomains,
            list(filters, "blocked_domains") || list(google, "excludeDomains"),
        ),
        (
            Member::ToolMaxUses,
            json::member(raw, "max_uses").is_some_and(|raw| raw != "null"),
        ),
        (
            Member::ToolLocation,
            json::member(raw, "user_location").is_some_and(|raw| raw.starts_with('{')),
        ),
    ] {
        if given && !kept.contains(&member) {
            report.dropped(
                member.of(client),
                "the web search of this upstream has no such setting",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::location;

    #[test]
    fn a_nested_place_is_read_like_a_flat_one() {
        let flat = r#"{"type":"approximate","country":"DE","city":"Berlin"}"#;
        let nested = r#"{"user_location":{"type":"approximate","approximate":{"country":"DE","city":"Berlin"}}}"#;
        assert_eq!(location(nested).as_deref(), Some(flat));
        let given = format!("{{\"user_location\":{flat}}}");
        assert_eq!(location(&given).as_deref(), Some(flat));
        assert_eq!(location(r#"{"user_location":null}"#), None);
    }
}
