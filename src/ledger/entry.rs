//! A record as the rows that are kept of it.
//!
//! Texts are cut to what their columns hold and freed of what a database refuses, so that no record can keep others
//! from being written.

use std::time::Duration;

use translator::json::Writer;
use translator::wording::Wording;

use super::{Outcome, Record, Tokens};
use crate::store::entities::{capture, request, request_detail};
use crate::store::histogram::slot;
use crate::store::requests::Entry;
use crate::store::{Purpose, Vault};

/// What a column of tokens holds at most: sums over years of them fit.
const MOST: u64 = 1 << 40;

/// The rows of a record. Bodies are sealed here, so that they are never anywhere in clear.
#[must_use]
pub fn entry(record: &Record, vault: Option<&Vault>) -> Entry {
    let at = at(record);
    Entry {
        request: row(record),
        details: details(record, at),
        capture: vault.and_then(|vault| sealed(record, at, vault)),
    }
}

fn at(record: &Record) -> i64 {
    i64::try_from(record.at_ms).unwrap_or(i64::MAX)
}

/// The row that lists show.
pub(super) fn row(record: &Record) -> request::Model {
    let nothing = Tokens::default();
    let usage = record.usage.as_ref();
    let tokens = usage.unwrap_or(&nothing);
    let caller = record.caller.as_deref();
    let first_byte = record.first_byte.map(micros);
    let total = micros(record.total);
    request::Model {
        id: text(&record.id, 64),
        at: at(record),
        call_kind: record.call.to_owned(),
        ingress: record.ingress.to_owned(),
        upstream: record.upstream.map(str::to_owned),
        client_key_id: record.client_key.as_ref().map(|id| text(id.as_str(), 64)),
        client_key: caller.map(|key| text(&key.name, 128)),
        owner_id: caller.and_then(|key| Some(text(key.owner.as_ref()?, 36))),
        tags: caller.and_then(|key| barred(&key.tags)),
        provider: record
            .provider
            .as_ref()
            .map(|name| text(name.as_str(), 128)),
        model_asked: text(&record.model_asked, 255),
        model_served: record
            .model_served
            .as_ref()
            .map(|name| text(name.as_str(), 255)),
        route: record.route.as_ref().map(|name| text(name.as_str(), 128)),
        stream: record.stream,
        outcome: record.outcome.as_str().to_owned(),
        status: i64::from(record.status),
        error_code: record.error_code.as_ref().map(|code| text(code, 64)),
        error: record.error.as_ref().map(|words| text(words, 500)),
        input: count(tokens.input),
        uncached: count(tokens.uncached),
        cache_read: count(tokens.cache_read),
        cache_write_5m: count(tokens.cache_write_5m),
        cache_write_1h: count(tokens.cache_write_1h),
        cache_write: count(tokens.cache_write),
        tool_input: count(tokens.tool_input),
        audio_input: count(tokens.audio_input),
        output: count(tokens.output),
        reasoning: count(tokens.reasoning),
        audio_output: count(tokens.audio_output),
        image_output: count(tokens.image_output),
        usage_source: usage.map(|usage| usage.source.as_str().to_owned()),
        usage_flags: usage.and_then(flags),
        cost_nano_usd: record.cost_nano_usd,
        price_version: record
            .price_version
            .as_ref()
            .map(|name| text(name.as_str(), 64)),
        first_byte_us: first_byte.map(signed),
        total_us: signed(total),
        first_byte_slot: first_byte.map(slot),
        total_slot: slot(total),
        attempts: record.attempts.len() as i64,
        fidelity: codes(record),
    }
}

fn details(record: &Record, at: i64) -> Option<request_detail::Model> {
    let nothing =
        record.attempts.is_empty() && record.trace.is_empty() && record.fidelity.is_empty();
    if nothing && record.wording.is_none() {
        return None;
    }
    let trace: Vec<String> = record.trace.iter().map(ToString::to_string).collect();
    Some(request_detail::Model {
        id: text(&record.id, 64),
        at,
        attempts: json(&record.attempts),
        trace: json(&trace),
        fidelity: json(&record.fidelity),
        usages: record.wording.as_deref().map(usages),
    })
}

/// Both sides' usage objects as one JSON document, each as it was written. The writer is spared reading them: who reads
/// the document leaves out what is no JSON after all.
fn usages(wording: &Wording) -> String {
    let mut document = Vec::with_capacity(512);
    Writer::new(&mut document).object(|usages| {
        usages.array_in("upstream", |list| {
            let plain = wording.upstream.iter().filter(|raw| is_plain(raw));
            plain.for_each(|raw| list.item_raw(raw));
        });
        if let Some(told) = wording.client.as_deref().filter(|raw| is_plain(raw)) {
            usages.raw("client", told);
        }
    });
    // Made of texts.
    String::from_utf8(document).unwrap_or_default()
}

/// A control character is allowed nowhere in JSON but between values, and a NUL is refused by some databases.
fn is_plain(raw: &str) -> bool {
    let is_odd = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n');
    // To the end, which is quicker than asking after each byte whether to go on.
    !raw.bytes().fold(false, |odd, byte| odd | is_odd(byte))
}

fn sealed(record: &Record, at: i64, vault: &Vault) -> Option<capture::Model> {
    let held = record.capture.as_ref()?;
    if !held.is_wanted(record.outcome == Outcome::Ok) {
        return None;
    }
    let id = text(&record.id, 64);
    let sealed = vault.seal(Purpose::Capture, &capture_context(&id), &held.document());
    Some(capture::Model {
        id,
        at,
        bytes: sealed.len() as i64,
        sealed,
    })
}

/// A sealed capture belongs to its request.
#[must_use]
pub fn capture_context(id: &str) -> String {
    format!("captures/{id}")
}

/// At most `most` characters. A NUL is refused by some databases.
fn text(text: &str, most: usize) -> String {
    if text.len() <= most && !text.as_bytes().contains(&0) {
        return text.to_owned();
    }
    text.chars()
        .map(|letter| if letter == '\0' { '\u{fffd}' } else { letter })
        .take(most)
        .collect()
}

/// Labels between bars. Those that do not fit are left out whole.
fn barred(tags: &[std::sync::Arc<str>]) -> Option<String> {
    if tags.is_empty() {
        return None;
    }
    let mut barred = String::from("|");
    for tag in tags {
        let tag = text(&tag.replace('|', "/"), 64);
        if barred.chars().count() + tag.chars().count() < 255 {
            barred.push_str(&tag);
            barred.push('|');
        }
    }
    (barred.len() > 1).then_some(barred)
}

fn flags(usage: &Tokens) -> Option<String> {
    let names: Vec<&str> = usage.flags.iter().map(|flag| flag.as_str()).collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// Codes of what was changed, as many as fit whole.
fn codes(record: &Record) -> String {
    let mut codes = String::new();
    for change in &record.fidelity {
        let code = text(&change.code, 128);
        if codes.chars().count() + code.chars().count() >= 500 {
            break;
        }
        if !codes.is_empty() {
            codes.push(',');
        }
        codes.push_str(&code);
    }
    codes
}

fn json(value: &impl serde::Serialize) -> String {
    // Serialising plain data into memory cannot fail. A NUL is an escape in JSON, and some databases look inside.
    serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned())
}

fn count(count: u64) -> i64 {
    count.min(MOST) as i64
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
