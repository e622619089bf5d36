//! The refusals of Telegram's server, with a code and a sentence for managers, as a table.
//!
//! The texts come from the server's source (`tdlib/telegram-bot-api`, `tdlib/td`), and those in capitals from Telegram
//! itself. `tests/fixtures/refusals.tsv` lists them with their codes.

use crate::{
    domain::delivery::{
        ErrorCode::{self, ConversationDeleted, ConversationImpossible, IntegrationOff, Other},
        Refusal,
    },
    words::{Sentence, refusal, what},
};

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The chat, the bot, or its rate: no other form of the message helps.
    Recipient,
    /// The content of the message: Telegram may accept it in another form.
    Content,
}

/// Refusals with the same meaning.
struct Group {
    /// How they begin, separated by `|`, in lower case and without "Bad Request: " or "Forbidden: ". A `*` stands for
    /// anything.
    starts: &'static str,
    code: ErrorCode,
    sentence: fn() -> Sentence,
    about: About,
}

const fn recipient(code: ErrorCode, sentence: fn() -> Sentence, starts: &'static str) -> Group {
    Group { starts, code, sentence, about: About::Recipient }
}

const fn content(sentence: fn() -> Sentence, starts: &'static str) -> Group {
    Group { starts, code: ErrorCode::Other, sentence, about: About::Content }
}

/// The first group that matches counts.
const GROUPS: &[Group] = &[
    recipient(ConversationDeleted, refusal::blocked, "bot was blocked by the user|user_is_blocked"),
    recipient(
        ConversationDeleted,
        refusal::deactivated,
        "user is deactivated|input_user_deactivated|user_deactivated|user_deleted|user is deleted",
    ),
    recipient(ConversationDeleted, refusal::group_deleted, "the group chat was deleted|chat is deactivated"),
    recipient(
        ConversationDeleted,
        refusal::removed,
        "bot was kicked|bot is not a member|channel_private|chat_forbidden|user_not_participant|\
         have no access to the chat|chat is not accessible|can't access the chat",
    ),
    recipient(
        IntegrationOff,
        refusal::not_connected,
        "business connection not found|business_connection_invalid|connection_id_invalid",
    ),
    recipient(IntegrationOff, refusal::may_not_answer, "bot_access_forbidden|business_connection_not_allowed"),
    recipient(ConversationImpossible, refusal::not_recent, "business_peer_usage_missing|business_peer_invalid"),
    recipient(IntegrationOff, refusal::frozen, "frozen_|user_restricted"),
    recipient(
        ConversationImpossible,
        refusal::no_chat,
        "bot can't initiate conversation|chat not found|private chat not found|peer_id_invalid|\
         user not found|user_id_invalid|chat_id_invalid|channel_invalid|have no access to the user|\
         can't access the user",
    ),
    recipient(
        ConversationImpossible,
        refusal::is_bot,
        "bot can't send messages to bots|the bot can't send messages to the bot|\
         bot can't send messages to the bot|user_is_bot|user_bot_invalid|messages must not be sent to self",
    ),
    recipient(ConversationImpossible, refusal::premium_only, "privacy_premium_required|premium_account_required"),
    recipient(
        ConversationImpossible,
        refusal::payment,
        "allow_payment_required|have not enough telegram stars|balance_too_low|stars_payment_required",
    ),
    recipient(ConversationImpossible, refusal::privacy, "user_privacy_restricted|your_privacy_restricted"),
    recipient(Other, refusal::spam, "peer_flood"),
    recipient(Other, refusal::slow_mode, "slowmode_wait|slow mode"),
    content(refusal::no_albums, "slowmode_multi_msgs_disabled"),
    content(refusal::no_voice, "voice_messages_forbidden|user restricted receiving of voice"),
    content(refusal::no_video_messages, "user restricted receiving of video note"),
    recipient(
        Other,
        || refusal::may_not_send(what::texts()),
        "not enough rights to send text messages|chat_send_plain_forbidden",
    ),
    content(|| refusal::may_not_send(what::photos()), "not enough rights to send photos|chat_send_photos_forbidden"),
    content(
        || refusal::may_not_send(what::video_messages()),
        "not enough rights to send video notes|chat_send_roundvideos_forbidden",
    ),
    content(|| refusal::may_not_send(what::videos()), "not enough rights to send videos|chat_send_videos_forbidden"),
    content(
        || refusal::may_not_send(what::voice_messages()),
        "not enough rights to send voice notes|chat_send_voices_forbidden",
    ),
    content(|| refusal::may_not_send(what::music()), "not enough rights to send music|chat_send_audios_forbidden"),
    content(
        || refusal::may_not_send(what::files()),
        "not enough rights to send documents|chat_send_docs_forbidden|chat_send_media_forbidden",
    ),
    content(
        || refusal::may_not_send(what::stickers()),
        "not enough rights to send stickers|not enough rights to send animations|\
         chat_send_stickers_forbidden|chat_send_gifs_forbidden|can't send emoji stickers",
    ),
    recipient(Other, || refusal::may_not_send(what::contacts()), "not enough rights to send contacts"),
    recipient(
        Other,
        || refusal::may_not_send(what::places()),
        "not enough rights to send locations|not enough rights to send venues|\
         not enough rights to send live locations",
    ),
    recipient(
        Other,
        refusal::may_not_write,
        "not enough rights|have no rights to send a message|have no write access to the chat|\
         need administrator rights|need delete messages administrator right|chat_write_forbidden|\
         chat_restricted|chat_admin_required|chat_guest_send_forbidden|chat_send_*forbidden|\
         user_banned_in_channel|right_forbidden|send_as_peer_invalid|boosts_required",
    ),
    recipient(
        Other,
        refusal::topic_closed,
        "topic_closed|topic_deleted|topic_id_invalid|message thread not found|topic not found|\
         can't access the topic|invalid message thread|invalid topic identifier|\
         invalid forum topic identifier|unknown forum topic identifier|\
         wrong direct messages topic identifier|channel direct messages topic must be specified|\
         chat is not a forum|chat doesn't have topics",
    ),
    recipient(
        Other,
        refusal::empty,
        "message text is empty|message_empty|text must be non-empty|can't send message without content|\
         input message content must be non-empty|input message content is not specified|input_text_empty|\
         there are no messages to send",
    ),
    content(
        refusal::bad_buttons,
        "button_|reply_markup_|reply markup|inline keyboard|keyboard button|text buttons are unallowed|\
         message has no inline keyboard|link to a user can't be used|web app buttons|\
         * can be requested in private chats only",
    ),
    content(
        refusal::bad_contact,
        "wrong phone number|phone_number_invalid|phone number|first name must|contact must|contact_",
    ),
    recipient(
        Other,
        refusal::bad_place,
        "invalid location|wrong venue location|venue must|live location|latitude|longitude|geo_point_invalid|\
         wrong live location",
    ),
    content(
        refusal::too_long,
        "message is too long|message_too_long|text is too long|message caption is too long|\
         media_caption_too_long|entities_too_long",
    ),
    content(
        refusal::file_too_big,
        "file is too big|request entity too large|file_parts_invalid|size of the photo is too big",
    ),
    content(refusal::file_is_empty, "file must be non-empty|can't upload empty file|media_empty|* must be non-empty"),
    content(
        refusal::picture_too_large,
        "photo_invalid_dimensions|dimensions of the photo are too big|height of the photo is too big|\
         width of the photo is too big",
    ),
    content(
        refusal::wrong_file,
        "wrong file|wrong remote file|wrong type of the web page|wrong sticker file|wrong video note length|\
         wrong http url specified|failed to get http url|failed to upload file|can't upload file by url|\
         can't use file of type|can't use the media of the specified type|can't use web file|\
         type of file mismatch|invalid file|invalid input media|unsupported type|file_|file not found|\
         file must|there is no * in the request|photo must|photo has unsupported extension|photo_|\
         image_process_failed|video_|audio_|voice_|document_invalid|sticker_|animated sticker|video sticker|\
         media_|webpage_|wc_convert_url_invalid|external_url_invalid|group send failed",
    ),
    recipient(
        Other,
        refusal::answered_is_gone,
        "message to be replied not found|replied message not found|reply_message_id_invalid|reply_to_|\
         quote_text_invalid",
    ),
    recipient(
        Other,
        refusal::message_is_gone,
        "message to edit not found|message to delete not found|message to react not found|\
         message to be * not found|message not found|message_id_invalid|msg_id_invalid|message_ids_mismatch|\
         message is too old|message_too_old",
    ),
    recipient(
        Other,
        refusal::cannot_be_changed,
        "message can't be edited|message can't be deleted|message_delete_forbidden|message_edit_time_expired|\
         message_author_required|inline_bot_required|message is not modified|\
         there is no text in the message to edit|there is no caption in the message to edit|\
         there is no media in the message to edit",
    ),
    recipient(
        Other,
        refusal::no_such_reaction,
        "reaction_|reactions_|invalid reaction type|chat_reactions_|can't react",
    ),
    recipient(Other, refusal::protected, "message has protected content|chat_forwards_restricted"),
    recipient(Other, refusal::moved, "group chat was upgraded"),
];

/// Looks up a refusal: what managers read, and what it is about.
pub(super) fn known(description: &str) -> Option<(Refusal, About)> {
    let text = cause(description);
    let group = GROUPS.iter().find(|group| group.starts.split('|').any(|start| has_prefix(&text, start)))?;
    Some((Refusal::new(group.code, (group.sentence)()), group.about))
}

/// The cause alone, in lower case. For an album, Telegram wraps the cause in a text that names the message.
fn cause(description: &str) -> String {
    let text = description.to_lowercase();
    let text = ["bad request: ", "forbidden: "].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(&text);
    let inner =
        text.strip_prefix("failed to send message #").and_then(|rest| rest.split_once("with the error message "));
    inner.map_or(text, |(_, cause)| cause.trim_matches('"')).to_owned()
}

/// Whether a text begins with `start`, in which a `*` stands for anything.
fn has_prefix(text: &str, start: &str) -> bool {
    let mut rest = text;
    for (n, part) in start.split('*').enumerate() {
        let at = if n == 0 { rest.starts_with(part).then_some(0) } else { rest.find(part) };
        let Some(at) = at else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}
