//! Names to addresses, remembered for a short while.
//!
//! The memory spares a thread of the blocking pool for every new connection to a busy provider. It is
//! no security boundary: the guard looks at each address again before it is dialled.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const KEEP: Duration = Duration::from_secs(20);
const MOST: usize = 256;

type Known = HashMap<Box<str>, (Instant, Arc<[IpAddr]>)>;

/// Resolves host names.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    known: Mutex<Known>,
}

impl Resolver {
    /// The addresses of a host, which may be an address itself.
    pub(super) async fn resolve(&self, host: &str, port: u16) -> io::Result<Arc<[IpAddr]>> {
        let bare = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Arc::new([address]));
        }
        if let Some(found) = self.remembered(bare) {
            return Ok(found);
        }
        let found: Arc<[IpAddr]> = tokio::net::lookup_host((bare, port))
            .await?
            .map(|address: SocketAddr| address.ip())
            .collect();
        self.remember(bare, &found);
        Ok(found)
    }

    fn remembered(&self, host: &str) -> Option<Arc<[IpAddr]>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, found) = known.get(host)?;
        (at.elapsed() < KEEP).then(|| Arc::clone(found))
    }

    fn remember(&self, host: &str, found: &Arc<[IpAddr]>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (at, _)| at.elapsed() < KEEP);
            if known.len() >= MOST {
                known.clear();
            }
        }
        known.insert(host.into(), (Instant::now(), Arc::clone(found)));
    }
}
