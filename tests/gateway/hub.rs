//! A hub on a free port, made from a configuration file, and a client for it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bridge::config::{self, Environment, LoadOptions, Settings, TrustedProxies};
use bridge::gateway::{Hub, Tuning};
use bridge::ledger::{FileSettings, Outlets, RotatingFile};
use bridge::snapshot::{Snapshot, SnapshotStore};
use bridge::telemetry::to_collector;
use bridge::web;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::upstream::Upstream;

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A hub.
pub(crate) struct TestHub {
    pub(crate) hub: Arc<Hub>,
    pub(crate) address: SocketAddr,
    pub(crate) settings: Settings,
    folder: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| unreachable!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Short times, so that tests need not wait.
pub(crate) fn quick() -> Tuning {
    Tuning {
        grace: Duration::from_millis(300),
        heartbeat: Duration::from_millis(150),
        backoff: Duration::from_millis(5),
        count_deadline: Duration::from_millis(300),
        ..Tuning::default()
    }
}

/// A provider's lines in the configuration.
pub(crate) fn provider(name: &str, format: &str, upstream: &Upstream, extra: &str) -> String {
    format!(
        "  - {{name: {name}, api_format: {format}, base_url: \"http://{}\", keys: [key-one-{name}, key-two-{name}], allow_private_network: true, models: {{big: [m]}}, {extra}}}\n",
        upstream.address
    )
}

impl TestHub {
    pub(crate) async fn start(yaml: &str) -> Self {
        Self::tuned(yaml, quick()).await
    }

    /// A hub in front of providers, open to all.
    pub(crate) async fn before(providers: &[String]) -> Self {
        Self::start(&format!("AUTH: open\nPROVIDERS:\n{}", providers.concat())).await
    }

    pub(crate) async fn tuned(yaml: &str, tuning: Tuning) -> Self {
        Self::made(yaml, tuning, |_| {}).await
    }

    /// A hub with settings that no file says.
    pub(crate) async fn made(
        yaml: &str,
        tuning: Tuning,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let folder =
            std::env::temp_dir().join(format!("bridge-gateway-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let file = folder.join("app.yml");
        std::fs::write(&file, yaml).expect("a temporary file");
        let options = LoadOptions {
            config: Some(file),
            directory: folder.clone(),
            environment: Environment::default(),
            host: None,
            port: None,
            log_level: None,
        };
        let mut settings =
            config::load(&options).unwrap_or_else(|errors| unreachable!("{errors}\n{yaml}"));
        change(&mut settings);
        let snapshot =
            Snapshot::build(&settings, 1).unwrap_or_else(|errors| unreachable!("{errors}"));
        let log = RotatingFile::open(FileSettings::at(&folder.join("log.jsonl")));
        let snapshots = Arc::new(SnapshotStore::new(snapshot));
        let mut outlets = Outlets::from(Some(log.expect("a temporary file")));
        if settings.enable_telemetry {
            let endpoint = settings.otlp_endpoint.clone();
            let (spans, exporter) = to_collector(endpoint, Arc::clone(&snapshots));
            outlets.spans = Some(spans);
            tokio::spawn(exporter.run());
        }
        let hub = Hub::new(snapshots, outlets, tuning);
        let hub = Arc::new(hub.expect("a thread"));
        hub.adopt();
        let listener = web::listen("127.0.0.1", 0).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (stop, stopped) = oneshot::channel::<()>();
        let limits = web::Limits {
            grace: Duration::from_secs(5),
            ..web::Limits::default()
        };
        let task = tokio::spawn(web::serve(
            Arc::new(web::Entrance::new(
                Arc::clone(&hub),
                TrustedProxies::default(),
            )),
            listener,
            limits,
            async {
                let _ = stopped.await;
            },
        ));
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self {
            hub,
            address,
            settings,
            folder,
            stop: Some(stop),
            task: Some(task),
            client,
        }
    }

    /// Asks the hub to stop; gives what to wait for.
    pub(crate) fn stop(&mut self) -> JoinHandle<()> {
        let _ = self.stop.take().expect("running").send(());
        self.task.take().expect("running")
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response<Incoming> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(body.to_owned())))
            .expect("a legal request");
        self.client.request(request).await.expect("an answer")
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        read(self.send(method, path, headers, body).await).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, &[("content-type", "application/json")], body)
            .await
    }

    /// All records, once there are `want` of them and a moment more has passed.
    pub(crate) async fn records(&self, want: usize) -> Vec<Value> {
        let mut found = Vec::new();
        for round in 0..300 {
            let hub = Arc::clone(&self.hub);
            tokio::task::spawn_blocking(move || hub.ledger.flush())
                .await
                .expect("no panic");
            let text = std::fs::read_to_string(self.folder.join("log.jsonl")).unwrap_or_default();
            found = text
                .lines()
                .map(|line| serde_json::from_str(line).expect("JSON"))
                .collect::<Vec<Value>>();
            if found.len() >= want && round > 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(found.len(), want, "records: {found:#?}");
        found
    }
}

impl Drop for TestHub {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Reads an answer to its end; a broken one ends where it broke.
pub(crate) async fn read(response: Response<Incoming>) -> Answer {
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}
