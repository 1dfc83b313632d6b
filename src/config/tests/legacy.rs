//! The older bridge's file in all its forms.

use std::time::Duration;

use translator::Dialect;

use super::Bench;
use crate::config::Settings;
use crate::snapshot::{Snapshot, Source, Strategy};

fn read(json: &str) -> Settings {
    Bench::app("PROVIDER_CONFIG_PATH: provider.json\n")
        .file("provider.json", json)
        .settings()
}

#[test]
fn list_form() {
    let settings = read(
        r#"[{"name":"q","enabled":true,"priority":1,"api_key":"sk-1","base_url":"https://q/v1","api_format":"openai","timeout":180,
            "max_retries":2,"big_models":["b"],"middle_models":["m"],"small_models":["s"],"colour":"red"},
           {"name":"a","api_format":"anthropic","base_url":"https://a","api_key":"k","auth_type":"auth_token","enabled":false}]"#,
    );
    let q = settings.provider("q").expect("read");
    assert_eq!(
        (q.priority, q.max_retries, q.timeout, q.source),
        (1, 2, Duration::from_secs(180), Source::Legacy)
    );
    assert_eq!(
        (&q.models.big[0], &q.models.middle[0], &q.models.small[0]),
        (&"b".into(), &"m".into(), &"s".into())
    );
    let a = settings.provider("a").expect("read");
    assert_eq!(
        (a.dialect, a.enabled, a.auth_format.as_deref()),
        (Dialect::Anthropic, false, Some("Bearer {key}"))
    );
    assert!(
        settings
            .warnings
            .iter()
            .any(|line| line.contains("provider.json:2: `colour` is not known")),
        "{:?}",
        settings.warnings
    );
}

#[test]
fn map_forms() {
    let inner = r#"{"q":{"api_key":"k","api_base":"https://q/v1","models":{"big":["b"],"medium":["m"],"small":["s"]}},
        "gemini":{"type":"gemini","api_key":"g","models":["x"]}}"#;
    let wrapped = format!(
        r#"{{"providers":{inner},"fallback_strategy":"random","circuit_breaker":{{"failure_threshold":3,"recovery_timeout":30}}}}"#
    );
    for json in [inner, &wrapped] {
        let settings = read(json);
        let q = settings.provider("q").expect("read");
        assert_eq!(
            (&*q.base_url, &q.models.middle[0]),
            ("https://q/v1", &"m".into())
        );
        let gemini = settings.provider("gemini").expect("read");
        assert_eq!(
            (gemini.dialect, &gemini.models.other[0]),
            (Dialect::Gemini, &"x".into())
        );
        assert!(gemini.base_url.contains("generativelanguage"));
        assert!(Snapshot::build(&settings, 1).is_ok());
    }
    let settings = read(&wrapped);
    assert_eq!(settings.fallback_strategy, Strategy::Random);
    assert_eq!(settings.circuit_breaker.failure_threshold, 3);
    let listed =
        read(r#"{"providers":[{"name":"q","api_key":"k","url":"http://localhost:1/v1"}]}"#);
    assert!(listed.provider("q").expect("read").allow_private_network);
}

#[test]
fn app_yml_wins_and_errors_have_lines() {
    let app = "PROVIDER_CONFIG_PATH: p.json\nFALLBACK_STRATEGY: weighted\nPROVIDERS: [{name: q, base_url: https://mine}]\n";
    let json = r#"{"fallback_strategy":"random","providers":{"q":{"base_url":"https://theirs"}}}"#;
    let settings = Bench::app(app).file("p.json", json).settings();
    assert_eq!(
        settings.provider("q").expect("read").base_url,
        "https://mine"
    );
    assert_eq!(settings.fallback_strategy, Strategy::Weighted);
    let cases = [
        (
            "[\n {\"name\": \"a\",\n  \"base_url\": \"nope\"}]",
            "p.json:3: base_url of `a` must begin with",
        ),
        (
            "[\n {\"name\": \"a\",\n  \"timeout\": \"soon\", \"base_url\": \"http://a\"}]",
            "p.json:3: timeout must be a time",
        ),
        ("[{]", "p.json:1: not valid JSON"),
        ("7", "p.json:1: the file must hold a list or a map"),
    ];
    for (json, want) in cases {
        let told = Bench::app(app).file("p.json", json).complaints();
        assert!(
            told.iter().any(|line| line.starts_with(want)),
            "{want}: {told:?}"
        );
    }
    let told = Bench::app(app).complaints();
    assert!(told[0].starts_with("p.json:1: cannot be read"), "{told:?}");
}
