//! Requests in a list: as they end, or out of the log.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::widgets::{Cell, Row, Table};
use serde_json::Value;

use super::{framed, nothing, right, table_head};
use crate::entry::{clock, count, lasted, models, text};
use crate::tui::app::{App, Screen};
use crate::tui::news::Topic;

/// Draws the list of this screen.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    list(frame, app, area, app.screen());
}

/// Draws the list of requests that belongs to a screen, which need not be the one that is shown.
pub(super) fn list(frame: &mut Frame<'_>, app: &mut App, area: Rect, screen: Screen) {
    let rows = app.rows(screen);
    let block = framed(title(app, screen, rows.len()));
    if rows.is_empty() {
        let words = match screen {
            Screen::Logs => "No requests.",
            _ => "No requests yet: each is shown here as it ends.",
        };
        let text = nothing(app, Topic::Logs, words);
        frame.render_widget(text.block(block), area);
        return;
    }
    let wide = area.width >= 110;
    let mut widths = vec![
        Constraint::Length(8),
        Constraint::Length(13),
        Constraint::Length(6),
        Constraint::Length(5),
        Constraint::Length(5),
        Constraint::Fill(3),
        Constraint::Fill(2),
    ];
    let mut head = vec![
        "TIME", "STATUS", ">TOOK", ">IN", ">OUT", "MODEL", "PROVIDER",
    ];
    if wide {
        widths.extend([
            Constraint::Fill(2),
            Constraint::Fill(2),
            Constraint::Fill(2),
        ]);
        head.extend(["CLIENT", "ROUTE", "DIALECTS"]);
    }
    let rows: Vec<Row<'_>> = rows.into_iter().map(|row| line(app, row, wide)).collect();
    let table = Table::new(rows, widths)
        .header(table_head(app, &head))
        .block(block);
    match screen == app.screen() {
        true => super::list(frame, app, area, screen, table),
        false => frame.render_widget(table, area),
    }
}

fn title(app: &App, screen: Screen, count: usize) -> String {
    let (requests, errors) = app.traffic.minute(app.now_ms);
    let mut title = match screen {
        Screen::Logs => format!("Newest requests: {count}"),
        _ => format!("Requests: {requests} in the last minute, {errors} went wrong"),
    };
    if app.only_errors {
        title.push_str(", errors only");
    }
    if !app.search.is_empty() {
        title.push_str(&format!(", with \"{}\"", app.search));
    }
    if let Some(held) = &app.held {
        title.push_str(&format!(", held ({} wait)", held.len()));
    }
    title
}

fn line<'r>(app: &App, row: &Value, wide: bool) -> Row<'r> {
    let outcome = text(row, "outcome");
    let status = match outcome {
        "ok" => row["status"].to_string(),
        _ => format!("{} {outcome}", row["status"]),
    };
    let mut cells = vec![
        Cell::from(clock(row["at"].as_i64().unwrap_or_default())),
        Cell::from(status).style(app.theme.state(outcome)),
        right(lasted(row["total_ms"].as_f64())),
        right(count(&row["tokens"]["input"])),
        right(count(&row["tokens"]["output"])),
        Cell::from(models(row)),
        Cell::from(text(row, "provider").to_owned()),
    ];
    if wide {
        let dialects = format!("{} > {}", text(row, "ingress"), text(row, "upstream"));
        cells.push(Cell::from(text(row, "client_key").to_owned()));
        cells.push(Cell::from(text(row, "route").to_owned()));
        cells.push(Cell::from(dialects));
    }
    Row::new(cells)
}
