//! Days and months of UTC, in which money is counted. There is no other calendar here: no time zone, no daylight
//! saving, so that a day always has 24 hours and every hub agrees on which one it is.

use std::fmt;
use std::time::Duration;

use time::{Date, Month, OffsetDateTime, Time};

/// A day or a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// A day.
    Day(Date),
    /// The month that begins with this day.
    Month(Date),
}

impl Period {
    /// The day at this time, in milliseconds since 1970.
    #[must_use]
    pub fn day(wall_ms: i64) -> Self {
        Self::Day(date(wall_ms))
    }

    /// The month at this time.
    #[must_use]
    pub fn month(wall_ms: i64) -> Self {
        Self::Month(first_of_month(date(wall_ms)))
    }

    /// How long until it is over.
    #[must_use]
    pub fn rest(self, wall_ms: i64) -> Duration {
        let next = match self {
            Self::Day(date) => date.next_day(),
            Self::Month(first) => next_month(first),
        };
        let Some(next) = next else {
            return Duration::ZERO;
        };
        let end = next.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp();
        let rest = end.saturating_mul(1_000).saturating_sub(wall_ms);
        Duration::from_millis(u64::try_from(rest).unwrap_or(0))
    }

    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let year = parts.next()?.parse().ok()?;
        let month = Month::try_from(parts.next()?.parse::<u8>().ok()?).ok()?;
        let period = match parts.next() {
            Some(day) => Self::Day(Date::from_calendar_date(year, month, day.parse().ok()?).ok()?),
            None => Self::Month(Date::from_calendar_date(year, month, 1).ok()?),
        };
        parts.next().is_none().then_some(period)
    }

    /// How far two periods lie apart, in days.
    pub(super) fn distance(self, other: Self) -> u32 {
        let day = |period| match period {
            Self::Day(date) | Self::Month(date) => date.to_julian_day(),
        };
        day(self).abs_diff(day(other))
    }

    /// `day` or `month`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Day(_) => "day",
            Self::Month(_) => "month",
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Day(date) | Self::Month(date)) = self;
        write!(f, "{:04}-{:02}", date.year(), u8::from(date.month()))?;
        match self {
            Self::Day(date) => write!(f, "-{:02}", date.day()),
            Self::Month(_) => Ok(()),
        }
    }
}

/// A clock beyond the calendar is a broken one, and shows its first day.
fn date(wall_ms: i64) -> Date {
    OffsetDateTime::from_unix_timestamp(wall_ms.div_euclid(1_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .date()
}

fn first_of_month(date: Date) -> Date {
    date.replace_day(1).unwrap_or(date)
}

fn next_month(first: Date) -> Option<Date> {
    // 31 days behind the first of a month lies the next one, whatever its length.
    let behind = first.checked_add(time::Duration::days(31))?;
    Some(first_of_month(behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        let format = &time::format_description::well_known::Rfc3339;
        let time = OffsetDateTime::parse(text, format).expect("a time");
        time.unix_timestamp() * 1_000 + i64::from(time.millisecond())
    }

    #[test]
    fn days_and_months_end_where_the_calendar_says() {
        for (now, day, month, day_rest, month_rest) in [
            ("2026-11-30T23:59:59.999Z", "2026-11-30", "2026-11", 1, 1),
            (
                "2026-12-31T23:00:00Z",
                "2026-12-31",
                "2026-12",
                3_600_000,
                3_600_000,
            ),
            (
                "2027-01-31T00:00:00Z",
                "2027-01-31",
                "2027-01",
                86_400_000,
                86_400_000,
            ),
            (
                "2028-02-28T12:00:00Z",
                "2028-02-28",
                "2028-02",
                43_200_000,
                129_600_000,
            ),
            (
                "2027-02-28T12:00:00Z",
                "2027-02-28",
                "2027-02",
                43_200_000,
                43_200_000,
            ),
            // Clocks change in Europe and America; nothing changes here.
            (
                "2026-03-29T01:00:00Z",
                "2026-03-29",
                "2026-03",
                82_800_000,
                255_600_000,
            ),
            (
                "2026-11-01T05:00:00Z",
                "2026-11-01",
                "2026-11",
                68_400_000,
                2_574_000_000,
            ),
        ] {
            let now = at(now);
            for (period, name, rest) in [
                (Period::day(now), day, day_rest),
                (Period::month(now), month, month_rest),
            ] {
                assert_eq!(period.to_string(), name);
                assert_eq!(period.rest(now), Duration::from_millis(rest), "{name}");
                assert_eq!(Period::parse(name), Some(period));
            }
        }
        assert_eq!(Period::day(-1).to_string(), "1969-12-31");
        for absurd in [i64::MIN, i64::MAX] {
            assert_eq!(Period::month(absurd).to_string(), "1970-01");
        }
        for bad in ["", "2026", "2026-13", "2026-02-30", "2026-1-1-1", "x-1"] {
            assert_eq!(Period::parse(bad), None, "{bad}");
        }
    }
}
