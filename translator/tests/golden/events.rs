//! A client's view of a stream: frames, read as strictly as the least tolerant SDK reads them.

use serde_json::Value;
use translator::Dialect;

/// One frame of a client's stream.
#[derive(Debug)]
pub(crate) struct Event {
    /// The `event` line, empty without one.
    pub(crate) name: String,
    /// The data; the string `[DONE]` for Chat's terminator.
    pub(crate) data: Value,
}

/// Reads a stream that the hub has written. Comments and blank frames do not occur in a translation.
pub(crate) fn read(dialect: Dialect, stream: &str) -> Result<Vec<Event>, String> {
    let mut events = Vec::new();
    let text = if dialect == Dialect::Gemini {
        stream.replace("\r\n", "\n")
    } else {
        stream.to_owned()
    };
    if !text.is_empty() && !text.ends_with("\n\n") {
        return Err("the stream does not end with a blank line".to_owned());
    }
    for block in text.split_terminator("\n\n") {
        let lines: Vec<&str> = block.split('\n').collect();
        let (name, data) = match lines.as_slice() {
            [data] => ("", *data),
            [name, data] => (
                name.strip_prefix("event: ")
                    .ok_or_else(|| format!("stray line {name:?}"))?,
                *data,
            ),
            _ => return Err(format!("a frame of {} lines: {block:?}", lines.len())),
        };
        let named = matches!(dialect, Dialect::Anthropic | Dialect::OpenAiResponses);
        if named == name.is_empty() {
            return Err(format!("event name {name:?} in {}", dialect.as_str()));
        }
        let data = data
            .strip_prefix("data: ")
            .ok_or_else(|| format!("no data in {block:?}"))?;
        let data = if data == "[DONE]" && dialect == Dialect::OpenAiChat {
            Value::String(data.to_owned())
        } else {
            serde_json::from_str(data).map_err(|error| format!("{error} in {data:?}"))?
        };
        if !name.is_empty() && data["type"] != name {
            return Err(format!("event {name} carries {}", data["type"]));
        }
        events.push(Event {
            name: name.to_owned(),
            data,
        });
    }
    Ok(events)
}

/// Splits an upstream's stream after each frame.
pub(crate) fn frames(stream: &str) -> Vec<&str> {
    let end = if stream.contains("\r\n\r\n") {
        "\r\n\r\n"
    } else {
        "\n\n"
    };
    stream.split_inclusive(end).collect()
}

#[test]
fn sloppy_frames_are_refused() {
    for (dialect, stream) in [
        (Dialect::Gemini, "data:{}\n\n"),
        (Dialect::Gemini, ": ping\n\n"),
        (Dialect::Gemini, "data: [DONE]\n\n"),
        (Dialect::Gemini, "data: {}\n"),
        (Dialect::Anthropic, "data: {\"type\":\"ping\"}\n\n"),
        (
            Dialect::Anthropic,
            "event: ping\ndata: {\"type\":\"x\"}\n\n",
        ),
        (Dialect::OpenAiChat, "event: x\ndata: {}\n\n"),
        (
            Dialect::OpenAiResponses,
            "id: 1\nevent: x\ndata: {\"type\":\"x\"}\n\n",
        ),
    ] {
        assert!(read(dialect, stream).is_err(), "{stream:?}");
    }
    assert_eq!(
        read(Dialect::OpenAiChat, "data: {}\n\ndata: [DONE]\n\n")
            .expect("legal")
            .len(),
        2
    );
}
