//! Up to which message of ours the store is known to be complete.
//!
//! Whatever Kommo has above it must be linked, wait or be parked here; if it does not, the data directory was rolled
//! back. The bound is the latest message at the time of the last complete comparison with Kommo's history, or a later
//! one of which Kommo told no id, also because nobody waited for it any more. The latest message alone is not enough:
//! after a rollback, customers' new messages can arrive before a comparison was complete, and they are later than what
//! was lost.

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

/// What was the latest when the last complete comparison was noted.
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
    /// The message of ours above which nothing of a conversation can be in Kommo that this store does not know; none if
    /// it knows of no message at all.
    pub fn known_up_to(&self, conversation: &Conversation) -> Result<Option<MessageId>, StoreError> {
        let db = self.db()?;
        let row = LATEST.get(&db, conversation)?;
        let mark = mark(&db)?;
        Ok(row.map(|row| row.horizon(mark)))
    }
}

/// Writes the latest message of a conversation, which was learnt together with `changes`. Without a link among them,
/// Kommo has a message by an id that nobody here knows: then nothing below the latest one proves anything.
pub(super) fn write(
    db: &Db,
    batch: &mut Batch,
    conversation: &Conversation,
    last_sent: LastSent,
    changes: &[StateChange],
) -> Result<(), StoreError> {
    let (former, mark) = (LATEST.get(db, conversation)?, mark(db)?);
    // It was read before the call to Kommo, and another lane of the conversation may have gone on since.
    let last_sent = former.map_or(last_sent, |former| former.last_sent.or_later(last_sent));
    let is_linked = changes.iter().any(|change| matches!(change, StateChange::Link { .. }));
    let before = former.filter(|_| is_linked).map(|former| AtComparison { mark, ours: former.horizon(mark) });
    LATEST.put(batch, conversation, &LatestRow { last_sent, before });
    Ok(())
}

/// Notes that messages of a conversation have left their lane without Kommo's id of them: Kommo may have them all the
/// same, so they prove nothing, nor does what is below them.
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
        // A complete comparison makes the latest one the horizon.
        row.last_sent.ours = *highest;
    }
    LATEST.put(batch, conversation, &row);
    Ok(())
}

fn mark(db: &Lookup) -> Result<u64, StoreError> {
    Ok(CAUGHT_UP_MARK.get(db)?.unwrap_or_default())
}
