//! What a client key has spent, by day and month, and what of that the database does not know yet.

use super::period::Period;

/// Days, and months, that are remembered: the present one, and those around it, should the clock jump.
const REMEMBERED: usize = 4;

/// What is added to a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Billionths of a US dollar.
    pub nano_usd: i64,
    /// Tokens, input and output.
    pub tokens: i64,
    /// Requests that were let in.
    pub requests: i64,
}

impl Delta {
    pub(super) fn add(&mut self, more: Self) {
        self.nano_usd = self.nano_usd.saturating_add(more.nano_usd);
        self.tokens = self.tokens.saturating_add(more.tokens);
        self.requests = self.requests.saturating_add(more.requests);
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// One period.
#[derive(Debug)]
struct Line {
    period: Period,
    /// What the database said last, which may hold what other hubs have spent.
    written: i64,
    /// On its way to the database.
    writing: Delta,
    /// Still to be written.
    unwritten: Delta,
    /// What requests in flight may come to cost.
    reserved: i64,
}

impl Line {
    fn bounce(&mut self) {
        let back = std::mem::take(&mut self.writing);
        self.unwritten.add(back);
    }

    /// Nothing is reserved and the database knows everything.
    fn is_quiet(&self) -> bool {
        self.reserved == 0 && self.writing.is_nothing() && self.unwritten.is_nothing()
    }
}

/// What a client key has spent.
#[derive(Debug, Default)]
pub(super) struct Purse {
    lines: Vec<Line>,
}

impl Purse {
    /// What was spent in a period, and what is reserved on top.
    pub(super) fn of(&self, period: Period) -> (i64, i64) {
        let line = self.lines.iter().find(|line| line.period == period);
        line.map_or((0, 0), |line| {
            let own = line
                .writing
                .nano_usd
                .saturating_add(line.unwritten.nano_usd);
            (line.written.saturating_add(own), line.reserved)
        })
    }

    pub(super) fn reserve(&mut self, period: Period, amount: i64) {
        let line = self.line(period);
        line.reserved = line.reserved.saturating_add(amount);
    }

    /// Gives a reservation back.
    pub(super) fn release(&mut self, period: Period, amount: i64) {
        let line = self.line(period);
        line.reserved = line.reserved.saturating_sub(amount).max(0);
    }

    pub(super) fn spend(&mut self, period: Period, delta: Delta) {
        self.line(period).unwritten.add(delta);
    }

    /// What has to be written, from now on on its way. What is still on its way is not given twice.
    pub(super) fn collect(&mut self, mut take: impl FnMut(Period, Delta)) {
        for line in &mut self.lines {
            if line.writing.is_nothing() && !line.unwritten.is_nothing() {
                line.writing = std::mem::take(&mut line.unwritten);
                take(line.period, line.writing);
            }
        }
    }

    /// What was on its way has arrived.
    pub(super) fn arrived(&mut self, period: Period) {
        let line = self.line(period);
        line.written = line.written.saturating_add(line.writing.nano_usd);
        line.writing = Delta::default();
    }

    /// What was on its way did not arrive.
    pub(super) fn bounced(&mut self, period: Period) {
        self.line(period).bounce();
    }

    /// Nothing of what was on its way is known to have arrived.
    pub(super) fn all_bounced(&mut self) {
        self.lines.iter_mut().for_each(Line::bounce);
    }

    /// What the database holds. Not while something is on its way: nobody knows whether it is counted in.
    pub(super) fn known(&mut self, period: Period, total: i64) {
        let line = self.line(period);
        if line.writing.is_nothing() {
            line.written = total;
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.lines.iter().all(Line::is_quiet)
    }

    fn line(&mut self, period: Period) -> &mut Line {
        if let Some(at) = self.lines.iter().position(|line| line.period == period) {
            return &mut self.lines[at];
        }
        self.forget_far_from(period);
        self.lines.push(Line {
            period,
            written: 0,
            writing: Delta::default(),
            unwritten: Delta::default(),
            reserved: 0,
        });
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }

    /// Makes room: of this kind of period the one farthest off goes, unless something is under way in it.
    fn forget_far_from(&mut self, now: Period) {
        let alike = |line: &Line| line.period.kind() == now.kind();
        if self.lines.iter().filter(|line| alike(line)).count() < REMEMBERED {
            return;
        }
        let farthest = self
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| alike(line) && line.is_quiet())
            .max_by_key(|(_, line)| line.period.distance(now));
        if let Some((at, _)) = farthest {
            self.lines.swap_remove(at);
        }
    }
}
