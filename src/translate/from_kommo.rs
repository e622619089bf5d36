//! Converts Kommo's hooks to the domain.

use crate::{
    domain::{
        address::{Conversation, KommoMessageId},
        message::{Attachment, Content, MediaKind, Outbound, OutboundReaction, Quote, Recipient, Typing},
        time::UnixMillis,
    },
    kommo::wire::{Hook, HookAction, HookContent, HookMessage, HookQuoted, HookTyping},
    translate::{
        file_name,
        known_chat::{self, KnownChat},
        text::is_visible,
    },
};

mod cards;
mod forwards;
mod markup;
mod reaction;
mod unknown_recipient;

/// The content of a hook.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// An answer to a customer.
    Message(Box<Outbound>),
    /// A manager's reaction to a message.
    Reaction(OutboundReaction),
    Typing(Typing),
    /// Something that is not relayed, with its kind.
    Other(&'static str),
}

/// A hook that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    pub arrival: Arrival,
    /// When Kommo sent it.
    pub sent_at: Option<UnixMillis>,
    /// Kommo's id of the user who wrote the message.
    pub sender: Option<String>,
    /// The ids of its chat.
    pub known: Option<KnownChat>,
}

/// Reads a hook.
///
/// # Errors
/// If it is no JSON object.
pub fn read(raw: &str) -> Result<Received, serde_json::Error> {
    let hook: Hook = serde_json::from_str(raw)?;
    let sender = hook.message.as_ref().and_then(|message| message.sender.as_ref()?.id.clone());
    Ok(Received {
        sent_at: hook.time.map(UnixMillis::from_seconds),
        sender: sender.filter(|id| !id.is_empty()),
        known: hook.message.as_ref().and_then(known_chat::of),
        arrival: arrival(hook),
    })
}

/// Reads the content of a hook.
pub fn decode(raw: &str) -> Result<Arrival, serde_json::Error> {
    serde_json::from_str(raw).map(arrival)
}

fn arrival(hook: Hook) -> Arrival {
    match (hook.message, hook.action) {
        (Some(message), _) => self::message(message).map_or(Arrival::Other("message without an id"), Arrival::Message),
        (None, Some(HookAction { typing: Some(typing), .. })) => {
            self::typing(&typing).map_or(Arrival::Other("typing elsewhere"), Arrival::Typing)
        }
        (None, Some(HookAction { reaction: Some(reaction), .. })) => {
            reaction::decode(reaction).map_or_else(Arrival::Other, Arrival::Reaction)
        }
        (None, Some(_)) => Arrival::Other("action"),
        (None, None) => Arrival::Other("unknown"),
    }
}

fn instant(message: &HookMessage) -> Option<UnixMillis> {
    let exact = message.msec_timestamp.filter(|at| *at > 0).map(UnixMillis);
    exact.or_else(|| message.timestamp.map(UnixMillis::from_seconds))
}

/// Reads an answer; `None` for a message without an id.
pub(super) fn message(hook: HookMessage) -> Option<Box<Outbound>> {
    let written_at = instant(&hook);
    let content = hook.message?;
    let id = content.id.clone().filter(|id| !id.is_empty())?;
    let thread = hook.conversation.unwrap_or_default();
    let to = match thread.client_id.as_deref().filter(|id| !id.is_empty()) {
        None => Recipient::UnknownRecipient(unknown_recipient::of(thread.id, hook.receiver, &content)),
        Some(id) => id.parse().map_or_else(|_| Recipient::Foreign(id.to_owned()), Recipient::Known),
    };
    let (body, file) = self::content(content.clone());
    Some(Box::new(Outbound {
        id: KommoMessageId(id),
        to,
        source: hook.source.and_then(|source| source.external_id).filter(|id| !id.is_empty()),
        quote: content.reply_to.clone().and_then(|reply| reply.message).map(quote),
        passed_on: forwards::files(content.forwards.as_ref()),
        keyboard: content.markup.as_ref().map(markup::keyboard).unwrap_or_default(),
        group: content.media_group_id.clone().filter(|group| !group.is_empty()),
        written_at,
        content: body,
        file,
    }))
}

/// The quoted message. One of ours has our id, and one of Kommo's has Kommo's only.
fn quote(quoted: HookQuoted) -> Quote {
    let text = quoted.text.filter(|text| !text.trim().is_empty());
    let kind = || quoted.r#type.map(|kind| format!("[{kind}]")).unwrap_or_default();
    Quote {
        ours: quoted.msgid.and_then(|msgid| msgid.parse().ok()),
        kommo: quoted.id.filter(|id| !id.is_empty()).map(KommoMessageId),
        words: text.unwrap_or_else(kind),
        is_part: false,
    }
}

/// The content and the file. A text with a file is its caption, and must not be sent without the file.
fn content(content: HookContent) -> (Content, Option<Attachment>) {
    let list = content.markup.as_ref().and_then(markup::list_text);
    let text = with_list(content.text.filter(|text| is_visible(text)), list);
    let text = forwards::prepend(content.forwards.as_ref(), text);
    if let Some(file) = attachment(content.media.as_deref(), content.r#type.as_deref(), content.file_name.as_deref()) {
        let named = Content::Unknown { kind: file.kind.name().to_owned(), caption: None };
        return (named, Some(Attachment { caption: text, ..file }));
    }
    let kind = content.r#type.as_deref().filter(|kind| !kind.is_empty());
    if let Some(card) = cards::of(kind, content.location.as_ref(), content.contact, text.as_ref()) {
        return (card, None);
    }
    let content = match (content.r#type.as_deref(), text) {
        (kind, Some(text)) if !kind.is_some_and(cards::is_file) => Content::Text(text),
        (None | Some("text"), None) => Content::Text(String::new()),
        (kind, caption) => Content::Unknown { kind: kind.unwrap_or("message").to_owned(), caption },
    };
    (content, None)
}

/// A text, followed by the text of a list unless the list's text contains it.
fn with_list(text: Option<String>, list: Option<String>) -> Option<String> {
    match (text, list) {
        (Some(text), Some(list)) if list.split("\n\n").all(|part| part != text.trim()) => {
            Some(format!("{}\n\n{list}", text.trim()))
        }
        (_, Some(list)) => Some(list),
        (text, None) => text,
    }
}

/// A file of a message, if it has one.
fn attachment(media: Option<&str>, kind: Option<&str>, name: Option<&str>) -> Option<Attachment> {
    let url = media.map(str::trim).filter(|media| !media.is_empty())?;
    let kind = media_kind(kind);
    Some(Attachment { kind, url: url.to_owned(), file_name: file_name(name, url, kind), caption: None })
}

fn media_kind(kind: Option<&str>) -> MediaKind {
    match kind {
        Some("picture") => MediaKind::Picture,
        Some("video") => MediaKind::Video,
        Some("voice") => MediaKind::Voice,
        Some("audio") => MediaKind::Audio,
        Some("sticker") => MediaKind::Sticker,
        // The customer can get any other kind as a file.
        Some(_) | None => MediaKind::File,
    }
}

/// The name of a file, which Kommo often leaves out, or else that in its address.
fn file_name(name: Option<&str>, url: &str, kind: MediaKind) -> String {
    let name = name.map(file_name::clean).filter(|name| !name.is_empty());
    let in_url = || file_name::of_url(url).map(|name| file_name::clean(&name)).filter(|name| !name.is_empty());
    name.or_else(in_url).unwrap_or_else(|| kind.name().replace(' ', "-"))
}

fn typing(typing: &HookTyping) -> Option<Typing> {
    let conversation: Conversation = typing.conversation.as_ref()?.client_id.as_deref()?.parse().ok()?;
    Some(Typing { conversation, expires_at: UnixMillis::from_seconds(typing.expired_at?) })
}

#[cfg(test)]
#[path = "from_kommo_tests.rs"]
mod tests;
