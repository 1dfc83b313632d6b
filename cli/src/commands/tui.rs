//! `tui` and `top`: the hub on a whole terminal.

use std::io::IsTerminal as _;

use crate::failure::Ended;
use crate::output::is_watched;
use crate::session::Session;
use crate::tui::{Screen, Theme, run, wants_terminal};

/// Shows the hub, beginning with this screen.
pub(crate) async fn show(session: &Session, screen: Screen, has_colour: bool) -> Ended {
    if !is_watched() || !std::io::stdin().is_terminal() {
        return Err(wants_terminal());
    }
    let theme = match has_colour {
        true => Theme::Colour,
        false => Theme::Plain,
    };
    run(session, screen, theme).await
}
