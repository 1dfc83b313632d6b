//! Moving a rule among the others: which priorities must change so that it stands where it is wanted.
//!
//! Rules of files keep theirs. Of equal priority, files come first and the others follow by name.

use crate::config::PRIORITIES;

/// A rule in the order of evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// Its name.
    pub name: String,
    /// Its priority.
    pub priority: i64,
    /// It belongs to a file.
    pub is_fixed: bool,
}

/// Room between neighbours when there is enough.
const STEP: i64 = 10;

/// The priorities that change when the rule `name` is put before the one at `index` of the others; `None` when
/// rules of files leave no room.
pub(super) fn moved(order: &[Placed], name: &str, index: usize) -> Option<Vec<(String, i64)>> {
    let mut rest: Vec<Placed> = order
        .iter()
        .filter(|rule| rule.name != name)
        .cloned()
        .collect();
    let moving = order.iter().find(|rule| rule.name == name)?;
    let index = index.min(rest.len());
    let before = index.checked_sub(1).map(|at| rest[at].priority);
    let after = rest.get(index).map(|rule| rule.priority);
    if let Some(priority) = between(before, after).filter(|it| PRIORITIES.contains(it)) {
        let change = (priority != moving.priority).then(|| (name.to_owned(), priority));
        return Some(change.into_iter().collect());
    }
    // No room: all between the nearest rules of files are numbered anew.
    rest.insert(index, moving.clone());
    let first = rest[..index]
        .iter()
        .rposition(|rule| rule.is_fixed)
        .map_or(0, |at| at + 1);
    let last = rest[index..]
        .iter()
        .position(|rule| rule.is_fixed)
        .map_or(rest.len(), |at| index + at);
    let low = first.checked_sub(1).map(|at| rest[at].priority);
    let high = rest.get(last).map(|rule| rule.priority);
    let count = i64::try_from(last - first).ok()?;
    let (start, step) = match (low, high) {
        (None, None) => (STEP, STEP),
        (Some(low), None) => (low.checked_add(STEP)?, STEP),
        (None, Some(high)) => (high.checked_sub(STEP.checked_mul(count)?)?, STEP),
        (Some(low), Some(high)) => {
            let room = high.saturating_sub(low);
            let step = (room / (count + 1)).min(STEP);
            if step == 0 {
                return None;
            }
            (low + step, step)
        }
    };
    let mut changes = Vec::new();
    for (place, rule) in (0_i64..).zip(&rest[first..last]) {
        let priority = start.checked_add(step.checked_mul(place)?)?;
        if !PRIORITIES.contains(&priority) {
            return None;
        }
        if priority != rule.priority {
            changes.push((rule.name.clone(), priority));
        }
    }
    Some(changes)
}

/// A priority strictly between two.
fn between(before: Option<i64>, after: Option<i64>) -> Option<i64> {
    match (before, after) {
        (None, None) => Some(STEP),
        (Some(before), None) => before.checked_add(STEP),
        (None, Some(after)) => after.checked_sub(STEP),
        (Some(before), Some(after)) => {
            // From one end of the numbers to the other there is more room than a number can say.
            let room = after.saturating_sub(before);
            (room >= 2).then(|| before + (room / 2).min(STEP))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(rules: &[(&str, i64, bool)]) -> Vec<Placed> {
        rules
            .iter()
            .map(|&(name, priority, is_fixed)| Placed {
                name: name.to_owned(),
                priority,
                is_fixed,
            })
            .collect()
    }

    fn after(rules: &[Placed], changes: &[(String, i64)]) -> Vec<String> {
        let mut rules = rules.to_vec();
        for rule in &mut rules {
            if let Some((_, priority)) = changes.iter().find(|(name, _)| *name == rule.name) {
                rule.priority = *priority;
            }
        }
        rules.sort_by(|a, b| {
            (a.priority, !a.is_fixed, &a.name).cmp(&(b.priority, !b.is_fixed, &b.name))
        });
        rules.into_iter().map(|rule| rule.name).collect()
    }

    #[test]
    fn a_rule_stands_where_it_was_put() {
        let free = order(&[
            ("a", 100, false),
            ("b", 100, false),
            ("c", 100, false),
            ("d", 200, false),
        ]);
        for (name, index, want) in [
            ("c", 0, ["c", "a", "b", "d"]),
            ("a", 1, ["b", "a", "c", "d"]),
            ("a", 3, ["b", "c", "d", "a"]),
            ("d", 1, ["a", "d", "b", "c"]),
            ("b", 1, ["a", "b", "c", "d"]),
        ] {
            let changes = moved(&free, name, index).expect("room");
            assert_eq!(
                after(&free, &changes),
                want,
                "{name} to {index}: {changes:?}"
            );
        }
    }

    #[test]
    fn rules_of_files_keep_their_priority() {
        let tight = order(&[
            ("f", 10, true),
            ("a", 11, false),
            ("g", 12, true),
            ("b", 50, false),
        ]);
        assert_eq!(moved(&tight, "b", 1), None, "no room between f and g");
        let some = order(&[
            ("f", 10, true),
            ("a", 11, false),
            ("g", 20, true),
            ("b", 50, false),
        ]);
        let changes = moved(&some, "b", 1).expect("room");
        assert_eq!(after(&some, &changes), ["f", "b", "a", "g"], "{changes:?}");
        assert!(changes.iter().all(|(name, _)| name == "a" || name == "b"));
    }

    #[test]
    fn between_far_ends_there_is_room() {
        let ends = order(&[
            ("f", -3, true),
            ("a", 50, false),
            ("demo", *PRIORITIES.end(), true),
            ("more", *PRIORITIES.end(), true),
        ]);
        assert_eq!(moved(&ends, "a", 1), Some(vec![("a".to_owned(), 7)]));
        assert_eq!(moved(&ends, "a", 2), None, "none between two alike");
        assert_eq!(moved(&ends, "a", 3), None, "none behind the last");
    }
}
