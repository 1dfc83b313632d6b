//! What the words of an answer rest on, for a client of this dialect.
//!
//! The representation counts the characters of a text part; the wire counts bytes.

use crate::ir::Citation;
use crate::json::{self, Writer};

/// The sources of an alternative, each once, and the segments that they support.
#[derive(Debug, Default)]
pub(super) struct Sources<'c> {
    chunks: Vec<&'c Citation<'c>>,
    supports: Vec<Support>,
}

/// A segment of the answer.
#[derive(Debug)]
struct Support {
    part: u64,
    bytes: (usize, usize),
    text: String,
    chunks: Vec<usize>,
}

impl<'c> Sources<'c> {
    /// Takes what a text cites, which begins `before` bytes into the part of the wire with this index.
    pub(super) fn add(
        &mut self,
        citations: &'c [Citation<'c>],
        text: &str,
        part: u64,
        before: usize,
    ) {
        for citation in citations.iter().filter(|citation| citation.url.is_some()) {
            let mut chunks = self.chunks.iter();
            let known = chunks.position(|known| known.url == citation.url);
            let known = known.unwrap_or_else(|| {
                self.chunks.push(citation);
                self.chunks.len() - 1
            });
            let Some((start, end)) = segment(citation, text) else {
                continue;
            };
            let bytes = (before + start, before + end);
            let mut same = self.supports.iter_mut();
            match same.find(|support| support.part == part && support.bytes == bytes) {
                Some(support) if support.chunks.contains(&known) => {}
                Some(support) => support.chunks.push(known),
                None => self.supports.push(Support {
                    part,
                    bytes,
                    text: text[start..end].to_owned(),
                    chunks: vec![known],
                }),
            }
        }
    }

    /// Writes the member, if there is anything in it.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        if self.chunks.is_empty() {
            return;
        }
        w.object_in("groundingMetadata", |w| {
            w.array_in("groundingChunks", |w| {
                for citation in &self.chunks {
                    w.object(|w| {
                        w.object_in("web", |w| {
                            if let Some(url) = &citation.url {
                                w.str("uri", url);
                            }
                            if let Some(title) = &citation.title {
                                w.str("title", title);
                            }
                        });
                    });
                }
            });
            if !self.supports.is_empty() {
                w.array_in("groundingSupports", |w| {
                    self.supports.iter().for_each(|support| support.write(w));
                });
            }
        });
    }
}

impl Support {
    fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| {
            w.object_in("segment", |w| {
                if self.part > 0 {
                    w.uint("partIndex", self.part);
                }
                w.uint("startIndex", self.bytes.0 as u64);
                w.uint("endIndex", self.bytes.1 as u64);
                w.str("text", &self.text);
            });
            w.array_in("groundingChunkIndices", |w| {
                for chunk in &self.chunks {
                    w.item_raw(itoa::Buffer::new().format(*chunk));
                }
            });
        });
    }
}

/// The bytes of a text that a citation is about. Anthropic's are about all of it; of others that do not say, nothing
/// is known.
fn segment(citation: &Citation<'_>, text: &str) -> Option<(usize, usize)> {
    let Some((start, end)) = citation.span else {
        let tag = json::member(&citation.raw, "type");
        let whole = tag.is_some_and(|tag| tag.ends_with("_location\"")) && !text.is_empty();
        return whole.then_some((0, text.len()));
    };
    let byte = |character: u64| {
        let mut places = text.char_indices().map(|(at, _)| at);
        places.nth(character as usize).unwrap_or(text.len())
    };
    let (start, end) = (byte(start), byte(end));
    (start < end).then_some((start, end))
}
