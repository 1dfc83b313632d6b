//! Route rules.

use bridge::admin::Role;
use bridge::config::PRIORITIES;
use bridge::store::entities::definition;
use poem::http::{Method, StatusCode};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use crate::house::House;

const FILES: &str = "PROVIDERS:\n  - {name: one, api_format: openai, base_url: 'https://one.example/v1', api_key: sk-canary-of-the-file-1, models: {big: [m]}}\n  - {name: two, api_format: anthropic, base_url: 'https://two.example', keys: [sk-canary-of-the-file-2], headers: {X-Team: hush-hush-hush}}\nAPI_KEY_POOLS:\n  extra: {keys: [sk-canary-of-the-file-3]}\nROUTES:\n  - {name: filed, priority: 50, match: {model: 'filed-*'}, targets: [one/m]}\n";

fn rule(name: &str, priority: i64, model: &str) -> Value {
    json!({"name": name, "priority": priority, "match": {"model": [model]}, "targets": [{"provider": "one", "model": "m"}]})
}

async fn make(house: &House, token: &str, body: &Value) {
    let made = house
        .call(Method::POST, "/api/routes", token, Some(body))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
}

async fn names(house: &House, token: &str) -> Vec<String> {
    let list = house.call(Method::GET, "/api/routes", token, None).await;
    let items = list.body["items"].as_array().expect("a list");
    items
        .iter()
        .map(|route| route["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[tokio::test]
async fn a_mistyped_condition_is_refused_and_what_was_read_can_be_put_back() {
    let house = House::of_yaml(FILES).await;
    let token = house.person(Role::Operator).await;
    let mut bad = rule("a", 100, "a-*");
    bad["match"] = json!({"modle": ["a-*"]});
    let refused = house
        .call(Method::POST, "/api/routes", &token, Some(&bad))
        .await;
    assert_eq!(refused.problem(), (400, "malformed"));
    let said = refused.body["detail"].as_str().expect("words");
    assert!(said.contains("`match.modle`"), "{said}");
    let bodies = [
        (
            "providers",
            json!({"name": "p", "api_format": "openai", "base_url": "https://p.example", "wieght": 2}),
        ),
        ("key-pools", json!({"name": "p", "stratgey": "random"})),
        (
            "aliases",
            json!({"name": "p", "model": "one/m", "modle": "x"}),
        ),
        ("presets", json!({"name": "p", "midle_model": "one/m"})),
    ];
    for (what, body) in bodies {
        let path = format!("/api/{what}");
        let refused = house.call(Method::POST, &path, &token, Some(&body)).await;
        assert_eq!(refused.problem(), (400, "malformed"), "{what}");
        let said = refused.body["detail"].to_string();
        assert!(said.contains("unknown field"), "{said}");
    }
    make(&house, &token, &rule("a", 100, "a-*")).await;
    let path = "/api/routes/a";
    let read = house.call(Method::GET, path, &token, None).await.body;
    assert!(read["version"].is_number(), "{read}");
    let put = house.call(Method::PUT, path, &token, Some(&read)).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    house.end().await;
}

#[tokio::test]
async fn where_files_leave_no_room_the_nearest_place_is_told() {
    let beside = "  - {name: beside, priority: 50, match: {model: 'b-*'}, targets: [one/m]}\n";
    let house = House::of_yaml(&format!("{FILES}{beside}")).await;
    let token = house.person(Role::Operator).await;
    make(&house, &token, &rule("a", 100, "a-*")).await;
    let put = async |before: &str| {
        let wish = json!({"before": before});
        let path = "/api/routes/a/move";
        house.call(Method::POST, path, &token, Some(&wish)).await
    };
    let refused = put("beside").await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::CONFLICT, &json!("no_room"))
    );
    let said = refused.body["detail"].as_str().expect("words");
    assert!(said.contains("move the route before `filed`"), "{said}");
    assert_eq!(names(&house, &token).await, ["filed", "beside", "a"]);
    assert_eq!(put("filed").await.status, StatusCode::OK);
    assert_eq!(names(&house, &token).await, ["a", "filed", "beside"]);
    house.end().await;
}

#[tokio::test]
async fn a_rule_is_made_moved_and_taken_back() {
    let house = House::of_yaml(FILES).await;
    let token = house.person(Role::Operator).await;
    for name in ["a", "b", "c"] {
        make(&house, &token, &rule(name, 100, &format!("{name}-*"))).await;
    }
    assert_eq!(names(&house, &token).await, ["filed", "a", "b", "c"]);
    let moved = house
        .call(
            Method::POST,
            "/api/routes/c/move",
            &token,
            Some(&json!({"before": "a"})),
        )
        .await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.body);
    assert_eq!(names(&house, &token).await, ["filed", "c", "a", "b"]);
    let moved = house
        .call(
            Method::POST,
            "/api/routes/c/move",
            &token,
            Some(&json!({"before": "filed"})),
        )
        .await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.body);
    assert_eq!(names(&house, &token).await, ["c", "filed", "a", "b"]);
    let rules: Vec<String> = house
        .control
        .hub()
        .snapshots
        .load_full()
        .rules
        .iter()
        .map(|rule| rule.name.to_string())
        .collect();
    assert_eq!(rules, ["c", "filed", "a", "b"], "live at once");
    let fixed = house
        .call(
            Method::POST,
            "/api/routes/filed/move",
            &token,
            Some(&json!({"priority": 1})),
        )
        .await;
    assert_eq!(
        (fixed.status, &fixed.body["code"]),
        (StatusCode::CONFLICT, &json!("read_only"))
    );

    // Versions, and back.
    let mut changed = rule("a", 100, "other-*");
    changed["params"] = json!({"temperature": 0.2});
    let put = house
        .call(Method::PUT, "/api/routes/a", &token, Some(&changed))
        .await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    assert_eq!(put.body["params"]["temperature"], 0.2);
    let versions = house
        .call(Method::GET, "/api/routes/a/versions", &token, None)
        .await;
    let versions = versions.body["items"].as_array().expect("a list").clone();
    assert!(versions.len() >= 2, "{versions:?}");
    assert_eq!(
        versions[0]["route"]["document"]["match"]["model"],
        json!(["other-*"])
    );
    let back = house
        .call(
            Method::POST,
            "/api/routes/a/rollback",
            &token,
            Some(&json!({"version": 1})),
        )
        .await;
    assert_eq!(back.status, StatusCode::NO_CONTENT, "{}", back.body);
    let read = house.call(Method::GET, "/api/routes/a", &token, None).await;
    assert_eq!(
        (&read.body["match"]["model"], &read.body["params"]),
        (&json!(["a-*"]), &Value::Null),
        "{}",
        read.body
    );
    let never = house
        .call(
            Method::POST,
            "/api/routes/a/rollback",
            &token,
            Some(&json!({"version": 77})),
        )
        .await;
    assert_eq!(never.status, StatusCode::NOT_FOUND);
    house.end().await;
}

#[tokio::test]
async fn what_is_wrong_or_odd_is_told() {
    let house = House::of_yaml(FILES).await;
    let token = house.person(Role::Operator).await;
    for (body, field) in [
        (
            json!({"name": "x", "match": {"model": ["a["]}, "targets": [{"provider": "one"}]}),
            "match.model",
        ),
        (
            json!({"name": "x", "match": {"model_regex": ["(?=a)"]}, "targets": [{"provider": "one"}]}),
            "match.model_regex",
        ),
        (
            json!({"name": "x", "targets": [{"provider": "oen"}]}),
            "targets[0]",
        ),
        (
            json!({"name": "x", "targets": [{"provider": "one"}], "params": {"colour": 1}}),
            "params.colour",
        ),
        (
            json!({"name": "x", "targets": [{"provider": "one"}], "strategy": "luck"}),
            "strategy",
        ),
    ] {
        let refused = house
            .call(Method::POST, "/api/routes", &token, Some(&body))
            .await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            refused.body
        );
        assert_eq!(
            refused.body["errors"][0]["field"], field,
            "{}",
            refused.body
        );
        assert!(
            refused.body["errors"][0]["fix"]
                .as_str()
                .is_some_and(|fix| !fix.is_empty()),
            "{}",
            refused.body
        );
    }
    make(&house, &token, &rule("wide", 10, "claude-*")).await;
    make(&house, &token, &rule("narrow", 20, "claude-sonnet-4")).await;
    let narrow = house
        .call(Method::GET, "/api/routes/narrow", &token, None)
        .await;
    assert!(
        narrow.body["warnings"][0]
            .as_str()
            .is_some_and(|words| words.contains("never reached") && words.contains("`wide`")),
        "{}",
        narrow.body
    );
    let off = house
        .call(Method::POST, "/api/routes/wide/disable", &token, None)
        .await;
    assert_eq!(off.body["enabled"], false, "{}", off.body);
    let narrow = house
        .call(Method::GET, "/api/routes/narrow", &token, None)
        .await;
    assert_eq!(narrow.body["warnings"], json!([]));
    house.end().await;
}

#[tokio::test]
async fn a_request_is_tried_and_not_sent() {
    let house = House::of_yaml(FILES).await;
    let token = house.person(Role::Operator).await;
    let viewer = house.person(Role::Viewer).await;
    make(&house, &token, &rule("other", 5, "other-*")).await;
    let mut here = rule("here", 60, "claude-*");
    here["key_pool"] = json!("extra");
    here["match"]["ingress"] = json!(["anthropic"]);
    here["targets"] =
        json!([{"provider": "one", "model": "gpt-4o"}, {"provider": "two", "model": "claude-x"}]);
    make(&house, &token, &here).await;
    make(&house, &token, &rule("last", 70, "*")).await;
    let question = json!({"dialect": "anthropic", "request": {"model": "claude-sonnet", "max_tokens": 9, "top_k": 5,
        "messages": [{"role": "user", "content": "hi"}]}});
    let tried = house
        .call(Method::POST, "/api/routes/test", &viewer, Some(&question))
        .await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.body);
    let body = &tried.body;
    assert_eq!(body["route"], "here", "{body}");
    let rules = body["rules"].as_array().expect("a list");
    let said: Vec<(&str, bool)> = rules
        .iter()
        .map(|rule| {
            (
                rule["rule"].as_str().expect("text"),
                rule["matched"].as_bool().expect("a flag"),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            ("other", false),
            ("filed", false),
            ("here", true),
            ("last", false)
        ]
    );
    assert_eq!(rules[0]["why"], "no model pattern fits");
    assert!(
        rules[3]["why"]
            .as_str()
            .is_some_and(|why| why.contains("`here` decides"))
    );
    assert_eq!(
        (
            &body["targets"][0]["provider"],
            &body["targets"][0]["key_pool"],
            &body["targets"][1]["dialect"]
        ),
        (&json!("one"), &json!("extra"), &json!("anthropic"))
    );
    let sent = &body["request"];
    assert_eq!(
        (&sent["url"], &sent["body"]["model"], &sent["lane"]),
        (
            &json!("https://one.example/v1/chat/completions"),
            &json!("gpt-4o"),
            &json!("translated")
        )
    );
    assert!(
        sent["losses"].to_string().contains("dropped:top_k"),
        "{sent}"
    );
    assert!(!body.to_string().contains("canary") && !body.to_string().contains("hush"));

    // Nobody can serve it: that is a finding.
    let mut nowhere = question.clone();
    nowhere["dialect"] = json!("openai");
    nowhere["request"]["model"] = json!("zzz");
    house
        .call(Method::DELETE, "/api/routes/last", &token, None)
        .await;
    let tried = house
        .call(Method::POST, "/api/routes/test", &viewer, Some(&nowhere))
        .await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.body);
    assert!(
        tried.body["refusal"].is_string() && tried.body["targets"] == json!([]),
        "{}",
        tried.body
    );
    // A text is read, and its dialect told from what is in it.
    let pasted = json!({"request": question["request"].to_string()});
    let tried = house
        .call(Method::POST, "/api/routes/test", &viewer, Some(&pasted))
        .await;
    assert_eq!(tried.body["route"], "here", "{}", tried.body);
    let explained = house
        .call(
            Method::POST,
            "/api/translate/explain",
            &viewer,
            Some(&question),
        )
        .await;
    assert_eq!(explained.status, StatusCode::OK, "{}", explained.body);
    assert_eq!(
        (explained.text("provider"), explained.text("lane")),
        ("one", "translated")
    );
    assert_eq!(explained.body["fidelity"][0]["action"], "dropped");
    for (body, field) in [
        (json!({}), "request"),
        (json!({"request": "POST / HTTP/1.1"}), "request"),
    ] {
        let refused = house
            .call(Method::POST, "/api/routes/test", &viewer, Some(&body))
            .await;
        assert_eq!(
            refused.body["errors"][0]["field"], field,
            "{}",
            refused.body
        );
    }
    let nothing = json!({"request_id": "req_of_nobody"});
    let refused = house
        .call(Method::POST, "/api/routes/test", &viewer, Some(&nothing))
        .await;
    assert_eq!(refused.problem(), (404, "not_found"));
    let unknown = json!({"dialect": "soap", "request": {}});
    let refused = house
        .call(Method::POST, "/api/routes/test", &viewer, Some(&unknown))
        .await;
    assert_eq!(
        (refused.status, &refused.body["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("dialect"))
    );
    house.end().await;
}

#[tokio::test]
async fn a_logged_request_is_tried_again_by_who_may_see_it() {
    use bridge::ledger::capture_context;
    use bridge::store::entities::{capture, request};
    use bridge::store::{Purpose, new_id, now_ms};
    use sea_orm::{ActiveModelTrait as _, IntoActiveModel as _};
    let house = House::of_yaml(FILES).await;
    let store = house.control.store();
    let id = new_id();
    let row = request::Model {
        id: id.clone(),
        at: now_ms(),
        ingress: "gemini".to_owned(),
        model_asked: "claude-sonnet".to_owned(),
        ..request::Model::default()
    };
    let row = row.into_active_model().reset_all();
    row.insert(store.write()).await.expect("a request");
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    let document = json!({"client_request": {"bytes": 9, "text": body.to_string()}});
    let context = capture_context(&id);
    let row = capture::Model {
        sealed: store
            .vault()
            .seal(Purpose::Capture, &context, &document.to_string()),
        id: id.clone(),
        at: now_ms(),
        bytes: 9,
    };
    let row = row.into_active_model().reset_all();
    row.insert(store.write()).await.expect("a capture");
    let token = house.person(Role::Operator).await;
    make(&house, &token, &rule("here", 60, "claude-*")).await;
    let question = json!({"request_id": id});
    let path = "/api/routes/test";
    let tried = house
        .call(Method::POST, path, &token, Some(&question))
        .await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.body);
    assert_eq!(
        (tried.text("model"), tried.text("route")),
        ("claude-sonnet", "here")
    );
    let sent = tried.body["request"]["body"].to_string();
    assert!(sent.contains("hi"), "{sent}");
    // Viewers see how the hub does, and not what people say.
    let viewer = house.person(Role::Viewer).await;
    let refused = house
        .call(Method::POST, path, &viewer, Some(&question))
        .await;
    assert_eq!(
        (refused.problem().0, &refused.body["errors"][0]["field"]),
        (422, &json!("request_id"))
    );
    house.end().await;
}

#[tokio::test]
async fn priorities_are_numbers_that_javascript_holds() {
    let house = House::of_yaml(FILES).await;
    let token = house.person(Role::Operator).await;
    let (least, most) = PRIORITIES.into_inner();
    make(&house, &token, &rule("most", most, "a-*")).await;
    make(&house, &token, &rule("least", least, "b-*")).await;
    let provider = |priority: i64| json!({"name": "far", "base_url": "https://far.example/v1", "api_format": "openai", "priority": priority});
    let wish = |priority: i64| json!({"priority": priority});
    for beyond in [most + 1, least - 1, i64::MAX, i64::MIN] {
        for (path, body) in [
            ("/api/routes", rule("beyond", beyond, "c-*")),
            ("/api/routes/most/move", wish(beyond)),
            ("/api/providers", provider(beyond)),
        ] {
            let refused = house.call(Method::POST, path, &token, Some(&body)).await;
            assert!(
                refused.status.is_client_error(),
                "{path} {beyond}: {} {}",
                refused.status,
                refused.body
            );
        }
    }
    // Of a time without bounds.
    definition::Entity::update_many()
        .col_expr(definition::Column::Position, Expr::value(i64::MAX))
        .filter(definition::Column::Name.eq("most"))
        .exec(house.control.store().write())
        .await
        .expect("a database");
    make(&house, &token, &rule("another", 1, "d-*")).await;
    let in_force = house.control.in_force();
    let routes = &in_force.settings.routes;
    let old = routes.iter().find(|route| route.name == "most");
    assert_eq!(old.map(|route| route.priority), Some(most));
    house.end().await;
}
