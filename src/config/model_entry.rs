//! What an operator says of a model: prices, which stand over those of the catalogue.

use serde::Deserialize as _;

use super::node::{Node, Reader};
use crate::catalogue::{Override, Rates, WireCost};

/// Reads `{provider, model, cost: {input, output, ...}}`. A document without prices says nothing about them.
pub(super) fn read_model(reader: &mut Reader<'_>, node: &Node<'_>, name: &str) -> Option<Override> {
    let text = |member: &str| node.value.get(member).and_then(serde_json::Value::as_str);
    let Some(model) = text("model").filter(|model| !model.is_empty()) else {
        reader.error(
            &node.place.key("model"),
            "the model is missing",
            "name it as it goes to the provider",
        );
        return None;
    };
    let cost = node.value.get("cost").filter(|cost| !cost.is_null())?;
    let rates = WireCost::deserialize(cost)
        .ok()
        .and_then(|cost| Rates::of(&cost, None));
    let Some(rates) = rates else {
        reader.error(
            &node.place.key("cost"),
            "these are no prices",
            "give at least `input` and `output`, in USD per million tokens",
        );
        return None;
    };
    let edition = text("version").unwrap_or("1");
    Some(Override {
        provider: text("provider").map(str::to_owned),
        model: model.to_owned(),
        version: format!("manual:{name}@{edition}").into(),
        rates,
    })
}
