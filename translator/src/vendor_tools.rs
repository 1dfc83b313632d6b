//! Schemas of tools that a vendor's client runs and whose schema is not on the wire.
//!
//! Published to other vendors as ordinary functions of the same name.

/// A tool as a function.
pub(crate) struct Definition {
    pub(crate) description: &'static str,
    /// JSON schema of its arguments.
    pub(crate) schema: &'static str,
}

/// The definition of a vendor's tool by its type tag, without regard to its date; `None` for an unknown one.
pub(crate) fn schema(tag: &str) -> Option<&'static Definition> {
    let family = tag
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .trim_end_matches('_');
    Some(match family {
        "bash" => &BASH,
        "text_editor" => &TEXT_EDITOR,
        "memory" => &MEMORY,
        _ => return None,
    })
}

const BASH: Definition = Definition {
    description: "Run a command in a bash shell that keeps its state between calls.",
    schema: r#"{"type":"object","properties":{"command":{"type":"string","description":"The command to run."},"restart":{"type":"boolean","description":"Restart the shell instead."}}}"#,
};

const TEXT_EDITOR: Definition = Definition {
    description: "View, create and edit text files.",
    schema: r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert"]},"path":{"type":"string","description":"Path of the file or directory."},"view_range":{"type":"array","items":{"type":"integer"},"description":"First and last line to view."},"file_text":{"type":"string","description":"Content of the file to create."},"old_str":{"type":"string","description":"Text to replace; must occur once."},"new_str":{"type":"string","description":"Replacement."},"insert_line":{"type":"integer","description":"Line after which to insert."},"insert_text":{"type":"string","description":"Text to insert."}},"required":["command","path"]}"#,
};

const MEMORY: Definition = Definition {
    description: "Keep notes in files under /memories between conversations.",
    schema: r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","delete","rename"]},"path":{"type":"string"},"view_range":{"type":"array","items":{"type":"integer"}},"file_text":{"type":"string"},"old_str":{"type":"string"},"new_str":{"type":"string"},"insert_line":{"type":"integer"},"insert_text":{"type":"string"},"old_path":{"type":"string"},"new_path":{"type":"string"}},"required":["command"]}"#,
};
