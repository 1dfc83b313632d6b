//! Names of speakers, for upstreams whose turns carry none.
//!
//! From the second speaker on a name stands before the words, so that the model can tell the speakers apart. It looks
//! backwards only: a turn is never rendered anew because somebody else has spoken after it.

use std::borrow::Cow;

use crate::fidelity::Report;
use crate::ir::{Kind, Part, Request, Role};
use crate::member::Member;
use crate::{Dialect, Text};

/// Puts names into words where more than one user has spoken; a name that is left out is reported.
pub(crate) fn name(request: &mut Request<'_>, report: &mut Report) {
    if request.dialect != Dialect::OpenAiChat {
        return;
    }
    let member = Member::Speaker.of(request.dialect);
    let mut first: Option<Cow<'_, str>> = None;
    let mut several = false;
    for turn in &mut request.turns {
        let Some(name) = turn.name.take().filter(|name| !name.is_empty()) else {
            continue;
        };
        if turn.role == Role::User {
            several |= *first.get_or_insert_with(|| name.clone()) != name;
            if several && say(&name, &mut turn.parts) {
                report.emulated(
                    member,
                    "the names of several speakers stand before their words",
                );
                continue;
            }
        }
        report.dropped(member, "the dialect has no names of speakers");
    }
}

/// True when the name was put before the turn's own words; results of tools are nobody's.
fn say(name: &str, parts: &mut Vec<Part<'_>>) -> bool {
    let Some(at) = parts
        .iter()
        .position(|part| !matches!(part.kind, Kind::ToolResult(_)))
    else {
        return false;
    };
    if let Kind::Text { text, .. } = &mut parts[at].kind {
        *text = Text::from(format!("{name}: {}", text.as_str()));
    } else {
        parts.insert(at, Part::text(format!("{name}:")));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai_chat::decode_request;

    fn told(messages: &str) -> (Vec<String>, Vec<String>) {
        let body = format!(r#"{{"model":"m","messages":[{messages}]}}"#);
        let mut request = decode_request(body.as_bytes()).expect("legal");
        let mut report = Report::default();
        name(&mut request, &mut report);
        let parts = request.turns.iter().flat_map(|turn| &turn.parts);
        let words = parts.map(|part| match &part.kind {
            Kind::Text { text, .. } => text.as_str().into_owned(),
            _ => "medium".to_owned(),
        });
        let entries = report.entries().iter();
        (
            words.collect(),
            entries.map(crate::fidelity::Entry::code).collect(),
        )
    }

    #[test]
    fn one_speaker_is_not_named_but_reported() {
        let (words, codes) = told(
            r#"{"role":"user","name":"al","content":"a"},{"role":"assistant","content":"b"},
               {"role":"user","name":"al","content":"c"}"#,
        );
        assert_eq!(words, ["a", "b", "c"]);
        assert_eq!(codes, ["dropped:messages.name"]);
    }

    #[test]
    fn speakers_are_named_from_the_second_on() {
        let (words, codes) = told(
            r#"{"role":"user","name":"al","content":"a"},{"role":"user","name":"bo","content":"b"},
               {"role":"user","content":"nobody"},
               {"role":"user","name":"al","content":[{"type":"image_url","image_url":{"url":"https://e.x/1.png"}}]}"#,
        );
        assert_eq!(words, ["a", "bo: b", "nobody", "al:", "medium"]);
        assert_eq!(codes, ["dropped:messages.name", "emulated:messages.name"]);
    }
}
