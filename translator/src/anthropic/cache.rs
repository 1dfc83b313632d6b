//! Prompt-cache marks: at most four, longer lives first.

use crate::Dialect;
use crate::fidelity::Report;
use crate::ir::{CacheMark, Kind, Part, Request};
use crate::json::Writer;
use crate::member::Member;
use crate::translate::Target;

/// The service's limit, the automatic mark included.
const MAX_MARKS: usize = 4;
/// Instructions of this many bytes are worth a mark: about the smallest prefix that is cached.
const LONG_INSTRUCTIONS: usize = 4096;

/// Which marks are written. Asked in the order tools, system, messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    /// Marks at the front that are over the limit.
    skip: usize,
    /// All lives are made short because a long one would follow a short one.
    short: bool,
    taken: bool,
    /// The automatic mark behind the whole prompt.
    auto: Option<CacheMark>,
}

impl Marks {
    /// Decides on the marks of a request.
    pub(super) fn plan(request: &Request<'_>, target: &Target<'_>, report: &mut Report) -> Self {
        let none = Self {
            skip: 0,
            short: false,
            taken: false,
            auto: None,
        };
        if !target.capability.cache_marks {
            return none;
        }
        let tools = request.tools.iter().filter_map(|tool| tool.cache);
        let system = request
            .instructions
            .iter()
            .filter(|block| !block.text.is_blank())
            .filter_map(|block| block.cache);
        let turns = request
            .turns
            .iter()
            .flat_map(|turn| &turn.parts)
            .filter_map(part_mark);
        let mut lives: Vec<bool> = tools.chain(system).chain(turns).map(is_long).collect();
        let auto = request.cache.auto.or_else(|| {
            (lives.is_empty() && wants_auto(request, target)).then_some(CacheMark { ttl: None })
        });
        lives.extend(auto.map(is_long));
        let skip = lives.len().saturating_sub(MAX_MARKS);
        let field = Member::Cache.of(request.dialect);
        if skip > 0 {
            report.dropped(field, "only the last four prompt-cache marks are kept");
        }
        let short = lives[skip..].windows(2).any(|pair| !pair[0] && pair[1]);
        if short {
            report.clamped(
                field,
                "an hour may not follow five minutes, so that all marks live five minutes",
            );
        }
        Self {
            skip,
            short,
            taken: true,
            auto,
        }
    }

    /// Writes the mark of a block, if it has one that counts.
    pub(super) fn write(&mut self, w: &mut Writer<'_>, mark: Option<CacheMark>) {
        let Some(mark) = mark.filter(|_| self.taken) else {
            return;
        };
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.write_mark(w, mark);
    }

    /// Writes the automatic mark.
    pub(super) fn write_auto(&self, w: &mut Writer<'_>) {
        if let Some(mark) = self.auto {
            self.write_mark(w, mark);
        }
    }

    fn write_mark(&self, w: &mut Writer<'_>, mark: CacheMark) {
        w.object_in("cache_control", |w| {
            w.str("type", "ephemeral");
            if !self.short && is_long(mark) {
                w.str("ttl", "1h");
            }
        });
    }
}

/// The mark that a part's block carries. Marks inside a tool result move to the result.
pub(super) fn part_mark(part: &Part<'_>) -> Option<CacheMark> {
    match &part.kind {
        Kind::Reasoning { .. } => None,
        Kind::Text { text, .. } | Kind::Refusal(text) if text.is_blank() => None,
        Kind::ToolResult(result) => part
            .cache
            .or_else(|| result.content.iter().rev().find_map(|part| part.cache)),
        _ => part.cache,
    }
}

/// Half an hour is nearer to five minutes in price, half a day to an hour.
fn is_long(mark: CacheMark) -> bool {
    mark.ttl.is_some_and(|seconds| seconds >= 3600)
}

/// Clients whose own dialect caches by itself expect caching.
fn wants_auto(request: &Request<'_>, target: &Target<'_>) -> bool {
    let long = || {
        request
            .instructions
            .iter()
            .map(|block| block.text.len_hint())
            .sum::<usize>()
            >= LONG_INSTRUCTIONS
    };
    target.auto_cache
        && !request.cache.explicit
        && request.dialect != Dialect::Anthropic
        && (!request.tools.is_empty() || request.turns.len() > 1 || long())
}
