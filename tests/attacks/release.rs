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
