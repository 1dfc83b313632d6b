//! Requests in long answers: as they happen, and many at once. Nothing is gathered in memory.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use poem::Body;
use poem_openapi::payload::Binary;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{ApiResponse, Enum, ResponseContent};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout, timeout_at};

use super::problem::{Answer, Problem};
use super::requests::RequestRow;
use crate::ledger;
use crate::store::Store;
use crate::store::entities::request::Model;
use crate::store::request_list::{Cursor, RequestFilter};

/// A sign of life on a stream without news.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream outlives no session by more than this.
const LIFE: Duration = Duration::from_secs(900);
/// Rows that are read at once.
const PAGE: u64 = 500;
/// Rows of an export when nobody says, and at most.
const USUAL: u64 = 100_000;
const MOST: u64 = 5_000_000;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub(super) enum Format {
    /// One JSON document per line.
    Jsonl,
    /// One line per request under a line of names.
    Csv,
}

/// Requests as they end.
#[derive(ApiResponse)]
pub(super) enum Tail {
    /// Server-sent events.
    #[oai(status = 200, content_type = "text/event-stream")]
    Events(
        Binary<Body>,
        #[oai(header = "Cache-Control")] String,
        #[oai(header = "X-Accel-Buffering")] String,
    ),
}

/// Many requests.
#[derive(ApiResponse)]
pub(super) enum Export {
    /// The rows, and what to call the file.
    #[oai(status = 200)]
    Rows(Rows, #[oai(header = "Content-Disposition")] String),
}

/// Rows in one of the forms of an export.
#[derive(ResponseContent)]
pub(super) enum Rows {
    /// One JSON document per line.
    #[oai(content_type = "application/x-ndjson")]
    Jsonl(Binary<Body>),
    /// One line per request under a line of names.
    #[oai(content_type = "text/csv; charset=utf-8")]
    Csv(Binary<Body>),
}

/// Which requests somebody watches.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    /// Of one owner alone.
    pub(super) owner: Option<String>,
    /// Those alone that did not go well.
    pub(super) errors: bool,
    /// Of one provider.
    pub(super) provider: Option<String>,
    /// Of one model, asked for or served.
    pub(super) model: Option<String>,
    /// Of one client key.
    pub(super) client_key_id: Option<String>,
}

impl Watched {
    fn holds(&self, row: &Model) -> bool {
        let same = |wanted: &Option<String>, is: &Option<String>| {
            wanted.is_none() || wanted.as_deref() == is.as_deref()
        };
        same(&self.owner, &row.owner_id)
            && same(&self.provider, &row.provider)
            && same(&self.client_key_id, &row.client_key_id)
            && self.model.as_ref().is_none_or(|model| {
                *model == row.model_asked || row.model_served.as_ref() == Some(model)
            })
            && (!self.errors || row.outcome != "ok")
    }
}

/// Requests as they end, one frame per event.
pub(super) fn tail(from: &ledger::Tail, watched: Watched) -> Answer<Tail> {
    let inbox = from
        .watch()
        .ok_or_else(|| Problem::too_many(30, "too many watch already; try again later"))?;
    let end = Instant::now() + LIFE;
    let first = (inbox, watched, true);
    let frames = stream::unfold(first, move |(mut inbox, watched, is_new)| async move {
        // A proxy passes the head on with the first bytes.
        let frame = if is_new {
            Some(": watching\n\n".to_owned())
        } else {
            timeout_at(end, event(&mut inbox, &watched))
                .await
                .ok()
                .flatten()
        };
        let frame = bytes::Bytes::from(frame?);
        Some((Ok::<_, std::io::Error>(frame), (inbox, watched, false)))
    });
    Ok(Tail::Events(
        Binary(Body::from_bytes_stream(frames)),
        "no-cache".to_owned(),
        "no".to_owned(),
    ))
}

/// The next event, or a sign of life. None when the hub stops.
async fn event(inbox: &mut Receiver<Arc<Model>>, watched: &Watched) -> Option<String> {
    let beat = Instant::now() + HEARTBEAT;
    loop {
        match timeout_at(beat, inbox.recv()).await {
            Err(_) => return Some(": alive\n\n".to_owned()),
            Ok(Err(RecvError::Closed)) => return None,
            Ok(Err(RecvError::Lagged(count))) => {
                return Some(format!("event: missed\ndata: {{\"count\":{count}}}\n\n"));
            }
            Ok(Ok(row)) if watched.holds(&row) => {
                let row = RequestRow::from(Model::clone(&row)).to_json_string();
                return Some(format!("event: request\ndata: {row}\n\n"));
            }
            Ok(Ok(_)) => {}
        }
    }
}

/// Where an export is.
struct Progress {
    store: Store,
    filter: RequestFilter,
    format: Format,
    after: Option<Cursor>,
    left: u64,
    is_over: bool,
    has_names: bool,
}

/// Many requests, page by page.
pub(super) fn export(
    store: Store,
    filter: RequestFilter,
    format: Format,
    limit: Option<u64>,
) -> Export {
    let progress = Progress {
        store,
        filter,
        format,
        after: None,
        left: limit.unwrap_or(USUAL).clamp(1, MOST),
        is_over: false,
        has_names: false,
    };
    let pages = stream::unfold(progress, |mut progress| async move {
        if progress.is_over {
            return None;
        }
        let page = progress.page().await;
        progress.is_over |= page.is_err();
        Some((page, progress))
    });
    let body = Binary(Body::from_bytes_stream(pages));
    let named = |end: &str| format!("attachment; filename=\"requests.{end}\"");
    match format {
        Format::Jsonl => Export::Rows(Rows::Jsonl(body), named("jsonl")),
        Format::Csv => Export::Rows(Rows::Csv(body), named("csv")),
    }
}

impl Progress {
    /// The next page. An error breaks the answer off, so that nobody takes a part for the whole.
    async fn page(&mut self) -> Result<bytes::Bytes, std::io::Error> {
        let most = self.left.min(PAGE);
        let read = self.store.requests(&self.filter, self.after.as_ref(), most);
        let rows = timeout(Duration::from_secs(30), read)
            .await
            .map_err(std::io::Error::other)?
            .map_err(std::io::Error::other)?;
        let count = rows.len() as u64;
        self.left -= count;
        self.is_over = count < most || self.left == 0;
        self.after = rows.last().map(Cursor::behind);
        let mut text = String::with_capacity(rows.len() * 512);
        if self.format == Format::Csv && !std::mem::replace(&mut self.has_names, true) {
            csv::names(&mut text);
        }
        for row in rows {
            let row = RequestRow::from(row);
            match self.format {
                Format::Jsonl => {
                    text.push_str(&row.to_json_string());
                    text.push('\n');
                }
                Format::Csv => csv::line(&row, &mut text),
            }
        }
        Ok(text.into())
    }
}

/// Comma-separated values.
mod csv {
    use super::RequestRow;

    const NAMES: [&str; 29] = [
        "id",
        "at",
        "call",
        "ingress",
        "upstream",
        "client_key_id",
        "client_key",
        "user_id",
        "tags",
        "provider",
        "model_asked",
        "model_served",
        "route",
        "stream",
        "outcome",
        "status",
        "error_code",
        "error",
        "input",
        "cache_read",
        "cache_write",
        "output",
        "reasoning",
        "usage_source",
        "cost_nano_usd",
        "first_byte_ms",
        "total_ms",
        "attempts",
        "fidelity",
    ];

    pub(super) fn names(out: &mut String) {
        out.push_str(&NAMES.join(","));
        out.push_str("\r\n");
    }

    pub(super) fn line(row: &RequestRow, out: &mut String) {
        let text = |text: &Option<String>| text.as_deref().map(field).unwrap_or_default();
        let number =
            |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        let tokens = row.tokens.as_ref();
        let fields: [String; NAMES.len()] =
            [
                field(&row.id),
                row.at.to_string(),
                field(&row.call),
                field(&row.ingress),
                text(&row.upstream),
                text(&row.client_key_id),
                text(&row.client_key),
                text(&row.user_id),
                field(&row.tags.join(" ")),
                text(&row.provider),
                field(&row.model_asked),
                text(&row.model_served),
                text(&row.route),
                row.stream.to_string(),
                field(&row.outcome),
                row.status.to_string(),
                text(&row.error_code),
                text(&row.error),
                number(tokens.map(|tokens| tokens.input)),
                number(tokens.map(|tokens| tokens.cache_read)),
                number(tokens.map(|tokens| {
                    tokens.cache_write_5m + tokens.cache_write_1h + tokens.cache_write
                })),
                number(tokens.map(|tokens| tokens.output)),
                number(tokens.map(|tokens| tokens.reasoning)),
                tokens
                    .map(|tokens| field(&tokens.source))
                    .unwrap_or_default(),
                number(row.cost_nano_usd),
                row.first_byte_ms
                    .map(|ms| ms.to_string())
                    .unwrap_or_default(),
                row.total_ms.to_string(),
                row.attempts.to_string(),
                field(&row.fidelity.join(" ")),
            ];
        out.push_str(&fields.join(","));
        out.push_str("\r\n");
    }

    /// A text as a field. Spreadsheets take what begins like a formula for one, so it does not begin like that.
    fn field(text: &str) -> String {
        let first = text.trim_start().chars().next();
        let is_formula = matches!(
            first,
            Some('=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
        ) || text.starts_with(['\t', '\r', '\n']);
        let guard = if is_formula { "'" } else { "" };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    }

    #[cfg(test)]
    mod tests {
        use super::field;

        #[test]
        fn no_field_is_a_formula_or_leaves_its_place() {
            for (text, wanted) in [
                ("plain", "\"plain\""),
                ("=1+1", "\"'=1+1\""),
                (" @SUM(A1)", "\"' @SUM(A1)\""),
                ("-2", "\"'-2\""),
                ("a\"b,c\nd", "\"a\"\"b,c\nd\""),
                ("\t=1", "\"'\t=1\""),
                ("", "\"\""),
            ] {
                assert_eq!(field(text), wanted);
            }
        }
    }
}
