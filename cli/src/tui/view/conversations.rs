//! Conversations: those that are kept, or those that the log tells of, which are requests of one client for one model
//! without a long pause between them.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::widgets::{Cell, Row, Table};
use serde_json::{Value, json};

use super::{framed, list, nothing, right, table_head};
use crate::entry::{clock, count, dollars, text};
use crate::moment;
use crate::tui::app::{App, Screen};
use crate::tui::news::Topic;

/// Draws them.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    match app.is_by_log {
        true => by_log(frame, app, area),
        false => kept(frame, app, area),
    }
}

fn kept(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let items = app.kept();
    let block = framed(format!(
        "Conversations of your own that are kept: {}",
        items.len()
    ));
    if items.is_empty() {
        let text = nothing(
            app,
            Topic::Kept,
            "None are kept. Press l for those that the log tells of.",
        );
        frame.render_widget(text.block(block), area);
        return;
    }
    let rows: Vec<Row<'_>> = items.iter().map(|talk| kept_line(app, talk)).collect();
    let widths = [
        Constraint::Fill(3),
        Constraint::Fill(2),
        Constraint::Length(16),
        Constraint::Length(8),
        Constraint::Length(5),
        Constraint::Length(5),
        Constraint::Length(7),
    ];
    let head = table_head(
        app,
        &[
            "TITLE",
            "MODEL",
            "DIALECT",
            ">MESSAGES",
            ">IN",
            ">OUT",
            ">LAST",
        ],
    );
    let table = Table::new(rows, widths).header(head).block(block);
    list(frame, app, area, Screen::Conversations, table);
}

fn kept_line<'r>(app: &App, talk: &Value) -> Row<'r> {
    let totals = &talk["totals"];
    let last = talk["updated_at"].as_i64();
    let last = last.map_or_else(|| "-".to_owned(), |at| moment::relative(at, app.now_ms));
    Row::new(vec![
        Cell::from(text(talk, "title").to_owned()),
        Cell::from(text(talk, "model").to_owned()),
        Cell::from(text(talk, "dialect").to_owned()),
        right(count(&totals["messages"])),
        right(count(&totals["input_tokens"])),
        right(count(&totals["output_tokens"])),
        right(last),
    ])
}

fn by_log(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let conversations = app.conversations();
    let block = framed(format!(
        "Conversations in the newest requests: {}",
        conversations.len()
    ));
    if conversations.is_empty() {
        let text = nothing(app, Topic::Logs, "No conversations yet.");
        frame.render_widget(text.block(block), area);
        return;
    }
    let rows: Vec<Row<'_>> = conversations.iter().map(|turns| line(app, turns)).collect();
    let widths = [
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Fill(2),
        Constraint::Fill(2),
        Constraint::Length(5),
        Constraint::Length(5),
        Constraint::Length(5),
        Constraint::Length(8),
        Constraint::Length(9),
    ];
    let head = table_head(
        app,
        &[
            "BEGAN", "LAST", "CLIENT", "MODEL", ">TURNS", ">IN", ">OUT", ">COST", "ENDED",
        ],
    );
    let table = Table::new(rows, widths).header(head).block(block);
    list(frame, app, area, Screen::Conversations, table);
}

fn line<'r>(app: &App, turns: &[&Value]) -> Row<'r> {
    let (Some(last), Some(first)) = (turns.first(), turns.last()) else {
        return Row::default();
    };
    let at = |row: &Value| clock(row["at"].as_i64().unwrap_or_default());
    let sum = |of: fn(&Value) -> &Value| {
        let parts: Vec<u64> = turns.iter().filter_map(|row| of(row).as_u64()).collect();
        // Nothing known is not the same as nothing used.
        if parts.is_empty() {
            Value::Null
        } else {
            json!(parts.iter().sum::<u64>())
        }
    };
    let outcome = text(last, "outcome");
    Row::new(vec![
        Cell::from(at(first)),
        Cell::from(at(last)),
        Cell::from(text(last, "client_key").to_owned()),
        Cell::from(text(last, "model_asked").to_owned()),
        right(turns.len().to_string()),
        right(count(&sum(|row| &row["tokens"]["input"]))),
        right(count(&sum(|row| &row["tokens"]["output"]))),
        right(dollars(&sum(|row| &row["cost_nano_usd"]))),
        Cell::from(outcome.to_owned()).style(app.theme.state(outcome)),
    ])
}
