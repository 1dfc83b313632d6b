//! Presets to switch to, what each stands for, and what is in force.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Paragraph, Row, Table, Wrap};
use serde_json::Value;

use super::{framed, list, nothing, pair};
use crate::entry::{items, text};
use crate::tui::act::ROLES;
use crate::tui::app::{App, Screen};
use crate::tui::news::Topic;

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(40), Constraint::Fill(1)]).areas(area);
    let [upper, lower] =
        Layout::vertical([Constraint::Length(6), Constraint::Fill(1)]).areas(right);
    let current = app.answer(Topic::Current);
    let preset = match text(current, "current_preset") {
        "" => "none",
        name => name,
    };
    let mut lines = roles(app, &current["current_models"]);
    lines.push(pair(app, "preset", preset));
    frame.render_widget(Paragraph::new(lines).block(framed("In force")), upper);
    let chosen = app.chosen(Screen::Models);
    let listed = items(&app.answer(Topic::Presets)["items"]);
    if let Some(preset) = chosen.and_then(|at| listed.get(at)) {
        details(frame, app, preset, lower);
    }
    presets(frame, app, left);
}

fn roles(app: &App, models: &Value) -> Vec<Line<'static>> {
    let value = |member: &str| match text(models, member) {
        "" => "-".to_owned(),
        model => model.to_owned(),
    };
    ROLES
        .map(|(role, member)| pair(app, role, value(member)))
        .into()
}

fn presets(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let listed = items(&app.answer(Topic::Presets)["items"]);
    let block = framed(format!("Presets: {}", listed.len()));
    if listed.is_empty() {
        let text = nothing(app, Topic::Presets, "No presets.");
        frame.render_widget(text.block(block), area);
        return;
    }
    let rows: Vec<Row<'_>> = listed
        .iter()
        .map(|preset| {
            let (mark, style) = match (preset["is_active"] == true, preset["warnings"].as_array()) {
                (true, _) => ("*", app.theme.good()),
                (false, Some(warnings)) if !warnings.is_empty() => ("!", app.theme.fair()),
                _ => (" ", app.theme.faint()),
            };
            Row::new(vec![
                Cell::from(mark).style(style),
                Cell::from(text(preset, "name").to_owned()),
            ])
        })
        .collect();
    let table = Table::new(rows, [Constraint::Length(1), Constraint::Fill(1)]).block(block);
    list(frame, app, area, Screen::Models, table);
}

fn details(frame: &mut Frame<'_>, app: &App, preset: &Value, area: Rect) {
    let mut lines = roles(app, preset);
    lines.push(pair(app, "source", text(preset, "source")));
    let about = text(preset, "description");
    if !about.is_empty() {
        lines.extend([Line::default(), Line::raw(format!(" {about}"))]);
    }
    for warning in items(&preset["warnings"]).iter().filter_map(Value::as_str) {
        lines.push(Line::styled(format!(" ! {warning}"), app.theme.fair()));
    }
    let name = text(preset, "name").to_owned();
    let text = Paragraph::new(lines).wrap(Wrap { trim: false });
    frame.render_widget(text.block(framed(name)), area);
}
