//! Kommo's hooks -> the domain.

use crate::{
    domain::{
        address::{Conversation, KommoMessageId},
        message::{Content, Outbound, Recipient, Typing},
        time::UnixMillis,
    },
    kommo::wire::{Hook, HookContent, HookConversation, HookMarkup, HookMessage, HookTyping},
};

/// What a hook is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// An answer to a customer.
    Message(Outbound),
    /// A manager types.
    Typing(Typing),
    /// Something that is not relayed, by its kind.
    Other(&'static str),
}

/// Reads a hook.
///
/// # Errors
/// If it is not a JSON object. Anything else has a meaning, if only [`Arrival::Other`].
pub fn decode(raw: &str) -> Result<Arrival, serde_json::Error> {
    let hook: Hook = serde_json::from_str(raw)?;
    let typing = hook.action.as_ref().and_then(|action| action.typing.as_ref());
    Ok(match (hook.message, typing) {
        (Some(message), _) => self::message(message).map_or(Arrival::Other("message without an id"), Arrival::Message),
        (None, Some(typing)) => self::typing(typing).map_or(Arrival::Other("typing elsewhere"), Arrival::Typing),
        (None, None) if hook.action.is_some() => Arrival::Other("action"),
        (None, None) => Arrival::Other("unknown"),
    })
}

fn message(hook: HookMessage) -> Option<Outbound> {
    let content = hook.message?;
    let id = content.id.clone().filter(|id| !id.is_empty())?;
    Some(Outbound {
        id: KommoMessageId(id),
        to: recipient(hook.conversation.unwrap_or_default()),
        source: hook.source.and_then(|source| source.external_id).filter(|id| !id.is_empty()),
        content: self::content(content),
    })
}

fn recipient(conversation: HookConversation) -> Recipient {
    match conversation.client_id.filter(|id| !id.is_empty()) {
        None => Recipient::Nobody,
        Some(id) => id.parse().map_or(Recipient::Foreign(id), Recipient::Known),
    }
}

/// The choices of a keyboard as lines of text: readable, and a customer who types one answers as the button would.
fn choices(markup: Option<HookMarkup>) -> String {
    let buttons = markup.and_then(|markup| markup.buttons).unwrap_or_default().into_iter().flatten();
    let lines = buttons.filter_map(|button| match (button.text, button.url) {
        (Some(text), Some(url)) => Some(format!("\n• {text}: {url}")),
        (Some(text), None) => Some(format!("\n• {text}")),
        (None, _) => None,
    });
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// A text is a text only if nothing else comes with it: the caption of a file must not go out without the file.
fn content(content: HookContent) -> Content {
    let text = content.text.filter(|text| !text.trim().is_empty());
    let has_media = content.media.is_some_and(|media| !media.is_empty());
    match (content.r#type.as_deref(), text) {
        (Some("text") | None, Some(text)) if !has_media => Content::Text(text + &choices(content.markup)),
        (kind, caption) => Content::Unknown { kind: kind.unwrap_or("message").to_owned(), caption },
    }
}

fn typing(typing: &HookTyping) -> Option<Typing> {
    let conversation: Conversation = typing.conversation.as_ref()?.client_id.as_deref()?.parse().ok()?;
    Some(Typing { conversation, expires_at: UnixMillis::from_seconds(typing.expired_at?) })
}

#[cfg(test)]
#[path = "from_kommo_tests.rs"]
mod tests;
