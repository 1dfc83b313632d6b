//! Drawing. A view turns what the screen knows into cells; it asks nobody and changes nothing but where lists stand.

mod check;
mod conversations;
mod key_states;
mod models;
mod overlay;
mod requests;
#[cfg(test)]
mod snapshots;
mod status;
mod top;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Cell, Paragraph, Row, Table};

use super::app::{App, Contact, Screen};
use super::news::Topic;
use crate::entry::{age, text};

/// Below this nothing can be read.
const LEAST: (u16, u16) = (40, 10);

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        frame.render_widget("The terminal is too small.", area);
        return;
    }
    let parts = [
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ];
    let [head, tabs, body, remark, foot] = Layout::vertical(parts).areas(area);
    frame.render_widget(header(app, head.width), head);
    frame.render_widget(tab_line(app), tabs);
    screen(frame, app, body);
    frame.render_widget(remark_line(app), remark);
    frame.render_widget(footer(app), foot);
    overlay::draw(frame, app, body);
}

fn screen(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    match app.screen() {
        Screen::Status => status::draw(frame, app, area),
        Screen::Models => models::draw(frame, app, area),
        Screen::Live | Screen::Logs => requests::draw(frame, app, area),
        Screen::Conversations => conversations::draw(frame, app, area),
        Screen::Keys => key_states::draw(frame, app, area),
        Screen::Check => check::draw(frame, app, area),
        Screen::Top => top::draw(frame, app, area),
    }
}

fn header(app: &App, width: u16) -> Line<'static> {
    let system = app.answer(Topic::System);
    let theme = app.theme;
    let (word, style) = match &app.contact {
        Contact::Waiting => ("connecting", theme.fair()),
        Contact::Good => ("connected", theme.good()),
        Contact::Lost(_) => ("not reached", theme.bad()),
    };
    let address = app
        .url
        .split_once("://")
        .map_or(app.url.as_str(), |(_, rest)| rest);
    let mut spans = vec![
        Span::styled(" LLM Bridge ", theme.head()),
        Span::styled(address.to_owned(), theme.accent()),
        Span::raw("  "),
        Span::styled(word, style),
    ];
    if let (Some(uptime), true) = (system["uptime_seconds"].as_u64(), width >= 70) {
        spans.push(Span::styled(format!("  up {}", age(uptime)), theme.faint()));
        spans.push(Span::styled(
            format!("  version {}", text(system, "version")),
            theme.faint(),
        ));
    }
    if system["demo"] == true {
        spans.push(Span::styled("  demo", theme.fair()));
    }
    if app.is_dry {
        spans.push(Span::styled("  dry run", theme.fair()));
    }
    Line::from(spans)
}

fn tab_line(app: &App) -> Line<'static> {
    if app.screen() == Screen::Top {
        return Line::default();
    }
    let mut spans = Vec::new();
    for (at, screen) in Screen::TABS.iter().enumerate() {
        let label = format!(" {} {} ", at + 1, screen.name());
        spans.push(match *screen == app.screen() {
            true => Span::styled(label, app.theme.chosen()),
            false => Span::raw(label),
        });
    }
    Line::from(spans)
}

fn remark_line(app: &App) -> Line<'static> {
    match (&app.remark, &app.contact) {
        (Some(remark), _) if remark.is_bad => {
            Line::styled(format!(" {}", remark.words), app.theme.bad())
        }
        (Some(remark), _) => Line::styled(format!(" {}", remark.words), app.theme.good()),
        (None, Contact::Lost(why)) => Line::styled(
            format!(" {}", why.lines().next().unwrap_or_default()),
            app.theme.bad(),
        ),
        (None, _) => Line::default(),
    }
}

fn footer(app: &App) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for (key, act) in app.hints() {
        spans.push(Span::styled(*key, app.theme.head()));
        spans.push(Span::styled(format!(" {act}  "), app.theme.faint()));
    }
    Line::from(spans)
}

/// Draws a list with the line that is chosen on its screen.
fn list(frame: &mut Frame<'_>, app: &mut App, area: Rect, screen: Screen, table: Table<'_>) {
    let (chosen, style) = (app.chosen(screen), app.theme.chosen());
    let state = app.tables.entry(screen).or_default();
    state.select(chosen);
    frame.render_stateful_widget(table.row_highlight_style(style), area, state);
}

/// A frame with a title.
fn framed(title: impl Into<String>) -> Block<'static> {
    Block::bordered().title(format!(" {} ", title.into()))
}

/// At most so many cells, with a mark where something is missing.
fn cut(words: &str, most: usize) -> String {
    if words.chars().count() <= most {
        return words.to_owned();
    }
    let head: String = words.chars().take(most.saturating_sub(1)).collect();
    format!("{head}…")
}

/// The head of a table: names, and behind a `>` those that stand to the right as their numbers do.
fn table_head(app: &App, names: &[&'static str]) -> Row<'static> {
    let cells = names.iter().map(|name| match name.strip_prefix('>') {
        Some(name) => Cell::from(Text::from(name).right_aligned()),
        None => Cell::from(*name),
    });
    Row::new(cells).style(app.theme.head())
}

/// A cell whose words stand to the right.
fn right(words: String) -> Cell<'static> {
    Cell::from(Text::from(words).right_aligned())
}

/// Words in the place of a list that is empty; none before the hub has told.
fn nothing(app: &App, topic: Topic, words: &str) -> Paragraph<'static> {
    let words = match app.answer(topic).is_null() {
        true => String::new(),
        false => format!("\n {words}"),
    };
    Paragraph::new(words).style(app.theme.faint())
}

/// A name and its value.
fn pair(app: &App, name: &str, value: impl Into<String>) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!(" {name:<11}"), app.theme.faint()),
        Span::raw(value.into()),
    ])
}
