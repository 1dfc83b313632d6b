//! Every number has a test, here or in another suite, or a reason, and none has both a test and a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const LAST: u32 = 60;

fn tested() -> BTreeSet<u32> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("this folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(path).expect("text");
            let names = text
                .lines()
                .filter_map(|line| line.trim().split_once("fn attack_"))
                .map(|(_, name)| name);
            found.extend(names.filter_map(|name| name.get(..2)?.parse::<u32>().ok()));
        }
    }
    found
}

/// Tests of other suites, as `path#function`; each must be there.
fn tested_elsewhere() -> BTreeSet<u32> {
    let places: BTreeMap<String, Vec<String>> =
        serde_json::from_str(include_str!("elsewhere.json")).expect("numbers and places");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for place in places.values().flatten() {
        let (path, function) = place.split_once('#').expect("a path and a function");
        let text = std::fs::read_to_string(root.join(path)).expect(path);
        let attribute = text
            .split_once(&format!("fn {function}("))
            .and_then(|(before, _)| {
                before
                    .trim_end()
                    .trim_end_matches("async")
                    .trim_end()
                    .lines()
                    .last()
                    .map(str::trim)
            });
        assert!(
            attribute.is_some_and(|line| line == "#[test]" || line.starts_with("#[tokio::test")),
            "there is no test {place}"
        );
    }
    assert!(places.values().all(|places| !places.is_empty()));
    let numbers = places
        .keys()
        .map(|number| number.parse().expect("a number"));
    numbers.collect()
}

#[test]
fn every_attack_has_a_test_or_a_reason() {
    let waived: BTreeMap<String, String> =
        serde_json::from_str(include_str!("waived.json")).expect("names and reasons");
    let waived: BTreeSet<u32> = waived
        .iter()
        .map(|(number, reason)| {
            assert!(reason.len() > 20, "{number}: {reason}");
            number.parse().expect("a number")
        })
        .collect();
    let listed: BTreeMap<String, String> =
        serde_json::from_str(include_str!("list.json")).expect("numbers and names");
    let listed: BTreeSet<u32> = listed
        .keys()
        .map(|number| number.parse().expect("a number"))
        .collect();
    assert_eq!(listed, (1..=LAST).collect());
    let mut tested = tested();
    tested.extend(tested_elsewhere());
    for number in 1..=LAST {
        assert!(
            tested.contains(&number) != waived.contains(&number),
            "attack {number}: tested {}, waived {}",
            tested.contains(&number),
            waived.contains(&number)
        );
    }
    assert!(tested.iter().all(|number| listed.contains(number)));
}
