//! A look at a body without parsing it: the few top-level members that routing and targeted edits need.

use std::ops::Range;

use translator::Text;
use translator::envelope;
use translator::error::{Failure, FailureKind};
use translator::json;

/// Members of interest, with the places of their values.
#[derive(Clone, Debug, Default)]
pub(super) struct Peek {
    /// `model`: the place of its value and the name.
    pub(super) model: Option<(Range<usize>, String)>,
    /// `stream` is true.
    pub(super) stream: bool,
    /// `stream_options`.
    pub(super) stream_options: Option<Range<usize>>,
    /// `max_tokens`, `max_completion_tokens`, `max_output_tokens`.
    pub(super) limits: Vec<(&'static str, Range<usize>)>,
    /// `generationConfig`, in either spelling.
    pub(super) generation_config: Option<Range<usize>>,
    /// `previous_response_id`, unless null.
    pub(super) previous: Option<(Range<usize>, String)>,
    /// `input`.
    pub(super) input: Option<Range<usize>>,
    /// `store` is false.
    pub(super) store_off: bool,
    /// `background` is true.
    pub(super) background: bool,
    /// `thread` is there and not null.
    pub(super) thread: bool,
    /// `messages` is there.
    pub(super) messages: bool,
    /// Where the first member begins, behind the brace.
    pub(super) inside: usize,
    /// There is no member at all.
    pub(super) empty: bool,
    /// An envelope of the hub is among the values, which no vendor must see.
    pub(super) sealed: bool,
}

impl Peek {
    /// Looks at a body.
    ///
    /// # Errors
    /// When it is no JSON object, or says a member twice that decides where the request goes.
    pub(super) fn at(body: &[u8]) -> Result<Self, Failure> {
        let document =
            simdutf8::basic::from_utf8(body).map_err(|_| invalid("the body is not valid UTF-8"))?;
        let blank = document.len() - document.trim_start().len();
        if document.as_bytes().get(blank) != Some(&b'{') {
            return Err(invalid(if document.trim().is_empty() {
                "the body is empty; a JSON object is expected"
            } else {
                "the body is not a JSON object"
            }));
        }
        let mut peek = Self {
            inside: blank + 1,
            empty: true,
            ..Self::default()
        };
        let mut end = peek.inside;
        let mut sealed = false;
        let members = json::members_and_strings(document, |text| sealed |= envelope::begins(text));
        for (key, range) in members {
            peek.empty = false;
            end = range.end;
            peek.take(document, &key, range)?;
        }
        // The scan stops at whatever is no JSON: then the closing brace does not follow. Behind it there is nothing:
        // a second document would be what another reader takes for the request.
        if document[end..].trim() != "}" {
            return Err(invalid("the body is not valid JSON"));
        }
        peek.sealed = sealed;
        Ok(peek)
    }

    fn take(&mut self, document: &str, key: &str, range: Range<usize>) -> Result<(), Failure> {
        let raw = &document[range.clone()];
        if !is_value(raw) {
            return Err(invalid(&format!("the value of {key} is not valid JSON")).with_param(key));
        }
        match key {
            "model" => {
                if self.model.is_some() {
                    return Err(invalid("the member model is there twice").with_param("model"));
                }
                match string(raw) {
                    Some(name) => self.model = Some((range, name)),
                    None if raw == "null" => {}
                    None => return Err(invalid("model must be a string").with_param("model")),
                }
            }
            "stream" => self.stream = raw == "true",
            "stream_options" => self.stream_options = Some(range),
            "max_tokens" => self.limits.push(("max_tokens", range)),
            "max_completion_tokens" => self.limits.push(("max_completion_tokens", range)),
            "max_output_tokens" => self.limits.push(("max_output_tokens", range)),
            "n" => bounded(raw, "n")?,
            "generationConfig" | "generation_config" => {
                for name in ["candidateCount", "candidate_count"] {
                    if let Some(count) = json::member(raw, name) {
                        bounded(count, name)?;
                    }
                }
                self.generation_config = Some(range);
            }
            "previous_response_id" => self.previous = string(raw).map(|id| (range, id)),
            "input" => self.input = Some(range),
            "store" => self.store_off = raw == "false",
            "background" => self.background = raw == "true",
            "thread" => self.thread = raw != "null",
            "messages" => self.messages = true,
            // A server that compares names without regard to case would read another model than was authorised.
            _ if key.eq_ignore_ascii_case("model") => {
                return Err(
                    invalid(&format!("unknown member {key}; did you mean model?")).with_param(key),
                );
            }
            _ => {}
        }
        Ok(())
    }
}

/// Words and numbers are checked to the letter; what has quotes or brackets the scan has found the end of.
fn is_value(raw: &str) -> bool {
    raw.starts_with(['"', '{', '['])
        || matches!(raw, "true" | "false" | "null")
        || serde_json::from_str::<&serde_json::value::RawValue>(raw).is_ok()
}

/// One request must not become the price of thousands: no vendor gives more alternatives than this.
fn bounded(raw: &str, name: &str) -> Result<(), Failure> {
    const MOST_ALTERNATIVES: f64 = 128.0;
    if raw
        .trim_matches('"')
        .parse()
        .is_ok_and(|count: f64| count > MOST_ALTERNATIVES)
    {
        let words = format!("{name} is at most {MOST_ALTERNATIVES}");
        return Err(invalid(&words).with_param(name));
    }
    Ok(())
}

fn string(raw: &str) -> Option<String> {
    let literal = raw.len() >= 2 && raw.starts_with('"') && raw.ends_with('"');
    literal.then(|| Text::Json(raw).as_str().into_owned())
}

fn invalid(message: &str) -> Failure {
    Failure::new(FailureKind::InvalidRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_interest_are_found() {
        let body = br#" {"messages":[{"model":"inner"}],"mod\u0065l":"a\/b","stream" : true,"max_tokens":5,"store":false}"#;
        let peek = Peek::at(body).expect("an object");
        assert_eq!(peek.model.map(|(_, name)| name).as_deref(), Some("a/b"));
        assert!(peek.stream && peek.store_off && peek.messages && !peek.thread);
        assert_eq!(&body[peek.limits[0].1.clone()], b"5");
        assert_eq!(peek.inside, 2);
    }

    #[test]
    fn envelopes_are_found_at_any_depth() {
        for (body, sealed) in [
            (r#"{"a":[{"signature":"hub1.AAAA"}]}"#, true),
            (r#"{"a":[{"thoughtSignature": "SFVCMQ"}]}"#, true),
            (r#"{"a":"hub1.","b":1}"#, true),
            (r#"{"a":["see \"hub1.\" there"]}"#, false),
        ] {
            let peek = Peek::at(body.as_bytes()).expect("an object");
            assert_eq!(peek.sealed, sealed, "{body}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in [
            "",
            " ",
            "[]",
            "\"x\"",
            "{",
            "{\"a\":1",
            "{\"a\" 1}",
            "{a:1}",
            "\u{feff}{}",
            "nul",
            r#"{"model":"a","model":"b"}"#,
            r#"{"model":"a","Model":"b"}"#,
            r#"{"model":7}"#,
            r#"{"model":"a"} {"model":"b"}"#,
            r#"{"model":"a"}x"#,
            r#"{"model":"a","x":NaN}"#,
            r#"{"model":"a","x":+1}"#,
            r#"{"model":"a","n":100000}"#,
            r#"{"model":"a","generationConfig":{"candidateCount":1e9}}"#,
        ] {
            assert!(Peek::at(body.as_bytes()).is_err(), "{body}");
        }
        assert!(Peek::at(b"{\"model\":\"\xff\"}").is_err());
        assert!(Peek::at(b"{}").expect("an object").empty);
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = format!(
            "{{\"a\":{}{},\"model\":\"m\"}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(
            Peek::at(deep.as_bytes())
                .expect("an object")
                .model
                .is_some()
        );
    }
}
