//! Converts an answer to calls of the Bot API.

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        job::{Call, Method, RemoteFile},
        keyboard::{Button, Keyboard},
        message::{Attachment, Content, Outbound, Quote, Recipient},
    },
    translate::{
        buttons,
        text::{CAPTION_UNITS, MESSAGE_UNITS, split_leaving},
    },
    words::{Language, Sentence, kind, refusal},
};

pub mod album;
mod cards;

/// The calls of an answer, in order; at least one.
///
/// `is_ours` returns whether a source has a bot here. Omissions are explained to managers in `language`.
///
/// # Errors
/// The reason for managers, if the answer cannot be sent at all.
pub fn encode(outbound: &Outbound, is_ours: impl Fn(&str) -> bool, language: Language) -> Result<Vec<Call>, Refusal> {
    let to = match &outbound.to {
        Recipient::Known(conversation) => conversation,
        Recipient::Foreign(_) => return Err(Refusal::new(ErrorCode::Other, refusal::unknown_conversation())),
        Recipient::UnknownRecipient(_) => {
            return Err(Refusal::new(ErrorCode::ConversationImpossible, refusal::cannot_write_first()));
        }
    };
    if !is_ours(to.source.as_str()) {
        return Err(Refusal::new(ErrorCode::IntegrationOff, refusal::no_bot_for(to.source.as_str())));
    }
    let fitted = buttons::fit(&outbound.keyboard);
    let mut omitted = None;
    let text = match &outbound.content {
        Content::Text(text) => text.as_str(),
        Content::Location { caption, .. } | Content::Contact { caption, .. } => caption.as_deref().unwrap_or_default(),
        Content::Media(_) | Content::Unknown { .. } if outbound.file.is_some() => file_text(outbound),
        Content::Unknown { kind, caption: Some(text) } => {
            omitted = Some(cannot_carry(kind_in_words(kind)).and(refusal::text_arrived()).in_language(language));
            text
        }
        Content::Media(media) => return Err(cannot_carry(media.kind.in_words())),
        Content::Unknown { kind, caption: None } => return Err(cannot_carry(kind_in_words(kind))),
    };
    let text = quoted(outbound) + text + &lines(&fitted.as_text);
    let mut methods = calls_of(outbound, text.trim(), &fitted.shown);
    methods.extend(outbound.passed_on.iter().map(|file| send_file(file, "", Keyboard::default(), None)));
    let parts = u16::try_from(methods.len()).map_err(|_| Refusal::new(ErrorCode::Other, refusal::text_too_long()))?;
    if parts == 0 {
        return Err(Refusal::new(ErrorCode::Other, refusal::nothing_to_send()));
    }
    let answers_in = outbound.quote.as_ref().and_then(|quote| quote.ours).map(|ours| ours.chat.id);
    let answers_in = answers_in.filter(|chat| *chat != to.chat.id);
    let call = |(part, method)| {
        let (message, to) = (outbound.id.clone(), to.clone());
        let (omitted, written_at) = (omitted.clone(), outbound.written_at);
        Call { message, to, part, parts, method, omitted, answers_in, opening: None, written_at }
    };
    Ok((1..=parts).zip(methods).map(call).collect())
}

/// The file or card first, if there is one, then the text in parts. The first call has the quote. The last one has the
/// buttons, and room for them as lines in case Telegram refuses them.
fn calls_of(outbound: &Outbound, text: &str, keyboard: &Keyboard) -> Vec<Method> {
    let quoted_id = outbound.quote.as_ref().and_then(|quote| quote.ours).map(|ours| ours.message);
    let card = match &outbound.file {
        Some(file) if text.encode_utf16().count() <= CAPTION_UNITS => {
            return vec![send_file(file, text, keyboard.clone(), quoted_id)];
        }
        Some(file) => Some(send_file(file, "", Keyboard::default(), quoted_id)),
        None => cards::of(&outbound.content, quoted_id),
    };
    let text = if card.is_some() && text.is_empty() && !keyboard.is_empty() { cards::POINTER } else { text };
    let shown: Vec<_> = keyboard.buttons().cloned().collect();
    let texts = split_leaving(text, MESSAGE_UNITS, lines(&shown).encode_utf16().count());
    let last = texts.len().saturating_sub(1);
    let is_answer = card.is_none();
    let method = |(n, text): (usize, &str)| Method::SendText {
        text: text.to_owned(),
        keyboard: if n == last { keyboard.clone() } else { Keyboard::default() },
        reply_to: quoted_id.filter(|_| n == 0 && is_answer),
    };
    card.into_iter().chain(texts.into_iter().enumerate().map(method)).collect()
}

fn file_text(outbound: &Outbound) -> &str {
    outbound.file.as_ref().and_then(|file| file.caption.as_deref()).unwrap_or_default()
}

fn send_file(file: &Attachment, caption: &str, keyboard: Keyboard, reply_to: Option<i64>) -> Method {
    let file = RemoteFile::new(file.kind, file.url.clone(), file.file_name.clone());
    Method::SendFile { file, caption: caption.to_owned(), keyboard, reply_to }
}

/// The text of the quoted message, if Telegram does not know that message.
fn quoted(outbound: &Outbound) -> String {
    let unknown = outbound.quote.as_ref().filter(|quote| quote.ours.is_none());
    // An empty answer stays empty: a quote alone is no message.
    let is_empty = matches!(&outbound.content, Content::Text(text) if text.trim().is_empty());
    unknown.filter(|_| !is_empty).map(Quote::in_front).unwrap_or_default()
}

/// Buttons as lines of text.
fn lines(buttons: &[Button]) -> String {
    let lines: Vec<_> = buttons.iter().map(Button::line).collect();
    if lines.is_empty() { String::new() } else { format!("\n\n{}", lines.join("\n")) }
}

fn cannot_carry(kind: Sentence) -> Refusal {
    Refusal::new(ErrorCode::Other, refusal::not_without_file(kind))
}

/// Kommo's kind of a message, in words. An unknown kind keeps Kommo's name.
fn kind_in_words(kind: &str) -> Sentence {
    match kind {
        "picture" => kind::picture(),
        "video" => kind::video(),
        "voice" | "voice message" => kind::voice(),
        "audio" | "audio file" => kind::audio(),
        "sticker" => kind::sticker(),
        "file" => kind::file(),
        "location" => kind::location(),
        "contact" => kind::contact(),
        other => Sentence::plain(other),
    }
}

#[cfg(test)]
#[path = "to_telegram_tests.rs"]
mod tests;
