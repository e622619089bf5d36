//! Updates without a message: changes of a chat or a customer.

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

/// Whether the bot was added to a chat or removed; `None` if the update does not tell.
pub(super) fn membership(
    change: &RawObject,
    context: &DecodeContext<'_>,
    update: Option<i64>,
) -> Result<Option<MembershipChange>, Skip> {
    let bot = change.part("new_chat_member");
    let shut_out = match bot.text("status").as_deref() {
        Some("kicked" | "left") => true,
        Some("creator" | "administrator" | "member") => false,
        // A restricted user may have left.
        Some("restricted") => bot.read("is_member") == Some(false),
        Some(_) | None => return Ok(None),
    };
    let (Some(update), Some(date)) = (update, change.number("date")) else { return Ok(None) };
    let chat = Chat::of_bot(&change.part("chat"), chats::person(&change.part("from")), context)?;
    Ok(Some(MembershipChange {
        conversation: context.conversation(chat.id),
        customer: chat.customer,
        membership: Membership { shut_out, changed_at: UnixMillis::from_seconds(date), update, learnt_at: context.now },
        bot: context.bot,
    }))
}

/// A `BusinessConnection`, from an update or a response; `None` if it lacks its id or its owner.
#[must_use]
pub fn connection(wire: &RawObject) -> Option<Connection> {
    let (rights, owner) = (wire.part("rights"), wire.part("user"));
    let id = owner.number("id")?;
    Some(Connection {
        id: wire.text("id")?,
        owner: UserId(id),
        name: people::full_name(&owner).or_else(|| people::known(&owner)).unwrap_or_else(|| format!("Telegram {id}")),
        enabled: wire.flag("is_enabled"),
        // Before Bot API 9.0 this was the only right, a field of the connection.
        can_reply: rights.flag("can_reply") || wire.flag("can_reply"),
        can_read: rights.flag("can_read_messages"),
        made_at: UnixMillis::from_seconds(wire.number("date").unwrap_or_default()),
    })
}

/// A change of a customer's paid subscription (Bot API, `BotSubscriptionUpdated`), as a message in the customer's
/// private chat.
pub(super) fn subscription(change: &RawObject, context: &DecodeContext<'_>, update: Option<i64>) -> Option<Inbound> {
    let user = change.part("user");
    let chat = user.number("id")?;
    let state = match change.text("state")?.as_str() {
        "active" => described::active_again(),
        "failed" => described::payment_failed(),
        "canceled" => described::canceled(),
        // States of later versions of the Bot API.
        other => Sentence::plain(people::one_line(&other.replace('_', " "))),
    };
    let [head, state] = [described::subscription(), state].map(|words| words.say(context.language));
    let order = change.text("invoice_payload").map(|order| described::order(order).say(context.language));
    let order = order.map(|order| format!("\n{order}")).unwrap_or_default();
    Some(Inbound {
        conversation: context.conversation(chat.into()),
        // No message of Telegram's has this id.
        id: MessageId { bot: context.bot, chat: chat.into(), message: 0, update: Some(update?) },
        customer: chats::customer(chats::person(&user), chat),
        author: Author::Customer,
        sent_at: context.now,
        content: Content::Text(format!("[{head}] {state}{order}")),
        quote: None,
        edited: false,
        topic: None,
        unattended: true,
    })
}

/// Messages that were deleted in a chat of Telegram Business, or by a program in a chat of the bot.
pub(super) fn deletion(wire: &RawObject, context: &DecodeContext<'_>) -> Option<Deletion> {
    let owner = match context.program {
        Some(_) => None,
        None => Some(context.connection?.owner),
    };
    let chat = TelegramChat { owner, id: wire.part("chat").number("id")? };
    let message_id = |message| MessageId { bot: context.bot, chat, message, update: None };
    let messages = wire.list::<i64>("message_ids").into_iter().map(message_id).collect();
    Some(Deletion { conversation: context.conversation(chat), messages, learnt_at: context.now })
}

/// The move of a group, from the service message in the old or in the new chat.
pub(super) fn moved(message: &Message, context: &DecodeContext<'_>) -> Result<Option<Move>, Skip> {
    let here = message.fields.part("chat").number("id");
    let ends = match (message.fields.number("migrate_from_chat_id"), message.fields.number("migrate_to_chat_id")) {
        (Some(from), _) => (Some(from), here),
        (None, Some(to)) => (here, Some(to)),
        (None, None) => return Ok(None),
    };
    // Only groups move, and only relayed ones are stored.
    let chat = Chat::of(&message.fields, User::default(), context)?;
    let (Some(from), Some(to), true) = (ends.0, ends.1, chat.is_group()) else { return Ok(None) };
    Ok(Some(Move { from: context.conversation(from.into()), to }))
}
