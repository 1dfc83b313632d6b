//! Every answer case, from every upstream dialect to every client dialect, complete and as a stream.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};
use translator::answer::Answer;
use translator::recall;
use translator::translate::{
    self, Calls, Gathering, Origin, StreamTranslation, Summary, no_recall,
};
use translator::undo::Undo;
use translator::wording::{self, Wording, Words};
use translator::{Dialect, envelope};

use crate::cases::{self, AnswerCase, CREATED, SEED};
use crate::events::{self, Event};
use crate::requests::{name_model, pretty, target};
use crate::snapshots::{Snapshots, difference};
use crate::{client_anthropic, client_chat, client_gemini, client_responses, fixtures, schemas};

/// The request that an answer answers: its tools, stops and schema decide what is reversed.
const QUESTIONS: [(&str, &str); 12] = [
    ("freeform_call", "freeform_tool"),
    ("renamed_call", "names_and_ids"),
    ("json_list", "json_schema_list"),
    ("json_fence", "json_object"),
    ("interleaved", "reasoning_tools_two_turns"),
    ("reasoning_text", "reasoning_tools_two_turns"),
    ("reasoning_tool", "reasoning_tools_two_turns"),
    ("one_tool", "one_tool"),
    ("parallel_tools", "parallel_tools"),
    ("text_then_tool", "parallel_tools"),
    ("json", "json_schema"),
    ("stop_sequence", "stop"),
];

/// Answers that look different to different clients, because their questions were rewritten differently.
const REVERSED: [&str; 4] = ["stop_sequence", "renamed_call", "json_list", "json_fence"];

/// What a client waits for: its side of a translation.
pub(crate) struct Exchange {
    pub(crate) upstream: Dialect,
    pub(crate) client: Dialect,
    /// The upstream's model, as its answer names it.
    model: String,
    undo: Undo,
    answer: Answer,
}

impl Exchange {
    /// The client asks, the request is translated for the upstream that answers `case`.
    pub(crate) fn new(
        case: &AnswerCase,
        upstream: Dialect,
        client: Dialect,
    ) -> Result<Self, String> {
        let question = QUESTIONS
            .iter()
            .find(|(answer, _)| *answer == case.name)
            .map_or("text", |(_, question)| *question);
        let body = cases::request(question, client)
            .or_else(|| cases::request("text", client))
            .expect("every dialect can ask a plain question");
        let complete: Value =
            serde_json::from_str(&case.upstreams[&upstream].0).expect("a case is JSON");
        let model = complete["model"]
            .as_str()
            .or_else(|| complete["modelVersion"].as_str())
            .unwrap_or("")
            .to_owned();
        catch_unwind(AssertUnwindSafe(|| {
            let mut request = client
                .decode_request(body.as_bytes(), &no_recall)
                .map_err(|error| format!("not decoded: {error}"))?;
            name_model(&mut request);
            let answer = Answer {
                before: Some(recall::mark(&request)),
                ..Answer::new(&request, SEED, CREATED)
            };
            let target = target(upstream, &model, request.stream);
            let outbound = translate::request(request, &target, false)
                .map_err(|error| format!("refused: {error}"))?;
            Ok((answer, outbound.undo))
        }))
        .unwrap_or_else(|_| Err("the request panicked".to_owned()))
        .map(|(answer, undo)| Self {
            upstream,
            client,
            model,
            undo,
            answer,
        })
    }

    fn origin(&self) -> Origin<'_> {
        Origin {
            provider: cases::word(self.upstream),
            model: &self.model,
        }
    }

    /// The answer is one to what this marks.
    pub(crate) fn answers_to(&mut self, mark: u64) {
        self.answer.before = Some(mark);
    }

    /// The client is a Gemini one that did not ask for server-sent events.
    pub(crate) fn as_json_list(&mut self) {
        self.answer.json_array = true;
    }

    /// A stream translation for a client that wants usage.
    pub(crate) fn stream(&self) -> StreamTranslation {
        let mut answer = self.answer.clone();
        answer.include_usage = true;
        StreamTranslation::new(self.upstream, &self.origin(), &self.undo, answer)
    }

    pub(crate) fn complete(&self, body: &str) -> Result<(Value, Summary), String> {
        catch_unwind(AssertUnwindSafe(|| {
            let mut out = Vec::new();
            let mut answer = self.answer.clone();
            let (origin, calls) = (self.origin(), Calls::default());
            let mut gathering = Gathering::new(self.upstream, &origin, &self.undo, &answer, calls);
            gathering.take(0, body.as_bytes(), origin);
            let (summary, wording) = gathering
                .finish(&mut answer, &mut out)
                .map_err(|failure| format!("failed: {}", failure.message))?;
            let told = String::from_utf8_lossy(&out);
            let mut words = Words::new(self.upstream);
            words.answer(body.as_bytes());
            let found = Wording {
                upstream: words.said(),
                client: wording::find(answer.dialect, &told).map(str::to_owned),
            };
            if wording != found {
                return Err(format!("counts are {wording:?}, and stand as {found:?}"));
            }
            let body = serde_json::from_slice(&out)
                .map_err(|error| format!("no JSON: {error}: {told}"))?;
            Ok((body, summary))
        }))
        .unwrap_or_else(|_| Err("panicked".to_owned()))
    }

    /// The client's stream, the upstream's arriving in pieces of `size` bytes.
    pub(crate) fn streamed(&self, stream: &str, size: usize) -> Result<(String, Summary), String> {
        let ends: Vec<usize> = (1..=stream.len().div_ceil(size))
            .map(|piece| (piece * size).min(stream.len()))
            .collect();
        self.streamed_at(stream.as_bytes(), &ends)
    }

    /// The client's stream, the upstream's arriving in pieces that end at `ends`.
    pub(crate) fn streamed_at(
        &self,
        stream: &[u8],
        ends: &[usize],
    ) -> Result<(String, Summary), String> {
        catch_unwind(AssertUnwindSafe(|| {
            let mut out = Vec::new();
            let mut translation = self.stream();
            let mut start = 0;
            for &end in ends {
                translation.feed(&stream[start..end], &mut out);
                start = end;
            }
            translation.end(&mut out);
            let text = String::from_utf8(out).map_err(|error| format!("not UTF-8: {error}"))?;
            Ok((text, translation.summary().clone()))
        }))
        .unwrap_or_else(|_| Err("panicked".to_owned()))
    }
}

/// The grammar of a client's stream.
pub(crate) fn grammar(dialect: Dialect, events: &[Event], failed: bool) -> Vec<String> {
    match dialect {
        Dialect::OpenAiChat => client_chat::grammar(events, failed),
        Dialect::OpenAiResponses => client_responses::grammar(events, failed),
        Dialect::Anthropic => client_anthropic::grammar(events, failed),
        Dialect::Gemini => client_gemini::grammar(events, failed),
    }
}

/// What the schema has against the events of a client's stream.
pub(crate) fn schema_problems(dialect: Dialect, events: &[Event]) -> Vec<String> {
    let mut problems = Vec::new();
    for event in events.iter().filter(|event| event.data != "[DONE]") {
        let in_stream_error = event.data["error"].is_object() && event.name.is_empty();
        let schema = if in_stream_error {
            schemas::error(dialect)
        } else {
            schemas::event(dialect)
        };
        let mut data = fixtures::without_store(&schemas::without_extensions(&event.data));
        // The service streams citations; the SDK types do not name them.
        if let Some(delta) = data.pointer_mut("/choices/0/delta") {
            delta
                .as_object_mut()
                .map(|delta| delta.shift_remove("annotations"));
        }
        problems.extend(schemas::problems(schema, &data));
    }
    problems
}

/// Adds a client's stream up as its SDK does.
pub(crate) fn fold(dialect: Dialect, events: &[Event]) -> Value {
    match dialect {
        Dialect::OpenAiChat => client_chat::normal(&client_chat::fold(events)),
        Dialect::OpenAiResponses => client_responses::normal(&client_responses::fold(events)),
        Dialect::Anthropic => client_anthropic::fold(events),
        Dialect::Gemini => client_gemini::fold(events),
    }
}

pub(crate) fn normal(dialect: Dialect, body: &Value) -> Value {
    match dialect {
        Dialect::OpenAiChat => client_chat::normal(body),
        Dialect::OpenAiResponses => client_responses::normal(body),
        Dialect::Anthropic => client_anthropic::normal(body),
        Dialect::Gemini => client_gemini::normal(body),
    }
}

/// What a comparison must not see: hub-made ids (those that do not occur in the upstream's answer) and times.
pub(crate) fn masked(value: &Value, exchange: &Exchange, complete: &str) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| {
                let id = matches!(key.as_str(), "id" | "call_id" | "responseId");
                let time = matches!(key.as_str(), "created" | "created_at" | "completed_at");
                let made = id && value.as_str().is_some_and(|id| !complete.contains(id));
                let value = match value.as_str() {
                    _ if made || time => Value::String("...".into()),
                    // A complete Anthropic answer holds an object, its stream the text as the model wrote it.
                    Some(text) if key == "arguments" && exchange.upstream == Dialect::Anthropic => {
                        serde_json::from_str(text).unwrap_or_else(|_| value.clone())
                    }
                    _ => masked(value, exchange, complete),
                };
                (key.clone(), value)
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| masked(item, exchange, complete))
            .collect(),
        other => other.clone(),
    }
}

/// Where the hub stops an answer it cancels the upstream: whether the upstream's counts have arrived by then is
/// a matter of the network, and an estimate stands in for them.
pub(crate) fn without_usage(mut view: Value) -> Value {
    if let Some(members) = view.as_object_mut() {
        members.retain(|key, _| !matches!(key.as_str(), "usage" | "usageMetadata"));
    }
    view
}

fn same_but_usage(client: Dialect, one: &str, other: &str) -> bool {
    let view = |text| events::read(client, text).map(|events| without_usage(fold(client, &events)));
    view(one).is_ok() && view(one) == view(other)
}

/// Judges one pair and hands its products to the snapshots.
fn judge(
    case: &AnswerCase,
    exchange: &Exchange,
    name: &str,
    snapshots: &mut Snapshots,
) -> Vec<String> {
    let (complete, stream) = &case.upstreams[&exchange.upstream];
    let client = exchange.client;
    let mut problems = Vec::new();
    let body = match exchange.complete(complete) {
        Ok((body, _)) => {
            let plain = fixtures::without_store(&schemas::without_extensions(&body));
            problems.extend(schemas::problems(schemas::body(client), &plain));
            match client {
                Dialect::Gemini => problems.extend(client_gemini::body(&body)),
                Dialect::OpenAiResponses => problems.extend(client_responses::body(&body)),
                Dialect::OpenAiChat | Dialect::Anthropic => {}
            }
            snapshots.check(&format!("{name}.json"), &pretty(&body));
            Some(body)
        }
        Err(error) => {
            problems.push(format!("complete: {error}"));
            None
        }
    };
    let (whole, summary) = match exchange.streamed(stream, stream.len()) {
        Ok(streamed) => streamed,
        Err(error) => {
            problems.push(format!("stream: {error}"));
            return problems;
        }
    };
    match exchange.streamed(stream, 1) {
        Ok((bytewise, _)) if bytewise == whole => {}
        Ok((bytewise, _)) if summary.satisfied && same_but_usage(client, &bytewise, &whole) => {}
        Ok((bytewise, _)) => problems.push(format!(
            "stream: byte by byte differs\n{}",
            difference(&whole, &bytewise)
        )),
        Err(error) => problems.push(format!("stream byte by byte: {error}")),
    }
    snapshots.check(&format!("{name}.sse"), &whole);
    let events = match events::read(client, &whole) {
        Ok(events) => events,
        Err(error) => {
            problems.push(format!("stream: {error}"));
            return problems;
        }
    };
    problems.extend(
        schema_problems(client, &events)
            .into_iter()
            .map(|problem| format!("stream: {problem}")),
    );
    problems.extend(
        grammar(client, &events, false)
            .into_iter()
            .map(|problem| format!("stream: {problem}")),
    );
    if let Some(body) = body {
        let (mut complete_view, mut stream_view) = (
            masked(&normal(client, &body), exchange, complete),
            masked(&fold(client, &events), exchange, complete),
        );
        if summary.satisfied {
            complete_view = without_usage(complete_view);
            stream_view = without_usage(stream_view);
        }
        if complete_view != stream_view {
            let shown = difference(&pretty(&complete_view), &pretty(&stream_view));
            problems.push(format!(
                "stream and complete answer differ (- complete, + stream)\n{shown}"
            ));
        }
    }
    problems
}

#[test]
fn answers_are_legal_and_as_before() {
    let mut problems = Vec::new();
    let mut snapshots = Snapshots::new(cases::root().join("snapshots/answers"));
    for case in cases::answers() {
        for upstream in Dialect::ALL {
            for client in Dialect::ALL {
                let name = format!(
                    "{}/{}__{}",
                    case.name,
                    cases::word(upstream),
                    cases::word(client)
                );
                let found = match Exchange::new(&case, upstream, client) {
                    Ok(exchange) => judge(&case, &exchange, &name, &mut snapshots),
                    Err(error) => vec![error],
                };
                problems.extend(
                    found
                        .into_iter()
                        .map(|problem| format!("{name}: {problem}")),
                );
            }
        }
    }
    problems.extend(snapshots.finish());
    assert!(
        problems.is_empty(),
        "{} problems\n{}",
        problems.len(),
        problems.join("\n")
    );
}

/// What the user sees and what the agent runs is the same, whichever dialects lie between.
#[test]
fn visible_content_survives_every_pair() {
    let mut problems = Vec::new();
    let mut compared = 0;
    for case in cases::answers() {
        for upstream in Dialect::ALL {
            let native = Exchange::new(&case, upstream, upstream);
            for client in Dialect::ALL {
                let exchange = Exchange::new(&case, upstream, client);
                let (Ok(native), Ok(exchange)) = (&native, exchange) else {
                    continue;
                };
                // What the hub reverses for one client it need not reverse for another.
                if REVERSED.contains(&case.name.as_str()) {
                    continue;
                }
                let complete = &case.upstreams[&upstream].0;
                let (Ok((want, _)), Ok((have, _))) =
                    (native.complete(complete), exchange.complete(complete))
                else {
                    problems.push(format!(
                        "{}: {} to {} failed",
                        case.name,
                        cases::word(upstream),
                        cases::word(client)
                    ));
                    continue;
                };
                compared += 1;
                let (want, have) = (visible(upstream, &want), visible(client, &have));
                if want != have && case.name != "refusal" {
                    problems.push(format!(
                        "{}: {} to {}: {want:?} became {have:?}",
                        case.name,
                        cases::word(upstream),
                        cases::word(client)
                    ));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(compared > 150, "only {compared} answers were compared");
}

/// The text and the calls (name and arguments) of a complete answer. Free text of a call counts as `{input}`.
pub(crate) fn visible(dialect: Dialect, body: &Value) -> (String, Vec<(String, Value)>) {
    use crate::rules::{list, text};
    let mut said = String::new();
    let mut calls = Vec::new();
    let mut call = |name: &str, arguments: Value| calls.push((name.to_owned(), arguments));
    let parse = |arguments: &str| serde_json::from_str(arguments).unwrap_or(Value::Null);
    match dialect {
        Dialect::OpenAiChat => {
            let message = &body["choices"][0]["message"];
            said.push_str(text(message, "content"));
            for item in list(message, "tool_calls") {
                if item["type"] == "custom" {
                    call(
                        text(&item["custom"], "name"),
                        json!({"input": item["custom"]["input"]}),
                    );
                    continue;
                }
                call(
                    text(&item["function"], "name"),
                    parse(text(&item["function"], "arguments")),
                );
            }
        }
        Dialect::OpenAiResponses => {
            for item in list(body, "output") {
                list(item, "content")
                    .iter()
                    .for_each(|part| said.push_str(text(part, "text")));
                if item["type"] == "custom_tool_call" {
                    call(text(item, "name"), json!({"input": item["input"]}));
                }
                if item["type"] == "function_call" {
                    call(text(item, "name"), parse(text(item, "arguments")));
                }
            }
        }
        Dialect::Anthropic => {
            for block in list(body, "content") {
                said.push_str(text(block, "text"));
                if block["type"] == "tool_use" {
                    call(text(block, "name"), block["input"].clone());
                }
            }
        }
        Dialect::Gemini => {
            for part in list(&body["candidates"][0]["content"], "parts") {
                if part["thought"] != true {
                    said.push_str(text(part, "text"));
                }
                if part["functionCall"].is_object() {
                    call(
                        text(&part["functionCall"], "name"),
                        part["functionCall"]["args"].clone(),
                    );
                }
            }
        }
    }
    (said, calls)
}

/// Vendor state goes to foreign clients in envelopes, and comes back out of them byte for byte.
#[test]
fn state_travels_in_envelopes() {
    let case = cases::answers()
        .into_iter()
        .find(|case| case.name == "reasoning_tool")
        .expect("the case exists");
    for upstream in [
        Dialect::OpenAiResponses,
        Dialect::Anthropic,
        Dialect::Gemini,
    ] {
        let complete = &case.upstreams[&upstream].0;
        for client in Dialect::ALL
            .into_iter()
            .filter(|client| *client != upstream)
        {
            let place = format!("{} to {}", cases::word(upstream), cases::word(client));
            let exchange = Exchange::new(&case, upstream, client).expect("the question is legal");
            let (body, _) = exchange.complete(complete).expect("the answer is legal");
            let mut states = Vec::new();
            strings(&body, &mut |text| {
                states.extend(envelope::open(text).into_iter().flatten());
            });
            assert!(!states.is_empty(), "{place}: no envelope in {body}");
            for state in states {
                assert_eq!(state.origin, upstream, "{place}");
                let native: Value = serde_json::from_str(complete).expect("a case is JSON");
                let mut found = false;
                strings(&native, &mut |text| {
                    found |= text.len() > 20 && state.state.contains(text);
                });
                assert!(
                    found,
                    "{place}: {} is not the upstream's state",
                    state.state
                );
            }
        }
    }
}

fn strings(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, visit)),
        Value::Object(members) => members.values().for_each(|member| strings(member, visit)),
        _ => {}
    }
}
