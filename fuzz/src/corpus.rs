//! Where fuzzing begins: the golden cases of the translator, and inputs that once broke a promise.

use std::fs;
use std::path::{Path, PathBuf};

use translator::Dialect;

use crate::targets::{Diet, FuzzTarget};

const ERRORS: [&str; 6] = [
    r#"{"error":{"message":"bad","type":"invalid_request_error","param":"model","code":"context_length_exceeded"}}"#,
    r#"{"type":"error","error":{"type":"rate_limit_error","message":"prompt is too long: 210000 tokens > 200000 maximum"},"request_id":"req_1"}"#,
    r#"{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"37.5s"},{"reason":"API_KEY_INVALID"}]}}"#,
    r#"[{"error":{"code":500,"message":"inside","status":"INTERNAL"}}]"#,
    r#"{"detail":[{"loc":["body","messages"],"msg":"field required"}],"message":"other"}"#,
    "<html><body><h1>502 Bad Gateway</h1></body></html>",
];

/// The inputs that a target begins with, in a fixed order.
#[must_use]
pub fn of(target: &FuzzTarget) -> Vec<Vec<u8>> {
    match target.diet {
        Diet::Requests(dialect) => cases("requests", dialect, "json"),
        Diet::Responses(dialect) => cases("answers", dialect, "json"),
        Diet::Streams(dialect) => cases("answers", dialect, "sse"),
        Diet::AllStreams => all("answers", "sse"),
        Diet::Errors => {
            let mut inputs: Vec<Vec<u8>> =
                ERRORS.iter().map(|text| text.as_bytes().to_vec()).collect();
            inputs.extend(all("answers", "json").into_iter().take(4));
            inputs
        }
    }
}

/// Inputs that once broke a promise of a target.
#[must_use]
pub fn regressions(target: &FuzzTarget) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("regressions")
        .join(target.name);
    files(&folder)
        .into_iter()
        .filter_map(|file| fs::read(&file).ok().map(|input| (file, input)))
        .collect()
}

fn all(section: &str, ending: &str) -> Vec<Vec<u8>> {
    Dialect::ALL
        .into_iter()
        .flat_map(|dialect| cases(section, dialect, ending))
        .collect()
}

fn cases(section: &str, dialect: Dialect, ending: &str) -> Vec<Vec<u8>> {
    let word = match dialect {
        Dialect::OpenAiChat => "chat",
        Dialect::OpenAiResponses => "responses",
        Dialect::Anthropic => "anthropic",
        Dialect::Gemini => "gemini",
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../translator/tests/golden")
        .join(section);
    files(&root)
        .into_iter()
        .filter_map(|case| fs::read(case.join(format!("{word}.{ending}"))).ok())
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    files.sort();
    files
}
