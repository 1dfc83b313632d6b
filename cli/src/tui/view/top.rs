//! All that moves, on one screen: traffic, providers and streams, keys, and requests as they end.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use serde_json::Value;

use super::{cut, framed, key_states, requests, status};
use crate::entry::{items, text};
use crate::tui::app::{App, Screen};
use crate::tui::news::Topic;

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let keys = u16::try_from(app.keys.len())
        .unwrap_or(u16::MAX)
        .clamp(1, 12)
        + 3;
    // On a small terminal requests count more than keys.
    let keys = keys.min(area.height.saturating_sub(16));
    let parts = [
        Constraint::Length(9),
        Constraint::Length(keys),
        Constraint::Fill(1),
    ];
    let [upper, middle, lower] = Layout::vertical(parts).areas(area);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(upper);
    status::traffic(frame, app, left);
    streams(frame, app, right);
    if keys > 3 {
        key_states::draw(frame, app, middle);
    }
    requests::list(frame, app, lower, Screen::Top);
}

/// What is in flight at each provider.
fn streams(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let health = app.answer(Topic::Health);
    let providers = items(&health["providers"]);
    let in_flight = |provider: &Value| provider["in_flight"].as_u64().unwrap_or_default();
    let all: u64 = providers.iter().map(in_flight).sum();
    let width = usize::from(area.width.saturating_sub(30));
    let mut busiest: Vec<&Value> = providers
        .iter()
        .filter(|provider| provider["enabled"] != false)
        .collect();
    busiest.sort_by_key(|provider| std::cmp::Reverse(in_flight(provider)));
    let lines: Vec<Line<'_>> = busiest
        .into_iter()
        .map(|provider| {
            let (flying, state) = (in_flight(provider), text(provider, "state"));
            let bar = "#".repeat(usize::try_from(flying).unwrap_or(width).min(width));
            Line::from(vec![
                Span::styled(
                    format!(" {:<18}", cut(text(provider, "name"), 18)),
                    app.theme.state(state),
                ),
                Span::raw(format!("{flying:>5} ")),
                Span::styled(bar, app.theme.accent()),
            ])
        })
        .collect();
    frame.render_widget(
        Paragraph::new(lines).block(framed(format!("In flight: {all}"))),
        area,
    );
}
