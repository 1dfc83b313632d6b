//! Tables and sheets for people. Text is made harmless before it is shown.

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, TableStyle};
use serde_json::Value;

use super::column::{self, Column, Show};
use super::{Console, Format};
use crate::moment;

/// A table with a line for each item.
pub(super) fn text(console: &Console, columns: &[Column], items: &[Value], now: i64) -> String {
    let mut table = empty(console);
    if console.has_headers {
        let titles = columns.iter().map(|column| {
            let cell = Cell::new(&column.title);
            aligned(cell, column.show)
        });
        table.set_header(titles);
    }
    let is_exact = console.format == Format::Wide;
    for item in items {
        let cells = columns.iter().map(|column| {
            let text = column.for_people(item, is_exact, now);
            let cell = aligned(Cell::new(&text), column.show);
            match colour(column.show, &text).filter(|_| console.has_colour) {
                Some(colour) => cell.fg(colour),
                None => cell,
            }
        });
        table.add_row(cells);
    }
    finished(&table)
}

/// A sheet with a line for each member.
pub(super) fn sheet(console: &Console, item: &Value, now: i64) -> String {
    let mut table = empty(console);
    let mut lines = Vec::new();
    flatten("", item, &mut lines, now);
    for (name, value) in lines {
        table.add_row([name, value]);
    }
    finished(&table)
}

fn flatten(path: &str, value: &Value, lines: &mut Vec<(String, String)>, now: i64) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, inner) in members {
                let deeper = match path {
                    "" => name.clone(),
                    _ => format!("{path}.{name}"),
                };
                flatten(&deeper, inner, lines, now);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, inner) in items.iter().enumerate() {
                flatten(&format!("{path}[{index}]"), inner, lines, now);
            }
        }
        Value::Object(_) => lines.push((path.to_owned(), "-".to_owned())),
        _ => {
            let mut spelled = serde_json::json!({ path.rsplit('.').next().unwrap_or(path): value });
            let shown = match value.as_i64() {
                Some(ms) => {
                    moment::spell(&mut spelled);
                    let exact = spelled
                        .as_object()
                        .and_then(|members| members.values().next());
                    match exact {
                        Some(Value::String(exact)) => {
                            format!("{exact} ({})", moment::relative(ms, now))
                        }
                        _ => value.to_string(),
                    }
                }
                None => column::people(value, Show::Yes, true, now),
            };
            lines.push((column::harmless(path), shown));
        }
    }
}

fn empty(console: &Console) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    if console.has_colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    // Lines of a file are not to be broken; those of a terminal are.
    let arrangement = match super::is_watched() {
        true => ContentArrangement::Dynamic,
        false => ContentArrangement::Disabled,
    };
    if super::is_watched() {
        let width = std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok());
        table.set_width(width.or_else(terminal_width).unwrap_or(120));
    }
    table.set_content_arrangement(arrangement);
    table
}

fn terminal_width() -> Option<u16> {
    ratatui::crossterm::terminal::size()
        .ok()
        .map(|(columns, _)| columns)
        .filter(|columns| *columns > 0)
}

fn finished(table: &Table) -> String {
    let mut out = String::new();
    for line in table.lines() {
        out.push_str(line.trim_end().strip_prefix(' ').unwrap_or(line.trim_end()));
        out.push('\n');
    }
    out
}

fn aligned(cell: Cell, show: Show) -> Cell {
    match show {
        Show::Number | Show::Ms | Show::Percent | Show::Nano | Show::Bytes => {
            cell.set_alignment(CellAlignment::Right)
        }
        Show::Text | Show::Yes | Show::Moment | Show::Exact | Show::State | Show::Targets => cell,
    }
}

fn colour(show: Show, text: &str) -> Option<Color> {
    if show == Show::Yes {
        return (text == "no").then_some(Color::DarkGrey);
    }
    if show != Show::State {
        return None;
    }
    match text {
        "healthy" | "ok" | "active" | "enabled" | "closed" | "create" | "true" => {
            Some(Color::Green)
        }
        "partially_healthy" | "cooling" | "half_open" | "half-open" | "cancelled" | "update"
        | "unchecked" => Some(Color::Yellow),
        "unhealthy" | "quarantined" | "error" | "open" | "failed" | "cut" | "delete" | "false" => {
            Some(Color::Red)
        }
        _ => None,
    }
}
