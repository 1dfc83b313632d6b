//! Asks a provider for one short answer, and for its list of models: what the administration may have sent.
//!
//! The address is the configuration's, passes the dial guard like any other call, and is never followed
//! elsewhere. Nothing here is asked unless a person asks for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use hyper::body::Incoming;
use tokio::time::timeout;
use translator::Dialect;
use translator::error::Failure;

use super::explain::order;
use super::hub::Hub;
use super::mask::mask;
use super::peek::Peek;
use super::prepare::{prepare, uri};
use super::send::{collect, judge};
use super::service::Caller;
use super::{headers, unary};
use crate::pool::KeyOutcome;
use crate::routing::{Plan, PlannedTarget};
use crate::snapshot::{Endpoint, Mode, PoolKey, Provider, Snapshot};
use crate::upstream::Pieces;

/// Nobody looks at a spinner for longer.
const LONGEST: Duration = Duration::from_secs(30);
/// Answers to a check are short, lists of models are not long.
const LARGEST: usize = 8 << 20;
/// Pages of a list of models that are read.
const MOST_PAGES: usize = 20;

/// How a check went.
#[derive(Clone, Debug)]
pub struct Checked {
    /// It gave an answer.
    pub ok: bool,
    /// The status, if one came.
    pub status: Option<u16>,
    /// How long it took.
    pub latency: Duration,
    /// The model that was asked.
    pub model: String,
    /// The masked key that was used.
    pub key: Option<String>,
    /// What went wrong, with keys starred out.
    pub error: Option<String>,
}

/// Asks a model of a provider for a short answer, with one key of its pool, and lets the pool know how it went.
pub async fn check(
    hub: &Arc<Hub>,
    snapshot: &Arc<Snapshot>,
    provider: &Arc<Provider>,
    model: &str,
    key: Option<&PoolKey>,
) -> Checked {
    let key = key.or_else(|| provider.pool.keys.first());
    let started = Instant::now();
    let asked = ask(hub, snapshot, provider, model, key).await;
    let outcome = match &asked {
        Ok(status) => KeyOutcome::Status(*status),
        Err(refusal) => refusal.outcome,
    };
    let checked = Checked {
        ok: asked.is_ok(),
        status: match &asked {
            Ok(status) => Some(*status),
            Err(refusal) => refusal.status,
        },
        latency: started.elapsed(),
        model: model.to_owned(),
        key: key
            .filter(|key| key.header.is_some())
            .map(|key| key.id.to_string()),
        error: asked.err().map(|refusal| refusal.words),
    };
    if let Some(key) = key {
        let now = Instant::now();
        if checked.ok {
            hub.reset_keys(&provider.pool.name, Some(&key.id));
            hub.reset_breakers(&provider.name, Some(model));
        }
        let model = Arc::from(model);
        hub.pools
            .report(&provider.pool.name, &key.id, &model, outcome, now);
    }
    checked
}

/// A call that led nowhere.
struct Refusal {
    status: Option<u16>,
    words: String,
    /// What it says of the key.
    outcome: KeyOutcome,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self {
            status: None,
            words: failure.message,
            outcome: KeyOutcome::ConnectionFailed,
        }
    }
}

async fn ask(
    hub: &Arc<Hub>,
    snapshot: &Arc<Snapshot>,
    provider: &Arc<Provider>,
    model: &str,
    key: Option<&PoolKey>,
) -> Result<u16, Refusal> {
    let question = serde_json::json!({
        "model": model,
        // The least that all vendors take.
        "max_tokens": 16,
        "messages": [{"role": "user", "content": "Say OK."}],
    });
    let body = Bytes::from(question.to_string());
    let target = PlannedTarget {
        provider: Arc::clone(provider),
        model: model.into(),
        pool: Arc::clone(&provider.pool),
        mode: Mode::Transformer,
        params: None,
    };
    let caller = Caller {
        hub: Arc::clone(hub),
        snapshot: Arc::clone(snapshot),
        request_id: String::new(),
        key: None,
    };
    let plan = Plan {
        route: "check".into(),
        targets: vec![target.clone()],
        trace: Vec::new(),
    };
    let peek = Peek::at(&body)?;
    let from = Dialect::OpenAiChat;
    let order = order(
        &caller,
        &HeaderMap::new(),
        from,
        model.to_owned(),
        body,
        peek,
        false,
        plan,
    );
    let prepared = prepare(&order, &target, false)?;
    let mut request = Request::new(prepared.body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = prepared.uri;
    *request.headers_mut() = prepared.headers;
    let (status, body) = exchange(hub, provider, key, request).await?;
    if !provider.always_stream {
        unary::check(provider.dialect, &body).map_err(|failure| Refusal {
            status: Some(status),
            words: failure.message,
            outcome: KeyOutcome::Status(status),
        })?;
    }
    Ok(status)
}

/// Sends a request with a key and reads its good answer.
async fn exchange(
    hub: &Hub,
    provider: &Provider,
    key: Option<&PoolKey>,
    mut request: Request<Pieces>,
) -> Result<(u16, Bytes), Refusal> {
    let credential = key.and_then(|key| key.header.as_ref());
    if let Some(value) = credential {
        request
            .headers_mut()
            .insert(provider.pool.auth_header.clone(), value.clone());
    }
    let patience = provider.timeout.min(LONGEST);
    let lost = |words: String| Refusal {
        status: None,
        words,
        outcome: KeyOutcome::ConnectionFailed,
    };
    let sent = timeout(
        patience,
        hub.client.send(
            request,
            provider.allow_private_network,
            provider.proxy.as_ref(),
        ),
    );
    let response: Response<Incoming> = sent
        .await
        .map_err(|_| lost(format!("no answer within {} s", patience.as_secs_f64())))?
        .map_err(|error| lost(error.to_string()))?;
    let status = response.status();
    if status.is_redirection() {
        return Err(Refusal {
            status: Some(status.as_u16()),
            words: "it answered with a redirect, which is never followed; correct base_url"
                .to_owned(),
            outcome: KeyOutcome::Status(status.as_u16()),
        });
    }
    let body = timeout(patience, collect(response, LARGEST))
        .await
        .map_err(|_| lost("the answer was not complete in time".to_owned()))?
        .map_err(lost)?;
    if status.is_success() {
        return Ok((status.as_u16(), body));
    }
    let body = match credential {
        Some(credential) => mask(body, credential),
        None => body,
    };
    let failure = provider.dialect.decode_error(status.as_u16(), &body);
    Err(Refusal {
        status: Some(status.as_u16()),
        outcome: judge(status, &failure).1,
        words: failure.message,
    })
}

/// A model that a provider offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// What to ask for.
    pub id: String,
    /// What people call it, where the provider says.
    pub title: Option<String>,
}

/// Asks a provider which models it has.
///
/// # Errors
/// What went wrong, in words, with keys starred out.
pub async fn discover(hub: &Arc<Hub>, provider: &Arc<Provider>) -> Result<Vec<Offered>, String> {
    let target = PlannedTarget {
        provider: Arc::clone(provider),
        model: "".into(),
        pool: Arc::clone(&provider.pool),
        mode: Mode::Direct,
        params: None,
    };
    let key = provider.pool.keys.first();
    let mut offered = Vec::new();
    let mut query = first_page(provider.dialect).to_owned();
    for _ in 0..MOST_PAGES {
        let mut request = Request::new(Pieces::default());
        *request.uri_mut() = uri(&target, Endpoint::Models, &query);
        *request.headers_mut() = headers::written(provider, false, &[]);
        request.headers_mut().remove(http::header::CONTENT_TYPE);
        let answer = exchange(hub, provider, key, request).await;
        let (_, body) = answer.map_err(|refusal| refusal.words)?;
        let page: serde_json::Value = serde_json::from_slice(&body)
            .map_err(|_| "the list of models is not JSON".to_owned())?;
        let next = read_page(provider.dialect, &page, &mut offered)?;
        match next {
            Some(next) => query = next,
            None => break,
        }
    }
    offered.sort_by(|a, b| a.id.cmp(&b.id));
    offered.dedup_by(|a, b| a.id == b.id);
    Ok(offered)
}

const fn first_page(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic => "limit=1000",
        Dialect::Gemini => "pageSize=1000",
        Dialect::OpenAiChat | Dialect::OpenAiResponses => "",
    }
}

/// Takes a page in; gives the query of the next one.
fn read_page(
    dialect: Dialect,
    page: &serde_json::Value,
    offered: &mut Vec<Offered>,
) -> Result<Option<String>, String> {
    let list = if dialect == Dialect::Gemini {
        &page["models"]
    } else if page.is_array() {
        page
    } else {
        &page["data"]
    };
    let Some(list) = list.as_array() else {
        return Err("the answer is no list of models".to_owned());
    };
    for entry in list {
        let id = entry["id"].as_str().or_else(|| entry["name"].as_str());
        let Some(id) = id.or_else(|| entry.as_str()) else {
            continue;
        };
        let id = id.strip_prefix("models/").unwrap_or(id);
        let title = entry["display_name"]
            .as_str()
            .or_else(|| entry["displayName"].as_str());
        offered.push(Offered {
            id: id.to_owned(),
            title: title.map(str::to_owned),
        });
    }
    let token = |text: &str| -> Option<String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.=~:".contains(c);
        (!text.is_empty() && text.len() <= 512 && text.chars().all(plain)).then(|| text.to_owned())
    };
    Ok(match dialect {
        Dialect::Gemini => page["nextPageToken"]
            .as_str()
            .and_then(token)
            .map(|next| format!("pageSize=1000&pageToken={next}")),
        Dialect::Anthropic if page["has_more"] == true => page["last_id"]
            .as_str()
            .and_then(token)
            .map(|last| format!("limit=1000&after_id={last}")),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_of_all_dialects_are_read() {
        let mut found = Vec::new();
        let next = read_page(
            Dialect::Gemini,
            &json!({"models": [{"name": "models/a", "displayName": "A"}], "nextPageToken": "t1"}),
            &mut found,
        );
        assert_eq!(next, Ok(Some("pageSize=1000&pageToken=t1".to_owned())));
        let next = read_page(
            Dialect::Anthropic,
            &json!({"data": [{"id": "b", "display_name": "B"}], "has_more": true, "last_id": "b&x=1"}),
            &mut found,
        );
        assert_eq!(next, Ok(None), "a token that would change the query");
        let next = read_page(
            Dialect::OpenAiChat,
            &json!({"data": [{"id": "c"}, 7]}),
            &mut found,
        );
        assert_eq!(next, Ok(None));
        let ids: Vec<_> = found.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c"]);
        assert!(read_page(Dialect::OpenAiChat, &json!({"error": 1}), &mut found).is_err());
    }
}
