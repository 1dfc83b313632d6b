//! One call to one target: sent, awaited, read, and judged.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::timeout;
use translator::Dialect;
use translator::error::{Failure, FailureKind};

use super::admit::{Credential, Health};
use super::hub::Hub;
use super::mask::mask;
use super::verdict::Verbatim;
use crate::pool::KeyOutcome;
use crate::routing::PlannedTarget;
use crate::upstream::{Inflate, Pieces, SendError, retry_after};

/// Error bodies are read up to this.
const ERROR_BODY: usize = 1 << 20;
const ERROR_PATIENCE: Duration = Duration::from_secs(10);

/// What a failure says about what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// The request itself: nobody else is asked.
    Client,
    /// The key: the next one is tried at once.
    Key,
    /// The target, and it may help to try again.
    Target,
    /// The target, and trying again cannot help.
    TargetForGood,
}

/// A call that led nowhere.
pub(super) struct Fault {
    pub(super) failure: Failure,
    pub(super) blame: Blame,
    pub(super) status: u16,
    pub(super) verbatim: Option<Verbatim>,
    pub(super) outcome: KeyOutcome,
    pub(super) health: Health,
    /// Which of the calls of one try it was.
    pub(super) call: usize,
}

impl Fault {
    /// The target did not do what it should.
    pub(super) fn target(failure: Failure, status: u16) -> Box<Self> {
        let outcome = if status == 0 {
            KeyOutcome::ConnectionFailed
        } else {
            KeyOutcome::Status(status)
        };
        Box::new(Self {
            failure,
            blame: Blame::Target,
            status,
            verbatim: None,
            outcome,
            health: Health::Ill,
            call: 0,
        })
    }
}

/// A call to be made.
pub(super) struct Parcel<'p> {
    pub(super) hub: &'p Arc<Hub>,
    pub(super) target: &'p PlannedTarget,
    pub(super) uri: http::Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Pieces,
}

/// Sends a request with its credential; a head that promises an answer is given back, everything else is judged here.
pub(super) async fn send(
    parcel: Parcel<'_>,
    credential: Option<Credential<'_>>,
) -> Result<Response<Incoming>, Box<Fault>> {
    let Parcel {
        hub,
        target,
        uri,
        mut headers,
        body,
    } = parcel;
    if let Some((name, value)) = credential {
        headers.insert(name, value.clone());
    }
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    let provider = &target.provider;
    let sent = timeout(
        provider.timeout,
        hub.client.send(
            request,
            provider.allow_private_network,
            provider.proxy.as_ref(),
        ),
    )
    .await;
    let response = match sent {
        Err(_) => {
            let words = format!(
                "[{}] no answer within {} s",
                provider.name,
                provider.timeout.as_secs_f64()
            );
            return Err(Fault::target(Failure::new(FailureKind::Timeout, words), 0));
        }
        Ok(Err(error)) => return Err(unsent(&provider.name, &error)),
        Ok(Ok(response)) => response,
    };
    if response.status().is_success() {
        return Ok(response);
    }
    Err(refused(target, response).await)
}

fn unsent(provider: &str, error: &SendError) -> Box<Fault> {
    let failure = Failure::new(FailureKind::Upstream, format!("[{provider}] {error}"));
    let mut fault = Fault::target(failure, 0);
    if matches!(error, SendError::Forbidden(_) | SendError::Trust(_)) {
        fault.blame = Blame::TargetForGood;
    }
    if matches!(error, SendError::Exhausted(_)) {
        fault.health = Health::Unknown;
    }
    fault
}

/// An answer that is none.
async fn refused(target: &PlannedTarget, response: Response<Incoming>) -> Box<Fault> {
    let provider = &target.provider;
    let status = response.status();
    let asked = retry_after(response.headers(), SystemTime::now());
    if status.is_redirection() || status.is_informational() {
        let words = format!(
            "[{}] answered with the redirect {}, which is never followed",
            provider.name,
            status.as_u16()
        );
        let mut fault = Fault::target(Failure::new(FailureKind::Upstream, words), status.as_u16());
        fault.blame = Blame::TargetForGood;
        return fault;
    }
    let patience = ERROR_PATIENCE.min(provider.timeout);
    let body = timeout(patience, collect(response, ERROR_BODY))
        .await
        .ok()
        .and_then(Result::ok)
        .unwrap_or_default();
    let body = target
        .pool
        .keys
        .iter()
        .filter_map(|key| key.header.as_ref())
        .fold(body, mask);
    let mut failure = provider.dialect.decode_error(status.as_u16(), &body);
    failure.upstream_status = status.as_u16();
    failure.retry_after = asked.or(failure.retry_after);
    failure.message = format!("[{}] {}", provider.name, failure.message);
    let (blame, outcome, health) = judge(status, &failure);
    // What a vendor says of the hub's key would read as if the client's own were meant.
    let of_key = status == StatusCode::UNAUTHORIZED || failure.kind == FailureKind::UpstreamAuth;
    let verbatim = (!of_key && is_error_of(provider.dialect, &body)).then(|| Verbatim {
        status: status.as_u16(),
        body,
    });
    Box::new(Fault {
        failure,
        blame,
        status: status.as_u16(),
        verbatim,
        outcome,
        health,
        call: 0,
    })
}

/// Whom an error is held against. What the body says of a key counts for more than the status: Google refuses a bad
/// one with 400, and 403 may be about one model alone, which is no reason to use the key for no other.
pub(super) fn judge(status: StatusCode, failure: &Failure) -> (Blame, KeyOutcome, Health) {
    let code = status.as_u16();
    match code {
        429 => (
            Blame::Key,
            KeyOutcome::RateLimited {
                retry_after: failure.retry_after,
            },
            Health::Unknown,
        ),
        // 499 is how proxies in front of an upstream say that it was they who gave up.
        408 | 499 | 500..=599 => (Blame::Target, KeyOutcome::Status(code), Health::Ill),
        401 => (Blame::Key, KeyOutcome::AuthFailed(code), Health::Unknown),
        _ if failure.kind == FailureKind::UpstreamAuth => {
            (Blame::Key, KeyOutcome::AuthFailed(code), Health::Unknown)
        }
        402 => (Blame::Key, KeyOutcome::Status(code), Health::Unknown),
        // Another account may be allowed what this one is not.
        403 if failure.kind != FailureKind::Policy => {
            (Blame::Key, KeyOutcome::Status(code), Health::Well)
        }
        404 => (Blame::TargetForGood, KeyOutcome::Status(code), Health::Well),
        _ if matches!(
            failure.kind,
            FailureKind::Permission | FailureKind::Overloaded
        ) =>
        {
            (Blame::TargetForGood, KeyOutcome::Status(code), Health::Well)
        }
        _ => (Blame::Client, KeyOutcome::Status(code), Health::Well),
    }
}

/// True when a body is an error as clients of the dialect know it, so that it may pass as it is.
fn is_error_of(dialect: Dialect, body: &[u8]) -> bool {
    let Ok(root) = serde_json::from_slice::<serde_json::Value>(body) else {
        return false;
    };
    let root = root
        .as_array()
        .and_then(|list| list.first())
        .unwrap_or(&root);
    let error = &root["error"];
    let typed = root["type"] == "error";
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => !typed && error["message"].is_string(),
        Dialect::Anthropic => typed && error["type"].is_string(),
        Dialect::Gemini => error["status"].is_string(),
    }
}

/// The whole body of an answer, decompressed, up to a cap.
pub(super) async fn collect(response: Response<Incoming>, cap: usize) -> Result<Bytes, String> {
    let (head, mut body) = response.into_parts();
    let mut inflate = Inflate::of(&head.headers, cap).map_err(|error| error.to_string())?;
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the answer broke off: {error}"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let data = match &mut inflate {
            None => data,
            Some(inflate) => Bytes::from(inflate.feed(&data).map_err(|error| error.to_string())?),
        };
        if first.len() + whole.len() + data.len() > cap {
            return Err(format!("the answer is larger than {cap} bytes"));
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() {
        first
    } else {
        whole.freeze()
    })
}

/// Reads a complete answer within what is left of the provider's time.
pub(super) async fn read_whole(
    hub: &Hub,
    target: &PlannedTarget,
    response: Response<Incoming>,
    started: Instant,
) -> Result<Bytes, Box<Fault>> {
    let status = response.status().as_u16();
    let left = target.provider.timeout.saturating_sub(started.elapsed());
    match timeout(left, collect(response, hub.tuning.max_answer)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) => {
            let words = format!("[{}] {error}", target.provider.name);
            Err(Fault::target(
                Failure::new(FailureKind::Upstream, words),
                status,
            ))
        }
        Err(_) => {
            let words = format!(
                "[{}] the answer was not complete within {} s",
                target.provider.name,
                target.provider.timeout.as_secs_f64()
            );
            Err(Fault::target(
                Failure::new(FailureKind::Timeout, words),
                status,
            ))
        }
    }
}

/// Who is to blame for a failure that came inside an answer.
pub(super) fn inside(target: &PlannedTarget, mut failure: Failure, status: u16) -> Box<Fault> {
    let client = matches!(
        failure.kind,
        FailureKind::InvalidRequest
            | FailureKind::ContextTooLong
            | FailureKind::Policy
            | FailureKind::Unsupported
    );
    if !failure.message.starts_with('[') {
        failure.message = format!("[{}] {}", target.provider.name, failure.message);
    }
    let mut fault = Fault::target(failure, status);
    if client {
        fault.blame = Blame::Client;
        fault.health = Health::Well;
    }
    fault
}

/// True when a dialect's upstream refuses state of an earlier turn.
pub(super) fn is_about_state(dialect: Dialect, fault: &Fault) -> bool {
    if fault.status != 400 {
        return false;
    }
    let words = fault.failure.message.to_ascii_lowercase();
    let phrases: &[&str] = match dialect {
        Dialect::Anthropic => &["signature", "thinking block", "redacted_thinking"],
        Dialect::OpenAiResponses => &[
            "encrypted content",
            "encrypted_content",
            "reasoning' item",
            "reasoning item",
        ],
        Dialect::Gemini => &["thought signature", "thought_signature", "thoughtsignature"],
        Dialect::OpenAiChat => &["signature", "reasoning_details", "encrypted"],
    };
    phrases.iter().any(|phrase| words.contains(phrase))
}
