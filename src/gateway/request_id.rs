//! Names of requests. Later ones sort after earlier ones, so that a database appends them to its indexes where names
//! drawn at random would touch a page each.

use translator::ident::Ids;

/// Digits of a time: until the year 8900.
const TIME: usize = 8;
/// In the order in which databases sort.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX: &str = "req_";

/// A name for a request that comes at this time, in milliseconds since 1970: prefix, time, and 16 random characters.
pub(super) fn new(at_ms: u64) -> String {
    let mut name = Ids::new(fastrand::u128(..)).next(PREFIX);
    name.replace_range(PREFIX.len()..PREFIX.len() + TIME, &time(at_ms));
    name
}

fn time(mut at_ms: u64) -> String {
    let mut digits = [DIGITS[0]; TIME];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(at_ms % 62) as usize];
        at_ms /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_are_never_alike() {
        let mut before = new(0);
        for at_ms in [1, 61, 62, 1_795_262_400_000, 1_795_262_400_001] {
            let name = new(at_ms);
            assert!(before < name, "{before} {name}");
            assert_eq!(name.len(), 28);
            assert_ne!(name, new(at_ms));
            before = name;
        }
    }
}
