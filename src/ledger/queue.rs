//! The bounded queue in front of the writer, and the writer's thread.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Record, RotatingFile};

/// Records that may wait; at 10,000 requests a second the writer has most of a second.
const QUEUE: usize = 8_192;
/// Under load the writer gathers this long, so that it is woken some twenty times a second and not per request.
const GATHER: Duration = Duration::from_millis(50);

enum Message {
    Record(Box<Record>),
    Flush(SyncSender<()>),
    Stop,
}

/// What became of the records.
#[derive(Debug, Default)]
pub struct Counts {
    /// Written.
    pub written: AtomicU64,
    /// Refused because the queue was full.
    pub refused: AtomicU64,
    /// Lost because the file could not be written.
    pub lost: AtomicU64,
}

/// Takes records without ever waiting.
#[derive(Debug)]
pub struct Ledger {
    queue: SyncSender<Message>,
    counts: Arc<Counts>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Ledger {
    /// Starts the writer. `observe` sees every record on the writer's thread; `file` may be absent.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        file: Option<RotatingFile>,
        observe: impl FnMut(&Record) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, inbox) = sync_channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let writer = Writer {
            inbox,
            file,
            observe,
            counts: Arc::clone(&counts),
        };
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .stack_size(256 << 10)
            .spawn(move || writer.run())?;
        Ok(Self {
            queue,
            counts,
            writer: Mutex::new(Some(thread)),
        })
    }

    /// Hands a record over. A full queue refuses it and counts that.
    pub fn put(&self, record: Box<Record>) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.queue.try_send(Message::Record(record))
        {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What became of the records.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Waits until everything handed over so far is on disk. Blocks: not for the data plane.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(Duration::from_secs(10));
        }
    }

    /// Writes what is left and ends the writer. Blocks: only for the end of the process.
    pub fn stop(&self) {
        let _ = self.queue.send(Message::Stop);
        let thread = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Writer<F> {
    inbox: Receiver<Message>,
    file: Option<RotatingFile>,
    observe: F,
    counts: Arc<Counts>,
}

impl<F: FnMut(&Record)> Writer<F> {
    fn run(mut self) {
        while let Ok(first) = self.inbox.recv() {
            if !self.take(first) {
                return;
            }
            loop {
                match self.inbox.try_recv() {
                    Ok(message) => {
                        if !self.take(message) {
                            return;
                        }
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return self.sync(),
                }
            }
            self.sync();
            std::thread::park_timeout(GATHER);
        }
        self.sync();
    }

    /// False when this was the end.
    fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Record(record) => self.write(&record),
            Message::Flush(done) => {
                self.drain();
                self.sync();
                let _ = done.try_send(());
            }
            Message::Stop => {
                self.drain();
                self.sync();
                return false;
            }
        }
        true
    }

    fn drain(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                Message::Record(record) => self.write(&record),
                Message::Flush(done) => {
                    let _ = done.try_send(());
                }
                Message::Stop => {}
            }
        }
    }

    fn write(&mut self, record: &Record) {
        (self.observe)(record);
        let Some(file) = &mut self.file else { return };
        let counter = match file.append(record) {
            Ok(()) => &self.counts.written,
            Err(_) => &self.counts.lost,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn sync(&mut self) {
        if let Some(file) = &mut self.file
            && let Err(error) = file.flush()
        {
            tracing::warn!(%error, "the request log cannot be written");
        }
    }
}
