//! What each client key uses: requests, tokens, places, money; counted against what it may use.
//!
//! In memory, and kept by the key's id, so that a change of configuration loses nothing. What a request may come
//! to use is reserved before it goes anywhere and settled when it is over; a reservation that is dropped gives
//! everything back. Clocks are passed in: a monotonic one for the minute, the wall's for days and months.

mod elsewhere;
mod meter;
mod meters;
mod period;
mod purse;
mod refusal;
mod reservation;
mod window;

#[cfg(test)]
mod tests;

pub use meter::{Demand, Meter, Moment, Room, Standing};
pub use meters::{Due, Meters};
pub use period::Period;
pub use purse::Delta;
pub use refusal::Refusal;
pub use reservation::{Reservation, Spend};
