//! `NAME=value` lines, as `.env` files have them: other lines stay as they are. Pure.

use super::Setting;

/// The text with the settings in it.
pub(super) fn set(text: &str, settings: &[Setting]) -> Result<String, String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for setting in settings {
        let name = setting.path.last().ok_or("a setting has a name")?;
        let value = quoted(&setting.value)?;
        let mut is_there = false;
        // Readers differ in whether the first or the last line of a name counts: all of them say the same.
        for line in &mut lines {
            let Some((head, old)) = split(line, name) else {
                continue;
            };
            if is_open(old) {
                return Err(format!(
                    "the value of `{name}` goes over several lines: change it by hand"
                ));
            }
            *line = format!("{head}{value}");
            is_there = true;
        }
        if !is_there {
            lines.push(format!("{name}={value}"));
        }
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    Ok(lines.join(end) + end)
}

/// The value of a name, without its quotes.
pub(super) fn get(text: &str, name: &str) -> Option<String> {
    let old = text
        .lines()
        .rev()
        .find_map(|line| Some(split(line, name)?.1))?;
    let old = old.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = old.strip_prefix(quote) {
            return inner.split(quote).next().map(str::to_owned);
        }
    }
    let bare = old.split(" #").next().unwrap_or(old);
    Some(bare.trim_end().to_owned())
}

/// What stands before the value, and the value, where the line is of this name.
fn split<'l>(line: &'l str, name: &str) -> Option<(&'l str, &'l str)> {
    let (left, value) = line.split_once('=')?;
    let word = left.trim();
    let word = word.strip_prefix("export ").map_or(word, str::trim);
    (word == name).then(|| (&line[..=left.len()], value))
}

/// Whether a quote begins and does not end on the line.
fn is_open(value: &str) -> bool {
    let value = value.trim();
    ['"', '\''].iter().any(|quote| {
        value
            .strip_prefix(*quote)
            .is_some_and(|inner| !inner.contains(*quote))
    })
}

fn quoted(value: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/@+~%,".contains(&byte);
    if value.bytes().all(is_plain) {
        return Ok(value.to_owned());
    }
    if value.contains(['\'', '\n', '\r']) {
        return Err("a value with a quote or a line break does not go into this file".to_owned());
    }
    // Nothing is replaced within single quotes.
    Ok(format!("'{value}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &'static str, value: &str) -> Setting {
        Setting {
            path: vec![name],
            value: value.to_owned(),
            is_secret: false,
        }
    }

    #[test]
    fn other_lines_stay() {
        let text = "# mine\nexport KEY = \"old\"\nKEYS=1\n\nB=2";
        let made = set(text, &[setting("KEY", "sk-1"), setting("C", "a b$c")]);
        let made = made.expect("it can be written");
        assert_eq!(made, "# mine\nexport KEY =sk-1\nKEYS=1\n\nB=2\nC='a b$c'\n");
        assert_eq!(get(&made, "C").as_deref(), Some("a b$c"));
        assert_eq!(get("A=1 # note\n", "A").as_deref(), Some("1"));
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        assert!(set("KEY=\"several\nlines\"\n", &[setting("KEY", "x")]).is_err());
        assert!(set("", &[setting("KEY", "a'b")]).is_err());
    }
}
