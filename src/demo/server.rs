//! The HTTP side: accepts connections, reads a body, asks a dialect folder and the script, and sends what they made.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::ask::{Ask, Dialect};
use super::fault::{Fault, RETRY_AFTER};
use super::frames::{Chunks, Event, Framing};
use super::route::{self, Route};
use super::script::{self, Answer, Ending};
use super::{catalogue, chat, embedding, gemini, messages, responses};

/// The largest request body.
const LARGEST: usize = 64 << 20;
/// A hanging answer that is no stream ends at last.
const PATIENCE: Duration = Duration::from_secs(600);
/// What a slow answer that is no stream waits.
const SLOW: Duration = Duration::from_secs(1);

/// Serves the demo upstream until `shutdown` is ready; open connections are then dropped.
pub async fn serve(listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Without this small frames of a stream wait for one another; a failure only costs time.
                    stream.set_nodelay(true).ok();
                    let mut http = hyper::server::conn::http1::Builder::new();
                    http.timer(TokioTimer::new());
                    let connection = http.serve_connection(TokioIo::new(stream), service_fn(handle));
                    connections.spawn(async move { connection.await.ok() });
                }
                // Out of descriptors, most likely: closing connections make room.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
}

async fn handle(request: Request<Incoming>) -> Result<Response<Chunks>, Infallible> {
    let (head, body) = request.into_parts();
    let dialect = route::dialect(head.uri.path(), head.uri.query(), &head.headers);
    let found = route::find(&head.method, head.uri.path(), head.uri.query());
    let answered = match found {
        Ok(Route::Root) => Ok(full(
            json!({"name": "LLM Bridge demo upstream", "try": "/v1/models"}).to_string(),
            Ending::Whole,
        )),
        Ok(route) => match route::admit(dialect, &head.headers, head.uri.query()) {
            Ok(()) => respond(&route, dialect, &head.headers, body).await,
            Err(fault) => Err(fault),
        },
        Err(fault) => Err(fault),
    };
    let mut response = answered.unwrap_or_else(|fault| refusal(&fault, dialect));
    let id = if dialect == Dialect::Messages {
        "request-id"
    } else {
        "x-request-id"
    };
    response
        .headers_mut()
        .insert(id, http::HeaderValue::from_static("req_demo"));
    Ok(response)
}

async fn respond(
    route: &Route,
    dialect: Dialect,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Response<Chunks>, Fault> {
    match route {
        Route::Models => return Ok(json_response(&catalogue::list(dialect))),
        Route::Model(model) => return Ok(json_response(&catalogue::one(dialect, model)?)),
        _ => {}
    }
    let collected = Limited::new(body, LARGEST).collect().await;
    let bytes = collected
        .map_err(|_| Fault::of(413, None, "the body is too large or broke off"))?
        .to_bytes();
    let body: Value = serde_json::from_slice(&bytes).map_err(|error| {
        Fault::invalid(
            "",
            format!("We could not parse the JSON body of your request: {error}"),
        )
    })?;
    let version = headers
        .get("anthropic-version")
        .and_then(|value| value.to_str().ok());
    let streamed = body["stream"] == true;
    let (ask, framing) = match route {
        Route::Chat => (chat::read(&body)?, streamed.then_some(Framing::SseDone)),
        Route::Responses => (responses::read(&body)?, streamed.then_some(Framing::Sse)),
        Route::Messages => (
            messages::read(&body, version)?,
            streamed.then_some(Framing::Sse),
        ),
        Route::Generate(model, framing) => (gemini::read(&body, model)?, *framing),
        other => return Ok(json_response(&side(other, &body, version)?)),
    };
    catalogue::known(&ask.model)?;
    let answer = script::answer(&ask)?;
    match framing {
        Some(framing) => Ok(stream(&ask, &answer, &body, framing)),
        None => whole(&ask, &answer, &body).await,
    }
}

/// Endpoints without a conversation.
fn side(route: &Route, body: &Value, version: Option<&str>) -> Result<Value, Fault> {
    if let Route::CountContents(model) | Route::EmbedContent(model) | Route::BatchEmbed(model) =
        route
    {
        catalogue::known(model)?;
    }
    if let Some(model) = body["model"].as_str() {
        catalogue::known(model.trim_start_matches("models/"))?;
    }
    match route {
        Route::CountResponses => responses::count(body),
        Route::CountMessages => messages::count(body, version),
        Route::CountContents(model) => gemini::count(body, model),
        Route::Embeddings => embedding::openai(body),
        Route::EmbedContent(_) => embedding::gemini(body),
        Route::BatchEmbed(_) => embedding::gemini_batch(body),
        _ => Err(Fault::of(404, None, "there is no such endpoint")),
    }
}

async fn whole(ask: &Ask, answer: &Answer, body: &Value) -> Result<Response<Chunks>, Fault> {
    match answer.ending {
        Ending::Fail => return Err(broken()),
        Ending::Hang => tokio::time::sleep(PATIENCE).await,
        Ending::Cut | Ending::Whole => {}
    }
    if answer.slow {
        tokio::time::sleep(SLOW).await;
    }
    let render = match ask.dialect {
        Dialect::Chat => chat::whole,
        Dialect::Responses => responses::whole,
        Dialect::Messages => messages::whole,
        Dialect::Gemini => gemini::whole,
    };
    Ok(full(render(ask, answer, body).to_string(), answer.ending))
}

fn stream(ask: &Ask, answer: &Answer, body: &Value, framing: Framing) -> Response<Chunks> {
    let events = events(ask, answer, body);
    let chunks = framing.chunks(&events, answer.ending == Ending::Whole);
    let mut response = Response::new(Chunks::stream(chunks, answer.ending, answer.slow));
    let kind = http::HeaderValue::from_static(framing.content_type());
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, kind);
    response
}

/// The events that are really sent: half of them when the answer does not reach its end.
pub(super) fn events(ask: &Ask, answer: &Answer, body: &Value) -> Vec<Event> {
    type Failure = fn(&Fault, usize) -> Vec<Event>;
    let (mut events, failure): (Vec<Event>, Failure) = match ask.dialect {
        Dialect::Chat => (chat::events(ask, answer, body), chat::failure),
        Dialect::Responses => (responses::events(ask, answer, body), responses::failure),
        Dialect::Messages => (messages::events(ask, answer, body), messages::failure),
        Dialect::Gemini => (gemini::events(ask, answer, body), gemini::failure),
    };
    if answer.ending != Ending::Whole {
        events.truncate((events.len() / 2).max(3).min(events.len() - 1));
    }
    if answer.ending == Ending::Fail {
        events.extend(failure(&broken(), events.len()));
    }
    events
}

fn broken() -> Fault {
    Fault::of(
        500,
        None,
        "The prompt asked for a failure in mid-stream (demo:stream-error)",
    )
}

fn json_response(body: &Value) -> Response<Chunks> {
    full(body.to_string(), Ending::Whole)
}

fn full(body: String, ending: Ending) -> Response<Chunks> {
    let mut response = Response::new(Chunks::full(&Bytes::from(body), ending));
    let kind = http::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, kind);
    response
}

fn refusal(fault: &Fault, dialect: Dialect) -> Response<Chunks> {
    let mut response = json_response(&fault.body(dialect));
    *response.status_mut() =
        StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if fault.status == 429 && dialect != Dialect::Gemini {
        response.headers_mut().insert(
            http::header::RETRY_AFTER,
            http::HeaderValue::from(RETRY_AFTER),
        );
    }
    response
}
