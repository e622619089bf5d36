//! Edits of messages in Kommo ("Send, import and edit messages").

use crate::{
    domain::{
        address::{Conversation, KommoMessageId},
        message::Inbound,
        time::UnixMillis,
    },
    kommo::wire::{EditEvent, EditMessage},
    media::link::MediaLinks,
    translate::to_kommo::{message, text_message},
    words::{Language, described},
};

/// The edit of a message that Kommo has by our id. Kommo downloads files by `links`.
///
/// The edit repeats the whole message. Kommo accepts no quote here, so a quoted text stays in front. The file is linked
/// again, because it may be another one.
#[must_use]
pub fn edit(inbound: &Inbound, links: &MediaLinks<'_>, language: Language) -> EditEvent {
    let mut wording = message(&Inbound { edited: false, ..inbound.clone() }, links, language);
    if wording.media.is_some() {
        // Kommo may keep fields that are left out, but this caption was removed.
        wording.text.get_or_insert_default();
    }
    EditEvent {
        event_type: "edit_message",
        payload: EditMessage {
            timestamp: inbound.sent_at.seconds(),
            msec_timestamp: inbound.sent_at.0,
            id: None,
            msgid: Some(inbound.original().to_string()),
            conversation_id: Some(inbound.conversation.to_string()),
            conversation_ref_id: None,
            message: wording,
        },
    }
}

/// The edit that marks a message as deleted. It uses Kommo's id, because managers' messages have none of ours.
#[must_use]
pub fn deleted(
    conversation: &Conversation,
    message: &KommoMessageId,
    now: UnixMillis,
    language: Language,
) -> EditEvent {
    EditEvent {
        event_type: "edit_message",
        payload: EditMessage {
            timestamp: now.seconds(),
            msec_timestamp: now.0,
            id: Some(message.to_string()),
            msgid: None,
            conversation_id: Some(conversation.to_string()),
            conversation_ref_id: None,
            message: text_message(format!("[{}]", described::deleted().say(language))),
        },
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;
    use crate::{
        domain::{
            address::{BotId, ContactId, MessageId, SourceId, UserId},
            message::{Author, Content, Customer, Media, MediaKind, Quote},
        },
        kommo::wire::Message,
        media::link::LinkKey,
        translate::to_kommo::encode,
    };

    fn conversation() -> Conversation {
        Conversation::new(SourceId::parse("sales").unwrap(), 7)
    }

    fn edited(content: Content, quote: Option<Quote>) -> Inbound {
        Inbound {
            conversation: conversation(),
            id: MessageId { bot: BotId(1), chat: 7.into(), message: 42, update: Some(9001) },
            customer: Customer {
                id: ContactId::Person(UserId(7)),
                name: "Ann".to_owned(),
                username: None,
                phone: None,
            },
            author: Author::Customer,
            sent_at: UnixMillis(1_786_017_600_042),
            content,
            quote,
            edited: true,
            topic: None,
            unattended: false,
        }
    }

    fn with_links<T>(f: impl FnOnce(&MediaLinks<'_>) -> T) -> T {
        let public_url = &Url::parse("https://bridge.example.com").unwrap();
        f(&MediaLinks { key: &LinkKey::derive("secret"), public_url, expires_at: UnixMillis(0) })
    }

    fn wording(content: Content, quote: Option<Quote>) -> Message {
        with_links(|links| edit(&edited(content, quote), links, Language::En)).payload.message
    }

    fn text(words: &str) -> Content {
        Content::Text(words.to_owned())
    }

    #[test]
    fn an_edit_has_the_original_message_id() {
        let greeting = edited(text("Hi"), None);
        let (edit, instead) =
            with_links(|links| (edit(&greeting, links, Language::En), encode(&greeting, links, Language::En)));
        insta::assert_snapshot!(serde_json::to_string(&edit).unwrap(), @r#"{"event_type":"edit_message","payload":{"timestamp":1786017600,"msec_timestamp":1786017600042,"msgid":"tg:1:7:42","conversation_id":"tg:sales:7","message":{"type":"text","text":"Hi"}}}"#);
        assert_eq!(instead.payload.message.text.unwrap(), "[edited] Hi");
        let in_russian = with_links(|links| encode(&greeting, links, Language::Ru));
        assert_eq!(in_russian.payload.message.text.unwrap(), "[изменено] Hi");
        let unknown = Content::Unknown { kind: "photo".to_owned(), caption: Some("look".to_owned()) };
        assert_eq!(wording(unknown, None).text.unwrap(), "[photo] look");
    }

    #[test]
    fn an_edit_of_a_file_has_the_file() {
        let photo = |caption: Option<&str>| {
            Content::Media(Media {
                kind: MediaKind::Picture,
                file_id: "f".to_owned(),
                file_name: "photo.jpg".to_owned(),
                mime_type: None,
                size_bytes: Some(3),
                duration_seconds: None,
                caption: caption.map(str::to_owned),
            })
        };
        for (caption, want) in [(Some("the hall"), "the hall"), (None, "")] {
            let wording = wording(photo(caption), None);
            assert!(wording.media.is_some_and(|link| link.ends_with("/photo.jpg")));
            assert_eq!((wording.r#type, wording.text.as_deref()), ("picture", Some(want)));
            assert_eq!((wording.file_name.as_deref(), wording.file_size), (Some("photo.jpg"), Some(3)));
        }
    }

    #[test]
    fn the_quoted_text_of_an_edit_stays_in_front() {
        let quote = Quote { words: "When?".to_owned(), ..Quote::default() };
        assert_eq!(wording(text("Today"), Some(quote.clone())).text.unwrap(), "> When?\n\nToday");
        let known = Quote { kommo: Some(KommoMessageId("0371a0ff".to_owned())), ..quote };
        assert_eq!(wording(text("Today"), Some(known.clone())).text.unwrap(), "Today");
        let part = Quote { is_part: true, ..known };
        assert_eq!(wording(text("Today"), Some(part)).text.unwrap(), "> When?\n\nToday");
    }

    #[test]
    fn a_deleted_message_is_named_by_kommos_id_only() {
        let deleted = deleted(&conversation(), &KommoMessageId("0371a0ff".to_owned()), UnixMillis(1_000), Language::En);
        insta::assert_snapshot!(serde_json::to_string(&deleted).unwrap(), @r#"{"event_type":"edit_message","payload":{"timestamp":1,"msec_timestamp":1000,"id":"0371a0ff","conversation_id":"tg:sales:7","message":{"type":"text","text":"[deleted]"}}}"#);
    }
}
