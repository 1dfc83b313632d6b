//! Parameters that a route sets, on a request that is translated.

use serde_json::{Map, Value};
use translator::Text;
use translator::ir::{Effort, ReasoningMode, Request};

/// Applies overrides by their canonical names; names that no dialect knows are passed over.
pub(super) fn apply(request: &mut Request<'_>, params: Option<&Map<String, Value>>) {
    for (name, value) in params.into_iter().flatten() {
        let number = value.as_f64();
        match name.as_str() {
            "temperature" => request.sampling.temperature = number,
            "top_p" => request.sampling.top_p = number,
            "top_k" => request.sampling.top_k = number,
            "frequency_penalty" => request.sampling.frequency_penalty = number,
            "presence_penalty" => request.sampling.presence_penalty = number,
            "seed" => request.sampling.seed = value.as_i64(),
            "max_tokens" | "max_completion_tokens" | "max_output_tokens" => {
                request.max_output = value.as_u64();
            }
            "n" => request.n = value.as_u64(),
            "parallel_tool_calls" => request.parallel = value.as_bool(),
            "stop" => {
                let one = value.as_str().map(|text| vec![text.to_owned()]);
                let many = value.as_array().map(|list| {
                    list.iter()
                        .filter_map(|v| v.as_str().map(str::to_owned))
                        .collect()
                });
                request.stop = one
                    .or(many)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|text| Text::Plain(text.into()))
                    .collect();
            }
            "reasoning_effort" => match value.as_str() {
                Some("none") => request.reasoning.mode = ReasoningMode::Off,
                word => {
                    request.reasoning.effort = word.and_then(Effort::parse);
                    request.reasoning.mode = ReasoningMode::Unset;
                    request.reasoning.budget = None;
                }
            },
            _ => tracing::debug!(name, "a route sets a parameter that no dialect knows"),
        }
    }
}
