//! The state of keys as it changes: server-sent events, one frame for each.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use poem::{Body, IntoResponse, Response};
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON as _, Type as _};
use poem_openapi::{ApiResponse, Object};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::pool_key::KeyLive;
use crate::gateway::Hub;

/// How often the keys are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Silence after which a sign of life is sent.
const SILENCE: Duration = Duration::from_secs(15);
/// A stream ends when the token that opened it would have; whoever still may opens it again.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A key that has changed.
#[derive(Clone, Debug, PartialEq, Object)]
pub(super) struct KeyChange {
    /// Its pool.
    pool: String,
    /// The masked key.
    key: String,
    #[oai(flatten)]
    live: KeyLive,
}

/// The keys that have changed: event `keys`, with all of them in the first one.
#[derive(Clone, Debug, Object)]
pub(super) struct KeyChanges {
    /// The keys.
    keys: Vec<KeyChange>,
}

/// A stream of events.
pub(super) struct Events(Body);

impl Payload for Events {
    const CONTENT_TYPE: &'static str = "text/event-stream";

    fn schema_ref() -> MetaSchemaRef {
        KeyChanges::schema_ref()
    }

    fn register(registry: &mut Registry) {
        KeyChanges::register(registry);
    }
}

impl IntoResponse for Events {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type(Self::CONTENT_TYPE)
            .header("cache-control", "no-store")
            .header("x-accel-buffering", "no")
            .body(self.0)
    }
}

/// A stream of events as an answer.
#[derive(ApiResponse)]
pub(super) enum EventsAnswer {
    /// The data of each event.
    #[oai(status = 200)]
    Ok(Events),
}

/// What a watcher is sent.
struct Watch {
    hub: Arc<Hub>,
    interval: Interval,
    known: HashMap<(String, String), KeyLive>,
    begun: Instant,
    spoken: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

/// Opens a stream for a watcher who has a place.
pub(super) fn watch(hub: Arc<Hub>, place: OwnedSemaphorePermit) -> EventsAnswer {
    let mut interval = interval(LOOK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watch = Watch {
        hub,
        interval,
        known: HashMap::new(),
        begun: Instant::now(),
        spoken: None,
        _place: place,
    };
    EventsAnswer::Ok(Events(watch.boxed().into()))
}

impl Watch {
    /// The next frame, if there is something to say.
    fn frame(&mut self, now: Instant) -> Option<Bytes> {
        let stats = self.hub.pools.stats(now);
        let mut seen = HashMap::with_capacity(stats.len());
        let mut keys = Vec::new();
        for one in &stats {
            let id = (one.pool.to_string(), one.key.to_string());
            let live = KeyLive::from(one);
            if self.known.get(&id) != Some(&live) {
                keys.push(KeyChange {
                    pool: id.0.clone(),
                    key: id.1.clone(),
                    live: live.clone(),
                });
            }
            seen.insert(id, live);
        }
        self.known = seen;
        let first = self.spoken.is_none();
        if keys.is_empty() && !first {
            let silent = self
                .spoken
                .is_some_and(|at| now.saturating_duration_since(at) < SILENCE);
            if silent {
                return None;
            }
            self.spoken = Some(now);
            return Some(Bytes::from_static(b": still here\n\n"));
        }
        self.spoken = Some(now);
        let data = KeyChanges { keys }.to_json_string();
        Some(Bytes::from(format!("event: keys\ndata: {data}\n\n")))
    }
}

impl HttpBody for Watch {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = self.get_mut();
        loop {
            if this.interval.poll_tick(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if this.hub.is_stopping() || now.saturating_duration_since(this.begun) > LONGEST {
                return Poll::Ready(None);
            }
            if let Some(frame) = this.frame(now) {
                return Poll::Ready(Some(Ok(Frame::data(frame))));
            }
        }
    }
}
