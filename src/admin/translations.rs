//! What would become of a request, for the web interface: the same answer that client keys get at this path.
//!
//! The path is the data plane's; calls with a session come here, calls with a client key go there.

use poem_openapi::payload::Json;
use poem_openapi::types::{Any, ParseFromJSON as _, ToJSON as _};
use poem_openapi::{Object, OpenApi};
use serde_json::{Map, Value};

use super::Admin;
use super::person::{Role, Session};
use super::problem::{Answer, Problem};
use crate::gateway::explain_request;

/// A request to look at.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct TranslationQuestion {
    /// The client's dialect: `openai`, `openai-responses`, `anthropic` or `gemini`.
    dialect: String,
    /// The request, as the client would send it.
    request: Any<Value>,
    /// The upstream's dialect; decided by the routes when absent.
    to: Option<String>,
    /// The model; the request's own when absent.
    model: Option<String>,
    /// Refuse what cannot be carried without loss.
    #[oai(default)]
    strict: bool,
}

/// What a translation changes, and where that is explained.
#[derive(Clone, Debug, Object)]
struct ExplainedChange {
    /// `action:member`.
    code: String,
    /// `emulated`, `assumed`, `degraded`, `clamped` or `dropped`.
    action: String,
    /// The member, as the client spells it.
    member: String,
    /// In words.
    detail: String,
    /// The page of the documentation.
    doc: String,
}

/// What would become of a request.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct TranslationExplanation {
    /// The route; absent where the upstream's dialect was given.
    route: Option<String>,
    /// How the route was found, step by step.
    trace: Vec<String>,
    /// Who would be asked.
    provider: Option<String>,
    /// The model that would be asked for.
    model: String,
    /// The upstream's dialect.
    dialect: String,
    /// `bytes` where the client's bytes pass, else `translated`.
    lane: String,
    /// What would be sent.
    request: Any<Value>,
    /// With which headers, without credentials.
    headers: Any<Map<String, Value>>,
    /// What is changed or lost.
    fidelity: Vec<ExplainedChange>,
    /// What is reversed in the answer.
    undo: Any<Value>,
}

/// The resource.
pub(super) struct Translations(pub(super) Admin);

#[OpenApi(prefix_path = "/api/translate")]
impl Translations {
    /// Look at a translation
    ///
    /// Shows what the upstream would be sent, and sends nothing. Without `to` the routes decide, which needs the role
    /// viewer. Client keys may call it too, and are bounded by what they may ask for.
    #[oai(path = "/explain", method = "post", operation_id = "translate_explain")]
    async fn explain(
        &self,
        session: Session,
        body: Json<TranslationQuestion>,
    ) -> Answer<Json<TranslationExplanation>> {
        if body.to.is_none() {
            session.at_least(Role::Viewer)?;
        }
        let hub = self.0.control.hub();
        let snapshot = hub.snapshots.load_full();
        let question = body.0.to_json_string();
        let told = explain_request(hub, &snapshot, question.as_bytes()).map_err(|failure| {
            let field = failure.param.as_deref().unwrap_or("request");
            Problem::invalid(field, failure.message.clone(), "")
        })?;
        let told = TranslationExplanation::parse_from_json_string(&told);
        told.map(Json)
            .map_err(|error| Problem::internal(&error.message()))
    }
}
