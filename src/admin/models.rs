//! The model catalogue: what is known of models, prices that operators put over it, and newer catalogues.

use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Any;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::{Value, json};

use super::Admin;
use super::definition::{self, Wanted};
use super::known::Known;
use super::page::{Page, Range};
use super::person::{Role, Session};
use super::problem::{Answer, Problem};
use super::version::tag;
use crate::catalogue::{Catalogue, IMPORTED_CATALOGUE, Model, Rates, WireCost, WireTier};
use crate::config::Kind;
use crate::store::entities::definition::Model as Row;
use crate::store::{StoreError, now_ms};

/// Prices in USD per million tokens. What has none of its own costs what it is part of.
#[derive(Clone, Debug, Default, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Cost {
    /// Input read afresh.
    input: Option<f64>,
    /// Output.
    output: Option<f64>,
    /// Reasoning.
    reasoning: Option<f64>,
    /// Input from a cache.
    cache_read: Option<f64>,
    /// Input written to a cache.
    cache_write: Option<f64>,
    /// Input written to a cache for an hour.
    cache_write_1h: Option<f64>,
    /// Audio in the input.
    input_audio: Option<f64>,
    /// Audio in the output.
    output_audio: Option<f64>,
    /// Images in the output.
    output_image: Option<f64>,
    /// Other prices for longer prompts.
    #[oai(default)]
    tiers: Vec<Tier>,
}

/// Prices once a prompt has more tokens than this. What is not named stays.
#[derive(Clone, Debug, Default, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Tier {
    /// So many tokens.
    over: u64,
    /// Input read afresh.
    input: Option<f64>,
    /// Output.
    output: Option<f64>,
    /// Input from a cache.
    cache_read: Option<f64>,
    /// Input written to a cache.
    cache_write: Option<f64>,
}

impl From<&WireCost> for Cost {
    fn from(cost: &WireCost) -> Self {
        Self {
            input: cost.input,
            output: cost.output,
            reasoning: cost.reasoning,
            cache_read: cost.cache_read,
            cache_write: cost.cache_write,
            cache_write_1h: cost.cache_write_1h,
            input_audio: cost.input_audio,
            output_audio: cost.output_audio,
            output_image: cost.output_image,
            tiers: cost
                .tiers
                .iter()
                .map(|tier| Tier {
                    over: tier.over,
                    input: tier.cost.input,
                    output: tier.cost.output,
                    cache_read: tier.cost.cache_read,
                    cache_write: tier.cost.cache_write,
                })
                .collect(),
        }
    }
}

impl Cost {
    fn wire(&self) -> WireCost {
        WireCost {
            input: self.input,
            output: self.output,
            reasoning: self.reasoning,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
            input_audio: self.input_audio,
            output_audio: self.output_audio,
            output_image: self.output_image,
            tiers: self
                .tiers
                .iter()
                .map(|tier| WireTier {
                    over: tier.over,
                    cost: Box::new(WireCost {
                        input: tier.input,
                        output: tier.output,
                        cache_read: tier.cache_read,
                        cache_write: tier.cache_write,
                        ..WireCost::default()
                    }),
                })
                .collect(),
        }
    }
}

/// A model of the catalogue.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct CatalogueModel {
    /// Whose model it is.
    vendor: String,
    /// What goes on the wire.
    id: String,
    /// For people.
    name: String,
    /// Which line of models it belongs to.
    family: Option<String>,
    /// When it came out.
    released: Option<String>,
    /// Until when it knows the world.
    knowledge: Option<String>,
    /// `deprecated`, `beta`.
    status: Option<String>,
    /// Tokens of input and output together; 0 without a text window.
    context: u64,
    /// Tokens of input, where the vendor says so.
    max_input: Option<u64>,
    /// Tokens of output.
    max_output: u64,
    /// Modalities of the input.
    takes: Vec<String>,
    /// Modalities of the output.
    gives: Vec<String>,
    /// `tool_call`, `reasoning`, `attachment`, `structured_output`, `temperature`, `open_weights`.
    abilities: Vec<String>,
    /// Prices; absent when they are not known.
    cost: Option<Cost>,
}

/// A catalogue.
#[derive(Clone, Debug, Object)]
pub(super) struct CatalogueInfo {
    /// Where from and of when.
    version: String,
    /// `builtin` or `imported`.
    source: String,
    /// How many models.
    models: u64,
    /// The vendors.
    vendors: Vec<String>,
}

/// What a model costs at a provider.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct EffectivePrice {
    /// The provider.
    provider: String,
    /// The model.
    model: String,
    /// `manual`, `catalogue`, or `unknown`.
    source: String,
    /// The price list.
    version: Option<String>,
    /// What the catalogue says of the model.
    catalogue: Option<CatalogueModel>,
}

/// Prices that stand over those of the catalogue.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct PriceOverride {
    /// What it is called.
    #[oai(validator(min_length = 1, max_length = 128))]
    name: String,
    /// The provider it is about; absent for all.
    provider: Option<String>,
    /// The model as it goes to the provider.
    #[oai(validator(min_length = 1, max_length = 255))]
    model: String,
    /// The prices; input and output at least.
    cost: Cost,
    /// Whether it is in force.
    #[oai(default = "super::definition::yes")]
    enabled: bool,
    /// Grows with every change.
    #[oai(read_only)]
    version: i64,
    /// Milliseconds since 1970.
    #[oai(read_only)]
    updated_at: i64,
}

/// Prices and their version.
#[derive(ApiResponse)]
pub(super) enum OnePrice {
    /// As they are.
    #[oai(status = 200)]
    Ok(Json<PriceOverride>, #[oai(header = "ETag")] String),
    /// Newly made.
    #[oai(status = 201)]
    Created(Json<PriceOverride>, #[oai(header = "ETag")] String),
}

/// It is gone.
#[derive(ApiResponse)]
pub(super) enum PriceGone {
    /// It is gone.
    #[oai(status = 204)]
    Done,
}

/// The resource.
pub(super) struct Models(pub(super) Admin);

fn shown(vendor: &str, model: &Model) -> CatalogueModel {
    let list = |names: &[Box<str>]| names.iter().map(ToString::to_string).collect();
    let text = |text: &Option<Box<str>>| text.as_ref().map(ToString::to_string);
    CatalogueModel {
        vendor: vendor.to_owned(),
        id: model.id.to_string(),
        name: model.name.to_string(),
        family: text(&model.family),
        released: text(&model.released),
        knowledge: text(&model.knowledge),
        status: text(&model.status),
        context: model.context,
        max_input: model.max_input,
        max_output: model.max_output,
        takes: list(&model.takes),
        gives: list(&model.gives),
        abilities: list(&model.abilities),
        cost: model.cost.as_deref().map(Cost::from),
    }
}

fn show(row: Row) -> PriceOverride {
    let document: Value = serde_json::from_str(&row.document).unwrap_or_default();
    let cost: WireCost = serde_json::from_value(document["cost"].clone()).unwrap_or_default();
    PriceOverride {
        name: row.name,
        provider: document["provider"].as_str().map(str::to_owned),
        model: document["model"].as_str().unwrap_or_default().to_owned(),
        cost: (&cost).into(),
        enabled: row.enabled,
        version: row.version,
        updated_at: row.updated_at,
    }
}

fn wanted(price: &PriceOverride) -> Answer<Wanted> {
    if price.name == IMPORTED_CATALOGUE {
        return Err(Problem::invalid(
            "name",
            "this name is taken by the catalogue",
            "choose another",
        ));
    }
    let cost = price.cost.wire();
    if Rates::of(&cost, None).is_none() {
        return Err(Problem::invalid(
            "cost",
            "these are no prices",
            "give at least input and output, in USD per million tokens",
        ));
    }
    let cost = serde_json::to_value(&cost).map_err(|error| Problem::internal(&error))?;
    let mut document = json!({"model": price.model, "cost": cost, "version": now_ms().to_string()});
    if let Some(provider) = &price.provider {
        document["provider"] = json!(provider);
    }
    Ok(Wanted {
        name: price.name.clone(),
        position: 0,
        enabled: price.enabled,
        document,
        secrets: Vec::new(),
    })
}

#[OpenApi(prefix_path = "/api/models")]
impl Models {
    /// List the models of the catalogue
    #[oai(path = "/", method = "get", operation_id = "models_list")]
    async fn list(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        vendor: Query<Option<String>>,
        search: Query<Option<String>>,
    ) -> Answer<Json<Page<CatalogueModel>>> {
        let _ = session.anybody();
        let range = Range::of(cursor.0, limit.0)?;
        let snapshot = self.0.control.hub().snapshots.load_full();
        let words = search.0.unwrap_or_default().to_lowercase();
        let place = |vendor: &str, model: &Model| format!("{vendor}/{}", model.id);
        let mut all: Vec<(String, CatalogueModel)> = snapshot
            .prices
            .catalogue()
            .vendors()
            .into_iter()
            .filter(|(id, _)| vendor.0.as_ref().is_none_or(|wanted| wanted == id))
            .flat_map(|(id, vendor)| vendor.models.iter().map(move |model| (id, model)))
            .filter(|(id, model)| {
                words.is_empty()
                    || place(id, model).to_lowercase().contains(&words)
                    || model.name.to_lowercase().contains(&words)
            })
            .map(|(id, model)| (place(id, model), shown(id, model)))
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let most = usize::try_from(range.limit + 1).unwrap_or(usize::MAX);
        let rows = all
            .into_iter()
            .filter(|(place, _)| range.after.as_ref().is_none_or(|after| place > after))
            .take(most)
            .collect();
        Ok(Json(range.page(
            rows,
            |(place, _)| place.clone(),
            |(_, model)| model,
        )))
    }

    /// Read what a model costs at a provider, and why
    #[oai(path = "/price", method = "get", operation_id = "models_price")]
    async fn price(
        &self,
        session: Session,
        provider: Query<String>,
        model: Query<String>,
    ) -> Answer<Json<EffectivePrice>> {
        let _ = session.anybody();
        let snapshot = self.0.control.hub().snapshots.load_full();
        let prices = &snapshot.prices;
        let version = prices
            .price(&provider, &model)
            .map(|price| price.version.to_string());
        let source = match &version {
            None => "unknown",
            Some(version) if version.starts_with("manual:") => "manual",
            Some(_) => "catalogue",
        };
        Ok(Json(EffectivePrice {
            source: source.to_owned(),
            version,
            catalogue: prices
                .model(&provider, &model)
                .map(|model| shown("", model)),
            provider: provider.0,
            model: model.0,
        }))
    }

    /// Read which catalogue is in force
    #[oai(path = "/catalogue", method = "get", operation_id = "models_catalogue")]
    async fn catalogue(&self, session: Session) -> Answer<Json<CatalogueInfo>> {
        let _ = session.anybody();
        Ok(Json(self.info()))
    }

    /// Put a newer catalogue in force
    ///
    /// The file has the form of the one that comes with the program (`catalogue/model_catalog.json`). Prices that
    /// operators put over it stay.
    #[oai(
        path = "/catalogue",
        method = "put",
        operation_id = "models_catalogue_import"
    )]
    async fn import(
        &self,
        session: Session,
        body: Json<Any<Value>>,
    ) -> Answer<Json<CatalogueInfo>> {
        let who = session.at_least(Role::Operator)?;
        let document = body.0.0;
        Catalogue::of(&document)
            .map_err(|error| Problem::invalid("", error.to_string(), "see catalogue/README.md"))?;
        let wanted = Wanted {
            name: IMPORTED_CATALOGUE.to_owned(),
            position: 0,
            enabled: true,
            document,
            secrets: Vec::new(),
        };
        let store = self.0.control.store();
        match crate::store::definitions::named(store.read(), Kind::Model, IMPORTED_CATALOGUE).await
        {
            Ok(_) => {
                definition::update(&self.0, who, Kind::Model, IMPORTED_CATALOGUE, None, wanted)
                    .await?;
            }
            Err(StoreError::Missing) => {
                definition::create(&self.0, who, Kind::Model, wanted).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Json(self.info()))
    }

    /// Go back to the catalogue that comes with the program
    #[oai(
        path = "/catalogue",
        method = "delete",
        operation_id = "models_catalogue_reset"
    )]
    async fn reset(&self, session: Session) -> Answer<PriceGone> {
        let who = session.at_least(Role::Operator)?;
        definition::delete(&self.0, who, Kind::Model, IMPORTED_CATALOGUE, None)
            .await
            .map_err(|problem| match problem {
                Problem::NotFound(_) => Problem::not_found(
                    "imported catalogue: the one that comes with the program is in force",
                ),
                other => other,
            })?;
        Ok(PriceGone::Done)
    }

    /// List prices that stand over those of the catalogue
    #[oai(
        path = "/overrides",
        method = "get",
        operation_id = "model_prices_list"
    )]
    async fn overrides(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        search: Query<Option<String>>,
    ) -> Answer<Json<Page<PriceOverride>>> {
        session.at_least(Role::Viewer)?;
        let range = Range::of(cursor.0, limit.0)?;
        let rows = definition::list(&self.0, Kind::Model, &range, search.0.as_deref()).await?;
        let mut page = range.page(rows, |row| row.name.clone(), show);
        page.items.retain(|price| price.name != IMPORTED_CATALOGUE);
        Ok(Json(page))
    }

    /// Put a price over that of the catalogue
    #[oai(
        path = "/overrides",
        method = "post",
        operation_id = "model_prices_create"
    )]
    async fn create(&self, session: Session, body: Json<Known<PriceOverride>>) -> Answer<OnePrice> {
        let who = session.at_least(Role::Operator)?;
        let row = definition::create(&self.0, who, Kind::Model, wanted(&body)?).await?;
        let version = tag(row.version);
        Ok(OnePrice::Created(Json(show(row)), version))
    }

    /// Read a price that stands over that of the catalogue
    #[oai(
        path = "/overrides/:name",
        method = "get",
        operation_id = "model_prices_get"
    )]
    async fn get(&self, session: Session, name: Path<String>) -> Answer<OnePrice> {
        session.at_least(Role::Viewer)?;
        let row = definition::find(&self.0, Kind::Model, named(&name)?).await?;
        let version = tag(row.version);
        Ok(OnePrice::Ok(Json(show(row)), version))
    }

    /// Replace a price that stands over that of the catalogue
    #[oai(
        path = "/overrides/:name",
        method = "put",
        operation_id = "model_prices_update"
    )]
    async fn update(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<Known<PriceOverride>>,
    ) -> Answer<OnePrice> {
        let who = session.at_least(Role::Operator)?;
        let row = definition::update(
            &self.0,
            who,
            Kind::Model,
            named(&name)?,
            if_match.0.as_deref(),
            wanted(&body)?,
        )
        .await?;
        let version = tag(row.version);
        Ok(OnePrice::Ok(Json(show(row)), version))
    }

    /// Remove a price: the catalogue's holds again
    #[oai(
        path = "/overrides/:name",
        method = "delete",
        operation_id = "model_prices_delete"
    )]
    async fn delete(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
    ) -> Answer<PriceGone> {
        let who = session.at_least(Role::Operator)?;
        definition::delete(
            &self.0,
            who,
            Kind::Model,
            named(&name)?,
            if_match.0.as_deref(),
        )
        .await?;
        Ok(PriceGone::Done)
    }
}

impl Models {
    fn info(&self) -> CatalogueInfo {
        let snapshot = self.0.control.hub().snapshots.load_full();
        let catalogue = snapshot.prices.catalogue();
        let vendors = catalogue.vendors();
        let is_imported = self.0.control.in_force().settings.catalogue.is_some();
        CatalogueInfo {
            version: catalogue.version.to_string(),
            source: if is_imported { "imported" } else { "builtin" }.to_owned(),
            models: vendors
                .iter()
                .map(|(_, vendor)| vendor.models.len() as u64)
                .sum(),
            vendors: vendors.iter().map(|(id, _)| (*id).to_owned()).collect(),
        }
    }
}

/// A name that is not the catalogue's.
fn named(name: &str) -> Answer<&str> {
    if name == IMPORTED_CATALOGUE {
        Err(Problem::not_found("model"))
    } else {
        Ok(name)
    }
}
