//! What was used in the last minute, second by second.

/// Seconds that count. One more than a minute has, so that no minute, wherever it begins, holds more than the limit.
pub(super) const SECONDS: u64 = 61;

/// Amounts by the second in which they were used. Seconds come from a monotonic clock.
#[derive(Debug)]
pub(super) struct Window {
    slots: [u64; SECONDS as usize],
    newest: u64,
    sum: u64,
}

impl Window {
    pub(super) const fn new() -> Self {
        Self {
            slots: [0; SECONDS as usize],
            newest: 0,
            sum: 0,
        }
    }

    /// What was used in the minute before this second, and in it.
    pub(super) fn used(&mut self, second: u64) -> u64 {
        self.advance(second);
        self.sum
    }

    pub(super) fn add(&mut self, second: u64, amount: u64) {
        self.advance(second);
        let slot = &mut self.slots[place(self.newest)];
        let room = u64::MAX - self.sum;
        *slot += amount.min(room);
        self.sum += amount.min(room);
    }

    /// Seconds until no more than `most` is left of what was used here and, where there is one, in another window;
    /// at least one.
    pub(super) fn wait(&mut self, other: Option<&mut Self>, second: u64, most: u64) -> u64 {
        self.advance(second);
        let other = other.map(|other| {
            other.advance(self.newest);
            &*other
        });
        // From the present second back: what was used last leaves last, and is mostly too much already.
        let mut held = 0_u64;
        for age in 0..SECONDS {
            held = held
                .saturating_add(self.aged(age))
                .saturating_add(other.map_or(0, |other| other.aged(age)));
            if held > most {
                return SECONDS - age;
            }
        }
        1
    }

    /// What was used so many seconds ago.
    const fn aged(&self, age: u64) -> u64 {
        self.slots[place(self.newest + SECONDS - age)]
    }

    /// What was used, by how many seconds ago; only seconds in which something was.
    pub(super) fn by_age(&mut self, second: u64) -> Vec<(u8, u64)> {
        self.advance(second);
        let ages = 0..SECONDS.min(self.newest + 1);
        ages.filter_map(|age| {
            let amount = self.slots[place(self.newest - age)];
            Some((u8::try_from(age).ok()?, amount)).filter(|(_, amount)| *amount > 0)
        })
        .collect()
    }

    /// Adds what was used some seconds ago; nothing when that is too long ago.
    pub(super) fn add_at(&mut self, second: u64, age: u8, amount: u64) {
        self.advance(second);
        let age = u64::from(age);
        if age >= SECONDS || age > self.newest {
            return;
        }
        let amount = amount.min(u64::MAX - self.sum);
        self.slots[place(self.newest - age)] += amount;
        self.sum += amount;
    }

    /// Forgets what lies more than a minute back. A second that was already left does not come again.
    fn advance(&mut self, second: u64) {
        if second <= self.newest {
            return;
        }
        let passed = (second - self.newest).min(SECONDS);
        for step in 1..=passed {
            let slot = &mut self.slots[place(self.newest + step)];
            self.sum -= *slot;
            *slot = 0;
        }
        self.newest = second;
    }
}

/// The remainder is below 61.
const fn place(second: u64) -> usize {
    (second % SECONDS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_leaves_after_a_minute() {
        let mut window = Window::new();
        for second in [0, 30, 59] {
            window.add(second, 10);
        }
        for (second, used) in [
            (59, 30),
            (60, 30),
            (61, 20),
            (90, 20),
            (91, 10),
            (119, 10),
            (120, 0),
        ] {
            assert_eq!(window.used(second), used, "second {second}");
        }
        window.add(121, 5);
        assert_eq!(window.used(10_000_000), 0, "a long silence");
        window.add(10_000_000, u64::MAX);
        window.add(10_000_000, 7);
        assert_eq!(
            window.used(10_000_001),
            u64::MAX,
            "absurd amounts do not wrap"
        );
        assert_eq!(window.used(10_000_061), 0);
    }

    #[test]
    fn the_wait_is_as_long_as_needed_and_no_longer() {
        let mut window = Window::new();
        for second in [100, 110, 120] {
            window.add(second, 10);
        }
        for (most, wait) in [(30, 1), (29, 41), (20, 41), (10, 51), (9, 61), (0, 61)] {
            assert_eq!(window.wait(None, 120, most), wait, "{most}");
            assert!(most == 30 || window_of(&[100, 110, 120]).used(120 + wait - 1) > most);
            assert!(window_of(&[100, 110, 120]).used(120 + wait) <= most);
        }
    }

    fn window_of(seconds: &[u64]) -> Window {
        let mut window = Window::new();
        for second in seconds {
            window.add(*second, 10);
        }
        window
    }
}
