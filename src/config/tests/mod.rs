//! Loading as a whole: layers, errors with their lines, the older bridge's file, the examples.

mod errors;
mod layers;
mod legacy;
mod reload;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{ConfigErrors, Environment, LoadOptions, Settings, load};

/// A directory of its own for each test, removed at the end.
#[derive(Debug)]
struct Bench {
    directory: PathBuf,
    variables: Vec<(String, String)>,
}

impl Bench {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "bridge-config-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(directory.join("config"))
            .expect("the temporary directory is writable");
        Self {
            directory,
            variables: Vec::new(),
        }
    }

    fn app(yaml: &str) -> Self {
        Self::new().file("config/app.yml", yaml)
    }

    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.directory.join(name), text)
            .expect("the temporary directory is writable");
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn options(&self) -> LoadOptions {
        LoadOptions {
            config: None,
            directory: self.directory.clone(),
            environment: self.variables.iter().cloned().collect::<Environment>(),
            host: None,
            port: None,
            log_level: None,
        }
    }

    fn load(&self) -> Result<Settings, ConfigErrors> {
        load(&self.options())
    }

    fn settings(&self) -> Settings {
        self.load()
            .unwrap_or_else(|errors| unreachable!("should load:\n{errors}"))
    }

    /// The errors of loading, else of building, without the directory.
    fn complaints(&self) -> Vec<String> {
        let errors = match self.load() {
            Err(errors) => errors,
            Ok(settings) => crate::snapshot::Snapshot::build(&settings, 1)
                .err()
                .unwrap_or_default(),
        };
        let directory = format!("{}/", self.directory.display());
        errors
            .0
            .iter()
            .map(|error| error.to_string().replace(&directory, ""))
            .collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn shipped_files_load_and_build() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("config/app.yml")];
    let examples = std::fs::read_dir(root.join("config/examples"))
        .expect("examples are part of the repository");
    files.extend(examples.map(|entry| entry.expect("readable").path()));
    assert!(files.len() > 3);
    for file in files {
        let mut options = Bench::new().options();
        options.config = Some(file.clone());
        options.environment = [
            ("BRIDGE_CLIENT_KEY", "sk-client-0123456789"),
            ("OPENAI_API_KEY", "k1"),
            ("QWEN_API_KEY", "k2"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter()
        .chain([
            ("ANTHROPIC_API_KEY".to_owned(), "k3".to_owned()),
            ("GEMINI_API_KEY".to_owned(), "k4".to_owned()),
        ])
        .collect();
        let settings =
            load(&options).unwrap_or_else(|errors| unreachable!("{}:\n{errors}", file.display()));
        let built = crate::snapshot::Snapshot::build(&settings, 1);
        assert!(built.is_ok(), "{}: {built:?}", file.display());
    }
}
