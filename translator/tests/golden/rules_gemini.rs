//! What Gemini `generateContent` enforces beyond its schema.

use serde_json::Value;
use translator::Dialect;

use crate::rules::{Faults, is_word, list, repeated, text};

pub(crate) fn check(model: &str, body: &Value, faults: &mut Faults) {
    let third = !model.starts_with("gemini-2");
    contents(third, body, faults);
    tools(body, faults);
    let config = &body["generationConfig"];
    let stops = list(config, "stopSequences").len();
    faults.unless(stops <= 5, "M15", || format!("{stops} stop sequences"));
    let thinking = &config["thinkingConfig"];
    let (level, budget) = (
        thinking.get("thinkingLevel").is_some(),
        thinking.get("thinkingBudget").is_some(),
    );
    faults.unless(!(level && budget), "M8", || {
        "thinkingLevel and thinkingBudget".into()
    });
    let right = if third { !budget } else { !level };
    faults.unless(right, "M8", || format!("{thinking} for {model}"));
    let schema =
        config.get("responseSchema").is_some() || config.get("responseJsonSchema").is_some();
    let json = config["responseMimeType"] == "application/json"
        || config["responseMimeType"] == "text/x.enum";
    faults.unless(!schema || json, "M10", || {
        "an answer schema without a JSON type".into()
    });
    let functions = !declarations(body).is_empty();
    faults.unless(third || !json || !functions, "M10", || {
        format!("functions and JSON together for {model}")
    });
    if third {
        for key in ["presencePenalty", "frequencyPenalty", "candidateCount"] {
            faults.unless(config.get(key).is_none(), "M11", || {
                format!("{key} for {model}")
            });
        }
    }
}

fn declarations(body: &Value) -> Vec<&Value> {
    list(body, "tools")
        .iter()
        .flat_map(|group| list(group, "functionDeclarations"))
        .collect()
}

/// The names in calls or results, in order.
fn names<'v>(content: &'v Value, member: &str) -> Vec<(&'v str, Option<&'v str>)> {
    list(content, "parts")
        .iter()
        .filter_map(|part| part.get(member))
        .map(|inner| (text(inner, "name"), inner["id"].as_str()))
        .collect()
}

fn contents(third: bool, body: &Value, faults: &mut Faults) {
    let contents = list(body, "contents");
    let roles: Vec<&str> = contents
        .iter()
        .map(|content| text(content, "role"))
        .collect();
    faults.unless(roles.first() == Some(&"user"), "M1", || {
        format!("the first turn is {:?}", roles.first())
    });
    let mut calls = Vec::new();
    for (at, content) in contents.iter().enumerate() {
        let known = matches!(roles[at], "user" | "model");
        faults.unless(known, "M1", || {
            format!("contents[{at}]: role {:?}", roles[at])
        });
        let alternates = at == 0 || roles[at] != roles[at - 1];
        faults.unless(alternates, "M1", || {
            format!("contents[{at}]: two turns of {} in a row", roles[at])
        });
        faults.unless(!list(content, "parts").is_empty(), "M13", || {
            format!("contents[{at}] has no parts")
        });
        let results = names(content, "functionResponse");
        results_match(at, content, &calls, &results, faults);
        calls = names(content, "functionCall");
        faults.unless(calls.is_empty() || roles[at] == "model", "M1", || {
            format!("contents[{at}]: a call of the user")
        });
        for (name, _) in calls.iter().chain(&results) {
            faults.unless(is_name(name), "M3", || {
                format!("contents[{at}]: function {name:?}")
            });
        }
        if third
            && let Some(first) = list(content, "parts")
                .iter()
                .find(|part| part.get("functionCall").is_some())
        {
            let signed = first["thoughtSignature"]
                .as_str()
                .is_some_and(|signature| !signature.is_empty());
            faults.unless(signed, "M4", || {
                format!("contents[{at}]: the first call has no signature")
            });
        }
    }
    faults.unless(calls.is_empty(), "M2", || {
        format!("the last calls {calls:?} are not answered")
    });
}

fn results_match(
    at: usize,
    content: &Value,
    calls: &[(&str, Option<&str>)],
    results: &[(&str, Option<&str>)],
    faults: &mut Faults,
) {
    faults.unless(results.len() == calls.len(), "M2", || {
        format!(
            "contents[{at}]: {} results for {} calls",
            results.len(),
            calls.len()
        )
    });
    for ((name, id), (call, call_id)) in results.iter().zip(calls) {
        let same = name == call && (id == call_id || id.is_none());
        faults.unless(same, "M2", || {
            format!("contents[{at}]: result {name:?} {id:?} for call {call:?} {call_id:?}")
        });
    }
    // Media may stand behind the results that they belong to, words only behind all results.
    let parts = list(content, "parts");
    let last = parts
        .iter()
        .rposition(|part| part.get("functionResponse").is_some());
    let words = parts[..last.unwrap_or(0)]
        .iter()
        .any(|part| part.get("text").is_some());
    faults.unless(!words, "M2", || {
        format!("contents[{at}]: words before results")
    });
}

fn is_name(name: &str) -> bool {
    is_word(name, ".:", 128) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

fn tools(body: &Value, faults: &mut Faults) {
    let declared: Vec<&str> = declarations(body)
        .into_iter()
        .map(|function| text(function, "name"))
        .collect();
    for name in &declared {
        faults.unless(is_name(name), "M3", || format!("function {name:?}"));
    }
    if let Some(name) = repeated(declared.iter().copied()) {
        faults.add("M3", format!("two functions are called {name:?}"));
    }
    for function in declarations(body) {
        let empty = |schema: &Value| {
            schema["properties"]
                .as_object()
                .is_some_and(serde_json::Map::is_empty)
        };
        let hollow = empty(&function["parameters"]);
        faults.unless(!hollow, "M3", || {
            format!(
                "{}: parameters is an object without properties",
                function["name"]
            )
        });
    }
    let calling = &body["toolConfig"]["functionCallingConfig"];
    faults.unless(calling.is_null() || !declared.is_empty(), "M12", || {
        "a calling mode without functions".into()
    });
    let allowed = list(calling, "allowedFunctionNames");
    let mode = matches!(text(calling, "mode"), "ANY" | "VALIDATED");
    faults.unless(allowed.is_empty() || mode, "M12", || {
        format!("allowed names in mode {}", calling["mode"])
    });
    for name in allowed {
        let known = name.as_str().is_some_and(|name| declared.contains(&name));
        faults.unless(known, "M12", || {
            format!("{name} is allowed but not declared")
        });
    }
}

#[test]
fn every_rule_notices_its_violation() {
    use serde_json::json;
    let user = json!({"role": "user", "parts": [{"text": "x"}]});
    let call = json!({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "YQ=="}]});
    let unsigned = json!({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]});
    let response = json!({"functionResponse": {"name": "f", "response": {}}});
    let results = json!({"role": "user", "parts": [response]});
    let tools = json!([{"functionDeclarations": [{"name": "f"}]}]);
    crate::rules::expect_faults(
        Dialect::Gemini,
        "gemini-3-flash-preview",
        &[
            (
                "M1",
                json!({"contents": [{"role": "model", "parts": [{"text": "x"}]}]}),
            ),
            ("M1", json!({"contents": [user, user]})),
            ("M2", json!({"contents": [user, call, user]})),
            ("M2", json!({"contents": [user, call]})),
            (
                "M2",
                json!({"contents": [user, call, {"role": "user", "parts": [response, response]}]}),
            ),
            (
                "M2",
                json!({"contents": [user, call, {"role": "user", "parts": [{"text": "x"}, response]}]}),
            ),
            (
                "M2",
                json!({"contents": [user, call, {"role": "user", "parts": [{"functionResponse": {"name": "g"}}]}]}),
            ),
            (
                "M3",
                json!({"contents": [user], "tools": [{"functionDeclarations": [{"name": "2f"}]}]}),
            ),
            ("M4", json!({"contents": [user, unsigned, results]})),
            (
                "M8",
                json!({"contents": [user], "generationConfig": {"thinkingConfig": {"thinkingBudget": 5}}}),
            ),
            (
                "M10",
                json!({"contents": [user], "generationConfig": {"responseJsonSchema": {}}}),
            ),
            (
                "M11",
                json!({"contents": [user], "generationConfig": {"presencePenalty": 1}}),
            ),
            (
                "M12",
                json!({"contents": [user], "tools": tools, "toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["f"]}}}),
            ),
            (
                "M12",
                json!({"contents": [user], "tools": tools, "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}}}),
            ),
            ("M13", json!({"contents": [{"role": "user", "parts": []}]})),
            (
                "M15",
                json!({"contents": [user], "generationConfig": {"stopSequences": ["1", "2", "3", "4", "5", "6"]}}),
            ),
        ],
    );
}
