//! The other hubs: who is there, and what they said last. Knows no network; the clock is passed in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::pool::news::{News, Subject};

/// Who has said nothing new for this long is gone.
const SILENCE: Duration = Duration::from_secs(3);
/// Who has said nothing for this long is struck off.
const ABSENCE: Duration = Duration::from_secs(60);
/// More than this says no hub: 20,000 busy client keys are a tenth of it.
const LARGEST: usize = 32 << 20;

/// What a hub writes: its news, under a number that changes each time, so that nobody has to compare clocks.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) count: u64,
    pub(super) news: News,
}

#[derive(Debug)]
struct Peer {
    count: u64,
    changed: Instant,
    /// The last of its resets that was taken over.
    reset: u64,
}

/// The other hubs.
#[derive(Debug, Default)]
pub(super) struct Peers {
    known: HashMap<String, Peer>,
}

/// What the others say now.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Of everyone who is there.
    pub(super) news: Vec<News>,
    /// Resets that were not heard before.
    pub(super) resets: Vec<Subject>,
    /// Who is to be struck off.
    pub(super) gone: Vec<String>,
}

impl Peers {
    /// Takes in what all others have written, by their ids. What cannot be read says nothing.
    pub(super) fn take<'a>(
        &mut self,
        reports: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        now: Instant,
    ) -> Heard {
        let mut heard = Heard::default();
        for (id, bytes) in reports {
            let report = Some(bytes)
                .filter(|bytes| bytes.len() <= LARGEST)
                .and_then(|bytes| serde_json::from_slice::<Report>(bytes).ok())
                .unwrap_or_default();
            let newest = report.news.resets.iter().map(|reset| reset.serial).max();
            let peer = self.known.entry(id.to_owned()).or_insert(Peer {
                count: report.count,
                changed: now,
                reset: newest.unwrap_or(0),
            });
            if peer.count != report.count {
                peer.count = report.count;
                peer.changed = now;
            }
            let silent = now.saturating_duration_since(peer.changed);
            if silent >= ABSENCE {
                heard.gone.push(id.to_owned());
            }
            if silent >= SILENCE {
                continue;
            }
            let last = peer.reset;
            peer.reset = newest.unwrap_or(0).max(last);
            let mut news = report.news;
            let resets = std::mem::take(&mut news.resets);
            let fresh = resets.into_iter().filter(|reset| reset.serial > last);
            heard.resets.extend(fresh.map(|reset| reset.what));
            heard.news.push(news);
        }
        for id in &heard.gone {
            self.known.remove(id);
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::news::{OpenBreaker, Reset};

    fn report(count: u64, resets: &[u64]) -> Vec<u8> {
        let what = Subject::Keys {
            pool: "p".to_owned(),
            key: None,
        };
        let resets = resets.iter().map(|serial| Reset {
            serial: *serial,
            what: what.clone(),
        });
        let news = News {
            open: vec![OpenBreaker {
                provider: "a".into(),
                model: "m".into(),
                left_ms: 5,
            }],
            resets: resets.collect(),
            ..News::default()
        };
        serde_json::to_vec(&Report { count, news }).expect("plain data")
    }

    #[test]
    fn who_says_nothing_new_is_gone() {
        let mut peers = Peers::default();
        let start = Instant::now();
        let one = report(1, &[]);
        let said = |peers: &mut Peers, bytes: &[u8], after: u64| {
            let at = start + Duration::from_secs(after);
            let heard = peers.take([("b", bytes)], at);
            (heard.news.len(), heard.gone.len())
        };
        assert_eq!(said(&mut peers, &one, 0), (1, 0));
        assert_eq!(said(&mut peers, &one, 2), (1, 0));
        assert_eq!(said(&mut peers, &one, 4), (0, 0), "silent");
        assert_eq!(said(&mut peers, &report(2, &[]), 5), (1, 0), "back");
        assert_eq!(said(&mut peers, &report(2, &[]), 66), (0, 1), "struck off");
    }

    #[test]
    fn each_reset_is_heard_once() {
        let mut peers = Peers::default();
        let now = Instant::now();
        let resets = |peers: &mut Peers, bytes: &[u8]| peers.take([("b", bytes)], now).resets.len();
        assert_eq!(
            resets(&mut peers, &report(1, &[4])),
            0,
            "before this hub was there"
        );
        assert_eq!(resets(&mut peers, &report(2, &[4, 5, 6])), 2);
        assert_eq!(resets(&mut peers, &report(3, &[4, 5, 6])), 0);
        assert_eq!(resets(&mut peers, &report(4, &[])), 0);
        assert_eq!(resets(&mut peers, &report(5, &[7])), 1);
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        let mut peers = Peers::default();
        let heard = peers.take(
            [("b", &b"{\"count\": \"x\"}"[..]), ("c", b"\xff")],
            Instant::now(),
        );
        assert!(heard.news.iter().all(|news| *news == News::default()));
        assert!(heard.resets.is_empty());
    }
}
