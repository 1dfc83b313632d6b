//! Makes a breaking input small before anybody has to read it.

/// The smallest input found, by taking pieces out, that still breaks; tries `budget` inputs at most.
#[must_use]
pub fn reduce(input: &[u8], mut budget: usize, breaks: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut best = input.to_vec();
    let mut size = best.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        let mut smaller = false;
        while at < best.len() {
            if budget == 0 {
                return best;
            }
            budget -= 1;
            let end = (at + size).min(best.len());
            let rest = [&best[..at], &best[end..]].concat();
            if breaks(&rest) {
                best = rest;
                smaller = true;
            } else {
                at = end;
            }
        }
        if !smaller || size > 1 {
            size /= 2;
        }
    }
    best
}

#[test]
fn what_does_not_matter_goes() {
    let breaks = |input: &[u8]| input.contains(&b'x') && input.contains(&b'y');
    assert_eq!(reduce(b"aaaaxbbbbbbbbycccc", 1000, breaks), b"xy");
    assert_eq!(reduce(b"aaaaxbbbbbbbbycccc", 0, breaks).len(), 18);
}
