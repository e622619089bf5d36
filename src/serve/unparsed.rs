//! Requests refused for a malformed head. There may have been hooks among them, which Kommo sends once.

use std::sync::Arc;

use crate::{
    metrics::Metrics,
    serve::{log_throttle::LogThrottle, peer::Peer, strict::Malformed},
};

/// Counts and logs them.
#[derive(Debug, Default)]
pub(super) struct UnparsedRequests {
    /// Counts them, if hooks may be among them.
    metrics: Option<Arc<Metrics>>,
    /// Trusted proxies have their own throttle, so that strangers cannot suppress their lines.
    of_proxies: LogThrottle,
    of_others: LogThrottle,
}

impl UnparsedRequests {
    pub(super) fn new(metrics: Option<Arc<Metrics>>) -> Self {
        Self { metrics, ..Self::default() }
    }

    /// Records a refused request of `peer`.
    pub(super) fn note(&self, why: Malformed, peer: Peer) {
        tracing::debug!(reason = %why, peer = %peer.address, "a malformed request was refused");
        let Some(metrics) = &self.metrics else { return };
        metrics.hook("irregular");
        let throttle = if peer.is_proxy { &self.of_proxies } else { &self.of_others };
        if let Some(requests) = throttle.add(1) {
            tracing::warn!(
                reason = %why,
                peer = %peer.address,
                requests,
                "malformed requests are refused: if they come from your web server, hooks are lost"
            );
        }
    }
}
