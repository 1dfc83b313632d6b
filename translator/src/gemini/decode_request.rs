//! Body to request. Generation settings are read here; turns and tools have their own files.

use std::borrow::Cow;

use super::wire_request::{Body, Config, Content};
use super::{decode_parts, decode_tools, reasoning};
use crate::error::Refusal;
use crate::ir::{Detail, Instruction, Kind, Output, Policy, Request, Residue, Sampling, Tier};
use crate::member::Member;
use crate::wire::{self, Extra, Number, OneOrMany, Raw};
use crate::{Dialect, json, schema};

pub(crate) fn decode_request<'a>(body: &'a [u8]) -> Result<Request<'a>, Refusal> {
    let body: Body<'a> = wire::parse(body)?;
    let model = body
        .model
        .map(|model| bare_model(model.0))
        .unwrap_or_default();
    let mut request = Request::new(Dialect::Gemini, model);
    request.instructions = body.system.map(instructions).unwrap_or_default();
    request.turns = decode_parts::turns(body.contents.unwrap_or_default());
    decode_tools::tools(body.tools, &mut request);
    if let Some(config) = body.tool_config {
        decode_tools::config(config, &mut request);
    }
    request.metadata = body.labels.map(|raw| Cow::Borrowed(raw.get()));
    request.store = body.store;
    request.tier = body.tier.and_then(|tier| read_tier(tier.as_str()));
    let mut keep = |field: &'static str, raw: Option<Raw<'a>>, policy| {
        if let Some(raw) = raw {
            request.residue.push(Residue {
                field: field.into(),
                raw: raw.get(),
                policy,
            });
        }
    };
    let sets_safety = body
        .safety
        .is_some_and(|raw| !json::compact(raw.get()).ends_with("[]"));
    let safety = if sets_safety {
        Policy::Report
    } else {
        Policy::Silent
    };
    keep("safetySettings", body.safety, safety);
    // The cached prompt lies at the vendor; nobody else can read it.
    keep("cachedContent", body.cached, Policy::Refuse);
    keep("continuationToken", body.continuation, Policy::Refuse);
    unknown("", body.extra, &mut request);
    if let Some(config) = body.config {
        settings(config, &mut request);
    }
    Ok(request)
}

fn bare_model(model: Cow<'_, str>) -> Cow<'_, str> {
    match model {
        Cow::Borrowed(model) => Cow::Borrowed(model.strip_prefix("models/").unwrap_or(model)),
        Cow::Owned(model) => Cow::Owned(model.strip_prefix("models/").unwrap_or(&model).to_owned()),
    }
}

fn instructions<'a>(system: OneOrMany<'a, Content<'a>>) -> Vec<Instruction<'a>> {
    let contents = match system {
        OneOrMany::One(text) => return vec![Instruction { text, cache: None }],
        OneOrMany::Many(contents) => contents,
    };
    let mut out = Vec::new();
    for content in contents {
        let mut push = |text| out.push(Instruction { text, cache: None });
        match content.parts {
            Some(OneOrMany::One(text)) => push(text),
            Some(OneOrMany::Many(parts)) => parts
                .into_iter()
                .filter_map(|part| part.text)
                .for_each(&mut push),
            None => {}
        }
        if let Some(text) = content.text {
            push(text);
        }
    }
    out
}

fn read_tier(word: &str) -> Option<Tier> {
    let word = word.to_ascii_lowercase();
    Some(match word.strip_prefix("service_tier_").unwrap_or(&word) {
        "standard" => Tier::Default,
        "flex" => Tier::Flex,
        "priority" => Tier::Priority,
        _ => return None,
    })
}

/// Members that this crate does not know go back to the same dialect alone.
pub(super) fn unknown<'a>(prefix: &str, extra: Extra<'a>, request: &mut Request<'a>) {
    for (name, raw) in extra {
        let field = if prefix.is_empty() {
            name
        } else {
            Cow::Owned(format!("{prefix}.{name}"))
        };
        request.residue.push(Residue {
            field,
            raw: raw.get(),
            policy: Policy::Silent,
        });
    }
}

fn settings<'a>(config: Config<'a>, request: &mut Request<'a>) {
    let float = |number: Option<Number>| number.map(|number| number.0);
    request.sampling = Sampling {
        temperature: float(config.temperature),
        top_p: float(config.top_p),
        top_k: float(config.top_k),
        frequency_penalty: float(config.frequency),
        presence_penalty: float(config.presence),
        seed: config.seed.and_then(Number::as_i64),
    };
    request.n = config.candidates.and_then(Number::as_u64);
    request.max_output = config.max_output.and_then(Number::as_u64);
    request.stop = config.stop.unwrap_or_default();
    if config.wants_logprobs == Some(true) {
        request.logprobs = Some(config.logprobs.and_then(Number::as_u64).unwrap_or(0));
    }
    if let Some(thinking) = config.thinking {
        request.reasoning = reasoning::read(&thinking);
    }
    let written = match (&config.json_schema, &config.schema, &config.mime) {
        (Some(_), ..) | (None, None, None) => None,
        (None, Some(_), _) => Some("generationConfig.responseSchema"),
        (None, None, Some(_)) => Some("generationConfig.responseMimeType"),
    };
    request
        .spelling
        .extend(written.map(|written| (Member::Output, written)));
    let schema = config
        .json_schema
        .or(config.schema)
        .map(|raw| schema::from_gemini(raw.get()));
    let mime = config.mime.as_ref().map_or("", |mime| mime.as_str());
    request.bare_word = schema.is_some() && mime == "text/x.enum";
    request.output = match (schema, mime) {
        (Some(schema), _) => Output::Schema {
            name: None,
            description: None,
            schema,
            strict: None,
        },
        (None, "application/json") => Output::Json,
        _ => Output::Text,
    };
    media_settings(
        [
            config.modalities,
            config.speech,
            config.image,
            config.resolution,
        ],
        request,
    );
    unknown("generationConfig", config.extra, request);
}

fn media_settings<'a>(settings: [Option<Raw<'a>>; 4], request: &mut Request<'a>) {
    let [modalities, speech, image, resolution] = settings;
    let mut keep = |field: &'static str, raw: Option<Raw<'a>>, policy| {
        if let Some(raw) = raw {
            request.residue.push(Residue {
                field: field.into(),
                raw: raw.get(),
                policy,
            });
        }
    };
    // Text alone is what everybody gives; another modality nobody else can.
    let wants_media = modalities.is_some_and(|raw| {
        let upper = raw.get().to_ascii_uppercase();
        ["IMAGE", "AUDIO", "VIDEO"]
            .iter()
            .any(|word| upper.contains(word))
    });
    keep(
        "generationConfig.responseModalities",
        modalities,
        if wants_media {
            Policy::Refuse
        } else {
            Policy::Silent
        },
    );
    keep("generationConfig.speechConfig", speech, Policy::Report);
    keep("generationConfig.imageConfig", image, Policy::Report);
    keep(
        "generationConfig.mediaResolution",
        resolution,
        Policy::Silent,
    );
    if let Some(level) = resolution.and_then(|raw| detail(raw.get())) {
        for part in request.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
            if let Kind::Image {
                detail: own @ None, ..
            } = &mut part.kind
            {
                *own = Some(level);
            }
        }
    }
}

/// The level inside `mediaResolution`, which is a word or an object with one.
pub(super) fn detail(raw: &str) -> Option<Detail> {
    let upper = raw.to_ascii_uppercase();
    [
        ("ULTRA_HIGH", Detail::Original),
        ("HIGH", Detail::High),
        ("MEDIUM", Detail::Medium),
        ("LOW", Detail::Low),
    ]
    .into_iter()
    .find(|(word, _)| upper.contains(word))
    .map(|(_, detail)| detail)
}
