//! A scripted upstream that misbehaves on demand and remembers what it was asked.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::Sleep;

/// One step of an answer's body.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send(String),
    Wait(u64),
    /// The connection breaks.
    Cut,
    /// Nothing more comes, and nothing ends.
    Hang,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) steps: Vec<Step>,
    /// Before the head.
    pub(crate) delay: u64,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            steps: vec![Step::Send(body.to_owned())],
            delay: 0,
        }
    }

    pub(crate) fn stream(steps: Vec<Step>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "text/event-stream".to_owned())],
            steps,
            delay: 0,
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn after(mut self, ms: u64) -> Self {
        self.delay = ms;
        self
    }
}

/// What it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

#[derive(Default)]
struct State {
    script: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<Asked>>,
    abandoned: AtomicUsize,
    open: AtomicUsize,
}

/// The upstream.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

impl Upstream {
    /// Starts with a script; the last reply is repeated.
    pub(crate) async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(State {
            script: Mutex::new(script.into_iter().collect()),
            ..State::default()
        });
        let served = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let state = Arc::clone(&served);
                tokio::spawn(async move {
                    state.open.fetch_add(1, Ordering::SeqCst);
                    let asked = Arc::clone(&state);
                    let service = service_fn(move |request| answer(Arc::clone(&asked), request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                    state.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, state }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().expect("no panic inside").clone()
    }

    /// Connections that are open now.
    pub(crate) fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }

    /// Answers that were dropped before their last step.
    pub(crate) async fn abandoned(&self, want: usize) -> bool {
        for _ in 0..200 {
            if self.state.abandoned.load(Ordering::SeqCst) >= want {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Steps>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    state.asked.lock().expect("no panic inside").push(Asked {
        path: head.uri.to_string(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let reply = {
        let mut script = state.script.lock().expect("no panic inside");
        let next = script.pop_front().expect("a script");
        if script.is_empty() {
            script.push_back(next.clone());
        }
        next
    };
    tokio::time::sleep(Duration::from_millis(reply.delay)).await;
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    let steps = Steps {
        left: reply.steps.into(),
        sleep: None,
        state,
    };
    Ok(response.body(steps).expect("legal headers"))
}

struct Steps {
    left: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    state: Arc<State>,
}

impl Body for Steps {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        loop {
            if let Some(sleep) = &mut this.sleep {
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                this.sleep = None;
            }
            match this.left.front() {
                None => return Poll::Ready(None),
                Some(Step::Hang) => return Poll::Pending,
                Some(_) => {}
            }
            match this.left.pop_front() {
                Some(Step::Send(text)) => {
                    return Poll::Ready(Some(Ok(Frame::data(Bytes::from(text)))));
                }
                Some(Step::Cut) => {
                    return Poll::Ready(Some(Err(io::Error::other("cut by the script"))));
                }
                Some(Step::Wait(ms)) => {
                    this.sleep = Some(Box::pin(tokio::time::sleep(Duration::from_millis(ms))));
                }
                Some(Step::Hang) | None => {}
            }
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if !self.left.is_empty() {
            self.state.abandoned.fetch_add(1, Ordering::SeqCst);
        }
    }
}
