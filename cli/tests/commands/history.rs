//! `conversations status`, `enable`, `disable`, `request`: the history of requests.

use serde_json::json;

use crate::hub::Hub;

#[test]
fn what_goes_through_the_hub_is_kept_where_that_is_wanted() {
    let hub = Hub::start();
    assert_eq!(hub.json(&["conversations", "status"])["enabled"], false);
    hub.ask("demo-openai/demo-model-chat", "not kept");
    hub.run(&["conversations", "enable", "--key", "first key"])
        .shown();
    assert_eq!(hub.json(&["conversations", "status"])["store"], "database");
    hub.ask("demo-openai/demo-model-chat", "kept words");
    let found = hub.json_until(&["conversations", "list", "--origin", "gateway"], |rows| {
        !rows[0].is_null()
    });
    assert_eq!(found.as_array().map(Vec::len), Some(1));
    let request = hub.json(&[
        "conversations",
        "request",
        "last",
        "go on",
        "--dialect",
        "anthropic",
    ]);
    assert!(
        request["path"] == "/v1/messages" && request.to_string().contains("kept words"),
        "{request}"
    );
    let same = hub.json(&["conversations", "request", "recorded"]);
    assert_eq!(same["conversation_id"], request["conversation_id"]);
    hub.run(&["conversations", "disable"]).shown();
    assert_eq!(hub.json(&["conversations", "status"])["enabled"], false);
    hub.run(&["conversations", "clear", "--recorded"]).failed(2);
    hub.run(&["conversations", "clear", "--recorded", "--yes"])
        .shown();
    assert_eq!(hub.json(&["conversations", "list"]), json!([]));
}
