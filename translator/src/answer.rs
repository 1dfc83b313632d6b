//! What the client expects of the answer, fixed when the request is known.

use std::borrow::Cow;

use crate::Dialect;
use crate::ident::Ids;
use crate::ir::{Request, Show};
use crate::json::Writer;

/// What the client expects of the answer. Made once per request, used by every encoder of answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The client's dialect.
    pub dialect: Dialect,
    /// The model as the client wrote it; echoed.
    pub model: String,
    /// Source of the identifiers in the answer.
    pub ids: Ids,
    /// Start of the answer, seconds since 1970.
    pub created: u64,
    /// Chat: usage was asked for on the stream.
    pub include_usage: bool,
    /// Reasoning text is shown. Gemini clients must ask for it; the others get it.
    pub show_reasoning: bool,
    /// Chat: the tools came as `functions`, so a call goes back as `function_call`.
    pub function_calls: bool,
    /// Gemini without `alt=sse`: a JSON list instead of server-sent events.
    pub json_array: bool,
    /// Anthropic `message_start` wants input tokens before they are known.
    pub input_estimate: u64,
    /// Responses: members that the answer repeats, as `"temperature":1,"tools":[...]`, without outer braces.
    pub echo: String,
    /// The mark of the request, to which state is bound that the hub keeps; absent when nothing is to be kept.
    pub before: Option<u64>,
}

impl Answer {
    /// What the client of `request` expects. `seed` makes the identifiers, `created` is the time in seconds.
    #[must_use]
    pub fn new(request: &Request<'_>, seed: u128, created: u64) -> Self {
        Self {
            dialect: request.dialect,
            model: request.model.clone().into_owned(),
            ids: Ids::new(seed),
            created,
            include_usage: request.include_usage,
            show_reasoning: request.dialect != Dialect::Gemini
                || matches!(request.reasoning.show, Show::Summary(_)),
            function_calls: request.function_calls,
            json_array: false,
            input_estimate: 0,
            echo: echo(request),
            before: None,
        }
    }
}

/// The members that a Responses answer repeats, with the service's defaults.
fn echo(request: &Request<'_>) -> String {
    const DEFAULTS: [(&str, &str); 15] = [
        ("background", "false"),
        ("instructions", "null"),
        ("max_output_tokens", "null"),
        ("max_tool_calls", "null"),
        ("metadata", "{}"),
        ("parallel_tool_calls", "true"),
        ("previous_response_id", "null"),
        ("prompt_cache_key", "null"),
        ("reasoning", r#"{"effort":null,"summary":null}"#),
        ("temperature", "1"),
        ("text", r#"{"format":{"type":"text"}}"#),
        ("tool_choice", "\"auto\""),
        ("tools", "[]"),
        ("top_p", "1"),
        ("truncation", "\"disabled\""),
    ];
    if request.dialect != Dialect::OpenAiResponses {
        return String::new();
    }
    let mut out = Vec::with_capacity(512);
    let mut writer = Writer::new(&mut out);
    for (name, default) in DEFAULTS {
        let given = request
            .echo
            .iter()
            .find(|(key, raw)| *key == name && raw != "null");
        let raw = given.map_or(default, |(_, raw)| raw.as_ref());
        if name == "text" && crate::json::member(raw, "format").is_none() {
            writer.object_in(name, |w| {
                w.raw("format", r#"{"type":"text"}"#);
                let members = raw.strip_prefix('{').and_then(|raw| raw.strip_suffix('}'));
                w.members_raw(members.unwrap_or_default());
            });
        } else {
            writer.raw(name, raw);
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Lower-case name of a borrowed or owned text, for comparisons.
#[must_use]
pub fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}
