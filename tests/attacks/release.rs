//! What the build takes in and what leaves it.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path)
        .unwrap_or_else(|error| unreachable!("{}: {error}", path.display()))
}

fn members() -> Vec<PathBuf> {
    let manifest = read(&root().join("Cargo.toml"));
    let list = manifest
        .split("members = [")
        .nth(1)
        .and_then(|rest| rest.split(']').next())
        .expect("a workspace");
    list.split(',')
        .map(|name| root().join(name.trim().trim_matches('"')))
        .collect()
}

#[test]
fn attack_58_dependencies_come_from_one_index_and_are_locked() {
    let lock = read(&root().join("Cargo.lock"));
    let mut packages = 0;
    for package in lock.split("[[package]]").skip(1) {
        let Some(source) = package
            .lines()
            .find_map(|line| line.strip_prefix("source = "))
        else {
            continue;
        };
        packages += 1;
        assert_eq!(
            source, "\"registry+https://github.com/rust-lang/crates.io-index\"",
            "{package}"
        );
        assert!(package.contains("checksum = \""), "{package}");
    }
    assert!(packages > 50);
    let deny = read(&root().join("deny.toml"));
    for rule in [
        "unknown-registry = \"deny\"",
        "unknown-git = \"deny\"",
        "wildcards = \"deny\"",
        "yanked = \"deny\"",
    ] {
        assert!(deny.contains(rule), "deny.toml has no {rule}");
    }
    assert!(read(&root().join("Makefile")).contains("--locked"));
    for member in members() {
        let manifest = read(&member.join("Cargo.toml"));
        assert!(!manifest.contains("git = \""), "{}", member.display());
        let build = member.join("build.rs");
        if build.exists() {
            let text = read(&build);
            for way in [
                "curl",
                "wget",
                "reqwest",
                "TcpStream",
                "https://",
                "http://",
            ] {
                assert!(
                    !text.contains(way),
                    "{} reaches out: {way}",
                    build.display()
                );
            }
        }
    }
}

/// Everything that a machine runs to build, check and pack the product.
fn recipes() -> Vec<PathBuf> {
    let mut found = vec![root().join("Makefile"), root().join("deploy/Dockerfile")];
    let mut folders: Vec<PathBuf> = [".ci", ".github", "scripts"]
        .iter()
        .map(|name| root().join(name))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn attack_59_nothing_foreign_runs_and_nothing_is_published_unseen() {
    let recipes = recipes();
    assert!(recipes.iter().any(|path| path.ends_with(".ci/run")));
    for path in &recipes {
        for line in read(path).lines() {
            let place = || format!("{}: {line}", path.display());
            // An action is code of somebody else: it is named by what it is, never by a tag that can move.
            if let Some((_, action)) = line.split_once("uses:") {
                let digest = action
                    .split_once('@')
                    .map_or("", |(_, digest)| digest.trim());
                let digest = digest.split_whitespace().next().unwrap_or_default();
                let is_pinned = digest.len() == 40 && digest.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(is_pinned || action.trim().starts_with("./"), "{}", place());
            }
            let fetches = line.contains("curl ") || line.contains("wget ");
            let runs = ["| sh", "|sh", "| bash", "|bash", "python -c", "eval "];
            assert!(
                !(fetches && runs.iter().any(|run| line.contains(run))),
                "{}",
                place()
            );
            // Nothing here can publish, so nothing here needs an identity that could be stolen.
            for way in [
                "cargo publish",
                "npm publish",
                "docker push",
                "gh release",
                "twine upload",
            ] {
                assert!(!line.contains(way), "{}", place());
            }
        }
    }
    let image = read(&root().join("deploy/Dockerfile"));
    assert!(image.contains("scripts/dist.sh") && image.contains("\nUSER bridge\n"));
    // What ships is made of what the lock file names.
    let recipe = read(&root().join("scripts/dist.sh"));
    let mut builds = recipe.lines().filter(|line| line.contains("cargo build"));
    assert!(builds.clone().count() > 0 && builds.all(|line| line.contains("--locked")));
    for word in ["ARG ", "PASSWORD", "SECRET", "TOKEN"] {
        assert!(!image.contains(word), "the image knows of a {word}");
    }
}

/// A number of an ELF file, little endian.
#[cfg(target_os = "linux")]
fn number(program: &[u8], at: u64, bytes: usize) -> u64 {
    let at = usize::try_from(at).expect("within the file");
    let bytes = program[at..at + bytes].iter().rev();
    bytes.fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(target_os = "linux")]
#[test]
fn attack_59_the_program_is_hardened() {
    const STACK: u64 = 0x6474_e551;
    const READ_ONLY_AFTER_START: u64 = 0x6474_e552;
    const DYNAMIC: u64 = 2;
    const FLAGS: u64 = 30;
    const BIND_NOW: u64 = 8;
    let program = std::fs::read(env!("CARGO_BIN_EXE_bridge")).expect("the program");
    assert_eq!(&program[..6], b"\x7fELF\x02\x01", "64 bits, little endian");
    assert_eq!(
        number(&program, 16, 2),
        3,
        "it can be loaded at any address"
    );
    let (table, size, count) = (
        number(&program, 32, 8),
        number(&program, 54, 2),
        number(&program, 56, 2),
    );
    let (mut stack, mut read_only, mut bound) = (false, false, false);
    for header in (0..count).map(|place| table + place * size) {
        let flags = number(&program, header + 4, 4);
        assert_ne!(flags & 3, 3, "nothing can be written and run");
        match number(&program, header, 4) {
            STACK => stack = true,
            READ_ONLY_AFTER_START => read_only = true,
            DYNAMIC => {
                let begin = number(&program, header + 8, 8);
                let end = begin + number(&program, header + 32, 8);
                bound = (begin..end).step_by(16).any(|entry| {
                    number(&program, entry, 8) == FLAGS
                        && number(&program, entry + 8, 8) & BIND_NOW != 0
                });
            }
            _ => {}
        }
    }
    assert!(stack, "the stack says that it does not run");
    assert!(read_only, "what the loader has written is read-only");
    assert!(bound, "all of it is bound at the start");
}

#[test]
fn attack_60_our_crates_forbid_unsafe_code_and_are_fuzzed() {
    assert!(read(&root().join("Cargo.toml")).contains("unsafe_code = \"forbid\""));
    for member in members() {
        let manifest = read(&member.join("Cargo.toml"));
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} does not take the lints",
            member.display()
        );
    }
    let mut folders: Vec<PathBuf> = members()
        .iter()
        .flat_map(|member| [member.join("src"), member.join("tests")])
        .collect();
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs")
                && !path.ends_with("attacks/release.rs")
            {
                files += 1;
                let text = read(&path);
                let found = text.lines().any(|line| {
                    !line.trim_start().starts_with("//")
                        && (line.contains("unsafe {")
                            || line.contains("unsafe fn")
                            || line.contains("allow(unsafe"))
                });
                assert!(!found, "{}", path.display());
            }
        }
    }
    assert!(files > 200);
    // The fuzzers run on each change as tests, and for as long as asked.
    let fuzz = root().join("fuzz");
    let tests: Vec<_> = std::fs::read_dir(fuzz.join("tests"))
        .expect("fuzzers")
        .collect();
    assert!(!tests.is_empty());
    let seconds = std::fs::read_dir(fuzz.join("tests"))
        .expect("fuzzers")
        .filter_map(Result::ok)
        .any(|entry| read(&entry.path()).contains("FUZZ_SECONDS"));
    assert!(seconds, "the time of the fuzzers cannot be chosen");
}
