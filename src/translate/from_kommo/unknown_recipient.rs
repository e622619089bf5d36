//! The recipient of a manager's first message.

use crate::{
    domain::{
        address::{KommoChatId, KommoUserId},
        crm::digits,
        manager_initiated::{ManagerInitiatedChat, UnknownRecipient, Wording},
    },
    kommo::wire::{HookContent, HookReceiver},
    translate::from_kommo::{cards, media_kind},
};

/// The recipient, from a hook without a conversation of ours.
pub(super) fn of(chat: Option<String>, receiver: Option<HookReceiver>, content: &HookContent) -> UnknownRecipient {
    let filled = |id: Option<String>| id.filter(|id| !id.is_empty());
    let receiver = receiver.unwrap_or_default();
    let phone = receiver.phone.filter(|phone| !digits(phone).is_empty());
    let user = filled(receiver.id).map(KommoUserId);
    let opening =
        filled(chat).map(|chat| ManagerInitiatedChat { chat: KommoChatId(chat), user, wording: wording(content) });
    UnknownRecipient { phone, opening }
}

/// The wording of a text or a file. An edit of any other message might change its kind.
fn wording(content: &HookContent) -> Option<Wording> {
    let kind = content.r#type.as_deref();
    let is_file = kind.is_some_and(cards::is_file);
    let text = content.text.clone().filter(|text| !text.is_empty());
    let is_known = is_file || (kind == Some("text") && text.is_some());
    is_known.then(|| Wording { file: is_file.then(|| media_kind(kind)), text })
}
