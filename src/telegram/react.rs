//! Reactions to messages.

use serde::Serialize;
use serde_json::Value;
use teloxide::requests::Payload;

use crate::{
    domain::{address::MessageId, retry::Failure},
    telegram::{bot::Bot, failure},
};

/// `setMessageReaction`; an empty list removes the reaction.
#[derive(Serialize)]
struct SetMessageReaction {
    chat_id: i64,
    message_id: i64,
    reaction: Vec<ReactionTypeEmoji>,
    is_big: bool,
}

#[derive(Serialize)]
struct ReactionTypeEmoji {
    r#type: &'static str,
    emoji: String,
}

impl Payload for SetMessageReaction {
    type Output = Value;
    const NAME: &'static str = "SetMessageReaction";
}

impl Bot {
    /// Reacts to a message with `emoji`, which Telegram must allow, or removes the reaction: `None`.
    ///
    /// # Errors
    /// The classified failure. The call is idempotent, so it is never uncertain.
    pub async fn react(&self, message: MessageId, emoji: Option<&str>) -> Result<(), Failure> {
        self.acquire().await;
        let typed = |emoji: &str| ReactionTypeEmoji { r#type: "emoji", emoji: emoji.to_owned() };
        let reaction = emoji.map(typed).into_iter().collect();
        let payload =
            SetMessageReaction { chat_id: message.chat.id, message_id: message.message, reaction, is_big: false };
        self.sender.call(&payload).await.map(drop).map_err(failure::of_repeatable)
    }
}
