//! The request log: one JSON document per line, a new file when the old one is large.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Where the log is and how large it may grow.
#[derive(Clone, Debug)]
pub struct FileSettings {
    /// The file that is written; older ones are beside it as `NAME.1`, `NAME.2`.
    pub path: PathBuf,
    /// A file larger than this is moved aside.
    pub max_bytes: u64,
    /// Older files that are kept.
    pub keep: u32,
}

impl FileSettings {
    /// The usual sizes, with the file at `path`.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            max_bytes: 256 << 20,
            keep: 4,
        }
    }
}

/// An append-only file that is moved aside when it is large.
#[derive(Debug)]
pub struct RotatingFile {
    settings: FileSettings,
    out: Option<BufWriter<File>>,
    size: u64,
    line: Vec<u8>,
}

impl RotatingFile {
    /// Opens the file, making its folder when needed.
    ///
    /// # Errors
    /// When it cannot be opened for appending.
    pub fn open(settings: FileSettings) -> io::Result<Self> {
        if let Some(folder) = settings
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)?;
        }
        cut_torn_line(&settings.path)?;
        let (out, size) = append_to(&settings.path)?;
        Ok(Self {
            settings,
            out: Some(out),
            size,
            line: Vec::new(),
        })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// When the disk does not take it. The next call tries to open the file again.
    pub fn append(&mut self, entry: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, entry)?;
        self.line.push(b'\n');
        if self.size > 0 && self.size + self.line.len() as u64 > self.settings.max_bytes {
            self.rotate()?;
        }
        if self.out.is_none() {
            let (out, size) = append_to(&self.settings.path)?;
            self.out = Some(out);
            self.size = size;
        }
        if let Some(out) = &mut self.out
            && let Err(error) = out.write_all(&self.line)
        {
            self.out = None;
            return Err(error);
        }
        self.size += self.line.len() as u64;
        Ok(())
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), Write::flush)
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.flush()?;
        self.out = None;
        let path = &self.settings.path;
        for number in (1..self.settings.keep).rev() {
            let from = numbered(path, number);
            if from.exists() {
                std::fs::rename(from, numbered(path, number + 1))?;
            }
        }
        if self.settings.keep > 0 {
            std::fs::rename(path, numbered(path, 1))?;
        } else {
            std::fs::remove_file(path)?;
        }
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<(BufWriter<File>, u64)> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Names of models and keys are nobody else's business.
        options.mode(0o600);
    }
    let file = options.open(path)?;
    let size = file.metadata()?.len();
    Ok((BufWriter::with_capacity(32 << 10, file), size))
}

/// Takes the end of a file away that is no whole line: a process was killed while it wrote it. Devices and pipes are
/// left alone.
fn cut_torn_line(path: &Path) -> io::Result<()> {
    const PIECE: u64 = 64 << 10;
    let is_file = path.metadata().is_ok_and(|there| there.is_file());
    if !is_file {
        return Ok(());
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let size = file.metadata()?.len();
    let mut end = size;
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        let mut piece = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        (&mut file).take(end - start).read_to_end(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < size {
        file.set_len(end)?;
    }
    Ok(())
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_cut_and_whole_ones_stay() {
        let folder = std::env::temp_dir().join(format!("bridge-torn-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let path = folder.join("log.jsonl");
        let torn = format!("\"first\"\n\"{}", "x".repeat(200_000));
        for (before, after) in [
            (torn.as_str(), "\"first\"\n"),
            ("\"to", ""),
            ("1\n2\n", "1\n2\n"),
        ] {
            std::fs::write(&path, before).expect("room on the disk");
            let mut file = RotatingFile::open(FileSettings::at(&path)).expect("a file");
            file.append(&"next").expect("room on the disk");
            file.flush().expect("room on the disk");
            let text = std::fs::read_to_string(&path).expect("a file");
            assert_eq!(text, format!("{after}\"next\"\n"));
        }
        std::fs::remove_dir_all(folder).expect("ours");
    }

    #[test]
    fn a_large_file_is_moved_aside() {
        let folder = std::env::temp_dir().join(format!("bridge-ledger-{}", std::process::id()));
        let path = folder.join("log.jsonl");
        let settings = FileSettings {
            path: path.clone(),
            max_bytes: 64,
            keep: 2,
        };
        let mut file = RotatingFile::open(settings).expect("a temporary folder");
        for number in 0..40 {
            file.append(&format!("entry {number}"))
                .expect("room on the disk");
        }
        file.flush().expect("room on the disk");
        let read = |path: &Path| std::fs::read_to_string(path).expect("written");
        assert!(read(&path).contains("entry 39"));
        assert!(read(&path).len() <= 64 && read(&numbered(&path, 1)).len() <= 64);
        assert!(numbered(&path, 2).exists() && !numbered(&path, 3).exists());
        std::fs::remove_dir_all(folder).expect("ours");
    }
}
