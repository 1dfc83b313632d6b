//! What stands between the writer and the database: batches, one on its way at a time, and a file for bad days.
//!
//! Nothing waits for the database here. While it is away, slow or full, entries go to the spill file; when it is
//! back, they are written in order, before anything newer. Each entry is known by its request, so a batch whose
//! fate is unknown is simply written again.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::spill::Spill;
use crate::store::requests::{Entry, Try};

/// Times and sizes.
#[derive(Clone, Debug)]
pub struct BookSettings {
    /// Where entries wait while the database is away.
    pub spill: PathBuf,
    /// How large that file may grow.
    pub spill_bytes: u64,
    /// So many entries wait for no others.
    pub due: usize,
    /// Entries of one transaction at most: what came while the one before was written goes at once, or a hub whose
    /// requests come faster than transactions would fall behind for good.
    pub batch: usize,
    /// How long an entry waits for others.
    pub linger: Duration,
    /// A batch that takes longer is no reason to hold more in memory.
    pub slow: Duration,
    /// Entries that are held in memory.
    pub waiting: usize,
    /// The longest pause before the database is tried again.
    pub longest_pause: Duration,
}

impl BookSettings {
    /// The usual ones, with the spill file at `path`.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            spill: path.to_owned(),
            spill_bytes: 512 << 20,
            due: 1_000,
            batch: 4_000,
            linger: Duration::from_millis(200),
            slow: Duration::from_secs(1),
            waiting: 8_192,
            longest_pause: Duration::from_secs(5),
        }
    }
}

/// What became of entries.
#[derive(Debug, Default)]
pub struct BookCounts {
    /// In the database.
    pub kept: AtomicU64,
    /// Once put into the spill file.
    pub spilled: AtomicU64,
    /// Lost: no room on the disk, or not readable any more.
    pub lost: AtomicU64,
    /// Tries at the database that failed.
    pub failed: AtomicU64,
    /// In memory now.
    pub waiting: AtomicU64,
    /// Bytes in the spill file now.
    pub spill_bytes: AtomicU64,
}

/// A batch on its way to the database.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) entries: Arc<[Entry]>,
    pub(super) again: Try,
}

/// What the database said to a batch: how many entries it could not take for good, or why it took none.
pub(super) type Fate = Result<u64, String>;

/// Where a batch on its way is also kept.
enum Origin {
    /// Nowhere.
    Memory(Arc<[Entry]>),
    /// In the file, up to here.
    File(u64, u64),
}

struct Underway {
    origin: Origin,
    since: Instant,
}

/// Hands entries to the database, or keeps them until it takes them.
pub struct Book {
    settings: BookSettings,
    to: tokio::sync::mpsc::Sender<Batch>,
    fates: mpsc::Receiver<Fate>,
    spill: Spill,
    waiting: VecDeque<Entry>,
    oldest: Option<Instant>,
    underway: Option<Underway>,
    failures: u32,
    retry_at: Option<Instant>,
    counts: Arc<BookCounts>,
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Book {
    pub(super) fn new(
        settings: BookSettings,
        to: tokio::sync::mpsc::Sender<Batch>,
        fates: mpsc::Receiver<Fate>,
    ) -> io::Result<Self> {
        let spill = Spill::open(&settings.spill, settings.spill_bytes)?;
        Ok(Self {
            settings,
            to,
            fates,
            spill,
            waiting: VecDeque::new(),
            oldest: None,
            underway: None,
            failures: 0,
            retry_at: None,
            counts: Arc::default(),
        })
    }

    /// What became of entries.
    pub(super) fn counts(&self) -> Arc<BookCounts> {
        Arc::clone(&self.counts)
    }

    /// Takes an entry.
    pub(super) fn put(&mut self, entry: Entry) {
        self.oldest.get_or_insert_with(Instant::now);
        self.waiting.push_back(entry);
    }

    /// Whether there is nothing to do until the next entry.
    pub(super) fn is_idle(&self) -> bool {
        self.underway.is_none() && self.waiting.is_empty() && self.spill.is_empty()
    }

    /// Does what can be done now. `hurry` does not wait for a batch to fill.
    pub(super) fn tick(&mut self, hurry: bool) {
        while let Ok(fate) = self.fates.try_recv() {
            self.learn(fate);
        }
        if self.must_spill() {
            self.spill_waiting();
        }
        let is_time = self.retry_at.is_none_or(|at| Instant::now() >= at);
        if self.underway.is_none() && is_time {
            self.launch(hurry);
        }
        self.gauge();
    }

    /// Ends it: what does not reach the database in time waits in the file for the next start.
    pub(super) fn close(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            self.tick(true);
            let hopeless = self.failures > 0 && self.underway.is_none();
            if self.is_idle() || hopeless || Instant::now() >= deadline {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
        let is_safe = self.secure_underway();
        self.spill_waiting();
        if !is_safe || !self.waiting.is_empty() {
            tracing::warn!("request records are lost: neither database nor disk took them");
        }
        if let Err(error) = self.spill.sync() {
            tracing::warn!(%error, "the file of waiting request records cannot be written");
        }
        self.gauge();
    }

    /// Waits until everything is in the database, or in the file.
    pub(super) fn flush(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while !self.is_idle() && Instant::now() < deadline {
            self.tick(true);
            if self.failures > 0 && self.waiting.is_empty() && self.underway.is_none() {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    fn must_spill(&self) -> bool {
        let is_slow = self
            .underway
            .as_ref()
            .is_some_and(|underway| underway.since.elapsed() > self.settings.slow);
        !self.waiting.is_empty()
            && (is_slow
                || self.failures > 0
                || !self.spill.is_empty()
                || self.waiting.len() > self.settings.waiting)
    }

    fn learn(&mut self, fate: Fate) {
        let Some(underway) = self.underway.take() else {
            return;
        };
        match fate {
            Ok(poison) => {
                if self.failures > 0 {
                    tracing::info!("the database takes request records again");
                }
                self.failures = 0;
                self.retry_at = None;
                let count = match underway.origin {
                    Origin::Memory(entries) => entries.len() as u64,
                    Origin::File(end, count) => {
                        if let Err(error) = self.spill.confirm(end) {
                            tracing::warn!(%error, "the file of waiting request records cannot be emptied");
                        }
                        count
                    }
                };
                self.counts.lost.fetch_add(poison, Ordering::Relaxed);
                self.counts
                    .kept
                    .fetch_add(count.saturating_sub(poison), Ordering::Relaxed);
            }
            Err(why) => {
                self.underway = Some(underway);
                let is_safe = self.secure_underway();
                if let Some(Underway {
                    origin: Origin::Memory(entries),
                    ..
                }) = self.underway.take()
                    && !is_safe
                {
                    self.hold(&entries);
                }
                self.failed(&why);
            }
        }
    }

    fn failed(&mut self, why: &str) {
        if self.failures == 0 {
            let file = self.spill.path().display();
            tracing::warn!(
                "the database does not take request records ({why}); they wait in {file}"
            );
        }
        self.counts.failed.fetch_add(1, Ordering::Relaxed);
        self.failures = self.failures.saturating_add(1);
        let pause = Duration::from_millis(50) * (1 << self.failures.min(10));
        self.retry_at = Some(Instant::now() + pause.min(self.settings.longest_pause));
    }

    /// Puts what is on its way into the file too, in front of what comes after it. False when the disk takes nothing.
    fn secure_underway(&mut self) -> bool {
        let Some(Underway {
            origin: Origin::Memory(entries),
            ..
        }) = &self.underway
        else {
            return true;
        };
        let entries = Arc::clone(entries);
        // Only a batch from memory comes here, and those are sent when the file is empty.
        if !self.write_out(&entries) {
            return false;
        }
        let origin = Origin::File(self.spill.end(), entries.len() as u64);
        if let Some(underway) = &mut self.underway {
            underway.origin = origin;
        }
        true
    }

    /// What came back and finds no room on the disk waits in memory, as far as there is room.
    fn hold(&mut self, entries: &[Entry]) {
        for entry in entries.iter().rev() {
            if self.waiting.len() < self.settings.waiting {
                self.waiting.push_front(entry.clone());
            } else {
                self.counts.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn spill_waiting(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        if !self.secure_underway() {
            self.forget_overflow();
            return;
        }
        let entries: Vec<Entry> = self.waiting.drain(..).collect();
        if self.write_out(&entries) {
            self.oldest = None;
            return;
        }
        self.waiting.extend(entries);
        self.forget_overflow();
    }

    /// Neither database nor disk takes anything: memory is bounded, the newest go.
    fn forget_overflow(&mut self) {
        let over = self.waiting.len().saturating_sub(self.settings.waiting);
        self.waiting.truncate(self.settings.waiting);
        self.counts.lost.fetch_add(over as u64, Ordering::Relaxed);
    }

    /// False when the disk takes nothing.
    fn write_out(&mut self, entries: &[Entry]) -> bool {
        match self.spill.append(entries) {
            Ok(refused) => {
                let written = entries.len() as u64 - refused;
                self.counts.spilled.fetch_add(written, Ordering::Relaxed);
                self.counts.lost.fetch_add(refused, Ordering::Relaxed);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "request records cannot be written to disk either");
                false
            }
        }
    }

    fn launch(&mut self, hurry: bool) {
        let (batch, origin) = if self.spill.is_empty() {
            let is_due = hurry
                || self.waiting.len() >= self.settings.due
                || self
                    .oldest
                    .is_some_and(|oldest| oldest.elapsed() >= self.settings.linger);
            if self.waiting.is_empty() || !is_due {
                return;
            }
            let count = self.waiting.len().min(self.settings.batch);
            let entries: Arc<[Entry]> = self.waiting.drain(..count).collect();
            self.oldest = (!self.waiting.is_empty()).then(Instant::now);
            let batch = Batch {
                entries: Arc::clone(&entries),
                again: Try::First,
            };
            (batch, Origin::Memory(entries))
        } else {
            match self.next_from_file() {
                Some(found) => found,
                None => return,
            }
        };
        let since = Instant::now();
        self.underway = Some(Underway { origin, since });
        if self.to.try_send(batch).is_err() {
            self.learn(Err("nobody writes to it".to_owned()));
        }
    }

    fn next_from_file(&mut self) -> Option<(Batch, Origin)> {
        let read = match self.spill.read(self.settings.batch) {
            Ok(read) => read,
            Err(error) => {
                self.failed(&error.to_string());
                return None;
            }
        };
        self.counts.lost.fetch_add(read.damaged, Ordering::Relaxed);
        if read.entries.is_empty() {
            let _ = self.spill.confirm(read.end);
            return None;
        }
        let count = read.entries.len() as u64;
        let batch = Batch {
            entries: read.entries.into(),
            again: Try::Again,
        };
        Some((batch, Origin::File(read.end, count)))
    }

    fn gauge(&self) {
        let waiting = self.waiting.len() as u64;
        self.counts.waiting.store(waiting, Ordering::Relaxed);
        let bytes = self.spill.waiting();
        self.counts.spill_bytes.store(bytes, Ordering::Relaxed);
    }
}
