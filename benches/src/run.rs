//! The runner: every case through the hub and through the proxies, in turns, medians and ratios.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::cases::{self, Case, Client, Shape};
use crate::load::{self, Job};
use crate::process::Process;
use crate::report::{Report, median, quantile};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The hub's program.
    #[arg(long, default_value = "target/dist/bridge")]
    hub: String,
    /// Rounds per case; the median counts.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Share of the full number of requests.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Only these cases, separated by commas.
    #[arg(long)]
    only: Option<String>,
    /// Streams of the memory case.
    #[arg(long, default_value_t = 2_000)]
    streams: usize,
    /// Where the raw figures go, as JSON lines.
    #[arg(long, default_value = "bench-results/latest.jsonl")]
    raw: String,
}

/// The client key that the hub under measurement knows.
pub(crate) const KEY: &str = "sk-bench-0123456789abcdef";

/// Somebody who answers.
pub(crate) struct Server {
    name: &'static str,
    pub(crate) address: SocketAddr,
    process: Process,
}

/// What a hub under measurement needs around it: the mock upstream and a folder, both gone with the value.
pub(crate) struct Ground {
    upstream: SocketAddr,
    folder: PathBuf,
    _mock: Process,
}

impl Ground {
    pub(crate) async fn prepare() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("bridge-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let upstream = free_address()?;
        let mock = Process::start(
            1,
            &own()?,
            &["mock", "--listen", &upstream.to_string()],
            &[],
        )?;
        wait(upstream).await?;
        pin_self();
        Ok(Self {
            upstream,
            folder,
            _mock: mock,
        })
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // What is left in the system's folder for such things hurts nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The bench's own program.
fn own() -> Result<String> {
    Ok(std::env::current_exe()?.display().to_string())
}

/// Measures and prints.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let mut report = Report::new(Some(&options.raw))?;
    let ground = Ground::prepare().await?;
    let mut servers = vec![start_proxy(ground.upstream).await?];
    if let Some(nginx) = start_nginx(&ground.folder, ground.upstream).await? {
        servers.push(nginx);
    }
    let (hub, cold_ms) = start_hub(&options.hub, &[], &ground).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle_mib = hub.process.rss_kib() as f64 / 1024.0;
    servers.push(hub);

    report.line("| case | what | hyper | nginx | hub | ratio | in the race | lead |")?;
    report.line("|---|---|--:|--:|--:|--:|--:|--:|")?;
    let wanted = |id: &str| {
        options
            .only
            .as_ref()
            .is_none_or(|only| only.split(',').any(|one| one == id))
    };
    for case in cases::all(options.scale) {
        if wanted(case.id) {
            compare(options, &case, &servers, &mut report).await?;
        }
    }
    if wanted("g") {
        memory(options, &servers, &mut report).await?;
    }
    if wanted("h") {
        report.figure(
            &json!({"case": "h", "server": "hub", "cold_ms": cold_ms, "idle_mib": idle_mib}),
        )?;
        report.line(&format!(
            "| h | cold start to the first good answer / idle memory | | | {cold_ms:.0} ms / {idle_mib:.1} MiB | | 150 ms / 40 MiB | 50 ms / 20 MiB |"
        ))?;
    }
    if wanted("i") {
        latency(&servers, &mut report).await?;
    }
    Ok(())
}

/// Measures a case and prints its line. A machine's pace changes within seconds, so each round measures what the hub is
/// compared with at its side, and the ratio is the median of the rounds' own.
async fn compare(
    options: &Options,
    case: &Case,
    servers: &[Server],
    report: &mut Report,
) -> Result<()> {
    let is_unit = case.unit == case.id;
    let unit = cases::all(options.scale)
        .into_iter()
        .find(|other| other.id == case.unit)
        .with_context(|| format!("case {} is compared with no other", case.id))?;
    let mut figures: Vec<Vec<f64>> = vec![Vec::new(); servers.len()];
    let mut ratios = Vec::new();
    for _ in 0..options.rounds.max(1) {
        let mut hyper = f64::NAN;
        for (index, server) in servers.iter().enumerate() {
            let case = match server.name {
                "hub" => case,
                "hyper" => &unit,
                _ if is_unit => case,
                _ => continue,
            };
            let figure = measure(case, server)
                .await
                .with_context(|| format!("case {} through {}", case.id, server.name))?;
            report.figure(&json!({"case": case.id, "server": server.name, "cpu_us": figure}))?;
            figures[index].push(figure);
            match server.name {
                "hyper" => hyper = figure,
                "hub" => ratios.push(figure / hyper),
                _ => {}
            }
        }
    }
    let mut cell = |name: &str| -> String {
        let found = servers.iter().position(|server| server.name == name);
        match found.map(|index| &mut figures[index]) {
            Some(figures) if !figures.is_empty() => format!("{:.1} us", median(figures)),
            _ => String::new(),
        }
    };
    report.line(&format!(
        "| {} | {} | {} | {} | {} | **{:.2} x** | {:.2} x | {:.2} x |",
        case.id,
        case.what,
        cell("hyper"),
        cell("nginx"),
        cell("hub"),
        median(&mut ratios),
        case.targets.0,
        case.targets.1
    ))
}

/// CPU time of the server per request or chunk, in microseconds.
pub(crate) async fn measure(case: &Case, server: &Server) -> Result<f64> {
    let job = |requests: usize, case: &Case| Job {
        address: server.address,
        client: case.client,
        shape: case.shape.clone(),
        body: case.body(server.name == "hub"),
        key: KEY.to_owned(),
        connections: case.connections,
        requests,
    };
    if case.shape.pause_ms == 0 {
        load::drive(job((case.requests / 10).max(case.connections), case)).await?;
    }
    let before = server.process.cpu_ns();
    let outcome = load::drive(job(case.requests, case)).await?;
    let spent = server.process.cpu_ns() - before;
    if outcome.requests != case.requests {
        bail!(
            "{} of {} requests were answered",
            outcome.requests,
            case.requests
        );
    }
    Ok(spent as f64 / 1e3 / case.units() as f64)
}

/// Memory per open stream.
async fn memory(options: &Options, servers: &[Server], report: &mut Report) -> Result<()> {
    let shape = Shape {
        stream: true,
        chunks: 8,
        size: 20,
        pause_ms: 1_000,
        timed: false,
    };
    let mut cells = Vec::new();
    for server in servers {
        let mut case = cases::all(1.0).remove(3);
        case.shape = shape.clone();
        let before = server.process.rss_kib();
        let job = Job {
            address: server.address,
            client: Client::Chat,
            shape: shape.clone(),
            body: case.body(server.name == "hub"),
            key: KEY.to_owned(),
            connections: options.streams,
            requests: options.streams,
        };
        let during = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            server.process.rss_kib()
        };
        let (outcome, during) = tokio::join!(load::drive(job), during);
        outcome.with_context(|| format!("case g through {}", server.name))?;
        let each = during.saturating_sub(before) as f64 / options.streams as f64;
        report.figure(&json!({"case": "g", "server": server.name, "kib_per_stream": each}))?;
        cells.push((server.name, each));
    }
    let cell = |name: &str| {
        cells
            .iter()
            .find(|(server, _)| *server == name)
            .map_or_else(String::new, |(_, kib)| format!("{kib:.1} KiB"))
    };
    report.line(&format!(
        "| g | memory per open stream, {} streams | {} | {} | {} | | 45 KiB | 32 KiB |",
        options.streams,
        cell("hyper"),
        cell("nginx"),
        cell("hub")
    ))
}

/// Added time at one stream: first chunk and later chunks.
async fn latency(servers: &[Server], report: &mut Report) -> Result<()> {
    let shape = Shape {
        stream: true,
        chunks: 200,
        size: 20,
        pause_ms: 3,
        timed: true,
    };
    let mut rows = Vec::new();
    for server in servers {
        let mut case = cases::all(1.0).remove(3);
        case.shape = shape.clone();
        let job = Job {
            address: server.address,
            client: Client::Chat,
            shape: shape.clone(),
            body: case.body(server.name == "hub"),
            key: KEY.to_owned(),
            connections: 1,
            requests: 10,
        };
        let mut outcome = load::drive(job)
            .await
            .with_context(|| format!("case i through {}", server.name))?;
        let row = (
            server.name,
            median(&mut outcome.first_us),
            median(&mut outcome.chunk_us),
            quantile(&mut outcome.chunk_us, 0.99),
        );
        report.figure(&json!({"case": "i", "server": row.0, "first_us": row.1, "chunk_p50_us": row.2, "chunk_p99_us": row.3}))?;
        rows.push(row);
    }
    let cell = |name: &str| {
        rows.iter()
            .find(|(server, ..)| *server == name)
            .map_or_else(String::new, |(_, first, p50, p99)| {
                format!("{first:.0} / {p50:.0} / {p99:.0} us")
            })
    };
    report.line(&format!(
        "| i | first chunk p50 / chunk p50 / chunk p99 at one stream | {} | {} | {} | | | +100 / +100 / +300 us |",
        cell("hyper"), cell("nginx"), cell("hub")
    ))
}

async fn start_proxy(upstream: SocketAddr) -> Result<Server> {
    let address = free_address()?;
    let args = [
        "proxy",
        "--listen",
        &address.to_string(),
        "--upstream",
        &upstream.to_string(),
    ];
    let process = Process::start(0, &own()?, &args, &[])?;
    wait(address).await?;
    Ok(Server {
        name: "hyper",
        address,
        process,
    })
}

/// nginx, when the machine has it.
async fn start_nginx(folder: &Path, upstream: SocketAddr) -> Result<Option<Server>> {
    let found = std::process::Command::new("nginx")
        .arg("-v")
        .stderr(std::process::Stdio::null())
        .status();
    if found.is_err() {
        return Ok(None);
    }
    let address = free_address()?;
    let place = folder.display();
    let config = format!(
        "daemon off; worker_processes 1; pid {place}/nginx.pid; error_log {place}/nginx.log;\n\
         events {{ worker_connections 8192; }}\n\
         http {{ access_log off; client_max_body_size 64m; client_body_buffer_size 1m;\n\
         client_body_temp_path {place}; proxy_temp_path {place}; fastcgi_temp_path {place}; uwsgi_temp_path {place}; scgi_temp_path {place};\n\
         keepalive_requests 1000000;\n\
         upstream mock {{ server {upstream}; keepalive 64; keepalive_requests 1000000; }}\n\
         server {{ listen {address}; location / {{ proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off; }} }} }}\n"
    );
    let path = folder.join("nginx.conf");
    std::fs::write(&path, config)?;
    let process = Process::start(0, "nginx", &["-c", &path.display().to_string()], &[])?;
    wait(address).await.context("nginx does not answer")?;
    Ok(Some(Server {
        name: "nginx",
        address,
        process,
    }))
}

/// The hub as a user runs it: client key, a hundred rules, a key pool, ledger and metrics; and the milliseconds until its
/// first good answer.
pub(crate) async fn start_hub(hub: &str, more: &[&str], ground: &Ground) -> Result<(Server, f64)> {
    let address = free_address()?;
    // Apart, as they are by default: the folder of the configuration is watched.
    let (config, data) = (ground.folder.join("config"), ground.folder.join("data"));
    for folder in [&config, &data] {
        std::fs::create_dir_all(folder)?;
    }
    let path = config.join("app.yml");
    std::fs::write(&path, hub_config(address.port(), ground.upstream))?;
    let path = path.display().to_string();
    let args = [&["serve", "--config", path.as_str()], more].concat();
    let database = data.join("app.db").display().to_string();
    let environment = [("DATABASE_PATH", database.as_str()), ("LOG_LEVEL", "warn")];
    // The very first start makes the database and its administrator; what is measured is any later one.
    drop(started_once(hub, &args, &environment, address).await?);
    let started = Instant::now();
    let process = Process::start(0, hub, &args, &environment)?;
    let mut case = cases::all(1.0).remove(0);
    case.requests = 1;
    let deadline = started + Duration::from_secs(20);
    loop {
        let job = Job {
            address,
            client: case.client,
            shape: case.shape.clone(),
            body: case.body(true),
            key: KEY.to_owned(),
            connections: 1,
            requests: 1,
        };
        match load::drive(job).await {
            Ok(_) => break,
            Err(error) if Instant::now() > deadline => {
                return Err(error.context("the hub does not answer"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
    let cold_ms = started.elapsed().as_secs_f64() * 1e3;
    Ok((
        Server {
            name: "hub",
            address,
            process,
        },
        cold_ms,
    ))
}

async fn started_once(
    hub: &str,
    args: &[&str],
    environment: &[(&str, &str)],
    address: SocketAddr,
) -> Result<Process> {
    let process = Process::start(0, hub, args, environment)?;
    wait(address).await?;
    Ok(process)
}

fn hub_config(port: u16, upstream: SocketAddr) -> String {
    let mut config = format!(
        "HOST: 127.0.0.1\nPORT: {port}\nAUTH: required\nCLIENT_KEYS:\n  - {{name: bench, key: \"{KEY}\", rpm: 1000000000, tpm: 1000000000000, max_concurrency: 100000}}\nPROVIDERS:\n"
    );
    for (name, format) in [("chat", "openai"), ("messages", "anthropic")] {
        config.push_str(&format!(
            "  - name: {name}\n    api_format: {format}\n    base_url: http://{upstream}\n    keys: [sk-upstream-one-000000, sk-upstream-two-000000, sk-upstream-three-0000]\n    allow_private_network: true\n"
        ));
    }
    config.push_str("ROUTES:\n");
    for rule in 0..100 {
        config.push_str(&format!(
            "  - name: rule-{rule}\n    priority: {rule}\n    match: {{model: \"team-{rule}-*\"}}\n    targets: [{{provider: chat, model: other}}]\n"
        ));
    }
    config
}

fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

async fn wait(address: SocketAddr) -> Result<()> {
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("nothing answers at {address}")
}

/// The load shares the second core with the mock, so that the first belongs to what is measured.
fn pin_self() {
    let pid = std::process::id().to_string();
    // On a machine with one core there is nothing to pin to.
    let _ = std::process::Command::new("taskset")
        .args(["-cp", "1", &pid])
        .stdout(std::process::Stdio::null())
        .status();
}
