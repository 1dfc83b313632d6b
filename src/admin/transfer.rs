//! Configuration as code: exporting what the database owns, comparing with it, and taking it in.

use std::collections::BTreeSet;

use poem::{IntoResponse, Response};
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::MetaSchemaRef;
use poem_openapi::types::{Any, Type as _};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::{Value, json};

use super::Admin;
use super::bundle::{Entry, document, exported, parsed};
use super::definition::{self, note, put_secrets};
use super::owned::lean;
use super::person::{Identity, Role, Session};
use super::problem::{Answer, Problem};
use crate::config::{KeyWeights, Kind};
use crate::control::Change;
use crate::store::definitions::{describe_secret, insert, remove, replace, secrets_of};
use crate::store::entities::definition::Model;

/// YAML as text; to the document it is what the text says, not the text.
pub(super) struct Yaml(String);

impl Payload for Yaml {
    const CONTENT_TYPE: &'static str = "application/yaml";

    fn schema_ref() -> MetaSchemaRef {
        Any::<Value>::schema_ref()
    }
}

impl IntoResponse for Yaml {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type(Self::CONTENT_TYPE)
            .header("content-disposition", "attachment; filename=\"bridge.yml\"")
            .body(self.0)
    }
}

/// A YAML document.
#[derive(ApiResponse)]
pub(super) enum YamlAnswer {
    /// The document.
    #[oai(status = 200)]
    Ok(Yaml),
}

/// A document to compare or take in.
#[derive(Clone, Debug, Object)]
pub(super) struct Import {
    /// YAML, written as `app.yml` is; also with `PRESETS` and `MODELS`. Secrets that are references, `${NAME}`, stay as
    /// they are in the database.
    document: String,
    /// Only say what would happen.
    #[oai(default)]
    dry_run: bool,
    /// Remove what the document does not name.
    #[oai(default)]
    replace: bool,
}

/// One difference.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Difference {
    /// `create`, `update`, `delete`, or `skip` for what a file owns or what stays disabled for want of its secrets.
    action: String,
    /// Which kind of thing.
    kind: String,
    /// Its name.
    name: String,
    /// What it is.
    before: Any<Value>,
    /// What it becomes.
    after: Any<Value>,
    /// Which secrets are replaced.
    secrets: Vec<String>,
    /// What to know.
    note: Option<String>,
}

/// What a document changes.
#[derive(Clone, Debug, Object)]
pub(super) struct Differences {
    /// It was taken in.
    applied: bool,
    /// The differences; what is the same is not told.
    differences: Vec<Difference>,
    /// How many entries are the same.
    unchanged: u64,
}

/// The resource.
pub(super) struct Transfer(pub(super) Admin);

struct Plan {
    differences: Vec<Difference>,
    unchanged: u64,
    /// What to do, in order.
    steps: Vec<Step>,
}

enum Step {
    Put(Box<Entry>, Option<Model>),
    Remove(Model),
}

/// A newer catalogue is exported and imported where it belongs.
fn is_catalogue(row: &Model) -> bool {
    row.kind == Kind::Model.as_str() && row.name == crate::catalogue::IMPORTED_CATALOGUE
}

/// What is compared.
fn portrait(position: i64, enabled: bool, document: &Value) -> Value {
    json!({"priority": position, "enabled": enabled, "document": lean(document.clone())})
}

fn portrait_of(row: &Model) -> Value {
    let document = serde_json::from_str(&row.document).unwrap_or_default();
    portrait(row.position, row.enabled, &document)
}

impl Transfer {
    async fn rows(&self) -> Answer<Vec<Model>> {
        let mut rows = Vec::new();
        for kind in Kind::ALL {
            rows.extend(definition::all_of(&self.0, kind).await?);
        }
        Ok(rows)
    }

    /// Whether a file has something of this kind and name.
    fn is_given(&self, kind: Kind, name: &str) -> bool {
        let files = self.0.control.files();
        match kind {
            Kind::Provider => files.provider(name).is_some(),
            Kind::KeyPool => files.key_pools.iter().any(|pool| pool.name == name),
            Kind::Route => files.routes.iter().any(|route| route.name == name),
            Kind::Alias => files.aliases.iter().any(|(alias, _)| alias == name),
            Kind::Setting => files.given.contains(name),
            Kind::Preset | Kind::Model => false,
        }
    }

    async fn plan(&self, text: &str, prune: bool) -> Answer<Plan> {
        let entries = parsed(text)?;
        let rows = self.rows().await?;
        let secrets = definition::secrets_by_definition(&self.0).await?;
        let mut plan = Plan {
            differences: Vec::new(),
            unchanged: 0,
            steps: Vec::new(),
        };
        let mut seen = BTreeSet::new();
        for entry in entries {
            let (kind, name) = (entry.kind, entry.wanted.name.clone());
            if !seen.insert((kind, name.clone())) {
                return Err(Problem::invalid(
                    "document",
                    format!(
                        "the document has two of kind {} called `{name}`",
                        kind.as_str()
                    ),
                    "remove one",
                ));
            }
            let row = rows
                .iter()
                .find(|row| row.kind == kind.as_str() && row.name == name);
            let own = row.and_then(|row| secrets.get(&row.id));
            let has = |field: &str| own.is_some_and(|own| own.iter().any(|one| one.field == field));
            let given = |field: &str| entry.wanted.secrets.iter().any(|(own, _)| own == field);
            let lacks: Vec<String> = entry
                .references
                .iter()
                .filter(|field| !has(field) && !given(field))
                .cloned()
                .collect();
            self.compare(&mut plan, entry, row, &lacks);
        }
        if prune {
            for row in &rows {
                // A catalogue of its own is no part of the document.
                let is_kept = is_catalogue(row)
                    || Kind::parse(&row.kind)
                        .is_none_or(|kind| seen.contains(&(kind, row.name.clone())));
                if !is_kept {
                    plan.differences.push(Difference {
                        action: "delete".to_owned(),
                        kind: row.kind.clone(),
                        name: row.name.clone(),
                        before: Any(portrait_of(row)),
                        after: Any(Value::Null),
                        secrets: Vec::new(),
                        note: None,
                    });
                    plan.steps.push(Step::Remove(row.clone()));
                }
            }
        }
        Ok(plan)
    }

    /// What refers to secrets that are not here must not go out without them, so a provider that `lacks` some is
    /// disabled.
    fn compare(&self, plan: &mut Plan, mut entry: Entry, row: Option<&Model>, lacks: &[String]) {
        let is_held = entry.kind == Kind::Provider && entry.wanted.enabled && !lacks.is_empty();
        entry.wanted.enabled &= !is_held;
        let wanted = &entry.wanted;
        let after = portrait(wanted.position, wanted.enabled, &wanted.document);
        let before = row.map_or(Value::Null, portrait_of);
        let given = self.is_given(entry.kind, &wanted.name);
        let is_same = before == after && wanted.secrets.is_empty();
        if is_same && !given && !is_held {
            plan.unchanged += 1;
            return;
        }
        let (action, note) = match row {
            _ if given => ("skip", Some("a file owns it; change it there".to_owned())),
            _ if is_same => ("skip", Some(without(lacks, is_held))),
            None => (
                "create",
                (!lacks.is_empty()).then(|| without(lacks, is_held)),
            ),
            Some(_) => (
                "update",
                (!lacks.is_empty()).then(|| without(lacks, is_held)),
            ),
        };
        plan.differences.push(Difference {
            action: action.to_owned(),
            kind: entry.kind.as_str().to_owned(),
            name: wanted.name.clone(),
            before: Any(before),
            after: Any(after),
            secrets: wanted
                .secrets
                .iter()
                .map(|(field, _)| field.clone())
                .collect(),
            note,
        });
        if !given && !is_same {
            plan.steps.push(Step::Put(Box::new(entry), row.cloned()));
        }
    }

    /// Says what a document changes, and carries it out or rehearses it: what would not fit together is refused.
    async fn take_in(
        &self,
        who: &Identity,
        asked: &Import,
        dry_run: bool,
    ) -> Answer<Json<Differences>> {
        let plan = self.plan(&asked.document, asked.replace).await?;
        let changes = !plan.steps.is_empty();
        if changes {
            self.carry_out(who, plan.steps, dry_run).await?;
        }
        Ok(Json(Differences {
            applied: changes && !dry_run,
            differences: plan.differences,
            unchanged: plan.unchanged,
        }))
    }

    /// Carries a plan out within one change, so that all of it counts or nothing.
    async fn carry_out(&self, who: &Identity, steps: Vec<Step>, dry_run: bool) -> Answer<()> {
        let change = self.0.control.begin(who.actor()).await?;
        for step in steps {
            take_step(&change, step).await?;
        }
        if dry_run {
            change.rehearse().await?;
        } else {
            change.commit().await?;
        }
        Ok(())
    }
}

/// What is lacking, and what to do.
fn without(lacks: &[String], is_held: bool) -> String {
    let lacks = lacks.join(", ");
    if is_held {
        format!(
            "disabled, since its secrets are references, which are not resolved: give it its {lacks}, then enable it"
        )
    } else {
        format!(
            "its secrets are references, which are not resolved: give it its {lacks} afterwards"
        )
    }
}

async fn take_step(change: &Change, step: Step) -> Answer<()> {
    match step {
        Step::Remove(row) => {
            remove(change.work(), &row).await?;
            if let Some(kind) = Kind::parse(&row.kind) {
                note(change, "delete", kind, Some(&row), None).await?;
            }
        }
        Step::Put(entry, None) => {
            let Entry {
                kind,
                wanted,
                weights,
                ..
            } = *entry;
            let (work, name) = (change.work(), &wanted.name);
            let row = insert(
                work,
                kind,
                name,
                wanted.position,
                wanted.enabled,
                &wanted.document,
            )
            .await?;
            put_secrets(change, &row, &wanted).await?;
            weigh(change, &row, &weights).await?;
            note(change, "create", kind, None, Some(&row)).await?;
        }
        Step::Put(entry, Some(before)) => {
            let Entry {
                kind,
                wanted,
                weights,
                ..
            } = *entry;
            let row = Model {
                position: wanted.position,
                enabled: wanted.enabled,
                document: wanted.document.to_string(),
                ..before.clone()
            };
            let row = replace(change.work(), &row).await?;
            put_secrets(change, &row, &wanted).await?;
            weigh(change, &row, &weights).await?;
            note(change, "update", kind, Some(&before), Some(&row)).await?;
        }
    }
    Ok(())
}

/// Gives the keys of a definition the weights that the document names.
async fn weigh(change: &Change, row: &Model, weights: &KeyWeights) -> Answer<()> {
    if weights.is_empty() {
        return Ok(());
    }
    for secret in secrets_of(change.work(), change.vault(), &row.id).await? {
        let row = secret.row;
        if let Some(weight) = weights.get(&row.masked).filter(|_| row.field == "key") {
            describe_secret(change.work(), &row.id, &row.label, *weight).await?;
        }
    }
    Ok(())
}

#[OpenApi(prefix_path = "/api/config")]
impl Transfer {
    /// Export everything that is defined
    ///
    /// YAML as `app.yml` has it; secrets are left out and referred to by name.
    #[oai(path = "/export", method = "get", operation_id = "config_export")]
    async fn export(&self, session: Session) -> Answer<YamlAnswer> {
        session.at_least(Role::Operator)?;
        let secrets = definition::secrets_by_definition(&self.0).await?;
        let mut rows = self.rows().await?;
        rows.sort_by(|a, b| (a.position, &a.name).cmp(&(b.position, &b.name)));
        let entries = rows.iter().filter_map(|row| {
            let own: Vec<_> = secrets.get(&row.id).into_iter().flatten().collect();
            let (kind, value) = exported(row, &own)?;
            (!is_catalogue(row)).then(|| (kind, row.name.clone(), value))
        });
        let text = serde_yaml::to_string(&document(&entries.collect::<Vec<_>>()))
            .map_err(|error| Problem::internal(&error))?;
        Ok(YamlAnswer::Ok(Yaml(text)))
    }

    /// Compare a document with what is defined
    #[oai(path = "/diff", method = "post", operation_id = "config_diff")]
    async fn diff(&self, session: Session, body: Json<Import>) -> Answer<Json<Differences>> {
        let who = session.at_least(Role::Operator)?;
        self.take_in(who, &body, true).await
    }

    /// Take a document in
    ///
    /// All of it or nothing. Whatever a file owns is passed over.
    #[oai(path = "/import", method = "post", operation_id = "config_import")]
    async fn import(&self, session: Session, body: Json<Import>) -> Answer<Json<Differences>> {
        let who = session.at_least(Role::Admin)?;
        self.take_in(who, &body, body.dry_run).await
    }
}
