//! What may be typed in a conversation: something to say, or a command behind a slash. Pure.

/// The commands, for help and for completion.
pub(super) const COMMANDS: [(&str, &str); 8] = [
    ("/model ", "ask another model from now on"),
    (
        "/dialect ",
        "speak another dialect: openai-chat, openai-responses, anthropic, gemini",
    ),
    (
        "/system ",
        "say something before everything else; nothing takes it away",
    ),
    ("/image ", "show an image with the next message"),
    ("/clear", "begin anew"),
    ("/save ", "write the conversation to a file, as JSON"),
    ("/help", "this"),
    ("/quit", "leave; so do Ctrl-D and Ctrl-C"),
];

/// What was typed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Typed {
    Say(String),
    Model(String),
    Dialect(String),
    System(String),
    Image(String),
    Clear,
    Save(String),
    Help,
    Quit,
    Nothing,
    Unknown(String),
}

impl Typed {
    /// Reads a line.
    pub(super) fn read(line: &str) -> Self {
        let line = line.trim();
        // Two slashes say a word that begins with one.
        if let Some(rest) = line.strip_prefix("//") {
            return Self::Say(format!("/{rest}"));
        }
        let Some(command) = line.strip_prefix('/') else {
            return match line {
                "" => Self::Nothing,
                words => Self::Say(words.to_owned()),
            };
        };
        let (word, rest) = command
            .split_once(char::is_whitespace)
            .unwrap_or((command, ""));
        let rest = rest.trim().to_owned();
        match (word, rest.is_empty()) {
            ("model", false) => Self::Model(rest),
            ("dialect", false) => Self::Dialect(rest),
            ("system", _) => Self::System(rest),
            ("image", false) => Self::Image(rest),
            ("clear", true) => Self::Clear,
            ("save", false) => Self::Save(rest),
            ("help" | "?", true) => Self::Help,
            ("quit" | "exit" | "q", true) => Self::Quit,
            _ => Self::Unknown(line.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        assert_eq!(Typed::read(" hello "), Typed::Say("hello".to_owned()));
        assert_eq!(
            Typed::read("/model gpt-5.5"),
            Typed::Model("gpt-5.5".to_owned())
        );
        assert_eq!(
            Typed::read("//etc is a folder"),
            Typed::Say("/etc is a folder".to_owned())
        );
        assert_eq!(Typed::read("/model"), Typed::Unknown("/model".to_owned()));
        assert_eq!(Typed::read("/quit"), Typed::Quit);
        assert_eq!(Typed::read("  "), Typed::Nothing);
    }
}
