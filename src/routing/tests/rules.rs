//! Every kind of condition, every strategy, and what a hundred rules cost.

use std::time::Instant;

use super::*;
use crate::routing::{TraceStep, explain};

const TWO: &str = "[{name: a, base_url: 'http://a', api_format: openai}, {name: b, base_url: 'http://b', api_format: anthropic}, {name: off, base_url: 'http://c', enabled: false}]";
const KEYS: &str = "[{name: ci, key: key-cccc, tags: [batch, eu]}, {name: dev, key: key-dddd}]";

fn with_rule(matches: &str) -> Snapshot {
    let routes = format!("[{{name: r, match: {matches}, targets: [a/m]}}]");
    snapshot(&[
        ("PROVIDERS", TWO),
        ("CLIENT_KEYS", KEYS),
        ("ROUTES", &routes),
        ("PREFERRED_PROVIDER", "b"),
    ])
}

#[test]
fn every_condition_holds_and_fails_as_it_says() {
    let base = Ask::model("gpt-4o");
    let says = |body| Ask { body, ..base };
    let from = |ingress| Ask { ingress, ..base };
    let sends = |value| Ask {
        header: Some(("x-team", value)),
        ..base
    };
    let cases: [(&str, &[Ask<'_>], &[Ask<'_>]); 13] = [
        ("{model: 'gpt-*'}", &[base], &[Ask::model("claude-3")]),
        (
            "{model: [x, gpt-4o]}",
            &[base, Ask::model("X")],
            &[Ask::model("gpt-4")],
        ),
        ("{model_regex: '^gpt-\\d'}", &[base], &[Ask::model("gpt-x")]),
        (
            "{ingress: [anthropic, gemini]}",
            &[from(Dialect::Anthropic), from(Dialect::Gemini)],
            &[base],
        ),
        (
            "{ingress: openai}",
            &[base],
            &[from(Dialect::OpenAiResponses)],
        ),
        (
            "{header: {X-Team: 'blu*'}}",
            &[sends("blue")],
            &[base, sends("red")],
        ),
        ("{header: {X-Team: '*'}}", &[sends("x")], &[base]),
        (
            "{keyword: [invoice, 'é\"x']}",
            &[
                says(r#"{"messages":[{"role":"user","content":"My Invoice is late"}]}"#),
                says(r#"{"contents":[{"parts":[{"text":"\u00e9\"x"}]}]}"#),
                says(r#"{"messages":[{"content":"inv\u006fice"}]}"#),
            ],
            &[
                base,
                says(
                    r#"{"model":"invoice","tools":[{"description":"invoice"}],"messages":[{"role":"user","content":"x"}]}"#,
                ),
            ],
        ),
        (
            "{has: tools}",
            &[says(r#"{"tools":[{}]}"#)],
            &[base, says(r#"{"tools":[]}"#)],
        ),
        (
            "{has: [tools, thinking]}",
            &[says(r#"{"tools":[{}],"reasoning_effort":"low"}"#)],
            &[
                says(r#"{"tools":[{}]}"#),
                says(r#"{"reasoning_effort":"low"}"#),
            ],
        ),
        (
            "{has: images}",
            &[says(r#"{"messages":[{"content":[{"type":"image_url"}]}]}"#)],
            &[base],
        ),
        (
            "{min_input_tokens: 3, max_input_tokens: 4}",
            &[says("            "), says("                ")],
            &[says("        "), says("                    ")],
        ),
        (
            "{model: 'gpt-*', ingress: openai, header: {X-Team: blue}}",
            &[sends("blue")],
            &[
                base,
                Ask {
                    model: "o1",
                    ..sends("blue")
                },
            ],
        ),
    ];
    for (matches, yes, no) in cases {
        let hub = with_rule(matches);
        for ask in yes {
            assert_eq!(
                ask.told(&hub),
                "r: a/m",
                "{matches} should hold for {ask:?}"
            );
        }
        for ask in no {
            assert_ne!(
                ask.told(&hub),
                "r: a/m",
                "{matches} should not hold for {ask:?}"
            );
        }
    }
}

#[test]
fn callers_are_told_apart_by_key_and_tag() {
    let hub = with_rule("{client_key: ci}");
    let (ci, dev) = (
        hub.client_keys.find("key-cccc", 0).expect("set"),
        hub.client_keys.find("key-dddd", 0).expect("set"),
    );
    let tagged = with_rule("{tag: [eu, us]}");
    for (hub, key, holds) in [
        (&hub, Some(ci), true),
        (&hub, Some(dev), false),
        (&hub, None, false),
        (&tagged, Some(ci), true),
        (&tagged, Some(dev), false),
    ] {
        let told = Ask {
            key: key.map(|key| &**key),
            ..Ask::model("x")
        }
        .told(hub);
        assert_eq!(told == "r: a/m", holds, "{key:?}");
    }
}

#[test]
fn strategies_choose_the_first_and_keep_the_rest_in_order() {
    let routes = |strategy: &str| {
        format!(
            "[{{name: r, strategy: {strategy}, targets: [{{provider: a, model: m, weight: 0}}, {{provider: b, model: m, weight: 3}}, {{provider: a, model: n, weight: 1}}]}}]"
        )
    };
    let hub = |strategy: &str| snapshot(&[("PROVIDERS", TWO), ("ROUTES", &routes(strategy))]);
    let (abc, bac, cab) = ("r: a/m, b/m, a/n", "r: b/m, a/m, a/n", "r: a/n, a/m, b/m");
    let ask = Ask::model("x");
    assert_eq!(ask.told(&hub("priority")), abc);
    for (random, want) in [(0, abc), (1, bac), (2, cab)] {
        let hand = Hand {
            random: Cell::new(random),
            ..Hand::default()
        };
        assert_eq!(ask.told_by(&hub("random"), &hand), want);
    }
    for (random, want) in [(0, bac), (2, bac), (3, cab)] {
        let hand = Hand {
            random: Cell::new(random),
            ..Hand::default()
        };
        assert_eq!(ask.told_by(&hub("weighted"), &hand), want, "{random}");
    }
    let (turning, hand) = (hub("round_robin"), Hand::default());
    for want in [abc, bac, cab, abc] {
        assert_eq!(ask.told_by(&turning, &hand), want);
    }
    let busy = Hand {
        busy: vec![("a", 2), ("b", 1)],
        ..Hand::default()
    };
    assert_eq!(ask.told_by(&hub("least_busy"), &busy), bac);
    let slow = Hand {
        latency: vec![("a", 9.0), ("b", 5.0)],
        ..Hand::default()
    };
    assert_eq!(ask.told_by(&hub("least_latency"), &slow), bac);
    let unmeasured = Hand {
        latency: vec![("a", 9.0)],
        ..Hand::default()
    };
    assert_eq!(ask.told_by(&hub("least_latency"), &unmeasured), bac);
}

#[test]
fn rules_go_by_priority_and_disabled_targets_are_passed_over() {
    let routes = "[{name: late, priority: 20, targets: [a]}, {name: dead, priority: 1, targets: [off/x]},
        {name: early, priority: 10, match: {model: 'g*'}, targets: [off/x, b/y]}, {name: gone, priority: 0, enabled: false, targets: [b]}]";
    let hub = snapshot(&[("PROVIDERS", TWO), ("ROUTES", routes)]);
    assert_eq!(Ask::model("gpt").told(&hub), "early: b/y");
    assert_eq!(Ask::model("x").told(&hub), "late: a/x");
    let headers = HeaderMap::new();
    let facts = Facts {
        ingress: Dialect::Gemini,
        model: "x",
        body: b"",
        headers: &headers,
        client_key: None,
        pin: None,
    };
    let told: Vec<_> = explain(&hub, &facts)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            "target `off` left out: not enabled",
            "rule `dead` has no target that can serve",
            "rule `early` did not match: no model pattern fits",
            "rule `late` matched"
        ]
    );
}

#[test]
fn a_rule_brings_its_pool_mode_and_parameters() {
    let routes = "[{name: r, mode: direct, key_pool: special, params: {temperature: 0.2, max_tokens: '50'}, targets: [a/m, b/m]}]";
    let hub = snapshot(&[
        ("PROVIDERS", TWO),
        ("API_KEY_POOLS", "{special: [k1]}"),
        ("ROUTES", routes),
    ]);
    let plan = Ask::model("x")
        .plan(&hub, &Hand::default())
        .expect("routed");
    assert_eq!(
        plan.targets.len(),
        1,
        "direct mode leaves the other dialect out"
    );
    let target = &plan.targets[0];
    assert_eq!(&*target.pool.name, "special");
    assert_eq!(target.mode, crate::snapshot::Mode::Direct);
    let params = target.params.as_ref().expect("set");
    assert_eq!(
        (
            params["temperature"].as_f64(),
            params["max_tokens"].as_u64()
        ),
        (Some(0.2), Some(50))
    );
    assert!(plan.trace.contains(&TraceStep::RuleMatched("r".into())));
}

/// Not a benchmark but a tripwire: even unoptimised, a hundred rules stay far below a request's cost.
#[test]
fn a_hundred_rules_are_cheap() {
    let rules: Vec<_> = (0..100)
        .map(|n| {
            format!("{{name: r{n}, match: {{model: 'model-{n}-*', has: tools}}, targets: [a]}}")
        })
        .collect();
    let hub = snapshot(&[
        ("PROVIDERS", TWO),
        ("ROUTES", &format!("[{}]", rules.join(","))),
        ("PREFERRED_PROVIDER", "b"),
    ]);
    let ask = Ask::model("gpt-4o");
    let hand = Hand::default();
    let started = Instant::now();
    for _ in 0..1000 {
        assert!(ask.plan(&hub, &hand).is_ok());
    }
    let each = started.elapsed() / 1000;
    assert!(each.as_micros() < 500, "{each:?}");
}
