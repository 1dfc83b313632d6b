//! A mock upstream for Chat and Messages whose answers are asked for in the model's name.
//!
//! `bench-200x20-p5` streams 200 chunks of 20 bytes, 5 ms apart; with `-t` each chunk is the time at which it
//! was sent, in nanoseconds since 1970. Without a stream the text comes whole.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use memchr::memmem;

/// Serves until the process is ended.
pub(crate) async fn serve(listen: SocketAddr) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let service = service_fn(answer);
            // A client that goes away in the middle is no error of the bench.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

type Answer = Response<http_body_util::combinators::BoxBody<Bytes, Infallible>>;

async fn answer(request: Request<Incoming>) -> Result<Answer, hyper::Error> {
    let wire = if request.uri().path().ends_with("/messages") {
        Wire::Messages
    } else {
        Wire::Chat
    };
    let body = request.into_body().collect().await?.to_bytes();
    let plan = Plan::of(&body);
    let streamed = memmem::find(&body, b"\"stream\":true").is_some();
    let mut response = if streamed {
        let usage = memmem::find(&body, b"\"include_usage\":true").is_some();
        Response::new(
            Stream {
                wire,
                plan,
                usage,
                sent: 0,
                timer: None,
            }
            .boxed(),
        )
    } else {
        Response::new(Full::new(whole(wire, plan)).boxed())
    };
    let kind = if streamed {
        "text/event-stream"
    } else {
        "application/json"
    };
    response.headers_mut().insert(
        "content-type",
        hyper::header::HeaderValue::from_static(kind),
    );
    Ok(response)
}

#[derive(Clone, Copy)]
enum Wire {
    Chat,
    Messages,
}

/// What the model's name asks for.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    chunks: usize,
    size: usize,
    pause: Duration,
    timed: bool,
}

impl Plan {
    fn of(body: &[u8]) -> Self {
        let mut plan = Self {
            chunks: 1,
            size: 200,
            pause: Duration::ZERO,
            timed: false,
        };
        let Some(start) = memmem::find(body, b"bench-") else {
            return plan;
        };
        let name: String = body[start + 6..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'-')
            .map(|b| *b as char)
            .collect();
        for piece in name.split('-') {
            if let Some((chunks, size)) = piece.split_once('x') {
                plan.chunks = chunks.parse().unwrap_or(1);
                plan.size = size.parse().unwrap_or(20);
            } else if let Some(ms) = piece.strip_prefix('p').and_then(|ms| ms.parse().ok()) {
                plan.pause = Duration::from_millis(ms);
            } else if piece == "t" {
                plan.timed = true;
            }
        }
        plan
    }

    fn chunk(&self, index: usize) -> String {
        if self.timed {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            return format!("{:020}", now.as_nanos());
        }
        chunk(index, self.size)
    }
}

/// The text of a chunk: its number, filled up.
pub(crate) fn chunk(index: usize, size: usize) -> String {
    let mut text = format!("{index:05} ");
    while text.len() < size {
        text.push((b'a' + (text.len() % 26) as u8) as char);
    }
    text
}

fn whole(wire: Wire, plan: Plan) -> Bytes {
    let text: String = (0..plan.chunks).map(|index| plan.chunk(index)).collect();
    Bytes::from(match wire {
        Wire::Chat => format!(
            r#"{{"id":"chatcmpl-mock","object":"chat.completion","created":1760000000,"model":"mock","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":20,"completion_tokens":10,"total_tokens":30,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0}}}},"service_tier":"default","system_fingerprint":"fp_mock"}}"#
        ),
        Wire::Messages => format!(
            r#"{{"id":"msg_mock","type":"message","role":"assistant","model":"mock","content":[{{"type":"text","text":"{text}","citations":null}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":20,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":10,"service_tier":"standard"}}}}"#
        ),
    })
}

struct Stream {
    wire: Wire,
    plan: Plan,
    usage: bool,
    sent: usize,
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Stream {
    /// The frame at a position: head, chunks, tail.
    fn piece(&self, position: usize) -> Option<String> {
        let last = self.plan.chunks + 1;
        Some(match (self.wire, position) {
            (Wire::Chat, 0) => chat(r#"{"role":"assistant","content":"","refusal":null}"#, "null"),
            (Wire::Chat, n) if n < last => {
                chat(&format!(r#"{{"content":"{}"}}"#, self.plan.chunk(n - 1)), "null")
            }
            (Wire::Chat, n) if n == last => {
                let mut tail = chat("{}", "\"stop\"");
                if self.usage {
                    tail.push_str("data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"mock\",\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":10,\"total_tokens\":30}}\n\n");
                }
                tail.push_str("data: [DONE]\n\n");
                tail
            }
            (Wire::Messages, 0) => concat!(
                "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_mock\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"mock\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":20,\"output_tokens\":1}}}\n\n",
                "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            ).to_owned(),
            (Wire::Messages, n) if n < last => format!(
                "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{}\"}}}}\n\n",
                self.plan.chunk(n - 1)
            ),
            (Wire::Messages, n) if n == last => concat!(
                "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
                "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":10}}\n\n",
                "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            ).to_owned(),
            _ => return None,
        })
    }
}

fn chat(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"mock\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n"
    )
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.plan.pause.is_zero() && self.sent > 0 {
            let pause = self.plan.pause;
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.timer = None;
        }
        let frame = self.piece(self.sent);
        self.sent += 1;
        Poll::Ready(frame.map(|text| Ok(Frame::data(Bytes::from(text)))))
    }
}
