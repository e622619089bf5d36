//! The methods of the Bot API that this server has.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        Core, albums, arguments::Arguments, attachments::FileKind, business, cards, commands, edits, files, keyboards,
        media, places, polls, profiles, reactions, sending, texts, updates::Allowed, world::World,
    },
};

/// What a method answers.
pub(super) type Answer = Result<Value, Refusal>;

/// An error as the server tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) description: Cow<'static, str>,
    /// Where the chat has gone, if that is why.
    pub(super) migrate_to: Option<i64>,
}

impl Refusal {
    pub(super) const fn new(code: u16, description: &'static str) -> Self {
        Self { code, description: Cow::Borrowed(description), migrate_to: None }
    }

    /// A bad request, in words of the moment.
    pub(super) fn bad(why: &str) -> Self {
        Self { code: 400, description: Cow::Owned(format!("Bad Request: {why}")), migrate_to: None }
    }
}

/// The answer to a token that is not, or no longer, a bot's.
pub(super) const UNAUTHORIZED: Refusal = Refusal::new(401, "Unauthorized");

/// The methods, as the documentation spells them.
const METHODS: [&str; 32] = [
    "getUpdates",
    "getMe",
    "getFile",
    "getChat",
    "getUserProfilePhotos",
    "sendMessage",
    "sendPhoto",
    "sendVideo",
    "sendAnimation",
    "sendAudio",
    "sendVoice",
    "sendVideoNote",
    "sendSticker",
    "sendDocument",
    "sendMediaGroup",
    "sendLocation",
    "sendVenue",
    "sendContact",
    "sendChatAction",
    "setMessageReaction",
    "answerCallbackQuery",
    "editMessageText",
    "editMessageReplyMarkup",
    "deleteMessage",
    "setWebhook",
    "deleteWebhook",
    "getWebhookInfo",
    "getBusinessConnection",
    "readBusinessMessage",
    "setMyCommands",
    "deleteMyCommands",
    "getMyCommands",
];

/// A method as the documentation spells it.
pub(super) fn spelled(method: &str) -> Option<&'static str> {
    METHODS.into_iter().find(|name| name.eq_ignore_ascii_case(method))
}

/// Answers `method`, in any case.
pub(super) async fn call(core: &Core, token: &str, method: &str, arguments: &Arguments) -> Answer {
    if core.world.note(|world| world.bot(token).is_none()) {
        return Err(UNAUTHORIZED);
    }
    let now = core.clock.now();
    let name = spelled(method).ok_or(Refusal::new(404, "Not Found: method not found"))?;
    if name == "getUpdates" {
        return polls::get_updates(core, token, arguments).await;
    }
    // Questions change nothing that somebody could wait for.
    if name.starts_with("get") {
        return core.world.note(|world| read_only(world, token, name, arguments, now));
    }
    core.world.change(|world| done(world, token, name, arguments, now))
}

fn read_only(world: &mut World, token: &str, name: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    match name {
        "getMe" => Ok(world.bot(token).ok_or(UNAUTHORIZED)?.user.me()),
        "getFile" => files::get_file(world, token, arguments),
        "getChat" => places::get_chat(world, token, arguments),
        "getUserProfilePhotos" => profiles::photos(world, token, arguments),
        "getWebhookInfo" => webhook_info(world, token, now),
        "getBusinessConnection" => business::get_connection(world, token, arguments),
        "getMyCommands" => commands::get(world, token, arguments),
        _ => Err(Refusal::new(404, "Not Found: method not found")),
    }
}

fn done(world: &mut World, token: &str, name: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    let media = |world: &mut World, kind: FileKind| media::send(world, token, arguments, kind, now);
    match name {
        "setMyCommands" => commands::set(world, token, arguments),
        "deleteMyCommands" => commands::delete(world, token, arguments),
        "sendMessage" => texts::send_message(world, token, arguments, now),
        "sendPhoto" => media(world, FileKind::Photo),
        "sendVideo" => media(world, FileKind::Video),
        "sendAnimation" => media(world, FileKind::Animation),
        "sendAudio" => media(world, FileKind::Audio),
        "sendVoice" => media(world, FileKind::Voice),
        "sendVideoNote" => media(world, FileKind::VideoNote),
        "sendSticker" => media(world, FileKind::Sticker),
        "sendDocument" => media(world, FileKind::Document),
        "sendMediaGroup" => albums::send(world, token, arguments, now),
        "sendLocation" => cards::send_location(world, token, arguments, now),
        "sendVenue" => cards::send_venue(world, token, arguments, now),
        "sendContact" => cards::send_contact(world, token, arguments, now),
        "sendChatAction" => sending::chat_action(world, token, arguments, now),
        "setMessageReaction" => reactions::set(world, token, arguments),
        "answerCallbackQuery" => keyboards::answer_callback_query(world, token, arguments, now),
        "editMessageText" => edits::text(world, token, arguments, now),
        "editMessageReplyMarkup" => edits::reply_markup(world, token, arguments, now),
        "deleteMessage" => edits::delete(world, token, arguments),
        "readBusinessMessage" => business::read_message(world, token, arguments),
        "setWebhook" => set_webhook(world, token, arguments, true),
        "deleteWebhook" => set_webhook(world, token, arguments, false),
        _ => Err(Refusal::new(404, "Not Found: method not found")),
    }
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
