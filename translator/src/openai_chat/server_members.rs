//! Members that a server does not take are left out of a finished body.
//!
//! One place for a translation and for a body that passes. The client's wishes among them are reported.

use crate::capability::Capability;
use crate::fidelity::Report;
use crate::ir::Request;
use crate::json::{self, Writer};
use crate::member::Member;

/// Bookkeeping: the answer is the same without it.
const BOOKKEEPING: [&str; 7] = [
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "safety_identifier",
    "service_tier",
    "store",
    "user",
];

/// True when leaving a member out changes nothing that the client would miss.
pub(super) fn is_silent(name: &str, raw: &str) -> bool {
    BOOKKEEPING.contains(&name)
        || matches!(
            (name, raw),
            (_, "null") | ("parallel_tool_calls", "true") | ("n", "1")
        )
}

/// The body without the members that the server does not take. The members before `settled` stay: every server
/// takes the model, the messages and the tools, and they are long.
pub(super) fn without_dropped(
    mut body: Vec<u8>,
    settled: usize,
    capability: &Capability,
    request: &Request<'_>,
    report: &mut Report,
) -> Vec<u8> {
    let switches = &capability.chat;
    if switches.drop.is_empty() {
        return body;
    }
    let rest = std::str::from_utf8(&body[settled..]).unwrap_or_default();
    let rest = format!("{{{}", rest.trim_start_matches(','));
    if !json::members(&rest).any(|(name, _)| switches.drops(&name)) {
        return body;
    }
    body.truncate(settled);
    for (name, range) in json::members(&rest) {
        let raw = &rest[range];
        if !switches.drops(&name) {
            Writer::behind_a_member(&mut body).raw(&name, raw);
        } else if !is_silent(&name, raw) {
            let field = in_words_of(request, &name);
            report.dropped(field, "this server does not take it");
        }
    }
    body.push(b'}');
    body
}

/// The client's name of a member.
fn in_words_of(request: &Request<'_>, name: &str) -> String {
    let member = match name {
        "frequency_penalty" => Member::FrequencyPenalty,
        "logprobs" | "top_logprobs" => Member::Logprobs,
        "n" => Member::N,
        "presence_penalty" => Member::PresencePenalty,
        "seed" | "random_seed" => Member::Seed,
        "stop" => Member::Stop,
        "temperature" => Member::Temperature,
        "tool_choice" => Member::ToolChoice,
        "top_k" => Member::TopK,
        "top_p" => Member::TopP,
        other => return other.to_owned(),
    };
    member.of(request.dialect).to_owned()
}
