//! Trying providers out: a test with latency, the models they offer, and presets of known vendors.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};

use super::Admin;
use super::definition;
use super::known::Known;
use super::person::{Role, Session};
use super::problem::{Answer, Problem};
use super::providers::changeable;
use crate::config::{Kind, vendor_presets};
use crate::gateway;

/// How a test went.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct TestResult {
    /// It gave an answer.
    pub ok: bool,
    /// The status, if an answer came at all.
    pub status: Option<u16>,
    /// How long it took.
    pub latency_ms: u64,
    /// The model that was asked.
    pub model: String,
    /// The key that was used, masked.
    pub key: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
}

impl From<gateway::Checked> for TestResult {
    fn from(checked: gateway::Checked) -> Self {
        Self {
            ok: checked.ok,
            status: checked.status,
            latency_ms: u64::try_from(checked.latency.as_millis()).unwrap_or(u64::MAX),
            model: checked.model,
            key: checked.key,
            error: checked.error,
        }
    }
}

/// A model that a provider offers.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct OfferedModel {
    /// What to ask for.
    id: String,
    /// What people call it.
    title: Option<String>,
    /// The configuration lists it already.
    listed: bool,
}

/// A role in which models serve.
#[derive(Clone, Copy, Debug, Default, Enum)]
#[oai(rename_all = "lowercase")]
pub(super) enum ModelList {
    /// For `opus`.
    Big,
    /// For `sonnet`.
    Middle,
    /// For `haiku`.
    Small,
    /// Without a role.
    #[default]
    Other,
}

impl ModelList {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Big => "big",
            Self::Middle => "middle",
            Self::Small => "small",
            Self::Other => "other",
        }
    }
}

/// Models to list.
#[derive(Clone, Debug, Object)]
pub(super) struct Adoption {
    /// Their names.
    #[oai(validator(min_items = 1, max_items = 500))]
    models: Vec<String>,
    /// In which list.
    #[oai(default)]
    list: ModelList,
}

/// A vendor to pick.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct VendorPreset {
    /// The name to give the provider.
    name: String,
    /// For people.
    title: String,
    /// What it speaks.
    api_format: String,
    /// Where it is; empty where only the operator knows.
    base_url: String,
    /// The profile to name, where the address does not say it.
    profile: Option<String>,
    /// The variable in which its key is usually kept.
    key_variable: Option<String>,
    /// It is on this machine or network, so an administrator must allow that.
    is_private: bool,
    /// What to know before.
    note: String,
}

/// The resource.
pub(super) struct ProviderTrials(pub(super) Admin);

#[OpenApi(prefix_path = "/api/providers")]
impl ProviderTrials {
    /// Known vendors to pick from
    #[oai(path = "/presets", method = "get", operation_id = "providers_presets")]
    async fn presets(&self, session: Session) -> Answer<Json<Vec<VendorPreset>>> {
        session.at_least(Role::Viewer)?;
        let presets = vendor_presets().into_iter().map(|preset| VendorPreset {
            name: preset.name.to_owned(),
            title: preset.title.to_owned(),
            api_format: preset.dialect.as_str().to_owned(),
            base_url: preset.base_url.to_owned(),
            profile: preset.profile.map(str::to_owned),
            key_variable: preset.key_variable.map(str::to_owned),
            is_private: preset.is_private,
            note: preset.note.to_owned(),
        });
        Ok(Json(presets.collect()))
    }

    /// Test a provider
    ///
    /// Sends one short request with one of its keys, also where it is disabled. This costs a few tokens.
    #[oai(path = "/:name/test", method = "post", operation_id = "providers_test")]
    async fn test(
        &self,
        session: Session,
        name: Path<String>,
        /// The model to ask; the provider's smallest by default.
        model: Query<Option<String>>,
    ) -> Answer<Json<TestResult>> {
        session.at_least(Role::Operator)?;
        let (snapshot, provider) = self.0.provider_to_try(&name, None)?;
        let model = model.0.map_or_else(|| usual_model(&provider), Ok)?;
        let hub = self.0.control.hub();
        let checked = gateway::check(hub, &snapshot, &provider, &model, None).await;
        self.0.remember_check(&name, &checked).await;
        Ok(Json(checked.into()))
    }

    /// Ask a provider which models it offers
    #[oai(
        path = "/:name/models",
        method = "get",
        operation_id = "providers_models"
    )]
    async fn models(
        &self,
        session: Session,
        name: Path<String>,
        search: Query<Option<String>>,
    ) -> Answer<Json<Vec<OfferedModel>>> {
        session.at_least(Role::Operator)?;
        let (_, provider) = self.0.provider_to_try(&name, None)?;
        let offered = gateway::discover(self.0.control.hub(), &provider)
            .await
            .map_err(|words| Problem::upstream(format!("provider `{}`: {words}", name.0)))?;
        let wanted = search.0.unwrap_or_default();
        Ok(Json(
            offered
                .into_iter()
                .filter(|model| model.id.contains(&wanted))
                .map(|model| OfferedModel {
                    listed: provider.lists(&model.id).is_some(),
                    id: model.id,
                    title: model.title,
                })
                .collect(),
        ))
    }

    /// List models of a provider in its configuration
    #[oai(
        path = "/:name/models",
        method = "post",
        operation_id = "providers_adopt"
    )]
    async fn adopt(
        &self,
        session: Session,
        name: Path<String>,
        body: Json<Known<Adoption>>,
    ) -> Answer<Json<super::provider_entry::Models>> {
        let who = session.at_least(Role::Operator)?;
        changeable(&self.0, &name)?;
        let row = definition::find(&self.0, Kind::Provider, &name).await?;
        let mut document: serde_json::Value =
            serde_json::from_str(&row.document).unwrap_or_default();
        let lists = &mut document["models"];
        if let Some(plain) = lists.as_array().cloned() {
            *lists = serde_json::json!({"other": plain});
        }
        let list = &mut lists[body.list.as_str()];
        if !list.is_array() {
            *list = serde_json::Value::Array(Vec::new());
        }
        if let Some(list) = list.as_array_mut() {
            for model in &body.models {
                let model = serde_json::Value::from(model.as_str());
                if !list.contains(&model) {
                    list.push(model);
                }
            }
        }
        let lists = lists.clone();
        let wanted = definition::Wanted {
            name: row.name.clone(),
            position: row.position,
            enabled: row.enabled,
            document,
            secrets: Vec::new(),
        };
        let tag = super::version::tag(row.version);
        definition::update(&self.0, who, Kind::Provider, &name, Some(&tag), wanted).await?;
        let models = poem_openapi::types::ParseFromJSON::parse_from_json(Some(lists));
        Ok(Json(models.unwrap_or_default()))
    }
}

/// The model that a test asks: the smallest that is listed.
pub(super) fn usual_model(provider: &crate::snapshot::Provider) -> Answer<String> {
    let lists = [
        &provider.small,
        &provider.other,
        &provider.middle,
        &provider.big,
    ];
    let first = lists.into_iter().find_map(|list| list.first());
    first.map(ToString::to_string).ok_or_else(|| {
        Problem::invalid(
            "model",
            format!("provider `{}` lists no model", provider.name),
            "name the model to ask, or list one",
        )
    })
}

impl Admin {
    /// A provider to try out, also where it is disabled.
    pub(super) fn provider_to_try(
        &self,
        name: &str,
        keys: Option<Vec<crate::config::Secret>>,
    ) -> Answer<(
        std::sync::Arc<crate::snapshot::Snapshot>,
        std::sync::Arc<crate::snapshot::Provider>,
    )> {
        let in_force = self.control.in_force();
        if in_force.settings.provider(name).is_none() {
            return Err(Problem::not_found("provider"));
        }
        self.control.provider_to_try(name, keys)?.ok_or_else(|| {
            Problem::conflict(
                "no_key",
                format!("provider `{name}` has no key that is set; give it one first"),
            )
        })
    }
}
