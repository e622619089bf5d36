//! Imported messages ("Send, import and edit messages", "Importing messages").

use crate::{
    domain::{
        address::{Conversation, KommoMessageId, UserId},
        imported::{Import, ImportAuthor, ImportedId, OldContent, OldFile, Omitted},
        time::UnixMillis,
    },
    kommo::wire::{
        Card, Delivered, Event, KnownMessage, Location, Message, NewChat, NewMessage, ReplyTo, Sender, Source,
    },
    media::link::{ImportedFile, MediaLinks},
    translate::to_kommo::{text_message, type_of},
    words::{Language, described, kind},
};

/// The message that an imported one quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// One that the bridge has relayed, or linked when it was imported.
    Linked(KommoMessageId),
    /// One that was imported.
    Imported(ImportedId),
}

/// The event that creates a message with its original time. Idempotent, because Kommo accepts each id once.
#[must_use]
pub fn import(
    import: &Import,
    id: ImportedId,
    to: &Conversation,
    answered: Option<Answered>,
    links: &MediaLinks<'_>,
    language: Language,
) -> Event {
    // Telegram's times have seconds only. The milliseconds keep the order.
    let at = UnixMillis::from_seconds(import.message.at_seconds).0.saturating_add(import.within_second.min(999));
    let receiver = import.author.is_some().then(|| customer(import));
    let message = content(import, links, language);
    Event {
        event_type: "new_message",
        payload: NewMessage {
            timestamp: UnixMillis(at).seconds(),
            msec_timestamp: at,
            msgid: id.to_string(),
            conversation_id: to.to_string(),
            conversation_ref_id: None,
            source: Source { external_id: import.source.to_string() },
            sender: import.author.as_ref().map_or_else(|| customer(import), author),
            message: Message { delivery_status: receiver.is_some().then_some(Delivered::ARRIVED), ..message },
            receiver,
            reply_to: answered.map(|answered| ReplyTo { message: known(answered) }),
            silent: import.silent,
        },
    }
}

/// The chat of an imported message.
#[must_use]
pub fn imported_chat(import: &Import, to: &Conversation) -> NewChat {
    NewChat {
        conversation_id: to.to_string(),
        source: Source { external_id: import.source.to_string() },
        user: customer(import),
    }
}

/// The text of a message, for messages that quote it if Kommo does not have it.
#[must_use]
pub fn old_words(content: &OldContent, language: Language) -> String {
    match content {
        OldContent::Text(text) => text.clone(),
        OldContent::File(file) => {
            file.text.clone().unwrap_or_else(|| format!("[{}]", file.kind.in_words().say(language)))
        }
        OldContent::Place { .. } => format!("[{}]", kind::location().say(language)),
        OldContent::Card { name, .. } => format!("[{}] {name}", kind::contact().say(language)),
    }
}

fn known(answered: Answered) -> KnownMessage {
    match answered {
        Answered::Linked(id) => KnownMessage { id: Some(id.0), msgid: None },
        Answered::Imported(id) => KnownMessage { id: None, msgid: Some(id.to_string()) },
    }
}

fn customer(import: &Import) -> Sender {
    let name = if import.customer.is_empty() { format!("Telegram {}", import.chat) } else { import.customer.clone() };
    let id = UserId(import.chat).to_string();
    Sender { id, ref_id: None, name, avatar: None, profile: None, profile_link: None }
}

fn author(author: &ImportAuthor) -> Sender {
    Sender {
        id: format!("kommo-user:{}", author.user),
        ref_id: Some(author.user.to_string()),
        name: author.name.clone(),
        avatar: None,
        profile: None,
        profile_link: None,
    }
}

/// The content of a message. A missing file is named in the text.
fn content(import: &Import, links: &MediaLinks<'_>, language: Language) -> Message {
    let quoted = &import.quoted;
    let caption_with_quote = |text: Option<&str>| {
        let text = format!("{quoted}{}", text.unwrap_or_default()).trim_end().to_owned();
        Some(text).filter(|text| !text.is_empty())
    };
    match (&import.message.content, &import.file) {
        (OldContent::Text(text), _) => text_message(format!("{quoted}{text}")),
        (OldContent::File(file), Ok(kept)) => Message {
            r#type: type_of(file.kind),
            text: caption_with_quote(file.text.as_deref()),
            media: Some(links.to_imported(&ImportedFile {
                path: kept.path.clone(),
                file_name: kept.name.clone(),
                mime_type: file.mime_type.clone(),
                expires_at_seconds: 0,
            })),
            file_name: Some(kept.name.clone()),
            file_size: Some(kept.size_bytes),
            media_duration: file.duration_seconds,
            ..Message::default()
        },
        (OldContent::File(file), Err(omitted)) => text_message(format!("{quoted}{}", named(file, *omitted, language))),
        (OldContent::Place { latitude, longitude, text }, _) => Message {
            r#type: "location",
            text: caption_with_quote(text.as_deref()),
            location: Some(Location { lon: *longitude, lat: *latitude }),
            ..Message::default()
        },
        (OldContent::Card { name, phone }, _) => Message {
            r#type: "contact",
            text: caption_with_quote(None),
            contact: Some(Card { name: name.clone(), phone: phone.clone() }),
            ..Message::default()
        },
    }
}

/// The text in place of a missing file.
fn named(file: &OldFile, omitted: Omitted, language: Language) -> String {
    let described = file.path.rsplit('/').next().filter(|_| !file.path.contains('('));
    let name = file.name.as_deref().or(described).map(|name| format!(" {name}")).unwrap_or_default();
    let text = file.text.as_ref().map(|text| format!("\n{text}")).unwrap_or_default();
    let why = match omitted {
        Omitted::Missing => described::not_in_the_export(),
        Omitted::TooLarge => described::too_large_to_import(),
    };
    format!("[{}{name}: {}]{text}", file.kind.in_words().say(language), why.say(language))
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;
    use crate::{
        domain::{
            address::{BotId, KommoUserId, SourceId, TelegramChat},
            imported::{KeptFile, OldMessage},
            message::MediaKind,
        },
        media::link::LinkKey,
    };

    fn old(content: OldContent) -> Import {
        let message = OldMessage {
            id: 42,
            author: 777,
            author_name: "Anna".to_owned(),
            at_seconds: 1_714_557_600,
            reply_to: Some(41),
            content,
        };
        Import {
            source: SourceId::parse("sales").unwrap(),
            owner: UserId(555),
            chat: 777,
            customer: "Anna".to_owned(),
            message,
            author: None,
            file: Err(Omitted::Missing),
            quoted: String::new(),
            within_second: 42,
            silent: true,
            language: "en".to_owned(),
            is_repeated: false,
        }
    }

    fn id(message: i64) -> ImportedId {
        ImportedId { bot: BotId(1), chat: TelegramChat { owner: Some(UserId(555)), id: 777 }, message }
    }

    fn sent(old: &Import, answered: Option<Answered>) -> Event {
        let links = MediaLinks {
            key: &LinkKey::derive("secret"),
            public_url: &Url::parse("https://bridge.example.com").unwrap(),
            expires_at: UnixMillis(0),
        };
        import(old, id(42), &Conversation::new(old.source.clone(), 777), answered, &links, Language::En)
    }

    fn picture(path: &str) -> OldContent {
        OldContent::File(OldFile {
            kind: MediaKind::Picture,
            path: path.to_owned(),
            name: None,
            mime_type: None,
            duration_seconds: None,
            text: Some("look".to_owned()),
        })
    }

    #[test]
    fn a_message_has_its_original_time_and_a_marked_id() {
        let old = old(OldContent::Text("Hi".to_owned()));
        let event = sent(&old, Some(Answered::Imported(id(41))));
        insta::assert_snapshot!(serde_json::to_string(&event).unwrap(), @r#"{"event_type":"new_message","payload":{"timestamp":1714557600,"msec_timestamp":1714557600042,"msgid":"tg:1:555/777:i42","conversation_id":"tg:sales:777","source":{"external_id":"sales"},"sender":{"id":"tg-user:777","name":"Anna"},"message":{"type":"text","text":"Hi"},"reply_to":{"message":{"msgid":"tg:1:555/777:i41"}},"silent":true}}"#);
        let linked = sent(&old, Some(Answered::Linked(KommoMessageId("0371a0ff".to_owned()))));
        let reply = serde_json::to_value(linked.payload.reply_to).unwrap();
        assert_eq!(reply, serde_json::json!({ "message": { "id": "0371a0ff" } }));
        let user = KommoUserId("o".to_owned());
        let author = Some(ImportAuthor { name: "Olga".to_owned(), user, is_manager: false });
        let sent = sent(&Import { author, ..old }, None).payload;
        assert_eq!((sent.sender.id.as_str(), sent.receiver.unwrap().name.as_str()), ("kommo-user:o", "Anna"));
        assert_eq!(sent.message.delivery_status, Some(Delivered::ARRIVED), "the customer has it");
    }

    #[test]
    fn a_missing_file_is_named_and_another_is_linked() {
        let text = |old: Import| sent(&old, None).payload.message.text.unwrap();
        let large = Import { file: Err(Omitted::TooLarge), ..old(picture("a.jpg")) };
        assert_eq!(text(large), "[picture a.jpg: too large to be imported]\nlook");
        let quoted = |path| Import { quoted: "> before\n\n".to_owned(), ..old(picture(path)) };
        assert_eq!(text(quoted("photos/a.jpg")), "> before\n\n[picture a.jpg: not in the export]\nlook");
        assert_eq!(text(quoted("(File not included.)")), "> before\n\n[picture: not in the export]\nlook");
        let kept = KeptFile { path: "1-555/777/42.jpg".to_owned(), name: "a.jpg".to_owned(), size_bytes: 5 };
        let there = sent(&Import { file: Ok(kept), ..quoted("a.jpg") }, None).payload.message;
        assert_eq!(
            (there.r#type, there.file_size, there.text.as_deref()),
            ("picture", Some(5), Some("> before\n\nlook"))
        );
        assert!(there.media.unwrap().ends_with("/a.jpg"));
    }
}
