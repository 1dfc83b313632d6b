//! Which layer wins, how text becomes values, and what makes a provider.

use std::time::Duration;

use super::Bench;
use crate::config::PRIORITIES;
use crate::snapshot::{Auth, Mode, Snapshot, Source, Strategy};

#[test]
fn the_environment_wins_over_dotenv_and_file() {
    let bench = Bench::app("PORT: 1\nHOST: localhost\nLOG_LEVEL: debug\nMODE: direct\n")
        .file(".env", "PORT=2\nHOST=127.0.0.2\nNAME=x\n")
        .variable("PORT", "3");
    let settings = bench.settings();
    assert_eq!((settings.port, settings.host.as_str()), (3, "127.0.0.2"));
    assert_eq!(
        (settings.log_level.as_str(), settings.mode),
        ("debug", Mode::Direct)
    );
    let mut options = bench.options();
    options.port = Some(4);
    assert_eq!(super::load(&options).expect("sound").port, 4);
}

#[test]
fn debug_is_a_level_where_none_is_named() {
    for (app, level) in [
        ("DEBUG: true\n", "debug"),
        ("DEBUG: false\n", "info"),
        ("DEBUG: true\nLOG_LEVEL: warn\n", "warn"),
    ] {
        assert_eq!(Bench::app(app).settings().log_level, level, "{app}");
    }
    let bench = Bench::app("LOG_LEVEL: warn\n").variable("DEBUG", "1");
    assert_eq!(bench.settings().log_level, "warn");
    let bench = Bench::app("DEBUG: true\n");
    let mut options = bench.options();
    options.log_level = Some("error".to_owned());
    let settings = super::load(&options).expect("sound");
    assert_eq!(settings.log_level, "error");
    let settings = Bench::app("").variable("DEBUG", "true").settings();
    assert_eq!(settings.log_level, "debug");
}

#[test]
fn proxies_are_a_list_or_a_text_with_commas() {
    let list = Bench::app("TRUSTED_PROXIES: [127.0.0.1, '2001:db8::/32']\n").settings();
    let text = Bench::new().variable("TRUSTED_PROXIES", "127.0.0.1, 2001:db8::/32,");
    assert_eq!(list.trusted_proxies, text.settings().trusted_proxies);
    assert_ne!(
        list.trusted_proxies,
        Bench::new().settings().trusted_proxies
    );
}

#[test]
fn defaults_without_any_file() {
    let settings = Bench::new().settings();
    assert_eq!(
        (settings.port, settings.host.as_str(), settings.auth()),
        (8000, "127.0.0.1", Auth::Required)
    );
    assert_eq!(
        settings.database_url.expose(),
        "sqlite://data/app.db?mode=rwc"
    );
    assert!(settings.providers.is_empty());
}

#[test]
fn text_becomes_values() {
    let settings = Bench::app(
        "PORT: ${P:-9000}\nDEBUG: 'yes'\nFALLBACK_STRATEGY: round-robin\nCIRCUIT_BREAKER: {failure_threshold: '3', recovery_timeout: 2m}\n\
         PROVIDERS:\n  - {name: q, base_url: 'https://${H:-q.example}/v1', api_key: 12345, timeout: 1.5, priority: -2, models: [a, b]}\n",
    )
    .variable("DB_POOL_SIZE", "7")
    .variable("ALIASES", "{fast: q/a}")
    .settings();
    assert_eq!(
        (
            settings.port,
            settings.log_level.as_str(),
            settings.db_pool_size
        ),
        (9000, "debug", Some(7))
    );
    assert_eq!(settings.fallback_strategy, Strategy::RoundRobin);
    assert_eq!(
        settings.circuit_breaker.recovery_timeout,
        Duration::from_secs(120)
    );
    let provider = settings.provider("q").expect("configured");
    assert_eq!(provider.base_url, "https://q.example/v1");
    assert_eq!(provider.keys[0].expose(), "12345");
    assert_eq!(
        (provider.timeout, provider.priority),
        (Duration::from_millis(1500), -2)
    );
    assert_eq!(provider.models.other, ["a", "b"]);
    assert_eq!(settings.aliases, [("fast".to_owned(), "q/a".to_owned())]);
}

#[test]
fn single_keys_make_vendors() {
    let bench = Bench::app("PROVIDERS: [{name: openai, base_url: https://my.example/v1}]\nGEMINI_API_KEY: ${UNSET_KEY}\n")
        .variable("OPENAI_API_KEY", "sk-o")
        .variable("ANTHROPIC_API_KEY", "sk-a");
    let snapshot = Snapshot::build(&bench.settings(), 1).expect("sound");
    let names: Vec<_> = snapshot
        .providers
        .iter()
        .map(|provider| &*provider.name)
        .collect();
    assert_eq!(names, ["anthropic", "openai"]);
    let anthropic = snapshot.provider("anthropic").expect("made");
    assert_eq!(anthropic.base.to_string(), "https://api.anthropic.com");
    assert_eq!(anthropic.source, Source::Environment);
    assert_eq!(anthropic.pool.auth_header, "x-api-key");
    let openai = snapshot.provider("openai").expect("configured");
    assert_eq!(&*openai.base.host, "my.example");
    let header = openai.pool.keys[0].header.as_ref().expect("has a key");
    assert_eq!(header.as_bytes(), b"Bearer sk-o");
    assert!(header.is_sensitive());
}

#[test]
fn keys_come_from_the_named_pool_then_the_own_name_then_own_keys() {
    let yaml = "API_KEY_POOLS:\n  shared: {keys: [s1, s2], auth_header: X-Key, auth_format: '{key}'}\n  b: [b1]\n\
        PROVIDERS:\n  - {name: a, base_url: http://a, key_pool: shared, api_key: own}\n  - {name: b, base_url: http://b, api_key: own}\n\
        \x20 - {name: c, base_url: http://c, keys: [c1, c2, c1]}\n  - {name: d, base_url: http://d}\n  - {name: e, base_url: http://e, api_key: '${UNSET_KEY}'}\n";
    let settings = Bench::app(yaml).settings();
    let snapshot = Snapshot::build(&settings, 1).expect("sound");
    let sent = |name: &str| {
        let pool = &snapshot.provider(name).expect("enabled").pool;
        let keys = pool.keys.iter().map(|key| {
            key.header
                .as_ref()
                .map(|value| value.to_str().expect("ascii").to_owned())
        });
        (pool.auth_header.to_string(), keys.collect::<Vec<_>>())
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        sent("a"),
        ("x-key".to_owned(), vec![some("s1"), some("s2")])
    );
    assert_eq!(
        sent("b"),
        ("authorization".to_owned(), vec![some("Bearer b1")])
    );
    assert_eq!(sent("c").1, [some("Bearer c1"), some("Bearer c2")]);
    assert_eq!(sent("d").1, [None]);
    assert!(snapshot.provider("e").is_none());
    assert!(
        settings
            .warnings
            .iter()
            .any(|line| line.contains("app.yml:9: provider `e` is left out")),
        "{:?}",
        settings.warnings
    );
}

#[test]
fn keys_have_an_order_and_weights() {
    let yaml = "API_KEY_POOLS:\n  shared: {keys: [s1, {key: s2, weight: 3}], strategy: weighted}\n  plain: [p1]\n\
        PROVIDERS:\n  - {name: a, base_url: http://a, key_pool: shared}\n  - {name: b, base_url: http://b, key_pool: plain}\n\
        \x20 - {name: c, base_url: http://c, keys: [{key: c1, weight: 0}, c2], key_strategy: least-busy}\n";
    let snapshot = Snapshot::build(&Bench::app(yaml).settings(), 1).expect("sound");
    let told = |name: &str| {
        let pool = &snapshot.provider(name).expect("enabled").pool;
        let weights: Vec<u32> = pool.keys.iter().map(|key| key.weight).collect();
        (pool.rotation.as_str(), weights)
    };
    assert_eq!(told("a"), ("weighted", vec![1, 3]));
    assert_eq!(told("b"), ("round_robin", vec![1]));
    assert_eq!(told("c"), ("least_busy", vec![0, 1]));
}

#[cfg(unix)]
#[test]
fn a_readable_file_with_secrets_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let warned = |yaml: &str, mode: u32| {
        let bench = Bench::app(yaml).variable("K", "v");
        let path = bench.directory.join("config/app.yml");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("own file");
        bench
            .settings()
            .warnings
            .iter()
            .any(|line| line.contains("chmod 600"))
    };
    assert!(warned("OPENAI_API_KEY: literal\n", 0o644));
    assert!(!warned("OPENAI_API_KEY: literal\n", 0o600));
    assert!(!warned("OPENAI_API_KEY: ${K}\n", 0o644));
}

#[test]
fn the_demo_is_open_only_on_loopback_and_without_client_keys() {
    let address = "127.0.0.1:9".parse().expect("an address");
    let open = Bench::new().settings().with_demo(address);
    assert_eq!(open.auth(), Auth::Open);
    let snapshot = Snapshot::build(&open, 1).expect("sound");
    assert_eq!((snapshot.providers.len(), snapshot.rules.len()), (4, 4));
    for provider in &snapshot.providers {
        assert!(provider.allow_private_network);
        assert_eq!(provider.priority, (1 << 53) - 1, "JavaScript holds no more");
    }
    let last = *PRIORITIES.end();
    assert!(snapshot.rules.iter().all(|rule| rule.priority == last));
    let keyed = Bench::app("CLIENT_KEYS: [{name: a, key: k1234567}]\n")
        .settings()
        .with_demo(address);
    assert_eq!(keyed.auth(), Auth::Required);
    let public = Bench::app("HOST: 0.0.0.0\n").settings().with_demo(address);
    assert_eq!(public.auth(), Auth::Required);
    let closed = Bench::app("AUTH: required\n").settings().with_demo(address);
    assert_eq!(closed.auth(), Auth::Required, "it was said");
}

/// The documented file, with one of its variables set.
#[test]
fn the_documented_file_loads_as_it_is() {
    let yaml = r#"
MODE: transformer
HOST: 127.0.0.1
PORT: 8000
AUTH: required
DATABASE_URL: sqlite://data/app.db?mode=rwc
REDIS_URL:
PREFERRED_PROVIDER: anthropic
FALLBACK_STRATEGY: priority
CIRCUIT_BREAKER: {failure_threshold: 5, recovery_timeout: 60}
MAX_TOKENS_LIMIT:
BIG_MODEL: qwen/qwen3-max
API_KEY_POOLS:
  openai: {keys: ["${OPENAI_API_KEY}"], auth_header: Authorization, auth_format: "Bearer {key}"}
OPENAI_API_KEY:
CLIENT_KEYS:
  - {name: ci, key: "${CI_CLIENT_KEY}"}
PROVIDERS:
  - name: qwen
    api_format: openai
    base_url: https://dashscope.example/compatible-mode/v1
    api_key: ${QWEN_API_KEY}
    priority: 1
    headers: {X-Team: blue}
    max_tokens_limit:
    models: {big: [qwen3-max], middle: [qwen-plus], small: [qwen-turbo]}
ROUTES:
  - name: claude-to-qwen
    priority: 10
    match: {model: "claude-*", ingress: anthropic}
    targets: [{provider: qwen, model: qwen3-max, weight: 1}]
    strategy: priority
    mode: transformer
    key_pool:
    params: {temperature: 0.2}
"#;
    let settings = Bench::app(yaml).variable("QWEN_API_KEY", "k").settings();
    let snapshot = Snapshot::build(&settings, 1).expect("sound");
    assert_eq!(snapshot.providers.len(), 1);
    assert!(snapshot.preferred.is_none() && snapshot.client_keys.is_empty());
    for told in [
        ":8: PREFERRED_PROVIDER `anthropic`",
        ":14: keys[0] is left out",
        ":17: key is left out",
    ] {
        assert!(
            settings.warnings.iter().any(|line| line.contains(told)),
            "{told}: {:#?}",
            settings.warnings
        );
    }
}

#[test]
fn a_client_key_has_limits() {
    let settings = Bench::app(
        "CLIENT_KEYS:\n  - name: ci\n    key: client-secret-1\n    rpm: 60\n    tpm: 200_000\n    max_concurrency: 8\n    \
         budget_day: 5.00\n    budget_month: \"100.5\"\n    expires_at: 2027-01-31T01:00:00+01:00\n    \
         allowed_dialects: [openai, anthropic]\n  - {name: off, key: client-secret-2, enabled: false}\n",
    )
    .settings();
    let key = &settings.client_keys[0];
    assert_eq!(key.expires_at_ms, Some(1_801_353_600_000));
    let limits = &key.limits;
    assert_eq!((limits.rpm, limits.tpm), (Some(60), Some(200_000)));
    assert_eq!(limits.max_concurrency, Some(8));
    assert_eq!(limits.budget_day_nano_usd, Some(5_000_000_000));
    assert_eq!(limits.budget_month_nano_usd, Some(100_500_000_000));
    assert!(limits.may_pin && limits.faults().is_empty());
    let snapshot = crate::snapshot::Snapshot::build(&settings, 1).expect("sound");
    let keys = &snapshot.client_keys;
    let found = keys.find("client-secret-1", 0).expect("configured");
    assert_eq!(found.allowance.budget_day_nano_usd, Some(5_000_000_000));
    assert!(found.allows_dialect(translator::Dialect::OpenAiChat));
    assert!(!found.allows_dialect(translator::Dialect::Gemini));
    assert!(
        keys.find("client-secret-1", 1_801_353_600_000).is_none(),
        "expired"
    );
    assert!(keys.find("client-secret-2", 0).is_none(), "disabled");
}
