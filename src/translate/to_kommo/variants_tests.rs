use reqwest::Url;

use super::*;
use crate::{
    domain::{
        address::{BotId, ContactId, Conversation, KommoMessageId, MessageId, SourceId, UserId},
        message::{Author, Customer, Media, MediaKind},
        time::UnixMillis,
    },
    media::link::LinkKey,
};

fn inbound_with(content: Content, quote: Option<Quote>) -> Inbound {
    Inbound {
        conversation: Conversation::new(SourceId::parse("sales").unwrap(), 7),
        id: MessageId { bot: BotId(1), chat: 7.into(), message: 43, update: None },
        customer: Customer { id: ContactId::Person(UserId(7)), name: "Ann".to_owned(), username: None, phone: None },
        author: Author::Customer,
        sent_at: UnixMillis(0),
        content,
        quote,
        edited: false,
        topic: None,
        unattended: false,
    }
}

fn file() -> Content {
    Content::Media(Media {
        kind: MediaKind::Picture,
        file_id: "f".to_owned(),
        file_name: "x.jpg".to_owned(),
        mime_type: None,
        size_bytes: Some(1),
        duration_seconds: None,
        caption: None,
    })
}

/// What each form still has: a picture of the customer, the begun chat, the named message, the file.
fn kept(inbound: &Inbound, extras: &Extras) -> Vec<(Without, [bool; 4])> {
    let public_url = &Url::parse("https://bridge.example.com").unwrap();
    let links = MediaLinks { key: &LinkKey::derive("secret"), public_url, expires_at: UnixMillis(0) };
    let parts = |variant: Variant| {
        let payload = variant.event.payload;
        assert_eq!(payload.conversation_ref_id.is_some(), variant.is_begun);
        assert_eq!(
            (payload.msgid.as_str(), payload.message.callback_data.as_ref()),
            ("tg:1:7:43", extras.choice.as_ref())
        );
        let has = [
            payload.sender.avatar.is_some(),
            variant.is_begun,
            payload.reply_to.is_some(),
            payload.message.media.is_some(),
        ];
        (variant.without, has)
    };
    variants(inbound, extras, &links, Language::En).map(parts).collect()
}

#[test]
fn each_form_lacks_one_thing_more_and_the_last_has_the_words_alone() {
    let quote = Quote { kommo: Some(KommoMessageId("0371".to_owned())), words: "When?".to_owned(), ..Quote::default() };
    let inbound = inbound_with(file(), Some(quote));
    let extras = Extras {
        picture: Some("https://bridge.example.com/media/a/avatar.jpg".to_owned()),
        begun: Some((KommoChatId("9e4d".to_owned()), None)),
        ..Extras::of(&inbound)
    };
    assert_eq!(
        kept(&inbound, &extras),
        [
            (Without::Nothing, [true, true, true, true]),
            (Without::Picture, [false, true, true, true]),
            (Without::Begun, [false, false, true, true]),
            (Without::Named, [false, false, false, true]),
            (Without::File, [false, false, false, false]),
        ]
    );
}

#[test]
fn what_a_message_does_not_have_makes_no_form() {
    let text = inbound_with(Content::Text("Hi".to_owned()), None);
    let choice = Extras { choice: Some("7".to_owned()), ..Extras::of(&text) };
    assert_eq!(kept(&text, &choice), [(Without::Nothing, [false; 4])]);
    let words =
        inbound_with(Content::Text("Hi".to_owned()), Some(Quote { words: "When?".to_owned(), ..Quote::default() }));
    assert_eq!(kept(&words, &Extras::of(&words)), [(Without::Nothing, [false; 4])], "no message is named");
    let picture = Extras { picture: Some("https://bridge.example.com/a".to_owned()), ..Extras::of(&text) };
    let file = inbound_with(file(), None);
    assert_eq!(kept(&text, &picture).len(), 2);
    assert_eq!(
        kept(&file, &Extras::of(&file)),
        [(Without::Nothing, [false, false, false, true]), (Without::File, [false; 4])]
    );
}
