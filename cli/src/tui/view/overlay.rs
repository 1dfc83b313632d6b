//! What stands over a screen: text to scroll, a question, help.

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Padding, Paragraph};

use super::framed;
use crate::tui::app::App;
use crate::tui::prompt::{Prompt, Purpose};

/// Models that can be picked at once.
const CHOICES: usize = 10;

const HELP: [(&str, &str); 13] = [
    ("1-7, Tab, Left, Right", "another screen"),
    ("Up, Down, j, k", "another line"),
    ("PageUp, PageDown, g, G", "further, first, last"),
    ("Enter", "look at a request; apply a preset; test"),
    ("b, m, s", "another model for opus, sonnet, haiku (Models)"),
    ("p", "hold live requests still"),
    ("e", "failures only"),
    ("/", "only requests with these words; nothing for all"),
    ("t, x", "test a pool, end the rest of its keys (Keys)"),
    ("l", "conversations that are kept, or that the log tells of"),
    ("r", "ask again now"),
    ("Esc", "back; at the end, leave"),
    ("q, Ctrl-C", "leave"),
];

/// Draws what is there.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, body: Rect) {
    if app.pager.is_some() {
        pager(frame, app, body);
    }
    if let Some(prompt) = &app.prompt {
        question(frame, app, prompt, body);
    }
    if app.has_help {
        help(frame, app, body);
    }
}

fn pager(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let theme = app.theme;
    let Some(pager) = &mut app.pager else {
        return;
    };
    let block = framed(pager.title.clone());
    let inner = block.inner(area);
    let height = usize::from(inner.height);
    let top = pager.top;
    let all = pager.fit(usize::from(inner.width.saturating_sub(2)).max(1));
    let top = top.min(all.len().saturating_sub(height));
    let lines: Vec<Line<'_>> = all
        .iter()
        .skip(top)
        .take(height)
        .map(|line| {
            let first = line.split(' ').next().unwrap_or_default();
            let is_head = !first.is_empty() && first.chars().all(|c| c.is_ascii_uppercase());
            let style = if is_head { theme.head() } else { Style::new() };
            Line::styled(format!(" {line}"), style)
        })
        .collect();
    let block = match all.len().saturating_sub(top + height) {
        0 => block,
        more => block.title_bottom(Line::from(format!(" {more} more ")).right_aligned()),
    };
    let text = Paragraph::new(lines).block(block);
    pager.top = top;
    frame.render_widget(Clear, area);
    frame.render_widget(text, area);
}

fn question(frame: &mut Frame<'_>, app: &App, prompt: &Prompt, body: Rect) {
    let fitting = prompt.fitting();
    let shown = fitting.len().min(CHOICES);
    let is_yes_or_no = matches!(prompt.purpose, Purpose::Confirm(_));
    let height = if is_yes_or_no {
        3
    } else {
        u16::try_from(shown).unwrap_or_default() + 3
    };
    let wanted = u16::try_from(prompt.title.chars().count())
        .unwrap_or(u16::MAX)
        .saturating_add(6);
    let area = middle(body, wanted.max(56), height);
    frame.render_widget(Clear, area);
    if is_yes_or_no {
        let text = Paragraph::new(format!(" {}", prompt.title));
        frame.render_widget(text.block(Block::bordered()), area);
        return;
    }
    let mut lines = vec![Line::raw(format!(" > {}_", prompt.typed))];
    // The picked one is always among those that are shown.
    let first = prompt.picked.saturating_sub(CHOICES - 1);
    for (at, choice) in fitting.iter().enumerate().skip(first).take(CHOICES) {
        let style = if at == prompt.picked {
            app.theme.chosen()
        } else {
            Style::new()
        };
        lines.push(Line::styled(format!("   {choice}"), style));
    }
    frame.render_widget(
        Paragraph::new(lines).block(framed(prompt.title.clone())),
        area,
    );
}

fn help(frame: &mut Frame<'_>, app: &App, body: Rect) {
    let lines: Vec<Line<'_>> = HELP
        .iter()
        .map(|(keys, act)| Line::raw(format!("{keys:<24}{act}")))
        .collect();
    let height = u16::try_from(lines.len()).unwrap_or_default() + 2;
    let area = middle(body, 76, height);
    let block = framed("Keys")
        .padding(Padding::horizontal(1))
        .title_bottom(Line::styled(" any key goes back ", app.theme.faint()));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// A place in the middle, no larger than what is there.
fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let [row] = Layout::vertical([Constraint::Length(height.min(area.height))])
        .flex(Flex::Center)
        .areas(area);
    let [place] = Layout::horizontal([Constraint::Length(width.min(area.width))])
        .flex(Flex::Center)
        .areas(row);
    place
}
