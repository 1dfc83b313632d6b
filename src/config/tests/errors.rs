//! Each error with its line and its fix, and no secret in any of them.

use super::Bench;

#[test]
fn each_error_names_line_and_fix() {
    let cases = [
        (
            "MODE: transfomer\n",
            "config/app.yml:1: MODE must be one of transformer, direct, not `transfomer`",
        ),
        (
            "# c\nPROT: 1\n",
            "config/app.yml:2: unknown key `PROT`; did you mean `PORT`?",
        ),
        (
            "PORT: 70000\n",
            "config/app.yml:1: PORT must be a whole number from 0 to 65535, not `70000`",
        ),
        (
            "DEBUG: perhaps\n",
            "config/app.yml:1: DEBUG must be true or false, not `perhaps`",
        ),
        (
            "\nHOST: [a]\n",
            "config/app.yml:2: HOST must be a single value, not a list",
        ),
        (
            "TRUSTED_PROXIES:\n  - 10.0.0.0/8\n  - balancer\n",
            "config/app.yml:3: TRUSTED_PROXIES[1] must name addresses or networks, for example 127.0.0.1 or 10.0.0.0/8, not `balancer`",
        ),
        ("MODE: direct\nMODE: direct\n", "config/app.yml:"),
        (
            "MODE: direct\nDATABASE_URL: oracle://x\n",
            "config/app.yml:2: DATABASE_URL must begin with sqlite:",
        ),
        (
            "REDIS_URL: foo\n",
            "config/app.yml:1: REDIS_URL must begin with redis://",
        ),
        (
            "ADMIN_EMAIL: foo\n",
            "config/app.yml:1: ADMIN_EMAIL is not an e-mail address; write it as name@host",
        ),
        (
            "OTLP_ENDPOINT: localhost:4318\n",
            "config/app.yml:1: OTLP_ENDPOINT must begin with http:// or https://",
        ),
        (
            "OTLP_HEADERS: authorization\n",
            "config/app.yml:1: OTLP_HEADERS must be name=value pairs",
        ),
        ("A: [1\nB: 2\n", "config/app.yml:"),
        (
            "HOST: 0.0.0.0\nAUTH: open\n",
            "config/app.yml:2: AUTH is open, but HOST 0.0.0.0 can be reached",
        ),
        (
            "HOST: ${NOT_SET_ANYWHERE}\n",
            "config/app.yml:1: HOST refers to NOT_SET_ANYWHERE, which is not set; set NOT_SET_ANYWHERE",
        ),
        (
            "HOST: ${A\n",
            "config/app.yml:1: HOST: `${` without a closing brace",
        ),
        (
            "PROVIDERS:\n  - name: a\n    base_url: ftp://x\n",
            "config/app.yml:3: base_url must begin with http:// or https://",
        ),
        (
            "PROVIDERS:\n  - name: a\n    base_url: https://x\n    tiemout: 3\n",
            "config/app.yml:4: unknown key `tiemout`; did you mean `timeout`?",
        ),
        (
            "PROVIDERS:\n  - name: a\n    base_url: https://x\n    profile: deepsek\n",
            "config/app.yml:4: there is no profile `deepsek`; did you mean `deepseek`?",
        ),
        (
            "PROVIDERS:\n  - name: a\n    base_url: https://x\n    api_version: a&b\n",
            "config/app.yml:4: api_version must be letters, digits",
        ),
        (
            "PROVIDERS:\n  - name: a\n    profile: azure\n",
            "config/app.yml:2: provider `a` has no base_url; add",
        ),
        (
            "PROVIDERS:\n  - name: a\n",
            "config/app.yml:2: provider `a` has no base_url; add",
        ),
        (
            "PROVIDERS:\n  - base_url: https://x\n",
            "config/app.yml:2: a provider needs a name",
        ),
        (
            "PROVIDERS:\n  - {name: a/b, base_url: https://x}\n",
            "config/app.yml:2: `a/b` cannot be the name of a provider",
        ),
        (
            "PROVIDERS:\n  - {name: a, base_url: https://x}\n  - {name: a, base_url: https://x}\n",
            "config/app.yml:3: two providers are called `a`",
        ),
        (
            "PROVIDERS:\n  - {name: a, base_url: https://x, api_format: soap}\n",
            "config/app.yml:2: api_format must be one of openai",
        ),
        (
            "PROVIDERS:\n  - {name: a, base_url: https://x,\n     timeout: 0}\n",
            "config/app.yml:3: timeout must be a time in seconds",
        ),
        (
            "PROVIDERS:\n  - {name: a, base_url: https://x, headers: {Host: x}}\n",
            "config/app.yml:2: `Host` cannot be set as a header",
        ),
        (
            "PROVIDERS:\n  - {name: a, base_url: https://x, key_pool: pol}\nAPI_KEY_POOLS: {pool: [k]}\n",
            "config/app.yml:2: provider `a` names key pool `pol`, which does not exist; did you mean `pool`?",
        ),
        (
            "API_KEY_POOLS:\n  p: {keys: [k], auth_format: Bearer}\n",
            "config/app.yml:2: auth_format must have {key}",
        ),
        (
            "API_KEY_POOLS:\n  p: {keys: [k], strategy: fastest}\n",
            "config/app.yml:2: strategy must be one of round_robin, weighted, random, least_busy, priority",
        ),
        (
            "API_KEY_POOLS:\n  p:\n    keys:\n      - {weight: 2}\n",
            "config/app.yml:4: a key is missing",
        ),
        (
            "API_KEY_POOLS:\n  p: {keys: [k], auth_header: 'a b'}\n",
            "config/app.yml:2: auth_header must be the name of a header",
        ),
        (
            "PREFERRED_PROVIDER: x\n",
            "config/app.yml:1: PREFERRED_PROVIDER names provider `x`, which does not exist",
        ),
        (
            "MAX_TOKENS_LIMIT: 1\nMIN_TOKENS_LIMIT: 2\n",
            "config/app.yml:2: MIN_TOKENS_LIMIT (2) is above MAX_TOKENS_LIMIT (1)",
        ),
        (
            "CIRCUIT_BREAKER: {failure_treshold: 1}\n",
            "config/app.yml:1: unknown key `failure_treshold`; did you mean `failure_threshold`?",
        ),
        (
            "CLIENT_KEYS:\n  - {name: a, key: short}\n",
            "config/app.yml:2: the key of client `a` is shorter than 8",
        ),
        (
            "CLIENT_KEYS:\n  - {name: a, key: k1234567, allowed_providers: [x]}\n",
            "config/app.yml:2: client key `a` names provider `x`",
        ),
        (
            "CLIENT_KEYS:\n  - {name: a, key: k1234567,\n     budgt_day: 5}\n",
            "config/app.yml:3: unknown key `budgt_day`; did you mean `budget_day`?",
        ),
        (
            "CLIENT_KEYS:\n  - {name: a, key: k1234567, rpm: 0}\n",
            "config/app.yml:2: rpm must be a whole number of at least 1, not `0`",
        ),
        (
            "CLIENT_KEYS:\n  - {name: a, key: k1234567, tpm: -1}\n",
            "config/app.yml:2: tpm must be a whole number of at least 1, not `-1`",
        ),
        (
            "CLIENT_KEYS:\n  - {name: a, key: k1234567, max_concurrency: many}\n",
            "config/app.yml:2: max_concurrency must be a whole number from 1",
        ),
        (
            "CLIENT_KEYS:\n  - {name: a, key: k1234567, budget_day: -5}\n",
            "config/app.yml:2: budget_day must be an amount of US dollars above 0, such as \"5.00\", not `-5`",
        ),
        (
            "CLIENT_KEYS:\n  - {name: a, key: k1234567, budget_month: .nan}\n",
            "config/app.yml:2: budget_month must be an amount of US dollars above 0",
        ),
        (
            "CLIENT_KEYS:\n  - {name: a, key: k1234567, expires_at: tomorrow}\n",
            "config/app.yml:2: expires_at must be a time such as 2027-01-31T00:00:00Z, not `tomorrow`",
        ),
        (
            "CLIENT_KEYS:\n  - {name: a, key: k1234567, allowed_dialects: [openai, soap]}\n",
            "config/app.yml:2: allowed_dialects[1] must be one of openai, openai-responses",
        ),
        (
            "ROUTES:\n  - name: r\n",
            "config/app.yml:2: route `r` has no targets",
        ),
        (
            "ROUTES:\n  - name: r\n    targets: [{provider: q}]\n",
            "config/app.yml:3: route `r` names provider `q`, which does not exist",
        ),
        (
            "PROVIDERS: [{name: q, base_url: http://q}]\nROUTES:\n  - name: r\n    match:\n      model_regex: '(a'\n    targets: [q]\n",
            "config/app.yml:5: model_regex: ",
        ),
        (
            "PROVIDERS: [{name: q, base_url: http://q}]\nROUTES:\n  - name: r\n    match:\n      model_regex: '(a{1000}){1000}'\n    targets: [q]\n",
            "config/app.yml:5: model_regex: is too large",
        ),
        (
            "PROVIDERS: [{name: q, base_url: http://q}]\nROUTES:\n  - name: r\n    match: {model: 'a['}\n    targets: [q]\n",
            "config/app.yml:4: pattern `a[`",
        ),
        (
            "ROUTES:\n  - {name: r, targets: [q], match: {has: [wheels]}}\n",
            "config/app.yml:2: has[0] must be one of tools, images, thinking",
        ),
    ];
    for (yaml, want) in cases {
        let told = Bench::app(yaml).complaints();
        assert!(
            told.iter().any(|line| line.starts_with(want)),
            "{yaml}\nwanted: {want}\ntold: {told:#?}"
        );
    }
}

#[test]
fn all_errors_come_at_once() {
    let told = Bench::app("MODE: x\nPORT: y\nNOPE: 1\nPROVIDERS:\n  - name: a\n    colour: red\n")
        .complaints();
    let lines: Vec<_> = told
        .iter()
        .filter_map(|line| line.split(':').nth(1))
        .collect();
    for line in ["1", "2", "3", "5", "6"] {
        assert!(lines.contains(&line), "line {line} is missing: {told:#?}");
    }
}

#[test]
fn variables_are_named_in_their_errors() {
    let told = Bench::new()
        .variable("PORT", "many")
        .variable("ROUTES", "[{name: r, colour: 1}]")
        .complaints();
    assert!(
        told[0].starts_with("environment variable PORT: PORT must be a whole number"),
        "{told:?}"
    );
    assert!(
        told.iter()
            .any(|line| line.starts_with("environment variable ROUTES: unknown key `colour`")),
        "{told:?}"
    );
}

#[test]
fn no_secret_is_ever_told() {
    const CANARY: &str = "sk-canary-9f8e7d6c5b4a39281706";
    let yaml = format!(
        "MODE: {CANARY}\nPORT: {CANARY}\nDATABASE_URL: {CANARY}\nPROVIDERS: {CANARY}\nOPENAI_API_KEY: {CANARY}\n\
         ADMIN_PASSWORD: {CANARY}\nCLIENT_KEYS: [{{name: a, key: {CANARY}, nope: 1}}]\nAPI_KEY_POOLS: {{p: {{keys: [{CANARY}], x: 1}}}}\n"
    );
    for bench in [
        Bench::app(&yaml),
        Bench::app(&format!("{yaml}  : [{CANARY}\n")),
        Bench::new().variable("PORT", CANARY),
    ] {
        let told = bench.complaints().join("\n");
        assert!(!told.is_empty());
        assert!(!told.contains("canary"), "{told}");
    }
    let good = format!(
        "OPENAI_API_KEY: {CANARY}\nADMIN_PASSWORD: {CANARY}\nJWT_SECRET_KEY: {CANARY}\nDATABASE_URL: postgres://u:{CANARY}@h/d\n\
         CLIENT_KEYS: [{{name: a, key: {CANARY}}}]\nAPI_KEY_POOLS: {{p: [{CANARY}]}}\n\
         PROVIDERS: [{{name: q, base_url: http://q, api_key: {CANARY}, headers: {{X-A: {CANARY}}}, proxy: 'http://u:{CANARY}@h'}}]\n"
    );
    let settings = Bench::app(&good).settings();
    let snapshot = crate::snapshot::Snapshot::build(&settings, 1).expect("sound");
    let shown = format!(
        "{settings:?}{}{:?}{:?}",
        super::super::describe(&settings),
        snapshot.providers[0].pool,
        snapshot.client_keys
    );
    assert!(!shown.contains("canary"), "{shown}");
}
