//! Requests on their way through dialects: what comes back, what is repeated, what grows.

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::Strategy;
use proptest::test_runner::TestCaseError;
use serde_json::Value;
use translator::Dialect;

use super::answers::json;
use super::requests::{Ask, ask, carried, view, written};
use super::{holds, none};
use crate::cases;
use crate::growing::compare;
use crate::requests::pretty;
use crate::snapshots::difference;

fn fail(text: impl Into<String>) -> TestCaseError {
    TestCaseError::fail(text.into())
}

fn body(ask: &Ask, dialect: Dialect, stage: usize) -> Result<Vec<u8>, TestCaseError> {
    written(ask.request(dialect, stage))
        .map(|outbound| outbound.body)
        .map_err(|error| fail(format!("{}: {error}", cases::word(dialect))))
}

/// From a dialect to another and back: without a loss in the reports nothing is lost, and with one something is.
fn there_and_back(home: Dialect) {
    holds(80, &ask(), |ask| {
        let body = body(&ask, home, ask.stages())?;
        let origin = view(home, &body).map_err(fail)?;
        for abroad in Dialect::ALL {
            let place = format!("{} to {} and back", cases::word(home), cases::word(abroad));
            let there =
                carried(home, &body, abroad).map_err(|error| fail(format!("{place}: {error}")))?;
            let back = carried(abroad, &there.body, home)
                .map_err(|error| fail(format!("{place}: {error}")))?;
            let (mut before, mut after) = (origin.clone(), view(home, &back.body).map_err(fail)?);
            // The hub itself watches for stop sequences that the upstream does not take.
            if [&there, &back]
                .iter()
                .any(|leg| leg.undo.stop == ask.stop())
            {
                for view in [&mut before, &mut after] {
                    view.as_object_mut()
                        .map(|members| members.shift_remove("stop"));
                }
            }
            let lost = there.report.first_loss().or(back.report.first_loss());
            let show = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
            let mut problems = Vec::new();
            if lost.is_none() && before != after {
                problems.push(format!(
                    "{place}: lost without a word\n{}\n{}\n{}\n{}\nreports {:?} {:?}",
                    difference(&pretty(&before), &pretty(&after)),
                    show(&body),
                    show(&there.body),
                    show(&back.body),
                    there.report.header(),
                    back.report.header(),
                ));
            }
            if let Some(lost) = lost
                && before == after
            {
                problems.push(format!(
                    "{place}: {lost}, but nothing is missing\n{}\n{}",
                    show(&body),
                    show(&there.body)
                ));
            }
            none(&problems, String::new)?;
        }
        Ok(())
    });
}

#[test]
fn chat_requests_come_back() {
    there_and_back(Dialect::OpenAiChat);
}

#[test]
fn responses_requests_come_back() {
    there_and_back(Dialect::OpenAiResponses);
}

#[test]
fn anthropic_requests_come_back() {
    there_and_back(Dialect::Anthropic);
}

#[test]
fn gemini_requests_come_back() {
    there_and_back(Dialect::Gemini);
}

/// The same input gives the same bytes, and an earlier request is the beginning of a later one.
#[test]
fn conversations_only_grow() {
    holds(60, &ask(), |ask| {
        for from in Dialect::ALL {
            for to in Dialect::ALL {
                let mut earlier: Option<Vec<u8>> = None;
                for stage in 0..=ask.stages() {
                    let body = body(&ask, from, stage)?;
                    let place = format!(
                        "{} to {}, stage {stage}",
                        cases::word(from),
                        cases::word(to)
                    );
                    let translated = || {
                        carried(from, &body, to)
                            .map(|outbound| (outbound.body, outbound.headers, outbound.report))
                            .map_err(|error| fail(format!("{place}: {error}")))
                    };
                    let (now, again) = (translated()?, translated()?);
                    if now != again {
                        return Err(fail(format!("{place}: two translations differ")));
                    }
                    let changed = earlier
                        .as_deref()
                        .and_then(|earlier| compare(to, earlier, &now.0));
                    none(&changed.into_iter().collect::<Vec<_>>(), || place)?;
                    earlier = Some(now.0);
                }
            }
        }
        Ok(())
    });
}

/// Members that no version of the translator knows, for the body and for a tool.
fn unknown() -> impl Strategy<Value = Vec<(String, Value)>> {
    vec(("x_[a-z]{3,8}", json()), 0..4)
}

/// A member as it is found in a body, or what is found instead.
fn keeps(whole: &Value, members: &[(String, Value)]) -> Vec<String> {
    members
        .iter()
        .rev()
        .enumerate()
        // The last of equal names counts; null is absent.
        .filter(|(at, (key, value))| {
            !value.is_null()
                && members
                    .iter()
                    .rev()
                    .take(*at)
                    .all(|(other, _)| other != key)
        })
        .filter(|(_, (key, value))| whole.get(key) != Some(value))
        .map(|(_, (key, value))| format!("{key} was {value} and is {:?}", whole.get(key)))
        .collect()
}

/// In one dialect a body keeps all that it says, known and unknown.
#[test]
fn one_dialect_keeps_everything() {
    let input = (ask(), unknown(), unknown(), unknown(), any::<bool>());
    holds(120, &input, |(ask, top, in_tool, in_part, odd_part)| {
        for dialect in Dialect::ALL {
            let place = cases::word(dialect);
            let mut body: Value =
                serde_json::from_slice(&body(&ask, dialect, ask.stages())?).expect("JSON");
            let add = |target: &mut Value, members: &[(String, Value)]| {
                for (key, value) in members {
                    target[key] = value.clone();
                }
            };
            add(&mut body, &top);
            let tool = match dialect {
                Dialect::Gemini => "/tools/0/functionDeclarations/0",
                Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Anthropic => "/tools/0",
            };
            let in_tool: Vec<(String, Value)> = in_tool
                .iter()
                .filter(|(_, value)| !value.is_null())
                .cloned()
                .collect();
            if let Some(tool) = body.pointer_mut(tool) {
                add(tool, &in_tool);
            }
            let odd = odd_part
                .then(|| append_part(dialect, &mut body, &in_part))
                .flatten();
            let before = view(dialect, body.to_string().as_bytes()).map_err(fail)?;
            let outbound = carried(dialect, body.to_string().as_bytes(), dialect)
                .map_err(|error| fail(format!("{place}: {error}")))?;
            let out: Value = serde_json::from_slice(&outbound.body).expect("JSON");
            let mut problems = keeps(&out, &top);
            if let Some(tool) = out.pointer(tool) {
                problems.extend(keeps(tool, &in_tool));
            }
            problems.extend(
                odd.filter(|odd| !holds_value(&out, odd))
                    .map(|odd| format!("the part {odd} is gone")),
            );
            let after = view(dialect, &outbound.body).map_err(fail)?;
            if before != after {
                problems.push(difference(&pretty(&before), &pretty(&after)));
            }
            let losses = outbound.report.first_loss().map(ToString::to_string);
            problems.extend(losses);
            none(&problems, || format!("{place}\n{body}\n{out}"))?;
        }
        Ok(())
    });
}

/// Appends a part of an unknown kind to the last turn; gives the part.
fn append_part(dialect: Dialect, body: &mut Value, members: &[(String, Value)]) -> Option<Value> {
    let mut part = match dialect {
        Dialect::Gemini => serde_json::json!({"x_odd": {"a": 1}}),
        _ => serde_json::json!({"type": "x_odd"}),
    };
    for (key, value) in members {
        part[key] = value.clone();
    }
    let (turns, parts) = match dialect {
        Dialect::OpenAiChat | Dialect::Anthropic => ("messages", "content"),
        Dialect::OpenAiResponses => ("input", "content"),
        Dialect::Gemini => ("contents", "parts"),
    };
    let last = body[turns].as_array_mut()?.last_mut()?;
    if let Some(text) = last[parts].as_str().map(str::to_owned) {
        let kind = if dialect == Dialect::OpenAiResponses {
            "input_text"
        } else {
            "text"
        };
        last[parts] = serde_json::json!([{"type": kind, "text": text}]);
    }
    last[parts].as_array_mut()?.push(part.clone());
    Some(part)
}

/// True when the value stands somewhere in the document.
fn holds_value(document: &Value, wanted: &Value) -> bool {
    document == wanted
        || match document {
            Value::Array(items) => items.iter().any(|item| holds_value(item, wanted)),
            Value::Object(members) => members.values().any(|member| holds_value(member, wanted)),
            _ => false,
        }
}
