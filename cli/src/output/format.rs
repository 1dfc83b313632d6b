//! The forms of data and of colour that the command line can ask for.

use clap::ValueEnum;

/// The form of data on standard output.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For people with wide screens: more columns, exact times.
    Wide,
    /// For programs.
    Json,
    /// For files.
    Yaml,
    /// For spreadsheets.
    Csv,
    /// Names alone, one a line.
    Name,
}

impl Format {
    /// Whether people read it.
    pub(crate) fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }

    /// Whether it has room for what is no list.
    pub(crate) fn is_document(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}

/// When there are colours.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Wherever the output goes.
    Always,
    /// Nowhere.
    Never,
}

impl Colour {
    /// Whether tables have colours here.
    pub(crate) fn holds(self) -> bool {
        let is_unwanted = || {
            std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
                || std::env::var_os("TERM").is_some_and(|value| value == "dumb")
        };
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => super::is_watched() && !is_unwanted(),
        }
    }
}
