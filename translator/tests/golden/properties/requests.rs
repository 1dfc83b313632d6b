//! Generated requests, and a view of a request that says what it means and forgets how it was spelled.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, any};
use proptest::prop_oneof;
use proptest::sample::Index;
use proptest::strategy::Strategy;
use serde_json::{Value, json};
use translator::ir::{
    Args, Instruction, Kind, Part, Request, Role, Source, Tool, ToolCall, ToolChoice, ToolKind,
    ToolResult, Turn,
};
use translator::translate::{self, Outbound, no_recall};
use translator::{Dialect, Text};

use super::answers::{object, words as any_words};
use crate::requests::{name_model, target};

/// Words that are not blank: vendors refuse those, and the hub puts others in their place. Nor do they end in
/// white space, which Anthropic does not take from the model.
fn words() -> impl Strategy<Value = String> {
    any_words().prop_map(|words| format!("{words}."))
}

/// One upstream model of each dialect, of those that take the most.
pub(super) const fn model(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => "gpt-4o",
        Dialect::OpenAiResponses => "gpt-4.1",
        Dialect::Anthropic => "claude-sonnet-4-5",
        Dialect::Gemini => "gemini-3-flash-preview",
    }
}

/// What the user says; what the model says and calls; what the tools answer.
#[derive(Clone, Debug)]
pub(super) struct Round {
    user: Vec<Said>,
    assistant: Option<String>,
    /// Which tool, and its arguments.
    calls: Vec<(Index, Value)>,
    /// One for each call; `None` where the client has lost it.
    results: Vec<Option<(String, bool)>>,
}

#[derive(Clone, Debug)]
enum Said {
    Words(String),
    Picture(String),
    Link(String),
}

/// A request in no dialect's spelling.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    system: Option<String>,
    rounds: Vec<Round>,
    last: Vec<Said>,
    tools: Vec<(String, Option<String>, Value)>,
    choice: Option<ToolChoice<'static>>,
    parallel: Option<bool>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_output: u64,
    stop: Vec<String>,
    stream: bool,
}

fn said() -> impl Strategy<Value = Vec<Said>> {
    let other = prop_oneof![
        3 => words().prop_map(Said::Words),
        1 => "[A-Za-z0-9]{8}".prop_map(Said::Picture),
        1 => "[a-z]{3,6}".prop_map(|name| Said::Link(format!("https://pictures.example/{name}.png"))),
    ];
    (words(), vec(other, 0..2)).prop_map(|(words, others)| {
        let mut said = vec![Said::Words(words)];
        said.extend(others);
        said
    })
}

fn round() -> impl Strategy<Value = Round> {
    let result = option::weighted(0.9, (words(), proptest::bool::weighted(0.2)));
    let calls = prop_oneof![
        2 => Just(Vec::new()),
        1 => vec(((any::<Index>(), object()), result), 1..3),
    ];
    (said(), option::of(words()), calls).prop_map(|(user, assistant, calls)| {
        let (calls, results): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        let assistant = assistant.or_else(|| calls.is_empty().then(|| "Well.".to_owned()));
        Round {
            user,
            assistant,
            calls,
            results,
        }
    })
}

/// A schema that every vendor takes as it is.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string"})),
        Just(json!({"type": "integer", "description": "a number"})),
        Just(json!({"type": "string", "enum": ["a", "b"]})),
        Just(json!({"type": "array", "items": {"type": "boolean"}})),
    ];
    vec(("[a-z]{2,5}", leaf), 1..4).prop_map(|members| {
        let required: Vec<String> = members
            .iter()
            .take(1)
            .map(|(name, _)| name.clone())
            .collect();
        let properties: serde_json::Map<String, Value> = members.into_iter().collect();
        json!({"type": "object", "properties": properties, "required": required})
    })
}

pub(super) fn ask() -> impl Strategy<Value = Ask> {
    let tools = vec(("[a-z]{3,8}_tool", option::of(words()), schema()), 0..3);
    let choice = option::of(prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        Just(ToolChoice::Named("".into())),
    ]);
    let knobs = (
        option::of((0_u32..=100).prop_map(|n| f64::from(n) / 100.0)),
        option::of((1_u32..=100).prop_map(|n| f64::from(n) / 100.0)),
        // Some vendors demand it.
        16_u64..4000,
        vec("[A-Z]{2,5}", 0..3),
        any::<bool>(),
    );
    (
        option::of(words()),
        vec(round(), 0..4),
        said(),
        tools,
        choice,
        option::of(any::<bool>()),
        knobs,
    )
        .prop_map(
            |(
                system,
                mut rounds,
                last,
                mut tools,
                mut choice,
                parallel,
                (temperature, top_p, max_output, mut stop, stream),
            )| {
                tools.sort_by(|a, b| a.0.cmp(&b.0));
                tools.dedup_by(|a, b| a.0 == b.0);
                if tools.is_empty() {
                    for round in &mut rounds {
                        round.calls.clear();
                        round.results.clear();
                        round.assistant.get_or_insert_with(|| "Well.".to_owned());
                    }
                }
                stop.sort();
                stop.dedup();
                match (&mut choice, tools.first()) {
                    (Some(ToolChoice::Named(name)), Some((tool, ..))) => {
                        *name = tool.clone().into();
                    }
                    (_, None) => choice = None,
                    _ => {}
                }
                // Without calls nothing is called at once.
                let parallel =
                    parallel.filter(|_| !tools.is_empty() && choice != Some(ToolChoice::None));
                // Together they are refused by some.
                let top_p = top_p.filter(|_| temperature.is_none());
                Ask {
                    system,
                    rounds,
                    last,
                    tools,
                    choice,
                    parallel,
                    temperature,
                    top_p,
                    max_output,
                    stop,
                    stream,
                }
            },
        )
}

impl Ask {
    /// The number of requests that have led to this one.
    pub(super) fn stages(&self) -> usize {
        self.rounds
            .iter()
            .map(|round| 1 + usize::from(!round.calls.is_empty()))
            .sum()
    }

    pub(super) fn stop(&self) -> &[String] {
        &self.stop
    }

    /// The conversation as it was at a stage, in the representation.
    pub(super) fn request(&self, dialect: Dialect, stages: usize) -> Request<'_> {
        let mut request = Request::new(dialect, model(dialect).into());
        request.instructions = self
            .system
            .iter()
            .map(|text| Instruction {
                text: Text::borrowed(text),
                cache: None,
            })
            .collect();
        request.turns = self.turns(stages);
        request.tools = self
            .tools
            .iter()
            .map(|(name, description, schema)| Tool {
                name: name.as_str().into(),
                namespace: None,
                description: description.as_deref().map(Text::borrowed),
                kind: ToolKind::Function {
                    schema: Some(schema.to_string().into()),
                },
                strict: None,
                cache: None,
                raw: None,
            })
            .collect();
        request.tool_choice.clone_from(&self.choice);
        request.parallel = self.parallel;
        request.sampling.temperature = self.temperature;
        request.sampling.top_p = self.top_p;
        request.max_output = Some(self.max_output);
        request.stop = self.stop.iter().map(|stop| Text::borrowed(stop)).collect();
        request.stream = self.stream;
        request
    }

    fn turns(&self, stages: usize) -> Vec<Turn<'_>> {
        let mut turns = Vec::new();
        let mut left = stages;
        for (number, round) in self.rounds.iter().enumerate() {
            turns.push(Turn::new(
                Role::User,
                round.user.iter().map(Said::part).collect(),
            ));
            if left == 0 {
                return turns;
            }
            left -= 1;
            let mut parts: Vec<Part<'_>> = round
                .assistant
                .iter()
                .map(|text| Part::text(text.as_str()))
                .collect();
            let id = |call: usize| format!("call_{number}_{call}abcdef");
            let name = |call: usize| round.calls[call].0.get(&self.tools).0.as_str();
            for (call, (_, args)) in round.calls.iter().enumerate() {
                parts.push(Part::new(Kind::ToolCall(ToolCall {
                    id: id(call).into(),
                    name: name(call).into(),
                    namespace: None,
                    args: Args::Text(Text::from(args.to_string())),
                })));
            }
            turns.push(Turn::new(Role::Assistant, parts));
            if round.calls.is_empty() {
                continue;
            }
            let results = round
                .results
                .iter()
                .enumerate()
                .filter_map(|(call, result)| {
                    let (text, is_error) = result.as_ref()?;
                    Some(Part::new(Kind::ToolResult(ToolResult {
                        id: id(call).into(),
                        name: Some(name(call).into()),
                        content: vec![Part::text(text.as_str())],
                        is_error: *is_error,
                        freeform: false,
                    })))
                });
            turns.push(Turn::new(Role::User, results.collect()));
            if left == 0 {
                return turns;
            }
            left -= 1;
            turns.push(Turn::new(Role::Assistant, vec![Part::text("I see.")]));
        }
        turns.push(Turn::new(
            Role::User,
            self.last.iter().map(Said::part).collect(),
        ));
        turns
    }
}

impl Said {
    fn part(&self) -> Part<'_> {
        match self {
            Self::Words(words) => Part::text(words.as_str()),
            Self::Picture(data) => Part::new(Kind::Image {
                source: Source::Base64 {
                    mime: "image/png".into(),
                    data: Text::borrowed(data),
                },
                detail: None,
            }),
            Self::Link(url) => Part::new(Kind::Image {
                source: Source::Url {
                    url: Text::borrowed(url),
                    mime: Some("image/png".into()),
                },
                detail: None,
            }),
        }
    }
}

/// Writes a request for its own dialect.
pub(super) fn written(request: Request<'_>) -> Result<Outbound, String> {
    let dialect = request.dialect;
    let stream = request.stream;
    let mut target = target(dialect, model(dialect), stream);
    target.auto_cache = false;
    target.cache_key = None;
    translate::request(request, &target, false).map_err(|error| error.to_string())
}

/// Takes a body from one dialect to another.
pub(super) fn carried(from: Dialect, body: &[u8], to: Dialect) -> Result<Outbound, String> {
    let mut request = from
        .decode_request(body, &no_recall)
        .map_err(|error| error.to_string())?;
    name_model(&mut request);
    let mut target = target(to, model(to), request.stream);
    target.auto_cache = false;
    target.cache_key = None;
    translate::request(request, &target, false).map_err(|error| error.to_string())
}

/// What a request means. Neighbours of one side are one turn, neighbouring texts one text.
pub(super) fn view(dialect: Dialect, body: &[u8]) -> Result<Value, String> {
    let request = dialect
        .decode_request(body, &no_recall)
        .map_err(|error| error.to_string())?;
    let system: Vec<String> = request
        .instructions
        .iter()
        .map(|block| block.text.as_str().into_owned())
        .collect();
    let mut turns: Vec<(String, Vec<Value>)> = Vec::new();
    for turn in &request.turns {
        let role = format!("{:?}", turn.role);
        let parts = turn.parts.iter().map(seen_part);
        match turns.last_mut() {
            Some((last, known)) if *last == role => known.extend(parts),
            _ => turns.push((role, parts.collect())),
        }
    }
    let tools: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| {
            let schema: Value = match &tool.kind {
                ToolKind::Function {
                    schema: Some(schema),
                } => serde_json::from_str(schema).unwrap_or(Value::Null),
                other => json!(format!("{other:?}")),
            };
            json!([
                tool.name,
                tool.description
                    .as_ref()
                    .map(|text| text.as_str().into_owned()),
                schema
            ])
        })
        .collect();
    let stop: Vec<String> = request
        .stop
        .iter()
        .map(|stop| stop.as_str().into_owned())
        .collect();
    // To leave the choice to the model is what happens anyway.
    let choice = request
        .tool_choice
        .filter(|choice| *choice != ToolChoice::Auto)
        .map(|choice| format!("{choice:?}"));
    Ok(json!({
        "system": system,
        "turns": turns,
        "tools": tools,
        "choice": choice,
        "parallel": request.parallel.filter(|parallel| !parallel),
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "max_output": request.max_output,
        "stop": stop,
    }))
}

fn seen_part(part: &Part<'_>) -> Value {
    match &part.kind {
        Kind::Text { text, .. } => json!(text.as_str()),
        Kind::Image { source, .. } => match source {
            Source::Base64 { mime, data } => json!({"picture": data.as_str(), "mime": mime}),
            Source::Url { url, .. } | Source::File { id: url, .. } => {
                json!({"picture": url.as_str()})
            }
            other => json!(format!("{other:?}")),
        },
        Kind::ToolCall(call) => {
            let args: Value =
                serde_json::from_str(&call.args.to_text().as_str()).unwrap_or(Value::Null);
            json!({"call": call.id, "name": call.name, "args": args})
        }
        Kind::ToolResult(result) => {
            let mut content: Vec<Value> = result.content.iter().map(seen_part).collect();
            // Dialects without a mark for failures say it in words.
            if result.is_error
                && let Some(text) = content
                    .first()
                    .and_then(Value::as_str)
                    .filter(|text| !text.starts_with("Error"))
            {
                content[0] = json!(format!("Error: {text}"));
            }
            json!({"result": result.id, "content": content})
        }
        other => json!(format!("{other:?}")),
    }
}
