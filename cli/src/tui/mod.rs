//! The hub on a whole terminal: what it does now, and the few things that are done to it by hand most often. The state
//! is a value that news and keys change; views draw it and know nothing else; tasks of the feed talk to the hub.

mod act;
mod app;
mod feed;
mod keys;
mod news;
mod pager;
mod prompt;
mod terminal;
mod theme;
mod traffic;
mod view;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::interval;

use self::app::App;
pub(crate) use self::app::Screen;
use self::feed::Feed;
use self::news::{Act, Topic};
use self::terminal::{End, Input, Screenful};
pub(crate) use self::theme::Theme;
use crate::failure::{Ended, Failure, Kind};
use crate::session::Session;

/// How often what moves by itself is drawn.
const FRAME: Duration = Duration::from_millis(250);
/// News that wait to be seen; more of them are dropped and counted.
const BACKLOG: usize = 1024;

/// Shows the hub until somebody leaves.
pub(crate) async fn run(session: &Session, screen: Screen, theme: Theme) -> Ended {
    let (sender, mut news) = mpsc::channel(BACKLOG);
    let mut app = App::new(session.client.url(), screen, theme, session.is_dry());
    let mut feed = Feed::new(session.client.clone(), sender);
    feed.follow();
    feed.look(app.screen());
    feed.perform(Act::Ask(Topic::Logs));
    let mut end = End::open()?;
    let mut screen = Screenful::open()?;
    let mut input = Input::open();
    let mut frames = interval(FRAME);
    while !app.is_over() {
        screen.draw(|frame| view::draw(frame, &mut app))?;
        tokio::select! {
            _ = frames.tick() => {
                app.tick(crate::moment::now_ms());
                if app.is_due() {
                    feed.look(app.screen());
                }
            }
            Some(event) = input.next() => {
                for act in app.event(&event) {
                    feed.perform(act);
                }
            }
            Some(piece) = news.recv() => {
                app.hear(piece);
                // Many at once are drawn once.
                while let Ok(piece) = news.try_recv() {
                    app.hear(piece);
                }
            }
            () = end.wait() => break,
        }
    }
    drop(screen);
    input.close().await;
    match app.verdict() {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Who has no terminal gets no screen.
pub(crate) fn wants_terminal() -> Failure {
    Failure::new(Kind::Usage, "this needs a terminal")
        .next("in scripts use `bridge-admin logs tail -f -o json`")
}
