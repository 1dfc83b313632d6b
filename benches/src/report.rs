//! The table and the raw lines.

use std::fs::File;
use std::io::{self, Write as _};

use anyhow::Result;
use serde_json::Value;

/// Prints for people and keeps every figure as a JSON line.
pub(crate) struct Report {
    raw: Option<File>,
}

impl Report {
    pub(crate) fn new(raw: Option<&str>) -> Result<Self> {
        let raw = match raw {
            Some(path) => {
                if let Some(folder) = std::path::Path::new(path).parent() {
                    std::fs::create_dir_all(folder)?;
                }
                Some(File::create(path)?)
            }
            None => None,
        };
        Ok(Self { raw })
    }

    /// A line for people.
    pub(crate) fn line(&mut self, text: &str) -> Result<()> {
        writeln!(io::stdout(), "{text}")?;
        Ok(())
    }

    /// A figure for machines.
    pub(crate) fn figure(&mut self, figure: &Value) -> Result<()> {
        if let Some(raw) = &mut self.raw {
            writeln!(raw, "{figure}")?;
        }
        Ok(())
    }
}

/// The middle one.
pub(crate) fn median(figures: &mut [f64]) -> f64 {
    quantile(figures, 0.5)
}

/// The figure below which a share of the others lies.
pub(crate) fn quantile(figures: &mut [f64], share: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let index = ((figures.len().max(1) - 1) as f64 * share).round() as usize;
    figures.get(index).copied().unwrap_or(f64::NAN)
}
