//! The domain -> what Kommo takes.

use crate::{
    domain::{
        delivery::{Delivery, Report},
        message::{Content, Customer, Inbound, Media, MediaKind},
    },
    kommo::wire::{Card, DeliveryStatus, Event, Location, Message, NewChat, NewMessage, Sender, Source},
    media::link::MediaLinks,
};

/// A customer's message as the event that creates it. Kommo fetches files by `links`.
#[must_use]
pub fn encode(inbound: &Inbound, links: &MediaLinks<'_>) -> Event {
    Event {
        event_type: "new_message",
        payload: NewMessage {
            timestamp: inbound.sent_at.seconds(),
            msec_timestamp: inbound.sent_at.0,
            msgid: inbound.id.to_string(),
            conversation_id: inbound.conversation.to_string(),
            source: source(inbound),
            sender: sender(&inbound.customer),
            message: message(inbound, links),
            silent: false,
        },
    }
}

/// The chat that a customer's message belongs to.
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

fn sender(customer: &Customer) -> Sender {
    let profile_link = customer.username.as_ref().map(|username| format!("https://t.me/{username}"));
    Sender { id: customer.id.to_string(), name: customer.name.clone(), profile_link }
}

fn message(inbound: &Inbound, links: &MediaLinks<'_>) -> Message {
    match &inbound.content {
        Content::Text(text) => told(text.clone()),
        Content::Media(media) => file(media, links.to(&inbound.conversation.source, media)),
        Content::Location { latitude, longitude, caption } => Message {
            r#type: "location",
            text: caption.clone(),
            location: Some(Location { lon: *longitude, lat: *latitude }),
            ..Message::default()
        },
        Content::Contact { name, phone } => Message {
            r#type: "contact",
            contact: Some(Card { name: name.clone(), phone: phone.clone() }),
            ..Message::default()
        },
        // What cannot be carried yet is named, so that the manager knows that something came.
        Content::Unknown { kind, caption: None } => told(format!("[{kind}]")),
        Content::Unknown { kind, caption: Some(caption) } => told(format!("[{kind}] {caption}")),
    }
}

fn told(text: String) -> Message {
    Message { r#type: "text", text: Some(text), ..Message::default() }
}

fn file(media: &Media, link: String) -> Message {
    let (kind, needs_size) = match media.kind {
        MediaKind::Picture => ("picture", true),
        MediaKind::Video => ("video", true),
        MediaKind::Voice => ("voice", false),
        MediaKind::Audio => ("audio", false),
        MediaKind::Sticker => ("sticker", false),
        MediaKind::File => ("file", true),
    };
    // Kommo refuses some kinds without a size; 0 is the honest answer where Telegram tells none.
    let size = media.size_bytes.or(needs_size.then_some(0));
    Message {
        r#type: kind,
        text: media.caption.clone(),
        media: Some(link),
        file_name: Some(media.file_name.clone()),
        file_size: size,
        media_duration: media.duration_seconds,
        ..Message::default()
    }
}

/// A report as the delivery status that Kommo takes.
#[must_use]
pub fn delivery_status(report: &Report) -> DeliveryStatus {
    let (status, refusal) = match &report.delivery {
        Delivery::Delivered => (1, None),
        Delivery::Failed(refusal) => (-1, Some(refusal)),
    };
    DeliveryStatus {
        msgid: report.message.0.clone(),
        status_code: status,
        delivery_status: status,
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
            address::{BotId, Conversation, KommoMessageId, MessageId, SourceId, UserId},
            delivery::{ErrorCode, Refusal},
            time::UnixMillis,
        },
        media::link::LinkKey,
    };

    #[test]
    fn a_message_has_everything_that_kommo_wants() {
        let inbound = Inbound {
            conversation: Conversation::new(SourceId::parse("sales").unwrap(), 777_000_111),
            id: MessageId { bot: BotId(123_456), chat: 777_000_111, message: 42, update: None },
            customer: Customer {
                id: UserId(777_000_111), name: "Тест".to_owned(), username: Some("test".to_owned())
            },
            sent_at: UnixMillis(1_786_017_600_042),
            content: Content::Text("Привет 👋".to_owned()),
        };
        let links = MediaLinks {
            key: &LinkKey::derive("secret"),
            public_url: &Url::parse("https://bridge.example.com").unwrap(),
            expires_at: UnixMillis(0),
        };
        insta::assert_snapshot!(serde_json::to_string(&encode(&inbound, &links)).unwrap(), @r#"{"event_type":"new_message","payload":{"timestamp":1786017600,"msec_timestamp":1786017600042,"msgid":"tg:123456:777000111:42","conversation_id":"tg:sales:777000111","source":{"external_id":"sales"},"sender":{"id":"tg-user:777000111","name":"Тест","profile_link":"https://t.me/test"},"message":{"type":"text","text":"Привет 👋"},"silent":false}}"#);
    }

    fn wire(delivery: Delivery) -> String {
        let report = Report { message: KommoMessageId("0371a0ff".to_owned()), delivery };
        serde_json::to_string(&delivery_status(&report)).unwrap()
    }

    #[test]
    fn a_status_carries_an_error_only_if_it_failed() {
        insta::assert_snapshot!(wire(Delivery::Delivered), @r#"{"msgid":"0371a0ff","status_code":1,"delivery_status":1}"#);
        let refusal = Refusal::new(ErrorCode::Other, "Bot was blocked by the user");
        insta::assert_snapshot!(wire(Delivery::Failed(refusal)), @r#"{"msgid":"0371a0ff","status_code":-1,"delivery_status":-1,"error_code":905,"error":"Bot was blocked by the user"}"#);
    }
}
