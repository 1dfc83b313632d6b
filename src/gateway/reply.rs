//! Answers that the hub writes itself: errors in the caller's dialect, and small documents.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use translator::Dialect;
use translator::error::{Failure, FailureKind};

use super::allowance::BUDGET_EXCEEDED;
use super::body::AnswerBody;
use super::headers::{ANTHROPIC_REQUEST_ID, REQUEST_ID, SHOULD_RETRY, value};
use super::route::NoCall;

/// The longest wait that a client is told; some upstreams say a year.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3_600);

/// Room for all headers of an answer, so that it is made once.
pub(super) const HEADERS: usize = 20;

/// An answer that is all there.
pub(super) fn full(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::full(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // What a model or a caller wrote must not become a page because a browser thinks that it looks like one.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A JSON document.
pub(super) fn json(body: impl Into<Bytes>) -> Response<AnswerBody> {
    full(StatusCode::OK, "application/json", body)
}

/// Puts the request's id on an answer.
pub(super) fn identify(headers: &mut HeaderMap, dialect: Dialect, request_id: &str) {
    let id = value(request_id);
    if dialect == Dialect::Anthropic {
        headers.insert(ANTHROPIC_REQUEST_ID, id.clone());
    }
    headers.insert(REQUEST_ID, id);
}

/// An error in the caller's dialect.
pub(super) fn failure(
    dialect: Dialect,
    failure: &Failure,
    request_id: &str,
) -> Response<AnswerBody> {
    let mut body = Vec::with_capacity(256);
    let status = dialect.encode_error(failure, request_id, &mut body);
    let wait = wait(status, failure.retry_after);
    // Gemini's clients read the wait in the body: the same as in the header.
    if dialect == Dialect::Gemini
        && let Some(seconds) = wait
    {
        body.clear();
        let told = failure
            .clone()
            .with_retry_after(Duration::from_secs(seconds));
        dialect.encode_error(&told, request_id, &mut body);
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = full(status, "application/json", body);
    let headers = response.headers_mut();
    identify(headers, dialect, request_id);
    if let Some(wait) = wait {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    if is_final(failure) {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    response
}

/// Whether the same request fails again, although clients would send it again: SDKs do on 429, where money does not
/// come back within their patience; Claude Code does on 401, for minutes and without a word.
fn is_final(failure: &Failure) -> bool {
    failure.kind == FailureKind::ClientAuth || failure.code.as_deref() == Some(BUDGET_EXCEEDED)
}

/// What `retry-after` says, in whole seconds. Codex gives up for good on a 429 without it.
pub(super) fn wait(status: u16, known: Option<Duration>) -> Option<u64> {
    let synthesised = match status {
        429 => Some(Duration::from_secs(5)),
        503 | 529 => Some(Duration::from_secs(2)),
        _ => None,
    };
    let wait = known.or(synthesised)?.min(LONGEST_WAIT);
    Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).map(|seconds| seconds.max(1))
}

/// The answer for a path that leads nowhere.
pub(super) fn no_call(reason: NoCall, path: &str, request_id: &str) -> Response<AnswerBody> {
    match reason {
        NoCall::NotFound(dialect) => {
            // The path is the caller's own text: cut, so that it cannot fill a log.
            let shown: String = path.chars().take(200).collect();
            let words = format!(
                "this hub has nothing at {shown}; see the documentation for the paths it serves"
            );
            failure(
                dialect,
                &Failure::new(FailureKind::NotFound, words).with_code("not_found"),
                request_id,
            )
        }
        NoCall::Method(dialect, allow) => {
            let words = format!("this path takes {allow}");
            let mut response = failure(
                dialect,
                &Failure::new(FailureKind::InvalidRequest, words),
                request_id,
            );
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static(allow));
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_whole_seconds() {
        assert_eq!(wait(429, None), Some(5));
        assert_eq!(wait(400, None), None);
        assert_eq!(wait(429, Some(Duration::from_millis(1_200))), Some(2));
        assert_eq!(wait(429, Some(Duration::ZERO)), Some(1));
        assert_eq!(
            wait(503, Some(Duration::from_secs(31_536_000))),
            Some(86_400)
        );
    }

    #[tokio::test]
    async fn geminis_body_says_the_same_wait_as_the_header() {
        use http_body_util::BodyExt as _;
        for (wait, told) in [
            (None, "5s"),
            (Some(Duration::from_millis(1_200)), "2s"),
            (Some(Duration::from_secs(740_144)), "86400s"),
        ] {
            let mut failed = Failure::new(FailureKind::RateLimit, "no");
            failed.retry_after = wait;
            let answer = failure(Dialect::Gemini, &failed, "req_1");
            let header = answer.headers()[RETRY_AFTER].to_str().expect("digits");
            assert_eq!(format!("{header}s"), told);
            let body = answer.into_body().collect().await.expect("a body");
            let body = body.to_bytes();
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(body["error"]["details"][0]["retryDelay"], told);
        }
    }

    #[test]
    fn who_is_refused_is_told_not_to_come_again() {
        let said = |kind: FailureKind, code: &'static str| {
            let failed = Failure::new(kind, "no").with_code(code);
            let answer = failure(Dialect::Anthropic, &failed, "req_1");
            answer.headers().get(SHOULD_RETRY).cloned()
        };
        let no = Some(HeaderValue::from_static("false"));
        assert_eq!(said(FailureKind::ClientAuth, "invalid_api_key"), no);
        assert_eq!(said(FailureKind::RateLimit, BUDGET_EXCEEDED), no);
        assert_eq!(said(FailureKind::RateLimit, "rate_limit_exceeded"), None);
    }
}
