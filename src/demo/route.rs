//! Which endpoint a request means, and in which dialect its errors are. Paths and headers only: bodies are read elsewhere.

use http::{HeaderMap, Method};

use super::ask::Dialect;
use super::fault::Fault;
use super::frames::Framing;

/// An endpoint.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Root,
    Chat,
    Responses,
    CountResponses,
    Messages,
    CountMessages,
    /// With the framing of a stream, when it is one.
    Generate(String, Option<Framing>),
    CountContents(String),
    Embeddings,
    EmbedContent(String),
    BatchEmbed(String),
    Models,
    Model(String),
}

/// The dialect of a request: told by its path, or by its headers where vendors share a path.
pub(super) fn dialect(path: &str, query: Option<&str>, headers: &HeaderMap) -> Dialect {
    let google = headers.contains_key("x-goog-api-key")
        || headers.contains_key("x-goog-api-client")
        || key(query).is_some();
    match path {
        "/v1/chat/completions" | "/v1/embeddings" => Dialect::Chat,
        _ if path.starts_with("/v1/responses") => Dialect::Responses,
        _ if path.starts_with("/v1/messages") => Dialect::Messages,
        _ if path.starts_with("/v1beta") || path.starts_with("/v1alpha") || path.contains(':') => {
            Dialect::Gemini
        }
        _ if headers.contains_key("anthropic-version") => Dialect::Messages,
        _ if google => Dialect::Gemini,
        _ => Dialect::Chat,
    }
}

/// The endpoint of a request.
pub(super) fn find(method: &Method, path: &str, query: Option<&str>) -> Result<Route, Fault> {
    let get = method == Method::GET;
    let route = match path {
        "/" | "/health" if get => Route::Root,
        "/v1/chat/completions" if !get => Route::Chat,
        "/v1/responses" if !get => Route::Responses,
        "/v1/responses/input_tokens" if !get => Route::CountResponses,
        "/v1/messages" if !get => Route::Messages,
        "/v1/messages/count_tokens" if !get => Route::CountMessages,
        "/v1/embeddings" if !get => Route::Embeddings,
        _ => match (get, model(path)) {
            (true, Some("")) => Route::Models,
            (true, Some(model)) => Route::Model(decoded(model)),
            (false, Some(rest)) => verb(rest, query)?,
            (_, None) => {
                return Err(Fault::of(
                    404,
                    None,
                    format!("Invalid URL ({method} {path})"),
                ));
            }
        },
    };
    Ok(route)
}

/// What follows `models` in the path, without the slash.
fn model(path: &str) -> Option<&str> {
    let rest = ["/v1beta/", "/v1alpha/", "/v1/"]
        .iter()
        .find_map(|version| path.strip_prefix(version))?;
    match rest.strip_prefix("models")? {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    }
}

/// Without the percent signs that some clients put into a model name; what is no valid escape stays as it is.
fn decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let escape = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(escape.unwrap_or(b'%'));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn verb(rest: &str, query: Option<&str>) -> Result<Route, Fault> {
    let Some((model, verb)) = rest.rsplit_once(':') else {
        return Err(Fault::of(404, None, "a model name and a verb are expected"));
    };
    let model = decoded(model);
    let sse = query.is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    Ok(match verb {
        "generateContent" => Route::Generate(model, None),
        "streamGenerateContent" => Route::Generate(
            model,
            Some(if sse {
                Framing::SseCrlf
            } else {
                Framing::Array
            }),
        ),
        "countTokens" => Route::CountContents(model),
        "embedContent" => Route::EmbedContent(model),
        "batchEmbedContents" => Route::BatchEmbed(model),
        _ => {
            return Err(Fault::of(
                404,
                None,
                format!("the verb {verb} is not known"),
            ));
        }
    })
}

/// Refuses a credential that says of itself that it is bad; none is needed.
pub(super) fn admit(
    dialect: Dialect,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<(), Fault> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let credential = match dialect {
        Dialect::Chat | Dialect::Responses => bearer,
        Dialect::Messages => header("x-api-key").or(bearer),
        Dialect::Gemini => header("x-goog-api-key").or(key(query)).or(bearer),
    };
    match credential {
        Some(key) if key.starts_with("bad") => Err(Fault::of(
            401,
            None,
            "Incorrect API key provided: keys that begin with `bad` are refused",
        )),
        _ => Ok(()),
    }
}

fn key(query: Option<&str>) -> Option<&str> {
    query?.split('&').find_map(|pair| pair.strip_prefix("key="))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Framing, Route, find};

    #[test]
    fn splits_a_model_at_its_last_colon() {
        let found = find(
            &Method::POST,
            "/v1beta/models/team/m:tag:streamGenerateContent",
            Some("alt=sse"),
        );
        assert_eq!(
            found,
            Ok(Route::Generate(
                "team/m:tag".to_owned(),
                Some(Framing::SseCrlf)
            ))
        );
        assert_eq!(find(&Method::GET, "/v1/models", None), Ok(Route::Models));
        let escaped = find(&Method::GET, "/v1/models/a%2Fb%zz", None);
        assert_eq!(escaped, Ok(Route::Model("a/b%zz".to_owned())));
        assert!(find(&Method::GET, "/v1/chat/completions", None).is_err());
    }
}
