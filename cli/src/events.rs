//! Events of the hub as they happen: a stream that is opened again when it ends, for as long as somebody listens and
//! the hub may yet say yes. Knows the form of server-sent events, and nothing of what they tell.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use translator::sse::Decoder;

use crate::client::{Call, Client};
use crate::failure::{Ended, Failure, Kind};

/// The hub gives a sign of life every 15 seconds: twice that without one means that nobody is there.
const SILENCE: Duration = Duration::from_secs(35);
/// The first pause before a stream is opened again; each further one is twice as long, up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(15);

/// What a listener is told.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The stream is open.
    Open,
    /// An event, by its name.
    Event(String, Value),
    /// The stream ended; it is opened again after this time.
    Lost(Failure, Duration),
}

/// Whether the listener goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attention {
    /// Yes.
    More,
    /// No.
    Enough,
}

/// Listens until the listener has enough, or the hub refuses for good.
pub(crate) async fn follow(
    client: &Client,
    call: &Call,
    mut listener: impl FnMut(Heard) -> Ended<Attention>,
) -> Ended {
    let mut pause = FIRST_PAUSE;
    loop {
        let since = Instant::now();
        let failure = match once(client, call, &mut listener).await {
            Ok(Attention::Enough) => return Ok(()),
            // The hub ends each stream after a while, so that none outlives a session: that is no failure.
            Ok(Attention::More) if since.elapsed() > LAST_PAUSE => continue,
            Ok(Attention::More) => Failure::new(Kind::Unreachable, "the hub has hung up"),
            Err(Cut::Listener(failure)) => return Err(failure),
            Err(Cut::Stream(failure)) if is_final(&failure) => return Err(failure),
            Err(Cut::Stream(failure)) => failure,
        };
        if since.elapsed() > LAST_PAUSE {
            pause = FIRST_PAUSE;
        }
        if listener(Heard::Lost(failure, pause))? == Attention::Enough {
            return Ok(());
        }
        sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Why a stream ended before its time.
enum Cut {
    /// The listener cannot go on: the stream has no part in it.
    Listener(Failure),
    /// The hub, or the way to it.
    Stream(Failure),
}

/// Asking again changes nothing about these: whatever the hub refuses or sends elsewhere, but for what it asks to be
/// tried later.
fn is_final(failure: &Failure) -> bool {
    const LATER: [u16; 3] = [408, 425, 429];
    match failure.status() {
        Some(status) => (300..500).contains(&status) && !LATER.contains(&status),
        None => matches!(failure.kind(), Kind::Denied | Kind::NotFound | Kind::Usage),
    }
}

async fn once(
    client: &Client,
    call: &Call,
    listener: &mut impl FnMut(Heard) -> Ended<Attention>,
) -> Result<Attention, Cut> {
    let mut response = client.open(call).await.map_err(Cut::Stream)?;
    if listener(Heard::Open).map_err(Cut::Listener)? == Attention::Enough {
        return Ok(Attention::Enough);
    }
    let mut decoder = Decoder::default();
    loop {
        let chunk = piece(&mut response).await.map_err(Cut::Stream)?;
        let Some(chunk) = chunk else {
            return Ok(Attention::More);
        };
        let mut ended = Ok(Attention::More);
        let fed = decoder.feed(&chunk, |frame| {
            if matches!(ended, Ok(Attention::More)) {
                let value = serde_json::from_str(frame.data).unwrap_or(Value::Null);
                ended = listener(Heard::Event(frame.event.to_owned(), value));
            }
        });
        fed.map_err(|error| Cut::Stream(Failure::failed(error.to_string())))?;
        if ended.map_err(Cut::Listener)? == Attention::Enough {
            return Ok(Attention::Enough);
        }
    }
}

/// The next piece, unless the hub has fallen silent.
async fn piece(response: &mut reqwest::Response) -> Ended<Option<bytes::Bytes>> {
    let chunk = timeout(SILENCE, response.chunk()).await;
    chunk
        .map_err(|_| Failure::new(Kind::Unreachable, "the hub has fallen silent"))?
        .map_err(|_| Failure::new(Kind::Unreachable, "the stream of events broke off"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asking_again_does_not_change_ends_it() {
        let is_final = |kind| super::is_final(&Failure::new(kind, "no"));
        assert!(is_final(Kind::Denied) && is_final(Kind::NotFound));
        assert!(!is_final(Kind::Unreachable) && !is_final(Kind::Failed));
    }

    #[test]
    fn a_refusal_is_final_unless_the_hub_asks_for_patience() {
        let is_final = |status| super::is_final(&Failure::failed("no").of_answer(status, "", None));
        for status in [307, 400, 401, 404, 409, 413, 422] {
            assert!(is_final(status), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert!(!is_final(status), "{status}");
        }
    }
}
