//! The terminal: taken over while the screen is drawn, and given back whatever happens, and the keys that come from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};
use ratatui::{DefaultTerminal, Frame};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::failure::Ended;

/// How long the reader of keys looks before it asks whether to go on.
const LOOK: Duration = Duration::from_millis(50);
/// Keys that wait.
const BACKLOG: usize = 64;

/// The whole terminal. It is given back when this is dropped, and before a panic is told.
pub(super) struct Screenful(DefaultTerminal);

impl Screenful {
    /// Takes it.
    pub(super) fn open() -> Ended<Self> {
        Ok(Self(ratatui::try_init()?))
    }

    /// Draws it anew; a terminal of another size is seen here.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Ended {
        self.0.draw(draw)?;
        Ok(())
    }
}

impl Drop for Screenful {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Keys and changes of size.
pub(super) struct Input {
    events: mpsc::Receiver<Event>,
    is_over: Arc<AtomicBool>,
    reader: JoinHandle<()>,
}

impl Input {
    /// Begins to read.
    pub(super) fn open() -> Self {
        let (sender, events) = mpsc::channel(BACKLOG);
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let reader = tokio::task::spawn_blocking(move || {
            while !stop.load(Ordering::Relaxed) {
                match event::poll(LOOK).and_then(|is_there| is_there.then(event::read).transpose())
                {
                    Ok(None) => {}
                    Ok(Some(event)) => {
                        if sender.blocking_send(event).is_err() {
                            return;
                        }
                    }
                    // The terminal has gone.
                    Err(_) => return,
                }
            }
        });
        Self {
            events,
            is_over,
            reader,
        }
    }

    /// The next one; none when the terminal has gone.
    pub(super) async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Ends the reader.
    pub(super) async fn close(mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.events.close();
        // It ends within its look.
        let _ = (&mut self.reader).await;
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Requests of others that the process end. From here on they do not end it by themselves, since the terminal is to be
/// given back before.
#[cfg(unix)]
pub(super) struct End([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl End {
    /// Begins to listen.
    pub(super) fn open() -> Ended<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    /// Waits for one.
    pub(super) async fn wait(&mut self) {
        let [terminate, hang_up] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    }
}

/// Elsewhere nobody asks.
#[cfg(not(unix))]
pub(super) struct End;

#[cfg(not(unix))]
impl End {
    /// Begins to listen.
    pub(super) fn open() -> Ended<Self> {
        Ok(Self)
    }

    /// Waits for ever.
    pub(super) async fn wait(&mut self) {
        std::future::pending().await
    }
}
