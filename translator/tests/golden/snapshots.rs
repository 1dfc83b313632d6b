//! Snapshots on disk: compared by default, rewritten with `UPDATE_GOLDEN=1`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The snapshots of one section, which knows at the end which of its files nobody asked for.
pub(crate) struct Snapshots {
    root: PathBuf,
    update: bool,
    seen: BTreeSet<PathBuf>,
    problems: Vec<String>,
}

/// True when snapshots and tables are to be rewritten.
pub(crate) fn is_update() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| !value.is_empty() && value != "0")
}

impl Snapshots {
    /// The snapshots below a folder.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            root,
            update: is_update(),
            seen: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    /// Compares a text with its snapshot, or writes it.
    pub(crate) fn check(&mut self, name: &str, text: &str) {
        let file = self.root.join(name);
        if !self.seen.insert(file.clone()) {
            self.problems
                .push(format!("{name}: two products of the same name"));
        }
        let old = fs::read_to_string(&file).ok();
        if old.as_deref() == Some(text) {
            return;
        }
        if self.update {
            let folder = file.parent().expect("a snapshot lies in a folder");
            fs::create_dir_all(folder).expect("a writable folder");
            fs::write(&file, text).expect("a writable folder");
            return;
        }
        match old {
            None => self
                .problems
                .push(format!("{name}: no snapshot (UPDATE_GOLDEN=1 writes it)")),
            Some(old) => self.problems.push(format!(
                "{name} differs from its snapshot:\n{}",
                difference(&old, text)
            )),
        }
    }

    /// What was wrong, files that no case refers to included.
    pub(crate) fn finish(mut self) -> Vec<String> {
        for file in files(&self.root) {
            if self.seen.contains(&file) {
                continue;
            }
            if self.update {
                fs::remove_file(&file).expect("a writable folder");
            } else {
                let name = file.strip_prefix(&self.root).unwrap_or(&file).display();
                self.problems
                    .push(format!("{name}: no case refers to this snapshot"));
            }
        }
        self.problems
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The lines around the first difference, old and new.
pub(crate) fn difference(old: &str, new: &str) -> String {
    const SHOWN: usize = 12;
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..]
        .iter()
        .rev()
        .zip(new[head..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let mut out = format!("  line {}\n", head + 1);
    if head > 0 {
        out += &format!("    {}\n", clip(old[head - 1]));
    }
    for (sign, lines) in [
        ('-', &old[head..old.len() - tail]),
        ('+', &new[head..new.len() - tail]),
    ] {
        for line in lines.iter().take(SHOWN) {
            out += &format!("  {sign} {}\n", clip(line));
        }
        if lines.len() > SHOWN {
            out += &format!("  {sign} ... {} more lines\n", lines.len() - SHOWN);
        }
    }
    out
}

fn clip(line: &str) -> String {
    if line.chars().count() <= 400 {
        return line.to_owned();
    }
    line.chars().take(400).chain(" ...".chars()).collect()
}

#[test]
fn difference_shows_the_changed_lines_only() {
    let shown = difference("a\nb\nc\nd", "a\nB\nc\nd");
    assert_eq!(shown, "  line 2\n    a\n  - b\n  + B\n");
}

#[test]
fn a_changed_a_missing_and_a_forgotten_snapshot_are_problems() {
    let root = std::env::temp_dir().join(format!("golden-snapshots-{}", std::process::id()));
    fs::create_dir_all(&root).expect("a writable folder");
    fs::write(root.join("kept"), "1").expect("a writable folder");
    fs::write(root.join("forgotten"), "1").expect("a writable folder");
    let mut snapshots = Snapshots {
        root: root.clone(),
        update: false,
        seen: BTreeSet::new(),
        problems: Vec::new(),
    };
    snapshots.check("kept", "2");
    snapshots.check("missing", "1");
    let problems = snapshots.finish();
    fs::remove_dir_all(&root).expect("a writable folder");
    assert_eq!(problems.len(), 3, "{problems:?}");
}
