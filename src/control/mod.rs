//! What holds the hub's configuration together: files and definitions become the snapshot in force, and every
//! change of a definition is checked before it counts, written with its audit row, and live at once.
//!
//! The data plane never waits for anything here. When the database is away, the snapshot in force stays.

mod assembly;
mod change;
mod client_keys;
mod follow;
mod preview;
mod sweep;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use crate::config::{ConfigError, ConfigErrors, Settings};
use crate::gateway::Hub;
use crate::snapshot::Snapshot;
use crate::store::{Store, StoreError, data_folder};

pub use assembly::{Assembly, Stock};
pub use change::{Actor, AuditEntry, Change, ChangeError};
pub use follow::follow;
pub use sweep::{let_go, sweep};

/// What is to be said of files that have changed while the hub runs.
#[derive(Clone, Debug, Default)]
pub struct FileNotices {
    /// Why they are not in force; empty when they are.
    pub refused: Vec<ConfigError>,
    /// What is in force only after a restart, in words.
    pub waiting: Vec<String>,
}

/// Connects files, database and data plane.
#[derive(Debug)]
pub struct Control {
    store: Store,
    hub: Arc<Hub>,
    demo: Option<SocketAddr>,
    files: ArcSwap<Settings>,
    stock: ArcSwap<Stock>,
    in_force: ArcSwap<Assembly>,
    notices: ArcSwap<FileNotices>,
    /// One change at a time in this process; between processes the database's versions decide.
    turn: Arc<Mutex<()>>,
}

impl Control {
    /// Reads what is defined and puts it in force.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn start(
        store: Store,
        hub: Arc<Hub>,
        files: Settings,
        demo: Option<SocketAddr>,
    ) -> Result<Arc<Self>, StoreError> {
        let stock = Stock::read(&store).await?;
        let (assembly, snapshot) = Assembly::lenient(&files, &stock, demo)?;
        let control = Self {
            store,
            hub,
            demo,
            files: ArcSwap::from_pointee(files),
            stock: ArcSwap::from_pointee(stock),
            in_force: ArcSwap::from_pointee(assembly.clone()),
            notices: ArcSwap::default(),
            turn: Arc::new(Mutex::new(())),
        };
        control.put_in_force(assembly, snapshot);
        Ok(Arc::new(control))
    }

    /// The database.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The folder beside the database, for files that belong to it.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        data_folder(self.files.load().database_url.expose())
    }

    /// The data plane.
    #[must_use]
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// What is in force: settings of all sources, and the definitions that were left out.
    #[must_use]
    pub fn in_force(&self) -> Arc<Assembly> {
        self.in_force.load_full()
    }

    /// What is to be said of changed files.
    #[must_use]
    pub fn notices(&self) -> Arc<FileNotices> {
        self.notices.load_full()
    }

    /// Keeps what is to be said of changed files.
    pub fn notice(&self, notices: FileNotices) {
        self.notices.store(Arc::new(notices));
    }

    /// What files and environment say.
    #[must_use]
    pub fn files(&self) -> Arc<Settings> {
        self.files.load_full()
    }

    /// Takes what changed files say. Definitions that no longer fit are left out and told. Blocks while a
    /// change is under way: for the thread that watches the files.
    ///
    /// # Errors
    /// When the files do not fit together; then everything stays as it was.
    pub fn take_files(&self, files: Settings) -> Result<u64, ConfigErrors> {
        let _turn = self.turn.blocking_lock();
        let (assembly, snapshot) = Assembly::lenient(&files, &self.stock.load(), self.demo)?;
        self.files.store(Arc::new(files));
        Ok(self.put_in_force(assembly, snapshot))
    }

    /// Reads the database again if it has changed since it was last read.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn refresh(&self) -> Result<bool, StoreError> {
        if crate::store::definitions::revision(self.store.read()).await?
            == self.stock.load().revision
        {
            return Ok(false);
        }
        let _turn = self.turn.lock().await;
        let stock = Stock::read(&self.store).await?;
        self.take_stock(stock)?;
        Ok(true)
    }

    fn take_stock(&self, stock: Stock) -> Result<u64, StoreError> {
        let (assembly, snapshot) = Assembly::lenient(&self.files.load(), &stock, self.demo)?;
        self.stock.store(Arc::new(stock));
        Ok(self.put_in_force(assembly, snapshot))
    }

    fn put_in_force(&self, assembly: Assembly, snapshot: Snapshot) -> u64 {
        for problem in &assembly.problems {
            tracing::warn!("left out: {problem}");
        }
        let version = self.hub.snapshots.put(snapshot);
        self.hub.adopt();
        self.hub.history.adopt(self.stock.load().histories.clone());
        self.in_force.store(Arc::new(assembly));
        version
    }
}
