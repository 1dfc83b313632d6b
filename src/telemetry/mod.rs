//! What operators see: log lines, metrics and traces. Knows records, never requests.

mod exporter;
mod logging;
mod metrics;
mod otlp_endpoint;
mod semconv;
mod spans;

pub use exporter::{Exporter, SpanCounts, SpanOutlet, to_collector};
pub use logging::{LevelChange, change_level as change_log_level, init as init_logging};
pub use metrics::{Gauges, Metrics};
pub use otlp_endpoint::OtlpEndpoint;
