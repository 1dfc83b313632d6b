//! Log probabilities, both ways. Knows this dialect's form and the representation's, which is OpenAI's.

use std::fmt::Write as _;

use crate::Text;
use crate::json::{self, Writer};
use crate::wire::{self, Number, Raw};
use crate::wire_object;

wire_object! {
    /// `logprobsResult` of a candidate.
    pub(super) struct Logprobs<'a> {
        chosen: Vec<Token<'a>> = "chosenCandidates" | "chosen_candidates",
        top: Vec<Top<'a>> = "topCandidates" | "top_candidates",
    }
}

wire_object! {
    /// The likeliest tokens of one step.
    pub(super) struct Top<'a> {
        candidates: Vec<Token<'a>> = "candidates",
    }
}

wire_object! {
    /// A token and how likely it was.
    pub(super) struct Token<'a> {
        token: Text<'a> = "token",
        probability: Raw<'a> = "logProbability" | "log_probability",
    }
}

wire_object! {
    /// The same in the representation.
    struct Said<'a> {
        token: Text<'a> = "token",
        probability: Number = "logprob",
        top: Vec<Raw<'a>> = "top_logprobs",
    }
}

/// The elements of `logprobs.content`, joined by commas.
pub(super) fn read(logprobs: &Logprobs<'_>) -> String {
    let mut out = Vec::new();
    let mut tops = logprobs.top.iter().flatten();
    for chosen in logprobs.chosen.iter().flatten() {
        let top = tops.next();
        if !out.is_empty() {
            out.push(b',');
        }
        Writer::new(&mut out).object(|w| {
            token(chosen, w);
            w.array_in("top_logprobs", |w| {
                for candidate in top
                    .and_then(|top| top.candidates.as_ref())
                    .into_iter()
                    .flatten()
                {
                    w.object(|w| token(candidate, w));
                }
            });
        });
    }
    crate::ir::into_string(out)
}

fn token(token: &Token<'_>, w: &mut Writer<'_>) {
    let text = token.token.clone().unwrap_or_default();
    w.text("token", &text);
    w.raw("logprob", token.probability.map_or("0", Raw::get));
    let mut bytes = String::from("[");
    for (index, byte) in text.as_str().bytes().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(bytes, "{comma}{byte}");
    }
    bytes.push(']');
    w.raw("bytes", &bytes);
}

/// Writes `avgLogprobs` and `logprobsResult` from elements of the representation.
pub(super) fn write(elements: &str, w: &mut Writer<'_>) {
    let list = format!("[{elements}]");
    let said: Vec<Said<'_>> = json::elements(&list)
        .filter_map(|raw| wire::parse(raw.as_bytes()).ok())
        .collect();
    if said.is_empty() {
        return;
    }
    let sum: f64 = said
        .iter()
        .filter_map(|token| token.probability.map(|Number(value)| value))
        .sum();
    w.float("avgLogprobs", sum / said.len() as f64);
    w.object_in("logprobsResult", |w| {
        w.array_in("topCandidates", |w| {
            for one in &said {
                w.object(|w| {
                    w.array_in("candidates", |w| {
                        for raw in one.top.iter().flatten() {
                            if let Ok(candidate) = wire::parse::<Said<'_>>(raw.get().as_bytes()) {
                                w.object(|w| native(&candidate, w));
                            }
                        }
                    });
                });
            }
        });
        w.array_in("chosenCandidates", |w| {
            said.iter().for_each(|one| w.object(|w| native(one, w)));
        });
    });
}

fn native(said: &Said<'_>, w: &mut Writer<'_>) {
    w.text("token", &said.token.clone().unwrap_or_default());
    w.float(
        "logProbability",
        said.probability.map_or(0.0, |Number(value)| value),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let native = r#"{"topCandidates":[{"candidates":[{"token":"é","logProbability":-0.5},{"token":"e","logProbability":-2.5}]}],"chosenCandidates":[{"token":"é","logProbability":-0.5}]}"#;
        let elements = read(&wire::parse(native.as_bytes()).expect("is a result"));
        assert_eq!(
            elements,
            r#"{"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":[{"token":"é","logprob":-0.5,"bytes":[195,169]},{"token":"e","logprob":-2.5,"bytes":[101]}]}"#
        );
        let mut out = Vec::new();
        Writer::new(&mut out).object(|w| write(&elements, w));
        let back: serde_json::Value = serde_json::from_slice(&out).expect("is JSON");
        assert_eq!(
            back["logprobsResult"],
            serde_json::from_str::<serde_json::Value>(native).expect("is JSON")
        );
        assert_eq!(back["avgLogprobs"], -0.5);
    }
}
