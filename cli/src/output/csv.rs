//! Comma-separated values (RFC 4180, lines that end as on Unix). Pure.

use serde_json::Value;

use super::column::Column;

/// The items as lines.
pub(super) fn text(columns: &[Column], items: &[Value], has_headers: bool) -> String {
    let mut out = String::new();
    if has_headers {
        line(
            &mut out,
            columns.iter().map(|column| column.path.as_ref().to_owned()),
        );
    }
    for item in items {
        line(
            &mut out,
            columns.iter().map(|column| column.for_files(item)),
        );
    }
    out
}

fn line(out: &mut String, fields: impl Iterator<Item = String>) {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            out.push(',');
        }
        if field.contains([',', '"', '\n', '\r']) {
            out.push('"');
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&field);
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::column::column;
    use super::*;

    #[test]
    fn fields_with_commas_and_quotes_are_quoted() {
        let columns = [column("NAME", "name"), column("LIST", "list")];
        let items = [json!({"name": "a \"b\"", "list": ["x", "y"]})];
        assert_eq!(
            text(&columns, &items, true),
            "name,list\n\"a \"\"b\"\"\",\"x,y\"\n"
        );
    }
}
