//! The inventory of codes: complete, used, and explained on pages that are made from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use translator::fidelity::Action;
use translator::losses::{self, Loss, anchor, inventory};
use translator::member::Member;

use crate::cases;
use crate::requests::products;
use crate::snapshots::{difference, is_update};
use crate::sources::{self, Names};

/// All codes of the inventory.
fn known() -> BTreeSet<String> {
    inventory().losses.iter().flat_map(Loss::codes).collect()
}

/// The codes of the golden runs, with the first product that has them.
fn seen() -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    for product in products() {
        for entry in product
            .result
            .iter()
            .flat_map(|outbound| outbound.report.entries())
        {
            seen.entry(entry.code()).or_insert_with(|| product.name());
        }
    }
    seen
}

fn spellings(name: &str) -> Vec<&'static str> {
    let member = Member::ALL
        .into_iter()
        .find(|member| sources::name_of(*member) == name);
    member
        .map(|member| member.spellings().collect())
        .unwrap_or_default()
}

#[test]
fn every_code_of_the_golden_runs_is_in_the_inventory() {
    let known = known();
    let holes: Vec<_> = seen()
        .into_iter()
        .filter(|(code, _)| !known.contains(code))
        .collect();
    assert!(holes.is_empty(), "not in data/losses.json: {holes:#?}");
}

/// The snapshots on disk are what users of the repository read.
#[test]
fn every_code_of_the_snapshots_is_in_the_inventory() {
    let known = known();
    let mut looked_at = 0;
    for product in products() {
        let file = cases::root().join(format!("snapshots/requests/{}.json", product.name()));
        let snapshot: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&file).expect("a snapshot"))
                .expect("a JSON snapshot");
        for code in snapshot["report"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_str)
        {
            assert!(
                known.contains(code),
                "{}: {code} is not in data/losses.json",
                file.display()
            );
            looked_at += 1;
        }
    }
    assert!(looked_at > 100, "only {looked_at} codes");
}

#[test]
fn every_member_that_the_source_reports_is_in_the_inventory() {
    let known = known();
    let calls = sources::calls();
    assert!(calls.len() > 100, "only {} calls found", calls.len());
    for call in calls {
        match &call.names {
            Names::Literal(literal) => {
                panic!(
                    "{}: {literal:?} is one dialect's spelling; name it by Member",
                    call.place
                )
            }
            // A spelling that the inventory leaves out belongs to a dialect that cannot say it.
            Names::Member(name) => {
                let listed = spellings(name)
                    .into_iter()
                    .any(|name| known.contains(&format!("{}:{name}", call.action)));
                assert!(
                    listed,
                    "{}: no {} of {name} in data/losses.json",
                    call.place, call.action
                );
            }
            Names::Possible(names) => {
                let listed = |name: &&str| {
                    spellings(name)
                        .into_iter()
                        .any(|name| known.contains(&format!("{}:{name}", call.action)))
                };
                assert!(
                    names.is_empty() || names.iter().any(listed),
                    "{}: no {} of any of {names:?} in data/losses.json",
                    call.place,
                    call.action
                );
            }
        }
    }
}

#[test]
fn every_code_of_the_inventory_is_used() {
    let mut used: BTreeSet<String> = seen().into_keys().collect();
    for call in sources::calls() {
        let names = match call.names {
            Names::Literal(literal) => vec![literal],
            Names::Member(name) => spellings(name).into_iter().map(str::to_owned).collect(),
            Names::Possible(names) => names
                .into_iter()
                .flat_map(spellings)
                .map(str::to_owned)
                .collect(),
        };
        used.extend(
            names
                .into_iter()
                .map(|name| format!("{}:{name}", call.action)),
        );
    }
    let words = sources::decoded_words();
    let unused: Vec<String> = known()
        .into_iter()
        .filter(|code| !used.contains(code))
        .filter(|code| {
            // Members that only one dialect has: a decoder keeps them by their full name, or by the last part of it.
            let kept = code.strip_prefix("dropped:").unwrap_or("");
            let last = kept.rsplit('.').next().unwrap_or("");
            !(words.contains(kept) || !last.is_empty() && words.contains(last))
        })
        .collect();
    assert!(unused.is_empty(), "nothing emits {unused:#?}");
}

#[test]
fn the_inventory_is_sound() {
    let mut codes = BTreeSet::new();
    for loss in &inventory().losses {
        assert!(
            inventory().pages.iter().any(|page| page.page == loss.page),
            "{} has no page",
            loss.page
        );
        assert!(!loss.members.is_empty());
        for text in [&loss.what, &loss.why, &loss.client, &loss.operator] {
            assert!(text.ends_with('.'), "{text:?} is no sentence");
        }
        for code in loss.codes() {
            assert!(codes.insert(code.clone()), "{code} is there twice");
        }
        for member in &loss.members {
            assert!(losses::find(loss.action, member).is_some());
        }
    }
    for page in &inventory().pages {
        assert!(
            inventory().losses.iter().any(|loss| loss.page == page.page),
            "{} explains nothing",
            page.page
        );
    }
    assert!(losses::find(Action::Dropped, "no_such_member").is_none());
}

const MADE: &str = "This page is made from `translator/data/losses.json` by the tests of the translator\n\
(`UPDATE_GOLDEN=1 cargo test -p llm-bridge-translator --test golden`); do not edit it.\n";

fn index() -> String {
    let mut out = format!(
        "# Fidelity codes\n\n{MADE}\nA code is `action:member`; [what the actions mean](../fidelity.md), \
         [which pair of dialects has which](../translation-matrix.md).\n"
    );
    for page in &inventory().pages {
        let _ = write!(out, "\n## [{}]({}.md)\n\n", page.title, page.page);
        for loss in inventory()
            .losses
            .iter()
            .filter(|loss| loss.page == page.page)
        {
            let _ = writeln!(out, "- {}: {}", links(loss, &page.page), loss.what);
        }
    }
    out
}

fn links(loss: &Loss, page: &str) -> String {
    let links: Vec<String> = loss
        .codes()
        .map(|code| format!("[`{code}`]({page}.md#{})", anchor(&code)))
        .collect();
    links.join(", ")
}

fn page(name: &str, title: &str) -> String {
    let mut out = format!("# {title}\n\n{MADE}\n[All codes](README.md)\n");
    for loss in inventory().losses.iter().filter(|loss| loss.page == name) {
        let mut word = loss.action.as_str().to_owned();
        word[..1].make_ascii_uppercase();
        let member = loss.members.first().map_or("", String::as_str);
        out.push('\n');
        for code in loss.codes() {
            let _ = write!(out, "<a id=\"{}\"></a>", anchor(&code));
        }
        let codes: Vec<String> = loss.codes().map(|code| format!("`{code}`")).collect();
        let strict = if loss.action.is_loss() {
            "refused"
        } else {
            "allowed"
        };
        let _ = write!(
            out,
            "\n## {word}: {member}\n\n{}\n\n{}\n\n| | |\n|---|---|\n| why | {} |\n| a client can | {} |\n\
             | an operator can | {} |\n| in strict mode | {strict} |\n",
            codes.join(" · "),
            loss.what,
            loss.why,
            loss.client,
            loss.operator
        );
    }
    out
}

#[test]
fn the_pages_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fidelity");
    let mut pages = vec![("README".to_owned(), index())];
    pages.extend(
        inventory()
            .pages
            .iter()
            .map(|one| (one.page.clone(), page(&one.page, &one.title))),
    );
    for (name, text) in &pages {
        let file = folder.join(format!("{name}.md"));
        let old = fs::read_to_string(&file).unwrap_or_default();
        if old == *text {
            continue;
        }
        assert!(
            is_update(),
            "{} is stale (UPDATE_GOLDEN=1 writes it):\n{}",
            file.display(),
            difference(&old, text)
        );
        fs::create_dir_all(&folder).expect("a writable folder");
        fs::write(&file, text).expect("a writable folder");
    }
    for entry in fs::read_dir(&folder)
        .expect("the folder is there")
        .flatten()
    {
        let name = entry
            .path()
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        assert!(
            pages.iter().any(|(page, _)| *page == name),
            "{} belongs to no page",
            entry.path().display()
        );
    }
}

/// Every link of the loss table leads to an anchor of a page.
#[test]
fn the_loss_table_leads_somewhere() {
    let mut links = BTreeSet::new();
    for product in products() {
        for entry in product
            .result
            .iter()
            .flat_map(|outbound| outbound.report.entries())
        {
            links.insert(entry.doc());
        }
    }
    assert!(links.len() > 50, "only {} links", links.len());
    for link in links {
        let (file, place) = link.split_once('#').expect("a place in a page");
        let name = file
            .strip_prefix("fidelity/")
            .and_then(|file| file.strip_suffix(".md"))
            .expect("a page");
        let title = inventory()
            .pages
            .iter()
            .find(|page| page.page == name)
            .map(|page| page.title.as_str());
        let text = page(name, title.unwrap_or_default());
        assert!(
            text.contains(&format!("<a id=\"{place}\"></a>")),
            "{link} leads nowhere"
        );
    }
}
