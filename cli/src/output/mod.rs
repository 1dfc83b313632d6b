//! How things are shown: data on standard output in the form that was asked for, everything else on standard error.
//! Knows nothing of the hub but that its answers are JSON.

mod column;
mod csv;
mod document;
mod format;
mod once;
mod table;

use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;

pub(crate) use self::column::{Column, Layout, Show, column, harmless, plain};
pub(crate) use self::format::{Colour, Format};
pub(crate) use self::once::rescued;
use crate::failure::{Ended, Failure};
use crate::moment;

/// How things are to be shown.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    /// The form of data.
    pub(crate) format: Format,
    /// The columns that were asked for; the usual ones where there are none.
    pub(crate) columns: Vec<String>,
    /// Whether tables have a head.
    pub(crate) has_headers: bool,
    /// Whether remarks are left out.
    pub(crate) is_quiet: bool,
    /// Whether tables have colours.
    pub(crate) has_colour: bool,
}

impl Console {
    /// Shows a list.
    pub(crate) fn list(&self, layout: &Layout, items: &[Value]) -> Ended {
        if items.is_empty() && self.format.is_for_people() {
            self.note(&format!("no {}", layout.things));
            return Ok(());
        }
        match self.format {
            Format::Json | Format::Yaml => {
                let columns = self.chosen(layout, items)?;
                let items = items
                    .iter()
                    .map(|item| document::picked(item, columns.as_deref()));
                self.document(Value::Array(items.collect()))
            }
            Format::Name => write(&names(layout, items)),
            Format::Csv => {
                let columns = self.all(layout, items)?;
                write(&csv::text(&columns, items, self.has_headers))
            }
            Format::Table | Format::Wide => {
                let columns = self.all(layout, items)?;
                write(&table::text(self, &columns, items, moment::now_ms()))
            }
        }
    }

    /// Shows one thing.
    pub(crate) fn one(&self, layout: &Layout, item: &Value) -> Ended {
        let items = std::slice::from_ref(item);
        match self.format {
            Format::Json | Format::Yaml => {
                let columns = self.chosen(layout, items)?;
                self.document(document::picked(item, columns.as_deref()))
            }
            Format::Table | Format::Wide if self.columns.is_empty() => {
                write(&table::sheet(self, item, moment::now_ms()))
            }
            _ => self.list(layout, items),
        }
    }

    /// Shows a document as it is: YAML for people, JSON where that was asked for.
    pub(crate) fn raw(&self, value: &Value) -> Ended {
        match self.format {
            Format::Yaml | Format::Table | Format::Wide => write(&document::yaml(value)?),
            _ => write(&document::json(value)?),
        }
    }

    /// Shows an answer that is no list, with moments that programs can read.
    pub(crate) fn json_or_yaml(&self, value: &Value) -> Ended {
        self.document(value.clone())
    }

    /// Shows a document as it is, in JSON.
    pub(crate) fn json(&self, value: &Value) -> Ended {
        write(&document::json(value)?)
    }

    /// Shows text as it is.
    pub(crate) fn text(&self, text: &str) -> Ended {
        write(text)
    }

    /// A remark on standard error, unless it was to be quiet.
    pub(crate) fn note(&self, words: &str) {
        if !self.is_quiet {
            tell(words);
        }
    }

    /// A remark that must not be missed.
    pub(crate) fn warn(&self, words: &str) {
        tell(&format!("warning: {words}"));
    }

    fn document(&self, mut value: Value) -> Ended {
        moment::spell(&mut value);
        match self.format {
            Format::Yaml => write(&document::yaml(&value)?),
            _ => write(&document::json(&value)?),
        }
    }

    /// The columns that were asked for, where some were.
    fn chosen(&self, layout: &Layout, items: &[Value]) -> Ended<Option<Vec<Column>>> {
        if self.columns.is_empty() {
            return Ok(None);
        }
        let named = self.columns.iter().map(|name| layout.named(name, items));
        Ok(Some(named.collect::<Ended<Vec<_>>>()?))
    }

    /// The columns to show.
    fn all(&self, layout: &Layout, items: &[Value]) -> Ended<Vec<Column>> {
        if let Some(chosen) = self.chosen(layout, items)? {
            return Ok(chosen);
        }
        let is_wide = !matches!(self.format, Format::Table);
        let usual = layout
            .columns
            .iter()
            .filter(|column| is_wide || !column.is_wide);
        Ok(usual.cloned().collect())
    }
}

/// What is in the key's column, one a line.
fn names(layout: &Layout, items: &[Value]) -> String {
    let mut out = String::new();
    for item in items {
        out.push_str(&column::plain(column::at(item, layout.key)));
        out.push('\n');
    }
    out
}

/// Writes to standard output. Whoever has stopped reading ends the command quietly.
pub(crate) fn write(text: &str) -> Ended {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush().map_err(Failure::from)
}

/// A file to be written, in the place of what is there.
pub(crate) fn file(path: &str) -> Ended<std::fs::File> {
    std::fs::File::create(path).map_err(|error| Failure::usage(format!("{path}: {error}")))
}

/// A line on standard error.
pub(crate) fn tell(words: &str) {
    // Nothing is left to tell it to when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// Whether a person looks at standard output.
pub(crate) fn is_watched() -> bool {
    std::io::stdout().is_terminal()
}
