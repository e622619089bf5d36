//! Rate limit of refused requests. Signed hooks and valid links never count, from any client: Kommo may use few
//! addresses, and sends each hook once. So each request is checked first, at a cost that the listener bounds anyway,
//! and only refused ones count. A client with too many gets 429 instead of the reason, and does not fill the log.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::time::Instant;

use crate::serve::{log_throttle::LogThrottle, peer::network};

/// How many refused requests of one client within [`WINDOW`] get the reason.
const PER_CLIENT: u32 = 60;
const WINDOW: Duration = Duration::from_mins(1);
/// How many clients are counted separately. All others count as one.
const CLIENTS: usize = 4096;

/// Counts refused requests in the current window.
#[derive(Debug, Default)]
pub struct RefusalLimiter {
    counts: Mutex<Counts>,
    logged: LogThrottle,
}

#[derive(Debug, Default)]
struct Counts {
    began: Option<Instant>,
    of: HashMap<IpAddr, u32>,
    of_others: u32,
}

impl RefusalLimiter {
    /// Counts a refused request of `client`. Returns whether it is one too many.
    pub fn is_one_too_many(&self, client: IpAddr) -> bool {
        let client = network(client);
        let is_too_many = self.counts.lock().unwrap_or_else(PoisonError::into_inner).add(client, Instant::now());
        if is_too_many && let Some(requests) = self.logged.add(1) {
            tracing::warn!(%client, requests, "a client sends many refused requests: hooks without a valid signature, \
                wrong links or wrong secrets");
        }
        is_too_many
    }
}

impl Counts {
    fn add(&mut self, client: IpAddr, now: Instant) -> bool {
        if self.began.is_none_or(|began| now.duration_since(began) >= WINDOW) {
            *self = Self { began: Some(now), ..Self::default() };
        }
        let is_known = self.of.len() < CLIENTS || self.of.contains_key(&client);
        let count = if is_known { self.of.entry(client).or_default() } else { &mut self.of_others };
        *count = count.saturating_add(1);
        *count > PER_CLIENT
    }
}

/// The response to a client with too many refused requests.
pub(super) fn too_many() -> Response {
    let text = "too many requests that are neither signed hooks nor valid links\n";
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, WINDOW.as_secs().to_string())], text).into_response()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn times(refusals: &RefusalLimiter, client: &str, count: u32) -> u32 {
        let client = client.parse().unwrap();
        (0..count).map(|_| u32::from(refusals.is_one_too_many(client))).sum()
    }

    #[tokio::test(start_paused = true)]
    async fn each_client_has_a_number_of_refusals_a_minute_of_its_own() {
        let refusals = RefusalLimiter::default();
        assert_eq!(times(&refusals, "192.0.2.1", PER_CLIENT + 10), 10);
        assert_eq!(times(&refusals, "192.0.2.2", PER_CLIENT), 0);
        assert_eq!(times(&refusals, "2001:db8:1:2::1", PER_CLIENT), 0);
        assert_eq!(times(&refusals, "2001:db8:1:2:3::4", 1), 1, "the same network");
        tokio::time::advance(WINDOW).await;
        assert_eq!(times(&refusals, "192.0.2.1", PER_CLIENT), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attacker_with_many_addresses_fills_no_memory_and_blocks_no_known_client() {
        let refusals = RefusalLimiter::default();
        assert_eq!(times(&refusals, "192.0.2.1", 1), 0);
        for site in 0..3 * CLIENTS as u128 {
            refusals.is_one_too_many(Ipv6Addr::from_bits(site << 64).into());
        }
        assert_eq!(refusals.counts.lock().unwrap().of.len(), CLIENTS);
        assert_eq!(times(&refusals, "192.0.2.1", PER_CLIENT), 1);
        assert_eq!(times(&refusals, "192.0.2.2", 1), 1, "one of the others");
    }
}
