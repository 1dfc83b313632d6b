//! Members of a JSON file that people write in: comments, order and indentation stay. Pure.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::{Value, json};

use super::Setting;

const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The text with the settings in it.
pub(super) fn set(text: &str, settings: &[Setting]) -> Result<String, String> {
    let is_new = text.trim().is_empty();
    let text = if is_new { "{}\n" } else { text };
    let tree = CstRootNode::parse(text, &OPTIONS).map_err(|error| error.to_string())?;
    let Some(root) = tree.object_value() else {
        return Err("the file holds no JSON object".to_owned());
    };
    for setting in settings {
        put(&root, setting)?;
    }
    let made = tree.to_string();
    let wanted = expected(text, settings);
    if parse(&made) == wanted && wanted.is_some() {
        return Ok(made);
    }
    Err("something else in the file would have changed with it".to_owned())
}

/// A member that is text.
pub(super) fn get(text: &str, path: &[&str]) -> Option<String> {
    let value = parse(text)?;
    let found = path
        .iter()
        .try_fold(&value, |value, name| value.get(name))?;
    found.as_str().map(str::to_owned)
}

fn put(root: &CstObject, setting: &Setting) -> Result<(), String> {
    let (last, folders) = setting.path.split_last().ok_or("a setting has a name")?;
    let mut object = root.clone();
    for name in folders {
        let inner = object.object_value_or_create(name);
        object = inner.ok_or_else(|| format!("`{name}` is there already, and no object"))?;
    }
    let value = CstInputValue::String(setting.value.clone());
    match object.get(last) {
        Some(member) => member.set_value(value),
        None => {
            object.append(last, value);
        }
    }
    Ok(())
}

fn parse(text: &str) -> Option<Value> {
    CstRootNode::parse(text, &OPTIONS).ok()?.to_serde_value()
}

/// What the file must say in the end.
fn expected(text: &str, settings: &[Setting]) -> Option<Value> {
    let mut value = parse(text)?;
    for setting in settings {
        let mut slot = &mut value;
        for name in &setting.path {
            if !slot.is_object() {
                *slot = json!({});
            }
            slot = slot.as_object_mut()?.entry(*name).or_insert(Value::Null);
        }
        *slot = json!(setting.value);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(path: &[&'static str], value: &str) -> Setting {
        Setting {
            path: path.to_vec(),
            value: value.to_owned(),
            is_secret: false,
        }
    }

    #[test]
    fn comments_order_and_other_members_stay() {
        let text = "{\n  // mine\n  \"theme\": \"dark\", /* really */\n  \"env\": {\n    \"A\": \"1\", // one\n    \
                    \"URL\": \"old\",\n  },\n  \"big\": 12345678901234567890.5\n}\n";
        let made = set(
            text,
            &[
                setting(&["env", "URL"], "new"),
                setting(&["env", "KEY"], "k\"\u{e9}"),
            ],
        );
        let made = made.expect("it can be written");
        assert_eq!(
            made,
            "{\n  // mine\n  \"theme\": \"dark\", /* really */\n  \"env\": {\n    \"A\": \"1\", // one\n    \
             \"URL\": \"new\",\n    \"KEY\": \"k\\\"\u{e9}\",\n  },\n  \"big\": 12345678901234567890.5\n}\n"
        );
    }

    #[test]
    fn a_new_file_is_made_and_a_broken_one_is_let_be() {
        let settings = [setting(&["security", "auth", "selectedType"], "openai")];
        let made = set("", &settings).expect("a new file");
        let value: Value = serde_json::from_str(&made).expect("JSON");
        assert_eq!(value["security"]["auth"]["selectedType"], "openai");
        for broken in ["{\"a\": ", "[1]", "{\"security\": 1}", "{'a': 1}"] {
            assert!(set(broken, &settings).is_err(), "{broken}");
        }
    }
}
