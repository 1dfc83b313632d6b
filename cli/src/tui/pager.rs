//! Text over the screen, longer than the screen: one request with all that is known of it. Pure.

use serde_json::Value;

use crate::entry::{clock, dollars, items, lasted, models, text};
use crate::moment;

/// Text that is scrolled.
#[derive(Clone, Debug, Default)]
pub(super) struct Pager {
    /// Above it.
    pub(super) title: String,
    /// Its lines.
    lines: Vec<String>,
    /// Its lines in the width of the screen, and that width.
    fitted: (usize, Vec<String>),
    /// The first line that is shown.
    pub(super) top: usize,
}

impl Pager {
    /// A text.
    fn new(title: String, lines: Vec<String>) -> Self {
        let fitted = (usize::MAX, lines.clone());
        Self {
            title,
            lines,
            fitted,
            top: 0,
        }
    }

    /// Its lines, none of them longer than this.
    pub(super) fn fit(&mut self, width: usize) -> &[String] {
        if self.fitted.0 != width {
            let lines = self.lines.iter().flat_map(|line| broken(line, width));
            self.fitted = (width, lines.collect());
        }
        &self.fitted.1
    }

    /// Scrolls by so many lines; the view keeps it within the text.
    pub(super) fn scroll(&mut self, lines: isize) {
        let last = self.fitted.1.len().saturating_sub(1);
        self.top = self.top.saturating_add_signed(lines).min(last);
    }

    /// All that is known of a request.
    pub(super) fn of_entry(entry: &Value) -> Self {
        let row = &entry["request"];
        let mut lines = Vec::new();
        let mut line = |name: &str, value: String| {
            if !value.is_empty() {
                lines.push(format!("{name:<11} {value}"));
            }
        };
        line(
            "at",
            row["at"]
                .as_i64()
                .and_then(moment::rfc3339)
                .unwrap_or_default(),
        );
        line(
            "outcome",
            format!("{} {}", row["status"], text(row, "outcome")),
        );
        line("error", text(row, "error").to_owned());
        line("model", models(row));
        line("provider", text(row, "provider").to_owned());
        line("route", text(row, "route").to_owned());
        line(
            "dialects",
            format!("{} > {}", text(row, "ingress"), text(row, "upstream")),
        );
        line("client key", text(row, "client_key").to_owned());
        line(
            "time",
            format!(
                "{} (first byte {})",
                lasted(row["total_ms"].as_f64()),
                lasted(row["first_byte_ms"].as_f64())
            ),
        );
        let tokens = &row["tokens"];
        if tokens.is_object() {
            line(
                "tokens",
                format!(
                    "{} in, {} out, {} cached, {} reasoning",
                    tokens["input"], tokens["output"], tokens["cache_read"], tokens["reasoning"]
                ),
            );
        }
        line("cost", dollars(&row["cost_nano_usd"]));
        for (name, member) in [
            ("attempts", "attempts"),
            ("trace", "trace"),
            ("fidelity", "fidelity"),
        ] {
            section(&mut lines, name, &entry[member]);
        }
        lines.push(String::new());
        if entry["capture"].is_null() {
            lines.push(
                "Bodies were not captured: bridge-admin logs settings --set capture=all".to_owned(),
            );
        } else {
            section(&mut lines, "capture", &entry["capture"]);
        }
        Self::new(text(row, "id").to_owned(), lines)
    }

    /// What was said in a conversation.
    pub(super) fn of_talk(talk: &Value) -> Self {
        let mut lines = Vec::new();
        if talk["has_more"] == true {
            let id = text(talk, "id");
            lines.push(format!(
                "What was said before: bridge-admin conversations show {id}"
            ));
            lines.push(String::new());
        }
        for message in items(&talk["messages"]) {
            let at = message["created_at"]
                .as_i64()
                .map(clock)
                .unwrap_or_default();
            let model = text(message, "model");
            lines.push(
                format!("{} {at} {model}", text(message, "role").to_uppercase())
                    .trim_end()
                    .to_owned(),
            );
            for part in items(&message["content"]) {
                match part["text"].as_str() {
                    Some(words) => lines.extend(words.lines().map(|line| format!("  {line}"))),
                    None => lines.push(format!("  [{}]", text(part, "type"))),
                }
            }
            lines.push(String::new());
        }
        if lines.is_empty() {
            lines.push("Nothing was said yet.".to_owned());
        }
        Self::new(text(talk, "title").to_owned(), lines)
    }
}

/// A line in pieces of this width, each as far in as the line begins.
fn broken(line: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = line
        .chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| !c.is_control())
        .collect();
    let indent = letters
        .iter()
        .take_while(|c| **c == ' ')
        .count()
        .min(width / 2);
    let room = width.saturating_sub(indent).max(1);
    let rest = &letters[indent.min(letters.len())..];
    if rest.len() <= room {
        return vec![letters.iter().collect()];
    }
    let margin = " ".repeat(indent);
    let (mut lines, mut rest) = (Vec::new(), rest);
    while rest.len() > room {
        // At the last space; a word that is longer than the line is cut.
        let space = rest[..=room]
            .iter()
            .rposition(|c| *c == ' ')
            .filter(|at| *at > 0);
        let (line, behind) = rest.split_at(space.unwrap_or(room));
        lines.push(margin.clone() + &line.iter().collect::<String>());
        rest = if space.is_some() {
            &behind[1..]
        } else {
            behind
        };
    }
    lines.push(margin + &rest.iter().collect::<String>());
    lines
}

/// A part of a document under a head of its own.
fn section(lines: &mut Vec<String>, name: &str, value: &Value) {
    if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
        return;
    }
    lines.push(String::new());
    lines.push(name.to_uppercase());
    let text = serde_yaml::to_string(value).unwrap_or_default();
    lines.extend(text.lines().map(|line| format!("  {line}")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_and_control_signs_left_out() {
        assert_eq!(broken("  abcdefgh", 6), ["  abcd", "  efgh"]);
        assert_eq!(broken(" ab cd efg", 6), [" ab cd", " efg"]);
        assert_eq!(broken("a\u{1b}[31m", 80), ["a[31m"]);
        let mut pager = Pager::new(String::new(), vec!["x".repeat(100)]);
        assert_eq!(pager.fit(10).len(), 10);
        pager.scroll(isize::MAX);
        assert_eq!(pager.top, 9);
    }
}
