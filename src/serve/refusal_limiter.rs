//! How often somebody may ask for what is refused.
//!
//! Signed hooks and good links are never counted, from any client: Kommo may come from few addresses, and sends each
//! hook once. So a request is looked at first, at the cost that the listener bounds anyway, and only one that is
//! refused is counted. A client that has too many gets 429 in place of the reason, and does not fill the log.

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

/// How many requests of one client are refused within [`WITHIN`] with the reason.
const PER_CLIENT: u32 = 60;
const WITHIN: Duration = Duration::from_mins(1);
/// How many clients are known at the same time. Beyond, all others count as one.
const CLIENTS: usize = 4096;

/// The refused requests of the last while.
#[derive(Debug, Default)]
pub struct RefusalLimiter {
    counts: Mutex<Counts>,
    said: LogThrottle,
}

#[derive(Debug, Default)]
struct Counts {
    began: Option<Instant>,
    of: HashMap<IpAddr, u32>,
    of_others: u32,
}

impl RefusalLimiter {
    /// A request of `client` is refused. Returns whether it is one too many.
    pub fn is_one_too_many(&self, client: IpAddr) -> bool {
        let client = network(client);
        let is_too_many = self.counts.lock().unwrap_or_else(PoisonError::into_inner).add(client, Instant::now());
        if is_too_many && let Some(requests) = self.said.said(1) {
            tracing::warn!(%client, requests, "a client sends many requests that are refused: hooks without our \
                signature, links or secrets that are none");
        }
        is_too_many
    }
}

impl Counts {
    fn add(&mut self, client: IpAddr, now: Instant) -> bool {
        if self.began.is_none_or(|began| now.duration_since(began) >= WITHIN) {
            *self = Self { began: Some(now), ..Self::default() };
        }
        let is_known = self.of.len() < CLIENTS || self.of.contains_key(&client);
        let count = if is_known { self.of.entry(client).or_default() } else { &mut self.of_others };
        *count = count.saturating_add(1);
        *count > PER_CLIENT
    }
}

/// The answer to a client that has too many.
pub(super) fn too_many() -> Response {
    let text = "too many requests that are neither signed hooks nor good links\n";
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, WITHIN.as_secs().to_string())], text).into_response()
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
        tokio::time::advance(WITHIN).await;
        assert_eq!(times(&refusals, "192.0.2.1", PER_CLIENT), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attacker_with_many_addresses_fills_no_memory_and_shuts_out_nobody_who_is_known() {
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
