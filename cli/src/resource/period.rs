//! A time to look at: from a moment, or from so long ago, until a moment.

use clap::Args;

use crate::client::Call;
use crate::moment;

/// A time to look at.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Period {
    /// From then on: a moment (RFC 3339, or a date), or how long ago, such as `24h` or `7d`.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(crate) since: Option<When>,
    /// Until then.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(crate) until: Option<When>,
}

/// A moment, or a distance from now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// Milliseconds since 1970.
    At(i64),
    /// Milliseconds ago.
    Ago(i64),
}

impl When {
    fn ms(self, now: i64) -> i64 {
        match self {
            Self::At(ms) => ms,
            Self::Ago(span) => now - span,
        }
    }
}

/// Reads one.
pub(crate) fn when(text: &str) -> Result<When, String> {
    let ago = moment::parse_span(text).map(When::Ago);
    ago.or_else(|| moment::parse(text).map(When::At))
        .ok_or_else(|| {
            "write a moment like 2026-01-31T10:00:00Z, a date, or a time like 24h".to_owned()
        })
}

/// A moment that lies ahead: `90d` is in ninety days.
pub(crate) fn ahead(text: &str) -> Result<i64, String> {
    match when(text)? {
        When::At(ms) => Ok(ms),
        When::Ago(span) => Ok(moment::now_ms() + span),
    }
}

impl Period {
    /// On a call.
    pub(crate) fn on(&self, call: Call) -> Call {
        self.at(call, moment::now_ms())
    }

    fn at(&self, call: Call, now: i64) -> Call {
        let until = self.until.map(|when| when.ms(now));
        // The hub wants both ends or none.
        let until = until.or_else(|| self.since.map(|_| now + 1));
        call.with_some("from", self.since.map(|when| when.ms(now)))
            .with_some("to", until)
    }
}
