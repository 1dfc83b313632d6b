//! Damaged input: members missing, null or of another type, frames twice or in another order.
//!
//! Whatever comes in, nobody panics, what goes up is JSON, and a client's stream keeps its grammar. All
//! mutations are enumerated, not drawn, so that a failure repeats.

use serde_json::{Value, json};
use translator::Dialect;

use crate::answers::{Exchange, grammar};
use crate::cases::{self, TARGETS};
use crate::events;
use crate::requests::translate;

/// The places of all values below a value, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut visit = |key: &str, value: &Value| {
        let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        found.push(place.clone());
        places(value, &place, found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| visit(key, value)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, value)| visit(&at.to_string(), value)),
        _ => {}
    }
}

/// A copy with one value damaged in the given way.
fn damaged(value: &Value, place: &str, way: usize) -> Value {
    let mut copy = value.clone();
    let Some(target) = copy.pointer_mut(place) else {
        return copy;
    };
    *target = match way % 7 {
        0 => Value::Null,
        1 => json!(7),
        2 => json!("x"),
        3 => json!([]),
        4 => json!({}),
        5 => json!([null, {"type": "unheard_of", "text": 1}, [[]]]),
        _ => json!({"type": "unheard_of", "id": -1.5, "text": null}),
    };
    copy
}

fn all_places(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    places(value, "", &mut found);
    found
}

#[test]
fn damaged_requests_are_refused_or_translated() {
    let mut problems = Vec::new();
    let mut turn = 0;
    for case in cases::requests() {
        for (from, body) in &case.bodies {
            let body: Value = serde_json::from_str(body).expect("a case is JSON");
            for place in all_places(&body) {
                for way in [turn, turn + 3] {
                    turn += 1;
                    let (to, model) = TARGETS[turn % TARGETS.len()];
                    let bytes = damaged(&body, &place, way).to_string();
                    let label = || {
                        format!(
                            "{}/{}__{model} {place} way {}",
                            case.name,
                            cases::word(*from),
                            way % 7
                        )
                    };
                    match translate(*from, bytes.as_bytes(), to, model) {
                        Ok(outbound)
                            if serde_json::from_slice::<Value>(&outbound.body).is_err() =>
                        {
                            problems.push(format!("{}: the body is no JSON", label()));
                        }
                        Err(error) if error == "panicked" => {
                            problems.push(format!("{}: panicked", label()));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    assert!(turn > 8_000, "only {turn} mutations");
    assert!(
        problems.is_empty(),
        "{} of {turn}\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn damaged_answers_are_failures_or_legal() {
    let mut problems = Vec::new();
    let mut turn = 0;
    for case in cases::answers() {
        for upstream in Dialect::ALL {
            let body: Value =
                serde_json::from_str(&case.upstreams[&upstream].0).expect("a case is JSON");
            let exchanges = Dialect::ALL
                .map(|client| Exchange::new(&case, upstream, client).expect("a legal question"));
            for place in all_places(&body) {
                turn += 1;
                let exchange = &exchanges[turn % exchanges.len()];
                if let Err(error) = exchange.complete(&damaged(&body, &place, turn / 4).to_string())
                    && !error.starts_with("failed: ")
                {
                    problems.push(format!(
                        "{}/{}__{} {place} way {}: {error}",
                        case.name,
                        cases::word(upstream),
                        cases::word(exchange.client),
                        turn / 4 % 7
                    ));
                }
            }
        }
    }
    assert!(turn > 2_000, "only {turn} mutations");
    assert!(
        problems.is_empty(),
        "{} of {turn}\n{}",
        problems.len(),
        problems.join("\n")
    );
}

/// The data of a frame replaced, its event name kept.
fn with_data(frame: &str, data: &Value) -> String {
    frame
        .lines()
        .map(|line| {
            if line.starts_with("data: ") {
                format!("data: {data}\n")
            } else {
                format!("{line}\n")
            }
        })
        .collect()
}

/// The client's stream must be a success or a failure by its grammar, nothing between.
fn legal(exchange: &Exchange, stream: &str) -> Option<String> {
    let (out, _) = match exchange.streamed(stream, stream.len().max(1)) {
        Ok(streamed) => streamed,
        Err(error) => return Some(error),
    };
    let events = match events::read(exchange.client, &out) {
        Ok(events) => events,
        Err(error) => return Some(error),
    };
    let success = grammar(exchange.client, &events, false);
    let failure = grammar(exchange.client, &events, true);
    (!success.is_empty() && !failure.is_empty()).then(|| {
        format!(
            "neither success ({}) nor failure ({})",
            success.join("; "),
            failure.join("; ")
        )
    })
}

#[test]
fn damaged_streams_stay_legal() {
    let mut problems = Vec::new();
    let mut turn = 0;
    for case in cases::answers() {
        for upstream in Dialect::ALL {
            let frames = events::frames(&case.upstreams[&upstream].1);
            let exchanges = Dialect::ALL
                .map(|client| Exchange::new(&case, upstream, client).expect("a legal question"));
            let mut judge = |turn: usize, what: String, stream: String| {
                let exchange = &exchanges[turn % exchanges.len()];
                if let Some(problem) = legal(exchange, &stream) {
                    problems.push(format!(
                        "{}/{}__{} {what}: {problem}",
                        case.name,
                        cases::word(upstream),
                        cases::word(exchange.client)
                    ));
                }
            };
            for at in 0..frames.len() {
                let (head, tail) = (frames[..at].concat(), frames[at + 1..].concat());
                turn += 1;
                judge(
                    turn,
                    format!("frame {at} twice"),
                    format!("{head}{}{}{tail}", frames[at], frames[at]),
                );
                judge(
                    turn + 1,
                    format!("frame {at} missing"),
                    format!("{head}{tail}"),
                );
                if at > 0 {
                    let before = frames[..at - 1].concat();
                    judge(
                        turn + 2,
                        format!("frame {at} before the one before"),
                        format!("{before}{}{}{tail}", frames[at], frames[at - 1]),
                    );
                }
                let Some(data) = frames[at]
                    .lines()
                    .find_map(|line| line.strip_prefix("data: "))
                else {
                    continue;
                };
                let Ok(data) = serde_json::from_str::<Value>(data) else {
                    continue;
                };
                for place in all_places(&data) {
                    // Another index is another alternative; the grammar judges one.
                    if matches!(place.as_str(), "/choices/0/index" | "/candidates/0/index") {
                        continue;
                    }
                    turn += 1;
                    let frame = with_data(frames[at], &damaged(&data, &place, turn / 4));
                    judge(
                        turn,
                        format!("frame {at} {place} way {}", turn / 4 % 7),
                        format!("{head}{frame}\n{tail}"),
                    );
                }
            }
        }
    }
    assert!(turn > 5_000, "only {turn} mutations");
    assert!(
        problems.is_empty(),
        "{} of {turn}\n{}",
        problems.len(),
        problems.join("\n")
    );
}
