//! Names without a rule: the order of resolution, fallbacks, rights, pins, direct mode.

use super::*;

const THREE: &str = "[
  {name: qwen, base_url: 'http://q/v1', priority: 1, models: {big: [qwen3-max], middle: [qwen-plus], small: [qwen-turbo], other: [shared]}},
  {name: openai, priority: 2, models: [shared, gpt-4o]},
  {name: anthropic, priority: 3, models: [shared]}]";

#[test]
fn the_first_step_that_knows_the_name_wins() {
    let lists = snapshot(&[
        ("PROVIDERS", THREE),
        ("ALIASES", "{fast: qwen/qwen-turbo, other: gpt-4o}"),
    ]);
    for (model, want) in [
        ("qwen/anything", "model-prefix: qwen/anything"),
        ("OpenAI/gpt-4o", "model-prefix: openai/gpt-4o"),
        (
            "openai/shared",
            "model-prefix: openai/shared, qwen/shared, anthropic/shared",
        ),
        ("qwen/sonnet", "model-prefix: qwen/qwen-plus"),
        ("qwen/claude-sonnet-4", "model-prefix: qwen/claude-sonnet-4"),
        ("openai/org/model", "model-prefix: openai/org/model"),
        ("fast", "alias: qwen/qwen-turbo"),
        ("FAST", "alias: qwen/qwen-turbo"),
        ("other", "alias: openai/gpt-4o"),
        ("claude-opus-4-5", "role: qwen/qwen3-max"),
        ("claude-Sonnet-4", "role: qwen/qwen-plus"),
        ("haiku", "role: qwen/qwen-turbo"),
        (
            "shared",
            "listed: qwen/shared, openai/shared, anthropic/shared",
        ),
        ("gpt-4o", "listed: openai/gpt-4o"),
        ("gpt-5", "catalogue: openai/gpt-5"),
        ("o3", "catalogue: openai/o3"),
        ("claude-2", "catalogue: anthropic/claude-2"),
        ("qwen-vl", "catalogue: qwen/qwen-vl"),
        (
            "gemini-2.5-pro",
            "no provider serves model `gemini-2.5-pro`; list it",
        ),
        (
            "gpt4o",
            "no provider serves model `gpt4o`; did you mean `gpt-4o`",
        ),
        ("", "no provider serves model ``"),
    ] {
        let told = Ask::model(model).told(&lists);
        assert!(
            told == want || (want.starts_with("no ") && told.starts_with(want)),
            "{model}: {told}"
        );
    }
}

#[test]
fn role_settings_come_before_lists_and_preference_decides_whose_list() {
    let set = snapshot(&[
        ("PROVIDERS", THREE),
        ("BIG_MODEL", "openai/gpt-4o"),
        ("SMALL_MODEL", "shared"),
    ]);
    assert_eq!(
        Ask::model("claude-opus-4").told(&set),
        "role: openai/gpt-4o"
    );
    assert_eq!(
        Ask::model("claude-haiku-4").told(&set),
        "role: qwen/shared, openai/shared, anthropic/shared"
    );
    assert_eq!(
        Ask::model("claude-sonnet-4").told(&set),
        "role: qwen/qwen-plus"
    );
    let preferred = snapshot(&[("PROVIDERS", THREE), ("PREFERRED_PROVIDER", "anthropic")]);
    assert_eq!(
        Ask::model("claude-opus-4").told(&preferred),
        "catalogue: anthropic/claude-opus-4"
    );
    assert_eq!(
        Ask::model("mystery").told(&preferred),
        "preferred: anthropic/mystery"
    );
    let listed = snapshot(&[(
        "PROVIDERS",
        "[{name: anthropic, models: [claude-sonnet-4-5]}]",
    )]);
    assert_eq!(
        Ask::model("claude-sonnet-4-5").told(&listed),
        "listed: anthropic/claude-sonnet-4-5"
    );
    let own = snapshot(&[(
        "PROVIDERS",
        "[{name: anthropic, models: {middle: [claude-sonnet-4-5, claude-sonnet-4]}}]",
    )]);
    assert_eq!(
        Ask::model("claude-sonnet-4").told(&own),
        "role: anthropic/claude-sonnet-4"
    );
    let two = "[{name: a, base_url: 'http://a', priority: 1, models: {big: [x]}}, {name: b, base_url: 'http://b', models: {big: [y]}}]";
    let two = snapshot(&[("PROVIDERS", two), ("PREFERRED_PROVIDER", "b")]);
    assert_eq!(Ask::model("opus").told(&two), "role: b/y, a/x");
}

#[test]
fn vendors_are_known_by_other_names_and_by_address() {
    let google = snapshot(&[(
        "PROVIDERS",
        "[{name: gemini}, {name: mine, api_format: anthropic, base_url: 'https://api.anthropic.com'}]",
    )]);
    assert_eq!(
        Ask::model("google/gemini-3").told(&google),
        "model-prefix: gemini/gemini-3"
    );
    assert_eq!(
        Ask::model("claude-3").told(&google),
        "catalogue: mine/claude-3"
    );
}

#[test]
fn a_client_key_bounds_models_and_providers() {
    let hub = snapshot(&[
        ("PROVIDERS", THREE),
        (
            "CLIENT_KEYS",
            "[{name: a, key: key-aaaa, allowed_models: ['gpt-*', shared], allowed_providers: [openai], may_pin: false}]",
        ),
    ]);
    let key = hub.client_keys.find("key-aaaa", 0).expect("configured");
    assert!(hub.client_keys.find("key-aaab", 0).is_none());
    let ask = |model| Ask {
        key: Some(key),
        ..Ask::model(model)
    };
    assert_eq!(ask("gpt-4o").told(&hub), "listed: openai/gpt-4o");
    assert_eq!(
        ask("openai/gpt-4o").told(&hub),
        "model-prefix: openai/gpt-4o"
    );
    assert_eq!(ask("shared").told(&hub), "listed: openai/shared");
    assert!(
        ask("qwen-plus")
            .told(&hub)
            .starts_with("this client key may not use model `qwen-plus`")
    );
    assert!(
        ask("qwen/gpt-x")
            .told(&hub)
            .starts_with("this client key may not use provider `qwen`")
    );
    let pinned = Ask {
        pin: Some("openai"),
        ..ask("gpt-4o")
    };
    assert!(pinned.told(&hub).contains("may not choose a provider"));
    let listed: Vec<_> = hub
        .models(Some(key))
        .into_iter()
        .map(|entry| entry.id.to_string())
        .collect();
    assert_eq!(listed, ["gpt-4o", "shared"]);
}

#[test]
fn a_pin_reaches_one_provider_only() {
    let hub = snapshot(&[("PROVIDERS", THREE)]);
    let ask = |pin, model| Ask {
        pin: Some(pin),
        ..Ask::model(model)
    };
    assert_eq!(
        ask("anthropic", "shared").told(&hub),
        "pin: anthropic/shared"
    );
    assert_eq!(
        ask("qwen", "claude-haiku-4").told(&hub),
        "pin: qwen/qwen-turbo"
    );
    assert_eq!(ask("openai", "openai/x").told(&hub), "pin: openai/x");
    assert_eq!(
        ask("opnai", "x").told(&hub),
        "`x-bridge-provider` names `opnai`, which is not an enabled provider; did you mean `openai`?"
    );
}

#[test]
fn direct_mode_never_crosses_dialects() {
    let hub = snapshot(&[("PROVIDERS", THREE), ("MODE", "direct")]);
    assert_eq!(
        Ask::model("shared").told(&hub),
        "listed: qwen/shared, openai/shared"
    );
    let anthropic = Ask {
        ingress: Dialect::Anthropic,
        ..Ask::model("shared")
    };
    assert_eq!(anthropic.told(&hub), "listed: anthropic/shared");
    let gemini = Ask {
        ingress: Dialect::Gemini,
        ..Ask::model("shared")
    };
    assert!(
        gemini
            .told(&hub)
            .starts_with("direct mode does not translate")
    );
}

#[test]
fn hostile_names_are_short_and_clean_in_answers() {
    let hub = snapshot(&[("PROVIDERS", THREE)]);
    let long = "x".repeat(1_000_000);
    assert!(Ask::model(&long).told(&hub).len() < 400);
    assert!(
        !Ask::model("a\r\nx-evil: 1\u{1b}[2J")
            .told(&hub)
            .contains(['\r', '\n', '\u{1b}'])
    );
}

#[test]
fn the_demo_sends_plain_names_to_another_dialect() {
    let options = LoadOptions {
        directory: std::env::temp_dir().join("bridge-none"),
        environment: Environment::default(),
        ..LoadOptions::of_process(None)
    };
    let settings = load(&options)
        .expect("empty")
        .with_demo("127.0.0.1:1".parse().expect("an address"));
    let hub = Snapshot::build(&settings, 1).expect("sound");
    for (ingress, want) in [
        (Dialect::OpenAiChat, "demo-openai-chat: demo-anthropic/any"),
        (Dialect::Anthropic, "demo-anthropic: demo-openai/any"),
        (
            Dialect::OpenAiResponses,
            "demo-openai-responses: demo-gemini/any",
        ),
        (Dialect::Gemini, "demo-gemini: demo-responses/any"),
    ] {
        assert_eq!(
            Ask {
                ingress,
                ..Ask::model("any")
            }
            .told(&hub),
            want
        );
    }
    assert_eq!(
        Ask::model("demo-gemini/any").told(&hub),
        "model-prefix: demo-gemini/any"
    );
}

#[test]
fn the_demo_keeps_out_of_what_somebody_has_set_up() {
    let address = "127.0.0.1:1".parse().expect("an address");
    let settings = |pairs: &[(&str, &str)]| {
        let options = LoadOptions {
            directory: std::env::temp_dir().join("bridge-none"),
            environment: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..LoadOptions::of_process(None)
        };
        load(&options).expect("sound").with_demo(address)
    };
    let told = |pairs: &[(&str, &str)], model: &str| {
        let hub = Snapshot::build(&settings(pairs), 1).expect("sound");
        Ask::model(model).told(&hub)
    };
    let alias = [("ALIASES", "{fast: demo-gemini/quick}")];
    assert_eq!(told(&alias, "fast"), "alias: demo-gemini/quick");
    let role = [("BIG_MODEL", "demo-responses/large")];
    assert_eq!(told(&role, "claude-opus-4-5"), "role: demo-responses/large");
    assert_eq!(
        told(&role, "claude-haiku-4-5"),
        "demo-openai-chat: demo-anthropic/claude-haiku-4-5"
    );
    let away = [("ALIASES", "{fast: nobody/quick}")];
    let refusal = told(&away, "fast");
    assert!(
        refusal
            .starts_with("`fast` stands for `nobody/quick`, and no enabled provider serves that;"),
        "{refusal}"
    );
    let vendor = [("OPENAI_API_KEY", "sk-of-the-test-0123456789")];
    assert_eq!(told(&vendor, "gpt-5"), "catalogue: openai/gpt-5");
}
