//! The hub at a glance: traffic, models in force, providers, and what is wrong.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Paragraph, Row, Sparkline, Table};
use serde_json::Value;

use super::{framed, nothing, pair, requests, right, table_head};
use crate::entry::{count, dollars, items, lasted, text};
use crate::tui::app::{App, Screen};
use crate::tui::news::Topic;

/// Lines that a list needs to say something.
const ROOM: u16 = 8;

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let [upper, lower] =
        Layout::vertical([Constraint::Length(10), Constraint::Fill(1)]).areas(area);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(upper);
    traffic(frame, app, left);
    in_force(frame, app, right);
    let problems = problems(app);
    let height = u16::try_from(problems.len()).unwrap_or(u16::MAX).min(4);
    let listed = items(&app.answer(Topic::Health)["providers"]).len();
    let listed = u16::try_from(listed).unwrap_or(u16::MAX);
    // Where there is room, the newest requests fill it.
    let newest = match lower
        .height
        .saturating_sub(listed.saturating_add(3) + height)
    {
        room if room >= ROOM => room,
        _ => 0,
    };
    let parts = [
        Constraint::Fill(1),
        Constraint::Length(newest),
        Constraint::Length(height),
    ];
    let [table, middle, below] = Layout::vertical(parts).areas(lower);
    providers(frame, app, table);
    if newest > 0 {
        requests::list(frame, app, middle, Screen::Live);
    }
    let lines: Vec<Line<'_>> = problems
        .into_iter()
        .map(|problem| Line::styled(format!(" ! {problem}"), app.theme.fair()))
        .collect();
    frame.render_widget(Paragraph::new(lines), below);
}

/// The last hour, and a bar for each few seconds of the last minutes.
pub(super) fn traffic(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let block = framed("Last hour");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [words, bars] = Layout::vertical([Constraint::Fill(1), Constraint::Length(2)]).areas(inner);
    let summary = app.answer(Topic::Summary);
    let (requests, tokens) = (&summary["requests"], &summary["tokens"]);
    let rate = requests["success_rate"].as_f64();
    let rate = rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.1} %", rate * 100.0));
    let before = count(&summary["requests_before"]["requests"]);
    let took = |name: &str| lasted(requests["latency"][name].as_f64());
    let lines = vec![
        pair(
            app,
            "requests",
            format!("{} (before: {before})", count(&requests["requests"])),
        ),
        pair(
            app,
            "went well",
            format!("{rate}, {} errors", count(&requests["errors"])),
        ),
        pair(
            app,
            "took",
            format!("{} p50, {} p95", took("p50_ms"), took("p95_ms")),
        ),
        pair(
            app,
            "tokens",
            format!(
                "{} in, {} out",
                count(&tokens["input"]),
                count(&tokens["output"])
            ),
        ),
        pair(app, "cost", cost(requests)),
    ];
    frame.render_widget(Paragraph::new(lines), words);
    let data = app.traffic.bars(app.now_ms, usize::from(bars.width));
    let line = Sparkline::default().data(data).style(app.theme.accent());
    frame.render_widget(line, bars);
}

/// The sum, and how many requests it leaves out for want of a price.
fn cost(requests: &Value) -> String {
    match requests["unpriced"].as_u64() {
        Some(unpriced) if unpriced > 0 => {
            format!(
                "{}, {unpriced} unpriced",
                dollars(&requests["cost_nano_usd"])
            )
        }
        _ => dollars(&requests["cost_nano_usd"]),
    }
}

fn in_force(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let current = app.answer(Topic::Current);
    let system = app.answer(Topic::System);
    let models = &current["current_models"];
    let or_dash = |words: &str| {
        if words.is_empty() {
            "-".to_owned()
        } else {
            words.to_owned()
        }
    };
    let lines = vec![
        pair(app, "opus", or_dash(text(models, "big_model"))),
        pair(app, "sonnet", or_dash(text(models, "middle_model"))),
        pair(app, "haiku", or_dash(text(models, "small_model"))),
        pair(app, "preset", or_dash(text(current, "current_preset"))),
        pair(
            app,
            "preferred",
            or_dash(text(current, "preferred_provider")),
        ),
        pair(app, "mode", or_dash(text(current, "mode"))),
        pair(app, "database", database(&system["database"])),
        pair(app, "log", log(&system["records"])),
    ];
    frame.render_widget(Paragraph::new(lines).block(framed("In force")), area);
}

/// What is unusual is told alone.
fn log(records: &Value) -> String {
    let mut words = format!("{} written", count(&records["written"]));
    for (member, word) in [("queued", "waiting"), ("lost", "lost")] {
        if records[member].as_u64().is_some_and(|number| number > 0) {
            words.push_str(&format!(", {} {word}", count(&records[member])));
        }
    }
    words
}

fn database(database: &Value) -> String {
    if database.is_null() {
        return "-".to_owned();
    }
    let size = database["size"]
        .as_f64()
        .map_or_else(String::new, |bytes| format!(", {:.1} MB", bytes / 1e6));
    let state = if database["ok"] == true {
        ""
    } else {
        ", does not answer"
    };
    format!("{}{size}{state}", text(database, "kind"))
}

fn providers(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let health = app.answer(Topic::Health);
    let listed = items(&health["providers"]);
    if listed.is_empty() {
        let text = nothing(
            app,
            Topic::Health,
            "No providers: bridge-admin providers create",
        );
        frame.render_widget(text.block(framed("Providers")), area);
        return;
    }
    let rows = listed.iter().map(|provider| line(app, provider));
    let widths = [
        Constraint::Fill(3),
        Constraint::Length(17),
        Constraint::Length(5),
        Constraint::Length(7),
        Constraint::Length(7),
        Constraint::Fill(4),
    ];
    let head = table_head(
        app,
        &["PROVIDER", "STATE", ">BUSY", ">TOOK", ">KEYS", "WHY"],
    );
    let table = Table::new(rows, widths)
        .header(head)
        .block(framed("Providers"));
    frame.render_widget(table, area);
}

fn line<'r>(app: &App, provider: &Value) -> Row<'r> {
    let state = match provider["enabled"] == false {
        true => "disabled",
        false => text(provider, "state"),
    };
    let latencies = provider["latency_ms"]
        .as_object()
        .into_iter()
        .flat_map(|models| models.values());
    let latencies: Vec<f64> = latencies.filter_map(Value::as_f64).collect();
    let mean =
        (!latencies.is_empty()).then(|| latencies.iter().sum::<f64>() / latencies.len() as f64);
    let reasons = items(&provider["reasons"]).iter().filter_map(Value::as_str);
    let keys = match provider["keys"].as_u64() {
        Some(0) | None => "none".to_owned(),
        Some(all) => format!("{}/{all}", provider["keys_ready"]),
    };
    Row::new(vec![
        Cell::from(text(provider, "name").to_owned()),
        Cell::from(state.replace('_', " ")).style(app.theme.state(state)),
        right(provider["in_flight"].to_string()),
        right(lasted(mean)),
        right(keys),
        Cell::from(reasons.collect::<Vec<_>>().join("; ")),
    ])
}

/// What the hub itself complains of.
fn problems(app: &App) -> Vec<String> {
    let system = app.answer(Topic::System);
    let warnings = items(&system["warnings"]).iter().filter_map(Value::as_str);
    let left_out = items(&system["problems"])
        .iter()
        .map(|problem| format!("{}: {}", text(problem, "place"), text(problem, "message")));
    warnings.map(str::to_owned).chain(left_out).collect()
}
