//! The cases as they lie on disk, and the upstream models that they are translated for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use translator::Dialect;

/// Upstream models: the old and the new generation of each dialect.
pub(crate) const TARGETS: [(Dialect, &str); 7] = [
    (Dialect::OpenAiChat, "gpt-4o"),
    (Dialect::OpenAiChat, "gpt-5.1"),
    (Dialect::OpenAiResponses, "gpt-5"),
    (Dialect::Anthropic, "claude-sonnet-4-5"),
    (Dialect::Anthropic, "claude-opus-4-8"),
    (Dialect::Gemini, "gemini-3-flash-preview"),
    (Dialect::Gemini, "gemini-2.5-flash"),
];

/// The time at which all answers begin.
pub(crate) const CREATED: u64 = 1_795_000_000;

/// The seed of all identifiers.
pub(crate) const SEED: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

/// A request in the dialects that can say it.
pub(crate) struct RequestCase {
    pub(crate) name: String,
    pub(crate) bodies: BTreeMap<Dialect, String>,
}

/// The same answer as every upstream would give it.
pub(crate) struct AnswerCase {
    pub(crate) name: String,
    /// Complete body and stream.
    pub(crate) upstreams: BTreeMap<Dialect, (String, String)>,
}

/// The word that stands for a dialect in file names.
pub(crate) const fn word(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => "chat",
        Dialect::OpenAiResponses => "responses",
        Dialect::Anthropic => "anthropic",
        Dialect::Gemini => "gemini",
    }
}

/// The folder of this test.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// All request cases, in the order of their names.
pub(crate) fn requests() -> Vec<RequestCase> {
    folders("requests")
        .into_iter()
        .map(|folder| RequestCase {
            name: name(&folder),
            bodies: Dialect::ALL
                .into_iter()
                .filter_map(|dialect| {
                    let file = folder.join(format!("{}.json", word(dialect)));
                    fs::read_to_string(file).ok().map(|body| (dialect, body))
                })
                .collect(),
        })
        .collect()
}

/// One request case.
pub(crate) fn request(name: &str, dialect: Dialect) -> Option<String> {
    fs::read_to_string(
        root()
            .join("requests")
            .join(name)
            .join(format!("{}.json", word(dialect))),
    )
    .ok()
}

/// All answer cases, in the order of their names.
pub(crate) fn answers() -> Vec<AnswerCase> {
    folders("answers")
        .into_iter()
        .map(|folder| AnswerCase {
            name: name(&folder),
            upstreams: Dialect::ALL
                .into_iter()
                .map(|dialect| {
                    let read = |ending: &str| {
                        let file = folder.join(format!("{}.{ending}", word(dialect)));
                        fs::read_to_string(&file)
                            .unwrap_or_else(|error| unreachable!("{}: {error}", file.display()))
                    };
                    (dialect, (read("json"), read("sse")))
                })
                .collect(),
        })
        .collect()
}

fn folders(section: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root().join(section))
        .expect("the cases are part of the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a case has a plain name")
        .to_owned()
}

#[test]
fn every_dialect_has_its_share_of_cases() {
    let requests = requests();
    assert!(requests.len() >= 15, "{} request cases", requests.len());
    for dialect in Dialect::ALL {
        let count = requests
            .iter()
            .filter(|case| case.bodies.contains_key(&dialect))
            .count();
        assert!(
            count >= 15,
            "{} has {count} request cases",
            dialect.as_str()
        );
    }
    assert!(answers().len() >= 12);
}
