//! Embeddings in the two shapes that exist, and what lies between them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::estimate;
use translator::json::Writer;

use super::bytepath::model_name;

/// What is to be embedded.
pub(super) struct Wish {
    pub(super) texts: Vec<String>,
    pub(super) dimensions: Option<u64>,
    /// Little-endian 32-bit floats in base64, as OpenAI's SDKs ask by default.
    pub(super) base64: bool,
}

/// The vectors, and what they cost.
pub(super) struct Vectors {
    pub(super) vectors: Vec<Vec<f64>>,
    pub(super) tokens: Option<u64>,
}

impl Wish {
    /// Reads OpenAI's form.
    pub(super) fn openai(body: &Value) -> Result<Self, Failure> {
        let texts = match &body["input"] {
            Value::String(text) => vec![text.clone()],
            Value::Array(list) if list.iter().all(Value::is_string) && !list.is_empty() => list
                .iter()
                .filter_map(|text| text.as_str().map(str::to_owned))
                .collect(),
            Value::Array(list) if !list.is_empty() => {
                return Err(Failure::new(
                    FailureKind::Unsupported,
                    "token ids cannot be sent to this provider; send text",
                )
                .with_param("input"));
            }
            _ => {
                return Err(invalid(
                    "input must be a string or a list of strings",
                    "input",
                ));
            }
        };
        Ok(Self {
            texts,
            dimensions: body["dimensions"].as_u64(),
            base64: body["encoding_format"].as_str() == Some("base64"),
        })
    }

    /// Reads Gemini's form, one or several.
    pub(super) fn gemini(body: &Value, batch: bool) -> Result<Self, Failure> {
        let requests: Vec<&Value> = if batch {
            body["requests"]
                .as_array()
                .ok_or_else(|| invalid("requests must be a list", "requests"))?
                .iter()
                .collect()
        } else {
            vec![body]
        };
        let texts = requests
            .iter()
            .map(|request| gemini_text(request))
            .collect::<Result<_, _>>()?;
        let dimensions = requests.iter().find_map(|request| {
            ["outputDimensionality", "output_dimensionality"]
                .iter()
                .find_map(|name| {
                    request[name]
                        .as_u64()
                        .or_else(|| request["embedContentConfig"][name].as_u64())
                })
        });
        Ok(Self {
            texts,
            dimensions,
            base64: false,
        })
    }

    /// Writes OpenAI's form.
    pub(super) fn to_openai(&self, model: &str) -> Vec<u8> {
        let mut out = Vec::new();
        Writer::new(&mut out).object(|w| {
            w.str("model", model);
            w.array_in("input", |w| {
                for text in &self.texts {
                    w.item_str(text);
                }
            });
            w.str("encoding_format", "float");
            if let Some(dimensions) = self.dimensions {
                w.uint("dimensions", dimensions);
            }
        });
        out
    }

    /// Writes Gemini's form for a run of the texts.
    pub(super) fn to_gemini(&self, model: &str, texts: &[String]) -> Vec<u8> {
        let mut out = Vec::new();
        let name = model_name(Dialect::Gemini, model);
        Writer::new(&mut out).object(|w| {
            w.array_in("requests", |w| {
                for text in texts {
                    w.object(|w| {
                        w.str("model", &name);
                        w.object_in("content", |w| {
                            w.array_in("parts", |w| w.object(|w| w.str("text", text)));
                        });
                        if let Some(dimensions) = self.dimensions {
                            w.uint("outputDimensionality", dimensions);
                        }
                    });
                }
            });
        });
        out
    }

    /// An estimate for upstreams that do not say.
    pub(super) fn estimate(&self) -> u64 {
        self.texts.iter().map(|text| estimate::text(text)).sum()
    }
}

fn gemini_text(request: &Value) -> Result<String, Failure> {
    let parts = request["content"]["parts"]
        .as_array()
        .ok_or_else(|| invalid("content.parts must be a list", "content.parts"))?;
    let texts: Vec<&str> = parts
        .iter()
        .map(|part| part["text"].as_str())
        .collect::<Option<_>>()
        .ok_or_else(|| {
            Failure::new(
                FailureKind::Unsupported,
                "only text can be embedded by this provider",
            )
            .with_param("content.parts")
        })?;
    Ok(texts.join("\n"))
}

impl Vectors {
    /// Reads OpenAI's answer, in its order.
    pub(super) fn openai(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let mut rows: Vec<(u64, Vec<f64>)> = body["data"]
            .as_array()?
            .iter()
            .enumerate()
            .map(|(at, row)| {
                Some((
                    row["index"].as_u64().unwrap_or(at as u64),
                    floats(&row["embedding"])?,
                ))
            })
            .collect::<Option<_>>()?;
        rows.sort_by_key(|(index, _)| *index);
        let tokens = body["usage"]["prompt_tokens"].as_u64();
        Some(Self {
            vectors: rows.into_iter().map(|(_, vector)| vector).collect(),
            tokens,
        })
    }

    /// Reads Gemini's answer, one or several.
    pub(super) fn gemini(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let tokens = body["usageMetadata"]["promptTokenCount"].as_u64();
        let rows = match body["embeddings"].as_array() {
            Some(rows) => rows
                .iter()
                .map(|row| floats(&row["values"]))
                .collect::<Option<_>>()?,
            None => vec![floats(&body["embedding"]["values"])?],
        };
        Some(Self {
            vectors: rows,
            tokens,
        })
    }

    /// Makes every vector one long: OpenAI's are, shortened ones of Gemini are not.
    pub(super) fn normalise(&mut self) {
        for vector in &mut self.vectors {
            let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
            if length > 0.0 && (length - 1.0).abs() > 1e-6 {
                vector.iter_mut().for_each(|x| *x /= length);
            }
        }
    }

    /// Writes OpenAI's answer.
    pub(super) fn to_openai(&self, model: &str, base64: bool, tokens: u64) -> Vec<u8> {
        let mut out = Vec::new();
        Writer::new(&mut out).object(|w| {
            w.str("object", "list");
            w.array_in("data", |w| {
                for (index, vector) in self.vectors.iter().enumerate() {
                    w.object(|w| {
                        w.str("object", "embedding");
                        w.uint("index", index as u64);
                        if base64 {
                            w.str("embedding", &packed(vector));
                        } else {
                            w.raw("embedding", &list(vector));
                        }
                    });
                }
            });
            w.str("model", model);
            w.object_in("usage", |w| {
                w.uint("prompt_tokens", tokens);
                w.uint("total_tokens", tokens);
            });
        });
        out
    }

    /// Writes Gemini's answer.
    pub(super) fn to_gemini(&self, batch: bool) -> Vec<u8> {
        let mut out = Vec::new();
        Writer::new(&mut out).object(|w| {
            if batch {
                w.array_in("embeddings", |w| {
                    for vector in &self.vectors {
                        w.object(|w| w.raw("values", &list(vector)));
                    }
                });
            } else {
                let vector = self.vectors.first().map_or(&[][..], Vec::as_slice);
                w.object_in("embedding", |w| w.raw("values", &list(vector)));
            }
        });
        out
    }
}

fn floats(value: &Value) -> Option<Vec<f64>> {
    if let Some(text) = value.as_str() {
        let bytes = STANDARD.decode(text).ok()?;
        let (words, rest) = bytes.as_chunks::<4>();
        return rest.is_empty().then(|| {
            words
                .iter()
                .map(|word| f64::from(f32::from_le_bytes(*word)))
                .collect()
        });
    }
    value.as_array()?.iter().map(Value::as_f64).collect()
}

/// 32-bit floats are what an embedding has; more digits are noise.
fn packed(vector: &[f64]) -> String {
    let bytes: Vec<u8> = vector
        .iter()
        .flat_map(|x| (*x as f32).to_le_bytes())
        .collect();
    STANDARD.encode(bytes)
}

fn list(vector: &[f64]) -> String {
    serde_json::to_string(vector).unwrap_or_else(|_| "[]".to_owned())
}

fn invalid(message: &str, param: &str) -> Failure {
    Failure::new(FailureKind::InvalidRequest, message).with_param(param)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn vectors_survive_both_packings() {
        let vectors = Vectors {
            vectors: vec![vec![0.6, 0.8], vec![1.0, 0.0]],
            tokens: Some(3),
        };
        for base64 in [false, true] {
            let body = vectors.to_openai("m", base64, 3);
            let back = Vectors::openai(&body).expect("our own");
            assert_eq!(back.tokens, Some(3));
            for (a, b) in back
                .vectors
                .iter()
                .flatten()
                .zip(vectors.vectors.iter().flatten())
            {
                assert!((a - b).abs() < 1e-6, "{a} {b}");
            }
        }
        let back = Vectors::gemini(&vectors.to_gemini(true)).expect("our own");
        assert_eq!(back.vectors, vectors.vectors);
        assert_eq!(
            Vectors::gemini(&vectors.to_gemini(false))
                .expect("our own")
                .vectors,
            vec![vec![0.6, 0.8]]
        );
    }

    #[test]
    fn shortened_vectors_are_made_one_long() {
        let mut vectors = Vectors {
            vectors: vec![vec![3.0, 4.0], vec![0.0, 0.0]],
            tokens: None,
        };
        vectors.normalise();
        assert_eq!(vectors.vectors, vec![vec![0.6, 0.8], vec![0.0, 0.0]]);
    }

    #[test]
    fn wishes_are_read() {
        let wish = Wish::openai(
            &json!({"input": ["a", "b"], "dimensions": 8, "encoding_format": "base64"}),
        )
        .expect("legal");
        assert_eq!(
            (wish.texts.len(), wish.dimensions, wish.base64),
            (2, Some(8), true)
        );
        assert!(Wish::openai(&json!({"input": [[1, 2]]})).is_err());
        assert!(Wish::openai(&json!({})).is_err());
        let body = json!({"requests": [{"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "outputDimensionality": 4}]});
        let wish = Wish::gemini(&body, true).expect("legal");
        assert_eq!(
            (wish.texts, wish.dimensions),
            (vec!["a\nb".to_owned()], Some(4))
        );
        assert!(Wish::gemini(&json!({"content": {"parts": [{"inlineData": {}}]}}), false).is_err());
    }
}
