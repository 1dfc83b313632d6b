//! An answer as it comes: a Chat stream read piece by piece. Pure.

use serde_json::Value;
use translator::sse::Decoder;

use super::wire::Heard;
use crate::failure::{Ended, Failure};

/// A piece of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Piece<'p> {
    /// What the model says.
    Text(&'p str),
    /// What it thinks before.
    Thought(&'p str),
    /// An event as it came: its name and its data.
    Event(&'p str, &'p str),
}

/// An answer that is being read.
#[derive(Default)]
pub(super) struct Reading {
    decoder: Decoder,
    heard: Heard,
    failure: Option<String>,
}

impl Reading {
    /// Reads on.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        mut listener: impl FnMut(Piece<'_>) -> Ended,
    ) -> Ended {
        let (heard, failure) = (&mut self.heard, &mut self.failure);
        let mut ended = Ok(());
        let fed = self.decoder.feed(bytes, |frame| {
            if ended.is_ok()
                && let Ok(chunk) = serde_json::from_str::<Value>(frame.data)
            {
                ended = read(&chunk, heard, failure, &mut listener);
            }
        });
        fed.map_err(|error| Failure::failed(error.to_string()))?;
        ended
    }

    /// What was said in all.
    pub(super) fn end(self) -> Ended<Heard> {
        match self.failure {
            Some(why) => Err(Failure::failed(why)),
            None => Ok(self.heard),
        }
    }
}

fn read(
    chunk: &Value,
    heard: &mut Heard,
    failure: &mut Option<String>,
    listener: &mut impl FnMut(Piece<'_>) -> Ended,
) -> Ended {
    if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
        let words = error["message"].as_str().unwrap_or("the answer failed");
        *failure = Some(words.to_owned());
    }
    let choice = &chunk["choices"][0];
    let delta = &choice["delta"];
    for member in ["reasoning_content", "reasoning"] {
        if let Some(thought) = delta[member].as_str().filter(|text| !text.is_empty()) {
            listener(Piece::Thought(thought))?;
            break;
        }
    }
    for member in ["content", "refusal"] {
        if let Some(text) = delta[member].as_str().filter(|text| !text.is_empty()) {
            heard.text.push_str(text);
            listener(Piece::Text(text))?;
        }
    }
    match choice["finish_reason"].as_str() {
        None | Some("stop") => {}
        Some(other) => heard.cut = Some(other.to_owned()),
    }
    let usage = &chunk["usage"];
    if let (Some(input), Some(output)) = (
        usage["prompt_tokens"].as_u64(),
        usage["completion_tokens"].as_u64(),
    ) {
        heard.tokens = Some((input, output));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_their_order() {
        let stream = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"reasoning_content\":\"hm\"}}]}\n\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"He\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"y\"},\
            \"finish_reason\":\"length\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\
            \"completion_tokens\":4}}\n\ndata: [DONE]\n\n";
        let (mut reading, mut said) = (Reading::default(), Vec::new());
        for chunk in stream.as_bytes().chunks(7) {
            let keep = |piece: Piece<'_>| {
                said.push(format!("{piece:?}"));
                Ok(())
            };
            reading.feed(chunk, keep).expect("it can be read");
        }
        assert_eq!(said, ["Thought(\"hm\")", "Text(\"He\")", "Text(\"y\")"]);
        let heard = reading.end().expect("no failure");
        assert_eq!((heard.text.as_str(), heard.tokens), ("Hey", Some((3, 4))));
        assert_eq!(heard.cut.as_deref(), Some("length"));
    }

    #[test]
    fn an_error_in_the_stream_is_a_failure() {
        let mut reading = Reading::default();
        let stream = b"data: {\"error\":{\"message\":\"overloaded\"}}\n\n";
        reading.feed(stream, |_| Ok(())).expect("it can be read");
        assert_eq!(
            reading.end().expect_err("a failure").to_string(),
            "overloaded"
        );
    }
}
