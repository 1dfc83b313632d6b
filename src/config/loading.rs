//! Putting the layers together: files, environment, command line.

use std::path::{Path, PathBuf};

use super::document::{Values, read_values};
use super::file::{parse_yaml, read, world_readable};
use super::legacy::read_legacy;
use super::node::Reader;
use super::vendor::VENDORS;
use super::{ConfigErrors, Environment, Place, ProviderSettings, Settings};
use crate::snapshot::{Auth, Source};

/// Where to look, and what the command line says.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// `--config`; otherwise `config/app.yml` in the directory, if there is one.
    pub config: Option<PathBuf>,
    /// The working directory: `.env` and relative paths start here.
    pub directory: PathBuf,
    /// The variables in force.
    pub environment: Environment,
    /// `--host`
    pub host: Option<String>,
    /// `--port`
    pub port: Option<u16>,
    /// `--log-level`
    pub log_level: Option<String>,
}

impl LoadOptions {
    /// Looks in the current directory, with the process's own variables.
    #[must_use]
    pub fn of_process(config: Option<PathBuf>) -> Self {
        Self {
            config,
            directory: PathBuf::from("."),
            environment: Environment::of_process(),
            host: None,
            port: None,
            log_level: None,
        }
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        if path.is_absolute() || self.directory == Path::new(".") {
            path.to_owned()
        } else {
            self.directory.join(path)
        }
    }

    /// The file to read, if there is one to read.
    fn config_path(&self) -> Option<PathBuf> {
        if let Some(path) = &self.config {
            return Some(self.resolve(path));
        }
        let usual = self.resolve(Path::new("config/app.yml"));
        usual.exists().then_some(usual)
    }
}

/// Reads all configuration.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(options: &LoadOptions) -> Result<Settings, ConfigErrors> {
    let mut settings = Settings::default();
    let mut errors = ConfigErrors::default();
    let mut environment = options.environment.clone();
    let dotenv = options.resolve(Path::new(".env"));
    if dotenv.is_file() {
        if let Some(text) = read(&dotenv, &mut errors) {
            environment.add_below(&dotenv.display().to_string(), &text, &mut errors);
        }
        settings.files.push(dotenv);
    }
    let mut document = None;
    let config = options.config_path();
    if let Some(path) = config.clone() {
        let text = read(&path, &mut errors);
        document = text.and_then(|text| parse_yaml(&path.display().to_string(), text, &mut errors));
        settings.files.push(path);
    }
    let mut reader = Reader::new(&environment);
    reader.errors = errors;
    let values = Values::collect(&mut reader, document);
    read_values(&mut reader, &values, &mut settings);
    settings.given = values.keys();
    settings.given_at = values.places();
    if let Some(node) = values.get("PROVIDER_CONFIG_PATH")
        && let Some(path) = reader.text(&node)
    {
        read_legacy(
            &mut reader,
            &options.resolve(Path::new(&path)),
            &values,
            &mut settings,
        );
    }
    add_vendors(&mut reader, &values, &mut settings);
    if let Some(path) = config.filter(|path| reader.literal_secret && world_readable(path)) {
        warn_readable(&mut reader, &path);
    }
    apply_options(options, &mut settings);
    check_open(
        &settings,
        values.get("AUTH").map(|node| node.place),
        &mut reader.errors,
    );
    warn_keyless(&mut reader, &settings);
    settings.warnings = reader.warnings;
    reader.errors.or(settings)
}

pub(super) fn warn_readable(reader: &mut Reader<'_>, path: &Path) {
    let path = path.display();
    reader.warnings.push(format!(
        "{path}: holds secrets in clear and everybody on this machine can read it; `chmod 600 {path}`, or use ${{VARIABLE}}"
    ));
}

fn apply_options(options: &LoadOptions, settings: &mut Settings) {
    if let Some(host) = &options.host {
        settings.host.clone_from(host);
    }
    if let Some(port) = options.port {
        settings.port = port;
    }
    if let Some(level) = &options.log_level {
        settings.log_level.clone_from(level);
    }
}

/// An open hub is for this machine alone.
fn check_open(settings: &Settings, place: Option<Place>, errors: &mut ConfigErrors) {
    if settings.auth() == Auth::Open && !settings.host_is_loopback() {
        let what = format!(
            "AUTH is open, but HOST {} can be reached from other machines",
            settings.host
        );
        errors.push(
            &place.unwrap_or_default(),
            what,
            "set AUTH: required, or HOST: 127.0.0.1",
        );
    }
}

/// The single-key forms, and pools called after a vendor, make that vendor's provider, unless it is
/// configured; a configured one without a key of its own takes the single key.
fn add_vendors(reader: &mut Reader<'_>, values: &Values, settings: &mut Settings) {
    for vendor in VENDORS {
        let node = values.get(vendor.key);
        let key = node.as_ref().and_then(|node| reader.secret(node));
        let pool = settings
            .key_pools
            .iter()
            .find(|pool| pool.name == vendor.name && !pool.keys.is_empty());
        let place = match (&node, pool) {
            (Some(node), _) if key.is_some() => node.place.clone(),
            (_, Some(pool)) => pool.place.clone(),
            _ => continue,
        };
        let known = settings
            .providers
            .iter_mut()
            .find(|provider| provider.name.eq_ignore_ascii_case(vendor.name));
        if let Some(provider) = known {
            if provider.keys.is_empty() && provider.key_pool.is_none() {
                provider.keys.extend(key);
            }
            continue;
        }
        let source = if place.is_variable() {
            Source::Environment
        } else {
            Source::File
        };
        let mut provider =
            ProviderSettings::new(vendor.name, vendor.dialect, vendor.base_url, source, place);
        provider.wants_key = true;
        provider.keys.extend(key);
        settings.providers.push(provider);
    }
}

fn warn_keyless(reader: &mut Reader<'_>, settings: &Settings) {
    if let Some((name, place)) = &settings.preferred_provider
        && settings.provider(name).is_none()
    {
        reader.warn(
            place,
            &format!("PREFERRED_PROVIDER `{name}` is not configured, so nothing is preferred"),
        );
    }
    for provider in settings
        .providers
        .iter()
        .filter(|provider| provider.enabled)
    {
        if settings.keys_of(provider).missing {
            let what = format!(
                "provider `{}` is left out, since none of its keys is set",
                provider.name
            );
            reader.warn(&provider.place, &what);
        }
    }
}
