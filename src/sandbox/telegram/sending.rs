//! What all methods that send have in common.

use std::time::Duration;

use serde_json::json;

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage,
        arguments::Arguments,
        business,
        keyboards::{self, Markup},
        methods::{Answer, Refusal},
        places::Spot,
        replies, topics,
        world::World,
    },
};

/// How long a chat action is shown.
const ACTION: Duration = Duration::from_secs(5);
/// The chat actions of the Bot API.
const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];
/// Arguments that would change what the customer sees and that this server cannot show: refused, not ignored.
const NOT_SHOWN: [&str; 11] = [
    "direct_messages_topic_id",
    "message_effect_id",
    "suggested_post_parameters",
    "parse_mode",
    "entities",
    "caption_entities",
    "show_caption_above_media",
    "has_spoiler",
    "cover",
    "thumbnail",
    "live_period",
];

/// Refuses what cannot be shown.
pub(super) fn plain(arguments: &Arguments) -> Result<(), Refusal> {
    if NOT_SHOWN.iter().any(|name| arguments.text(name).is_some() || arguments.file(name).is_some()) {
        return Err(Refusal::new(400, "Bad Request: the sandbox shows plain text only"));
    }
    Ok(())
}

/// Sends the message that `make` gives: its text, file or piece. The rest comes from the arguments.
pub(super) fn send(
    world: &mut World,
    token: &str,
    arguments: &Arguments,
    now: UnixMillis,
    make: impl FnOnce(&mut Spot<'_>) -> Result<ChatMessage, Refusal>,
) -> Answer {
    plain(arguments)?;
    let markup = keyboards::markup(arguments)?;
    let mut spot = business::reach(world, token, arguments, now)?;
    let reply_to = replies::answered(arguments, spot.chat)?;
    let topic = topics::chosen(arguments, spot.chat, reply_to)?;
    let mut message = ChatMessage { reply_to, topic, ..make(&mut spot)? };
    spot.chat.action = None;
    match markup {
        Markup::Nothing => {}
        Markup::Inline(keyboard) => message.keyboard = keyboard,
        Markup::Reply(keyboard) => {
            spot.chat.reply_keyboard = Some(keyboard.clone());
            message.reply_keyboard = Some(keyboard);
        }
        Markup::Remove => spot.chat.reply_keyboard = None,
    }
    let message = spot.bots(message, now);
    Ok(spot.add(message))
}

impl Spot<'_> {
    /// Makes a message the bot's.
    pub(super) fn bots(&self, message: ChatMessage, now: UnixMillis) -> ChatMessage {
        let sender = match &self.frame.behalf {
            Some(behalf) => behalf.owner,
            None if self.frame.chat["type"] == "channel" => self.frame.chat["id"].as_i64().unwrap_or_default(),
            None => self.frame.bot.id,
        };
        ChatMessage { from_bot: true, sender, at_ms: now.0, ..message }
    }
}

/// `sendChatAction`.
pub(super) fn chat_action(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    let action = arguments.text("action").unwrap_or_default();
    if !ACTIONS.contains(&action) {
        return Err(Refusal::new(400, "Bad Request: wrong parameter action in request"));
    }
    let chat = business::reach(world, token, arguments, now)?.chat;
    topics::chosen(arguments, chat, None)?;
    chat.action = Some((action.to_owned(), now.plus(ACTION)));
    Ok(json!(true))
}
