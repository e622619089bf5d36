//! Bots, customers and messages as the Bot API writes them.

use serde_json::{Map, Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{ChatMessage, Customer, Piece, attachments, keyboards, places::Frame},
};

/// A bot as it stands in `from` and in `getMe`.
#[derive(Clone, Debug)]
pub(super) struct BotUser {
    pub(super) id: i64,
    pub(super) username: String,
    pub(super) name: String,
    /// Whether owners may let it look after their accounts.
    pub(super) is_business: bool,
    /// Whether it sees all that is said in groups.
    pub(super) reads_all: bool,
}

impl BotUser {
    /// `User` of a bot.
    pub(super) fn user(&self) -> Value {
        json!({ "id": self.id, "is_bot": true, "first_name": self.name, "username": self.username })
    }

    /// `User` with what only `getMe` adds.
    pub(super) fn me(&self) -> Value {
        let mut me = self.user();
        me["can_join_groups"] = json!(true);
        me["can_read_all_group_messages"] = json!(self.reads_all);
        me["can_connect_to_business"] = json!(self.is_business);
        for flag in [
            "supports_inline_queries",
            "supports_guest_queries",
            "has_main_web_app",
            "has_topics_enabled",
            "allows_users_to_create_topics",
            "can_manage_bots",
        ] {
            me[flag] = json!(false);
        }
        me
    }
}

fn object(fields: [(&str, Option<Value>); 6]) -> Value {
    let present = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

/// `User` of a customer.
pub(super) fn user(customer: &Customer) -> Value {
    object([
        ("id", Some(json!(customer.id))),
        ("is_bot", Some(json!(false))),
        ("first_name", Some(json!(customer.first_name))),
        ("last_name", customer.last_name.as_ref().map(|name| json!(name))),
        ("username", customer.username.as_ref().map(|name| json!(name))),
        ("language_code", customer.language_code.as_ref().map(|code| json!(code))),
    ])
}

/// `Chat` of a customer's private chat.
pub(super) fn chat(customer: &Customer) -> Value {
    object([
        ("id", Some(json!(customer.id))),
        ("first_name", Some(json!(customer.first_name))),
        ("last_name", customer.last_name.as_ref().map(|name| json!(name))),
        ("username", customer.username.as_ref().map(|name| json!(name))),
        ("type", Some(json!("private"))),
        ("is_forum", None),
    ])
}

/// `ChatFullInfo` of a chat.
pub(super) fn full(mut full: Value) -> Value {
    full["accent_color_id"] = json!(1);
    full["max_reaction_count"] = json!(11);
    full["accepted_gift_types"] = json!({
        "unlimited_gifts": true, "limited_gifts": true, "unique_gifts": true, "premium_subscription": true,
        "gifts_from_channels": true
    });
    full
}

/// `Message`, without the one that it answers.
pub(super) fn message(frame: &Frame<'_>, message: &ChatMessage) -> Value {
    let mut shape = json!({ "message_id": message.message_id, "date": UnixMillis(message.at_ms).seconds() });
    frame.sign(&mut shape, message);
    let text = Some(message.text.as_str()).filter(|text| !text.is_empty());
    match (&message.file, &message.piece) {
        (Some(file), _) => attachments::attach(&mut shape, file, text),
        (None, Some(piece)) => put(&mut shape, piece),
        (None, None) => shape["text"] = json!(message.text),
    }
    if let Some(length) = command_length(&message.text).filter(|_| message.file.is_none()) {
        shape["entities"] = json!([{ "offset": 0, "length": length, "type": "bot_command" }]);
    }
    if let Some(id) = &message.media_group_id {
        shape["media_group_id"] = json!(id);
    }
    if let Some(topic) = message.topic {
        shape["message_thread_id"] = json!(topic);
        shape["is_topic_message"] = json!(true);
    }
    if !message.keyboard.is_empty() {
        shape["reply_markup"] = keyboards::shape(&message.keyboard);
    }
    shape
}

/// A venue stands beside its place, for those who know only places.
fn put(shape: &mut Value, piece: &Piece) {
    if piece.field == "venue" {
        shape["location"] = piece.value["location"].clone();
    }
    shape[&piece.field] = piece.value.clone();
}

/// How many UTF-16 units the bot command at the start of `text` has, if there is one.
fn command_length(text: &str) -> Option<usize> {
    let name = text.strip_prefix('/')?;
    let length = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    (1..=64).contains(&length).then_some(length + 1)
}

/// `ChatMemberUpdated` for a customer who blocks the bot or takes it back.
pub(super) fn my_chat_member(bot: &BotUser, customer: &Customer, blocked: bool, now: UnixMillis) -> Value {
    let member = json!({ "user": bot.user(), "status": "member" });
    let kicked = json!({ "user": bot.user(), "status": "kicked", "until_date": 0 });
    let (old, new) = if blocked { (member, kicked) } else { (kicked, member) };
    json!({
        "chat": chat(customer),
        "from": user(customer),
        "date": now.seconds(),
        "old_chat_member": old,
        "new_chat_member": new,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_command_at_the_start() {
        for (text, length) in [
            ("/start", Some(6)),
            ("/start payload", Some(6)),
            ("/a_1é", Some(4)),
            ("/", None),
            ("/ start", None),
            ("hi /start", None),
        ] {
            assert_eq!(command_length(text), length, "{text}");
        }
    }
}
