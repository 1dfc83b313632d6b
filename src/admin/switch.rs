//! `POST /switch_model`, `GET /config`, `GET /models`: the paths and answers that older set-ups have scripts for.
//!
//! They need a session like everything else of the administration: who switches models changes them for everybody,
//! which no client key may.

use std::collections::BTreeMap;

use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Admin;
use super::person::{Role, Session};
use super::presets::{PresetEntry, current};
use super::problem::{Answer, Problem};

/// What to switch to: a preset, or models.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Switch {
    /// The name of a preset.
    preset: Option<String>,
    /// The big model; as it is unless it is named.
    big_model: Option<String>,
    /// The middle model; as it is unless it is named.
    middle_model: Option<String>,
    /// The small model; as it is unless it is named.
    small_model: Option<String>,
    /// Conversations go on across a switch; `false` is refused, since a switch never ends one.
    #[oai(default = "super::definition::yes")]
    preserve_conversation: bool,
}

/// The models of the roles.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RoleModels {
    /// What `opus` stands for.
    big_model: Option<String>,
    /// What `sonnet` stands for.
    middle_model: Option<String>,
    /// What `haiku` stands for.
    small_model: Option<String>,
}

/// What became of a switch.
#[derive(Clone, Debug, Object)]
pub(super) struct Switched {
    /// It is done.
    success: bool,
    /// In words.
    message: String,
    /// The models now.
    current_models: RoleModels,
    /// Conversations go on.
    conversation_preserved: bool,
    /// What of it cannot serve here.
    warnings: Vec<String>,
}

/// What is in force.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct CurrentConfig {
    /// The models now.
    current_models: RoleModels,
    /// The preset that they are, if it is one.
    current_preset: Option<String>,
    /// Where names go that nothing else explains.
    preferred_provider: Option<String>,
    /// `transformer` or `direct`.
    mode: String,
    /// The providers in use.
    providers: Vec<String>,
}

/// The two models of a preset.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct PresetModels {
    /// For people.
    description: Option<String>,
    /// What `opus` stands for.
    big_model: String,
    /// What `sonnet` stands for.
    middle_model: Option<String>,
    /// What `haiku` stands for.
    small_model: String,
    /// All of it can serve here.
    is_available: bool,
}

/// All models and presets.
#[derive(Clone, Debug, Object)]
pub(super) struct AllModels {
    /// The models by provider.
    models: BTreeMap<String, Vec<String>>,
    /// The presets by name.
    presets: BTreeMap<String, PresetModels>,
    /// The models now.
    current_models: RoleModels,
}

/// The resource.
pub(super) struct ModelSwitch(pub(super) Admin);

impl ModelSwitch {
    fn current(&self) -> RoleModels {
        let [(_, big_model), (_, middle_model), (_, small_model)] =
            current(&self.0.control.in_force());
        RoleModels {
            big_model,
            middle_model,
            small_model,
        }
    }
}

#[OpenApi]
impl ModelSwitch {
    /// Switch models
    #[oai(path = "/switch_model", method = "post", operation_id = "switch_model")]
    async fn switch(&self, session: Session, body: Json<Switch>) -> Answer<Json<Switched>> {
        let who = session.at_least(Role::Operator)?;
        let wish = body.0;
        if !wish.preserve_conversation {
            return Err(Problem::invalid(
                "preserve_conversation",
                "a switch never ends conversations",
                "leave it out; end a conversation where it is kept",
            ));
        }
        let (entry, words) = match &wish.preset {
            Some(name) => {
                let preset = self.0.preset(name).await?;
                (preset.entry, format!("switched to preset {name}"))
            }
            None if wish.big_model.is_none()
                && wish.middle_model.is_none()
                && wish.small_model.is_none() =>
            {
                return Err(Problem::invalid(
                    "preset",
                    "say what to switch to",
                    "name a preset, or big_model and small_model",
                ));
            }
            None => {
                let now = self.current();
                let unset = |key: &str| {
                    Problem::invalid(key, format!("{key} is not set yet"), "name it too")
                };
                let big = wish.big_model.or(now.big_model);
                let small = wish.small_model.or(now.small_model);
                let entry = PresetEntry {
                    name: "models".to_owned(),
                    description: None,
                    big_model: big.ok_or_else(|| unset("big_model"))?,
                    middle_model: wish.middle_model.or(now.middle_model),
                    small_model: small.ok_or_else(|| unset("small_model"))?,
                };
                (entry, "switched models".to_owned())
            }
        };
        let applied = self.0.apply_models(who, &entry, false).await?;
        Ok(Json(Switched {
            success: true,
            message: words,
            current_models: self.current(),
            conversation_preserved: true,
            warnings: applied.warnings,
        }))
    }

    /// What is in force
    #[oai(path = "/config", method = "get", operation_id = "current_config")]
    async fn config(&self, session: Session) -> Answer<Json<CurrentConfig>> {
        session.at_least(Role::Viewer)?;
        let presets = self.0.all_presets().await?;
        let in_force = self.0.control.in_force();
        let snapshot = self.0.control.hub().snapshots.load_full();
        Ok(Json(CurrentConfig {
            current_models: self.current(),
            current_preset: presets
                .into_iter()
                .find(|preset| preset.is_active)
                .map(|preset| preset.entry.name),
            preferred_provider: in_force
                .settings
                .preferred_provider
                .as_ref()
                .map(|(name, _)| name.clone()),
            mode: in_force.settings.mode.as_str().to_owned(),
            providers: snapshot
                .providers
                .iter()
                .map(|provider| provider.name.to_string())
                .collect(),
        }))
    }

    /// All models and presets
    #[oai(path = "/models", method = "get", operation_id = "all_models")]
    async fn models(&self, session: Session) -> Answer<Json<AllModels>> {
        session.at_least(Role::Viewer)?;
        let snapshot = self.0.control.hub().snapshots.load_full();
        let models = snapshot.providers.iter().map(|provider| {
            let models = provider.models().map(ToString::to_string).collect();
            (provider.name.to_string(), models)
        });
        let presets = self.0.all_presets().await?.into_iter();
        let presets = presets.map(|preset| {
            let entry = preset.entry;
            let models = PresetModels {
                description: entry.description,
                big_model: entry.big_model,
                middle_model: entry.middle_model,
                small_model: entry.small_model,
                is_available: preset.warnings.is_empty(),
            };
            (entry.name, models)
        });
        Ok(Json(AllModels {
            models: models.collect(),
            presets: presets.collect(),
            current_models: self.current(),
        }))
    }
}
