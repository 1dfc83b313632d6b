//! Steps that a vendor ran itself: what happened, in words, and the items of this dialect that say the same
//! as another vendor's block. These are rare, so they are read as plain values.

use serde_json::{Value, json};

/// Items that the service runs, or that the client approves but does not run.
const SERVER_ITEMS: [&str; 9] = [
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "mcp_call",
    "mcp_list_tools",
    "mcp_approval_request",
    "computer_call",
    "tool_search_call",
];

/// True when items of this type are steps of the service.
pub(super) fn is_server(kind: &str) -> bool {
    SERVER_ITEMS.contains(&kind)
}

/// What an item of this dialect says, in words; empty when there is nothing to say.
pub(super) fn summary(raw: &str) -> String {
    let item: Value = serde_json::from_str(raw).unwrap_or_default();
    let word = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    match item["type"].as_str().unwrap_or_default() {
        "web_search_call" => {
            let action = &item["action"];
            let subject = [word(action, "query"), word(action, "url")]
                .into_iter()
                .find(|text| !text.is_empty());
            let sources: Vec<&str> = action["sources"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|source| source["url"].as_str())
                .collect();
            match (subject, sources.is_empty()) {
                (None, true) => "[web search]".to_owned(),
                (subject, true) => format!("[web search: {}]", subject.unwrap_or_default()),
                (subject, false) => format!(
                    "[web search: {} -> {}]",
                    subject.unwrap_or_default(),
                    sources.join(", ")
                ),
            }
        }
        "file_search_call" => format!("[file search: {}]", strings(&item["queries"]).join(", ")),
        "code_interpreter_call" => {
            let logs: Vec<String> = item["outputs"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|output| word(output, "logs"))
                .collect();
            format!("[code run: {} -> {}]", word(&item, "code"), logs.join("\n"))
        }
        "image_generation_call" => format!("[image generated: {}]", word(&item, "revised_prompt")),
        "mcp_call" => {
            format!(
                "[{} called with {} -> {}]",
                word(&item, "name"),
                word(&item, "arguments"),
                word(&item, "output")
            )
        }
        _ => String::new(),
    }
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// An item of this dialect that says what a native block, item or part of any dialect says. `id` is used
/// when the native form has none of this dialect. `None` when there is nothing that a client could use.
pub(super) fn item(raw: &str, id: impl FnOnce(&str) -> String) -> Option<String> {
    let value: Value = serde_json::from_str(raw).ok()?;
    let kind = value["type"].as_str().unwrap_or_default();
    if value["id"].is_string() && (is_server(kind) || kind == "compaction") {
        return Some(crate::json::compact(raw).into_owned());
    }
    let built = match kind {
        "server_tool_use" => anthropic_call(&value, id)?,
        "" => gemini_part(&value, id)?,
        _ => return None,
    };
    Some(built.to_string())
}

fn anthropic_call(block: &Value, id: impl FnOnce(&str) -> String) -> Option<Value> {
    let input = &block["input"];
    let name = block["name"].as_str()?;
    if name == "web_search" {
        return Some(search(
            input["query"].as_str().unwrap_or_default(),
            &id("ws_"),
        ));
    }
    if name == "web_fetch" {
        let action = json!({"type": "open_page", "url": input["url"]});
        return Some(
            json!({"id": id("ws_"), "type": "web_search_call", "status": "completed", "action": action}),
        );
    }
    let code = input["code"].as_str().or(input["command"].as_str())?;
    name.contains("code_execution")
        .then(|| code_run(code, &id("ci_")))
}

fn gemini_part(part: &Value, id: impl FnOnce(&str) -> String) -> Option<Value> {
    if let Some(code) = part["executableCode"]["code"].as_str() {
        return Some(code_run(code, &id("ci_")));
    }
    let queries = strings(&part["webSearchQueries"]);
    if queries.is_empty() {
        return None;
    }
    let mut item = search(queries[0], &id("ws_"));
    item["action"]["queries"] = json!(queries);
    let sources: Vec<Value> = part["groundingChunks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|chunk| chunk["web"]["uri"].is_string())
        .map(|chunk| json!({"type": "url", "url": chunk["web"]["uri"]}))
        .collect();
    if !sources.is_empty() {
        item["action"]["sources"] = json!(sources);
    }
    Some(item)
}

fn search(query: &str, id: &str) -> Value {
    let action = json!({"type": "search", "query": query});
    json!({"id": id, "type": "web_search_call", "status": "completed", "action": action})
}

fn code_run(code: &str, id: &str) -> Value {
    json!({
        "id": id,
        "type": "code_interpreter_call",
        "status": "completed",
        "code": code,
        "container_id": "hub",
        "outputs": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_steps_become_items() {
        let cases = [
            (
                r#"{"type":"server_tool_use","name":"web_search","input":{"query":"q"}}"#,
                Some("web_search_call"),
            ),
            (r#"{"type":"web_search_tool_result","content":[]}"#, None),
            (
                r#"{"executableCode":{"language":"PYTHON","code":"1"}}"#,
                Some("code_interpreter_call"),
            ),
            (r#"{"webSearchQueries":["a","b"]}"#, Some("web_search_call")),
            (
                r#"{"id":"ws_1","type":"web_search_call","status":"completed"}"#,
                Some("web_search_call"),
            ),
        ];
        for (raw, want) in cases {
            let item = item(raw, |prefix| format!("{prefix}1"));
            let value: Option<Value> = item.map(|item| serde_json::from_str(&item).expect("json"));
            assert_eq!(
                value.as_ref().and_then(|v| v["type"].as_str()),
                want,
                "{raw}"
            );
        }
    }

    #[test]
    fn words_say_what_happened() {
        let raw = r#"{"type":"web_search_call","action":{"type":"search","query":"q","sources":[{"url":"http://a"}]}}"#;
        assert_eq!(summary(raw), "[web search: q -> http://a]");
    }
}
