//! What a request costs is a matter of the model that served it, whatever name it was asked by.

use bridge::catalogue::{Override, Rates, WireCost};

use crate::hub::{TestHub, provider, quick};
use crate::samples::CHAT;
use crate::upstream::{Reply, Upstream};

fn price(model: &str, dollars: f64) -> Override {
    let cost = WireCost {
        input: Some(dollars),
        output: Some(dollars),
        ..WireCost::default()
    };
    Override {
        provider: None,
        model: model.to_owned(),
        version: "test".into(),
        rates: Rates::of(&cost, None).expect("a price"),
    }
}

#[tokio::test]
async fn an_alias_costs_what_its_model_costs_and_an_unknown_price_is_told() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let yaml = format!(
        "AUTH: open\nALIASES: {{fast: vendor/org/model-b, free: vendor/model-x}}\nPROVIDERS:\n{}",
        provider("vendor", "openai", &upstream, "")
    );
    let hub = TestHub::made(&yaml, quick(), |settings| {
        // The alias has a price of its own, which is not the model's.
        settings.models = vec![price("fast", 9.0), price("org/model-b", 2.0)];
    })
    .await;
    for name in ["fast", "vendor/org/model-b", "free"] {
        let body = CHAT.request.replace("\"m\"", &format!("\"{name}\""));
        assert_eq!(hub.post(CHAT.path, &body).await.status, 200, "{name}");
    }
    let records = hub.records(3).await;
    // Five tokens at two millionths of a dollar.
    for record in &records[..2] {
        assert_eq!(record["model_served"], "org/model-b");
        assert_eq!(record["cost_nano_usd"], 10_000, "{record}");
    }
    assert_eq!(records[2]["model_served"], "model-x");
    assert!(records[2].get("cost_nano_usd").is_none(), "{}", records[2]);
    let metrics = hub.ask("GET", "/metrics", &[], "").await.text;
    let line = "bridge_unpriced_requests_total{provider=\"vendor\"} 1";
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
}
