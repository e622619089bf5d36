//! Sharing a bot with the owner's own programs: which updates they get, and which are theirs alone.

use std::collections::BTreeSet;

use crate::{
    clock,
    domain::{
        address::{Conversation, TelegramChat},
        job::IdempotencyKey,
        program::Pattern,
    },
    store::{Bounds, KeptUpdate, NewKept, Store, StoreError},
    telegram::{bot::Bot, updates::RawUpdate},
    translate::from_telegram::Received,
};

/// How a bot is shared with programs.
#[derive(Clone, Debug, Default)]
pub struct Sharing {
    /// The updates that are not relayed to Kommo.
    pub hide: Vec<Pattern>,
    /// The names of campaigns, which are in links.
    pub campaigns: BTreeSet<String>,
    /// The limit for all updates that are kept for programs.
    pub max_bytes: u64,
}

impl Sharing {
    /// Whether an update is for programs alone. Answers to the bridge's own buttons and links never are.
    pub(super) fn is_hidden(&self, received: &Received<'_>) -> bool {
        !self.is_ours(received) && self.hide.iter().any(|pattern| pattern.matches(received.pattern_input()))
    }

    fn is_ours(&self, received: &Received<'_>) -> bool {
        received.is_answer_to_us(|payload| self.campaigns.contains(payload))
    }

    /// An update as it is kept for programs; `None` for one without a number, which no program could confirm.
    pub(super) fn kept(
        &self,
        (bot, store): (&Bot, &Store),
        update: &RawUpdate,
        received: &Received<'_>,
    ) -> Result<Option<NewKept>, StoreError> {
        let Some(number) = update.id else { return Ok(None) };
        // If a hidden update were withheld from programs as well, nobody would get it.
        let is_message = received.is_user_content() && !self.is_hidden(received);
        let conversation = if is_message { conversation(bot, store, received)? } else { None };
        let kept = KeptUpdate {
            at: clock::now(),
            kind: received.kind().to_owned(),
            thread: received.thread(bot.source()),
            contact: received.contact(bot.source()).map(|contact| contact.to_string()),
            is_ours: self.is_ours(received),
            raw: update.raw.clone(),
        };
        let id = IdempotencyKey::update(bot.id(), number);
        Ok(Some(NewKept { id, bot: bot.id(), update: kept, conversation }))
    }

    /// Drops updates beyond the limit.
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

/// The conversation of an update, also of one that came by a connection of Telegram Business.
fn conversation(bot: &Bot, store: &Store, received: &Received<'_>) -> Result<Option<Conversation>, StoreError> {
    let Some(connection) = received.connection_id() else { return Ok(received.conversation(bot.source())) };
    let owner = store.connection(bot.id(), &connection)?.map(|connection| connection.owner);
    let chat = owner.zip(received.chat()).map(|(owner, id)| TelegramChat { owner: Some(owner), id });
    Ok(chat.map(|chat| Conversation::new(bot.source().clone(), chat)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_the_bridge_are_never_hidden() {
        let hide = ["cb:*", "/start*", "/order"].iter().filter_map(|text| Pattern::parse(text)).collect();
        let sharing = Sharing { hide, campaigns: BTreeSet::from(["summer".to_owned()]), max_bytes: 0 };
        let press = |data: &str| format!(r#"{{"update_id":1,"callback_query":{{"id":"q","data":"{data}"}}}}"#);
        let text = |text: &str| format!(r#"{{"update_id":1,"message":{{"chat":{{"id":7}},"text":"{text}"}}}}"#);
        let edited = r#"{"update_id":1,"edited_message":{"chat":{"id":7},"text":"/order 18"}}"#.to_owned();
        for (raw, want) in [
            (press("b:0:Yes"), false),
            (press("cart:1"), true),
            (text("/start summer"), false),
            (text("/start winter"), true),
            (text("/order 17"), true),
            (edited, true),
        ] {
            assert_eq!(sharing.is_hidden(&Received::read(&raw)), want, "{raw}");
        }
    }
}
