//! What a text rests on: sources, and the segments of the text that they support.
//!
//! The wire counts the bytes of one of its parts; the representation counts the characters of a text, into which
//! several parts of the wire may have grown together. A source whose segment cannot be found is named for the whole
//! text.

use super::wire_response::{Grounding, GroundingChunk};
use crate::ir::{Citation, into_string};
use crate::json::{self, Writer};
use crate::wire::{self, Number};

/// A source with the segment that it supports.
#[derive(Debug)]
struct Support {
    /// The part of the wire that the segment lies in.
    part: u64,
    bytes: Option<(usize, usize)>,
    citation: Citation<'static>,
}

/// Sources that are not named yet.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<Support>);

impl Sources {
    /// Reads the sources: each with each segment that it supports, then those that support none.
    pub(super) fn read(grounding: &Grounding<'_>) -> Self {
        let chunks = grounding.chunks.as_deref().unwrap_or_default();
        let sources: Vec<Option<Citation<'static>>> =
            chunks.iter().map(|raw| source(raw.get())).collect();
        let mut used = vec![false; sources.len()];
        let mut out = Vec::new();
        for support in grounding.supports.iter().flatten() {
            let segment = support.segment.as_ref();
            let place = |number: Option<Number>| number.and_then(Number::as_u64);
            let end = segment.and_then(|segment| place(segment.end));
            let bytes = end.map(|end| {
                let start = segment.and_then(|segment| place(segment.start));
                (start.unwrap_or(0) as usize, end as usize)
            });
            let quote = segment.and_then(|segment| segment.text.as_ref());
            for &index in support.chunks.iter().flatten() {
                let Some(Some(source)) = sources.get(index as usize) else {
                    continue;
                };
                used[index as usize] = true;
                out.push(Support {
                    part: segment.and_then(|segment| place(segment.part)).unwrap_or(0),
                    bytes,
                    citation: Citation {
                        quote: quote.map(|text| text.as_str().into_owned().into()),
                        ..source.clone()
                    },
                });
            }
        }
        let unused = sources.into_iter().zip(used);
        out.extend(
            unused
                .filter_map(|(source, used)| source.filter(|_| !used))
                .map(|citation| Support {
                    part: 0,
                    bytes: None,
                    citation,
                }),
        );
        Self(out)
    }
}

fn source(raw: &str) -> Option<Citation<'static>> {
    let source: GroundingChunk<'_> = wire::parse(raw.as_bytes()).ok()?;
    let web = source.web.or(source.retrieved).or(source.maps)?;
    let citation = Citation {
        url: web.uri.map(|uri| uri.0),
        title: web.title.map(|title| title.0),
        raw: raw.into(),
        ..Citation::default()
    };
    Some(citation.into_owned())
}

/// The step that a search was, as a part of the wire would say it: what was looked for, and what was found.
/// `None` when nothing was looked for.
pub(super) fn search(grounding: &Grounding<'_>) -> Option<(String, String)> {
    let queries = grounding.queries.as_ref()?;
    let words: Vec<String> = queries
        .iter()
        .map(|query| query.as_str().to_owned())
        .filter(|query| !query.is_empty())
        .collect();
    if words.is_empty() {
        return None;
    }
    let mut raw = Vec::new();
    Writer::new(&mut raw).object(|w| {
        w.array_in("webSearchQueries", |w| {
            words.iter().for_each(|query| w.item_str(query));
        });
        w.array_in("groundingChunks", |w| {
            for chunk in grounding.chunks.iter().flatten() {
                w.item_raw(&json::compact(chunk.get()));
            }
        });
    });
    let summary = format!("[web search: {}]", words.join("; "));
    Some((summary, into_string(raw)))
}

/// The words of a text part, to find segments in.
#[derive(Debug, Default)]
pub(super) struct Words {
    text: String,
    /// Where parts of the wire begin in it.
    pieces: Vec<(u64, usize)>,
    /// What was named already: some servers repeat all sources with every chunk.
    cited: Vec<Citation<'static>>,
}

impl Words {
    /// Words come in the part of the wire with this index.
    pub(super) fn add(&mut self, part: u64, text: &str) {
        if !self.pieces.iter().any(|(index, _)| *index == part) {
            self.pieces.push((part, self.text.len()));
        }
        self.text.push_str(text);
    }

    /// Takes out the sources whose segments lie in a part of the wire that these words came in.
    pub(super) fn own(&mut self, sources: &mut Sources) -> Vec<Citation<'static>> {
        let mine = sources.0.extract_if(.., |support| {
            self.own_place(support)
                .map(|span| support.citation.span = Some(span))
                .is_some()
        });
        let mine = mine.map(|support| support.citation).collect();
        self.news(mine)
    }

    /// Takes out all sources.
    pub(super) fn all(&mut self, sources: &mut Sources) -> Vec<Citation<'static>> {
        let all = std::mem::take(&mut sources.0).into_iter();
        let all = all.map(|support| Citation {
            span: self.place(&support),
            ..support.citation
        });
        let all = all.collect();
        self.news(all)
    }

    fn news(&mut self, mut citations: Vec<Citation<'static>>) -> Vec<Citation<'static>> {
        citations.retain(|citation| {
            let new = !self.cited.contains(citation);
            if new {
                self.cited.push(citation.clone());
            }
            new
        });
        citations
    }

    fn own_place(&self, support: &Support) -> Option<(u64, u64)> {
        let piece = self.pieces.iter().find(|(part, _)| *part == support.part)?;
        self.span(support, piece.1)
    }

    /// By the part, else in all of the words (streams cut parts as they like), else where the quoted words stand.
    fn place(&self, support: &Support) -> Option<(u64, u64)> {
        self.own_place(support)
            .or_else(|| self.span(support, 0))
            .or_else(|| {
                let quote = support.citation.quote.as_deref()?;
                let mut places = self.text.match_indices(quote);
                let (at, _) = places.next().filter(|_| !quote.is_empty())?;
                let once = places.next().is_none();
                once.then(|| self.characters(at, at + quote.len()))
            })
    }

    /// The segment counted from there, if it is what is quoted.
    fn span(&self, support: &Support, base: usize) -> Option<(u64, u64)> {
        let (start, end) = support.bytes?;
        let (start, end) = (base.checked_add(start)?, base.checked_add(end)?);
        let words = self.text.get(start..end).filter(|text| !text.is_empty())?;
        let quote = support.citation.quote.as_deref().unwrap_or_default();
        (quote.is_empty() || quote == words).then(|| self.characters(start, end))
    }

    fn characters(&self, start: usize, end: usize) -> (u64, u64) {
        let before = self.text[..start].chars().count() as u64;
        (
            before,
            before + self.text[start..end].chars().count() as u64,
        )
    }
}
