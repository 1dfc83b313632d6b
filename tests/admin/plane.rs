//! The data plane of a hub on a free port, and a client of it.

use std::net::SocketAddr;
use std::sync::Arc;

use bridge::config::TrustedProxies;
use bridge::gateway::Hub;
use bridge::web::{self, Entrance};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use poem::http::{Method, Request};
use serde_json::Value;
use tokio::sync::oneshot;

/// A hub that can be called.
pub(crate) struct Plane {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    _stop: oneshot::Sender<()>,
}

impl Plane {
    pub(crate) async fn of(hub: &Arc<Hub>) -> Self {
        Self::through(Entrance::new(Arc::clone(hub), TrustedProxies::default())).await
    }

    /// Whatever this entrance leads to.
    pub(crate) async fn through(entrance: Entrance) -> Self {
        let listener = web::listen("127.0.0.1", 0).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(web::serve(
            Arc::new(entrance),
            listener,
            web::Limits::default(),
            async move {
                let _ = stopped.await;
            },
        ));
        Self {
            address,
            client: Client::builder(TokioExecutor::new()).build_http(),
            _stop: stop,
        }
    }

    /// Calls with a client key: status and body.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: Option<&Value>,
    ) -> (u16, String) {
        let authorization = format!("Bearer {key}");
        self.call_with(method, path, &[("authorization", &authorization)], body)
            .await
    }

    /// Calls with these headers: status and body.
    pub(crate) async fn call_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> (u16, String) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(
                body.map(ToString::to_string).unwrap_or_default(),
            )))
            .expect("sound");
        let response = self.client.request(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a whole body");
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        (status, text)
    }

    /// Calls, and reads the answer as JSON.
    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let (status, text) = self.call(method, path, key, body).await;
        let json = serde_json::from_str(&text);
        (
            status,
            json.unwrap_or_else(|error| unreachable!("{error}: {text}")),
        )
    }
}
