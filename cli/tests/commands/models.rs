//! `models` and `aliases`.

use crate::hub::Hub;

#[test]
fn a_route_key_stands_for_a_model_of_a_provider() {
    let hub = Hub::start();
    let args = [
        "models",
        "create",
        "--route-key",
        "fast",
        "--target-model",
        "demo-model",
        "--provider",
        "demo-openai",
    ];
    hub.run(&args).shown();
    hub.run(&args).failed(5);
    let list = hub.json(&["models", "list"]);
    assert_eq!(
        (&list[0]["name"], &list[0]["provider"], &list[0]["model"]),
        (&"fast".into(), &"demo-openai".into(), &"demo-model".into())
    );
    assert_eq!(list.as_array().map(Vec::len), Some(5));
    hub.ask("fast", "hi");
    let served = hub.json_until(&["models", "mappings"], |rows| {
        rows[0]["original_model"] == "fast"
    });
    assert_eq!(served[0]["route"], "alias");
    hub.run(&["models", "update", "fast", "--target-model", "demo-small"])
        .shown();
    assert_eq!(hub.json(&["models", "show", "fast"])["model"], "demo-small");
    assert_eq!(
        hub.json(&["aliases", "show", "fast"])["model"],
        "demo-openai/demo-small"
    );
    hub.run(&["models", "update", "fast", "--provider", "demo-gemini"])
        .shown();
    assert_eq!(
        hub.json(&["models", "show", "fast"])["provider"],
        "demo-gemini"
    );
    hub.run(&["models", "disable", "fast"]).shown();
    assert_eq!(hub.json(&["models", "show", "fast"])["enabled"], false);
    hub.run(&["models", "enable", "fast"]).shown();
    hub.run(&["models", "delete", "fast", "--yes"]).shown();
    hub.run(&["models", "show", "fast"]).failed(3);
    let gemini = hub
        .run(&["models", "list", "--provider", "demo-gemini", "-o", "name"])
        .shown();
    assert_eq!(gemini, "demo-model-generate\n");
    hub.run(&["models", "create", "--route-key", "fast"])
        .failed(2);
}

#[test]
fn a_slash_belongs_to_a_name_unless_a_provider_stands_before_it() {
    let hub = Hub::start();
    let model = |name: &str| hub.json(&["aliases", "show", name])["model"].clone();
    hub.run(&["aliases", "set", "meta/llama=demo-openai/demo-model"])
        .shown();
    let other = ["--target-model", "demo/small"];
    hub.run(&[&["models", "update", "meta/llama"][..], &other].concat())
        .shown();
    assert_eq!(model("meta/llama"), "demo-openai/demo/small");
    // The model of this one has a slash of its own, and nobody owns it.
    hub.run(&["aliases", "set", "llama 100%?#=meta/llama-4"])
        .shown();
    let provider = ["--provider", "demo-openai"];
    hub.run(&[&["models", "update", "llama 100%?#"][..], &provider].concat())
        .shown();
    assert_eq!(model("llama 100%?#"), "demo-openai/meta/llama-4");
    hub.run(&["aliases", "set", "llama=meta/llama-4"]).shown();
    let other = ["--target-model", "meta/llama-5"];
    hub.run(&[&["models", "update", "llama"][..], &other].concat())
        .shown();
    assert_eq!(model("llama"), "meta/llama-5");
    hub.run(&["models", "disable", "meta/llama"]).shown();
    hub.run(&["models", "delete", "meta/llama", "--yes"])
        .shown();
}

#[test]
fn aliases_are_set_and_unset() {
    let hub = Hub::start();
    hub.run(&[
        "aliases",
        "set",
        "haiku=demo-openai/demo-small",
        "opus=demo-openai/demo-model",
    ])
    .shown();
    hub.run(&["aliases", "set", "haiku=demo-gemini/demo-model"])
        .shown();
    let list = hub.run(&["aliases", "list", "-o", "csv"]).shown();
    assert!(
        list.contains("haiku,demo-gemini/demo-model,true") && list.contains("opus,"),
        "{list}"
    );
    hub.run(&["aliases", "set", "haiku"]).failed(2);
    hub.run(&["alias", "disable", "haiku"]).shown();
    assert_eq!(hub.json(&["aliases", "show", "haiku"])["enabled"], false);
    hub.run(&["alias", "enable", "haiku"]).shown();
    hub.run(&[
        "alias",
        "update",
        "haiku",
        "--set",
        "model=demo-openai/demo-model",
    ])
    .shown();
    assert_eq!(
        hub.json(&["aliases", "show", "haiku"])["model"],
        "demo-openai/demo-model"
    );
    hub.run(&["aliases", "unset", "haiku", "opus", "--yes"])
        .shown();
    assert_eq!(hub.json(&["aliases", "list"]), serde_json::json!([]));
}

#[test]
fn the_catalogue_is_read_replaced_and_put_back() {
    let hub = Hub::start();
    let model = hub.json(&["models", "catalog", "show", "gpt-5.5", "--vendor", "openai"]);
    assert!(model["context"].as_u64() > Some(100_000), "{model}");
    hub.run(&["models", "catalog", "show", "gpt-0"]).failed(3);
    let vendor = hub
        .run(&[
            "models",
            "catalog",
            "list",
            "--vendor",
            "anthropic",
            "-o",
            "csv",
            "--all",
        ])
        .shown();
    assert!(
        vendor
            .lines()
            .skip(1)
            .all(|line| line.starts_with("anthropic,"))
            && vendor.lines().count() > 3,
        "{vendor}"
    );
    let whole = hub.json(&["models", "catalog", "info"]);
    assert_eq!(whole["source"], "builtin");
    hub.run_with(&["models", "catalog", "import", "-"], "{\"x\": 1}")
        .failed(1);
    let other = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../catalogue/model_catalog.json"
    );
    let info = hub.json(&["models", "catalog", "import", other]);
    assert!(
        info["models"] == whole["models"] && info["source"] != "builtin",
        "{info}"
    );
    hub.run(&["models", "catalog", "reset"]).failed(2);
    hub.run(&["models", "catalog", "reset", "--yes"]).shown();
    assert_eq!(hub.json(&["models", "catalog", "info"]), whole);
    let told = hub.run(&["models", "catalog", "reset", "--yes"]).failed(3);
    assert!(told.contains("comes with the program"), "{told}");
}

#[test]
fn own_prices_stand_over_the_catalogue() {
    let hub = Hub::start();
    let args = [
        "models",
        "prices",
        "create",
        "p",
        "--model",
        "demo-model-chat",
        "--provider",
        "demo-openai",
    ];
    hub.run(&[&args[..], &["--input", "1", "--output-tokens", "2.5"]].concat())
        .shown();
    let shown = hub.json(&["models", "show", "demo-model-chat"]);
    assert_eq!(shown["price_source"], "manual");
    hub.run(&["models", "prices", "update", "p", "--input", "3"])
        .shown();
    let price = hub.json(&["models", "prices", "show", "p"]);
    assert_eq!(
        (
            price["cost"]["input"].as_f64(),
            price["cost"]["output"].as_f64()
        ),
        (Some(3.0), Some(2.5))
    );
    assert!(
        hub.run(&["models", "prices", "list"])
            .shown()
            .contains("demo-model-chat")
    );
    hub.run(&["models", "prices", "delete", "p", "--yes"])
        .shown();
    hub.run(&["models", "prices", "show", "p"]).failed(3);
}
