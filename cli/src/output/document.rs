//! JSON and YAML. Pure.

use serde_json::{Map, Value};

use super::column::{Column, at};
use crate::failure::{Ended, Failure};

/// JSON for people and programs.
pub(super) fn json(value: &Value) -> Ended<String> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::failed(error.to_string()))?;
    Ok(text + "\n")
}

/// YAML.
pub(super) fn yaml(value: &Value) -> Ended<String> {
    serde_yaml::to_string(value).map_err(|error| Failure::failed(error.to_string()))
}

/// The members that were asked for, by their paths; all of them where none were.
pub(super) fn picked(item: &Value, columns: Option<&[Column]>) -> Value {
    let Some(columns) = columns else {
        return item.clone();
    };
    let pairs = columns.iter().map(|column| {
        (
            column.path.as_ref().to_owned(),
            at(item, &column.path).clone(),
        )
    });
    Value::Object(pairs.collect::<Map<_, _>>())
}
