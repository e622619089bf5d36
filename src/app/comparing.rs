//! The comparison with Kommo's history.

use std::{sync::Arc, time::Duration};

use crate::{
    app::services::Services,
    config::Config,
    relay::reconcile::{self, Bounds, Reconciler},
};

/// How long new answers wait at a start for older ones that may be missing.
const HOLD_FOR: Duration = Duration::from_mins(1);
/// How often to check whether Telegram and Kommo can be reached.
const WATCH_EVERY: Duration = Duration::from_mins(1);

impl Services {
    pub(super) fn reconciler(&self, config: &Config) -> Reconciler {
        let bounds = Bounds {
            max_age: config.reconcile.max_age,
            chats_within: config.reconcile.chats_within,
            known_for: config.store.dedupe_for,
            linked_for: config.store.links_for,
            hold_for: HOLD_FOR,
            every: config.reconcile.every,
            watch_every: WATCH_EVERY,
        };
        let parts = reconcile::Parts {
            chats: self.context.chats.clone(),
            account: self.account.clone(),
            store: self.store.clone(),
            imported: self.imported(config),
            metrics: Arc::clone(&self.metrics),
            trace: self.trace.clone(),
            spoken: self.context.spoken.clone(),
            sources: self.bots.keys().cloned().collect(),
        };
        Reconciler::new(parts, bounds, config.retry.kommo.clone(), config.kommo.requests_per_second.get())
    }
}
