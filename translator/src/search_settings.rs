//! The settings of a vendor's web search, in whichever spelling a client gave them.
//!
//! Says which of them an upstream's own search does not take. It must never know how they are written there.

use crate::Dialect;
use crate::fidelity::Report;
use crate::ir::Tool;
use crate::json;
use crate::member::Member;

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
