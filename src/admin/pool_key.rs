//! One key of a pool as it stands: masked, with what traffic has done to it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use poem_openapi::Object;

use crate::pool::KeyStats;

/// What traffic has done to a key since the hub started.
#[derive(Clone, Debug, Default, PartialEq, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct KeyLive {
    /// `active`, `cooling`, `half-open` (it has rested, and the next call shows whether that was enough),
    /// `quarantined`, or `disabled`.
    pub state: String,
    /// Calls in flight.
    pub in_flight: u64,
    /// Settled calls.
    pub total: u64,
    /// Of these, answered below 400.
    pub successful: u64,
    /// The others.
    pub failed: u64,
    /// `successful / total`, 0 to 1; absent before the first call.
    pub success_rate: Option<f64>,
    /// How often each status came.
    pub status_codes: BTreeMap<String, u64>,
    /// When a call with it last ended, in milliseconds since 1970.
    pub last_used: Option<i64>,
    /// The status of the last call that failed; 0 when no answer came.
    pub last_error: Option<u16>,
    /// Seconds until it may be used again.
    pub cooling_seconds: Option<u64>,
    /// The status that set it aside.
    pub quarantined_by: Option<u16>,
}

impl From<&KeyStats> for KeyLive {
    fn from(stats: &KeyStats) -> Self {
        let millis = |time: SystemTime| {
            time.duration_since(SystemTime::UNIX_EPOCH)
                .ok()
                .and_then(|since| i64::try_from(since.as_millis()).ok())
        };
        Self {
            state: stats.state.to_owned(),
            in_flight: stats.in_flight as u64,
            total: stats.total,
            successful: stats.successful,
            failed: stats.failed,
            success_rate: stats.success_rate,
            status_codes: stats
                .status_codes
                .iter()
                .map(|(status, count)| (status.to_string(), *count))
                .collect(),
            last_used: stats.last_used.and_then(millis),
            last_error: stats.last_error,
            cooling_seconds: stats.cooling_seconds,
            quarantined_by: stats.quarantined_by,
        }
    }
}

/// A key of a pool.
#[derive(Clone, Debug, Object)]
pub(super) struct PoolKey {
    /// Names it in calls; the mask of a key that a file owns.
    pub id: String,
    /// The masked key.
    pub key: String,
    /// What the operator calls it.
    pub label: String,
    /// Its share where the pool chooses keys by weight; one of 0 is used when no other can be.
    pub weight: u32,
    /// Whether it is in use.
    pub enabled: bool,
    #[oai(flatten)]
    pub live: KeyLive,
}

impl PoolKey {
    /// With what is known of it from traffic.
    pub(super) fn of(
        id: &str,
        mask: &str,
        label: &str,
        weight: u32,
        enabled: bool,
        stats: Option<&KeyStats>,
    ) -> Self {
        let mut live = stats.map(KeyLive::from).unwrap_or_default();
        if !enabled {
            "disabled".clone_into(&mut live.state);
        } else if live.state.is_empty() {
            "active".clone_into(&mut live.state);
        }
        Self {
            id: id.to_owned(),
            key: mask.to_owned(),
            label: label.to_owned(),
            weight,
            enabled,
            live,
        }
    }

    /// Whether it can be called with, now or after a rest.
    pub(super) fn is_usable(&self) -> bool {
        self.enabled && self.live.state != "quarantined"
    }
}
