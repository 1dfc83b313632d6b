//! Presets: named choices of what big, middle and small models are, switched at once.

use std::collections::BTreeMap;

use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use serde_json::{Value, json};

use super::Admin;
use super::bundled_presets;
use super::definition::{self, Wanted};
use super::known::Known;
use super::owned::{Gone, One, Origin};
use super::page::{Page, Range};
use super::person::{Identity, Role, Session};
use super::problem::{Answer, Problem};
use crate::config::Kind;
use crate::control::Assembly;
use crate::routing::{Facts, plan};
use crate::snapshot::Snapshot;
use crate::store::entities::definition::Model;

/// A preset as it is written.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct PresetEntry {
    /// What to switch to.
    #[oai(validator(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_.-]+$"))]
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// What `opus` stands for: `provider/model`, or a model that a provider lists.
    #[oai(validator(min_length = 1, max_length = 256))]
    pub big_model: String,
    /// What `sonnet` stands for; the big one unless it is named.
    pub middle_model: Option<String>,
    /// What `haiku` stands for.
    #[oai(validator(min_length = 1, max_length = 256))]
    pub small_model: String,
}

/// A preset.
#[derive(Clone, Debug, Object)]
pub(super) struct Preset {
    #[oai(flatten)]
    pub entry: PresetEntry,
    #[oai(flatten)]
    pub origin: Origin,
    /// Its models are those that are in force.
    pub is_active: bool,
    /// What of it cannot serve here: providers and models that are not configured.
    pub warnings: Vec<String>,
}

/// A setting that changes.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct SettingStep {
    /// Its key.
    pub key: String,
    /// What it is.
    pub before: Option<String>,
    /// What it becomes.
    pub after: Option<String>,
}

/// What applying does.
#[derive(Clone, Debug, Object)]
pub(super) struct Applied {
    /// It is in force.
    pub applied: bool,
    /// The settings that change.
    pub changes: Vec<SettingStep>,
    /// What of it cannot serve here.
    pub warnings: Vec<String>,
}

impl PresetEntry {
    pub(super) fn models(&self) -> [(&'static str, &str); 3] {
        let middle = self.middle_model.as_ref().unwrap_or(&self.big_model);
        [
            ("BIG_MODEL", &self.big_model),
            ("MIDDLE_MODEL", middle),
            ("SMALL_MODEL", &self.small_model),
        ]
    }

    fn of_row(row: &Model) -> Self {
        let document: Value = serde_json::from_str(&row.document).unwrap_or_default();
        let text = |member: &str| document[member].as_str().map(str::to_owned);
        Self {
            name: row.name.clone(),
            description: text("description"),
            big_model: text("big_model").unwrap_or_default(),
            middle_model: text("middle_model"),
            small_model: text("small_model").unwrap_or_default(),
        }
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            name: self.name.clone(),
            position: 0,
            enabled: true,
            document: super::owned::lean(json!({
                "description": self.description,
                "big_model": self.big_model,
                "middle_model": self.middle_model,
                "small_model": self.small_model,
            })),
            secrets: Vec::new(),
        }
    }
}

/// What `BIG_MODEL`, `MIDDLE_MODEL` and `SMALL_MODEL` are now.
pub(super) fn current(in_force: &Assembly) -> [(&'static str, Option<String>); 3] {
    let settings = &in_force.settings;
    [
        ("BIG_MODEL", settings.big_model.clone()),
        ("MIDDLE_MODEL", settings.middle_model.clone()),
        ("SMALL_MODEL", settings.small_model.clone()),
    ]
}

/// Why a model cannot serve.
fn lacks(admin: &Admin, snapshot: &Snapshot, model: &str) -> Option<String> {
    let facts = Facts {
        ingress: translator::Dialect::OpenAiChat,
        model,
        body: b"{}",
        headers: &http::HeaderMap::new(),
        client_key: None,
        pin: None,
    };
    if let Err(reason) = plan(snapshot, &facts, &admin.control.hub().selection) {
        return Some(reason.to_string());
    }
    let (provider, name) = model.split_once('/')?;
    let provider = snapshot.provider(provider)?;
    let lists = provider.models().next().is_some();
    (lists && provider.lists(name).is_none())
        .then(|| format!("provider `{}` does not list `{name}`", provider.name))
}

impl Admin {
    fn shown_preset(&self, entry: PresetEntry, origin: Origin) -> Preset {
        let in_force = self.control.in_force();
        let now = current(&in_force);
        let snapshot = self.control.hub().snapshots.load_full();
        Preset {
            is_active: entry
                .models()
                .iter()
                .zip(&now)
                .all(|((_, wanted), (_, now))| now.as_deref() == Some(*wanted)),
            warnings: self.preset_warnings(&snapshot, &entry),
            entry,
            origin,
        }
    }

    fn preset_warnings(&self, snapshot: &Snapshot, entry: &PresetEntry) -> Vec<String> {
        let mut warnings = Vec::new();
        for (key, model) in entry.models() {
            if let Some(why) = lacks(self, snapshot, model) {
                let words = format!("{key} `{model}`: {why}");
                if !warnings.contains(&words) {
                    warnings.push(words);
                }
            }
        }
        warnings
    }

    /// All presets, those that come with the program first.
    pub(super) async fn all_presets(&self) -> Answer<Vec<Preset>> {
        let rows = definition::all_of(self, Kind::Preset).await?;
        let in_force = self.control.in_force();
        let mut all: Vec<Preset> = self
            .bundled()
            .into_iter()
            .filter(|entry| rows.iter().all(|row| row.name != entry.name))
            .map(|entry| self.shown_preset(entry, bundled_origin()))
            .collect();
        for row in rows {
            let origin = Origin::defined(&row, &in_force);
            all.push(self.shown_preset(PresetEntry::of_row(&row), origin));
        }
        Ok(all)
    }

    fn bundled(&self) -> Vec<PresetEntry> {
        let snapshot = self.control.hub().snapshots.load_full();
        let catalogue = snapshot.prices.catalogue();
        bundled_presets::all()
            .iter()
            .map(|preset| {
                let model = |line: &str| bundled_presets::resolved(&snapshot, catalogue, line);
                PresetEntry {
                    name: preset.name.clone(),
                    description: Some(preset.description.clone()),
                    big_model: model(&preset.big),
                    middle_model: Some(model(&preset.middle)),
                    small_model: model(&preset.small),
                }
            })
            .collect()
    }

    /// One preset by name: an own one, else one that comes with the program.
    pub(super) async fn preset(&self, name: &str) -> Answer<Preset> {
        match definition::find(self, Kind::Preset, name).await {
            Ok(row) => {
                let origin = Origin::defined(&row, &self.control.in_force());
                return Ok(self.shown_preset(PresetEntry::of_row(&row), origin));
            }
            Err(Problem::NotFound(_)) => {}
            Err(problem) => return Err(problem),
        }
        let found = self.bundled().into_iter().find(|entry| entry.name == name);
        let entry = found.ok_or_else(|| Problem::not_found("preset"))?;
        Ok(self.shown_preset(entry, bundled_origin()))
    }

    /// Makes these models the big, the middle and the small one.
    pub(super) async fn apply_models(
        &self,
        who: &Identity,
        entry: &PresetEntry,
        dry_run: bool,
    ) -> Answer<Applied> {
        let in_force = self.control.in_force();
        let now = current(&in_force);
        let mut changes = Vec::new();
        let mut wanted = BTreeMap::new();
        for ((key, after), (_, before)) in entry.models().into_iter().zip(now) {
            if before.as_deref() != Some(after) {
                wanted.insert(key.to_owned(), Value::from(after));
                changes.push(SettingStep {
                    key: key.to_owned(),
                    before,
                    after: Some(after.to_owned()),
                });
            }
        }
        let snapshot = self.control.hub().snapshots.load_full();
        let warnings = self.preset_warnings(&snapshot, entry);
        let change = self.control.begin(who.actor()).await?;
        self.put_settings(&change, &wanted).await?;
        if dry_run {
            change.rehearse().await?;
        } else if !wanted.is_empty() {
            change.commit().await?;
        }
        Ok(Applied {
            applied: !dry_run,
            changes,
            warnings,
        })
    }
}

fn bundled_origin() -> Origin {
    Origin {
        source: "bundled".to_owned(),
        ..Origin::default()
    }
}

fn own(name: &str) -> Answer<()> {
    if bundled_presets::all()
        .iter()
        .any(|preset| preset.name == name)
    {
        return Err(Problem::conflict(
            "read_only",
            format!("preset `{name}` comes with the program; make one of another name"),
        ));
    }
    Ok(())
}

/// The resource.
pub(super) struct Presets(pub(super) Admin);

#[OpenApi(prefix_path = "/api/presets")]
impl Presets {
    /// List presets
    ///
    /// `bundled` ones name the current models of their vendors.
    #[oai(path = "/", method = "get", operation_id = "presets_list")]
    async fn list(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
    ) -> Answer<Json<Page<Preset>>> {
        session.at_least(Role::Viewer)?;
        let range = Range::of(cursor.0, limit.0)?;
        let all = self.0.all_presets().await?;
        Ok(Json(range.cut(all, |preset| preset.entry.name.clone())))
    }

    /// Make a preset
    #[oai(path = "/", method = "post", operation_id = "presets_create")]
    async fn create(
        &self,
        session: Session,
        body: Json<Known<PresetEntry, Preset>>,
    ) -> Answer<One<Preset>> {
        let who = session.at_least(Role::Operator)?;
        own(&body.name)?;
        let row = definition::create(&self.0, who, Kind::Preset, body.wanted()).await?;
        let preset = self.0.preset(&row.name).await?;
        let etag = preset.origin.etag();
        Ok(One::Created(Json(preset), etag))
    }

    /// Read a preset
    #[oai(path = "/:name", method = "get", operation_id = "presets_get")]
    async fn get(&self, session: Session, name: Path<String>) -> Answer<One<Preset>> {
        session.at_least(Role::Viewer)?;
        let preset = self.0.preset(&name).await?;
        let etag = preset.origin.etag();
        Ok(One::Ok(Json(preset), etag))
    }

    /// Replace a preset
    #[oai(path = "/:name", method = "put", operation_id = "presets_update")]
    async fn update(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<Known<PresetEntry, Preset>>,
    ) -> Answer<One<Preset>> {
        let who = session.at_least(Role::Operator)?;
        own(&name)?;
        own(&body.name)?;
        let tag = if_match.0.as_deref();
        let wanted = body.wanted();
        definition::update(&self.0, who, Kind::Preset, &name, tag, wanted).await?;
        let preset = self.0.preset(&body.name).await?;
        let etag = preset.origin.etag();
        Ok(One::Ok(Json(preset), etag))
    }

    /// Remove a preset
    #[oai(path = "/:name", method = "delete", operation_id = "presets_delete")]
    async fn delete(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
    ) -> Answer<Gone> {
        let who = session.at_least(Role::Operator)?;
        own(&name)?;
        definition::delete(&self.0, who, Kind::Preset, &name, if_match.0.as_deref()).await?;
        Ok(Gone::Done)
    }

    /// Switch to a preset
    ///
    /// Sets `BIG_MODEL`, `MIDDLE_MODEL` and `SMALL_MODEL`; with `dry_run` it only says what would change.
    #[oai(path = "/:name/apply", method = "post", operation_id = "presets_apply")]
    async fn apply(
        &self,
        session: Session,
        name: Path<String>,
        dry_run: Query<Option<bool>>,
    ) -> Answer<Json<Applied>> {
        let who = session.at_least(Role::Operator)?;
        let preset = self.0.preset(&name).await?;
        let dry_run = dry_run.0.unwrap_or(false);
        Ok(Json(
            self.0.apply_models(who, &preset.entry, dry_run).await?,
        ))
    }
}
