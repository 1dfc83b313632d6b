//! The schemas themselves, and the cases, against the fixtures and against each other.

use std::fs;
use std::path::Path;

use serde_json::Value;
use translator::Dialect;

use crate::{cases, schemas};

/// Every fixture that must pass passes, every one that must fail fails: nobody has loosened a schema.
#[test]
fn fixtures_agree_with_their_schemas() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs/fixtures");
    let mut seen = 0;
    let mut wrong = Vec::new();
    for vendor in ["openai", "anthropic", "gemini"] {
        for entry in fs::read_dir(root.join(vendor)).expect("fixtures are part of the repository") {
            let text = fs::read_to_string(entry.expect("a readable folder").path())
                .expect("a readable file");
            let fixture: Value = serde_json::from_str(&text).expect("a fixture is JSON");
            let name = fixture["schema"]
                .as_str()
                .expect("a fixture names its schema");
            for document in fixture["valid"].as_array().into_iter().flatten() {
                wrong.extend(schemas::problems(name, document));
                seen += 1;
            }
            for case in fixture["invalid"].as_array().into_iter().flatten() {
                if schemas::validator(name).is_valid(&case["doc"]) {
                    wrong.push(format!("{name} lets pass: {}", case["reason"]));
                }
                seen += 1;
            }
        }
    }
    assert!(seen >= 273, "only {seen} fixtures were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The case of bodies that clients send although the SDK types have no word for them.
pub(crate) const HABITS: &str = "habits";

/// What the cases send is what the vendors' SDKs could have sent.
#[test]
fn requests_are_valid_in_their_own_dialect() {
    let mut wrong = Vec::new();
    for case in cases::requests()
        .into_iter()
        .filter(|case| case.name != HABITS)
    {
        for (dialect, text) in &case.bodies {
            let body: Value = serde_json::from_str(text).expect("a case is JSON");
            let body = without_client_habits(*dialect, &schemas::without_extensions(&body));
            let name = schemas::request(*dialect, false, "2023-06-01");
            for problem in schemas::problems(name, &body) {
                wrong.push(format!(
                    "{}/{}: {problem}",
                    case.name,
                    cases::word(*dialect)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Upstream answers and their streams are what the services send.
#[test]
fn answers_are_valid_in_their_own_dialect() {
    let mut wrong = Vec::new();
    for case in cases::answers() {
        for (dialect, (body, stream)) in &case.upstreams {
            let place = format!("{}/{}", case.name, cases::word(*dialect));
            let body: Value = serde_json::from_str(body).expect("a case is JSON");
            wrong.extend(judge(&place, schemas::body(*dialect), &body));
            for line in stream
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
            {
                if line != "[DONE]" {
                    let event: Value = serde_json::from_str(line).expect("a frame is JSON");
                    wrong.extend(judge(&place, schemas::event(*dialect), &event));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn judge(place: &str, schema: &str, document: &Value) -> Vec<String> {
    let mut document = without_store(&schemas::without_extensions(document));
    // The service pads its deltas; the SDK types do not name the padding.
    if document["sequence_number"].is_u64() {
        document
            .as_object_mut()
            .map(|members| members.shift_remove("obfuscation"));
    }
    schemas::problems(schema, &document)
        .into_iter()
        .map(|problem| format!("{place}: {problem}"))
        .collect()
}

/// The service sends `store` in its answers, the SDK types (and so the schema) do not name it.
pub(crate) fn without_store(document: &Value) -> Value {
    let mut document = document.clone();
    let is_response = |value: &Value| value["object"] == "response";
    if is_response(&document) {
        document
            .as_object_mut()
            .map(|members| members.shift_remove("store"));
    }
    if is_response(&document["response"]) {
        document["response"]
            .as_object_mut()
            .map(|members| members.shift_remove("store"));
    }
    document
}

/// Codex gives every input item an `id` and writes nulls, which the SDK types do not foresee.
fn without_client_habits(dialect: Dialect, body: &Value) -> Value {
    let mut body = body.clone();
    if dialect == Dialect::OpenAiResponses {
        for item in body["input"].as_array_mut().into_iter().flatten() {
            let is_input = matches!(item["role"].as_str(), Some("user" | "developer"));
            if let Some(members) = item.as_object_mut() {
                members.retain(|key, value| !(value.is_null() || is_input && key == "id"));
            }
        }
    }
    body
}
