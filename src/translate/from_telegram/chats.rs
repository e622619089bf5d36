//! Whose chat it is, and who speaks in it.

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
    /// The chat that `message` is in, which `from` has written.
    pub(super) fn of(message: &RawObject, from: User, place: &DecodeContext<'_>) -> Result<Self, Skip> {
        let chat = message.part("chat");
        if is_guests(message) {
            return Err(Skip::NotAMessage("guest_message".to_owned()));
        }
        if message.is_set("direct_messages_topic") {
            return Err(Skip::DirectMessages { chat: chat.number("id").ok_or(Skip::Unreadable)? });
        }
        match (place.connection, message.is_set("business_connection_id")) {
            (Some(connection), true) => {
                let id = chat.number("id").ok_or(Skip::Unreadable)?;
                // The owner may have written it: the chat is what tells of the customer.
                let customer = customer(person(&chat), id);
                Ok(Self { id: TelegramChat { owner: Some(connection.owner), id }, customer })
            }
            // Without its owner it would be taken for a chat of the bot, and the answer would go there.
            (None, true) => Err(Skip::Unreadable),
            (_, false) => Self::of_bot(&chat, from, place),
        }
    }

    /// A chat of the bot itself.
    pub(super) fn of_bot(chat: &RawObject, from: User, place: &DecodeContext<'_>) -> Result<Self, Skip> {
        let kind = chat.text("type");
        let id = chat.number("id").ok_or(Skip::Unreadable)?;
        // The bot has written it: the chat is what tells of the customer.
        let from = if place.program.is_some() { person(chat) } else { from };
        match kind.ok_or(Skip::Unreadable)?.as_str() {
            "private" => Ok(Self { id: id.into(), customer: customer(from, id) }),
            _ if chat.flag("is_direct_messages") => Err(Skip::DirectMessages { chat: id }),
            _ if place.groups => Ok(Self { id: id.into(), customer: group(chat, id) }),
            _ => Err(Skip::Group { chat: id, title: group(chat, id).name }),
        }
    }

    pub(super) const fn is_group(&self) -> bool {
        matches!(self.customer.id, ContactId::Group(_))
    }
}

/// Whether a message was written where the bot is a guest. The id of that chat may be that of another chat of the
/// bot's, so nothing may be known by it.
pub(super) fn is_guests(message: &RawObject) -> bool {
    message.is_set("guest_query_id")
}

/// A person, as they are or as their private chat tells of them.
pub(super) fn person(part: &RawObject) -> User {
    User {
        id: part.number("id"),
        first_name: part.text("first_name"),
        last_name: part.text("last_name"),
        username: part.text("username"),
    }
}

/// In a private chat the chat is the person, also where the sender is missing.
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

/// Who wrote a message.
///
/// # Errors
/// [`Skip::Own`] if the bot did: what it sends for Kommo is there already.
pub(super) fn author(message: &Message, place: &DecodeContext<'_>) -> Result<Author, Skip> {
    if let Some(program) = place.program {
        return Ok(programs::author(program, Some(&message.fields), place));
    }
    let bot = i64::try_from(place.bot.0).ok();
    let from = message.from.as_ref().and_then(|from| from.id);
    let by_bot = message.fields.part("sender_business_bot").number("id");
    if bot.is_some() && (from == bot || by_bot == bot) {
        return Err(Skip::Own);
    }
    let owner = place.connection.filter(|connection| from == Some(connection.owner.0));
    Ok(owner.map_or(Author::Customer, |owner| Author::Business { name: owner.name.clone(), kommo: None }))
}

/// What somebody says a message with, as against what Telegram tells of the chat (Bot API, `Message`).
const SAID: [&str; 20] = [
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

/// Whether somebody says something with a message, as against what Telegram tells of the chat.
pub(super) fn is_said(message: &RawObject) -> bool {
    SAID.iter().any(|kind| message.is_set(kind))
}

/// Where a message was said. In chats without topics, what answers something is in a thread too, but in no topic. Who
/// joins or closes a topic moves the talk nowhere, and of an old message whose button is pressed Telegram does not tell
/// it.
pub(super) fn topic(message: &RawObject) -> Option<Topic> {
    let is_said = is_said(message);
    let topic = message.number("message_thread_id").filter(|_| message.flag("is_topic_message"));
    is_said.then(|| topic.map_or(Topic::Outside, Topic::Topic))
}

/// Takes off the message that began a topic, which everything in it answers though nobody has quoted it, and gives the
/// name that the topic began with.
pub(super) fn beginning(message: &mut Message) -> Option<String> {
    let start = message.reply_to_message.as_ref()?.fields.part("forum_topic_created");
    let name = start.text("name").map(|name| people::one_line(&name))?;
    message.reply_to_message = None;
    Some(name)
}

/// Who speaks in a group, after the `topic` where it is known.
pub(super) fn speaker(message: &Message, topic: Option<String>, language: Language) -> String {
    let fields = &message.fields;
    let chat = fields.is_set("sender_chat").then(|| people::full_name(&fields.part("sender_chat"))).flatten();
    let signature = fields.text("author_signature").and_then(|name| people::visible(&name));
    // Administrators may speak as the group, and in channels only the channel does.
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

/// What somebody says in a group, after their name.
pub(super) fn said_by(content: Content, speaker: &str) -> Content {
    let led = |text: Option<String>| Some(text.map_or_else(|| speaker.to_owned(), |it| format!("{speaker}: {it}")));
    match content {
        Content::Text(text) => Content::Text(format!("{speaker}: {text}")),
        Content::Media(media) => Content::Media(Media { caption: led(media.caption), ..media }),
        Content::Location { latitude, longitude, caption } => {
            Content::Location { latitude, longitude, caption: led(caption) }
        }
        Content::Contact { name, phone, caption } => Content::Contact { name, phone, caption: led(caption) },
        Content::Unknown { kind, caption } => {
            let caption = caption.map(|caption| format!(" {caption}")).unwrap_or_default();
            Content::Text(format!("{speaker}: [{kind}]{caption}"))
        }
    }
}

#[cfg(test)]
#[path = "chats_tests.rs"]
mod tests;
