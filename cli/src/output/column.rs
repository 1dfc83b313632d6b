//! Columns: where a value stands in what the hub answers, and how it is shown. Pure.

use std::borrow::Cow;

use serde_json::Value;

use crate::failure::{Ended, Failure};
use crate::moment;

/// How a value is shown to people; programs get it as it is, moments as RFC 3339.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Show {
    /// As it is.
    Text,
    /// Yes or no.
    Yes,
    /// A moment: how long ago, exactly on wide screens.
    Moment,
    /// A moment, exactly.
    Exact,
    /// A state, with the colour of its kind.
    State,
    /// A number, to the right.
    Number,
    /// Milliseconds.
    Ms,
    /// A share of one.
    Percent,
    /// Billionths of a dollar.
    Nano,
    /// Bytes.
    Bytes,
    /// Providers with models, as they are written in `--to`.
    Targets,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Its head.
    pub(crate) title: Cow<'static, str>,
    /// Members with dots between them, such as `counts.total`.
    pub(crate) path: Cow<'static, str>,
    /// How its values are shown.
    pub(crate) show: Show,
    /// Whether only wide tables have it.
    pub(crate) is_wide: bool,
}

/// A column of text.
pub(crate) const fn column(title: &'static str, path: &'static str) -> Column {
    Column {
        title: Cow::Borrowed(title),
        path: Cow::Borrowed(path),
        show: Show::Text,
        is_wide: false,
    }
}

impl Column {
    /// Shown in this way.
    #[must_use]
    pub(crate) const fn show(mut self, show: Show) -> Self {
        self.show = show;
        self
    }

    /// In wide tables alone.
    #[must_use]
    pub(crate) const fn wide(mut self) -> Self {
        self.is_wide = true;
        self
    }

    /// The value as people read it.
    pub(crate) fn for_people(&self, item: &Value, is_exact: bool, now: i64) -> String {
        people(at(item, &self.path), self.show, is_exact, now)
    }

    /// The value as a field of a file.
    pub(crate) fn for_files(&self, item: &Value) -> String {
        let value = at(item, &self.path);
        match (self.show, value.as_i64()) {
            (Show::Moment | Show::Exact, Some(ms)) => moment::rfc3339(ms).unwrap_or_default(),
            _ => plain(value),
        }
    }
}

/// How things of one kind are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// What they are called, in the plural.
    pub(crate) things: &'static str,
    /// The member that names one of them.
    pub(crate) key: &'static str,
    /// The columns.
    pub(crate) columns: &'static [Column],
}

impl Layout {
    /// The column of this title or path; any member of the items is one.
    pub(super) fn named(&self, name: &str, items: &[Value]) -> Ended<Column> {
        let wanted = name.to_lowercase();
        let known = self.columns.iter().find(|column| {
            column.path == name
                || column.title.to_lowercase().replace(' ', "_") == wanted.replace([' ', '-'], "_")
        });
        if let Some(known) = known {
            return Ok(known.clone());
        }
        if items.is_empty() || items.iter().any(|item| !at(item, name).is_null()) {
            return Ok(Column {
                title: Cow::Owned(name.to_uppercase()),
                path: Cow::Owned(name.to_owned()),
                show: Show::Text,
                is_wide: false,
            });
        }
        let known: Vec<&str> = self
            .columns
            .iter()
            .map(|column| column.path.as_ref())
            .collect();
        Err(
            Failure::usage(format!("{} have no column `{name}`", self.things)).next(format!(
                "--columns takes members of the JSON form and: {}",
                known.join(", ")
            )),
        )
    }
}

/// What stands at a path; `null` where nothing does.
pub(crate) fn at<'a>(item: &'a Value, path: &str) -> &'a Value {
    let mut value = item;
    // A member's own name may have dots in it: model names do.
    if let Some(whole) = item.get(path) {
        return whole;
    }
    for member in path.split('.') {
        value = &value[member];
    }
    value
}

/// A value in one line.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            let pairs = members.map(|(name, value)| format!("{name}={}", plain(value)));
            pairs.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

/// A value as people read it; nothing is a dash.
pub(crate) fn people(value: &Value, show: Show, is_exact: bool, now: i64) -> String {
    let text = match (show, value) {
        (Show::State, Value::Bool(is)) => if *is { "ok" } else { "failed" }.to_owned(),
        (Show::Yes, Value::Bool(is)) => if *is { "yes" } else { "no" }.to_owned(),
        (Show::Moment, Value::Number(ms)) => {
            let ms = ms.as_i64().unwrap_or_default();
            match is_exact {
                true => moment::rfc3339(ms).unwrap_or_default(),
                false => moment::relative(ms, now),
            }
        }
        (Show::Exact, Value::Number(ms)) => {
            ms.as_i64().and_then(moment::rfc3339).unwrap_or_default()
        }
        (Show::Ms, Value::Number(ms)) => milliseconds(ms.as_f64().unwrap_or_default()),
        (Show::Percent, Value::Number(share)) => {
            format!("{:.1} %", share.as_f64().unwrap_or_default() * 100.0)
        }
        (Show::Nano, Value::Number(nano)) => dollars(nano.as_i64().unwrap_or_default()),
        (Show::Bytes, Value::Number(bytes)) => bytes_of(bytes.as_f64().unwrap_or_default()),
        (Show::Number, Value::Number(number)) => grouped(&number.to_string()),
        (Show::Targets, Value::Array(targets)) => {
            let targets = targets.iter().map(|target| match target["model"].as_str() {
                Some(model) => format!("{}/{model}", plain(&target["provider"])),
                None => plain(&target["provider"]),
            });
            targets.collect::<Vec<_>>().join(", ")
        }
        _ => plain(value),
    };
    match text.as_str() {
        "" => "-".to_owned(),
        _ => harmless(&text),
    }
}

/// Text that cannot move the cursor or change colours: what clients and upstreams sent is shown to administrators.
pub(crate) fn harmless(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() {
            true => out.extend(letter.escape_default()),
            false => out.push(letter),
        }
    }
    out
}

fn milliseconds(ms: f64) -> String {
    if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}

/// Exact to a hundredth of a cent, and smaller sums to their first two digits.
fn dollars(nano: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "what is shown has fewer digits")]
    let sum = nano as f64 / 1e9;
    if nano == 0 || sum.abs() >= 0.01 {
        format!("${sum:.4}")
    } else {
        format!("${sum:.8}").trim_end_matches('0').to_owned()
    }
}

fn bytes_of(bytes: f64) -> String {
    let units = ["B", "KB", "MB", "GB"];
    let mut bytes = bytes;
    let mut unit = 0;
    while bytes >= 1000.0 && unit + 1 < units.len() {
        bytes /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes:.0} B"),
        _ => format!("{bytes:.1} {}", units[unit]),
    }
}

/// With a comma between thousands.
fn grouped(number: &str) -> String {
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.to_owned();
    }
    let mut out = String::new();
    for (index, digit) in number.chars().enumerate() {
        if index > 0 && (number.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_by_kind() {
        let cases = [
            (json!(true), Show::Yes, "yes"),
            (json!(null), Show::Moment, "-"),
            (json!(1_234_567), Show::Number, "1,234,567"),
            (json!(0.9876), Show::Percent, "98.8 %"),
            (json!(12_345_678_900_i64), Show::Nano, "$12.3457"),
            (json!(4200), Show::Nano, "$0.0000042"),
            (json!(1530.2), Show::Ms, "1.5 s"),
            (json!(233_472), Show::Bytes, "233.5 KB"),
            (json!(["a", "b"]), Show::Text, "a,b"),
            (json!("\u{1b}[31mred"), Show::Text, "\\u{1b}[31mred"),
        ];
        for (value, show, text) in cases {
            assert_eq!(people(&value, show, false, 0), text, "{value} {show:?}");
        }
    }

    #[test]
    fn columns_are_found_by_title_by_path_and_by_member() {
        const LAYOUT: Layout = Layout {
            things: "things",
            key: "name",
            columns: &[column("LAST USED", "used.at").show(Show::Moment)],
        };
        let items = [json!({"name": "x", "used": {"at": 5}, "extra": {"deep": 1}})];
        for (name, path) in [
            ("last-used", "used.at"),
            ("used.at", "used.at"),
            ("extra.deep", "extra.deep"),
        ] {
            assert_eq!(LAYOUT.named(name, &items).expect(name).path, path);
        }
        assert!(LAYOUT.named("colour", &items).is_err());
    }
}
