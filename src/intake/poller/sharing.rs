//! What of a bot's updates goes to the owner's own programs that share it, and what of them is theirs alone.

use std::collections::BTreeSet;

use crate::{
    clock,
    domain::{job::IdempotencyKey, program::Pattern},
    store::{Bounds, KeptUpdate, NewKept, Store, StoreError},
    telegram::{bot::Bot, updates::RawUpdate},
    translate::from_telegram::Received,
};

/// That a bot is shared with programs.
#[derive(Clone, Debug, Default)]
pub struct Sharing {
    /// What is not relayed to Kommo.
    pub hide: Vec<Pattern>,
    /// The names of campaigns, which links carry.
    pub campaigns: BTreeSet<String>,
    /// How much room all that is kept for programs may take.
    pub max_bytes: u64,
}

impl Sharing {
    /// Whether an update is a program's alone.
    pub(super) fn is_hidden(&self, received: &Received<'_>) -> bool {
        self.hide.iter().any(|pattern| pattern.meets(received.asked()))
    }

    /// An update as it is kept for programs; `None` for one without a number, which nobody could confirm.
    pub(super) fn kept(&self, bot: &Bot, update: &RawUpdate, received: &Received<'_>) -> Option<NewKept> {
        let id = IdempotencyKey::update(bot.id(), update.id?);
        let kept = KeptUpdate {
            at: clock::now(),
            kind: received.kind().to_owned(),
            thread: received.thread(bot.source()),
            contact: received.contact(bot.source()).map(|contact| contact.to_string()),
            is_ours: received.is_answer_to_us(|payload| self.campaigns.contains(payload)),
            raw: update.raw.clone(),
        };
        Some(NewKept { id, bot: bot.id(), update: kept })
    }

    /// Drops the oldest, if there is too much.
    pub(super) async fn bound(&self, store: &Store) -> Result<(), StoreError> {
        let bounds = Bounds { before: crate::domain::time::UnixMillis(i64::MIN), max_bytes: self.max_bytes };
        let dropped = store.bound_kept(bounds).await?;
        if dropped > 0 {
            tracing::error!(
                dropped,
                "updates that programs have not confirmed were deleted: gateway.max_mb is reached"
            );
        }
        Ok(())
    }
}
