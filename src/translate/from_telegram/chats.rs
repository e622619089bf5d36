//! The chat of an update, its customer, and the author of a message.

use crate::{
    domain::{
        address::{ContactId, TelegramChat, UserId},
        message::{Author, Content, Customer, Media, Skip},
        topic::Topic,
    },
    telegram::wire::{Message, RawObject, User},
    translate::from_telegram::{DecodeContext, people, programs},
    words::Language,
};

/// A chat that is relayed, and the customer in it.
pub(super) struct Chat {
    pub(super) id: TelegramChat,
    pub(super) customer: Customer,
}

impl Chat {
    /// The chat of `message`, which `from` has written.
    pub(super) fn of(message: &RawObject, from: User, context: &DecodeContext<'_>) -> Result<Self, Skip> {
        let chat = message.part("chat");
        if is_guest_message(message) {
            return Err(Skip::NotAMessage("guest_message".to_owned()));
        }
        if message.is_set("direct_messages_topic") {
            return Err(Skip::DirectMessages { chat: chat.number("id").ok_or(Skip::Unreadable)? });
        }
        match (context.connection, message.is_set("business_connection_id")) {
            (Some(connection), true) => {
                let id = chat.number("id").ok_or(Skip::Unreadable)?;
                // The owner may have written it, so the customer is read from the chat.
                let customer = customer(person(&chat), id);
                Ok(Self { id: TelegramChat { owner: Some(connection.owner), id }, customer })
            }
            // Without the owner, it would count as a chat of the bot, and answers would go there.
            (None, true) => Err(Skip::Unreadable),
            (_, false) => Self::of_bot(&chat, from, context),
        }
    }

    /// A chat of the bot itself.
    pub(super) fn of_bot(chat: &RawObject, from: User, context: &DecodeContext<'_>) -> Result<Self, Skip> {
        let kind = chat.text("type");
        let id = chat.number("id").ok_or(Skip::Unreadable)?;
        // The bot has written it, so the customer is read from the chat.
        let from = if context.program.is_some() { person(chat) } else { from };
        match kind.ok_or(Skip::Unreadable)?.as_str() {
            "private" => Ok(Self { id: id.into(), customer: customer(from, id) }),
            _ if chat.flag("is_direct_messages") => Err(Skip::DirectMessages { chat: id }),
            _ if context.groups => Ok(Self { id: id.into(), customer: group(chat, id) }),
            _ => Err(Skip::Group { chat: id, title: group(chat, id).name }),
        }
    }

    pub(super) const fn is_group(&self) -> bool {
        matches!(self.customer.id, ContactId::Group(_))
    }
}

/// Whether a message was written in a chat where the bot is a guest. Its id may be that of another chat of the bot, so
/// it must not be used.
pub(super) fn is_guest_message(message: &RawObject) -> bool {
    message.is_set("guest_query_id")
}

/// A person, from a user or a private chat.
pub(super) fn person(part: &RawObject) -> User {
    User {
        id: part.number("id"),
        first_name: part.text("first_name"),
        last_name: part.text("last_name"),
        username: part.text("username"),
    }
}

/// The customer of a private chat, which has the customer's id, also if the sender is missing.
pub(super) fn customer(user: User, chat_id: i64) -> Customer {
    let id = UserId(user.id.unwrap_or(chat_id));
    let username = user.username.and_then(|name| people::visible(&name));
    let name = people::full([user.first_name, user.last_name]).or_else(|| username.clone());
    let name = name.unwrap_or_else(|| format!("Telegram {}", id.0));
    Customer { id: ContactId::Person(id), name, username, phone: None }
}

fn group(chat: &RawObject, id: i64) -> Customer {
    let name = people::full_name(chat).unwrap_or_else(|| format!("Telegram {id}"));
    Customer { id: ContactId::Group(id), name, username: chat.text("username"), phone: None }
}

/// The author of a message.
///
/// # Errors
/// [`Skip::Own`] if the bot wrote it, because Kommo has its messages already.
pub(super) fn author(message: &Message, context: &DecodeContext<'_>) -> Result<Author, Skip> {
    if let Some(program) = context.program {
        return Ok(programs::author(program, Some(&message.fields), context));
    }
    let bot = i64::try_from(context.bot.0).ok();
    let from = message.from.as_ref().and_then(|from| from.id);
    let business_bot = message.fields.part("sender_business_bot").number("id");
    if bot.is_some() && (from == bot || business_bot == bot) {
        return Err(Skip::Own);
    }
    let owner = context.connection.filter(|connection| from == Some(connection.owner.0));
    Ok(owner.map_or(Author::Customer, |owner| Author::Business { name: owner.name.clone(), kommo: None }))
}

/// Contents that people send, as opposed to service messages (Bot API, `Message`).
const USER_CONTENT: [&str; 20] = [
    "text",
    "animation",
    "audio",
    "document",
    "live_photo",
    "paid_media",
    "photo",
    "sticker",
    "story",
    "video",
    "video_note",
    "voice",
    "checklist",
    "contact",
    "dice",
    "game",
    "poll",
    "venue",
    "location",
    "rich_message",
];

/// Whether a message has content of a person, as opposed to a service message.
pub(super) fn is_user_content(message: &RawObject) -> bool {
    USER_CONTENT.iter().any(|kind| message.is_set(kind))
}

/// The topic of a message. A reply in a chat without topics has a thread, but no topic. Service messages do not change
/// the topic of a conversation, and for a press below an old message it is unknown.
pub(super) fn topic(message: &RawObject) -> Option<Topic> {
    let is_user_content = is_user_content(message);
    let topic = message.number("message_thread_id").filter(|_| message.flag("is_topic_message"));
    is_user_content.then(|| topic.map_or(Topic::Outside, Topic::Topic))
}

/// Removes the reference to the message that created the topic, to which every message in it is a reply, and returns
/// the first name of the topic.
pub(super) fn take_topic_start(message: &mut Message) -> Option<String> {
    let start = message.reply_to_message.as_ref()?.fields.part("forum_topic_created");
    let name = start.text("name").map(|name| people::one_line(&name))?;
    message.reply_to_message = None;
    Some(name)
}

/// The author of a message in a group, after the `topic` if it is known.
pub(super) fn speaker(message: &Message, topic: Option<String>, language: Language) -> String {
    let fields = &message.fields;
    let chat = fields.is_set("sender_chat").then(|| people::full_name(&fields.part("sender_chat"))).flatten();
    let signature = fields.text("author_signature").and_then(|name| people::visible(&name));
    // Administrators may write in the name of the group, and in channels the author is the channel.
    let name = match (signature, chat) {
        (Some(signature), _) => signature,
        (None, Some(chat)) => chat,
        (None, None) => {
            people::full_name(&fields.part("from")).unwrap_or_else(|| people::named(&fields.part("from"), language))
        }
    };
    let tag = fields.text("sender_tag").and_then(|tag| people::visible(&tag)).filter(|tag| *tag != name);
    let name = tag.map_or_else(|| name.clone(), |tag| format!("{name} ({tag})"));
    topic.map_or_else(|| name.clone(), |topic| format!("[{topic}] {name}"))
}

/// The content of a message in a group, after its author's name.
pub(super) fn with_speaker(content: Content, speaker: &str) -> Content {
    let prefixed =
        |text: Option<String>| Some(text.map_or_else(|| speaker.to_owned(), |it| format!("{speaker}: {it}")));
    match content {
        Content::Text(text) => Content::Text(format!("{speaker}: {text}")),
        Content::Media(media) => Content::Media(Media { caption: prefixed(media.caption), ..media }),
        Content::Location { latitude, longitude, caption } => {
            Content::Location { latitude, longitude, caption: prefixed(caption) }
        }
        Content::Contact { name, phone, caption } => Content::Contact { name, phone, caption: prefixed(caption) },
        Content::Unknown { kind, caption } => {
            let caption = caption.map(|caption| format!(" {caption}")).unwrap_or_default();
            Content::Text(format!("{speaker}: [{kind}]{caption}"))
        }
    }
}

#[cfg(test)]
#[path = "chats_tests.rs"]
mod tests;
