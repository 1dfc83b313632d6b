//! Events of the hub as they happen: a stream that is opened again when it ends, for as long as somebody listens.
//! Knows the form of server-sent events, and nothing of what they tell.

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
            Err(failure) if is_final(&failure) => return Err(failure),
            Err(failure) => failure,
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

/// Asking again changes nothing about these.
fn is_final(failure: &Failure) -> bool {
    failure.is_quiet() || matches!(failure.kind(), Kind::Denied | Kind::NotFound | Kind::Usage)
}

async fn once(
    client: &Client,
    call: &Call,
    listener: &mut impl FnMut(Heard) -> Ended<Attention>,
) -> Ended<Attention> {
    let mut response = client.open(call).await?;
    if listener(Heard::Open)? == Attention::Enough {
        return Ok(Attention::Enough);
    }
    let mut decoder = Decoder::default();
    loop {
        let chunk = timeout(SILENCE, response.chunk()).await;
        let silent = || Failure::new(Kind::Unreachable, "the hub has fallen silent");
        let chunk = chunk
            .map_err(|_| silent())?
            .map_err(|_| Failure::new(Kind::Unreachable, "the stream of events broke off"))?;
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
        fed.map_err(|error| Failure::failed(error.to_string()))?;
        if ended? == Attention::Enough {
            return Ok(Attention::Enough);
        }
    }
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
}
