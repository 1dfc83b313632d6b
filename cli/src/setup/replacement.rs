//! Files in the place of others: a copy of the old one beside it, the new one whole or not at all, and the way back.
//! Knows no content.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::change::{Change, read};
use crate::failure::{Ended, Failure};
use crate::moment;

/// What stands between a file's name and the moment of its copy.
const MARK: &str = ".bridge-backup-";
/// Ends the name of a copy of what was not there.
const ABSENT: &str = ".absent";

/// How many names for a copy are tried.
const MOST: i64 = 100;

/// Writes all of the changes, or none of them: what was written before one fails is taken back.
pub(crate) fn replace(changes: &[Change]) -> Ended<Vec<PathBuf>> {
    let mut copies = Vec::new();
    // Copies of one moment belong together.
    let now = moment::now_ms();
    for (index, change) in changes.iter().enumerate() {
        let done = keep(change, now).and_then(|copy| {
            copies.push(copy);
            write(change)
        });
        if let Err(failure) = done {
            for (change, copy) in changes[..index].iter().zip(&copies) {
                restore(&change.path, change.before.as_deref())?;
                remove(copy)?;
            }
            if let Some(copy) = copies.get(index) {
                remove(copy)?;
            }
            return Err(failure.next("nothing was changed"));
        }
    }
    Ok(copies)
}

/// Whether all of the changes could be written: each is, beside its file, and is removed again.
pub(crate) fn rehearse(changes: &[Change]) -> Ended {
    for change in changes {
        let made = make_folder(&change.path)?;
        let tried =
            draft(change).and_then(|draft| draft.map_or(Ok(()), |(draft, _)| remove(&draft)));
        for folder in made {
            // One that is not empty is somebody else's by now.
            let _ = fs::remove_dir(folder);
        }
        tried.map_err(|failure| failure.next("nothing was changed"))?;
    }
    Ok(())
}

/// The newest copy of a file.
pub(crate) struct Copy {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What was in the file; nothing where there was none.
    pub(crate) text: Option<String>,
    /// The moment of the copy, as its name says it.
    pub(crate) at: String,
}

/// The newest copy of a file, where there is one.
pub(crate) fn newest(path: &Path) -> Ended<Option<Copy>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(None);
    };
    let start = format!("{}{MARK}", name.to_string_lossy());
    let Ok(entries) = fs::read_dir(if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }) else {
        return Ok(None);
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let Some(found) = names.filter(|name| name.starts_with(&start)).max() else {
        return Ok(None);
    };
    let is_absent = found.ends_with(ABSENT);
    let at = found[start.len()..].trim_end_matches(ABSENT).to_owned();
    let path = folder.join(found);
    let text = if is_absent { None } else { read(&path)? };
    Ok(Some(Copy { path, text, at }))
}

/// Puts a copy back in its place.
pub(crate) fn put_back(path: &Path, copy: &Copy) -> Ended {
    restore(path, copy.text.as_deref())?;
    remove(&copy.path)
}

fn restore(path: &Path, text: Option<&str>) -> Ended {
    match text {
        Some(text) => {
            let change = Change::between(path.to_owned(), None, Some(text.to_owned()));
            write(&change)
        }
        None => remove(path),
    }
}

fn remove(path: &Path) -> Ended {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(trouble(path, &error)),
        _ => Ok(()),
    }
}

/// A copy of the file as it is, beside it.
fn keep(change: &Change, now: i64) -> Ended<PathBuf> {
    let folder = change.path.parent().unwrap_or(Path::new(""));
    make_folder(&change.path)?;
    let name = change
        .path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let (end, other) = match change.before {
        Some(_) => ("", ABSENT),
        None => (ABSENT, ""),
    };
    let text = change.before.as_deref().unwrap_or_default();
    for at in now..now + MOST {
        // Digits of one width: the newest name is the greatest. A moment has one copy, of whichever kind.
        let named = |end: &str| folder.join(format!("{name}{MARK}{at:015}{end}"));
        if named(other).exists() {
            continue;
        }
        let copy = named(end);
        match fresh(&copy, text) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(trouble(&copy, &error)),
            Ok(()) => return Ok(copy),
        }
    }
    Err(Failure::failed(format!(
        "{}: there is no name for a copy of it",
        change.path.display()
    )))
}

/// Makes the folder of a file; which folders were not there before, the innermost first.
fn make_folder(path: &Path) -> Ended<Vec<PathBuf>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    if folder.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let missing = folder.ancestors().take_while(|folder| !folder.exists());
    let missing = missing.filter(|folder| !folder.as_os_str().is_empty());
    let missing = missing.map(Path::to_owned).collect();
    fs::create_dir_all(folder).map_err(|error| trouble(folder, &error))?;
    Ok(missing)
}

/// The new content in the place of the old one.
fn write(change: &Change) -> Ended {
    let Some((draft, path)) = draft(change)? else {
        return remove(&change.path);
    };
    let renamed = fs::rename(&draft, &path).map_err(|error| trouble(&path, &error));
    if renamed.is_err() {
        remove(&draft)?;
    }
    renamed
}

/// The new content beside the old one, and whose place it is to take; nothing where the file is to go. A link stays a
/// link: what it points to is replaced.
fn draft(change: &Change) -> Ended<Option<(PathBuf, PathBuf)>> {
    let Some(text) = &change.after else {
        return Ok(None);
    };
    let path = fs::canonicalize(&change.path).unwrap_or_else(|_| change.path.clone());
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".bridge-new-{}", std::process::id()));
    let draft = path.with_file_name(name);
    let written = remove(&draft)
        .and_then(|()| fresh(&draft, text).map_err(|error| trouble(&draft, &error)))
        .and_then(|()| same_mode(&path, &draft, change.has_secret));
    match written {
        Ok(()) => Ok(Some((draft, path))),
        Err(failure) => {
            remove(&draft)?;
            Err(failure)
        }
    }
}

/// A new file that only its owner can read.
fn fresh(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The rights of the old file, but none of others where a key stands in it.
fn same_mode(old: &Path, new: &Path, has_secret: bool) -> Ended {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(old) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & if has_secret { 0o700 } else { 0o777 };
        let rights = fs::Permissions::from_mode(mode);
        fs::set_permissions(new, rights).map_err(|error| trouble(new, &error))?;
    }
    #[cfg(not(unix))]
    let _ = (old, new, has_secret);
    Ok(())
}

fn trouble(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("bridge-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        folder
    }

    fn change(path: &Path, after: &str) -> Change {
        let before = read(path).expect("readable");
        Change::between(path.to_owned(), before, Some(after.to_owned()))
    }

    #[test]
    fn copies_go_back_step_by_step() {
        let folder = folder("replacement");
        let path = folder.join("settings.json");
        for text in ["one", "two"] {
            replace(&[change(&path, text)]).expect("a writable folder");
        }
        let back = |path: &Path| {
            let copy = newest(path).expect("readable").expect("a copy");
            put_back(path, &copy).expect("writable");
            read(path).expect("readable")
        };
        assert_eq!(back(&path).as_deref(), Some("one"));
        assert_eq!(back(&path), None);
        assert!(newest(&path).expect("readable").is_none());
        fs::remove_dir_all(folder).expect("it was made here");
    }

    #[test]
    fn copies_of_one_moment_go_back_in_order() {
        let folder = folder("one-moment");
        let path = folder.join("settings.json");
        for text in ["one", "two"] {
            let change = change(&path, text);
            keep(&change, 1_000).expect("a writable folder");
            write(&change).expect("a writable folder");
        }
        let copy = newest(&path).expect("readable").expect("a copy");
        assert_eq!(copy.text.as_deref(), Some("one"));
        fs::remove_dir_all(folder).expect("it was made here");
    }

    #[test]
    fn when_one_fails_all_are_as_they_were() {
        let folder = folder("all-or-none");
        let (good, bad) = (folder.join("a"), folder.join("b"));
        fs::write(&good, "old").expect("writable");
        // A folder cannot be replaced by a file.
        fs::create_dir_all(bad.join("inner")).expect("writable");
        let changes = [
            change(&good, "new"),
            Change::between(bad, None, Some("new".to_owned())),
        ];
        assert!(replace(&changes).is_err());
        assert_eq!(fs::read_to_string(&good).expect("it is there"), "old");
        let left = fs::read_dir(&folder).expect("it is there").count();
        assert_eq!(left, 2, "copies and drafts are gone");
        fs::remove_dir_all(folder).expect("it was made here");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_key_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder("links");
        let (real, link) = (folder.join("real"), folder.join("link"));
        fs::write(&real, "old").expect("writable");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o664)).expect("ours");
        std::os::unix::fs::symlink(&real, &link).expect("writable");
        let mut change = change(&link, "new");
        change.has_secret = true;
        replace(&[change]).expect("writable");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_to_string(&real).expect("there"), "new");
        assert_eq!(
            fs::metadata(&real).expect("there").permissions().mode() & 0o777,
            0o600
        );
        fs::remove_dir_all(folder).expect("it was made here");
    }
}
