//! Members of a TOML file: comments, order and layout stay. Pure.

use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use super::Setting;

/// The text with the settings in it.
pub(super) fn set(text: &str, settings: &[Setting]) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error| describe(&error))?;
    for setting in settings {
        let (last, folders) = setting.path.split_last().ok_or("a setting has a name")?;
        let mut table: &mut dyn TableLike = document.as_table_mut();
        for (depth, name) in folders.iter().enumerate() {
            let item = table.entry(name).or_insert_with(|| {
                let mut new = Table::new();
                // Only the innermost table needs a head of its own.
                new.set_implicit(depth + 1 < folders.len());
                Item::Table(new)
            });
            let inner = item.as_table_like_mut();
            table = inner.ok_or_else(|| format!("`{name}` is there already, and no table"))?;
        }
        put(table, last, &setting.value);
    }
    let made = document.to_string();
    made.parse::<DocumentMut>()
        .map_err(|error| describe(&error))?;
    Ok(made)
}

/// What stands around a value, such as a comment behind it, belongs to the line and not to the value.
fn put(table: &mut dyn TableLike, name: &str, text: &str) {
    let mut new = value(text);
    let Some(item) = table.get_mut(name) else {
        table.insert(name, new);
        return;
    };
    if let (Some(old), Some(new)) = (item.as_value(), new.as_value_mut()) {
        *new.decor_mut() = old.decor().clone();
    }
    *item = new;
}

/// A member that is text.
pub(super) fn get(text: &str, path: &[&str]) -> Option<String> {
    let document: DocumentMut = text.parse().ok()?;
    let mut item = document.as_item();
    for name in path {
        item = item.get(name)?;
    }
    item.as_str().map(str::to_owned)
}

fn describe(error: &toml_edit::TomlError) -> String {
    error.to_string().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_stay_and_tables_come_behind() {
        let text = "# mine\nmodel = \"gpt\" # the usual\n\n[model_providers.other]\nname = \"other\" # keep\n";
        let setting = |path: &[&'static str], value: &str| Setting {
            path: path.to_vec(),
            value: value.to_owned(),
            is_secret: false,
        };
        let settings = [
            setting(&["model"], "sonnet"),
            setting(&["model_provider"], "hub"),
            setting(&["model_providers", "hub", "name"], "hub"),
        ];
        let made = set(text, &settings).expect("it can be written");
        assert_eq!(
            made,
            "# mine\nmodel = \"sonnet\" # the usual\nmodel_provider = \"hub\"\n\n[model_providers.other]\n\
             name = \"other\" # keep\n\n[model_providers.hub]\nname = \"hub\"\n"
        );
        assert_eq!(
            get(&made, &["model_providers", "hub", "name"]).as_deref(),
            Some("hub")
        );
        assert!(
            set("model = ", &settings).is_err() && set("model_providers = 1", &settings).is_err()
        );
    }
}
