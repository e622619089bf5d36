//! Updates that bring no words of anybody's: what changes about a chat or a customer.

use crate::{
    domain::{
        address::{MessageId, TelegramChat, UserId},
        change::{Deletion, MembershipChange, Move},
        membership::{Connection, Membership},
        message::{Author, Content, Inbound, Skip},
        time::UnixMillis,
    },
    telegram::wire::{Message, RawObject, User},
    translate::from_telegram::{
        DecodeContext,
        chats::{self, Chat},
        people,
    },
    words::{Sentence, described},
};

/// Whether the bot is let into a chat; `None` if the update does not say.
pub(super) fn membership(
    change: &RawObject,
    place: &DecodeContext<'_>,
    update: Option<i64>,
) -> Result<Option<MembershipChange>, Skip> {
    let bot = change.part("new_chat_member");
    let shut_out = match bot.text("status").as_deref() {
        Some("kicked" | "left") => true,
        Some("creator" | "administrator" | "member") => false,
        // Restrictions outlast the membership.
        Some("restricted") => bot.read("is_member") == Some(false),
        Some(_) | None => return Ok(None),
    };
    let (Some(update), Some(date)) = (update, change.number("date")) else { return Ok(None) };
    let chat = Chat::of_bot(&change.part("chat"), chats::person(&change.part("from")), place)?;
    Ok(Some(MembershipChange {
        conversation: place.conversation(chat.id),
        customer: chat.customer,
        membership: Membership { shut_out, changed_at: UnixMillis::from_seconds(date), update, learnt_at: place.now },
        bot: place.bot,
    }))
}

/// A `BusinessConnection`, which comes as an update and as an answer; `None` if it does not say which or whose it is.
#[must_use]
pub fn connection(wire: &RawObject) -> Option<Connection> {
    let (rights, owner) = (wire.part("rights"), wire.part("user"));
    let id = owner.number("id")?;
    Some(Connection {
        id: wire.text("id")?,
        owner: UserId(id),
        name: people::full_name(&owner).or_else(|| people::known(&owner)).unwrap_or_else(|| format!("Telegram {id}")),
        enabled: wire.flag("is_enabled"),
        // Before Bot API 9.0 there was this one right, beside the connection.
        can_reply: rights.flag("can_reply") || wire.flag("can_reply"),
        can_read: rights.flag("can_read_messages"),
        made_at: UnixMillis::from_seconds(wire.number("date").unwrap_or_default()),
    })
}

/// What becomes of a subscription that a customer pays the bot for (Bot API, `BotSubscriptionUpdated`): told in the
/// customer's own chat, where they have paid.
pub(super) fn subscription(change: &RawObject, place: &DecodeContext<'_>, update: Option<i64>) -> Option<Inbound> {
    let user = change.part("user");
    let chat = user.number("id")?;
    let state = match change.text("state")?.as_str() {
        "active" => described::active_again(),
        "failed" => described::payment_failed(),
        "canceled" => described::canceled(),
        // What a later Bot API may know.
        other => Sentence::plain(people::one_line(&other.replace('_', " "))),
    };
    let [head, state] = [described::subscription(), state].map(|words| words.say(place.language));
    let order = change.text("invoice_payload").map(|order| described::order(order).say(place.language));
    let order = order.map(|order| format!("\n{order}")).unwrap_or_default();
    Some(Inbound {
        conversation: place.conversation(chat.into()),
        // No message of Telegram's has this number.
        id: MessageId { bot: place.bot, chat: chat.into(), message: 0, update: Some(update?) },
        customer: chats::customer(chats::person(&user), chat),
        author: Author::Customer,
        sent_at: place.now,
        content: Content::Text(format!("[{head}] {state}{order}")),
        quote: None,
        edited: false,
        topic: None,
        unattended: true,
    })
}

/// Messages that are gone from a chat of Telegram Business, or that a program has deleted in one of the bot's own.
pub(super) fn deletion(wire: &RawObject, place: &DecodeContext<'_>) -> Option<Deletion> {
    let owner = match place.program {
        Some(_) => None,
        None => Some(place.connection?.owner),
    };
    let chat = TelegramChat { owner, id: wire.part("chat").number("id")? };
    let named = |message| MessageId { bot: place.bot, chat, message, update: None };
    let messages = wire.list::<i64>("message_ids").into_iter().map(named).collect();
    Some(Deletion { conversation: place.conversation(chat), messages, learnt_at: place.now })
}

/// The move that a message tells of, from either side of it.
pub(super) fn moved(message: &Message, place: &DecodeContext<'_>) -> Result<Option<Move>, Skip> {
    let here = message.fields.part("chat").number("id");
    let ends = match (message.fields.number("migrate_from_chat_id"), message.fields.number("migrate_to_chat_id")) {
        (Some(from), _) => (Some(from), here),
        (None, Some(to)) => (here, Some(to)),
        (None, None) => return Ok(None),
    };
    // Nothing is kept about groups that are not wanted, and nothing else than a group moves.
    let chat = Chat::of(&message.fields, User::default(), place)?;
    let (Some(from), Some(to), true) = (ends.0, ends.1, chat.is_group()) else { return Ok(None) };
    Ok(Some(Move { from: place.conversation(from.into()), to }))
}
