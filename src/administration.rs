//! Bringing database and administration up beside the data plane, now or as soon as the database is there.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use bridge::admin::{Admin, Welcome, first_start};
use bridge::bookkeeping::{self, Bookkeeper};
use bridge::config::{ConfigErrors, Settings};
use bridge::control::{self, Control, FileNotices};
use bridge::conversation_keeper::ConversationKeeper;
use bridge::gateway::Hub;
use bridge::ledger::Recorder;
use bridge::store::{Store, StoreError, StoreOptions, data_folder};
use bridge::stored_responses::ResponseKeeper;
use bridge::web::Entrance;

/// How long to wait before a database that was away is tried again.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who writes behind the requests what they leave.
struct Keepers {
    /// What client keys have spent.
    books: Bookkeeper,
    conversations: ConversationKeeper,
    /// Answers that clients may refer to.
    responses: ResponseKeeper,
}

impl Keepers {
    async fn stop(self) {
        // Each waits for the database for some seconds; together they wait no longer.
        tokio::join!(
            self.books.stop(),
            self.conversations.stop(),
            self.responses.stop(),
        );
    }
}

/// Administration that is there, or will be.
#[derive(Clone)]
pub(crate) struct Administration {
    hub: Arc<Hub>,
    entrance: Arc<Entrance>,
    demo: Option<SocketAddr>,
    control: Arc<OnceLock<Arc<Control>>>,
    /// There as soon as the database is.
    keepers: Arc<Mutex<Option<Keepers>>>,
    /// Writes request records once there is a database.
    recorder: Arc<Mutex<Option<Recorder>>>,
    /// Where what the database does not take waits.
    folder: PathBuf,
    /// What files said last, for a control that starts later.
    files: Arc<RwLock<Settings>>,
    /// What is to be said of the files, for a control that starts later.
    notices: Arc<RwLock<FileNotices>>,
}

impl Administration {
    /// Opens the database. One that is away is tried again in the background, and the hub serves what its files
    /// say until then; anything else that is wrong with it ends the start.
    pub(crate) async fn start(
        hub: &Arc<Hub>,
        entrance: &Arc<Entrance>,
        files: &Settings,
        demo: Option<SocketAddr>,
        recorder: Recorder,
    ) -> anyhow::Result<Self> {
        let administration = Self {
            hub: Arc::clone(hub),
            entrance: Arc::clone(entrance),
            demo,
            control: Arc::default(),
            keepers: Arc::default(),
            folder: data_folder(files.database_url.expose()),
            recorder: Arc::new(Mutex::new(Some(recorder))),
            files: Arc::new(RwLock::new(files.clone())),
            notices: Arc::default(),
        };
        match administration.open().await {
            Ok(()) => {}
            Err(StoreError::Database(error)) => {
                tracing::error!(
                    %error,
                    "the database is away; the hub serves what its files say and tries again"
                );
                tokio::spawn(administration.clone().keep_trying());
            }
            Err(error) => return Err(error).context("the database cannot be used"),
        }
        Ok(administration)
    }

    async fn keep_trying(self) {
        loop {
            tokio::time::sleep(PATIENCE).await;
            match self.open().await {
                Ok(()) => return tracing::info!("the database is there"),
                Err(StoreError::Database(_)) => {}
                Err(error) => return tracing::error!(%error, "the database cannot be used"),
            }
        }
    }

    async fn open(&self) -> Result<(), StoreError> {
        let files = self
            .files
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let store = Store::open(&StoreOptions::of(&files)).await?;
        // Before the keys of the database are in force: a spent budget must not begin anew with each start.
        let meters = Arc::clone(&self.hub.meters);
        let books = Bookkeeper::start(meters, store.clone(), &self.folder).await?;
        let recorder = self
            .recorder
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(recorder) = recorder {
            // Ends when the ledger does.
            tokio::spawn(recorder.run(store.clone()));
        }
        let control = Control::start(store, Arc::clone(&self.hub), files, self.demo).await?;
        if let Some(welcome) = first_start(&control).await? {
            greet(&welcome);
        }
        let responses = ResponseKeeper::start(&control, &self.hub.responses);
        let conversations = ConversationKeeper::start(&control);
        self.entrance
            .open_admin(Admin::new(Arc::clone(&control)).endpoint());
        tokio::spawn(control::follow(Arc::clone(&control)));
        tokio::spawn(control::sweep(Arc::clone(&control)));
        let _ = self.control.set(control);
        self.notice(|_| {});
        let mut keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
        *keepers = Some(Keepers {
            books,
            conversations,
            responses,
        });
        Ok(())
    }

    /// Writes down what is left to write. Call it when no request is under way any more.
    pub(crate) async fn stop(&self) {
        let keepers = {
            let mut keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
            keepers.take()
        };
        if let Some(keepers) = keepers {
            keepers.stop().await;
        }
        bookkeeping::leave(&self.hub.meters, &self.folder);
    }

    /// Puts in force what changed files say.
    pub(crate) fn take_files(&self, files: Settings) -> Result<u64, ConfigErrors> {
        self.files
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&files);
        if let Some(control) = self.control.get() {
            return control.take_files(files);
        }
        let files = match self.demo {
            Some(address) => files.with_demo(address),
            None => files,
        };
        let version = self.hub.snapshots.apply(&files)?;
        self.hub.adopt();
        Ok(version)
    }
}

impl Administration {
    /// What is wrong with changed files; empty once they are sound again.
    pub(crate) fn note_refusal(&self, errors: ConfigErrors) {
        self.notice(|notices| notices.refused = errors.0);
    }

    /// What of the files waits for a restart.
    pub(crate) fn await_restart(&self, waiting: Vec<String>) {
        self.notice(|notices| notices.waiting = waiting);
    }

    fn notice(&self, change: impl FnOnce(&mut FileNotices)) {
        let mut notices = self.notices.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut notices);
        if let Some(control) = self.control.get() {
            control.notice(notices.clone());
        }
    }
}

/// To the terminal alone: what is logged may be kept and sent on.
fn greet(welcome: &Welcome) {
    let words = welcome.words();
    // With standard error closed nobody can be told; the password can be set by another administrator then.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), words.as_bytes());
}
