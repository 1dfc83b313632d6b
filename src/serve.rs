//! `bridge serve`: starts the hub and stops it in order.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bridge::config::{self, LoadOptions, Settings};
use bridge::gateway::{Hub, Tuning};
use bridge::ledger::{FileSettings, Outlets, RotatingFile, to_database};
use bridge::sharing::Sharing;
use bridge::snapshot::{Snapshot, SnapshotStore};
use bridge::store::data_folder;
use bridge::telemetry::{Exporter, SpanOutlet, to_collector};
use bridge::web::Entrance;
use bridge::{demo, telemetry, web};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::administration::Administration;
use crate::live_settings::LiveSettings;

/// How long the end waits for the trace collector.
const LAST_SPANS: std::time::Duration = std::time::Duration::from_secs(3);

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file [default: config/app.yml where it exists].
    #[arg(long, short)]
    config: Option<PathBuf>,
    /// The address to listen on.
    #[arg(long)]
    host: Option<String>,
    /// The port to listen on.
    #[arg(long, short)]
    port: Option<u16>,
    /// error, warn, info, debug, trace, or a filter.
    #[arg(long)]
    log_level: Option<String>,
    /// Add a built-in upstream that speaks all dialects, so that everything can be tried without keys.
    #[arg(long)]
    demo: bool,
    /// A file that takes a JSON document per request, beside the database, which has all of them; `off` writes none.
    #[arg(long, env = "REQUEST_LOG", default_value = "off")]
    request_log: PathBuf,
}

/// Serves until the process is told to stop.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let options = LoadOptions {
        host: arguments.host.clone(),
        port: arguments.port,
        log_level: arguments.log_level.clone(),
        ..LoadOptions::of_process(arguments.config.clone())
    };
    let settings = config::load(&options)?;
    telemetry::init_logging(&settings.log_level);
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    runtime()?.block_on(serve(arguments, options, settings))
}

/// One thread where there is one processor: then nothing is ever handed from one thread to another.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut builder = if processors == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.enable_all().build()
}

async fn serve(
    arguments: Arguments,
    options: LoadOptions,
    mut settings: Settings,
) -> anyhow::Result<()> {
    let demo = if arguments.demo {
        Some(Demo::start().await?)
    } else {
        None
    };
    let demo_address = demo.as_ref().map(|demo| demo.address);
    let watched = settings.clone();
    if let Some(address) = demo_address {
        settings = settings.with_demo(address);
    }
    let snapshot = Snapshot::build(&settings, 1)?;
    if snapshot.providers.is_empty() {
        tracing::warn!(
            "no provider is enabled; add one to the configuration, or start with --demo"
        );
    }
    let snapshots = Arc::new(SnapshotStore::new(snapshot));
    let spill = data_folder(settings.database_url.expose()).join("requests.waiting.jsonl");
    let (book, recorder) = to_database(&spill).with_context(|| {
        format!(
            "{} cannot be used; request records wait there while the database is away",
            spill.display()
        )
    })?;
    let (spans, exporter) = traces(&settings, &snapshots).unzip();
    let exporter = exporter.map(|exporter| tokio::spawn(exporter.run()));
    let outlets = Outlets {
        file: request_log(&arguments.request_log)?,
        book: Some(book),
        spans,
    };
    let hub = Arc::new(Hub::new(
        Arc::clone(&snapshots),
        outlets,
        Tuning::default(),
    )?);
    hub.adopt();
    let sharing = match &settings.redis_url {
        Some(url) => Some(Sharing::start(url.expose(), Arc::clone(&hub))?),
        None => None,
    };
    let entrance = Arc::new(Entrance::new(
        Arc::clone(&hub),
        settings.trusted_proxies.clone(),
    ));
    let administration =
        Administration::start(&hub, &entrance, &watched, demo_address, recorder).await?;
    let mut live = LiveSettings::of(&watched);
    let (reloaded, told) = (administration.clone(), administration.clone());
    let apply = move |settings: Settings| {
        let waiting = live.take(&settings);
        let version = reloaded.take_files(settings)?;
        reloaded.await_restart(waiting);
        Ok(version)
    };
    let watcher = config::watch(options, &watched, apply, move |errors| {
        told.note_refusal(errors);
    });
    if let Err(error) = &watcher {
        tracing::warn!(%error, "the configuration is not watched; a change needs a restart");
    }
    let listener = web::listen(&settings.host, settings.port).await?;
    let address = listener.local_addr().context("the port has no address")?;
    tracing::info!("listening on http://{address}");
    web::serve(entrance, listener, web::Limits::default(), told_to_stop()).await;
    drop(watcher);
    administration.stop().await;
    if let Some(sharing) = sharing {
        sharing.stop().await;
    }
    if let Some(demo) = demo {
        demo.stop().await;
    }
    tokio::task::spawn_blocking(move || hub.ledger.stop())
        .await
        .context("the request log was not completed")?;
    if let Some(exporter) = exporter {
        last_spans(exporter).await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// The way of traces to their collector, where they are wanted.
fn traces(settings: &Settings, snapshots: &Arc<SnapshotStore>) -> Option<(SpanOutlet, Exporter)> {
    if !settings.enable_telemetry {
        return None;
    }
    let endpoint = settings.otlp_endpoint.clone();
    tracing::info!("traces go to {}", endpoint.uri());
    Some(to_collector(endpoint, Arc::clone(snapshots)))
}

/// Waits a moment for the last spans; a collector that is away does not keep the hub from ending.
async fn last_spans(mut exporter: tokio::task::JoinHandle<()>) {
    if tokio::time::timeout(LAST_SPANS, &mut exporter)
        .await
        .is_err()
    {
        exporter.abort();
        tracing::warn!("the trace collector did not take the last spans in time");
    }
}

fn request_log(path: &Path) -> anyhow::Result<Option<RotatingFile>> {
    if path.as_os_str() == "off" {
        return Ok(None);
    }
    RotatingFile::open(FileSettings::at(path))
        .map(Some)
        .with_context(|| {
            format!(
                "the log file {} cannot be written; choose another place with --request-log",
                path.display()
            )
        })
}

/// The built-in upstream, on a port of its own that only this machine can reach.
struct Demo {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Demo {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("the demo upstream found no port")?;
        let address = listener
            .local_addr()
            .context("the demo upstream has no address")?;
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(demo::serve(listener, async move {
            let _ = stopped.await;
        }));
        Ok(Self {
            address,
            stop,
            task,
        })
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), self.task).await;
    }
}

/// Resolves when the process is told to stop.
fn told_to_stop() -> impl Future<Output = ()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // Taken here and not when first polled: a signal in between would end the process at once.
        let terminate = signal(SignalKind::terminate());
        let interrupt = signal(SignalKind::interrupt());
        async move {
            match (terminate, interrupt) {
                (Ok(mut terminate), Ok(mut interrupt)) => {
                    tokio::select! {
                        _ = terminate.recv() => {}
                        _ = interrupt.recv() => {}
                    }
                }
                _ => std::future::pending().await,
            }
        }
    }
    #[cfg(not(unix))]
    async {
        let _ = tokio::signal::ctrl_c().await;
    }
}
