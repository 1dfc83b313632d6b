//! Calls an upstream again, to go on with an answer that it has interrupted.
//!
//! Same target, same key: the state that the answer hangs on belongs to the account that began it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, Response, Uri};
use hyper::body::Incoming;

use super::body::Owned;
use super::hub::Hub;
use super::send::{Fault, Parcel, send};
use crate::routing::PlannedTarget;
use crate::upstream::Pieces;

/// What a further call needs, credential included.
#[derive(Clone)]
pub(super) struct Again {
    pub(super) hub: Arc<Hub>,
    pub(super) target: Arc<PlannedTarget>,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

/// A further call, as the account notes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Called {
    pub(super) status: u16,
    pub(super) took: Duration,
}

/// A further call on its way.
pub(super) type Calling = Owned<(Result<Response<Incoming>, Box<Fault>>, Called)>;

impl Again {
    /// Makes the call.
    pub(super) fn call(&self, body: Pieces) -> Calling {
        let Self {
            hub,
            target,
            uri,
            headers,
        } = self.clone();
        Box::pin(async move {
            let started = Instant::now();
            let parcel = Parcel {
                hub: &hub,
                target: &target,
                uri,
                headers,
                body,
            };
            let sent = send(parcel, None).await;
            let status = match &sent {
                Ok(response) => response.status().as_u16(),
                Err(fault) => fault.status,
            };
            let took = started.elapsed();
            (sent, Called { status, took })
        })
    }
}
