//! Members of what the hub answers as lines and screens show them: short, and of one width as far as that goes. Pure.

use serde_json::Value;

use crate::moment;

/// A member that is text; empty where there is none.
pub(crate) fn text<'v>(row: &'v Value, member: &str) -> &'v str {
    row[member].as_str().unwrap_or_default()
}

/// The items of a list; none where there is no list.
pub(crate) fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The model that was asked for, and what served it where that is another.
pub(crate) fn models(row: &Value) -> String {
    let (asked, served) = (text(row, "model_asked"), text(row, "model_served"));
    match served {
        "" => asked.to_owned(),
        served if served == asked => asked.to_owned(),
        served => format!("{asked} > {served}"),
    }
}

/// The time of day in UTC.
pub(crate) fn clock(ms: i64) -> String {
    let whole = moment::rfc3339(ms).unwrap_or_default();
    whole.get(11..19).unwrap_or("--:--:--").to_owned()
}

/// How long something took.
pub(crate) fn lasted(ms: Option<f64>) -> String {
    match ms {
        None => "-".to_owned(),
        Some(ms) if ms < 1000.0 => format!("{ms:.0}ms"),
        Some(ms) if ms < 100_000.0 => format!("{:.1}s", ms / 1000.0),
        Some(ms) => format!("{:.0}s", ms / 1000.0),
    }
}

/// A count in at most five signs.
pub(crate) fn count(value: &Value) -> String {
    match value.as_f64() {
        None => "-".to_owned(),
        Some(n) if n < 10_000.0 => format!("{n:.0}"),
        Some(n) if n < 1e6 => format!("{:.0}k", n / 1e3),
        Some(n) => format!("{:.1}M", n / 1e6),
    }
}

/// Billionths of a dollar.
pub(crate) fn dollars(value: &Value) -> String {
    match value.as_f64() {
        None => "-".to_owned(),
        Some(nano) if nano == 0.0 || nano >= 1e7 => format!("${:.2}", nano / 1e9),
        Some(nano) => format!("${:.5}", nano / 1e9),
    }
}

/// How long something has been.
pub(crate) fn age(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}
