//! The bounded queue in front of the writer, and the writer's thread.

use std::io;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Book, BookCounts, Capture, CaptureMode, Record, RotatingFile, Tail};
use crate::store::requests::Entry;
use crate::telemetry::{SpanCounts, SpanOutlet};

/// Records that may wait; at 10,000 requests a second the writer has most of a second.
const QUEUE: usize = 8_192;
/// Under load the writer gathers this long, so that it is woken some twenty times a second and not per request.
const GATHER: Duration = Duration::from_millis(50);
/// How often the way to the database is looked after while something is on it.
const GLANCE: Duration = Duration::from_millis(20);
/// How long the end waits for the database.
const PATIENCE: Duration = Duration::from_secs(5);
/// Each of the four bodies of a request is kept up to this.
pub const BODY: usize = 256 << 10;

enum Message {
    Record(Box<Record>),
    Flush(SyncSender<()>),
    Stop,
}

/// What became of the records.
#[derive(Debug, Default)]
pub struct Counts {
    /// Written to the log file.
    pub written: AtomicU64,
    /// Refused because the queue was full.
    pub refused: AtomicU64,
    /// Lost because the log file could not be written.
    pub lost: AtomicU64,
    /// Handed over and not yet taken by the writer.
    pub queued: AtomicU64,
    /// What became of them on the way to the database.
    pub book: Arc<BookCounts>,
    /// What became of spans on the way to the collector.
    pub spans: Arc<SpanCounts>,
}

/// How a record becomes rows.
pub type Keep = Box<dyn FnMut(&Record) -> Entry + Send>;

/// Where records go.
#[derive(Default)]
pub struct Outlets {
    /// The log file.
    pub file: Option<RotatingFile>,
    /// The way to the database.
    pub book: Option<(Book, Keep)>,
    /// The way to a collector of traces.
    pub spans: Option<SpanOutlet>,
}

impl std::fmt::Debug for Outlets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlets")
            .field("file", &self.file)
            .field("book", &self.book.is_some())
            .field("spans", &self.spans.is_some())
            .finish()
    }
}

impl From<Option<RotatingFile>> for Outlets {
    fn from(file: Option<RotatingFile>) -> Self {
        Self {
            file,
            ..Self::default()
        }
    }
}

/// Takes records without ever waiting.
#[derive(Debug)]
pub struct Ledger {
    queue: SyncSender<Message>,
    counts: Arc<Counts>,
    tail: Tail,
    traces: bool,
    capture: AtomicU8,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Ledger {
    /// Starts the writer. `observe` sees every record on the writer's thread.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        outlets: impl Into<Outlets>,
        observe: impl FnMut(&Record) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, inbox) = sync_channel(QUEUE);
        let Outlets { file, book, spans } = outlets.into();
        let traces = spans.is_some();
        let counts = Arc::new(Counts {
            book: book
                .as_ref()
                .map(|(book, _)| book.counts())
                .unwrap_or_default(),
            spans: spans.as_ref().map(SpanOutlet::counts).unwrap_or_default(),
            ..Counts::default()
        });
        let tail = Tail::default();
        let writer = Writer {
            inbox,
            file,
            book,
            spans,
            observe,
            tail: tail.clone(),
            counts: Arc::clone(&counts),
        };
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .stack_size(256 << 10)
            .spawn(move || writer.run())?;
        Ok(Self {
            queue,
            counts,
            tail,
            traces,
            capture: AtomicU8::new(0),
            writer: Mutex::new(Some(thread)),
        })
    }

    /// Hands a record over. A full queue refuses it and counts that.
    pub fn put(&self, record: Box<Record>) {
        // Before the record is there to be taken: the count never goes below zero.
        self.counts.queued.fetch_add(1, Ordering::Relaxed);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.queue.try_send(Message::Record(record))
        {
            self.counts.queued.fetch_sub(1, Ordering::Relaxed);
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Finished requests as they come.
    #[must_use]
    pub const fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Whether somebody collects traces.
    #[must_use]
    pub const fn traces(&self) -> bool {
        self.traces
    }

    /// Decides which requests leave their bodies, from now on.
    pub fn set_capture_mode(&self, mode: CaptureMode) {
        self.capture.store(mode as u8, Ordering::Relaxed);
    }

    /// Which requests leave their bodies.
    #[must_use]
    pub fn capture_mode(&self) -> CaptureMode {
        match self.capture.load(Ordering::Relaxed) {
            1 => CaptureMode::Errors,
            2 => CaptureMode::All,
            _ => CaptureMode::Off,
        }
    }

    /// Room for the bodies of a request, when they are wanted.
    #[must_use]
    pub fn capture(&self) -> Option<Box<Capture>> {
        match self.capture_mode() {
            CaptureMode::Off => None,
            mode => Some(Box::new(Capture::new(mode, BODY))),
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
    book: Option<(Book, Keep)>,
    spans: Option<SpanOutlet>,
    observe: F,
    tail: Tail,
    counts: Arc<Counts>,
}

impl<F: FnMut(&Record)> Writer<F> {
    fn run(mut self) {
        self.tick();
        while let Some(first) = self.next() {
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
                    Err(TryRecvError::Disconnected) => return self.close(),
                }
            }
            self.sync();
            self.tick();
            std::thread::park_timeout(GATHER);
        }
        self.close();
    }

    /// The next message. While the database owes an answer, it is looked after meanwhile.
    fn next(&mut self) -> Option<Message> {
        loop {
            let is_idle = self.book.as_ref().is_none_or(|(book, _)| book.is_idle());
            if is_idle {
                return self.inbox.recv().ok();
            }
            match self.inbox.recv_timeout(GLANCE) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Timeout) => self.tick(),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// False when this was the end.
    fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Record(record) => self.write(&record),
            Message::Flush(done) => {
                self.drain();
                self.sync();
                if let Some((book, _)) = &mut self.book {
                    book.flush(PATIENCE);
                }
                let _ = done.try_send(());
            }
            Message::Stop => {
                self.drain();
                self.close();
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
        self.counts.queued.fetch_sub(1, Ordering::Relaxed);
        (self.observe)(record);
        self.tail.tell(record);
        if let Some(spans) = &self.spans {
            spans.take(record);
        }
        if let Some((book, keep)) = &mut self.book {
            book.put(keep(record));
        }
        let Some(file) = &mut self.file else { return };
        let counter = match file.append(record) {
            Ok(()) => &self.counts.written,
            Err(_) => &self.counts.lost,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn tick(&mut self) {
        if let Some((book, _)) = &mut self.book {
            book.tick(false);
        }
    }

    fn close(&mut self) {
        self.sync();
        if let Some((book, _)) = &mut self.book {
            book.close(PATIENCE);
        }
    }

    fn sync(&mut self) {
        if let Some(file) = &mut self.file
            && let Err(error) = file.flush()
        {
            tracing::warn!(%error, "the request log cannot be written");
        }
    }
}
