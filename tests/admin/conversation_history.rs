//! The history of what goes over the data plane: opt-in, per client key, and carried on across vendors.

use std::time::Duration;

use bridge::admin::Role;
use bridge::conversation_files::ConversationFiles;
use bridge::conversation_keeper::ConversationKeeper;
use bridge::store::entities::{client_key, conversation};
use bridge::store::{conversation_switches, now_ms};
use poem::http::{Method, StatusCode};
use sea_orm::EntityTrait as _;
use sea_orm::sea_query::Expr;
use serde_json::{Value, json};

use crate::house::House;
use crate::plane::Plane;
use crate::upstream::{Reply, Step, Upstream};

/// Anthropic, with signed reasoning.
const FIRST: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"thinking","thinking":"who is it","signature":"c2lnLWE="},{"type":"text","text":"Hello Ada."}],"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":7}}"#;
/// Chat.
const LAST: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"gpt-y","choices":[{"index":0,"message":{"role":"assistant","content":"As I said: Ada."},"finish_reason":"stop"}],"usage":{"prompt_tokens":30,"completion_tokens":2,"total_tokens":32}}"#;

fn streamed() -> Reply {
    let events = [
        json!({"type": "message_start", "message": {"id": "msg_2", "type": "message", "role": "assistant",
            "model": "claude-x", "content": [], "usage": {"input_tokens": 9, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "You are "}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Ada."}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}}),
        json!({"type": "message_stop"}),
    ];
    let frame = |event: &Value| {
        let name = event["type"].as_str().expect("a type");
        Step::Send(format!("event: {name}\ndata: {event}\n\n"))
    };
    Reply::stream(events.iter().map(frame).collect())
}

/// A hub with two vendors, somebody with a client key, and the data plane.
struct Scene {
    house: House,
    plane: Plane,
    claude: Upstream,
    gpt: Upstream,
    /// A member: session and client key.
    ada: String,
    key: String,
    keeper: Option<ConversationKeeper>,
}

impl Scene {
    async fn new() -> Self {
        let claude =
            Upstream::start([Reply::json(200, FIRST), streamed(), Reply::json(200, FIRST)]).await;
        let gpt = Upstream::start([Reply::json(200, LAST)]).await;
        let yaml = format!(
            "PROVIDERS:\n  - {{name: a, api_format: anthropic, base_url: 'http://{}', api_key: sk-0123456789, allow_private_network: true, models: {{big: [claude-x], small: [claude-s]}}}}\n  - {{name: b, base_url: 'http://{}', api_key: sk-0123456789, allow_private_network: true, models: {{big: [gpt-y], small: [gpt-s]}}}}\n",
            claude.address, gpt.address
        );
        let house = House::of_yaml(&yaml).await;
        let keeper = ConversationKeeper::start(&house.control);
        let plane = Plane::of(house.control.hub()).await;
        let ada = house.person(Role::Member).await;
        let made = house
            .call(
                Method::POST,
                "/api/api-keys",
                &ada,
                Some(&json!({"name": "k"})),
            )
            .await;
        let key = made.text("key").to_owned();
        let scene = Self {
            house,
            plane,
            claude,
            gpt,
            ada,
            key,
            keeper: Some(keeper),
        };
        scene.switch("a/claude-x", "a/claude-s").await;
        scene
    }

    async fn switch(&self, big: &str, small: &str) {
        let operator = self.house.person(Role::Operator).await;
        let body = json!({"big_model": big, "small_model": small, "preserve_conversation": true});
        let switched = self
            .house
            .call(Method::POST, "/switch_model", &operator, Some(&body))
            .await;
        assert_eq!(switched.status, StatusCode::OK, "{}", switched.body);
        assert_eq!(switched.body["conversation_preserved"], true);
    }

    async fn enable(&self, body: Value) -> Value {
        let path = "/conversation/enable";
        let answer = self
            .house
            .call(Method::POST, path, &self.ada, Some(&body))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    async fn chat(&self, messages: Value, stream: bool) -> String {
        let body = json!({"model": "opus", "stream": stream, "messages": messages});
        let path = "/v1/chat/completions";
        let (status, text) = self
            .plane
            .call(Method::POST, path, &self.key, Some(&body))
            .await;
        assert_eq!(status, 200, "{text}");
        text
    }

    async fn get(&self, path: &str, token: &str) -> Value {
        self.house.call(Method::GET, path, token, None).await.body
    }

    /// The conversation once it has so many messages.
    async fn current(&self, messages: usize) -> Value {
        for _ in 0..200 {
            let current = self.get("/conversation", &self.ada).await;
            if current["messages"].as_array().map(Vec::len) == Some(messages) {
                return current;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let last = self.get("/conversation", &self.ada).await;
        assert_eq!(
            last["messages"].as_array().map(Vec::len),
            Some(messages),
            "{last}"
        );
        last
    }

    async fn end(mut self) {
        if let Some(keeper) = self.keeper.take() {
            keeper.stop().await;
        }
        self.house.end().await;
    }
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn assistant(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

/// The words of all messages of a body.
fn words(messages: &Value) -> Vec<String> {
    let messages = messages.as_array().expect("messages").iter();
    let text = |message: &Value| match &message["content"] {
        Value::String(text) => text.clone(),
        parts => parts
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|part| part["text"].as_str())
            .collect(),
    };
    messages.map(text).collect()
}

#[tokio::test]
async fn a_conversation_goes_on_with_another_vendor() {
    let scene = Scene::new().await;
    let status = scene
        .enable(json!({"enabled": true, "store": "database"}))
        .await;
    assert_eq!(
        (&status["enabled"], &status["store"]),
        (&json!(true), &json!("database"))
    );
    let said = user("I am Ada. My key is sk-canary-0123456789abcdef");
    // In the dialect of the vendor: what it signs reaches the client, and is kept.
    let body =
        json!({"model": "opus", "max_tokens": 100, "system": "Be kind.", "messages": [said]});
    let (status, text) = scene
        .plane
        .call(Method::POST, "/v1/messages", &scene.key, Some(&body))
        .await;
    assert_eq!(status, 200, "{text}");
    let first = scene.current(2).await;
    // Clients send everything again; nothing is kept twice.
    let history = json!([{"role": "system", "content": "Be kind."}, said, assistant("Hello Ada."), user("Who am I?")]);
    let text = scene.chat(history, true).await;
    assert!(text.contains("[DONE]"), "{text}");
    let second = scene.current(4).await;
    assert_eq!(second["conversation_id"], first["conversation_id"]);
    let messages = &second["messages"];
    assert!(!messages.to_string().contains("canary"), "{messages}");
    assert_eq!(messages[1]["content"][0]["type"], "reasoning");
    assert_eq!(messages[1]["model"], "claude-x");
    assert_eq!(messages[1]["usage"]["output_tokens"], 7);
    assert_eq!(
        messages[3]["content"][0]["text"], "You are Ada.",
        "of a stream"
    );

    scene.switch("b/gpt-y", "b/gpt-s").await;
    let wish = json!({"dialect": "anthropic", "message": "And now?"});
    let path = "/conversation/continue";
    let next = scene
        .house
        .call(Method::POST, path, &scene.ada, Some(&wish))
        .await;
    assert_eq!(next.status, StatusCode::OK, "{}", next.body);
    assert_eq!(
        (next.text("path"), next.text("model")),
        ("/v1/messages", "opus")
    );
    let request = &next.body["request"];
    let (status, answer) = scene
        .plane
        .json(Method::POST, next.text("path"), &scene.key, Some(request))
        .await;
    assert_eq!(status, 200, "{answer}");
    let asked = scene.gpt.asked();
    let body = &asked.last().expect("the other vendor was asked").body;
    let sent: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(
        words(&sent["messages"]),
        [
            "Be kind.",
            "I am Ada. My key is [redacted]",
            "Hello Ada.",
            "Who am I?",
            "You are Ada.",
            "And now?"
        ]
    );
    // What one vendor has signed is not shown to another.
    assert!(
        !body.contains("c2lnLWE=") && !body.contains("hub1."),
        "{body}"
    );
    let third = scene.current(6).await;
    assert_eq!(
        third["conversation_id"], first["conversation_id"],
        "it is the same one"
    );

    // Back at the vendor that has signed it, the signature is there again.
    scene.switch("a/claude-x", "a/claude-s").await;
    let wish = json!({"dialect": "anthropic", "message": "Once more."});
    let next = scene
        .house
        .call(Method::POST, path, &scene.ada, Some(&wish))
        .await;
    let request = &next.body["request"];
    let (status, answer) = scene
        .plane
        .json(Method::POST, next.text("path"), &scene.key, Some(request))
        .await;
    assert_eq!(status, 200, "{answer}");
    let asked = scene.claude.asked();
    let body = &asked.last().expect("a call").body;
    assert!(body.contains("As I said: Ada."), "{body}");
    assert!(
        body.contains("c2lnLWE=") && !body.contains("hub1."),
        "{body}"
    );

    for dialect in ["openai-chat", "openai-responses", "gemini"] {
        let wish = json!({"dialect": dialect});
        let next = scene
            .house
            .call(Method::POST, path, &scene.ada, Some(&wish))
            .await;
        let request = next.body["request"].to_string();
        assert!(
            request.contains("You are Ada.") && request.contains("Who am I?"),
            "{request}"
        );
    }
    // It is one of their conversations like any other.
    let list = scene
        .get("/api/conversations?query=ada&origin=gateway", &scene.ada)
        .await;
    assert_eq!(list["items"][0]["id"], first["conversation_id"]);
    scene.end().await;
}

#[tokio::test]
async fn nothing_is_kept_unasked_or_shown_to_others() {
    let scene = Scene::new().await;
    scene.chat(json!([user("unheard")]), false).await;
    let status = scene.get("/conversation/status", &scene.ada).await;
    assert_eq!(
        (&status["enabled"], &status["conversations"]),
        (&json!(false), &json!(0))
    );
    scene.enable(json!({"enabled": true})).await;
    scene.chat(json!([user("heard")]), true).await;
    let current = scene.current(2).await;
    let id = current["conversation_id"].as_str().expect("an id");
    for role in [Role::Member, Role::Admin] {
        let eve = scene.house.person(role).await;
        let seen = scene.get("/conversation", &eve).await;
        assert_eq!(seen["messages"], json!([]), "{}", role.as_str());
        for (path, body) in [
            ("/conversation/continue", json!({"conversation_id": id})),
            ("/conversation/continue", json!({})),
            (
                "/conversation/enable",
                json!({"client_key_id": scene.get("/conversation/status", &scene.ada).await["keys"][0]["client_key_id"]}),
            ),
        ] {
            let refused = scene
                .house
                .call(Method::POST, path, &eve, Some(&body))
                .await;
            assert_eq!(refused.problem(), (404, "not_found"), "{path}");
        }
        let gone = scene
            .house
            .call(Method::DELETE, "/conversation", &eve, None)
            .await;
        assert_eq!(gone.body["conversations"], 0);
    }
    let status = scene.enable(json!({"enabled": false})).await;
    assert_eq!(
        (&status["enabled"], &status["conversations"]),
        (&json!(false), &json!(1))
    );
    scene.chat(json!([user("unheard again")]), false).await;
    let gone = scene
        .house
        .call(Method::DELETE, "/conversation", &scene.ada, None)
        .await;
    assert_eq!(gone.body["conversations"], 1);
    assert_eq!(
        scene.get("/conversation", &scene.ada).await["messages"],
        json!([])
    );
    scene.end().await;
}

#[cfg(unix)]
#[tokio::test]
async fn files_hold_archives_that_are_nobody_elses() {
    use std::os::unix::fs::PermissionsExt as _;
    if std::env::var("TEST_DATABASE_SERVER").is_ok() {
        // Files stand beside a database that is a file.
        return;
    }
    let scene = Scene::new().await;
    let status = scene
        .enable(json!({"enabled": true, "store": "file"}))
        .await;
    assert_eq!(status["store"], "file");
    scene.chat(json!([user("one")]), false).await;
    scene.current(2).await;
    scene
        .chat(
            json!([user("one"), assistant("Hello Ada."), user("two")]),
            true,
        )
        .await;
    let current = scene.current(4).await;
    assert_eq!(current["store"], "file");
    assert_eq!(current["title"], "one");
    let mut files = Vec::new();
    for folder in
        std::fs::read_dir(scene.house.control.folder().join("conversations")).expect("a folder")
    {
        for file in std::fs::read_dir(folder.expect("a folder").path()).expect("a folder") {
            files.push(file.expect("a file").path());
        }
    }
    assert_eq!(files.len(), 1, "{files:?}");
    let mode = std::fs::metadata(&files[0])
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let archive: Value =
        serde_json::from_slice(&std::fs::read(&files[0]).expect("a file")).expect("JSON");
    let path = "/api/conversations/import";
    let taken = scene
        .house
        .call(Method::POST, path, &scene.ada, Some(&archive))
        .await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.body);
    let wish = json!({"message": "three"});
    let next = scene
        .house
        .call(
            Method::POST,
            "/conversation/continue",
            &scene.ada,
            Some(&wish),
        )
        .await;
    assert_eq!(
        words(&next.body["request"]["messages"]),
        ["one", "Hello Ada.", "two", "You are Ada.", "three"]
    );
    let gone = scene
        .house
        .call(Method::DELETE, "/conversation", &scene.ada, None)
        .await;
    assert_eq!(gone.body["conversations"], 1);
    assert!(!files[0].exists());
    scene.end().await;
}

#[tokio::test]
async fn files_go_with_their_bounds_and_with_whom_they_belong_to() {
    if std::env::var("TEST_DATABASE_SERVER").is_ok() {
        // Files stand beside a database that is a file.
        return;
    }
    let scene = Scene::new().await;
    let (house, control) = (&scene.house, &scene.house.control);
    let admin = house.person(Role::Admin).await;
    let files = ConversationFiles::below(control.folder());
    let kept =
        async || scene.get("/conversation/status", &scene.ada).await["conversations"].clone();
    scene
        .enable(json!({"enabled": true, "store": "file"}))
        .await;
    scene.chat(json!([user("one")]), false).await;
    scene.current(2).await;
    files.forget_before(now_ms() - 60_000).await.expect("files");
    assert_eq!(kept().await, 1);
    files.forget_before(now_ms() + 60_000).await.expect("files");
    assert_eq!(kept().await, 0);

    let body = json!({"settings": {"CONVERSATION_MAX_BYTES": 1}});
    let put = house
        .call(Method::PUT, "/api/config", &admin, Some(&body))
        .await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    scene.chat(json!([user("one")]), true).await;
    let current = scene.current(1).await;
    assert_eq!(
        current["messages"][0]["role"], "assistant",
        "the last stays"
    );

    let me = scene.get("/api/auth/me", &scene.ada).await;
    let path = format!("/api/users/{}", me["id"].as_str().expect("an id"));
    let gone = house.call(Method::DELETE, &path, &admin, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    let folder = control.folder().join("conversations");
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 0);
    let switches = conversation_switches::all(control.store().read()).await;
    assert!(switches.expect("a database").is_empty());
    scene.end().await;
}

#[tokio::test]
async fn files_go_with_their_client_key() {
    if std::env::var("TEST_DATABASE_SERVER").is_ok() {
        // Files stand beside a database that is a file.
        return;
    }
    let scene = Scene::new().await;
    let (house, control) = (&scene.house, &scene.house.control);
    let files = ConversationFiles::below(control.folder());
    let count = async || {
        let folder = std::fs::read_dir(files.folder());
        folder.map_or(0, Iterator::count)
    };
    let mut ids = Vec::new();
    for name in ["here", "elsewhere"] {
        let body = json!({"name": name});
        let made = house
            .call(Method::POST, "/api/api-keys", &scene.ada, Some(&body))
            .await;
        let wish = json!({"client_key_id": made.text("id"), "store": "file"});
        scene.enable(wish).await;
        let body = json!({"model": "opus", "messages": [user(name)]});
        let (status, text) = scene
            .plane
            .call(
                Method::POST,
                "/v1/chat/completions",
                made.text("key"),
                Some(&body),
            )
            .await;
        assert_eq!(status, 200, "{text}");
        ids.push(made.text("id").to_owned());
    }
    scene.enable(json!({"store": "file"})).await;
    scene.chat(json!([user("mine")]), false).await;
    scene.current(2).await;
    for _ in 0..200 {
        if count().await == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(count().await, 3);
    let path = format!("/api/api-keys/{}", ids[0]);
    let gone = house.call(Method::DELETE, &path, &scene.ada, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    assert_eq!(files.count(&ids[0]).await.expect("a folder"), 0);
    assert_eq!(count().await, 2);

    // Another hub removes a key, and has no such files.
    client_key::Entity::delete_by_id(&ids[1])
        .exec(control.store().write())
        .await
        .expect("a database");
    let gone = std::slice::from_ref(&ids[1]);
    conversation_switches::retire(control.store().write(), gone)
        .await
        .expect("a database");
    let admin = house.person(Role::Admin).await;
    let sweep = async || {
        let swept = house
            .call(Method::POST, "/api/logs/sweep", &admin, None)
            .await;
        assert_eq!(swept.status, StatusCode::OK, "{}", swept.body);
        swept.body
    };
    assert_eq!(sweep().await["conversation_files"], 1);
    assert_eq!(count().await, 1, "the one whose key is there stays");
    assert_eq!(sweep().await["conversation_files"], 0);
    scene.end().await;
}

#[tokio::test]
async fn a_sweep_tells_of_conversations_too() {
    let scene = Scene::new().await;
    let house = &scene.house;
    scene.enable(json!({"store": "database"})).await;
    scene.chat(json!([user("one")]), false).await;
    scene.current(2).await;
    let long_ago = now_ms() - 3 * 86_400_000;
    conversation::Entity::update_many()
        .col_expr(conversation::Column::UpdatedAt, Expr::value(long_ago))
        .exec(house.control.store().write())
        .await
        .expect("a database");
    let admin = house.person(Role::Admin).await;
    let body = json!({"settings": {"CONVERSATION_RETENTION_DAYS": 2}});
    let put = house
        .call(Method::PUT, "/api/config", &admin, Some(&body))
        .await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    let swept = house
        .call(Method::POST, "/api/logs/sweep", &admin, None)
        .await;
    assert_eq!(swept.body["conversations"], 1, "{}", swept.body);
    let audit = house
        .call(Method::GET, "/api/audit?action=sweep", &admin, None)
        .await;
    assert_eq!(
        audit.body["items"][0]["after"], swept.body,
        "{}",
        audit.body
    );
    scene.end().await;
}
