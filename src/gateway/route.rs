//! From method and path to the call that is meant. Everything that is not listed here does not exist.
//!
//! Paths are compared as they were written: no decoding, no dot segments, no case folding, so there is only one
//! spelling of each. The exceptions are a model name in a path, which is decoded once it is cut out, and one slash
//! at the end, which clients write that join a base URL and a path.

use http::{HeaderMap, Method};
use translator::Dialect;

use super::query;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// An answer of a model.
    Generate(Ingress),
    /// The tokens of a request.
    Count(Ingress),
    /// Embeddings.
    Embed(Embed),
    /// The list of models, or one of them, in a dialect's shape.
    Models(Dialect, Option<String>),
    /// The short form of a conversation of the Responses dialect.
    Compact,
    /// A stored answer of the Responses dialect.
    Stored(String),
    /// The end of the work on an answer in the background.
    Cancel(String),
    /// The input items of a stored answer.
    StoredInput(String),
    /// Removal of a stored answer.
    StoredDelete(String),
    /// A WebSocket upgrade, which is declined.
    Upgrade,
    /// Statistics of provider keys.
    KeyStats,
    /// What would become of a request.
    Explain,
    /// What clients tell of themselves.
    Events,
    /// Metrics.
    Metrics,
    /// The process is alive.
    Live,
    /// The process takes traffic.
    Ready,
    /// A greeting that needs no answer.
    Hello,
}

/// How a request for an answer came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ingress {
    /// The client's dialect.
    pub(super) dialect: Dialect,
    /// The model, where the path says it.
    pub(super) model: Option<String>,
    /// Whether a stream is wanted, where the path says it.
    pub(super) stream: Option<bool>,
    /// Gemini without `alt=sse`: a list instead of events.
    pub(super) json_array: bool,
    /// The alias that takes a Gemini body or one with `messages`.
    pub(super) either: bool,
}

/// How embeddings are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Embed {
    /// OpenAI.
    OpenAi,
    /// Gemini, one.
    Gemini(String),
    /// Gemini, several.
    GeminiBatch(String),
}

/// Why a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoCall {
    /// No such path; the dialect is the best guess of the caller's.
    NotFound(Dialect),
    /// The path exists for other methods.
    Method(Dialect, &'static str),
}

impl Ingress {
    pub(super) const fn of(dialect: Dialect) -> Self {
        Self {
            dialect,
            model: None,
            stream: None,
            json_array: false,
            either: false,
        }
    }
}

/// The call that is meant.
pub(super) fn call(
    method: &Method,
    path: &str,
    uri_query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Call, NoCall> {
    use Dialect::{Anthropic, Gemini, OpenAiChat, OpenAiResponses};
    let get = *method == Method::GET || *method == Method::HEAD;
    let post = *method == Method::POST;
    let only = |yes: bool, dialect, allow, call: Call| {
        if yes {
            Ok(call)
        } else {
            Err(NoCall::Method(dialect, allow))
        }
    };
    let path = path
        .strip_suffix('/')
        .filter(|rest| !rest.is_empty() && !rest.ends_with('/'))
        .unwrap_or(path);
    match path {
        "/v1/chat/completions" => only(
            post,
            OpenAiChat,
            "POST",
            Call::Generate(Ingress::of(OpenAiChat)),
        ),
        "/v1/messages" | "/v1/anthropic/completions" => only(
            post,
            Anthropic,
            "POST",
            Call::Generate(Ingress::of(Anthropic)),
        ),
        "/v1/responses" if get => Ok(Call::Upgrade),
        "/v1/responses" => only(
            post,
            OpenAiResponses,
            "GET, POST",
            Call::Generate(Ingress::of(OpenAiResponses)),
        ),
        "/v1/gemini/completions" => {
            let ingress = Ingress {
                either: true,
                ..Ingress::of(Gemini)
            };
            only(post, Gemini, "POST", Call::Generate(ingress))
        }
        "/v1/messages/count_tokens" => {
            only(post, Anthropic, "POST", Call::Count(Ingress::of(Anthropic)))
        }
        "/v1/responses/input_tokens" => only(
            post,
            OpenAiResponses,
            "POST",
            Call::Count(Ingress::of(OpenAiResponses)),
        ),
        "/v1/responses/compact" => only(post, OpenAiResponses, "POST", Call::Compact),
        "/v1/embeddings" => only(post, OpenAiChat, "POST", Call::Embed(Embed::OpenAi)),
        "/" | "/health" | "/health/live" => only(get, OpenAiChat, "GET, HEAD", Call::Live),
        "/health/ready" => only(get, OpenAiChat, "GET, HEAD", Call::Ready),
        "/api/hello" => only(get, Anthropic, "GET, HEAD", Call::Hello),
        "/v1/api-keys/stats" => only(get, OpenAiChat, "GET", Call::KeyStats),
        "/api/translate/explain" => only(post, OpenAiChat, "POST", Call::Explain),
        "/api/event_logging/batch" => only(post, Anthropic, "POST", Call::Events),
        "/metrics" => only(get, OpenAiChat, "GET", Call::Metrics),
        "/v1/models" => {
            let dialect = shape(uri_query, headers);
            only(get, dialect, "GET", Call::Models(dialect, None))
        }
        "/v1beta/models" | "/v1alpha/models" => {
            only(get, Gemini, "GET", Call::Models(Gemini, None))
        }
        _ => nested(method, path, uri_query, headers),
    }
}

fn nested(
    method: &Method,
    path: &str,
    uri_query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Call, NoCall> {
    let get = *method == Method::GET || *method == Method::HEAD;
    if let Some(rest) = path.strip_prefix("/v1/responses/") {
        return stored(method, get, rest);
    }
    let Some(Named { by, rest }) = named(path) else {
        return Err(NoCall::NotFound(guess(path, uri_query, headers)));
    };
    if let Some((model, verb)) = rest.rsplit_once(':')
        && let Some(call) = gemini_verb(by, model, verb, uri_query)
    {
        return if *method == Method::POST {
            Ok(call)
        } else {
            Err(NoCall::Method(Dialect::Gemini, "POST"))
        };
    }
    let dialect = match by {
        By::Everybody => shape(uri_query, headers),
        By::Gemini | By::GeminiTuned => Dialect::Gemini,
    };
    let model = query::percent_decode(rest)
        .filter(|model| !model.is_empty())
        .ok_or(NoCall::NotFound(dialect))?;
    if get {
        Ok(Call::Models(dialect, Some(model)))
    } else {
        Err(NoCall::Method(dialect, "GET"))
    }
}

fn stored(method: &Method, get: bool, rest: &str) -> Result<Call, NoCall> {
    let (id, tail) = rest.split_once('/').unwrap_or((rest, ""));
    let legal = !id.is_empty()
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let id = id.to_owned();
    match tail {
        "" if legal && get => Ok(Call::Stored(id)),
        "" if legal && *method == Method::DELETE => Ok(Call::StoredDelete(id)),
        "" if legal => Err(NoCall::Method(Dialect::OpenAiResponses, "GET, DELETE")),
        "cancel" if legal && *method == Method::POST => Ok(Call::Cancel(id)),
        "cancel" if legal => Err(NoCall::Method(Dialect::OpenAiResponses, "POST")),
        "input_items" if legal && get => Ok(Call::StoredInput(id)),
        "input_items" if legal => Err(NoCall::Method(Dialect::OpenAiResponses, "GET")),
        _ => Err(NoCall::NotFound(Dialect::OpenAiResponses)),
    }
}

/// Who names a model that way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// Clients of several dialects.
    Everybody,
    /// Gemini's.
    Gemini,
    /// Gemini's, for a model that was made of another one.
    GeminiTuned,
}

/// A path that names a model.
struct Named<'p> {
    by: By,
    /// What stands behind `models/`.
    rest: &'p str,
}

fn named(path: &str) -> Option<Named<'_>> {
    let segments = path.strip_prefix('/')?;
    let (version, rest) = segments.split_once('/')?;
    match version {
        "v1" | "v1beta" | "v1alpha" => {
            if let Some(rest) = rest.strip_prefix("models/") {
                let by = if version == "v1" {
                    By::Everybody
                } else {
                    By::Gemini
                };
                return Some(Named { by, rest });
            }
            if let Some(rest) = rest.strip_prefix("tunedModels/") {
                let by = By::GeminiTuned;
                return Some(Named { by, rest });
            }
        }
        "v1beta1" => {}
        _ => return None,
    }
    // Vertex: `[projects/P/locations/L/]publishers/google/models/M:verb`.
    let rest = match rest.strip_prefix("projects/") {
        Some(rest) => rest.split_once("/locations/")?.1.split_once('/')?.1,
        None => rest,
    };
    let (_, rest) = rest.strip_prefix("publishers/")?.split_once("/models/")?;
    let by = By::Gemini;
    Some(Named { by, rest })
}

fn gemini_verb(by: By, model: &str, verb: &str, uri_query: Option<&str>) -> Option<Call> {
    let mut model = query::percent_decode(model).filter(|model| !model.is_empty())?;
    if by == By::GeminiTuned {
        // The hub's name of it: the kind belongs to the model, and the provider stands before both.
        let name = model.rfind('/').map_or(0, |slash| slash + 1);
        model.insert_str(name, "tunedModels/");
    }
    let ingress = |stream| Ingress {
        model: Some(model.clone()),
        stream: Some(stream),
        ..Ingress::of(Dialect::Gemini)
    };
    Some(match verb {
        "generateContent" => Call::Generate(ingress(false)),
        "streamGenerateContent" => {
            let alt = query::get(uri_query, "alt").or_else(|| query::get(uri_query, "$alt"));
            Call::Generate(Ingress {
                json_array: alt.as_deref() != Some("sse"),
                ..ingress(true)
            })
        }
        "countTokens" => Call::Count(ingress(false)),
        "embedContent" => Call::Embed(Embed::Gemini(model)),
        "batchEmbedContents" => Call::Embed(Embed::GeminiBatch(model)),
        _ => return None,
    })
}

/// Whose shape a path that three dialects share is answered in.
fn shape(uri_query: Option<&str>, headers: &HeaderMap) -> Dialect {
    if headers.contains_key("anthropic-version") {
        Dialect::Anthropic
    } else if headers.contains_key("x-goog-api-key")
        || headers.contains_key("x-goog-api-client")
        || query::get(uri_query, "key").is_some()
    {
        Dialect::Gemini
    } else {
        Dialect::OpenAiChat
    }
}

/// The dialect of a caller who went astray.
fn guess(path: &str, uri_query: Option<&str>, headers: &HeaderMap) -> Dialect {
    if path.starts_with("/v1beta") || path.starts_with("/v1alpha") {
        Dialect::Gemini
    } else if path.starts_with("/v1/messages") {
        Dialect::Anthropic
    } else {
        shape(uri_query, headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str) -> Result<Call, NoCall> {
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(path, query)| (path, Some(query)));
        call(&Method::POST, path, query, &HeaderMap::new())
    }

    fn get(path: &str) -> Result<Call, NoCall> {
        call(&Method::GET, path, None, &HeaderMap::new())
    }

    #[test]
    fn gemini_paths_are_cut_at_the_last_colon() {
        for (path, model, stream, array) in [
            (
                "/v1beta/models/gemini-3-pro:generateContent",
                "gemini-3-pro",
                false,
                false,
            ),
            (
                "/v1/models/a/b:c:streamGenerateContent?alt=sse",
                "a/b:c",
                true,
                false,
            ),
            (
                "/v1alpha/models/a%2Fb%3Ac:streamGenerateContent",
                "a/b:c",
                true,
                true,
            ),
            (
                "/v1beta1/publishers/google/models/g:generateContent",
                "g",
                false,
                false,
            ),
            (
                "/v1beta/tunedModels/a/b:generateContent",
                "a/tunedModels/b",
                false,
                false,
            ),
            (
                "/v1beta/tunedModels/b:generateContent",
                "tunedModels/b",
                false,
                false,
            ),
            (
                "/v1beta1/projects/p/locations/l/publishers/google/models/g:generateContent",
                "g",
                false,
                false,
            ),
            (
                "/v1/projects/p/locations/l/publishers/anthropic/models/c:generateContent",
                "c",
                false,
                false,
            ),
        ] {
            let Ok(Call::Generate(ingress)) = post(path) else {
                unreachable!("{path}")
            };
            assert_eq!(ingress.model.as_deref(), Some(model), "{path}");
            assert_eq!(
                (ingress.stream, ingress.json_array),
                (Some(stream), array),
                "{path}"
            );
        }
    }

    #[test]
    fn there_is_one_spelling() {
        for path in [
            "/v1/chat/completions//",
            "/v1//chat/completions",
            "/V1/chat/completions",
            "/v1/chat%2Fcompletions",
            "/v1/./chat/completions",
            "/v1/../v1/chat/completions",
            "/v1/chat/completions;a=b",
            "/v1/models/:generateContent",
            "/v1/models/%ff:generateContent",
            "/v1beta1/models/x:generateContent",
            "/v1/responses/../messages",
            "//v1/messages",
            "/admin",
        ] {
            assert!(
                matches!(post(path), Err(NoCall::NotFound(_) | NoCall::Method(..))),
                "{path}"
            );
        }
    }

    #[test]
    fn one_slash_at_the_end_is_no_other_path() {
        for path in [
            "/v1/chat/completions/",
            "/v1/messages/?beta=true",
            "/v1/models/g:generateContent/",
        ] {
            assert!(matches!(post(path), Ok(Call::Generate(_))), "{path}");
        }
        assert_eq!(get("/"), Ok(Call::Live));
    }

    #[test]
    fn methods_are_told() {
        assert_eq!(
            get("/v1/chat/completions"),
            Err(NoCall::Method(Dialect::OpenAiChat, "POST"))
        );
        assert_eq!(
            post("/v1/models"),
            Err(NoCall::Method(Dialect::OpenAiChat, "GET"))
        );
        assert_eq!(get("/v1/responses"), Ok(Call::Upgrade));
        assert_eq!(
            get("/v1/responses/resp_1"),
            Ok(Call::Stored("resp_1".to_owned()))
        );
        assert_eq!(
            post("/v1/responses/resp_1/cancel"),
            Ok(Call::Cancel("resp_1".to_owned()))
        );
        assert_eq!(post("/v1/responses/compact"), Ok(Call::Compact));
        assert_eq!(
            get("/v1/responses/resp_1/input_items"),
            Ok(Call::StoredInput("resp_1".to_owned()))
        );
    }

    #[test]
    fn shared_paths_go_by_header() {
        let mut headers = HeaderMap::new();
        let models = |headers: &HeaderMap, query| call(&Method::GET, "/v1/models", query, headers);
        assert_eq!(
            models(&headers, None),
            Ok(Call::Models(Dialect::OpenAiChat, None))
        );
        assert_eq!(
            models(&headers, Some("key=k")),
            Ok(Call::Models(Dialect::Gemini, None))
        );
        headers.insert(
            "anthropic-version",
            http::HeaderValue::from_static("2023-06-01"),
        );
        assert_eq!(
            models(&headers, None),
            Ok(Call::Models(Dialect::Anthropic, None))
        );
        assert_eq!(
            get("/v1/models/a/b"),
            Ok(Call::Models(Dialect::OpenAiChat, Some("a/b".to_owned())))
        );
        assert_eq!(
            get("/v1beta/models/g"),
            Ok(Call::Models(Dialect::Gemini, Some("g".to_owned())))
        );
    }
}
