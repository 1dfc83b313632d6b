//! Keys: what each does on each screen, and the words for it at the foot.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use serde_json::Value;

use super::act::ROLES;
use super::app::{App, Screen};
use super::news::{Act, Topic};
use super::prompt::{Prompt, Purpose};
use crate::entry::{items, text};

/// Lines of a page.
const PAGE: isize = 10;

impl App {
    /// What a key does here, for the foot.
    pub(super) fn hints(&self) -> &'static [(&'static str, &'static str)] {
        if let Some(prompt) = &self.prompt {
            return match prompt.purpose {
                Purpose::Confirm(_) => &[("y", "yes"), ("n", "no")],
                _ => &[
                    ("Enter", "take it"),
                    ("Up/Down", "choose"),
                    ("Esc", "leave it"),
                ],
            };
        }
        if self.pager.is_some() {
            return &[("Up/Down", "scroll"), ("Esc", "back"), ("q", "quit")];
        }
        match self.screen() {
            Screen::Status => &[
                ("1-7", "screens"),
                ("r", "again"),
                ("?", "help"),
                ("q", "quit"),
            ],
            Screen::Models => &[
                ("Enter", "apply"),
                ("b", "opus"),
                ("m", "sonnet"),
                ("s", "haiku"),
                ("1-7", "screens"),
                ("q", "quit"),
            ],
            Screen::Live => &[
                ("Enter", "look"),
                ("p", "hold"),
                ("e", "errors"),
                ("/", "search"),
                ("1-7", "screens"),
                ("q", "quit"),
            ],
            Screen::Conversations => &[
                ("Enter", "read"),
                ("l", "kept, or by the log"),
                ("r", "again"),
                ("1-7", "screens"),
                ("q", "quit"),
            ],
            Screen::Logs => &[
                ("Enter", "look"),
                ("e", "errors"),
                ("/", "search"),
                ("r", "again"),
                ("1-7", "screens"),
                ("q", "quit"),
            ],
            Screen::Keys => &[
                ("t", "test pool"),
                ("x", "end rests"),
                ("1-7", "screens"),
                ("q", "quit"),
            ],
            Screen::Check => &[("Enter", "test"), ("1-7", "screens"), ("q", "quit")],
            Screen::Top => &[
                ("p", "hold"),
                ("e", "errors"),
                ("Enter", "look"),
                ("q", "quit"),
            ],
        }
    }

    /// What a key, or another event of the terminal, asks for.
    pub(super) fn event(&mut self, event: &Event) -> Vec<Act> {
        let Event::Key(key) = event else {
            return Vec::new();
        };
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_ctrl && matches!(key.code, KeyCode::Char('c')) {
            self.leave();
            return Vec::new();
        }
        if self.has_help {
            self.has_help = false;
            return Vec::new();
        }
        if self.prompt.is_some() {
            return self.answer_prompt(*key).into_iter().collect();
        }
        if self.pager.is_some() && self.scroll(key.code) {
            return Vec::new();
        }
        self.press(key.code).into_iter().collect()
    }

    /// Whether the key was for the text over the screen.
    fn scroll(&mut self, code: KeyCode) -> bool {
        let Some(pager) = &mut self.pager else {
            return false;
        };
        match code {
            KeyCode::Up | KeyCode::Char('k') => pager.scroll(-1),
            KeyCode::Down | KeyCode::Char('j') => pager.scroll(1),
            KeyCode::PageUp => pager.scroll(-PAGE),
            KeyCode::PageDown | KeyCode::Char(' ') => pager.scroll(PAGE),
            KeyCode::Home | KeyCode::Char('g') => pager.top = 0,
            KeyCode::End | KeyCode::Char('G') => pager.scroll(isize::MAX),
            KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace | KeyCode::Left => self.pager = None,
            _ => return false,
        }
        true
    }

    fn press(&mut self, code: KeyCode) -> Option<Act> {
        let screen = self.screen();
        match code {
            KeyCode::Char('q') | KeyCode::Esc => self.leave(),
            KeyCode::Char('?') => self.has_help = true,
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::PageUp => self.step(-PAGE),
            KeyCode::PageDown => self.step(PAGE),
            KeyCode::Home | KeyCode::Char('g') => self.step(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.step(isize::MAX),
            KeyCode::Tab | KeyCode::Right => self.beside(1),
            KeyCode::BackTab | KeyCode::Left => self.beside(Screen::TABS.len() - 1),
            KeyCode::Char(digit @ '1'..='7') if screen != Screen::Top => {
                let at = digit as usize - '1' as usize;
                self.turn_to(Screen::TABS[at]);
            }
            other => return self.press_here(screen, other),
        }
        None
    }

    /// Keys that do something on some screens alone.
    fn press_here(&mut self, screen: Screen, code: KeyCode) -> Option<Act> {
        match (screen, code) {
            (Screen::Check, KeyCode::Enter | KeyCode::Char('t')) if !self.is_checking => {
                let act = self.allowed(Act::Check);
                self.is_checking = act.is_some();
                return act;
            }
            (Screen::Models, KeyCode::Enter) => self.ask_for_preset(),
            (Screen::Models, KeyCode::Char('b')) => self.ask_for_model(0),
            (Screen::Models, KeyCode::Char('m')) => self.ask_for_model(1),
            (Screen::Models, KeyCode::Char('s')) => self.ask_for_model(2),
            (Screen::Keys, KeyCode::Char('t')) => {
                let pool = self.pool()?;
                return self.allowed(Act::Test(pool));
            }
            (Screen::Keys, KeyCode::Char('x')) => {
                if let Some(pool) = self.pool() {
                    let title = format!("End the rest of all keys of `{pool}`?");
                    self.confirm(title, Act::Reset(pool));
                }
            }
            (Screen::Conversations, KeyCode::Char('l')) => self.is_by_log = !self.is_by_log,
            (Screen::Conversations, KeyCode::Enter) if !self.is_by_log => {
                let kept = self.kept().get(self.chosen(screen)?)?;
                let (id, title) = (text(kept, "id"), text(kept, "title"));
                return Some(Act::Read(id.to_owned(), title.to_owned()));
            }
            (Screen::Live | Screen::Logs | Screen::Top | Screen::Conversations, KeyCode::Enter) => {
                return self.entry().map(Act::Open);
            }
            (Screen::Live | Screen::Logs | Screen::Top, KeyCode::Char('e')) => {
                self.only_errors = !self.only_errors;
            }
            (Screen::Live | Screen::Logs | Screen::Top, KeyCode::Char('/')) => {
                self.prompt = Some(Prompt::new(
                    "Only requests with",
                    Purpose::Search,
                    Vec::new(),
                ));
            }
            (Screen::Live | Screen::Top, KeyCode::Char('p')) => self.hold(),
            (_, KeyCode::Char('r')) => {
                // The next tick asks.
                self.turn_to(screen);
            }
            _ => {}
        }
        None
    }

    fn step(&mut self, lines: isize) {
        let screen = self.screen();
        let Some(at) = self.chosen(screen) else {
            return;
        };
        let last = self.lines(screen) - 1;
        let to = at.saturating_add_signed(lines).min(last);
        self.tables.entry(screen).or_default().select(Some(to));
    }

    fn beside(&mut self, steps: usize) {
        if let Some(at) = Screen::TABS
            .iter()
            .position(|screen| *screen == self.screen())
        {
            self.turn_to(Screen::TABS[(at + steps) % Screen::TABS.len()]);
        }
    }

    /// The request that is chosen.
    fn entry(&self) -> Option<String> {
        let screen = self.screen();
        let at = self.chosen(screen)?;
        let row = match screen {
            Screen::Conversations => self.conversations().get(at)?.first().copied()?,
            _ => *self.rows(screen).get(at)?,
        };
        Some(text(row, "id").to_owned())
    }

    /// The pool of the key that is chosen.
    fn pool(&self) -> Option<String> {
        let at = self.chosen(Screen::Keys)?;
        self.keys.keys().nth(at).map(|(pool, _)| pool.clone())
    }

    fn confirm(&mut self, title: String, act: Act) {
        self.prompt = Some(Prompt::new(title, Purpose::Confirm(act), Vec::new()));
    }

    fn ask_for_preset(&mut self) {
        let presets = &self.answer(Topic::Presets)["items"];
        let chosen = self.chosen(Screen::Models).and_then(|at| presets.get(at));
        if let Some(preset) = chosen {
            let name = text(preset, "name").to_owned();
            let title = match items(&preset["warnings"]).len() {
                0 => format!("Switch everybody to `{name}`?"),
                _ => format!("Switch everybody to `{name}`? Not all of it can serve here."),
            };
            self.confirm(title, Act::Apply(name));
        }
    }

    fn ask_for_model(&mut self, role: usize) {
        let (name, member) = ROLES[role];
        let mut choices = Vec::new();
        let models = self.answer(Topic::Models)["models"].as_object();
        for (provider, listed) in models.into_iter().flatten() {
            let listed = items(listed).iter().filter_map(Value::as_str);
            choices.extend(listed.map(|model| format!("{provider}/{model}")));
        }
        self.prompt = Some(Prompt::new(
            format!("Model for {name}"),
            Purpose::Model(member),
            choices,
        ));
    }

    fn answer_prompt(&mut self, key: KeyEvent) -> Option<Act> {
        let prompt = self.prompt.as_mut()?;
        if let Purpose::Confirm(act) = &prompt.purpose {
            let act = act.clone();
            self.prompt = None;
            return match key.code {
                KeyCode::Char('y' | 'Y') | KeyCode::Enter => self.allowed(act),
                _ => None,
            };
        }
        match key.code {
            KeyCode::Esc => self.prompt = None,
            KeyCode::Up => prompt.pick(-1),
            KeyCode::Down => prompt.pick(1),
            KeyCode::Backspace => prompt.type_letter(None),
            KeyCode::Char(letter) => prompt.type_letter(Some(letter)),
            KeyCode::Enter => {
                let prompt = self.prompt.take()?;
                let answer = prompt.answer();
                match prompt.purpose {
                    Purpose::Search => self.search = answer,
                    Purpose::Model(member) if !answer.is_empty() => {
                        return self.allowed(Act::Switch(member, answer));
                    }
                    Purpose::Model(_) | Purpose::Confirm(_) => {}
                }
            }
            _ => {}
        }
        None
    }

    /// Nothing is written where nothing is to be.
    fn allowed(&mut self, act: Act) -> Option<Act> {
        if self.is_dry {
            self.say("nothing was sent (--dry-run)", false);
            return None;
        }
        Some(act)
    }
}
