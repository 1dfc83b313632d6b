//! Takes a request's body in, within bounds of size and patience.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::timeout;
use translator::error::{Failure, FailureKind};

use super::tuning::Tuning;
use crate::upstream::{Inflate, InflateError};

/// The whole body, decompressed.
pub(super) async fn read(
    mut body: Incoming,
    headers: &HeaderMap,
    cap: usize,
    tuning: &Tuning,
) -> Result<Bytes, Failure> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    if announced.is_some_and(|length| length > cap) {
        return Err(too_large(cap));
    }
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    loop {
        let next = timeout(tuning.body_idle, body.frame()).await.map_err(|_| {
            Failure::new(
                FailureKind::Timeout,
                "the rest of the request body did not come",
            )
        })?;
        let Some(frame) = next else { break };
        let frame = frame.map_err(|error| {
            Failure::new(
                FailureKind::InvalidRequest,
                format!("the request body cannot be read: {error}"),
            )
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + whole.len() + data.len() > cap {
            return Err(too_large(cap));
        }
        // Small bodies come in one piece and are never copied.
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            whole.reserve(announced.unwrap_or(first.len() * 2 + data.len()).min(cap));
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&data);
    }
    let body = if whole.is_empty() {
        first
    } else {
        whole.freeze()
    };
    if headers.contains_key(CONTENT_ENCODING) {
        inflate(&body, headers, cap)
    } else {
        Ok(body)
    }
}

fn inflate(body: &Bytes, headers: &HeaderMap, cap: usize) -> Result<Bytes, Failure> {
    let refused = |error: InflateError| match error {
        InflateError::TooLarge(_) => too_large(cap),
        error => Failure::new(FailureKind::InvalidRequest, error.to_string()),
    };
    match Inflate::of(headers, cap).map_err(refused)? {
        Some(mut inflate) => inflate.feed(body).map(Bytes::from).map_err(refused),
        None => Ok(body.clone()),
    }
}

fn too_large(cap: usize) -> Failure {
    Failure::new(
        FailureKind::TooLarge,
        format!("the request body is larger than {cap} bytes"),
    )
    .with_code("request_too_large")
}
