//! The inventory of everything that a report can say, as data.
//!
//! `data/losses.json` explains each code: what happens, why, and what a client or an operator can do about it.
//! The pages in `docs/fidelity` are made from it. It must never know how something is translated.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::fidelity::{Action, Entry};

/// What the codes of one kind mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// What is done.
    pub action: Action,
    /// To which member, in the spellings of all dialects that have it.
    pub members: Vec<String>,
    /// The page that explains it.
    pub page: String,
    /// What happens.
    pub what: String,
    /// Why it has to.
    pub why: String,
    /// What a client can do.
    pub client: String,
    /// What an operator can do.
    pub operator: String,
}

impl Loss {
    /// The codes that mean this.
    pub fn codes(&self) -> impl Iterator<Item = String> {
        self.members
            .iter()
            .map(|member| format!("{}:{member}", self.action.as_str()))
    }
}

/// A page on a group of members.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Its name in addresses.
    pub page: String,
    /// Its title.
    pub title: String,
}

/// Pages and losses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// The pages, in reading order.
    pub pages: Vec<Page>,
    /// The losses, in reading order.
    pub losses: Vec<Loss>,
}

/// The inventory.
#[must_use]
pub fn inventory() -> &'static Inventory {
    static INVENTORY: OnceLock<Inventory> = OnceLock::new();
    INVENTORY.get_or_init(|| {
        serde_json::from_str(include_str!("../data/losses.json"))
            .expect("the built-in inventory is checked by tests")
    })
}

/// What an entry of a report means; `None` would be a hole in the inventory.
#[must_use]
pub fn find(action: Action, member: &str) -> Option<&'static Loss> {
    type Index = HashMap<(Action, &'static str), &'static Loss>;
    static INDEX: OnceLock<Index> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let losses = &inventory().losses;
        losses
            .iter()
            .flat_map(|loss| {
                loss.members
                    .iter()
                    .map(move |name| ((loss.action, name.as_str()), loss))
            })
            .collect()
    });
    index.get(&(action, member)).copied()
}

impl Entry {
    /// Where the documentation explains the entry, below `docs/`: `fidelity/sampling.md#dropped-top_k`.
    #[must_use]
    pub fn doc(&self) -> String {
        let page = find(self.action, &self.field).map_or("README", |loss| loss.page.as_str());
        format!("fidelity/{page}.md#{}", anchor(&self.code()))
    }
}

/// The place of a code in its page.
#[must_use]
pub fn anchor(code: &str) -> String {
    code.replace(':', "-")
}
