//! Bots change and delete what they have sent.

use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage,
        arguments::Arguments,
        business, keyboards,
        methods::{Answer, Refusal},
        places::{self, Spot},
        responses, sending, texts,
        world::World,
    },
};

const NOT_MODIFIED: &str = "Bad Request: message is not modified: specified new message content and reply markup are \
    exactly the same as a current content and reply markup of the message";

/// `editMessageText`.
pub(super) fn text(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    sending::plain(arguments)?;
    let text = texts::shown_text(arguments.text("text").unwrap_or_default())?;
    let keyboard = keyboards::inline(arguments)?;
    edit(&mut business::reach(world, token, arguments, now)?, arguments, now, |message| {
        if message.file.is_some() || message.piece.is_some() {
            return Err(Refusal::new(400, "Bad Request: there is no text in the message to edit"));
        }
        message.text = text;
        message.keyboard = keyboard;
        Ok(())
    })
}

/// `editMessageReplyMarkup`.
pub(super) fn reply_markup(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    let keyboard = keyboards::inline(arguments)?;
    edit(&mut business::reach(world, token, arguments, now)?, arguments, now, |message| {
        message.keyboard = keyboard;
        Ok(())
    })
}

/// Changes a message of the bot's. Other buttons alone do not count as an edit that people would see.
fn edit(
    spot: &mut Spot<'_>,
    arguments: &Arguments,
    now: UnixMillis,
    change: impl FnOnce(&mut ChatMessage) -> Result<(), Refusal>,
) -> Answer {
    let id = arguments.integer("message_id", 0, i64::MIN, i64::MAX);
    let message = spot.chat.messages.iter_mut().find(|message| message.message_id == id && message.from_bot);
    let message = message.ok_or(Refusal::new(400, "Bad Request: message to edit not found"))?;
    let mut changed = message.clone();
    change(&mut changed)?;
    if changed == *message {
        return Err(Refusal::new(400, NOT_MODIFIED));
    }
    changed.edited |= changed.text != message.text;
    *message = changed;
    let mut shape: Value = responses::message(&spot.frame, message);
    shape["edit_date"] = json!(now.seconds());
    Ok(shape)
}

/// `deleteMessage`: in a private chat also a customer's.
pub(super) fn delete(world: &mut World, token: &str, arguments: &Arguments) -> Answer {
    let id = arguments.integer("message_id", 0, i64::MIN, i64::MAX);
    let spot = places::open(world, token, arguments)?;
    let at = spot.chat.messages.iter().position(|message| message.message_id == id);
    spot.chat.messages.remove(at.ok_or(Refusal::new(400, "Bad Request: message to delete not found"))?);
    Ok(json!(true))
}
