//! Conversations, as the log tells them: requests of one client for one model without a long pause between them.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::Text;
use ratatui::widgets::{Cell, Paragraph, Row, Table};
use serde_json::{Value, json};

use super::{framed, table_head};
use crate::entry::{clock, count, dollars, text};
use crate::tui::app::{App, Screen};

/// Draws them.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let conversations = app.conversations();
    let block = framed(format!(
        "{} conversations in the newest requests",
        conversations.len()
    ));
    if conversations.is_empty() {
        let text = Paragraph::new("\n No conversations yet.").style(app.theme.faint());
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
    let table = Table::new(rows, widths)
        .header(head)
        .row_highlight_style(app.theme.chosen())
        .block(block);
    let chosen = app.chosen(Screen::Conversations);
    let state = app.tables.entry(Screen::Conversations).or_default();
    state.select(chosen);
    frame.render_stateful_widget(table, area, state);
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
    let right = |words: String| Cell::from(Text::from(words).right_aligned());
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
