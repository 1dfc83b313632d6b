//! Text over the screen, longer than the screen: one request with all that is known of it. Pure.

use serde_json::Value;

use crate::entry::{dollars, lasted, models, text};
use crate::moment;

/// Text that is scrolled.
#[derive(Clone, Debug, Default)]
pub(super) struct Pager {
    /// Above it.
    pub(super) title: String,
    /// Its lines.
    pub(super) lines: Vec<String>,
    /// The first line that is shown.
    pub(super) top: usize,
}

impl Pager {
    /// Scrolls by so many lines; the view keeps it within the text.
    pub(super) fn scroll(&mut self, lines: isize) {
        self.top = self
            .top
            .saturating_add_signed(lines)
            .min(self.lines.len().saturating_sub(1));
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
        Self {
            title: text(row, "id").to_owned(),
            lines,
            top: 0,
        }
    }
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
