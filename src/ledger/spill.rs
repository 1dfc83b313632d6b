//! Where entries wait while the database is away: a file of JSON lines, read again in order.
//!
//! Entries are written behind those that are there, and read from the front. What was read stays until it is
//! confirmed, so a crash leaves it to be read again. The file is emptied when everything in it is confirmed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::store::requests::Entry;

/// Processes that share a folder.
const HUBS: u32 = 64;

/// The file of entries that wait.
#[derive(Debug)]
pub(super) struct Spill {
    path: PathBuf,
    max_bytes: u64,
    file: File,
    size: u64,
    confirmed: u64,
}

/// Entries from the front of the file.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The entries.
    pub(super) entries: Vec<Entry>,
    /// Where they end.
    pub(super) end: u64,
    /// Lines that are no entries.
    pub(super) damaged: u64,
}

impl Spill {
    /// The file at `path`, of at most `max_bytes`. Where another process has it, one beside it.
    ///
    /// # Errors
    /// When it cannot be made or opened.
    pub(super) fn open(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let (path, file) = own_file(path)?;
        let mut spill = Self {
            path,
            max_bytes,
            size: file.metadata()?.len(),
            file,
            confirmed: 0,
        };
        spill.heal()?;
        Ok(spill)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing waits.
    #[must_use]
    pub(super) const fn is_empty(&self) -> bool {
        self.confirmed >= self.size
    }

    /// How many bytes wait.
    #[must_use]
    pub(super) const fn waiting(&self) -> u64 {
        self.size.saturating_sub(self.confirmed)
    }

    /// Where the next entry will begin.
    #[must_use]
    pub(super) const fn end(&self) -> u64 {
        self.size
    }

    /// Adds entries behind the others. Says how many found no room.
    ///
    /// # Errors
    /// When the disk does not take them; then none is there.
    pub(super) fn append<'e>(
        &mut self,
        entries: impl IntoIterator<Item = &'e Entry>,
    ) -> io::Result<u64> {
        let mut lines = Vec::new();
        let mut refused = 0;
        for entry in entries {
            let before = lines.len();
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
            if self.size + lines.len() as u64 > self.max_bytes {
                lines.truncate(before);
                refused += 1;
            }
        }
        if lines.is_empty() {
            return Ok(refused);
        }
        let size = self.size;
        let file = &mut self.file;
        file.seek(SeekFrom::Start(size))?;
        if let Err(error) = file.write_all(&lines) {
            // Half a line would run into the next one.
            let _ = file.set_len(size);
            return Err(error);
        }
        self.size += lines.len() as u64;
        Ok(refused)
    }

    /// The next entries from the front, at most so many.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn read(&mut self, most: usize) -> io::Result<Read> {
        let (from, size) = (self.confirmed, self.size);
        let file = &mut self.file;
        file.seek(SeekFrom::Start(from))?;
        let mut lines = BufReader::new(file.take(size - from));
        let mut read = Read {
            end: from,
            ..Read::default()
        };
        let mut line = Vec::new();
        while read.entries.len() < most {
            line.clear();
            let length = lines.read_until(b'\n', &mut line)?;
            if length == 0 {
                break;
            }
            read.end += length as u64;
            match serde_json::from_slice(&line) {
                Ok(entry) => read.entries.push(entry),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(_) => read.damaged += 1,
            }
        }
        Ok(read)
    }

    /// What was read up to `end` is where it belongs.
    ///
    /// # Errors
    /// When the file cannot be emptied; it is read again after a restart, which does no harm.
    pub(super) fn confirm(&mut self, end: u64) -> io::Result<()> {
        self.confirmed = self.confirmed.max(end);
        if self.is_empty() && self.size > 0 {
            self.file.set_len(0)?;
            self.size = 0;
            self.confirmed = 0;
        }
        Ok(())
    }

    /// Waits until the disk has everything.
    ///
    /// # Errors
    /// When it does not take it.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Ends a line that a crash has cut off, so that the next one begins where it should.
    fn heal(&mut self) -> io::Result<()> {
        if self.size == 0 {
            return Ok(());
        }
        let last = self.size - 1;
        let file = &mut self.file;
        let mut byte = [0];
        file.seek(SeekFrom::Start(last))?;
        file.read_exact(&mut byte)?;
        if byte[0] != b'\n' {
            file.write_all(b"\n")?;
            self.size += 1;
        }
        Ok(())
    }
}

/// The first file of the name that no other process has.
fn own_file(path: &Path) -> io::Result<(PathBuf, File)> {
    if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Names of models and keys are nobody else's business.
        options.mode(0o600);
    }
    for number in 0..HUBS {
        let mut name = path.as_os_str().to_owned();
        if number > 0 {
            name.push(format!(".{number}"));
        }
        let name = PathBuf::from(name);
        let file = options.open(&name)?;
        match file.try_lock() {
            Ok(()) => return Ok((name, file)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::other("too many hubs use this file"))
}
