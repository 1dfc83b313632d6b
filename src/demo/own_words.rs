//! What somebody said, without what an agent puts around it: notes on the machine, the date, its skills. Whoever tries an
//! agent wants an answer to his own words, and finds his `demo:` words obeyed. It knows no dialect.

use std::borrow::Cow;

/// The marks that agents put around their own notes in a user's turn, and the hub around a system message there.
const MARKS: [&str; 4] = [
    "environment_context",
    "session_context",
    "system-reminder",
    "system_note",
];

/// The text without marked notes; the text itself where there are none. A mark without its end is somebody's own words.
pub(super) fn own_words(text: &str) -> Cow<'_, str> {
    let mut left = Cow::Borrowed(text);
    for mark in MARKS {
        let (open, close) = (format!("<{mark}>"), format!("</{mark}>"));
        while let Some(start) = left.find(&open)
            && let Some(length) = left[start..].find(&close)
        {
            let end = start + length + close.len();
            let own = [&left[..start], &left[end..]].concat();
            left = Cow::Owned(own.trim().to_owned());
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::own_words;

    #[test]
    fn notes_of_agents_are_left_out() {
        let cases = [
            ("hello ", "hello "),
            (
                "<system-reminder>\nskills\n</system-reminder>\n\nhello",
                "hello",
            ),
            (
                "<environment_context>\n<cwd>/</cwd>\n</environment_context>\nhello <b>you</b>",
                "hello <b>you</b>",
            ),
            (
                "a <system_note>x</system_note><system_note>y</system_note> b",
                "a  b",
            ),
            ("<system_note>mind</system_note>", ""),
            ("what is <system_note>?", "what is <system_note>?"),
            (
                "</system_note> and <system_note>",
                "</system_note> and <system_note>",
            ),
        ];
        for (text, own) in cases {
            assert_eq!(own_words(text), own, "{text}");
        }
    }
}
