//! Several calls at once, in the task of the request.

use std::future::{Future, poll_fn};
use std::task::Poll;

/// What came of one call.
enum Slot<F, T> {
    Running(std::pin::Pin<Box<F>>),
    Done(T),
}

/// Waits until all have succeeded, in their order, or for the first failure: which one, and why. The others are
/// dropped then, which cancels their calls.
pub(super) async fn all<F, T, E>(calls: impl Iterator<Item = F>) -> Result<Vec<T>, (usize, E)>
where
    F: Future<Output = Result<T, E>>,
{
    let mut slots: Vec<Slot<F, T>> = calls.map(|call| Slot::Running(Box::pin(call))).collect();
    poll_fn(|cx| {
        let mut running = false;
        for (index, slot) in slots.iter_mut().enumerate() {
            let Slot::Running(call) = slot else { continue };
            match call.as_mut().poll(cx) {
                Poll::Pending => running = true,
                Poll::Ready(Ok(value)) => *slot = Slot::Done(value),
                Poll::Ready(Err(error)) => return Poll::Ready(Err((index, error))),
            }
        }
        if running {
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    })
    .await?;
    let done = slots.into_iter().filter_map(|slot| match slot {
        Slot::Done(value) => Some(value),
        Slot::Running(_) => None,
    });
    Ok(done.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn after(ms: u64, result: Result<u64, &'static str>) -> Result<u64, &'static str> {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        result
    }

    #[tokio::test]
    async fn the_order_is_that_of_the_calls() {
        let calls = [30, 10, 20].map(|ms| after(ms, Ok(ms)));
        assert_eq!(all(calls.into_iter()).await, Ok(vec![30, 10, 20]));
    }

    #[tokio::test]
    async fn the_first_failure_ends_it() {
        let calls = [after(3_600_000, Ok(1)), after(1, Err("no"))];
        let started = std::time::Instant::now();
        assert_eq!(all(calls.into_iter()).await, Err((1, "no")));
        assert!(started.elapsed() < Duration::from_secs(60));
    }
}
