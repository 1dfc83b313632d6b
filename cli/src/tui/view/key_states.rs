//! Keys of all pools, as they are used.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::widgets::{Cell, Paragraph, Row, Table};
use serde_json::Value;

use super::{framed, list, right, table_head};
use crate::entry::{count, text};
use crate::moment;
use crate::tui::app::{App, Screen};

/// Draws them.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let block = framed(format!("Keys: {}", app.keys.len()));
    if app.keys.is_empty() {
        let text = Paragraph::new("\n No keys: bridge-admin keys add --provider NAME")
            .style(app.theme.faint());
        frame.render_widget(text.block(block), area);
        return;
    }
    let mut keys: Vec<&Value> = app.keys.values().collect();
    if app.screen() != Screen::Keys {
        // Where not all of them may have a place, those in use come first.
        let last = |key: &&Value| key["last_used"].as_i64().unwrap_or_default();
        keys.sort_by_key(|key| std::cmp::Reverse((key["in_flight"].as_u64(), last(key))));
    }
    let rows: Vec<Row<'_>> = keys.into_iter().map(|key| line(app, key)).collect();
    let widths = [
        Constraint::Fill(3),
        Constraint::Fill(2),
        Constraint::Length(15),
        Constraint::Length(5),
        Constraint::Length(5),
        Constraint::Length(6),
        Constraint::Length(5),
        Constraint::Length(7),
    ];
    let head = table_head(
        app,
        &[
            "POOL", "KEY", "STATE", ">BUSY", ">USED", ">FAILED", ">WELL", ">LAST",
        ],
    );
    let table = Table::new(rows, widths).header(head).block(block);
    match app.screen() {
        Screen::Keys => list(frame, app, area, Screen::Keys, table),
        _ => frame.render_widget(table, area),
    }
}

fn line<'r>(app: &App, key: &Value) -> Row<'r> {
    let state = text(key, "state");
    let shown = match (
        key["cooling_seconds"].as_u64(),
        key["quarantined_by"].as_u64(),
    ) {
        (Some(seconds), _) => format!("{state} {seconds} s"),
        (None, Some(status)) => format!("{state} {status}"),
        (None, None) => state.to_owned(),
    };
    let rate = key["success_rate"].as_f64();
    let rate = rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.0} %", rate * 100.0));
    let last = key["last_used"].as_i64();
    let last = last.map_or_else(|| "-".to_owned(), |at| moment::relative(at, app.now_ms));
    Row::new(vec![
        Cell::from(text(key, "pool").to_owned()),
        Cell::from(text(key, "key").to_owned()),
        Cell::from(shown).style(app.theme.state(state)),
        right(key["in_flight"].to_string()),
        right(count(&key["total"])),
        right(count(&key["failed"])),
        right(rate),
        right(last),
    ])
}
