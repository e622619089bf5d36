//! Variants of events: with the customer's avatar, and with a file as a link.

use crate::{
    domain::message::{Content, Inbound},
    kommo::wire::Event,
    media::link::MediaLinks,
    translate::to_kommo::encode,
    words::{Language, Sentence, described},
};

/// An event with the customer's avatar, which Kommo downloads from `link`.
pub(super) fn pictured(mut event: Event, link: String) -> Event {
    let payload = &mut event.payload;
    payload.receiver.as_mut().unwrap_or(&mut payload.sender).avatar = Some(link);
    event
}

/// A message with a file, as a text with the file's name and a link; `None` for a message without a file.
pub(super) fn linked(inbound: &Inbound, links: &MediaLinks<'_>, language: Language) -> Option<Event> {
    let Content::Media(media) = &inbound.content else { return None };
    let (kind, name) = (media.kind.in_words(), &media.file_name);
    let what = match media.size_bytes {
        Some(size) => described::file_of(kind, name, size_in_words(size)),
        None => described::file(kind, name),
    };
    let link = links.to(&inbound.conversation.source, media);
    let lines = [Some(format!("[{}]", what.say(language))), Some(link), media.caption.clone()];
    let text = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
    Some(encode(&Inbound { content: Content::Text(text), ..inbound.clone() }, links, language))
}

/// A size for people, rounded up.
fn size_in_words(bytes: u64) -> Sentence {
    let kilobytes = bytes.div_ceil(1024);
    if kilobytes < 1024 { described::kilobytes(kilobytes) } else { described::megabytes(kilobytes.div_ceil(1024)) }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;
    use crate::{
        domain::{
            address::{BotId, ContactId, Conversation, MessageId, SourceId, UserId},
            message::{Author, Customer, Media, MediaKind},
            time::UnixMillis,
        },
        media::link::LinkKey,
    };

    fn with_links<T>(f: impl FnOnce(&MediaLinks<'_>) -> T) -> T {
        let public_url = &Url::parse("https://bridge.example.com").unwrap();
        f(&MediaLinks { key: &LinkKey::derive("secret"), public_url, expires_at: UnixMillis(0) })
    }

    fn inbound_with(content: Content) -> Inbound {
        Inbound {
            conversation: Conversation::new(SourceId::parse("sales").unwrap(), 7),
            id: MessageId { bot: BotId(1), chat: 7.into(), message: 43, update: None },
            customer: Customer {
                id: ContactId::Person(UserId(7)),
                name: "Ann".to_owned(),
                username: None,
                phone: None,
            },
            author: Author::Customer,
            sent_at: UnixMillis(0),
            content,
            quote: None,
            edited: false,
            topic: None,
            unattended: false,
        }
    }

    fn greeting() -> Inbound {
        inbound_with(Content::Text("Hi".to_owned()))
    }

    #[test]
    fn the_avatar_is_the_customers_whoever_wrote() {
        let link = || "https://bridge.example.com/media/a/avatar.jpg".to_owned();
        let received = pictured(with_links(|links| encode(&greeting(), links, Language::En)), link()).payload;
        assert_eq!(received.sender.avatar, Some(link()));
        let author = Author::Business { name: "Olga".to_owned(), kommo: None };
        let written = Inbound { author, ..greeting() };
        let written = pictured(with_links(|links| encode(&written, links, Language::En)), link()).payload;
        assert_eq!((written.sender.avatar, written.receiver.unwrap().avatar), (None, Some(link())));
    }

    #[test]
    fn a_file_can_be_a_text_with_a_link() {
        let (caption, size_bytes) = (Some("the hall".to_owned()), Some(1_048_577));
        let media = Media {
            kind: MediaKind::Video,
            file_id: "f".to_owned(),
            file_name: "x.mp4".to_owned(),
            mime_type: None,
            size_bytes,
            duration_seconds: None,
            caption,
        };
        let inbound = inbound_with(Content::Media(media.clone()));
        let (link, event) = with_links(|links| {
            (links.to(&inbound.conversation.source, &media), linked(&inbound, links, Language::En).unwrap())
        });
        let message = event.payload.message;
        assert_eq!(message.text.unwrap(), format!("[video \"x.mp4\" of 2 MB]\n{link}\nthe hall"));
        assert_eq!((message.r#type, event.payload.msgid), ("text", inbound.id.to_string()));
        assert_eq!(with_links(|links| linked(&greeting(), links, Language::En)), None);
        assert_eq!(
            [0, 1, 1_047_552, 1_047_553].map(|size| size_in_words(size).say(Language::En)),
            ["0 KB", "1 KB", "1023 KB", "1 MB"]
        );
    }
}
