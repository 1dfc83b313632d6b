//! `stats`.

use crate::hub::Hub;

#[test]
fn requests_tokens_and_cost_are_counted() {
    let hub = Hub::start();
    hub.ask("demo-openai/demo-model-chat", "hi");
    hub.ask("demo-gemini/demo-model-generate", "hi");
    let whole = hub.json_until(&["stats", "requests"], |lines| lines[0]["requests"] == 2);
    assert_eq!(whole.as_array().map(Vec::len), Some(1));
    let groups = hub
        .run(&[
            "stats",
            "requests",
            "--group-by",
            "provider",
            "--since",
            "24h",
            "-o",
            "name",
        ])
        .shown();
    let mut groups: Vec<&str> = groups.lines().collect();
    groups.sort_unstable();
    assert_eq!(groups, ["demo-gemini", "demo-openai"]);
    let one = hub.json(&[
        "stats",
        "requests",
        "--provider",
        "demo-gemini",
        "--key",
        "first key",
    ]);
    assert_eq!(one[0]["requests"], 1);
    let by_hour = hub.json(&["stats", "tokens", "--group-by", "model", "--step", "hour"]);
    assert!(
        by_hour[0]["bucket"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z')),
        "{by_hour}"
    );
    assert!(by_hour[0]["input"].as_u64() > Some(0), "{by_hour}");
    let table = hub.run(&["stats", "cost"]).shown();
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("REQUESTS") && lines[0].ends_with("COST  UNPRICED"),
        "{table}"
    );
    assert!(
        lines[1].contains(" - "),
        "an unknown price is not nothing: {table}"
    );
    hub.run(&["stats", "requests", "--group-by", "colour"])
        .failed(1);
    hub.run(&["stats", "requests", "--since", "soon"]).failed(2);
}

#[test]
fn a_summary_stands_beside_the_time_before() {
    let hub = Hub::start();
    hub.ask("demo-openai/demo-model-chat", "hi");
    hub.json_until(&["stats", "requests"], |lines| lines[0]["requests"] == 1);
    let summary = hub.run(&["stats", "summary"]).shown();
    assert!(
        summary.contains("\nnow ")
            && summary.contains("\nbefore ")
            && summary.contains("\nproviders\n"),
        "{summary}"
    );
    let summary = hub.json(&["stats", "summary"]);
    assert_eq!(
        (
            &summary["requests"]["requests"],
            &summary["requests_before"]["requests"]
        ),
        (&1.into(), &0.into())
    );
}
