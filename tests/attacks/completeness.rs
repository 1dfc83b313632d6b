//! Every number has a test or a reason, and none has both.

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
    let tested = tested();
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
