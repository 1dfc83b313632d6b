//! What the hub's refusals mean: problem documents of the admin API and errors of the dialects become failures with an
//! exit code. Knows no network.

use serde_json::Value;

use crate::entry::items;
use crate::failure::{Failure, Flaw, Kind};

/// The failure behind an answer that is none.
pub(super) fn failure(status: u16, body: &[u8], request_id: Option<&str>) -> Failure {
    let kind = match status {
        401 | 403 => Kind::Denied,
        404 => Kind::NotFound,
        409 | 412 | 428 => Kind::Conflict,
        _ => Kind::Failed,
    };
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let inner = if document["error"].is_object() {
        &document["error"]
    } else {
        &document
    };
    let member = |name: &str| inner[name].as_str().filter(|text| !text.is_empty());
    let flaws = flaws(inner);
    let words = match (
        member("title"),
        member("detail").or_else(|| member("message")),
    ) {
        // The flaws say it one by one.
        (Some(title), Some(_)) if !flaws.is_empty() => title.to_lowercase(),
        (_, Some(detail)) => detail.to_owned(),
        (Some(title), None) => title.to_lowercase(),
        (None, None) => unexplained(status, body),
    };
    let code = member("code").unwrap_or_default();
    let next = next(status, code, &words);
    let failure = Failure::new(kind, words)
        .of_answer(status, code, request_id)
        .flaws(flaws);
    match next {
        Some(next) => failure.next(next),
        None => failure,
    }
}

fn flaws(document: &Value) -> Vec<Flaw> {
    let text = |flaw: &Value, name: &str| flaw[name].as_str().unwrap_or_default().to_owned();
    let flaws = items(&document["errors"]).iter().map(|flaw| Flaw {
        field: text(flaw, "field"),
        message: text(flaw, "message"),
        fix: text(flaw, "fix"),
    });
    flaws.collect()
}

fn unexplained(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line: String = text
        .trim()
        .chars()
        .take_while(|c| !c.is_control())
        .take(200)
        .collect();
    match line.as_str() {
        "" => format!("the hub answered {status} and did not say why"),
        line => format!("the hub answered {status}: {line}"),
    }
}

fn next(status: u16, code: &str, words: &str) -> Option<&'static str> {
    match (status, code) {
        (403, _) if words.contains("another password") => Some("bridge-admin users password"),
        (401, "unauthorized") => Some("log in: bridge-admin login"),
        (412, _) => Some("look at it again, then repeat the change"),
        (429, _) => Some("wait a little, then try again"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaws_are_told_with_what_to_do() {
        let body = br#"{"status":422,"code":"invalid","title":"Not valid","detail":"long",
            "errors":[{"field":"api_format","message":"must be one of a, b","fix":"correct the value"}]}"#;
        let told = failure(422, body, Some("req_1"));
        assert_eq!(told.kind(), Kind::Failed);
        assert_eq!(
            told.to_string(),
            "not valid\n  api_format: must be one of a, b\n    fix: correct the value\n  request: req_1"
        );
    }

    #[test]
    fn what_is_no_problem_document_is_told_too() {
        let told = failure(502, b"<html>\nBad gateway", None).to_string();
        assert_eq!(told, "the hub answered 502: <html>");
        let escapes = br#"{"detail":"the provider said\n\u001b[2Jno"}"#;
        let told = failure(502, escapes, None).to_string();
        assert_eq!(told, "the provider said\n\\u{1b}[2Jno");
        let dialect = br#"{"error":{"message":"no such model","code":"not_found"}}"#;
        let told = failure(404, dialect, None);
        assert_eq!(
            (told.kind(), told.to_string().as_str()),
            (Kind::NotFound, "no such model")
        );
    }
}
