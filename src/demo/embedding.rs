//! Embeddings: a vector of unit length made from a hash of the text. Equal texts are equal, that is all they say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::ask::tokens;
use super::fault::Fault;
use super::seal::hash;
use super::{catalogue, check};

const DIMENSIONS: u64 = 32;
const MOST: u64 = 4096;

/// OpenAI's embeddings: floats, or their little-endian bytes in base64.
pub(super) fn openai(body: &Value) -> Result<Value, Fault> {
    let members = check::object(body, "body")?;
    check::only(
        members,
        &["input", "model", "dimensions", "encoding_format", "user"],
    )?;
    let model = check::text(members, "model", "body")?;
    catalogue::known(model)?;
    let texts = inputs(&body["input"])?;
    let size = size(members.get("dimensions"))?;
    let packed = match members.get("encoding_format").and_then(Value::as_str) {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            return Err(Fault::invalid(
                "encoding_format",
                format!("Invalid value: '{other}'."),
            ));
        }
    };
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| {
            let vector = vector(text, size);
            let embedding = if packed {
                let bytes: Vec<u8> = vector
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                json!(STANDARD.encode(bytes))
            } else {
                json!(vector)
            };
            json!({"object": "embedding", "index": n, "embedding": embedding})
        })
        .collect();
    let total: u64 = texts.iter().map(|text| tokens(text)).sum();
    Ok(
        json!({"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": total, "total_tokens": total}}),
    )
}

/// The texts of an input: a string, strings, or token numbers, which stand for themselves.
fn inputs(input: &Value) -> Result<Vec<String>, Fault> {
    let wrong = || {
        Fault::invalid(
            "input",
            "input: a non-empty string, strings, or arrays of tokens are expected",
        )
    };
    match input {
        Value::String(text) if !text.is_empty() => Ok(vec![text.clone()]),
        Value::Array(items) if items.first().is_some_and(Value::is_number) => {
            Ok(vec![input.to_string()])
        }
        Value::Array(items) if !items.is_empty() && items.len() <= 2048 => items
            .iter()
            .map(|item| match item {
                Value::String(text) if !text.is_empty() => Ok(text.clone()),
                Value::Array(_) => Ok(item.to_string()),
                _ => Err(wrong()),
            })
            .collect(),
        _ => Err(wrong()),
    }
}

/// Gemini's embedding of one content.
pub(super) fn gemini(body: &Value) -> Result<Value, Fault> {
    Ok(json!({"embedding": gemini_values(body)?}))
}

/// Gemini's embeddings of several contents.
pub(super) fn gemini_batch(body: &Value) -> Result<Value, Fault> {
    let members = check::object(body, "body")?;
    let all: Result<Vec<Value>, Fault> = check::list(members, "requests")?
        .iter()
        .map(gemini_values)
        .collect();
    Ok(json!({"embeddings": all?}))
}

fn gemini_values(request: &Value) -> Result<Value, Fault> {
    let parts = request["content"]["parts"]
        .as_array()
        .filter(|parts| !parts.is_empty());
    let Some(parts) = parts else {
        return Err(Fault::invalid(
            "",
            "* EmbedContentRequest.content: content is not specified",
        ));
    };
    let texts: Vec<&str> = parts
        .iter()
        .filter_map(|part| part["text"].as_str())
        .collect();
    let size = size(
        request
            .get("outputDimensionality")
            .or(request.get("output_dimensionality")),
    )?;
    Ok(json!({"values": vector(&texts.join("\n"), size)}))
}

fn size(wanted: Option<&Value>) -> Result<u64, Fault> {
    match wanted.filter(|value| !value.is_null()) {
        None => Ok(DIMENSIONS),
        Some(value) => value
            .as_u64()
            .filter(|size| (1..=MOST).contains(size))
            .ok_or_else(|| {
                Fault::invalid(
                    "dimensions",
                    format!("dimensions: a whole number from 1 to {MOST} is expected"),
                )
            }),
    }
}

fn vector(text: &str, size: u64) -> Vec<f32> {
    let raw: Vec<f32> = (0..size)
        .map(|n| {
            // Hashed twice, since the last bytes of a text hardly reach the upper bits of its first hash.
            let bits = hash(&(hash(text.as_bytes()) ^ n).to_le_bytes()) >> 24;
            f32::from(bits as u16) / 32768.0 - 1.0
        })
        .collect();
    let length = raw
        .iter()
        .map(|value| value * value)
        .sum::<f32>()
        .sqrt()
        .max(f32::EPSILON);
    raw.into_iter().map(|value| value / length).collect()
}
