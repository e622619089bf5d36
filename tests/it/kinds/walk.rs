//! A walk over every text that the description knows in a message: each is told, or is silent for a reason.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{description::Description, in_private, inbound, samples, told};
use telekommo::telegram::wire::{ABOUT, CONTENTS};

/// Texts that nobody is told, by type and field, by the field, the type or the content alone, and why.
const SILENT: &[(&str, &str)] = &[
    ("file_id", "a link of ours stands for it"),
    ("file_unique_id", "an id"),
    ("file_path", "an id"),
    ("mime_type", "the name of a file tells it"),
    ("custom_emoji_id", "an id, beside the emoji itself"),
    ("icon_custom_emoji_id", "an id"),
    ("set_name", "which set a sticker is of"),
    ("language_code", "what somebody's apps speak is not what they say"),
    ("persistent_id", "an id"),
    ("option_persistent_id", "an id"),
    ("owned_gift_id", "an id"),
    ("telegram_payment_charge_id", "an id"),
    ("provider_payment_charge_id", "an id"),
    ("shipping_option_id", "an id"),
    ("MaskPosition", "where a sticker sits on a face"),
    ("PhotoSize", "the ids of a picture"),
    ("UniqueGiftColors", "how a name is painted"),
    ("VideoQuality", "other copies of the same film"),
    ("EncryptedCredentials", "encrypted, and not for us"),
    ("EncryptedPassportElement.data", "encrypted, and not for us"),
    ("EncryptedPassportElement.hash", "encrypted, and not for us"),
    ("EncryptedPassportElement.email", "a number is told instead: an element has one of both"),
    ("audio: Audio.file_name", "who plays what stands for it"),
    ("rich_message: Audio.file_name", "who plays what stands for it"),
    ("poll: Audio.file_name", "who plays what stands for it"),
    ("chat_background_set", "a picture, of which the theme is told"),
    ("ChecklistTasksAdded.checklist_message", "of that message its list is told"),
    ("ChecklistTasksDone.checklist_message", "of that message its list is told"),
    ("PollOptionAdded.poll_message", "of that message its poll is told"),
    ("PollOptionDeleted.poll_message", "of that message its poll is told"),
    ("Contact.vcard", "written for address books; the name and the number are told"),
    ("game: Animation.file_name", "what the game looks like"),
    ("paid_media: Video.file_name", "a film is shown, or stays in Telegram"),
    ("Gift.id", "an id"),
    ("UniqueGift.gift_id", "an id"),
    ("UniqueGiftInfo.origin", "an enumeration"),
    ("UniqueGiftModel.rarity", "an enumeration"),
    ("unique_gift: Sticker.emoji", "the names of its traits are told"),
    ("Invoice.start_parameter", "a link's payload"),
    ("LoginUrl.bot_username", "who logs somebody in"),
    ("LoginUrl.forward_text", "what a button says elsewhere"),
    ("Poll.id", "an id"),
    ("RichBlockAnchor.name", "the target of a link within the article"),
    ("RichTextAnchor.name", "the target of a link within the article"),
    ("RichTextAnchorLink.anchor_name", "the target of a link within the article"),
    ("RichTextReference.name", "the target of a link within the article"),
    ("RichTextReferenceLink.reference_name", "the target of a link within the article"),
    ("RichTextDateTime.date_time_format", "how a date is shown"),
    ("align", "how something is shown"),
    ("valign", "how something is shown"),
    ("style", "how something is shown"),
    ("callback_data", "for the bot that has sent the button"),
    ("switch_inline_query", "for the bot that has sent the button"),
    ("switch_inline_query_current_chat", "for the bot that has sent the button"),
    ("SwitchInlineQueryChosenChat.query", "for the bot that has sent the button"),
    ("checklist_tasks_added: Chat", "nobody has done a task that is new"),
    ("checklist_tasks_added: User", "nobody has done a task that is new"),
    ("rich_message: User.first_name", "a mention says it, or the username does"),
    ("rich_message: User.last_name", "a mention says it, or the username does"),
    ("SuggestedPostPaid.currency", "of an amount in Telegram Stars it is known"),
    ("Venue.foursquare_id", "an id"),
    ("Venue.foursquare_type", "an enumeration"),
    ("Venue.google_place_id", "an id"),
    ("Venue.google_place_type", "an enumeration"),
];

/// The texts of a value that say where they stand.
fn places<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(text) if text.contains('.') => drop(found.insert(text)),
        Value::Array(items) => items.iter().for_each(|item| places(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| places(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A message with a content in a private chat.
fn message(kind: &str, content: &Value) -> String {
    let update = json!({ "update_id": 9, "message": { "message_id": 42, "date": 1_786_017_600, kind: content } });
    in_private(&update)
}

/// What is told of a message, with spaces for underscores, as some of it is.
fn said(kind: &str, content: &Value) -> String {
    told(&inbound(&message(kind, content))).replace('_', " ")
}

fn is_silent(kind: &str, place: &str) -> bool {
    let (of, field) = place.split_once('.').unwrap_or_default();
    let (place_there, type_there) = (format!("{kind}: {place}"), format!("{kind}: {of}"));
    SILENT.iter().any(|(it, _)| [kind, place, of, field, &place_there, &type_there].contains(it))
}

#[test]
fn every_text_of_every_content_is_told_or_silent_for_a_reason() {
    let description = Description::read();
    let (mut walked, mut untold) = (BTreeSet::new(), BTreeSet::new());
    for kind in CONTENTS {
        let types = &description.field("Message", kind).types;
        let contents: Vec<_> = types.iter().flat_map(|name| samples::of(&description, name)).collect();
        let said: String = contents.iter().map(|content| said(kind, content)).collect();
        let mut found = BTreeSet::new();
        for content in &contents {
            places(content, &mut found);
        }
        walked.extend(found.iter().map(|place| (*place).to_owned()));
        untold.extend(
            found
                .iter()
                .filter(|place| !said.contains(&place.replace('_', " ")) && !is_silent(kind, place))
                .map(|place| format!("{kind}: {place}")),
        );
    }
    assert!(walked.len() > 150, "only {} texts were found", walked.len());
    assert_eq!(untold, BTreeSet::new());
}

/// Texts about a message that go to whoever has to do with it and not to a manager, and why. The others are told, or
/// lead a message to its place, which tests beside the code show.
const ABOUT_SILENT: &[(&str, &str)] = &[
    ("effect_id", "an animation"),
    ("ephemeral_message_id", "a number that is used again: by no means a key"),
    ("guest_bot_caller_chat", "what guests of a chat do is not relayed"),
    ("guest_bot_caller_user", "what guests of a chat do is not relayed"),
    ("has_media_spoiler", "how a picture is shown"),
    ("has_protected_content", "binds apps, not managers"),
    ("is_automatic_forward", "of the group below a channel; what it says is told"),
    ("is_paid_post", "what a channel does with its posts"),
    ("link_preview_options", "how a link is shown"),
    ("media_group_id", "each file is a message in Kommo"),
    ("paid_star_count", "goes to whoever owns the bot, not to a manager"),
    ("receiver_user", "for messages that one member of a group sees"),
    ("sender_boost_count", "what somebody gives to a group"),
    ("show_caption_above_media", "how a caption is shown"),
    ("suggested_post_info", "of a channel's direct messages, which are not relayed"),
];

#[test]
fn what_is_silent_about_a_message_is_known_to_be_there() {
    let unknown: Vec<_> = ABOUT_SILENT.iter().filter(|(field, _)| !ABOUT.contains(field)).collect();
    assert_eq!(unknown, Vec::<&(&str, &str)>::new());
}

#[test]
fn every_entity_keeps_its_words_and_tells_what_they_hide() {
    let description = Description::read();
    let kinds = &description.field("MessageEntity", "type").among;
    assert!(kinds.len() >= 20, "{kinds:?}");
    for kind in kinds {
        let hidden = match kind.as_str() {
            "text_link" => "https://hidden.example.com/",
            "text_mention" => "@hidden",
            "pre" => "```hidden",
            "date_time" => "2026-08-06 12:00 UTC",
            _ => "",
        };
        let entity = json!({
            "type": kind, "offset": 4, "length": 4, "url": "https://hidden.example.com/", "language": "hidden",
            "user": { "id": 1, "is_bot": false, "first_name": "H", "username": "hidden" }, "custom_emoji_id": "1",
            "unix_time": 1_786_017_600, "date_time_format": "wDT",
        });
        let message = json!({ "message_id": 42, "date": 1, "text": "see this here", "entities": [entity] });
        let said = told(&inbound(&in_private(&json!({ "update_id": 9, "message": message }))));
        for word in ["see", "this", "here", hidden] {
            assert!(said.contains(word), "{kind}: {word} in {said}");
        }
    }
}
