//! Which time a question is about.

use super::problem::{Answer, Problem};
use crate::store::now_ms;
use crate::store::rollups::{DAY, HOUR};
use crate::store::statistics::MINUTE;

/// The longest time that can be asked about.
const LONGEST: i64 = 3 * 366 * DAY;

/// A time, from and before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Period {
    /// As said: from and to, or so long until now. A day when nothing is said.
    ///
    /// # Errors
    /// When it cannot be one.
    pub(super) fn of(from: Option<i64>, to: Option<i64>, range: Option<&str>) -> Answer<Self> {
        let to = to.unwrap_or_else(now_ms);
        let length = match range {
            None => DAY,
            Some(range) => span(range).ok_or_else(|| {
                Problem::invalid(
                    "range",
                    "this is no length of time",
                    "write it as 15m, 24h, 30d",
                )
            })?,
        };
        let from = from.unwrap_or_else(|| to.saturating_sub(length));
        let is_sound = from >= 0 && to > from && to.saturating_sub(from) <= LONGEST;
        if is_sound {
            Ok(Self { from, to })
        } else {
            Err(Problem::invalid(
                "from",
                "the time must begin before it ends and be no longer than three years",
                "give from and to in milliseconds since 1970, or a range such as 24h",
            ))
        }
    }

    /// The time of the same length before it.
    pub(super) const fn before(self) -> Self {
        Self {
            from: self.from.saturating_sub(self.to - self.from),
            to: self.from,
        }
    }
}

/// Milliseconds of `15m`, `24h`, `7d`.
pub(super) fn span(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        'm' => MINUTE,
        'h' => HOUR,
        'd' => DAY,
        _ => return None,
    };
    let number: i64 = text[..text.len() - 1].parse().ok()?;
    (number > 0)
        .then(|| number.checked_mul(unit))?
        .filter(|span| *span <= LONGEST)
}

/// The step of a name or a length of time.
///
/// # Errors
/// When it is none.
pub(super) fn step(text: Option<&str>) -> Answer<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    let known = match text {
        "minute" => Some(MINUTE),
        "hour" => Some(HOUR),
        "day" => Some(DAY),
        "week" => Some(7 * DAY),
        other => span(other),
    };
    known.map(Some).ok_or_else(|| {
        Problem::invalid(
            "step",
            "this is no step of time",
            "minute, hour, day, week, or such as 15m",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        assert_eq!(span("15m"), Some(15 * MINUTE));
        assert_eq!(span("30d"), Some(30 * DAY));
        for bad in [
            "",
            "m",
            "0h",
            "-1d",
            "1y",
            "999999999999999999d",
            "1.5h",
            "ü",
            "9000d",
        ] {
            assert_eq!(span(bad), None, "{bad}");
        }
        let period = Period::of(None, Some(10 * DAY), Some("2d")).expect("a time");
        assert_eq!((period.from, period.before().from), (8 * DAY, 6 * DAY));
        assert!(Period::of(Some(5), Some(5), None).is_err());
        assert!(Period::of(Some(i64::MIN), Some(i64::MAX), None).is_err());
        assert!(step(Some("fortnight")).is_err());
    }
}
