//! The load generator: keeps connections busy and checks every answer to its last byte.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use memchr::memmem;

use crate::cases::{Client, Shape};

/// Requests to send.
pub(crate) struct Job {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
    pub(crate) shape: Shape,
    pub(crate) body: Bytes,
    pub(crate) key: String,
    pub(crate) connections: usize,
    pub(crate) requests: usize,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) requests: usize,
    pub(crate) wall: Duration,
    /// Per chunk of a timed stream, in microseconds; the first of each stream apart.
    pub(crate) first_us: Vec<f64>,
    pub(crate) chunk_us: Vec<f64>,
}

/// Sends all requests; the first wrong answer ends the run.
pub(crate) async fn drive(job: Job) -> Result<Outcome> {
    let job = Rc::new(job);
    let left = Rc::new(Cell::new(job.requests));
    let started = Instant::now();
    let local = tokio::task::LocalSet::new();
    let mut workers = Vec::new();
    for _ in 0..job.connections {
        workers.push(local.spawn_local(worker(Rc::clone(&job), Rc::clone(&left))));
    }
    let mut outcome = Outcome::default();
    local
        .run_until(async {
            for worker in workers {
                let part = worker.await??;
                outcome.requests += part.requests;
                outcome.first_us.extend(part.first_us);
                outcome.chunk_us.extend(part.chunk_us);
            }
            anyhow::Ok(())
        })
        .await?;
    outcome.wall = started.elapsed();
    Ok(outcome)
}

async fn worker(job: Rc<Job>, left: Rc<Cell<usize>>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let stream = tokio::net::TcpStream::connect(job.address)
        .await
        .context("cannot connect")?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
    tokio::task::spawn_local(connection);
    while left.get() > 0 {
        left.set(left.get() - 1);
        let request = request(job.client.path(), &job.key, job.body.clone())?;
        sender.ready().await?;
        let sent = now_ns();
        let response = sender.send_request(request).await?;
        let status = response.status();
        let mut body = response.into_body();
        let mut checker = Checker::new(job.client, &job.shape);
        let mut raw = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.context("the answer broke off")?;
            let Some(data) = frame.data_ref() else {
                continue;
            };
            if job.shape.timed {
                let now = now_ns();
                for time in times(data, job.client) {
                    let micros = now.saturating_sub(time) as f64 / 1e3;
                    if checker.seen == 0 {
                        outcome.first_us.push((now - sent) as f64 / 1e3);
                    } else {
                        outcome.chunk_us.push(micros);
                    }
                    checker.seen += 1;
                }
            }
            raw.extend_from_slice(data);
        }
        ensure!(
            status == 200,
            "status {status}: {}",
            String::from_utf8_lossy(&raw)
        );
        checker
            .check(&raw)
            .with_context(|| String::from_utf8_lossy(&raw[..raw.len().min(2_000)]).into_owned())?;
        outcome.requests += 1;
    }
    Ok(outcome)
}

/// A request with a client key, as a client of any dialect may send it.
pub(crate) fn request(path: &str, key: &str, body: Bytes) -> Result<Request<Full<Bytes>>> {
    Ok(Request::post(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {key}"))
        .header("anthropic-version", "2023-06-01")
        .body(Full::new(body))?)
}

fn now_ns() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos() as u64
}

fn times(data: &[u8], client: Client) -> Vec<u64> {
    texts(data, client)
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect()
}

/// The pieces of visible text in an answer, in order.
fn texts(raw: &[u8], client: Client) -> Vec<String> {
    let needle: &[u8] = match client {
        Client::Chat => b"\"content\":\"",
        Client::Messages => b"\"text\":\"",
    };
    memmem::find_iter(raw, needle)
        .filter_map(|at| {
            let start = at + needle.len();
            let end = memchr::memchr(b'"', &raw[start..])?;
            String::from_utf8(raw[start..start + end].to_vec()).ok()
        })
        .filter(|text| !text.is_empty())
        .collect()
}

struct Checker<'s> {
    client: Client,
    shape: &'s Shape,
    seen: usize,
}

impl<'s> Checker<'s> {
    fn new(client: Client, shape: &'s Shape) -> Self {
        Self {
            client,
            shape,
            seen: 0,
        }
    }

    /// Complete, in order, properly ended, with usage.
    fn check(&self, raw: &[u8]) -> Result<()> {
        let has = |needle: &str| memmem::find(raw, needle.as_bytes()).is_some();
        let texts = texts(raw, self.client);
        if self.shape.timed {
            ensure!(
                texts.len() == self.shape.chunks,
                "{} chunks instead of {}",
                texts.len(),
                self.shape.chunks
            );
        } else {
            let text = texts.concat();
            let want: String = (0..self.shape.chunks)
                .map(|i| crate::mock::chunk(i, self.shape.size))
                .collect();
            ensure!(text == want, "the text is not what the upstream sent");
        }
        let ended = match (self.client, self.shape.stream) {
            (Client::Chat, true) => {
                raw.ends_with(b"data: [DONE]\n\n") && has("\"finish_reason\":\"stop\"")
            }
            (Client::Chat, false) => {
                has("\"finish_reason\":\"stop\"") && has("\"prompt_tokens\":20")
            }
            (Client::Messages, true) => {
                has("event: message_stop")
                    && has("\"stop_reason\":\"end_turn\"")
                    && has("\"output_tokens\":10")
            }
            (Client::Messages, false) => {
                has("\"stop_reason\":\"end_turn\"") && has("\"output_tokens\":10")
            }
        };
        if !ended {
            bail!("the answer has no proper ending");
        }
        Ok(())
    }
}
