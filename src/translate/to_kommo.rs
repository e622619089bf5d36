//! The domain -> what Kommo takes.

use crate::{
    domain::{
        delivery::{Delivery, Report},
        message::{Content, Customer, Inbound},
    },
    kommo::wire::{DeliveryStatus, Event, Message, NewChat, NewMessage, Sender, Source},
};

/// A customer's message as the event that creates it.
#[must_use]
pub fn encode(inbound: &Inbound) -> Event {
    Event {
        event_type: "new_message",
        payload: NewMessage {
            timestamp: inbound.sent_at.seconds(),
            msec_timestamp: inbound.sent_at.0,
            msgid: inbound.id.to_string(),
            conversation_id: inbound.conversation.to_string(),
            source: source(inbound),
            sender: sender(&inbound.customer),
            message: Message { r#type: "text", text: text(&inbound.content) },
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

/// What cannot be carried yet is named, so that the manager knows that something came.
fn text(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::Unknown { kind, caption: None } => format!("[{kind}]"),
        Content::Unknown { kind, caption: Some(caption) } => format!("[{kind}] {caption}"),
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
    use super::*;
    use crate::domain::{
        address::{BotId, Conversation, KommoMessageId, MessageId, SourceId, UserId},
        delivery::{ErrorCode, Refusal},
        time::UnixMillis,
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
        insta::assert_snapshot!(serde_json::to_string(&encode(&inbound)).unwrap(), @r#"{"event_type":"new_message","payload":{"timestamp":1786017600,"msec_timestamp":1786017600042,"msgid":"tg:123456:777000111:42","conversation_id":"tg:sales:777000111","source":{"external_id":"sales"},"sender":{"id":"tg-user:777000111","name":"Тест","profile_link":"https://t.me/test"},"message":{"type":"text","text":"Привет 👋"},"silent":false}}"#);
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
