//! The methods of the Bot API that this server has.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        Core, Customer,
        arguments::Arguments,
        files, keyboards, polls, replies,
        shapes::{self, BotUser},
        updates::Allowed,
        world::{PrivateChat, World},
    },
};

/// What a method answers.
pub(super) type Answer = Result<Value, Refusal>;

/// An error as the server tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) description: &'static str,
}

impl Refusal {
    pub(super) const fn new(code: u16, description: &'static str) -> Self {
        Self { code, description }
    }
}

/// The answer to a token that is not, or no longer, a bot's.
pub(super) const UNAUTHORIZED: Refusal = Refusal::new(401, "Unauthorized");

/// The longest text, in UTF-16 units. The server counts code points after parsing, which are never more.
const LONGEST_TEXT: usize = 4096;
/// Above this many bytes the server does not even count.
const LONGEST_TEXT_BYTES: usize = 1 << 15;
/// How long a chat action is shown.
const TYPING: Duration = Duration::from_secs(5);
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
const NOT_SHOWN: [&str; 6] = [
    "business_connection_id",
    "message_thread_id",
    "direct_messages_topic_id",
    "parse_mode",
    "entities",
    "suggested_post_parameters",
];

/// Answers `method`, given in lower case.
pub(super) async fn call(core: &Core, token: &str, method: &str, arguments: &Arguments) -> Answer {
    if core.world.note(|world| world.bot(token).is_none()) {
        return Err(UNAUTHORIZED);
    }
    let now = core.clock.now();
    match method {
        "getupdates" => polls::get_updates(core, token, arguments).await,
        "getme" => core.world.note(|world| Ok(world.bot(token).ok_or(UNAUTHORIZED)?.user.me())),
        "sendmessage" => core.world.change(|world| send_message(world, token, arguments, now)),
        "sendchataction" => core.world.change(|world| send_chat_action(world, token, arguments, now)),
        "getfile" => core.world.note(|world| files::get_file(world, token, arguments)),
        "answercallbackquery" => {
            core.world.change(|world| keyboards::answer_callback_query(world, token, arguments, now))
        }
        "editmessagereplymarkup" => core.world.change(|world| keyboards::edit_reply_markup(world, token, arguments)),
        "getchat" => core.world.note(|world| Ok(shapes::full_chat(chat(world, token, arguments)?.1))),
        "setwebhook" => core.world.change(|world| set_webhook(world, token, arguments, true)),
        "deletewebhook" => core.world.change(|world| set_webhook(world, token, arguments, false)),
        "getwebhookinfo" => core.world.note(|world| webhook_info(world, token, now)),
        _ => Err(Refusal::new(404, "Not Found: method not found")),
    }
}

/// The bot, the customer and their chat that `chat_id` names.
fn chat<'w>(
    world: &'w mut World,
    token: &str,
    arguments: &Arguments,
) -> Result<(&'w BotUser, &'w Customer, &'w mut PrivateChat, bool), Refusal> {
    let named = arguments.text("chat_id").ok_or(Refusal::new(400, "Bad Request: chat_id is empty"))?;
    let not_found = Refusal::new(400, "Bad Request: chat not found");
    let id: i64 = named.parse().map_err(|_| not_found.clone())?;
    let person = world.customers.get(&id).ok_or(not_found.clone())?;
    let bot = world.bots.get_mut(token).ok_or(UNAUTHORIZED)?;
    let chat = bot.chats.get_mut(&id).ok_or(not_found)?;
    Ok((&bot.user, &person.card, chat, person.deactivated))
}

/// The same, if the bot may write there.
pub(super) fn open_chat<'w>(
    world: &'w mut World,
    token: &str,
    arguments: &Arguments,
) -> Result<(&'w BotUser, &'w Customer, &'w mut PrivateChat), Refusal> {
    let (bot, customer, chat, deactivated) = chat(world, token, arguments)?;
    if deactivated {
        return Err(Refusal::new(403, "Forbidden: user is deactivated"));
    }
    if chat.blocked {
        return Err(Refusal::new(403, "Forbidden: bot was blocked by the user"));
    }
    Ok((bot, customer, chat))
}

fn send_message(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    if NOT_SHOWN.iter().any(|name| arguments.text(name).is_some()) {
        return Err(Refusal::new(400, "Bad Request: the sandbox shows plain text only"));
    }
    let text = shown_text(arguments.text("text").unwrap_or_default())?;
    let keyboard = keyboards::keyboard(arguments)?;
    let (bot, customer, chat) = open_chat(world, token, arguments)?;
    chat.typing_until = UnixMillis::default();
    let reply_to = replies::answered(arguments, chat)?;
    let message = chat.add(true, text, now);
    (message.keyboard, message.reply_to) = (keyboard, reply_to);
    let message = message.clone();
    Ok(replies::with_quoted(bot, customer, chat, &message))
}

/// What becomes of a text on its way: control characters go, and the space around it.
fn shown_text(text: &str) -> Result<String, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new(400, "Bad Request: message text is empty"));
    }
    if text.len() > LONGEST_TEXT_BYTES {
        return Err(Refusal::new(400, "Bad Request: text is too long"));
    }
    let visible = text.chars().filter(|c| *c != '\r').map(|c| if c < ' ' && c != '\n' { ' ' } else { c });
    let shown = visible.collect::<String>().trim().to_owned();
    if shown.is_empty() {
        return Err(Refusal::new(400, "Bad Request: text must be non-empty"));
    }
    if shown.encode_utf16().count() > LONGEST_TEXT {
        return Err(Refusal::new(400, "Bad Request: message is too long"));
    }
    Ok(shown)
}

fn send_chat_action(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    let (_, _, chat) = open_chat(world, token, arguments)?;
    let action = arguments.text("action").unwrap_or_default();
    if !ACTIONS.contains(&action) {
        return Err(Refusal::new(400, "Bad Request: wrong parameter action in request"));
    }
    chat.typing_until = now.plus(TYPING);
    Ok(json!(true))
}

fn set_webhook(world: &mut World, token: &str, arguments: &Arguments, set: bool) -> Answer {
    let bot = world.bot(token).ok_or(UNAUTHORIZED)?;
    let url = if set { arguments.text("url").unwrap_or_default() } else { "" };
    if !url.is_empty() && !url.starts_with("https://") {
        return Err(Refusal::new(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook"));
    }
    if let Some(allowed) = Allowed::parse(arguments.text("allowed_updates")) {
        bot.queue.allowed = allowed;
    }
    if arguments.flag("drop_pending_updates") {
        bot.queue.clear();
    }
    url.clone_into(&mut bot.webhook);
    if !url.is_empty() {
        bot.polls.supersede();
    }
    Ok(json!(true))
}

fn webhook_info(world: &mut World, token: &str, now: UnixMillis) -> Answer {
    let bot = world.bot(token).ok_or(UNAUTHORIZED)?;
    let pending = bot.queue.pending(now);
    let mut info = json!({ "url": bot.webhook, "has_custom_certificate": false, "pending_update_count": pending });
    if !bot.webhook.is_empty() {
        info["max_connections"] = json!(40);
        info["ip_address"] = json!("<unknown>");
    }
    if let Some(names) = bot.queue.allowed.names() {
        info["allowed_updates"] = json!(names);
    }
    Ok(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_judged_as_the_server_does() {
        let longest = "👋".repeat(LONGEST_TEXT / 2);
        for (text, becomes) in [
            (" a\tb\r\nc\n".to_owned(), Ok("a b\nc".to_owned())),
            (longest.clone(), Ok(longest.clone())),
            (String::new(), Err("Bad Request: message text is empty")),
            (" \n ".to_owned(), Err("Bad Request: text must be non-empty")),
            (format!("{longest}a"), Err("Bad Request: message is too long")),
            ("a".repeat(LONGEST_TEXT_BYTES + 1), Err("Bad Request: text is too long")),
        ] {
            assert_eq!(shown_text(&text).map_err(|refusal| refusal.description), becomes);
        }
    }
}
