//! What operators see: log lines and metrics. Knows records, never requests.

mod logging;
mod metrics;

pub use logging::{LevelChange, change_level as change_log_level, init as init_logging};
pub use metrics::{Gauges, Metrics};
