//! The ids of a chat in a hook.

use crate::{
    domain::address::{Conversation, KommoChatId, KommoUserId},
    kommo::wire::HookMessage,
};

/// A conversation of ours, with Kommo's ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownChat {
    pub conversation: Conversation,
    /// Kommo's id of its chat.
    pub chat: KommoChatId,
    /// Kommo's id of the customer.
    pub user: Option<KommoUserId>,
}

/// Reads the ids from the message of a hook; `None` if its conversation is not ours.
pub(super) fn of(message: &HookMessage) -> Option<KnownChat> {
    let thread = message.conversation.clone()?;
    let filled = |id: Option<String>| id.filter(|id| !id.is_empty());
    Some(KnownChat {
        conversation: filled(thread.client_id)?.parse().ok()?,
        chat: KommoChatId(filled(thread.id)?),
        user: message.receiver.as_ref().and_then(|receiver| filled(receiver.id.clone())).map(KommoUserId),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::from_kommo;

    fn read(raw: &str) -> Option<KnownChat> {
        from_kommo::read(raw).unwrap().known
    }

    #[test]
    fn a_hook_has_both_ids() {
        let known = read(include_str!("../../tests/fixtures/kommo/hook_picture_buttons_template.json")).unwrap();
        assert_eq!(known.conversation.to_string(), "tg:bot1:777000111");
        assert_eq!(known.chat.0, "8e4d4baa-9e6c-4a88-838a-5f62be227bdc");
        assert_eq!(known.user.unwrap().0, "2ed64e26-70a1-4857-8382-bb066a076219");
    }

    #[test]
    fn a_hook_of_a_managers_first_message_has_no_conversation() {
        assert_eq!(read(include_str!("../../tests/fixtures/kommo/hook_write_first.json")), None);
        assert_eq!(read(include_str!("../../tests/fixtures/kommo/hook_typing.json")), None);
        assert_eq!(read("{}"), None);
    }
}
