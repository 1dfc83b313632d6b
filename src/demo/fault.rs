//! A refusal, and how each vendor words it. It knows statuses and shapes; what is refused and why is said by the checks.

use serde_json::{Value, json};

use super::ask::Dialect;

/// Seconds that a 429 asks the caller to wait.
pub(super) const RETRY_AFTER: u64 = 1;

/// A refusal before any answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) message: String,
    /// The member that is wrong, where the dialect names it.
    pub(super) param: Option<String>,
    /// OpenAI's machine-readable code, where there is one.
    pub(super) code: Option<&'static str>,
}

impl Fault {
    /// The caller's request is wrong.
    pub(super) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
            param: (!param.is_empty()).then(|| param.to_owned()),
            code: None,
        }
    }

    /// Any status, with a code for OpenAI's shape.
    pub(super) fn of(status: u16, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            param: None,
            code,
        }
    }

    /// The model is not one of ours.
    pub(super) fn unknown_model(model: &str) -> Self {
        let message = format!(
            "The model `{model}` does not exist: names that begin with `missing` are unknown here"
        );
        Self {
            param: Some("model".to_owned()),
            ..Self::of(404, Some("model_not_found"), message)
        }
    }

    /// The body in the dialect's shape.
    pub(super) fn body(&self, dialect: Dialect) -> Value {
        match dialect {
            Dialect::Chat | Dialect::Responses => json!({"error": self.openai()}),
            Dialect::Messages => json!({
                "type": "error",
                "error": {"type": anthropic_type(self.status), "message": self.message},
                "request_id": "req_demo",
            }),
            Dialect::Gemini => json!({"error": self.google()}),
        }
    }

    /// The object inside OpenAI's `error` member.
    pub(super) fn openai(&self) -> Value {
        let (kind, code) = match self.status {
            429 => ("requests", Some("rate_limit_exceeded")),
            401 => ("invalid_request_error", Some("invalid_api_key")),
            500.. => ("server_error", Some("server_error")),
            _ => ("invalid_request_error", self.code),
        };
        json!({"message": self.message, "type": kind, "param": self.param, "code": code})
    }

    fn google(&self) -> Value {
        let mut error = json!({"code": self.status, "message": self.message, "status": rpc_status(self.status)});
        if self.status == 429 {
            error["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": format!("{RETRY_AFTER}s"),
            }]);
        }
        error
    }
}

fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

fn rpc_status(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        402 | 429 => "RESOURCE_EXHAUSTED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}
