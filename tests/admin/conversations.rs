//! Conversations that people keep: their own, with messages, search, archives and bounds.

use bridge::admin::Role;
use bridge::store::now_ms;
use poem::http::{Method, StatusCode};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use crate::house::{Answer, House};

const PATH: &str = "/api/conversations";

fn said(role: &str, text: &str) -> Value {
    json!({"role": role, "content": [{"type": "text", "text": text}]})
}

async fn begin(house: &House, token: &str, body: Value) -> String {
    let made = house.call(Method::POST, PATH, token, Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    made.text("id").to_owned()
}

async fn append(house: &House, token: &str, id: &str, messages: &[Value]) -> Answer {
    let path = format!("{PATH}/{id}/messages");
    let body = json!({"messages": messages});
    let made = house.call(Method::POST, &path, token, Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    made
}

async fn get(house: &House, token: &str, path: &str) -> Answer {
    house.call(Method::GET, path, token, None).await
}

fn texts(page: &Answer) -> Vec<&str> {
    let items = page.body["items"].as_array().into_iter().flatten();
    items
        .map(|item| item["content"][0]["text"].as_str().unwrap_or_default())
        .collect()
}

fn titles(page: &Answer) -> Vec<&str> {
    let items = page.body["items"].as_array().into_iter().flatten();
    items
        .map(|item| item["title"].as_str().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn a_conversation_from_beginning_to_end() {
    let house = House::new().await;
    let ada = house.person(Role::Member).await;
    let body =
        json!({"model": "opus", "dialect": "claude", "system": "Be brief.", "tags": ["work"]});
    let made = house.call(Method::POST, PATH, &ada, Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.etag.as_deref(), Some("\"1\""));
    assert_eq!(made.text("dialect"), "anthropic", "under its own name");
    assert_eq!(made.text("origin"), "interface");
    let id = made.text("id").to_owned();
    let path = format!("{PATH}/{id}");

    let answer = json!({
        "role": "assistant",
        "content": [
            {"type": "reasoning", "text": "hm", "state": [{"dialect": "anthropic", "model": "m",
                "provider": "p", "kind": "thinking", "value": "{\"signature\":\"s\"}"}]},
            {"type": "text", "text": "Hello Ada"},
            {"type": "tool_call", "id": "c1", "name": "look", "arguments": "{\"at\":1}"},
        ],
        "model": "claude-x", "provider": "p", "dialect": "anthropic", "request_id": "req_1",
        "usage": {"input_tokens": 10, "cached_tokens": 4, "output_tokens": 7, "reasoning_tokens": 2},
    });
    let result = json!({"role": "tool", "content": [{"type": "tool_result", "call_id": "c1", "content": [
        {"type": "text", "text": "a cat"},
        {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="}]}]});
    let all = [said("user", "Good morning\nto you"), answer.clone(), result];
    let appended = append(&house, &ada, &id, &all).await;
    let totals = &appended.body["conversation"]["totals"];
    assert_eq!(totals["messages"], 3);
    assert_eq!(
        (&totals["input_tokens"], &totals["cached_tokens"]),
        (&json!(10), &json!(4))
    );
    assert_eq!(
        (&totals["output_tokens"], &totals["reasoning_tokens"]),
        (&json!(7), &json!(2))
    );
    assert_eq!(
        appended.body["conversation"]["title"], "Good morning",
        "the first words give a title where nobody has"
    );

    let list = get(&house, &ada, &format!("{path}/messages")).await;
    let messages = list.body["items"].as_array().expect("a list");
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[1]["content"], answer["content"]);
    assert_eq!(messages[1]["usage"], answer["usage"]);
    assert_eq!(messages[1]["request_id"], "req_1");
    assert_eq!(
        messages[2]["content"][0]["content"][1]["media_type"],
        "image/png"
    );
    assert!(messages[0]["usage"].is_null(), "nobody counted");

    let change = json!({"title": "Cats", "model": "sonnet", "tags": ["home"]});
    let stale = house
        .call_with(
            Method::PUT,
            &path,
            &ada,
            &[("if-match", "\"7\"")],
            Some(&change),
        )
        .await;
    assert_eq!(stale.problem(), (412, "changed_meanwhile"));
    let changed = house
        .call_with(
            Method::PUT,
            &path,
            &ada,
            &[("if-match", "\"1\"")],
            Some(&change),
        )
        .await;
    assert_eq!(changed.etag.as_deref(), Some("\"2\""), "{}", changed.body);
    assert_eq!(changed.text("title"), "Cats");
    assert!(changed.body["system"].is_null(), "it was replaced");
    assert_eq!(changed.body["totals"]["messages"], 3, "messages stay");

    let message = format!(
        "{path}/messages/{}",
        messages[0]["id"].as_str().expect("an id")
    );
    let gone = house.call(Method::DELETE, &message, &ada, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let again = house.call(Method::DELETE, &message, &ada, None).await;
    assert_eq!(again.problem(), (404, "not_found"));
    let now = get(&house, &ada, &path).await;
    assert_eq!(now.body["totals"]["messages"], 2);
    assert_eq!(
        now.body["totals"]["input_tokens"], 10,
        "they were taken all the same"
    );

    let stale = house
        .call_with(Method::DELETE, &path, &ada, &[("if-match", "\"1\"")], None)
        .await;
    assert_eq!(stale.problem(), (412, "changed_meanwhile"));
    let gone = house.call(Method::DELETE, &path, &ada, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&house, &ada, &path).await.problem(), (404, "not_found"));
    house.end().await;
}

#[tokio::test]
async fn attack_09_nobody_sees_what_others_say_administrators_included() {
    let house = House::new().await;
    let ada = house.person(Role::Member).await;
    let id = begin(&house, &ada, json!({"title": "mine"})).await;
    append(&house, &ada, &id, &[said("user", "a secret")]).await;
    let message = get(&house, &ada, &format!("{PATH}/{id}/messages")).await;
    let message = message.body["items"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    for role in [Role::Member, Role::Operator, Role::Admin] {
        let eve = house.person(role).await;
        assert!(titles(&get(&house, &eve, PATH).await).is_empty());
        let searched = get(&house, &eve, &format!("{PATH}?query=secret")).await;
        assert!(titles(&searched).is_empty());
        let all = house.text(&format!("{PATH}/export"), &eve).await;
        assert!(!all.contains("mine") && !all.contains("secret"), "{all}");
        let (one, messages) = (format!("{PATH}/{id}"), format!("{PATH}/{id}/messages"));
        let said = json!({"messages": [said("user", "x")]});
        for (method, path, body) in [
            (Method::GET, one.clone(), None),
            (Method::PUT, one.clone(), Some(json!({"title": "theirs"}))),
            (Method::DELETE, one.clone(), None),
            (Method::GET, format!("{one}/export"), None),
            (Method::GET, messages.clone(), None),
            (Method::POST, messages.clone(), Some(said)),
            (Method::DELETE, format!("{messages}/{message}"), None),
        ] {
            let refused = house.call(method.clone(), &path, &eve, body.as_ref()).await;
            assert_eq!(refused.problem(), (404, "not_found"), "{method} {path}");
        }
    }
    // A message is found in its own conversation alone.
    let other = begin(&house, &ada, json!({})).await;
    let path = format!("{PATH}/{other}/messages/{message}");
    let refused = house.call(Method::DELETE, &path, &ada, None).await;
    assert_eq!(refused.problem(), (404, "not_found"));
    let kept = get(&house, &ada, &format!("{PATH}/{id}")).await;
    assert_eq!(kept.text("title"), "mine");
    house.end().await;
}

#[tokio::test]
async fn what_was_said_is_sealed_in_the_database() {
    let house = House::new().await;
    let ada = house.person(Role::Member).await;
    let body = json!({"title": "canary-title", "system": "canary-system", "tags": ["canary-tag"]});
    let id = begin(&house, &ada, body).await;
    append(&house, &ada, &id, &[said("user", "canary-words")]).await;
    let read = house.control.store().read();
    for table in ["conversations", "conversation_messages"] {
        let sql = format!("SELECT sealed FROM {table}");
        let statement = Statement::from_string(house.control.store().backend(), sql);
        let row = read.query_one_raw(statement).await.expect("a table");
        let sealed: String = row.expect("a row").try_get("", "sealed").expect("a text");
        assert!(
            sealed.starts_with("v1.") && !sealed.contains("canary"),
            "{sealed}"
        );
    }
    house.end().await;
}

#[tokio::test]
async fn lists_are_paged_and_searched() {
    let house = House::new().await;
    let ada = house.person(Role::Member).await;
    for n in 0..5 {
        let body = json!({"title": format!("talk {n}"), "model": if n == 3 { "b" } else { "a" },
            "tags": [format!("tag{n}")]});
        let id = begin(&house, &ada, body).await;
        let text = format!(
            "the {} of ПРИВЕТ {n}",
            if n % 2 == 0 { "Moon" } else { "sun" }
        );
        append(&house, &ada, &id, &[said("user", &text)]).await;
    }
    let mut seen = Vec::new();
    let mut path = format!("{PATH}?limit=2");
    loop {
        let page = get(&house, &ada, &path).await;
        seen.extend(titles(&page).into_iter().map(ToOwned::to_owned));
        assert!(titles(&page).len() <= 2);
        let Some(next) = page.body["next"].as_str() else {
            break;
        };
        path = format!("{PATH}?limit=2&cursor={next}");
    }
    assert_eq!(seen, ["talk 4", "talk 3", "talk 2", "talk 1", "talk 0"]);
    for (query, found) in [
        ("query=moon", &["talk 4", "talk 2", "talk 0"][..]),
        // In whatever case, in whatever script.
        (
            "query=%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82%203",
            &["talk 3"],
        ),
        ("query=TALK%201", &["talk 1"]),
        ("query=tag2", &["talk 2"]),
        ("query=%25", &[]),
        ("query=%27%20OR%201%3D1--", &[]),
        ("model=b", &["talk 3"]),
        ("tag=tag0", &["talk 0"]),
        ("tag=tag0&query=sun", &[]),
        ("origin=import", &[]),
    ] {
        let page = get(&house, &ada, &format!("{PATH}?{query}")).await;
        assert_eq!(titles(&page), found, "{query}");
    }
    let bad = get(&house, &ada, &format!("{PATH}?cursor=x")).await;
    assert_eq!(bad.problem(), (422, "invalid"));

    let id = begin(&house, &ada, json!({})).await;
    let messages: Vec<Value> = (0..7).map(|n| said("user", &n.to_string())).collect();
    append(&house, &ada, &id, &messages).await;
    let path = format!("{PATH}/{id}/messages");
    let first = get(&house, &ada, &format!("{path}?limit=4")).await;
    assert_eq!(texts(&first), ["0", "1", "2", "3"]);
    let rest = format!("{path}?limit=4&cursor={}", first.text("next"));
    let rest = get(&house, &ada, &rest).await;
    assert_eq!(
        (texts(&rest), rest.body["next"].is_null()),
        (vec!["4", "5", "6"], true)
    );
    let last = get(&house, &ada, &format!("{path}?limit=2&order=desc")).await;
    assert_eq!(texts(&last), ["6", "5"]);
    let before = format!("{path}?limit=2&order=desc&cursor={}", last.text("next"));
    assert_eq!(texts(&get(&house, &ada, &before).await), ["4", "3"]);
    house.end().await;
}

#[tokio::test]
async fn bounds_are_settings() {
    let yaml = "CONVERSATION_MAX_COUNT: 2\nCONVERSATION_MAX_MESSAGES: 3\nCONVERSATION_MAX_MESSAGE_BYTES: 1024\n";
    let house = House::of_yaml(yaml).await;
    let ada = house.person(Role::Member).await;
    let id = begin(&house, &ada, json!({})).await;
    begin(&house, &ada, json!({})).await;
    let refused = house.call(Method::POST, PATH, &ada, Some(&json!({}))).await;
    assert_eq!(refused.problem(), (409, "too_many_conversations"));
    let eve = house.person(Role::Member).await;
    begin(&house, &eve, json!({})).await;

    let messages: Vec<Value> = (0..5).map(|n| said("user", &n.to_string())).collect();
    let appended = append(&house, &ada, &id, &messages).await;
    assert_eq!(appended.body["let_go"], 2);
    let path = format!("{PATH}/{id}/messages");
    assert_eq!(
        texts(&get(&house, &ada, &path).await),
        ["2", "3", "4"],
        "the oldest go"
    );
    let totals = &get(&house, &ada, &format!("{PATH}/{id}")).await.body["totals"];
    assert_eq!(totals["messages"], 3);

    let long = json!({"messages": [said("user", "a"), said("user", &"x".repeat(2000))]});
    let refused = house.call(Method::POST, &path, &ada, Some(&long)).await;
    assert_eq!(refused.problem(), (422, "invalid"));
    assert_eq!(refused.body["errors"][0]["field"], "messages[1].content");
    assert_eq!(
        texts(&get(&house, &ada, &path).await),
        ["2", "3", "4"],
        "none of them is kept"
    );
    for (body, field) in [
        (json!({"title": "x".repeat(201)}), "title"),
        (json!({"system": "x".repeat(300_000)}), "system"),
        (json!({"tags": [""]}), "tags[0]"),
        (json!({"dialect": "latin"}), "dialect"),
    ] {
        let path = format!("{PATH}/{id}");
        let refused = house.call(Method::PUT, &path, &ada, Some(&body)).await;
        assert_eq!(
            refused.body["errors"][0]["field"], field,
            "{}",
            refused.body
        );
    }
    house.end().await;
}

#[tokio::test]
async fn appending_at_the_same_time_loses_nothing() {
    let house = House::new().await;
    let ada = house.person(Role::Member).await;
    let id = begin(&house, &ada, json!({})).await;
    let both = async |name: &str| {
        for n in 0..5 {
            append(&house, &ada, &id, &[said("user", &format!("{name}{n}"))]).await;
        }
    };
    tokio::join!(both("a"), both("b"));
    let list = get(&house, &ada, &format!("{PATH}/{id}/messages")).await;
    let all = texts(&list);
    assert_eq!(all.len(), 10);
    for name in ["a", "b"] {
        let own: Vec<_> = all.iter().filter(|text| text.starts_with(name)).collect();
        let wanted: Vec<_> = (0..5).map(|n| format!("{name}{n}")).collect();
        assert_eq!(own, wanted.iter().collect::<Vec<_>>(), "in their order");
    }
    let totals = &get(&house, &ada, &format!("{PATH}/{id}")).await.body["totals"];
    assert_eq!(totals["messages"], 10);
    house.end().await;
}

#[tokio::test]
async fn archives_leave_and_come_back_whole() {
    let house = House::new().await;
    let (ada, eve) = (
        house.person(Role::Member).await,
        house.person(Role::Member).await,
    );
    let empty = house.text(&format!("{PATH}/export"), &ada).await;
    let empty: Value = serde_json::from_str(&empty).expect("a whole document");
    assert_eq!(empty["conversations"], json!([]));
    let body =
        json!({"title": "A", "model": "m", "dialect": "gemini", "system": "s", "tags": ["t"]});
    let id = begin(&house, &ada, body).await;
    // More than a page of messages.
    let messages: Vec<Value> = (0..60)
        .map(|n| {
            json!({"role": "assistant", "content": [{"type": "text", "text": n.to_string()}],
                "model": "m", "usage": {"input_tokens": 1, "cached_tokens": 0, "output_tokens": 2,
                "reasoning_tokens": 0}, "created_at": 1_700_000_000_000_i64 + n})
        })
        .collect();
    append(&house, &ada, &id, &messages).await;
    begin(&house, &ada, json!({"title": "B"})).await;
    let all = house.text(&format!("{PATH}/export"), &ada).await;
    let archive: Value = serde_json::from_str(&all).expect("a whole document");
    assert_eq!(archive["format"], "llm-bridge/conversations");
    assert_eq!(archive["version"], 1);
    let wanted = archive["conversations"].as_array().expect("a list");
    assert_eq!(wanted.len(), 2);

    let path = format!("{PATH}/import");
    let taken = house.call(Method::POST, &path, &eve, Some(&archive)).await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.body);
    assert_eq!(taken.body["messages"], 60);
    assert_ne!(
        taken.body["ids"][0],
        id.as_str(),
        "they get new identifiers"
    );
    let again = house.text(&format!("{PATH}/export"), &eve).await;
    let again: Value = serde_json::from_str(&again).expect("a whole document");
    let mut got = again["conversations"].as_array().expect("a list").clone();
    let title = |one: &Value| one["title"].as_str().unwrap_or_default().to_owned();
    got.sort_by_key(title);
    let mut wanted = wanted.clone();
    wanted.sort_by_key(title);
    assert_eq!(got, wanted);
    let one = taken.body["ids"].as_array().expect("ids");
    let exports = one
        .iter()
        .map(|id| format!("{PATH}/{}/export", id.as_str().expect("an id")));
    for path in exports {
        let one: Value = serde_json::from_str(&house.text(&path, &eve).await).expect("a document");
        assert!(wanted.contains(&one["conversations"][0]), "{one}");
    }
    house.end().await;
}

#[tokio::test]
async fn attack_27_nothing_is_half_taken_in() {
    let house = House::new().await;
    let ada = house.person(Role::Member).await;
    let path = format!("{PATH}/import");
    let good = json!({"title": "good", "messages": [said("user", "a")]});
    let archive = |bad: Value| json!({"format": "llm-bridge/conversations", "version": 1, "conversations": [good, bad]});
    let parts = json!([{"type": "hologram"}]);
    for (bad, field) in [
        (
            json!({"title": "b", "messages": [{"role": "user", "content": parts}]}),
            "conversations[1].messages[0].content[0].type",
        ),
        (
            json!({"title": "b", "owner_id": "x", "messages": []}),
            "conversations[1].owner_id",
        ),
        (json!({"messages": []}), "conversations[1].title"),
    ] {
        let refused = house
            .call(Method::POST, &path, &ada, Some(&archive(bad)))
            .await;
        assert_eq!(refused.problem(), (422, "invalid"), "{}", refused.body);
        assert_eq!(refused.body["errors"][0]["field"], field);
        assert!(
            !refused.body["errors"][0]["fix"]
                .as_str()
                .unwrap_or_default()
                .is_empty()
        );
    }
    let newer = json!({"format": "llm-bridge/conversations", "version": 2, "conversations": []});
    let refused = house.call(Method::POST, &path, &ada, Some(&newer)).await;
    assert_eq!(refused.body["errors"][0]["field"], "version");
    assert!(titles(&get(&house, &ada, PATH).await).is_empty());
    house.end().await;
}

#[tokio::test]
async fn attack_27_an_archive_is_no_bomb_and_leads_nowhere() {
    let yaml = "CONVERSATION_MAX_COUNT: 2\nCONVERSATION_MAX_MESSAGES: 3\nCONVERSATION_MAX_MESSAGE_BYTES: 1024\n";
    let house = House::of_yaml(yaml).await;
    let (ada, eve) = (
        house.person(Role::Member).await,
        house.person(Role::Member).await,
    );
    let path = format!("{PATH}/import");
    let archive = |list: Value| json!({"format": "llm-bridge/conversations", "version": 1, "conversations": list});
    let of = |messages: Vec<Value>| json!({"title": "t", "messages": messages});
    let mut deep = json!("x");
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let short = said("user", "a");
    for (what, document) in [
        (
            "messages without end",
            archive(json!([of(vec![short.clone(); 4])])),
        ),
        (
            "a message without end",
            archive(json!([of(vec![said("user", &"a".repeat(2_000))])])),
        ),
        (
            "a title without end",
            archive(json!([{"title": "t".repeat(100_000), "messages": []}])),
        ),
        (
            "conversations without end",
            archive(json!(vec![of(vec![]); 3])),
        ),
        (
            "depth",
            archive(json!([{"title": "t", "messages": [{"role": "user", "content": deep}]}])),
        ),
        (
            "a place of its own",
            archive(json!([{"title": "t", "id": "../../etc/passwd", "messages": []}])),
        ),
        (
            "a schema of before",
            json!({"format": "llm-bridge/conversations", "version": 0, "conversations": []}),
        ),
        (
            "another format",
            json!({"format": "../../x", "version": 1, "conversations": []}),
        ),
    ] {
        let refused = house.call(Method::POST, &path, &ada, Some(&document)).await;
        assert!(refused.status.is_client_error(), "{what}: {}", refused.body);
        assert!(titles(&get(&house, &ada, PATH).await).is_empty(), "{what}");
    }
    // Names that look like paths are names.
    let named = json!({"title": "../../../etc/cron.d/x\r\nSet-Cookie: a=b", "tags": ["../x"], "messages": [short]});
    let taken = house
        .call(Method::POST, &path, &ada, Some(&archive(json!([named]))))
        .await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.body);
    let id = taken.body["ids"][0].as_str().expect("an id").to_owned();
    let out = house
        .call(Method::GET, &format!("{PATH}/{id}/export"), &ada, None)
        .await;
    assert_eq!(
        out.header("content-disposition"),
        "attachment; filename=\"conversation.json\""
    );
    assert!(out.header("set-cookie").is_empty());
    assert_eq!(out.body["conversations"][0]["title"], named["title"]);
    // What was taken in is the taker's alone.
    let foreign = house
        .call(Method::GET, &format!("{PATH}/{id}"), &eve, None)
        .await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    house.end().await;
}

#[tokio::test]
async fn they_go_with_their_owner_and_with_their_time() {
    let house = House::new().await;
    let admin = house.person(Role::Admin).await;
    let password = "correct horse battery";
    let user = house.user("ada@example.test", Role::Member, password).await;
    let ada = house
        .login("ada@example.test", password)
        .await
        .text("access_token")
        .to_owned();
    let id = begin(&house, &ada, json!({})).await;
    append(&house, &ada, &id, &[said("user", "a")]).await;
    let eve = house.person(Role::Member).await;
    let id = begin(&house, &eve, json!({})).await;
    append(&house, &eve, &id, &[said("user", "b")]).await;
    let count = async |table: &str| {
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        let store = house.control.store();
        let statement = Statement::from_string(store.backend(), sql);
        let row = store
            .read()
            .query_one_raw(statement)
            .await
            .expect("a table");
        row.expect("a row")
            .try_get::<i64>("", "n")
            .expect("a number")
    };
    let path = format!("/api/users/{user}");
    let gone = house.call(Method::DELETE, &path, &admin, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    assert_eq!(
        (
            count("conversations").await,
            count("conversation_messages").await
        ),
        (1, 1)
    );
    let store = house.control.store();
    assert_eq!(
        store
            .forget_conversations(now_ms() - 60_000)
            .await
            .expect("swept"),
        0
    );
    assert_eq!(
        store
            .forget_conversations(now_ms() + 60_000)
            .await
            .expect("swept"),
        1
    );
    assert_eq!(
        (
            count("conversations").await,
            count("conversation_messages").await
        ),
        (0, 0)
    );
    house.end().await;
}
