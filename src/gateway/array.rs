//! A Gemini stream as a JSON list, for clients that do not ask for events.

/// Writes the elements of a list as they come.
#[derive(Debug, Default)]
pub(super) struct ArrayFrames {
    begun: bool,
    ended: bool,
}

impl ArrayFrames {
    /// Appends an element.
    pub(super) fn push(&mut self, json: &str, out: &mut Vec<u8>) {
        if self.ended || json.is_empty() {
            return;
        }
        out.extend_from_slice(if self.begun { b",\r\n" } else { b"[" });
        self.begun = true;
        out.extend_from_slice(json.as_bytes());
    }

    /// Closes the list.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        if !self.ended {
            out.extend_from_slice(if self.begun { b"]" } else { b"[]" });
            self.ended = true;
        }
    }
}
