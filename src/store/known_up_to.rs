//! Up to which message of ours the store is known to be complete.
//!
//! Every later message that Kommo has must be linked, waiting or parked here; otherwise the data directory was rolled
//! back. The bound is the latest message at the time of the last complete comparison with Kommo's history, or a later
//! one for which we have no id from Kommo, perhaps because nobody waited for the response any more. The latest message
//! alone is not enough: after a rollback, customers' new messages can arrive before a comparison is complete, and they
//! are later than those that were lost.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        address::{Conversation, MessageId},
        timestamps::LastSent,
    },
    store::{
        StateChange, Store, StoreError,
        db::{Batch, Db},
        lookup::Lookup,
        tables::{CAUGHT_UP_MARK, LATEST},
    },
};

/// The latest message of a conversation, as it is stored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct LatestRow {
    #[serde(flatten)]
    pub(super) last_sent: LastSent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<AtComparison>,
}

/// The latest message when the last complete comparison was recorded.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct AtComparison {
    /// The mark of that comparison.
    mark: u64,
    ours: MessageId,
}

impl LatestRow {
    fn horizon(&self, mark: u64) -> MessageId {
        let before = self.before.filter(|before| before.mark == mark).map(|before| before.ours);
        before
            .filter(|ours| (ours.bot, ours.chat) == (self.last_sent.ours.bot, self.last_sent.ours.chat))
            .unwrap_or(self.last_sent.ours)
    }
}

impl Store {
    /// The message of ours up to which the store is known to be complete in a conversation; `None` if it has no
    /// message.
    pub fn known_up_to(&self, conversation: &Conversation) -> Result<Option<MessageId>, StoreError> {
        let db = self.db()?;
        let row = LATEST.get(&db, conversation)?;
        let mark = mark(&db)?;
        Ok(row.map(|row| row.horizon(mark)))
    }
}

/// Writes the latest message of a conversation, which comes with `changes`. Without a link among them, Kommo has a
/// message under an id that we do not know: then nothing below the latest one proves anything.
pub(super) fn write(
    db: &Db,
    batch: &mut Batch,
    conversation: &Conversation,
    last_sent: LastSent,
    changes: &[StateChange],
) -> Result<(), StoreError> {
    let (former, mark) = (LATEST.get(db, conversation)?, mark(db)?);
    // It was read before the call to Kommo, and another lane of the conversation may have written since.
    let last_sent = former.map_or(last_sent, |former| former.last_sent.or_later(last_sent));
    let is_linked = changes.iter().any(|change| matches!(change, StateChange::Link { .. }));
    let before = former.filter(|_| is_linked).map(|former| AtComparison { mark, ours: former.horizon(mark) });
    LATEST.put(batch, conversation, &LatestRow { last_sent, before });
    Ok(())
}

/// Records that messages of a conversation have left their lane without an id from Kommo: Kommo may have them all the
/// same, so neither they nor earlier messages prove anything.
pub(super) fn pass(
    db: &Db,
    batch: &mut Batch,
    conversation: &Conversation,
    unlinked: &[MessageId],
) -> Result<(), StoreError> {
    let mark = mark(db)?;
    let Some(mut row) = LATEST.get(db, conversation)? else { return Ok(()) };
    let horizon = row.horizon(mark);
    let in_chat = unlinked.iter().filter(|it| (it.bot, it.chat) == (horizon.bot, horizon.chat));
    let Some(highest) = in_chat.max_by_key(|it| it.message).filter(|it| it.message > horizon.message) else {
        return Ok(());
    };
    row.before = Some(AtComparison { mark, ours: *highest });
    if row.last_sent.ours.message < highest.message {
        // A complete comparison makes the latest message the horizon.
        row.last_sent.ours = *highest;
    }
    LATEST.put(batch, conversation, &row);
    Ok(())
}

fn mark(db: &Lookup) -> Result<u64, StoreError> {
    Ok(CAUGHT_UP_MARK.get(db)?.unwrap_or_default())
}
