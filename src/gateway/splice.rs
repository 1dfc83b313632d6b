//! Targeted edits of a JSON document: everything that is not edited stays byte for byte.

use std::ops::Range;

use bytes::Bytes;

use crate::upstream::Pieces;

/// Edits to be made in one pass.
#[derive(Debug, Default)]
pub(super) struct Edits {
    edits: Vec<(Range<usize>, Vec<u8>)>,
}

impl Edits {
    /// Puts other bytes in the place of a range. Ranges must not overlap.
    pub(super) fn replace(&mut self, range: Range<usize>, with: impl Into<Vec<u8>>) {
        self.edits.push((range, with.into()));
    }

    /// Puts a member in front of the first one. `inside` is the place behind the brace.
    pub(super) fn insert(&mut self, inside: usize, name: &str, value: &[u8], empty: bool) {
        let mut member = Vec::with_capacity(name.len() + value.len() + 4);
        translator::json::escape_into(name, &mut member);
        member.push(b':');
        member.extend_from_slice(value);
        if !empty {
            member.push(b',');
        }
        self.edits.push((inside..inside, member));
    }

    /// The document with all edits, which stand between slices of it.
    pub(super) fn apply(mut self, document: &Bytes) -> Pieces {
        // Stable: insertions at one place stay in order.
        self.edits.sort_by_key(|(range, _)| range.start);
        let mut out = Vec::with_capacity(2 * self.edits.len() + 1);
        let mut at = 0;
        for (range, with) in self.edits {
            out.push(document.slice(at..range.start));
            out.push(Bytes::from(with));
            at = range.end;
        }
        out.push(document.slice(at..));
        out.into_iter().collect()
    }
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    translator::json::escape_into(text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_stays_as_it_was() {
        let document = Bytes::from_static(br#"{ "model" : "a" , "x":1.0}"#);
        let mut edits = Edits::default();
        edits.replace(12..15, quoted("b\""));
        edits.insert(1, "s", b"true", false);
        edits.insert(1, "t", b"0", false);
        assert_eq!(
            &edits.apply(&document).whole()[..],
            br#"{"s":true,"t":0, "model" : "b\"" , "x":1.0}"#
        );
        assert_eq!(
            Edits::default().apply(&document).whole().as_ptr(),
            document.as_ptr()
        );
    }
}
