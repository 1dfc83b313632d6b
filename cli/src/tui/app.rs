//! What the screen knows: the answers and events so far, and where its reader is. News change it here; keys in `keys`.

use std::collections::{BTreeMap, HashMap, VecDeque};

use ratatui::widgets::TableState;
use serde_json::Value;

use super::news::{News, Topic};
use super::pager::Pager;
use super::prompt::Prompt;
use super::theme::Theme;
use super::traffic::Traffic;
use crate::entry::items;
use crate::events::Heard;
use crate::failure::{Failure, Kind};

/// Live requests that are kept.
const KEPT: usize = 500;
/// How long a remark stands.
const REMARK_MS: i64 = 6000;
/// How often a screen asks again.
const AGAIN_MS: i64 = 3000;
/// Turns of one client with a longer pause between them are two conversations.
const PAUSE_MS: i64 = 15 * 60_000;

/// What is shown.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Screen {
    Status,
    Models,
    Live,
    Conversations,
    Logs,
    Keys,
    Check,
    /// All at a glance, alone.
    Top,
}

impl Screen {
    /// Those with a tab, in their order.
    pub(super) const TABS: [Self; 7] = [
        Self::Status,
        Self::Models,
        Self::Live,
        Self::Conversations,
        Self::Logs,
        Self::Keys,
        Self::Check,
    ];

    /// The name on its tab.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Status => "Status",
            Self::Models => "Models",
            Self::Live => "Live",
            Self::Conversations => "Conversations",
            Self::Logs => "Logs",
            Self::Keys => "Keys",
            Self::Check => "Check",
            Self::Top => "Top",
        }
    }

    /// What it shows of the hub.
    pub(super) fn topics(self) -> &'static [Topic] {
        match self {
            Self::Status => &[Topic::System, Topic::Summary, Topic::Current, Topic::Health],
            Self::Models => &[Topic::System, Topic::Current, Topic::Presets, Topic::Models],
            Self::Live | Self::Keys => &[Topic::System],
            Self::Conversations => &[Topic::System, Topic::Kept, Topic::Logs],
            Self::Logs => &[Topic::System, Topic::Logs],
            Self::Check => &[Topic::System, Topic::Current],
            Self::Top => &[Topic::System, Topic::Summary, Topic::Health],
        }
    }
}

/// How the hub is reached at the moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Contact {
    /// Not known yet.
    Waiting,
    /// It answers.
    Good,
    /// It does not.
    Lost(String),
}

/// A remark at the foot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Remark {
    pub(super) words: String,
    pub(super) is_bad: bool,
    until_ms: i64,
}

/// What the screen knows.
pub(super) struct App {
    pub(super) url: String,
    pub(super) theme: Theme,
    pub(super) now_ms: i64,
    pub(super) contact: Contact,
    pub(super) answers: HashMap<Topic, Value>,
    pub(super) live: VecDeque<Value>,
    pub(super) traffic: Traffic,
    /// States of keys by pool and masked key.
    pub(super) keys: BTreeMap<(String, String), Value>,
    pub(super) tables: HashMap<Screen, TableState>,
    pub(super) pager: Option<Pager>,
    pub(super) prompt: Option<Prompt>,
    pub(super) remark: Option<Remark>,
    /// Whether only failures are listed.
    pub(super) only_errors: bool,
    /// Words that listed requests must have.
    pub(super) search: String,
    /// Live requests that came while the list was held still.
    pub(super) held: Option<VecDeque<Value>>,
    /// Whether a check is under way.
    pub(super) is_checking: bool,
    pub(super) has_help: bool,
    /// Whether conversations are those that the log tells of, instead of those that are kept.
    pub(super) is_by_log: bool,
    pub(super) is_dry: bool,
    screen: Screen,
    asked_ms: i64,
    is_over: bool,
    verdict: Option<Failure>,
}

impl App {
    /// Before anything is known.
    pub(super) fn new(url: &str, screen: Screen, theme: Theme, is_dry: bool) -> Self {
        Self {
            url: url.to_owned(),
            theme,
            now_ms: crate::moment::now_ms(),
            contact: Contact::Waiting,
            answers: HashMap::new(),
            live: VecDeque::new(),
            traffic: Traffic::default(),
            keys: BTreeMap::new(),
            tables: HashMap::new(),
            pager: None,
            prompt: None,
            remark: None,
            only_errors: false,
            search: String::new(),
            held: None,
            is_checking: false,
            has_help: false,
            is_by_log: false,
            is_dry,
            screen,
            asked_ms: 0,
            is_over: false,
            verdict: None,
        }
    }

    /// What is shown.
    pub(super) fn screen(&self) -> Screen {
        self.screen
    }

    /// Shows something else.
    pub(super) fn turn_to(&mut self, screen: Screen) {
        self.screen = screen;
        self.pager = None;
        self.asked_ms = 0;
    }

    /// Whether somebody has left.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Leaves.
    pub(super) fn leave(&mut self) {
        self.is_over = true;
    }

    /// Why it cannot go on.
    pub(super) fn verdict(&self) -> Option<Failure> {
        self.verdict.clone()
    }

    /// Time passes.
    pub(super) fn tick(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
        if self
            .remark
            .as_ref()
            .is_some_and(|remark| remark.until_ms < now_ms)
        {
            self.remark = None;
        }
    }

    /// Whether to ask again.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.now_ms - self.asked_ms >= AGAIN_MS;
        if is_due {
            self.asked_ms = self.now_ms;
        }
        is_due
    }

    /// Says something at the foot.
    pub(super) fn say(&mut self, words: impl Into<String>, is_bad: bool) {
        let until_ms = self.now_ms + if is_bad { 2 * REMARK_MS } else { REMARK_MS };
        let words = words.into().replace('\n', " ");
        self.remark = Some(Remark {
            words,
            is_bad,
            until_ms,
        });
    }

    /// What the hub answered; nothing before it did.
    pub(super) fn answer(&self, topic: Topic) -> &Value {
        self.answers.get(&topic).unwrap_or(&Value::Null)
    }

    /// Takes news in.
    pub(super) fn hear(&mut self, news: News) {
        match news {
            News::Answer(topic, value) => self.learn(topic, value),
            News::Silence(topic, failure) => self.miss(topic, failure),
            News::Request(heard) => self.request(heard),
            News::Keys(heard) => self.key_states(heard),
            News::Done(words) => self.say(words, false),
            News::Undone(failure) => self.say(failure.to_string(), true),
            News::Ended(failure) => self.stop(failure),
        }
    }

    fn learn(&mut self, topic: Topic, value: Value) {
        self.contact = Contact::Good;
        match topic {
            Topic::Entry => self.pager = Some(Pager::of_entry(&value)),
            Topic::Talk => self.pager = Some(Pager::of_talk(&value)),
            Topic::Roles => self.is_checking = false,
            Topic::Logs if self.live.is_empty() => self.begin(&value),
            _ => {}
        }
        self.answers.insert(topic, value);
    }

    /// The list of live requests begins with those that ended before.
    fn begin(&mut self, page: &Value) {
        for row in items(&page["items"]) {
            let at = row["at"].as_i64().unwrap_or_default();
            self.traffic.count(at, is_failure(row));
            self.live.push_back(row.clone());
        }
    }

    fn miss(&mut self, topic: Topic, failure: Failure) {
        if matches!(topic, Topic::Roles | Topic::Checks) {
            self.is_checking = false;
        }
        match failure.kind() {
            Kind::Unreachable => self.contact = Contact::Lost(failure.to_string()),
            // Without a log-in nothing can be shown. Who may do less than others sees the rest.
            Kind::Denied if topic == Topic::System && self.answers.is_empty() => self.stop(failure),
            _ => self.say(failure.to_string(), true),
        }
    }

    fn stop(&mut self, failure: Failure) {
        if failure.kind() == Kind::Denied && self.answers.is_empty() {
            self.is_over = true;
            self.verdict = Some(failure);
        } else {
            self.say(failure.to_string(), true);
        }
    }

    fn request(&mut self, heard: Heard) {
        match heard {
            Heard::Open => {
                if self.contact != Contact::Waiting {
                    self.contact = Contact::Good;
                }
            }
            Heard::Lost(failure, _) => self.contact = Contact::Lost(failure.to_string()),
            Heard::Event(name, row) if name == "request" => {
                let at = row["at"].as_i64().unwrap_or(self.now_ms);
                self.traffic.count(at, is_failure(&row));
                match &mut self.held {
                    Some(held) => {
                        // The newest count, here as in the list.
                        held.push_back(row);
                        if held.len() > KEPT {
                            held.pop_front();
                        }
                    }
                    None => self.list(row),
                }
            }
            Heard::Event(name, missed) if name == "missed" => {
                self.say(
                    format!("too fast to follow: {} left out", missed["count"]),
                    true,
                );
            }
            Heard::Event(..) => {}
        }
    }

    /// The newest request comes first; who looks at one goes on looking at it.
    fn list(&mut self, row: Value) {
        let is_listed = self.is_wanted(&row);
        self.live.push_front(row);
        self.live.truncate(KEPT);
        if !is_listed {
            return;
        }
        for screen in [Screen::Live, Screen::Top] {
            let table = self.tables.entry(screen).or_default();
            if let Some(at) = table.selected().filter(|at| *at > 0) {
                table.select(Some((at + 1).min(self.live.len() - 1)));
            }
        }
    }

    /// Holds the list of live requests still, or lets it go on.
    pub(super) fn hold(&mut self) {
        match self.held.take() {
            Some(rows) => rows.into_iter().for_each(|row| self.list(row)),
            None => self.held = Some(VecDeque::new()),
        }
    }

    fn key_states(&mut self, heard: Heard) {
        let changes = match heard {
            Heard::Event(_, changes) => changes,
            // The first event of a stream tells all keys: one that is gone is not told of.
            Heard::Open => return self.keys.clear(),
            Heard::Lost(..) => return,
        };
        for change in items(&changes["keys"]) {
            let name = |member: &str| change[member].as_str().unwrap_or_default().to_owned();
            self.keys
                .insert((name("pool"), name("key")), change.clone());
        }
    }

    /// The requests of a list, as they are wanted.
    pub(super) fn rows(&self, screen: Screen) -> Vec<&Value> {
        let rows: Box<dyn Iterator<Item = &Value>> = match screen {
            Screen::Live | Screen::Top => Box::new(self.live.iter()),
            _ => Box::new(items(&self.answer(Topic::Logs)["items"]).iter()),
        };
        rows.filter(|row| self.is_wanted(row)).collect()
    }

    /// Whether a request is one of those that are looked for.
    fn is_wanted(&self, row: &Value) -> bool {
        let is_found = self.search.is_empty() || has_words(row, &self.search);
        is_found && (!self.only_errors || row["outcome"] != "ok")
    }

    /// Conversations that are kept.
    pub(super) fn kept(&self) -> &[Value] {
        items(&self.answer(Topic::Kept)["items"])
    }

    /// Requests of one client for one model with no long pause between them, the newest conversation first.
    pub(super) fn conversations(&self) -> Vec<Vec<&Value>> {
        let mut found: Vec<Vec<&Value>> = Vec::new();
        let rows = items(&self.answer(Topic::Logs)["items"]).iter();
        for row in rows.filter(|row| row["call"] == "generate") {
            let fits = |turns: &&mut Vec<&Value>| {
                turns.last().is_some_and(|later| {
                    let pause = later["at"].as_i64().unwrap_or_default()
                        - row["at"].as_i64().unwrap_or_default();
                    ["client_key_id", "model_asked", "ingress"]
                        .iter()
                        .all(|name| later[*name] == row[*name])
                        && pause <= PAUSE_MS
                })
            };
            match found.iter_mut().find(fits) {
                Some(turns) => turns.push(row),
                None => found.push(vec![row]),
            }
        }
        found
    }

    /// How many lines the list of a screen has.
    pub(super) fn lines(&self, screen: Screen) -> usize {
        match screen {
            Screen::Models => items(&self.answer(Topic::Presets)["items"]).len(),
            Screen::Keys => self.keys.len(),
            Screen::Conversations if self.is_by_log => self.conversations().len(),
            Screen::Conversations => self.kept().len(),
            Screen::Live | Screen::Logs | Screen::Top => self.rows(screen).len(),
            Screen::Status | Screen::Check => 0,
        }
    }

    /// The line that is chosen, where there is one.
    pub(super) fn chosen(&self, screen: Screen) -> Option<usize> {
        let lines = self.lines(screen);
        let at = self
            .tables
            .get(&screen)
            .and_then(TableState::selected)
            .unwrap_or_default();
        lines.checked_sub(1).map(|last| at.min(last))
    }
}

/// Who hangs up has not met with a failure.
fn is_failure(row: &Value) -> bool {
    !matches!(row["outcome"].as_str(), Some("ok" | "cancelled"))
}

/// Whether a request has these words anywhere where people look.
fn has_words(row: &Value, words: &str) -> bool {
    let words = words.to_lowercase();
    let members = [
        "id",
        "model_asked",
        "model_served",
        "provider",
        "client_key",
        "route",
        "error",
        "error_code",
        "outcome",
    ];
    members.iter().any(|name| {
        row[*name]
            .as_str()
            .is_some_and(|text| text.to_lowercase().contains(&words))
    })
}
