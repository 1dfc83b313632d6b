//! An `app.yml` in the making: settings, lists of providers and routes, and remarks beside each. Writes them as YAML in
//! which the remarks are comments.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::secret;

/// A provider, a route or a client key, with what could not be carried over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// As it stands in the file.
    pub(crate) value: Map<String, Value>,
    /// What somebody has to know.
    pub(crate) remarks: Vec<String>,
}

impl Entry {
    /// One of this name.
    pub(super) fn named(name: &str) -> Self {
        let mut entry = Self::default();
        entry.set("name", Some(name));
        entry
    }

    /// Sets a member, where there is a value.
    pub(super) fn set(&mut self, member: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.value.insert(member.to_owned(), value.into());
        }
    }

    /// What somebody has to know.
    pub(super) fn remark(&mut self, words: impl Into<String>) {
        let words = words.into();
        if !self.remarks.contains(&words) {
            self.remarks.push(words);
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.value["name"].as_str().unwrap_or_default()
    }

    /// Lists a model, once.
    pub(super) fn list(&mut self, list: &str, model: &str) {
        let models = self.value.entry("models").or_insert_with(|| json!({}));
        let is_there = models.as_object().is_some_and(|lists| {
            lists.values().any(|list| {
                list.as_array()
                    .is_some_and(|list| list.contains(&json!(model)))
            })
        });
        if !is_there {
            match models[list].as_array_mut() {
                Some(list) => list.push(json!(model)),
                None => models[list] = json!([model]),
            }
        }
    }
}

/// An `app.yml` in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// Single settings.
    pub(super) settings: Map<String, Value>,
    /// `CLIENT_KEYS`.
    pub(super) client_keys: Vec<Entry>,
    /// `PROVIDERS`.
    pub(super) providers: Vec<Entry>,
    /// `ROUTES`.
    pub(super) routes: Vec<Entry>,
    /// What belongs to none of them.
    pub(crate) remarks: Vec<String>,
}

impl Draft {
    /// What somebody has to know.
    pub(super) fn remark(&mut self, words: impl Into<String>) {
        let words = words.into();
        if !self.remarks.contains(&words) {
            self.remarks.push(words);
        }
    }

    /// A name that no provider has yet, made of what is legal in one.
    pub(super) fn free_name(&self, wish: &str) -> String {
        let legal: String = wish
            .trim()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .take(56)
            .collect();
        let base = legal.trim_matches('-');
        let base = if base.is_empty() { "provider" } else { base };
        let taken: BTreeSet<&str> = self.providers.iter().map(Entry::name).collect();
        if !taken.contains(base) {
            return base.to_owned();
        }
        let mut number = 2;
        loop {
            let name = format!("{base}-{number}");
            if !taken.contains(name.as_str()) {
                return name;
            }
            number += 1;
        }
    }

    /// Adds a route, under a name that is free and that a header can carry.
    pub(super) fn route(&mut self, wish: &str, mut route: Entry) {
        let legal: String = wish
            .chars()
            .map(|c| {
                if c.is_ascii_graphic() || c == ' ' {
                    c
                } else {
                    '-'
                }
            })
            .take(100)
            .collect();
        let mut name = legal.clone();
        let mut number = 2;
        while self.routes.iter().any(|route| route.name() == name) {
            name = format!("{legal} {number}");
            number += 1;
        }
        let mut value = Map::new();
        value.insert("name".to_owned(), json!(name));
        // Rules are looked at in the order of the file.
        value.insert("priority".to_owned(), json!((self.routes.len() + 1) * 10));
        value.append(&mut route.value);
        route.value = value;
        self.routes.push(route);
    }

    /// How many remarks there are in all.
    pub(crate) fn remarks(&self) -> usize {
        let of = |entries: &[Entry]| {
            entries
                .iter()
                .map(|entry| entry.remarks.len())
                .sum::<usize>()
        };
        self.remarks.len() + of(&self.client_keys) + of(&self.providers) + of(&self.routes)
    }

    /// Whether a key stands in it as it is.
    pub(crate) fn has_secret(&self) -> bool {
        let entries = [&self.client_keys, &self.providers, &self.routes];
        let values = entries.into_iter().flatten().map(|entry| &entry.value);
        values
            .chain([&self.settings])
            .any(|members| secret::is_in(&Value::Object(members.clone())))
    }

    /// The file.
    ///
    /// # Errors
    /// Never, but the writer of YAML could.
    pub(crate) fn yaml(&self, origin: &str) -> Result<String, serde_yaml::Error> {
        let mut out = format!("# Written from a configuration of {origin}.\n");
        for remark in &self.remarks {
            comment(&mut out, "", remark);
        }
        if !self.settings.is_empty() {
            out.push('\n');
            out.push_str(&serde_yaml::to_string(&self.settings)?);
        }
        for (name, entries) in [
            ("CLIENT_KEYS", &self.client_keys),
            ("PROVIDERS", &self.providers),
            ("ROUTES", &self.routes),
        ] {
            if entries.is_empty() {
                continue;
            }
            out.push_str(&format!("\n{name}:\n"));
            for entry in entries {
                for remark in &entry.remarks {
                    comment(&mut out, "  ", remark);
                }
                for line in serde_yaml::to_string(&[&entry.value])?.lines() {
                    out.push_str("  ");
                    out.push_str(line);
                    out.push('\n');
                }
            }
        }
        Ok(out)
    }
}

/// A remark as a comment; what comes from a foreign file must not end it.
fn comment(out: &mut String, indent: &str, remark: &str) {
    let words: String = remark
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    out.push_str(&format!("{indent}# not carried over: {words}\n"));
}

/// A value as `app.yml` reads it: `${` is a reference there.
pub(super) fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_seen_wherever_it_stands() {
        let secrets = [
            json!({"api_key": "k"}),
            json!({"keys": ["${A}", "k"]}),
            json!({"keys": [{"key": "k", "weight": 2}]}),
            json!({"headers": {"x-goog-api-key": "k"}}),
            json!({"headers": {"Authorization": "Bearer k"}}),
            json!({"proxy": "http://me:word@proxy:3128"}),
            json!({"base_url": "https://host/v1?key=k"}),
        ];
        let draft = |value: &Value| Draft {
            providers: vec![Entry {
                value: value.as_object().cloned().unwrap_or_default(),
                ..Entry::default()
            }],
            ..Draft::default()
        };
        for value in &secrets {
            assert!(draft(value).has_secret(), "{value}");
        }
        let open = json!({"api_key": "${A}", "keys": ["${B}"], "headers": {"authorization": "Bearer ${C}"},
            "base_url": "https://host/v1", "proxy": "http://${U}:${P}@proxy:3128", "auth_header": "x-api-key",
            "auth_format": "Bearer {key}"});
        assert!(!draft(&open).has_secret());
    }
}
