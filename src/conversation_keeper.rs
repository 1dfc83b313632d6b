//! Keeps what goes over the data plane as conversations, for client keys whose owners want it: in the database or in
//! files, behind the requests.
//!
//! What comes while it is busy waits in a bounded queue; what the database refuses is told and let go.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::control::Control;
use crate::conversation_files::ConversationFiles;
use crate::gateway::{HistoryStore, Kept};

/// Exchanges that may wait, each of at most 16 MiB.
const QUEUE: usize = 64;
/// Whatever takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the end waits for what is left.
const FAREWELL: Duration = Duration::from_secs(5);

/// Who keeps conversations. Dropping it ends the work; [`ConversationKeeper::stop`] completes it first.
#[derive(Debug)]
pub struct ConversationKeeper {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl ConversationKeeper {
    /// Begins to keep what the control's hub serves; files go beside its database.
    #[must_use]
    pub fn start(control: &Arc<Control>) -> Self {
        let (outlet, inbox) = mpsc::channel(QUEUE);
        control.hub().history.attach(outlet);
        let (stop, stopped) = oneshot::channel();
        let files = ConversationFiles::below(control.folder());
        let task = tokio::spawn(keep(Arc::clone(control), files, inbox, stopped));
        Self { stop, task }
    }

    /// Keeps what waits and ends. Call it when no request is under way any more.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

async fn keep(
    control: Arc<Control>,
    files: ConversationFiles,
    mut inbox: mpsc::Receiver<Kept>,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        let next = tokio::select! {
            biased;
            _ = &mut stopped => return farewell(rest(&control, &files, &mut inbox)).await,
            next = inbox.recv() => next,
        };
        let Some(kept) = next else { return };
        let mut work = pin!(one(&control, &files, kept));
        tokio::select! {
            () = &mut work => {}
            _ = &mut stopped => {
                let last = async {
                    work.await;
                    rest(&control, &files, &mut inbox).await;
                };
                return farewell(last).await;
            }
        }
    }
}

/// Keeps what waits.
async fn rest(control: &Control, files: &ConversationFiles, inbox: &mut mpsc::Receiver<Kept>) {
    while let Ok(kept) = inbox.try_recv() {
        one(control, files, kept).await;
    }
}

/// The end, which does not wait for long.
async fn farewell(last: impl Future<Output = ()>) {
    if timeout(FAREWELL, last).await.is_err() {
        tracing::warn!("some of what was said was not kept before the end");
    }
}

async fn one(control: &Control, files: &ConversationFiles, (store, exchange): Kept) {
    let id = exchange.request_id.clone();
    let read = tokio::task::spawn_blocking(move || {
        let spoken = exchange.spoken();
        (exchange, spoken)
    });
    let Ok((exchange, Some(spoken))) = read.await else {
        return tracing::debug!(%id, "nothing of this request can be kept as a conversation");
    };
    let bounds = control.in_force().settings.conversations;
    let kept = async {
        match store {
            HistoryStore::Database => control
                .store()
                .record_exchange(&exchange, spoken, &bounds)
                .await
                .map_err(|error| error.to_string()),
            HistoryStore::File => files
                .record(&exchange, spoken, bounds)
                .await
                .map_err(|error| error.to_string()),
        }
    };
    match timeout(PATIENCE, kept).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%id, %error, "what was said is not kept"),
        Err(_) => tracing::warn!(%id, "what was said is not kept: no answer in time"),
    }
}
