//! Acts as calls of the admin API. Pure but for sending.

use std::time::Duration;

use serde_json::{Value, json};

use super::news::{Act, News, Topic};
use crate::client::{Call, Client};
use crate::endpoints;
use crate::entry::items;
use crate::failure::{Ended, Kind};
use crate::resource::PAGE;

/// The roles that names such as `opus` stand for, with the member that sets each.
pub(super) const ROLES: [(&str, &str); 3] = [
    ("opus", "big_model"),
    ("sonnet", "middle_model"),
    ("haiku", "small_model"),
];

/// How many of the newest are listed: a page of what the hub gives.
const LISTED: usize = PAGE;

/// How often, and with which pauses, a request is looked for that is not written yet.
const TRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(300);

/// The call that answers a topic.
pub(super) fn question(topic: Topic) -> Call {
    match topic {
        Topic::System => endpoints::SYSTEM.call(&[]),
        Topic::Summary => endpoints::STATS_SUMMARY.call(&[]).with("range", "1h"),
        Topic::Current => endpoints::CURRENT.call(&[]),
        Topic::Presets => endpoints::PRESET_LIST.call(&[]).with("limit", LISTED),
        Topic::Models => endpoints::MODELS.call(&[]),
        Topic::Health => endpoints::HEALTH.call(&[]),
        Topic::Checks => endpoints::HEALTH_CHECK.call(&[]),
        Topic::Kept => endpoints::TALKS.call(&[]).with("limit", LISTED),
        Topic::Logs | Topic::Entry | Topic::Talk | Topic::Roles => {
            endpoints::LOGS.call(&[]).with("limit", LISTED)
        }
    }
}

/// Does it, and says what came of it.
pub(super) async fn perform(client: &Client, act: &Act) -> Vec<News> {
    match act {
        Act::Ask(topic) => vec![answer(
            *topic,
            client.send(&question(*topic)).await.map(|a| a.body),
        )],
        Act::Open(id) => vec![answer(Topic::Entry, entry(client, id).await)],
        Act::Read(id, title) => {
            let call = endpoints::MESSAGES.call(&[id]).with("limit", LISTED);
            let sent = client.send(&call.with("order", "desc")).await;
            let talk = sent.map(|answer| {
                let messages: Vec<&Value> = items(&answer.body["items"]).iter().rev().collect();
                let has_more = !answer.body["next"].is_null();
                json!({"id": id, "title": title, "messages": messages, "has_more": has_more})
            });
            vec![answer(Topic::Talk, talk)]
        }
        Act::Check => {
            let checks = client
                .send(&question(Topic::Checks))
                .await
                .map(|answer| answer.body);
            vec![
                answer(Topic::Checks, checks),
                answer(Topic::Roles, roles(client).await),
            ]
        }
        Act::Apply(name) => {
            let call = endpoints::PRESET_APPLY.call(&[name]);
            done(
                client,
                &call,
                &format!("preset `{name}` is in force"),
                &[Topic::Current, Topic::Presets],
            )
            .await
        }
        Act::Switch(member, model) => {
            let mut body = json!({});
            body[*member] = json!(model);
            let role = ROLES
                .iter()
                .find(|(_, own)| own == member)
                .map_or(*member, |(role, _)| role);
            let call = endpoints::SWITCH.call(&[]).body(body);
            done(
                client,
                &call,
                &format!("{role} is now {model}"),
                &[Topic::Current, Topic::Presets],
            )
            .await
        }
        Act::Reset(pool) => {
            let call = endpoints::KEYS_RESET.call(&[pool]);
            done(
                client,
                &call,
                &format!("the keys of `{pool}` may be used again"),
                &[],
            )
            .await
        }
        Act::Test(pool) => test(client, pool).await,
    }
}

/// All that is known of a request. Records are written behind the requests, so that the newest may not be there yet.
async fn entry(client: &Client, id: &str) -> Ended<Value> {
    let call = endpoints::LOG.call(&[id]);
    for _ in 0..TRIES {
        match client.send(&call).await {
            Err(failure) if failure.kind() == Kind::NotFound => tokio::time::sleep(PAUSE).await,
            other => return other.map(|answer| answer.body),
        }
    }
    client.send(&call).await.map(|answer| answer.body)
}

fn answer(topic: Topic, answer: Ended<Value>) -> News {
    match answer {
        Ok(value) => News::Answer(topic, value),
        Err(failure) => News::Silence(topic, failure),
    }
}

/// Writes, and reads again what that changes.
async fn done(client: &Client, call: &Call, words: &str, topics: &[Topic]) -> Vec<News> {
    match client.send(call).await {
        Err(failure) => vec![News::Undone(failure)],
        Ok(sent) => {
            let words = match items(&sent.body["warnings"])
                .first()
                .and_then(Value::as_str)
            {
                Some(warning) => format!("{words}, but {warning}"),
                None => words.to_owned(),
            };
            let mut news = vec![News::Done(words)];
            for topic in topics {
                let sent = client.send(&question(*topic)).await;
                news.push(answer(*topic, sent.map(|answer| answer.body)));
            }
            news
        }
    }
}

async fn test(client: &Client, pool: &str) -> Vec<News> {
    match client.send(&endpoints::KEYS_TEST.call(&[pool])).await {
        Err(failure) => vec![News::Undone(failure)],
        Ok(sent) => {
            let results = items(&sent.body);
            let good = results.iter().filter(|result| result["ok"] == true).count();
            let words = format!("{good} of {} keys of `{pool}` work", results.len());
            vec![News::Done(words)]
        }
    }
}

/// Where each role leads, without sending anything to a provider.
async fn roles(client: &Client) -> Ended<Value> {
    let mut found = Vec::new();
    for (role, _) in ROLES {
        let request = json!({"model": role, "messages": [{"role": "user", "content": "hello"}]});
        let body = json!({"dialect": "openai-chat", "request": request});
        let sent = client
            .send(&endpoints::ROUTE_TEST.call(&[]).body(body))
            .await;
        found.push(match sent {
            Ok(answer) => json!({
                "role": role,
                "route": answer.body["route"],
                "target": answer.body["targets"][0],
                "refusal": answer.body["refusal"],
            }),
            Err(failure) => json!({"role": role, "refusal": failure.to_string()}),
        });
    }
    Ok(Value::Array(found))
}
