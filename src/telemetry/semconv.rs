//! The names of OpenTelemetry's conventions, all in one place: those for generative AI are still "development" and
//! may be renamed. Values that the conventions list are made here too.

use std::borrow::Cow;

pub(super) const OPERATION: &str = "gen_ai.operation.name";
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
pub(super) const REQUEST_MODEL: &str = "gen_ai.request.model";
pub(super) const REQUEST_STREAM: &str = "gen_ai.request.stream";
pub(super) const RESPONSE_MODEL: &str = "gen_ai.response.model";
pub(super) const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
pub(super) const FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
pub(super) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub(super) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub(super) const CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
pub(super) const CACHE_WRITE_TOKENS: &str = "gen_ai.usage.cache_creation.input_tokens";
pub(super) const REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
pub(super) const ERROR_TYPE: &str = "error.type";
pub(super) const HTTP_STATUS: &str = "http.response.status_code";
pub(super) const SERVER_ADDRESS: &str = "server.address";
pub(super) const SERVER_PORT: &str = "server.port";
pub(super) const SERVICE_NAME: &str = "service.name";
pub(super) const SERVICE_VERSION: &str = "service.version";
pub(super) const SERVICE_INSTANCE: &str = "service.instance.id";

// What the conventions have no name for.
pub(super) const REQUEST_ID: &str = "llm_bridge.request.id";
pub(super) const INGRESS: &str = "llm_bridge.ingress";
pub(super) const UPSTREAM: &str = "llm_bridge.upstream";
pub(super) const CONFIGURED_PROVIDER: &str = "llm_bridge.provider";
pub(super) const ROUTE: &str = "llm_bridge.route";
pub(super) const CLIENT_KEY: &str = "llm_bridge.client_key";
pub(super) const OUTCOME: &str = "llm_bridge.outcome";
pub(super) const ATTEMPTS: &str = "llm_bridge.attempts";
pub(super) const COST_USD: &str = "llm_bridge.cost_usd";
pub(super) const USAGE_SOURCE: &str = "llm_bridge.usage.source";

/// What is done: `call` is the ledger's word for it, `dialect` the one it is asked in.
pub(super) fn operation(call: &'static str, dialect: &str) -> &'static str {
    match (call, dialect) {
        ("generate", "gemini") => "generate_content",
        ("generate", _) => "chat",
        ("embed", _) => "embeddings",
        ("count", _) => "count_tokens",
        (other, _) => other,
    }
}

/// The conventions' name of a vendor: by the host that is asked and the catalogue's name of the vendor. Whom they do
/// not list is called as the catalogue or the operator does.
pub(super) fn provider<'n>(
    host: &str,
    vendor: Option<&'static str>,
    name: &'n str,
) -> Cow<'n, str> {
    let known = match vendor {
        Some("openai") if host.ends_with(".azure.com") => "azure.ai.openai",
        Some("google") if host.ends_with("aiplatform.googleapis.com") => "gcp.vertex_ai",
        Some("google") => "gcp.gemini",
        Some("mistral") => "mistral_ai",
        Some("xai") => "x_ai",
        Some("moonshotai-cn" | "moonshotai") => "moonshot_ai",
        Some(vendor) => vendor,
        None if host.starts_with("bedrock-runtime.") => "aws.bedrock",
        None => return Cow::Borrowed(name),
    };
    Cow::Borrowed(known)
}

/// One word for what the vendors say in several.
pub(super) fn finish(said: &str) -> Cow<'_, str> {
    let word = match said.to_ascii_lowercase().as_str() {
        "stop" | "end_turn" | "stop_sequence" | "completed" => "stop",
        "length" | "max_tokens" | "max_output_tokens" | "model_context_window_exceeded" => "length",
        "tool_calls" | "tool_use" | "function_call" => "tool_call",
        "content_filter" | "safety" | "refusal" | "recitation" | "blocklist"
        | "prohibited_content" | "spii" => "content_filter",
        _ => return Cow::Owned(said.to_ascii_lowercase()),
    };
    Cow::Borrowed(word)
}

#[cfg(test)]
mod tests {
    use super::{finish, operation, provider};

    #[test]
    fn vendors_have_the_conventions_names() {
        for (host, vendor, wanted) in [
            ("api.openai.com", Some("openai"), "openai"),
            ("me.openai.azure.com", Some("openai"), "azure.ai.openai"),
            (
                "generativelanguage.googleapis.com",
                Some("google"),
                "gcp.gemini",
            ),
            (
                "europe-west1-aiplatform.googleapis.com",
                Some("google"),
                "gcp.vertex_ai",
            ),
            ("api.anthropic.com", Some("anthropic"), "anthropic"),
            (
                "bedrock-runtime.eu-west-1.amazonaws.com",
                None,
                "aws.bedrock",
            ),
            ("127.0.0.1", None, "house"),
        ] {
            assert_eq!(provider(host, vendor, "house"), wanted, "{host}");
        }
    }

    #[test]
    fn all_dialects_finish_in_the_same_words() {
        for (said, wanted) in [
            ("end_turn", "stop"),
            ("STOP", "stop"),
            ("MAX_TOKENS", "length"),
            ("tool_use", "tool_call"),
            ("SAFETY", "content_filter"),
            ("Brand_New", "brand_new"),
        ] {
            assert_eq!(finish(said), wanted);
        }
        assert_eq!(operation("generate", "gemini"), "generate_content");
        assert_eq!(operation("compact", "openai-responses"), "compact");
    }
}
