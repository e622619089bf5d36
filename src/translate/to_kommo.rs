//! Converts the domain to Kommo's formats.

use crate::{
    domain::{
        address::KommoMessageId,
        delivery::{Delivery, DeliveryReport},
        message::{Author, Content, Customer, Inbound, Media, MediaKind, Quote, Reaction},
    },
    kommo::wire::{
        Card, Delivered, DeliveryStatus, Event, KnownMessage, Location, Message, NewChat, NewMessage, Profile, React,
        Reactor, ReplyTo, Sender, Source,
    },
    media::link::MediaLinks,
    words::{Language, described},
};

mod edits;
mod fallbacks;
mod imported;
mod manager_initiated;
mod variants;

pub use edits::{deleted, edit};
pub use imported::{Answered, import, imported_chat, old_words};
pub use manager_initiated::named;
pub use variants::{Extras, Variant, Without, variants};

/// The event that creates a message, for managers who read `language`. Kommo downloads files by `links`.
#[must_use]
pub fn encode(inbound: &Inbound, links: &MediaLinks<'_>, language: Language) -> Event {
    let is_outgoing = inbound.author != Author::Customer;
    Event {
        event_type: "new_message",
        payload: NewMessage {
            timestamp: inbound.sent_at.seconds(),
            msec_timestamp: inbound.sent_at.0,
            msgid: inbound.id.to_string(),
            conversation_id: inbound.conversation.to_string(),
            conversation_ref_id: None,
            source: source(inbound),
            sender: author(inbound),
            receiver: is_outgoing.then(|| sender(&inbound.customer)),
            message: Message {
                // A message that was sent in Telegram has arrived there.
                delivery_status: is_outgoing.then_some(Delivered::ARRIVED),
                ..message(inbound, links, language)
            },
            reply_to: reply_to(inbound),
            // Managers need no notification of the business's own messages.
            silent: is_outgoing,
        },
    }
}

fn reply_to(inbound: &Inbound) -> Option<ReplyTo> {
    let id = inbound.quote.as_ref()?.kommo.as_ref()?.0.clone();
    Some(ReplyTo { message: KnownMessage { id: Some(id), msgid: None } })
}

/// A reaction to the message with Kommo's `id`.
#[must_use]
pub fn react(reaction: &Reaction, id: KommoMessageId) -> React {
    React {
        conversation_id: reaction.conversation.to_string(),
        id: id.0,
        user: reactor(reaction),
        r#type: if reaction.emoji.is_some() { "react" } else { "unreact" },
        emoji: reaction.emoji.clone(),
    }
}

fn reactor(reaction: &Reaction) -> Reactor {
    match &reaction.author {
        Author::Customer => Reactor { id: reaction.customer.to_string(), ref_id: None },
        Author::Business { kommo, .. } => {
            let ref_id = kommo.as_ref().map(ToString::to_string);
            Reactor { id: business_id(ref_id.as_deref()), ref_id }
        }
    }
}

/// Our id of somebody who writes for the business.
fn business_id(ref_id: Option<&str>) -> String {
    format!("kommo-user:{}", ref_id.unwrap_or("unknown"))
}

/// The chat of a message.
#[must_use]
pub fn chat(inbound: &Inbound) -> NewChat {
    NewChat {
        conversation_id: inbound.conversation.to_string(),
        source: source(inbound),
        user: sender(&inbound.customer),
    }
}

fn source(inbound: &Inbound) -> Source {
    Source { external_id: inbound.conversation.source.to_string() }
}

/// The author. A person who is not a customer is named by Kommo's id.
fn author(inbound: &Inbound) -> Sender {
    match &inbound.author {
        Author::Customer => sender(&inbound.customer),
        Author::Business { name, kommo } => {
            let ref_id = kommo.as_ref().map(ToString::to_string);
            let id = business_id(ref_id.as_deref());
            Sender { id, ref_id, name: name.clone(), avatar: None, profile: None, profile_link: None }
        }
    }
}

fn sender(customer: &Customer) -> Sender {
    let profile_link = customer.username.as_ref().map(|username| format!("https://t.me/{username}"));
    let profile = customer.phone.as_deref().map(Profile::of);
    let (id, name) = (customer.id.to_string(), customer.name.clone());
    Sender { id, ref_id: None, name, avatar: None, profile, profile_link }
}

/// The content, with the text of the quoted message in front if the id of that message does not suffice.
fn message(inbound: &Inbound, links: &MediaLinks<'_>, language: Language) -> Message {
    let in_full = |text: &str| in_full(inbound, text, language);
    let caption_with_quote =
        |caption: Option<&str>| Some(in_full(caption.unwrap_or_default())).filter(|text| !text.is_empty());
    match &inbound.content {
        Content::Text(text) => text_message(in_full(text)),
        Content::Media(media) => {
            let text = caption_with_quote(media.caption.as_deref());
            file(media, text, links.to(&inbound.conversation.source, media))
        }
        Content::Location { latitude, longitude, caption } => Message {
            r#type: "location",
            text: caption_with_quote(caption.as_deref()),
            location: Some(Location { lon: *longitude, lat: *latitude }),
            ..Message::default()
        },
        Content::Contact { name, phone, caption } => Message {
            r#type: "contact",
            text: caption_with_quote(caption.as_deref()),
            contact: Some(Card { name: name.clone(), phone: phone.clone() }),
            ..Message::default()
        },
        // An unsupported kind is named, so that managers know of it.
        Content::Unknown { kind, caption: None } => text_message(in_full(&format!("[{kind}]"))),
        Content::Unknown { kind, caption: Some(caption) } => text_message(in_full(&format!("[{kind}] {caption}"))),
    }
}

/// A text after the quoted text, if Kommo does not know the quoted message or cannot show the quoted part, and after
/// the mark of an edit.
fn in_full(inbound: &Inbound, text: &str, language: Language) -> String {
    let repeated = inbound.quote.as_ref().filter(|quote| quote.kommo.is_none() || quote.is_part);
    let quote = repeated.map(Quote::in_front).unwrap_or_default();
    let mark = if inbound.edited { format!("[{}] ", described::edited().say(language)) } else { String::new() };
    if text.is_empty() { format!("{quote}{mark}").trim_end().to_owned() } else { format!("{quote}{mark}{text}") }
}

fn text_message(text: String) -> Message {
    Message { r#type: "text", text: Some(text), ..Message::default() }
}

fn file(media: &Media, text: Option<String>, link: String) -> Message {
    let needs_size = matches!(media.kind, MediaKind::Picture | MediaKind::Video | MediaKind::File);
    // Kommo refuses some kinds without a size, so an unknown one is 0.
    let size = media.size_bytes.or(needs_size.then_some(0));
    Message {
        r#type: type_of(media.kind),
        text,
        media: Some(link),
        file_name: Some(media.file_name.clone()),
        file_size: size,
        media_duration: media.duration_seconds,
        ..Message::default()
    }
}

/// Kommo's name for a kind of file.
const fn type_of(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Picture => "picture",
        MediaKind::Video => "video",
        MediaKind::Voice => "voice",
        MediaKind::Audio => "audio",
        MediaKind::Sticker => "sticker",
        MediaKind::File => "file",
    }
}

/// The delivery status of a report.
#[must_use]
pub fn delivery_status(report: &DeliveryReport) -> DeliveryStatus {
    let (status, refusal) = match &report.delivery {
        Delivery::Delivered => (1, None),
        Delivery::Read => (2, None),
        Delivery::Failed(refusal) => (-1, Some(refusal)),
    };
    DeliveryStatus {
        msgid: Some(report.message.0.clone()),
        status_code: Some(status),
        delivery_status: Some(status),
        error_code: refusal.map(|refusal| refusal.code.number()),
        error: refusal.map(|refusal| refusal.sentence.clone()),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;
    use crate::{
        domain::{
            address::{BotId, ContactId, Conversation, KommoMessageId, KommoUserId, MessageId, SourceId, UserId},
            delivery::{ErrorCode, RefusalText},
            time::UnixMillis,
        },
        media::link::LinkKey,
    };

    fn greeting() -> Inbound {
        Inbound {
            conversation: Conversation::new(SourceId::parse("sales").unwrap(), 777_000_111),
            id: MessageId { bot: BotId(123_456), chat: 777_000_111.into(), message: 42, update: None },
            customer: Customer {
                id: ContactId::Person(UserId(777_000_111)),
                name: "Тест".to_owned(),
                username: Some("test".to_owned()),
                phone: None,
            },
            author: Author::Customer,
            sent_at: UnixMillis(1_786_017_600_042),
            content: Content::Text("Привет 👋".to_owned()),
            quote: None,
            edited: false,
            topic: None,
            unattended: false,
        }
    }

    /// The event that is sent to Kommo.
    fn sent(inbound: &Inbound) -> Event {
        let links = MediaLinks {
            key: &LinkKey::derive("secret"),
            public_url: &Url::parse("https://bridge.example.com").unwrap(),
            expires_at: UnixMillis(0),
        };
        encode(inbound, &links, Language::En)
    }

    #[test]
    fn a_message_has_all_required_fields() {
        insta::assert_snapshot!(serde_json::to_string(&sent(&greeting())).unwrap(), @r#"{"event_type":"new_message","payload":{"timestamp":1786017600,"msec_timestamp":1786017600042,"msgid":"tg:123456:777000111:42","conversation_id":"tg:sales:777000111","source":{"external_id":"sales"},"sender":{"id":"tg-user:777000111","name":"Тест","profile_link":"https://t.me/test"},"message":{"type":"text","text":"Привет 👋"},"silent":false}}"#);
    }

    #[test]
    fn a_message_of_the_business_is_outgoing() {
        let kommo = Some(KommoUserId("f1910c7f-b1e0-4184-bd09-c7def2a9109a".to_owned()));
        let author = Author::Business { name: "Olga".to_owned(), kommo };
        let wire = serde_json::to_string(&sent(&Inbound { author, ..greeting() })).unwrap();
        insta::assert_snapshot!(wire, @r#"{"event_type":"new_message","payload":{"timestamp":1786017600,"msec_timestamp":1786017600042,"msgid":"tg:123456:777000111:42","conversation_id":"tg:sales:777000111","source":{"external_id":"sales"},"sender":{"id":"kommo-user:f1910c7f-b1e0-4184-bd09-c7def2a9109a","ref_id":"f1910c7f-b1e0-4184-bd09-c7def2a9109a","name":"Olga"},"receiver":{"id":"tg-user:777000111","name":"Тест","profile_link":"https://t.me/test"},"message":{"type":"text","text":"Привет 👋","delivery_status":{"status_code":1}},"silent":true}}"#);
    }

    #[test]
    fn an_answer_names_the_quoted_message_or_repeats_its_text() {
        let quote = Quote { words: "When?".to_owned(), ..Quote::default() };
        let unknown = sent(&Inbound { quote: Some(quote.clone()), ..greeting() }).payload;
        assert_eq!((unknown.message.text.as_deref(), unknown.reply_to), (Some("> When?\n\nПривет 👋"), None));
        let quote = Quote { kommo: Some(KommoMessageId("0371a0ff".to_owned())), ..quote };
        let known = serde_json::to_value(sent(&Inbound { quote: Some(quote.clone()), ..greeting() })).unwrap();
        assert_eq!(known["payload"]["message"]["text"], "Привет 👋");
        assert_eq!(known["payload"]["reply_to"], serde_json::json!({ "message": { "id": "0371a0ff" } }));
        let quote = Quote { is_part: true, ..quote };
        let part = sent(&Inbound { quote: Some(quote), ..greeting() }).payload;
        let named = part.reply_to.and_then(|reply| reply.message.id);
        assert_eq!((part.message.text.as_deref(), named.as_deref()), (Some("> When?\n\nПривет 👋"), Some("0371a0ff")));
    }

    #[test]
    fn a_removed_reaction_has_no_emoji() {
        let wire = |emoji: Option<&str>| {
            let Inbound { conversation, id, customer, .. } = greeting();
            let emoji = emoji.map(str::to_owned);
            let author = Author::Customer;
            let reaction = Reaction { conversation, message: id, customer: customer.id, author, emoji };
            serde_json::to_string(&react(&reaction, KommoMessageId("0371a0ff".to_owned()))).unwrap()
        };
        insta::assert_snapshot!(wire(Some("👍")), @r#"{"conversation_id":"tg:sales:777000111","id":"0371a0ff","user":{"id":"tg-user:777000111"},"type":"react","emoji":"👍"}"#);
        insta::assert_snapshot!(wire(None), @r#"{"conversation_id":"tg:sales:777000111","id":"0371a0ff","user":{"id":"tg-user:777000111"},"type":"unreact"}"#);
    }

    fn wire(delivery: Delivery) -> String {
        let report = DeliveryReport { message: KommoMessageId("0371a0ff".to_owned()), delivery };
        serde_json::to_string(&delivery_status(&report)).unwrap()
    }

    #[test]
    fn only_a_failed_status_has_an_error() {
        insta::assert_snapshot!(wire(Delivery::Delivered), @r#"{"msgid":"0371a0ff","status_code":1,"delivery_status":1}"#);
        insta::assert_snapshot!(wire(Delivery::Read), @r#"{"msgid":"0371a0ff","status_code":2,"delivery_status":2}"#);
        let refusal = RefusalText::new(ErrorCode::Other, "Bot was blocked by the user");
        insta::assert_snapshot!(wire(Delivery::Failed(refusal)), @r#"{"msgid":"0371a0ff","status_code":-1,"delivery_status":-1,"error_code":905,"error":"Bot was blocked by the user"}"#);
    }
}
