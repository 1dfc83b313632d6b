//! Hostile questions: what every reading operation of the document does with words that are none.

use bridge::admin::Role;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::House;

/// Fragments of SQL, wildcards, and what breaks naive readers.
const WORDS: [&str; 9] = [
    "'",
    "' OR '1'='1",
    "x'; DROP TABLE users; --",
    "\") UNION SELECT password_hash FROM users --",
    "1) OR (SELECT 1 FROM (SELECT SLEEP(5))a",
    "%",
    "_",
    "\\",
    "a\u{0}b",
];

/// The reading operations: path, and the names of the parameters in the query.
async fn reading(house: &House, token: &str) -> Vec<(String, Vec<Value>)> {
    let document = house
        .call(Method::GET, "/openapi.json", token, None)
        .await
        .body;
    let paths = document["paths"].as_object().expect("paths");
    let found = paths.iter().filter_map(|(path, operations)| {
        let operation = operations.get("get")?;
        let answers = operation["responses"]["200"]["content"].as_object();
        // A stream of events does not end.
        if answers.is_some_and(|kinds| kinds.contains_key("text/event-stream")) {
            return None;
        }
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        Some((path.clone(), parameters))
    });
    found.collect()
}

fn escaped(word: &str) -> String {
    word.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A path with a word in each place.
fn filled(path: &str, word: &str) -> String {
    let mut parts = path.split('{');
    let mut full = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        full.push_str(&escaped(word));
        full.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    full
}

#[tokio::test]
async fn attack_23_words_of_sql_in_every_question() {
    let house = House::new().await;
    let token = house.person(Role::Admin).await;
    for name in ["one", "two"] {
        let body = json!({"name": name, "model": "demo/one"});
        let made = house
            .call(Method::POST, "/api/aliases", &token, Some(&body))
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    }
    let operations = reading(&house, &token).await;
    assert!(operations.len() > 30, "{}", operations.len());
    let mut asked = 0;
    for (path, parameters) in &operations {
        for word in WORDS {
            let mut questions = Vec::new();
            if path.contains('{') {
                questions.push(filled(path, word));
            }
            let names = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "query");
            for parameter in names {
                let name = parameter["name"].as_str().expect("a name");
                questions.push(format!("{}?{name}={}", filled(path, "x"), escaped(word)));
            }
            for question in questions {
                let answer = house.call(Method::GET, &question, &token, None).await;
                let status = answer.status.as_u16();
                assert!(status < 500, "{question}: {status} {}", answer.body);
                let text = answer.body.to_string().to_lowercase();
                for leak in [
                    "password_hash",
                    "syntax error",
                    "sqlstate",
                    "seaql_migrations",
                ] {
                    assert!(!text.contains(leak), "{question}: {text}");
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 400, "{asked}");

    // Wildcards are letters like any other.
    for (search, found) in [("%25", 0), ("_", 0), ("o", 2), ("one", 1)] {
        let path = format!("/api/aliases?search={search}");
        let answer = house.call(Method::GET, &path, &token, None).await;
        let items = answer.body["items"].as_array().map(Vec::len);
        assert_eq!(items, Some(found), "{search}: {}", answer.body);
    }

    // No page is larger than it may be, whatever is asked.
    let many: String = (0..700)
        .map(|n| format!("  many-{n}: demo/one\n"))
        .collect();
    let document = json!({"document": format!("ALIASES:\n{many}")});
    let taken = house
        .call(Method::POST, "/api/config/import", &token, Some(&document))
        .await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.body);
    for limit in ["1000000000", "18446744073709551615"] {
        let path = format!("/api/aliases?limit={limit}");
        let answer = house.call(Method::GET, &path, &token, None).await;
        let items = answer.body["items"].as_array().map_or(0, Vec::len);
        assert!((1..=500).contains(&items), "{limit}: {items}");
    }
    let people = house.call(Method::GET, "/api/users", &token, None).await;
    assert_eq!(people.status, StatusCode::OK, "the tables are still there");
    house.end().await;
}

#[tokio::test]
async fn attack_14_no_operation_gives_a_secret_to_who_has_a_session_alone() {
    let house = House::new().await;
    let token = house.person(Role::Admin).await;
    let secret = "canary-provider-secret-0123456789";
    let provider = json!({"name": "up", "api_format": "openai", "base_url": "https://up.example/v1",
        "keys": [secret], "headers": {"x-team": "canary-header-0123456789"},
        "proxy": "http://name:canary-proxy-0123456789@proxy.example:3128"});
    let pool = json!({"name": "pool", "keys": ["canary-pool-secret-0123456789"]});
    let key = json!({"name": "ci"});
    let mut names = vec!["up".to_owned(), "pool".to_owned(), "x".to_owned()];
    let mut canaries = vec!["canary-".to_owned()];
    for (path, body) in [
        ("/api/providers", &provider),
        ("/api/key-pools", &pool),
        ("/api/api-keys", &key),
    ] {
        let made = house.call(Method::POST, path, &token, Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{path}: {}", made.body);
        if path == "/api/api-keys" {
            // Shown once, here.
            canaries.push(made.text("key").to_owned());
            names.push(made.text("id").to_owned());
        }
    }
    assert!(
        canaries.iter().all(|canary| canary.len() > 6),
        "{canaries:?}"
    );
    let mut found = 0;
    for (path, _) in reading(&house, &token).await {
        for name in &names {
            let answer = house
                .call(Method::GET, &filled(&path, name), &token, None)
                .await;
            found += usize::from(answer.status == StatusCode::OK);
            let told = format!("{} {:?}", answer.body, answer.headers);
            for canary in &canaries {
                assert!(!told.contains(canary.as_str()), "{path} {name}: {told}");
            }
            if !path.contains('{') {
                break;
            }
        }
    }
    assert!(found > 25, "{found} answers");
    house.end().await;
}
