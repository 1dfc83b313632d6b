//! A test of the whole configuration: whether providers answer, and where the roles lead.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::widgets::{Cell, Paragraph, Row, Table};
use serde_json::Value;

use super::{framed, right, table_head};
use crate::entry::{items, lasted, text};
use crate::tui::app::App;
use crate::tui::news::Topic;

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let checks = items(app.answer(Topic::Checks));
    let roles = items(app.answer(Topic::Roles));
    if checks.is_empty() && roles.is_empty() {
        let words = match app.is_checking {
            true => "\n Asking all providers ...",
            false => {
                "\n Enter tests the configuration: each provider in use is asked for a word (this costs a few\n \
                 tokens), and each role is followed to the model that it leads to (this sends nothing)."
            }
        };
        frame.render_widget(
            Paragraph::new(words).block(framed("Configuration test")),
            area,
        );
        return;
    }
    let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(6)]).areas(area);
    let title = if app.is_checking {
        "Providers (testing again ...)"
    } else {
        "Providers"
    };
    let head = table_head(app, &["PROVIDER", "RESULT", ">TOOK", "MODEL", "WHY"]);
    let widths = [
        Constraint::Fill(2),
        Constraint::Length(10),
        Constraint::Length(7),
        Constraint::Fill(2),
        Constraint::Fill(3),
    ];
    let rows = checks.iter().map(|check| provider(app, check));
    frame.render_widget(
        Table::new(rows, widths).header(head).block(framed(title)),
        upper,
    );
    let head = table_head(app, &["ROLE", "RESULT", "LEADS TO", "RULE"]);
    let widths = [
        Constraint::Length(8),
        Constraint::Length(10),
        Constraint::Fill(3),
        Constraint::Fill(2),
    ];
    let rows = roles.iter().map(|found| role(app, found));
    frame.render_widget(
        Table::new(rows, widths).header(head).block(framed("Roles")),
        lower,
    );
}

fn provider<'r>(app: &App, check: &Value) -> Row<'r> {
    let is_good = check["ok"] == true;
    Row::new(vec![
        Cell::from(text(check, "provider").to_owned()),
        verdict(app, is_good),
        right(lasted(check["latency_ms"].as_f64())),
        Cell::from(text(check, "model").to_owned()),
        Cell::from(text(check, "error").to_owned()),
    ])
}

fn role<'r>(app: &App, found: &Value) -> Row<'r> {
    let target = &found["target"];
    let is_good = found["refusal"].is_null() && !target.is_null();
    let leads = match is_good {
        true => format!("{}/{}", text(target, "provider"), text(target, "model")),
        false => text(found, "refusal").to_owned(),
    };
    Row::new(vec![
        Cell::from(text(found, "role").to_owned()),
        verdict(app, is_good),
        Cell::from(leads),
        Cell::from(text(found, "route").to_owned()),
    ])
}

fn verdict<'c>(app: &App, is_good: bool) -> Cell<'c> {
    match is_good {
        true => Cell::from("good").style(app.theme.good()),
        false => Cell::from("bad").style(app.theme.bad()),
    }
}
