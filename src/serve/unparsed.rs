//! Requests that are not read for their heads. There may have been hooks among them, which Kommo sends once.

use std::sync::Arc;

use crate::{
    metrics::Metrics,
    serve::{log_throttle::LogThrottle, peer::Peer, strict::Irregular},
};

/// What becomes known of them.
#[derive(Debug, Default)]
pub(super) struct UnparsedRequests {
    /// Counts them, where hooks may be among them.
    metrics: Option<Arc<Metrics>>,
    /// What trusted web servers have sent is said apart: no stranger can keep it from being said.
    of_proxies: LogThrottle,
    of_others: LogThrottle,
}

impl UnparsedRequests {
    pub(super) fn new(metrics: Option<Arc<Metrics>>) -> Self {
        Self { metrics, ..Self::default() }
    }

    /// A request of `peer` is not read.
    pub(super) fn note(&self, why: Irregular, peer: Peer) {
        tracing::debug!(reason = %why, peer = %peer.address, "a request was not read");
        let Some(metrics) = &self.metrics else { return };
        metrics.hook("irregular");
        let said = if peer.is_proxy { &self.of_proxies } else { &self.of_others };
        if let Some(requests) = said.said(1) {
            tracing::warn!(
                reason = %why,
                peer = %peer.address,
                requests,
                "requests are refused unread, for how they are written: if this is your web server, hooks are lost"
            );
        }
    }
}
