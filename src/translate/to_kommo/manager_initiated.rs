//! Manager-initiated chats: tells Kommo which conversation they are ("Chat webhooks", write first).

use crate::{
    domain::{
        address::{KommoChatId, KommoMessageId, KommoUserId, MessageId},
        manager_initiated::ManagerInitiatedChat,
        time::UnixMillis,
    },
    kommo::wire::{EditEvent, EditMessage, Event, Message},
    translate::to_kommo::type_of,
};

/// Adds Kommo's ids of the chat and the customer to a customer's first message in a manager-initiated chat, so that
/// Kommo links them to ours.
pub(super) fn answering(mut event: Event, chat: &KommoChatId, user: Option<&KommoUserId>) -> Event {
    event.payload.conversation_ref_id = Some(chat.to_string());
    event.payload.sender.ref_id = user.map(ToString::to_string);
    event
}

/// The edit that adds our id to a manager's first message, with its unchanged wording; `None` if that is unknown. It
/// has only Kommo's id of the chat, because until the customer has answered, ours may belong to another chat.
#[must_use]
pub fn named(
    message: &KommoMessageId,
    ours: MessageId,
    opening: &ManagerInitiatedChat,
    now: UnixMillis,
) -> Option<EditEvent> {
    let wording = opening.wording.as_ref()?;
    let message_type = wording.file.map_or("text", type_of);
    Some(EditEvent {
        event_type: "edit_message",
        payload: EditMessage {
            timestamp: now.seconds(),
            msec_timestamp: now.0,
            id: Some(message.to_string()),
            msgid: Some(ours.to_string()),
            conversation_id: None,
            conversation_ref_id: Some(opening.chat.to_string()),
            message: Message { r#type: message_type, text: wording.text.clone(), ..Message::default() },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{address::BotId, manager_initiated::Wording, message::MediaKind};

    fn edit(wording: Option<Wording>) -> Option<String> {
        let ours = MessageId { bot: BotId(123_456), chat: 888.into(), message: 5, update: None };
        let opening = ManagerInitiatedChat { chat: KommoChatId("9e4d4baa".to_owned()), user: None, wording };
        let event = named(&KommoMessageId("4371a0ff".to_owned()), ours, &opening, UnixMillis(1_000))?;
        Some(serde_json::to_string(&event).unwrap())
    }

    #[test]
    fn a_first_message_gets_our_id_and_keeps_its_wording() {
        let text = Some(Wording { file: None, text: Some("Hello".to_owned()) });
        insta::assert_snapshot!(edit(text).unwrap(), @r#"{"event_type":"edit_message","payload":{"timestamp":1,"msec_timestamp":1000,"id":"4371a0ff","msgid":"tg:123456:888:5","conversation_ref_id":"9e4d4baa","message":{"type":"text","text":"Hello"}}}"#);
        let picture = Some(Wording { file: Some(MediaKind::Picture), text: None });
        insta::assert_snapshot!(edit(picture).unwrap(), @r#"{"event_type":"edit_message","payload":{"timestamp":1,"msec_timestamp":1000,"id":"4371a0ff","msgid":"tg:123456:888:5","conversation_ref_id":"9e4d4baa","message":{"type":"picture"}}}"#);
        assert_eq!(edit(None), None);
    }
}
