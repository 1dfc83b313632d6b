//! Answers in the background (Responses): the client gets a receipt at once and asks for the answer later.
//!
//! The hub itself does the work, whatever the upstream is, so an upstream never hears of it. Work that is under way
//! is held in memory and ends with the process; what has come of it stands among the stored answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Response;
use tokio::task::AbortHandle;
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::ident::Ids;
use translator::json::{self, Writer};

use super::attempt;
use super::body::AnswerBody;
use super::generate::Frame;
use super::memory::{ResponseStore, StoredResponse};
use super::order::Order;
use super::peek::Peek;
use super::prepare::answer_of;
use super::settle::Account;
use super::verdict::Verdict;
use crate::ledger::{Outcome, Side};

/// As many answers may be under way, and their requests be as large together.
const MOST_JOBS: usize = 256;
const MOST_BYTES: usize = 256 << 20;

/// Client key and answer id.
type Key = (Arc<str>, String);

/// The work that is under way. It ends with this.
#[derive(Debug, Default)]
pub(super) struct Background(Mutex<HashMap<Key, Job>>);

#[derive(Debug)]
struct Job {
    /// The answer as it stands now.
    receipt: String,
    /// The input items, kept with the answer.
    input: Box<str>,
    bytes: usize,
    task: AbortHandle,
}

impl Drop for Job {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Background {
    fn jobs(&self) -> MutexGuard<'_, HashMap<Key, Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer as it stands now, while it is under way.
    pub(super) fn receipt(&self, scope: &Arc<str>, id: &str) -> Option<String> {
        let key = (Arc::clone(scope), id.to_owned());
        self.jobs().get(&key).map(|job| job.receipt.clone())
    }

    /// The input of an answer that is under way.
    pub(super) fn input(&self, scope: &Arc<str>, id: &str) -> Option<Box<str>> {
        let key = (Arc::clone(scope), id.to_owned());
        self.jobs().get(&key).map(|job| job.input.clone())
    }

    /// Ends the work on an answer; gives what is to be kept of it.
    pub(super) fn cancel(&self, scope: &Arc<str>, id: &str) -> Option<StoredResponse> {
        let key = (Arc::clone(scope), id.to_owned());
        let mut job = self.jobs().remove(&key)?;
        let status = [("status", "\"cancelled\"")];
        Some(StoredResponse {
            input: std::mem::take(&mut job.input),
            response: with_members(&job.receipt, &status).into(),
            origin: None,
        })
    }

    fn began(&self, key: &Key) {
        if let Some(job) = self.jobs().get_mut(key) {
            job.receipt = with_members(&job.receipt, &[("status", "\"in_progress\"")]);
        }
    }

    /// Takes finished work off the list and keeps what has come of it; false when it was cancelled before.
    fn conclude(&self, key: &Key, response: &[u8], store: &dyn ResponseStore) -> bool {
        let mut jobs = self.jobs();
        let Some(mut job) = jobs.remove(key) else {
            return false;
        };
        let stored = StoredResponse {
            input: std::mem::take(&mut job.input),
            response: String::from_utf8_lossy(response).into(),
            origin: None,
        };
        // Under the lock: the answer can be found at every moment.
        store.put(&key.0, &key.1, stored);
        true
    }
}

/// The same request to be answered at once.
pub(super) fn foreground(body: &Bytes, peek: &Peek) -> Result<Bytes, Failure> {
    let refuse =
        |words: &str| Err(Failure::new(FailureKind::Unsupported, words).with_param("background"));
    if peek.stream {
        return refuse(
            "this hub does not stream background answers; leave stream out and ask for the answer by its id",
        );
    }
    if peek.store_off {
        return refuse("background answers have to be stored; leave store out");
    }
    // Valid UTF-8 was established by the look.
    let document = std::str::from_utf8(body).unwrap_or("{}");
    let mut out = Vec::with_capacity(body.len());
    Writer::new(&mut out).object(|w| {
        for (name, range) in json::members(document).filter(|(name, _)| name != "background") {
            w.raw(&name, &document[range]);
        }
    });
    Ok(Bytes::from(out))
}

/// Begins the work and answers with the receipt.
pub(super) fn begin(mut order: Box<Order>, mut account: Account) -> Response<AnswerBody> {
    let frame = Frame::of(&mut order);
    let id = Ids::new(fastrand::u128(..)).next("resp_");
    let receipt = match receipt(&order, &id) {
        Ok(receipt) => receipt,
        Err(failure) => return frame.refused(&failure, account),
    };
    let hub = Arc::clone(&order.hub);
    let mut jobs = hub.background.jobs();
    let bytes = order.body.len();
    let held: usize = jobs.values().map(|job| job.bytes).sum();
    if jobs.len() >= MOST_JOBS || held + bytes > MOST_BYTES {
        drop(jobs);
        let words = "too many background answers are under way; try again later";
        return frame.refused(&Failure::new(FailureKind::RateLimit, words), account);
    }
    let key = (Arc::clone(&order.scope), id);
    let input = order.keep_input.take().unwrap_or_else(|| "[]".into());
    account.first_byte();
    // The list owns the task: it is aborted when it is taken off before its end.
    let task = tokio::spawn(work(key.clone(), receipt.clone(), order, account)).abort_handle();
    jobs.insert(
        key,
        Job {
            receipt: receipt.clone(),
            input,
            bytes,
            task,
        },
    );
    drop(jobs);
    frame.receipt(receipt)
}

/// The work, and what is kept of it.
async fn work(key: Key, receipt: String, order: Box<Order>, account: Account) {
    let hub = Arc::clone(&order.hub);
    hub.background.began(&key);
    let (mut account, end) = match Box::pin(attempt::run(order, account)).await {
        Verdict::Whole(mut whole) => {
            whole.account.fidelity(&whole.report);
            (whole.account, Ok((whole.body, whole.usage)))
        }
        Verdict::Lost(lost) => (lost.account, Err(lost.failure)),
        Verdict::Begun(begun) => {
            let words = "a stream came where an answer was expected";
            (
                begun.account,
                Err(Failure::new(FailureKind::Internal, words)),
            )
        }
    };
    let response = match &end {
        Ok((body, _)) => {
            let id = json::member(&receipt, "id").unwrap_or("null");
            let own = [("id", id), ("background", "true")];
            with_members(&String::from_utf8_lossy(body), &own)
        }
        Err(failure) => failed(&receipt, failure),
    };
    let response = Bytes::from(response);
    account.capture(Side::ClientAnswer, &response);
    // One that was cancelled in the meantime stays so.
    if !hub.background.conclude(&key, &response, &*hub.responses) {
        return;
    }
    match end {
        Ok((_, usage)) => account.close(Outcome::Ok, 200, usage, None),
        Err(failure) => {
            let status = Dialect::OpenAiResponses.encode_error(&failure, "", &mut Vec::new());
            account.failed(&failure);
            account.close(Outcome::Error, status, None, Some(failure.message));
        }
    }
}

/// The answer before there is one.
fn receipt(order: &Order, id: &str) -> Result<String, Failure> {
    let answer = answer_of(order)?;
    let echo = format!("{{{}}}", answer.echo);
    let mut out = Vec::with_capacity(echo.len() + 256);
    Writer::new(&mut out).object(|w| {
        w.str("id", id);
        w.str("object", "response");
        w.uint("created_at", answer.created);
        w.str("status", "queued");
        w.bool("background", true);
        w.null("error");
        w.null("incomplete_details");
        w.str("model", &answer.model);
        w.array_in("output", |_| {});
        for (name, range) in json::members(&echo).filter(|(name, _)| name != "background") {
            w.raw(&name, &echo[range]);
        }
        w.null("usage");
    });
    Ok(String::from_utf8(out).unwrap_or_default())
}

/// The answer when there is none.
fn failed(receipt: &str, failure: &Failure) -> String {
    let code = match failure.kind {
        FailureKind::RateLimit => "rate_limit_exceeded",
        FailureKind::InvalidRequest | FailureKind::Policy | FailureKind::ContextTooLong => {
            "invalid_prompt"
        }
        _ => "server_error",
    };
    let mut error = Vec::new();
    Writer::new(&mut error).object(|w| {
        w.str("code", code);
        w.str("message", &failure.message);
    });
    let error = String::from_utf8(error).unwrap_or_default();
    with_members(receipt, &[("status", "\"failed\""), ("error", &error)])
}

/// A document with other values for some of its members.
fn with_members(document: &str, members: &[(&str, &str)]) -> String {
    let mut out = Vec::with_capacity(document.len() + 64);
    Writer::new(&mut out).object(|w| {
        for (name, range) in json::members(document) {
            let other = members.iter().find(|(other, _)| *other == name);
            w.raw(&name, other.map_or(&document[range], |(_, raw)| raw));
        }
        for (name, raw) in members {
            if json::member(document, name).is_none() {
                w.raw(name, raw);
            }
        }
    });
    String::from_utf8(out).unwrap_or_default()
}
