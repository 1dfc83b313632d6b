//! The way to the hub: one HTTP client, the log-in that every call carries, and answers that are either what was asked
//! for or a failure. Knows nothing of commands and of how things are shown.

mod call;
mod credential;
mod problem;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) use self::call::{Call, Endpoint, fill};
pub(crate) use self::credential::{Credential, enter, exchange, login};
use crate::failure::{Ended, Failure, Kind};

/// Most bytes of an answer that are kept: far above what the hub sends.
const LARGEST_ANSWER: usize = 64 << 20;

/// How a hub is reached.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    /// Its address, without a slash at the end.
    pub(crate) url: String,
    /// For a whole answer.
    pub(crate) timeout: Duration,
    /// Whether each call is told on standard error.
    pub(crate) is_verbose: bool,
}

/// The way to a hub. Copies share the log-in.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    reach: Reach,
    credential: Arc<Credential>,
}

/// What the hub answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The version of what was read or written.
    pub(crate) etag: Option<String>,
    /// The body, where it is JSON, and `null` where there is none; other text is a string.
    pub(crate) body: Value,
}

impl Client {
    /// A way to this hub as this person.
    pub(crate) fn new(reach: Reach, credential: Credential) -> Ended<Self> {
        let url = reqwest::Url::parse(&reach.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                Failure::usage(format!("`{}` is no address of a hub", reach.url))
                    .next("write it like http://127.0.0.1:8000 in --url or BRIDGE_URL")
            })?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("bridge-admin/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(reach.timeout.min(Duration::from_secs(10)))
            // A redirect would carry the log-in to somebody else.
            .redirect(reqwest::redirect::Policy::none());
        if is_loopback(&url) {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| Failure::failed(chain(&error)))?;
        Ok(Self {
            http,
            reach,
            credential: Arc::new(credential),
        })
    }

    /// The hub's address.
    pub(crate) fn url(&self) -> &str {
        &self.reach.url
    }

    /// Whether calls carry a token that was given to this process, not the log-in of a profile.
    pub(crate) fn has_given_token(&self) -> bool {
        matches!(*self.credential, Credential::Token(_))
    }

    /// Sends a call and reads the whole answer.
    pub(crate) async fn send(&self, call: &Call) -> Ended<Answer> {
        let whole = async {
            let response = self.open(call).await?;
            let etag = header(&response, "etag");
            let bytes = read(response).await?;
            Ok(Answer {
                etag,
                body: body(&bytes),
            })
        };
        match tokio::time::timeout(self.reach.timeout, whole).await {
            Ok(answer) => answer,
            Err(_) => Err(self.late()),
        }
    }

    /// Sends a call and leaves the answer, which is a good one, to be read piece by piece.
    pub(crate) async fn open(&self, call: &Call) -> Ended<reqwest::Response> {
        let mut response = self.once(call).await?;
        if response.status().as_u16() == 401 && !call.is_open && self.credential.can_renew() {
            self.credential.renew(self, true).await?;
            response = self.once(call).await?;
        }
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            let to = header(&response, "location").unwrap_or_default();
            return Err(Failure::failed(format!("the hub points to `{to}`"))
                .of_answer(status.as_u16(), "", None)
                .next("give that address in --url or BRIDGE_URL, if you trust it"));
        }
        let id = header(&response, "x-request-id");
        let bytes = read(response).await?;
        Err(problem::failure(status.as_u16(), &bytes, id.as_deref()))
    }

    /// The next piece of an answer; nothing at its end.
    pub(crate) async fn chunk(
        &self,
        response: &mut reqwest::Response,
    ) -> Ended<Option<bytes::Bytes>> {
        response.chunk().await.map_err(broken)
    }

    /// Sends a call and reads the answer as text, whatever it is.
    pub(crate) async fn text(&self, call: &Call) -> Ended<String> {
        let bytes = read(self.open(call).await?).await?;
        String::from_utf8(bytes).map_err(|_| Failure::failed("the answer is no text"))
    }

    async fn once(&self, call: &Call) -> Ended<reqwest::Response> {
        let token = match call.is_open {
            true => None,
            false => Box::pin(self.credential.token(self)).await?,
        };
        let request = self.request(call, token.as_deref())?;
        let since = Instant::now();
        // A stream has no end of its own: the deadline is for its head.
        let sent = tokio::time::timeout(self.reach.timeout, self.http.execute(request)).await;
        let response = sent
            .map_err(|_| self.late())?
            .map_err(|error| self.unreachable(&error))?;
        if self.reach.is_verbose {
            let (method, path, status) = (&call.method, &call.path, response.status().as_u16());
            let ms = since.elapsed().as_millis();
            crate::output::tell(&format!("{method} {path} {status} {ms} ms"));
        }
        Ok(response)
    }

    fn request(&self, call: &Call, token: Option<&str>) -> Ended<reqwest::Request> {
        let method = reqwest::Method::from_bytes(call.method.as_bytes())
            .map_err(|_| Failure::usage(format!("`{}` is no method", call.method)))?;
        let mut url = reqwest::Url::parse(&format!("{}{}", self.reach.url, call.path))
            .map_err(|error| Failure::usage(format!("`{}`: {error}", call.path)))?;
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http.request(method, url);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(etag) = &call.if_match {
            request = request.header("if-match", etag);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = &call.body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        request
            .build()
            .map_err(|error| Failure::usage(chain(&error)))
    }

    fn late(&self) -> Failure {
        let seconds = self.reach.timeout.as_secs_f32();
        Failure::new(
            Kind::Unreachable,
            format!("{} did not answer within {seconds} s", self.reach.url),
        )
        .next("give it longer with --timeout")
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        Failure::new(
            Kind::Unreachable,
            format!("{} cannot be reached: {}", self.reach.url, chain(error)),
        )
        .next("start the hub with `bridge serve`, or name another address with --url")
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
fn broken(error: reqwest::Error) -> Failure {
    let words = format!("the answer broke off: {}", chain(&error));
    Failure::new(Kind::Unreachable, words)
}

/// The whole body; an answer without an end is cut off.
async fn read(mut response: reqwest::Response) -> Ended<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > LARGEST_ANSWER {
            return Err(Failure::failed("the answer is too long to be kept"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn header(response: &reqwest::Response, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

fn is_loopback(url: &reqwest::Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_matches(['[', ']']);
        host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    })
}

/// The innermost reason: what stands around it only says that sending failed.
fn chain(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
