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

/// Waits until the process is asked to end.
#[cfg(unix)]
pub(super) async fn end() {
    use tokio::signal::unix::{SignalKind, signal};
    let (terminate, hang_up) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    );
    let (Ok(mut terminate), Ok(mut hang_up)) = (terminate, hang_up) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}

/// Waits until the process is asked to end.
#[cfg(not(unix))]
pub(super) async fn end() {
    std::future::pending().await
}
