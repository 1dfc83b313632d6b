//! `docs/translation-matrix.md`: what each pair of dialects emulates or loses, made from the cases.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use translator::Dialect;
use translator::fidelity::Report;

use crate::cases::{self, TARGETS};
use crate::requests::{Product, products};
use crate::snapshots::{difference, is_update};

const HEAD: &str = "# What each pair of dialects keeps\n\n\
This page is made by the tests of the translator (`UPDATE_GOLDEN=1 cargo test -p llm-bridge-translator --test golden`)\n\
from the request cases in `translator/tests/golden/requests`; do not edit it. A row is a case, a column an upstream model.\n\n\
| entry | meaning |\n|---|---|\n\
| T | translated; the report is empty |\n\
| emulated:x | `x` is brought about by other means, without loss |\n\
| degraded:x | `x` is brought about by other means and may differ |\n\
| clamped:x | `x` was moved to the nearest value that the model takes |\n\
| dropped:x | `x` was left out |\n\
| assumed:x | the model is unknown, its abilities were assumed |\n\
| - | the case does not exist in the client's dialect, or is refused |\n\n\
In strict mode a request whose report holds `degraded`, `clamped` or `dropped` is refused instead.\n\
Each code leads to its explanation; [all codes](fidelity/README.md).\n";

fn title(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => "OpenAI Chat Completions",
        Dialect::OpenAiResponses => "OpenAI Responses",
        Dialect::Anthropic => "Anthropic Messages",
        Dialect::Gemini => "Gemini generateContent",
    }
}

fn entry(report: &Report) -> String {
    if report.is_empty() {
        return "T".to_owned();
    }
    let links: Vec<String> = report
        .entries()
        .iter()
        .map(|entry| format!("[{}]({})", entry.code(), entry.doc()))
        .collect();
    links.join(", ")
}

fn page(products: &[Product]) -> String {
    let mut cells: BTreeMap<(Dialect, Dialect, &str, &str), String> = BTreeMap::new();
    for product in products {
        if let Ok(outbound) = &product.result {
            let key = (
                product.from,
                product.to,
                product.case.as_str(),
                product.model,
            );
            cells.insert(key, entry(&outbound.report));
        }
    }
    let mut out = HEAD.to_owned();
    for from in Dialect::ALL {
        for to in Dialect::ALL {
            let models: Vec<&str> = TARGETS
                .iter()
                .filter(|(dialect, _)| *dialect == to)
                .map(|(_, model)| *model)
                .collect();
            let _ = write!(
                out,
                "\n## {} to {}\n\n| case | {} |\n|---|{}\n",
                title(from),
                title(to),
                models.join(" | "),
                "---|".repeat(models.len())
            );
            let mut names: Vec<&str> = products
                .iter()
                .filter(|p| p.from == from && p.to == to)
                .map(|p| p.case.as_str())
                .collect();
            names.dedup();
            for case in names {
                let row: Vec<&str> = models
                    .iter()
                    .map(|model| {
                        cells
                            .get(&(from, to, case, model))
                            .map_or("-", String::as_str)
                    })
                    .collect();
                let _ = writeln!(out, "| {case} | {} |", row.join(" | "));
            }
        }
    }
    out
}

#[test]
fn loss_table_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/translation-matrix.md");
    let page = page(products());
    let old = fs::read_to_string(&file).unwrap_or_default();
    if old == page {
        return;
    }
    assert!(
        is_update(),
        "docs/translation-matrix.md is stale (UPDATE_GOLDEN=1 writes it):\n{}",
        difference(&old, &page)
    );
    fs::create_dir_all(file.parent().expect("a folder")).expect("a writable folder");
    fs::write(&file, page).expect("a writable folder");
}

/// A case that only says hello loses nothing anywhere but sampling, whoever asks whomever.
#[test]
fn a_plain_question_loses_at_most_sampling() {
    for product in products().iter().filter(|product| product.case == "text") {
        let Ok(outbound) = &product.result else {
            continue;
        };
        for entry in outbound
            .report
            .entries()
            .iter()
            .filter(|entry| entry.action.is_loss())
        {
            let sampling = ["temperature", "top_p", "topP"]
                .iter()
                .any(|name| entry.field.ends_with(name));
            assert!(
                sampling,
                "{} {}: {entry}",
                cases::word(product.from),
                product.model
            );
        }
    }
}
