//! What messages answer, and what becomes of those that are changed.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage,
        arguments::Arguments,
        methods::Refusal,
        places::Frame,
        responses,
        world::{Chat, World},
    },
};

#[derive(Deserialize)]
struct ReplyParameters {
    message_id: i64,
    #[serde(default)]
    allow_sending_without_reply: bool,
}

/// The message of `chat` that `reply_parameters` name, if any.
pub(super) fn answered(arguments: &Arguments, chat: &Chat) -> Result<Option<i64>, Refusal> {
    let Some(parameters) = arguments.text("reply_parameters") else { return Ok(None) };
    let wanted: ReplyParameters = serde_json::from_str(parameters)
        .map_err(|_| Refusal::new(400, "Bad Request: can't parse reply parameters JSON object"))?;
    let found = chat.messages.iter().any(|message| message.message_id == wanted.message_id);
    if !found && !wanted.allow_sending_without_reply {
        return Err(Refusal::new(400, "Bad Request: message to be replied not found"));
    }
    Ok(found.then_some(wanted.message_id))
}

/// `Message` with the one that it answers inside it.
pub(super) fn with_quoted(frame: &Frame<'_>, chat: &Chat, message: &ChatMessage) -> Value {
    let mut shape = responses::message(frame, message);
    // In a topic, what answers nothing answers the message that began it.
    let beginning = message.topic.filter(|topic| *topic != message.message_id);
    let quoted = message.reply_to.or(beginning).and_then(|id| chat.messages.iter().find(|it| it.message_id == id));
    if let Some(quoted) = quoted {
        shape["reply_to_message"] = responses::message(frame, quoted);
    }
    shape
}

impl World {
    /// Somebody changes a message of theirs, in a private chat or a group. Returns `None` if there is no such message.
    pub(super) fn edit(
        &mut self,
        token: &str,
        chat_id: i64,
        message_id: i64,
        text: &str,
        now: UnixMillis,
    ) -> Option<()> {
        let known = self.messages(token, chat_id).into_iter().find(|it| it.message_id == message_id && !it.from_bot)?;
        let is_sent_to_bot = self.bots.get(token)?.hears(chat_id, &known);
        let spot = self.spot(token, chat_id)?;
        let message = spot.chat.messages.iter_mut().find(|it| it.message_id == message_id && !it.from_bot)?;
        text.clone_into(&mut message.text);
        message.edited = true;
        let message = message.clone();
        let mut update = with_quoted(&spot.frame, spot.chat, &message);
        update["edit_date"] = json!(now.seconds());
        if is_sent_to_bot {
            spot.queue.push("edited_message", &update, now);
        }
        Some(())
    }
}
