//! How the admin API says that something is wrong: problem documents (RFC 9457) with a stable code, the words, and
//! for each wrong member its path and how to mend it.

use poem::http::StatusCode;
use poem::{IntoResponse, Response};
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON as _, Type as _};
use poem_openapi::{ApiResponse, Object};

use crate::config::ConfigErrors;
use crate::control::ChangeError;
use crate::store::StoreError;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, Object)]
pub(super) struct Flaw {
    /// The member, such as `match.model[0]`; empty for the whole.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub fix: String,
}

/// A problem document.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Problem")]
pub(super) struct ProblemDocument {
    /// The HTTP status.
    pub status: u16,
    /// Stable, for programs: `not_found`, `changed_meanwhile`, `invalid`, ...
    pub code: String,
    /// A short summary of the kind of problem.
    pub title: String,
    /// What happened here, in words.
    pub detail: String,
    /// What exactly is wrong with the request.
    pub errors: Vec<Flaw>,
}

/// A problem document as a body.
#[derive(Clone, Debug)]
pub(super) struct ProblemJson(pub ProblemDocument);

impl Payload for ProblemJson {
    const CONTENT_TYPE: &'static str = "application/problem+json";

    fn schema_ref() -> MetaSchemaRef {
        ProblemDocument::schema_ref()
    }

    fn register(registry: &mut Registry) {
        ProblemDocument::register(registry);
    }
}

impl IntoResponse for ProblemJson {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type(Self::CONTENT_TYPE)
            .body(self.0.to_json_string())
    }
}

/// A refusal.
#[derive(Clone, Debug, ApiResponse)]
#[oai(bad_request_handler = "malformed")]
pub(super) enum Problem {
    /// The request cannot be read.
    #[oai(status = 400)]
    Malformed(ProblemJson),
    /// Nobody is logged in.
    #[oai(status = 401)]
    Unauthorized(ProblemJson),
    /// The caller may not do this.
    #[oai(status = 403)]
    Forbidden(ProblemJson),
    /// There is no such thing.
    #[oai(status = 404)]
    NotFound(ProblemJson),
    /// The path is there, but not with this method.
    #[oai(status = 405)]
    Method(ProblemJson),
    /// It stands in the way of something else.
    #[oai(status = 409)]
    Conflict(ProblemJson),
    /// It was changed since it was read.
    #[oai(status = 412)]
    Changed(ProblemJson),
    /// The body is too large.
    #[oai(status = 413)]
    TooLarge(ProblemJson),
    /// The body is of another kind.
    #[oai(status = 415)]
    MediaType(ProblemJson),
    /// The request can be read, but does not make sense.
    #[oai(status = 422)]
    Invalid(ProblemJson),
    /// Too often.
    #[oai(status = 429)]
    TooMany(ProblemJson, #[oai(header = "Retry-After")] u64),
    /// The hub is at fault.
    #[oai(status = 500)]
    Internal(ProblemJson),
    /// Another server that was asked is at fault.
    #[oai(status = 502)]
    Upstream(ProblemJson),
    /// The database is away.
    #[oai(status = 503)]
    Unavailable(ProblemJson),
}

/// What the handlers of the admin API return.
pub(super) type Answer<T> = Result<T, Problem>;

fn document(status: u16, code: &str, title: &str, detail: impl Into<String>) -> ProblemJson {
    ProblemJson(ProblemDocument {
        status,
        code: code.to_owned(),
        title: title.to_owned(),
        detail: detail.into(),
        errors: Vec::new(),
    })
}

impl Problem {
    /// 401.
    pub(super) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::Unauthorized(document(401, "unauthorized", "Log in first", detail))
    }

    /// 403.
    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::Forbidden(document(403, "forbidden", "Not allowed", detail))
    }

    /// 404.
    #[must_use]
    pub(super) fn not_found(what: &str) -> Self {
        Self::NotFound(document(
            404,
            "not_found",
            "Not found",
            format!("there is no such {what}"),
        ))
    }

    /// 409.
    #[must_use]
    pub(super) fn conflict(code: &str, detail: impl Into<String>) -> Self {
        Self::Conflict(document(409, code, "In conflict", detail))
    }

    /// 412.
    #[must_use]
    pub(super) fn changed(version: i64) -> Self {
        let detail = format!(
            "it was changed since you read it and is at version {version} now; read it again"
        );
        Self::Changed(document(
            412,
            "changed_meanwhile",
            "Changed meanwhile",
            detail,
        ))
    }

    /// 422 for one member.
    pub(super) fn invalid(field: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        let flaw = Flaw {
            field: field.to_owned(),
            message: message.into(),
            fix: fix.into(),
        };
        Self::flawed(vec![flaw])
    }

    /// 422.
    #[must_use]
    pub(super) fn flawed(errors: Vec<Flaw>) -> Self {
        let detail = errors
            .iter()
            .map(|flaw| flaw.message.as_str())
            .collect::<Vec<_>>()
            .join("; ");
        let mut problem = document(422, "invalid", "Not valid", detail);
        problem.0.errors = errors;
        Self::Invalid(problem)
    }

    /// 429.
    pub(super) fn too_many(seconds: u64, detail: impl Into<String>) -> Self {
        Self::TooMany(
            document(429, "too_many_requests", "Too many requests", detail),
            seconds,
        )
    }

    /// 502.
    pub(super) fn upstream(detail: impl Into<String>) -> Self {
        Self::Upstream(document(502, "upstream", "The other server failed", detail))
    }

    /// 503.
    #[must_use]
    pub(super) fn unavailable() -> Self {
        let detail = "the database does not answer; the data plane goes on, changes have to wait";
        Self::Unavailable(document(503, "database_away", "Database away", detail))
    }

    /// 500. What it was goes to the log and not to the caller.
    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "the admin API failed");
        let detail = "the hub failed at this; its log says why";
        Self::Internal(document(500, "internal", "Internal error", detail))
    }

    /// A request that cannot be read, and why.
    pub(super) fn unreadable(words: &str) -> Self {
        malformed_words(words)
    }

    /// What an error of the web framework means.
    #[must_use]
    pub(super) fn of_framework(error: &poem::Error) -> Self {
        let status = error.status();
        let words = error.to_string();
        match status {
            StatusCode::UNAUTHORIZED => Self::unauthorized("no valid session was shown"),
            StatusCode::NOT_FOUND => Self::not_found("path"),
            StatusCode::METHOD_NOT_ALLOWED => Self::Method(document(
                405,
                "method_not_allowed",
                "Method not allowed",
                words,
            )),
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge(document(
                413,
                "too_large",
                "Too large",
                "the body is larger than this takes: 64 MiB for messages and archives, else 4 MiB",
            )),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Self::MediaType(document(415, "media_type", "Unsupported media type", words))
            }
            status if status.is_client_error() => malformed_words(without_value(&words)),
            _ => Self::internal(error),
        }
    }
}

/// The words of a parser without the value that it found: that may be a password in the wrong form.
fn without_value(words: &str) -> String {
    match words.split_once(", found ") {
        Some((expected, _)) => format!("{expected}, found something else"),
        None => words.to_owned(),
    }
}

fn malformed_words(words: impl Into<String>) -> Problem {
    Problem::Malformed(document(400, "malformed", "Cannot be read", words))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the framework hands it over by value"
)]
fn malformed(error: poem::Error) -> Problem {
    Problem::of_framework(&error)
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken => Self::conflict("name_taken", "that name is taken; choose another"),
            StoreError::Missing => Self::not_found("entry"),
            StoreError::Changed(version) => Self::changed(version),
            full @ StoreError::Full(_) => Self::conflict("too_many", full.to_string()),
            StoreError::Slow | StoreError::Letters => Self::invalid("", error.to_string(), ""),
            StoreError::Database(error) => {
                tracing::warn!(%error, "the database did not answer as it should");
                Self::unavailable()
            }
            other => Self::internal(&other),
        }
    }
}

impl From<sea_orm::DbErr> for Problem {
    fn from(error: sea_orm::DbErr) -> Self {
        StoreError::from(error).into()
    }
}

impl From<ConfigErrors> for Problem {
    fn from(errors: ConfigErrors) -> Self {
        let flaw = |error: &crate::config::ConfigError| Flaw {
            field: error.place.path(),
            message: match error.place.definition() {
                Some(_) => format!("{}: {}", error.place, error.what),
                None => error.what.clone(),
            },
            fix: error.fix.clone(),
        };
        Self::flawed(errors.0.iter().map(flaw).collect())
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Invalid(errors) => errors.into(),
            ChangeError::Store(error) => error.into(),
        }
    }
}
