//! How things look: a few roles, with colours where these are wanted, and without them by weight alone.

use ratatui::style::{Color, Modifier, Style};

/// Whether there are colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Theme {
    /// Yes.
    Colour,
    /// No.
    Plain,
}

impl Theme {
    fn colour(self, colour: Color) -> Style {
        match self {
            Self::Colour => Style::new().fg(colour),
            Self::Plain => Style::new(),
        }
    }

    /// What goes well.
    pub(super) fn good(self) -> Style {
        self.colour(Color::Green)
    }

    /// What wants attention.
    pub(super) fn fair(self) -> Style {
        self.colour(Color::Yellow)
    }

    /// What is wrong.
    pub(super) fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What names something.
    pub(super) fn accent(self) -> Style {
        self.colour(Color::Cyan)
    }

    /// What may be overlooked.
    pub(super) fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Heads of tables and of blocks.
    pub(super) fn head(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What is chosen.
    pub(super) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A word for a state.
    pub(super) fn state(self, word: &str) -> Style {
        match word {
            "ok" | "healthy" | "active" | "closed" => self.good(),
            "unchecked" | "cooling" | "partially_healthy" | "cancelled" | "half_open"
            | "half-open" => self.fair(),
            "disabled" | "off" => self.faint(),
            _ => self.bad(),
        }
    }
}
