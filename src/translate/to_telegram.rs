//! The domain -> the Telegram calls that an answer becomes.

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        keyboard::{Button, Keyboard},
        message::{Content, Outbound, Quote, Recipient},
        work::{Call, Method},
    },
    translate::{
        buttons,
        text::{MESSAGE_UNITS, split_leaving},
    },
};

mod cards;

/// The calls of an answer, in order; at least one.
///
/// `is_ours` tells which sources have a bot here.
///
/// # Errors
/// The sentence for the manager, if the answer cannot be sent at all.
pub fn encode(outbound: &Outbound, is_ours: impl Fn(&str) -> bool) -> Result<Vec<Call>, Refusal> {
    let to = match &outbound.to {
        Recipient::Known(conversation) => conversation,
        Recipient::Foreign(_) => return Err(unknown_conversation()),
        Recipient::Nobody => return Err(cannot_write_first()),
    };
    if !is_ours(to.source.as_str()) {
        return Err(no_bot(to.source.as_str()));
    }
    // Kommo may name a line that is not ours (its fallback for chats without a source); another bot of ours is a
    // contradiction, and a message that might reach the wrong person is not sent.
    if let Some(named) = outbound.source.as_deref().filter(|named| *named != to.source.as_str() && is_ours(named)) {
        return Err(contradiction(to.source.as_str(), named));
    }
    let fitted = buttons::fit(&outbound.keyboard);
    let text = match &outbound.content {
        Content::Text(text) => text.as_str(),
        Content::Location { caption, .. } | Content::Contact { caption, .. } => caption.as_deref().unwrap_or_default(),
        Content::Media(media) => return Err(cannot_carry(media.kind.name())),
        Content::Unknown { kind, .. } => return Err(cannot_carry(kind)),
    };
    let text = quoted(outbound) + text + &lines(&fitted.told);
    let methods = methods(outbound, text.trim(), &fitted.shown);
    let parts = u16::try_from(methods.len()).map_err(|_| too_long())?;
    if parts == 0 {
        return Err(empty());
    }
    let call = |(part, method)| Call { message: outbound.id.clone(), to: to.clone(), part, parts, method };
    Ok((1..=parts).zip(methods).map(call).collect())
}

/// What is no text, if there is such, and the text after it. The first of them is the answer; whoever has read to the end
/// finds the buttons there, and room for them as lines should Telegram not take them.
fn methods(outbound: &Outbound, text: &str, keyboard: &Keyboard) -> Vec<Method> {
    let answered = outbound.quote.as_ref().and_then(|quote| quote.ours).map(|ours| ours.message);
    let card = cards::of(&outbound.content, answered);
    let text = if card.is_some() && text.is_empty() && !keyboard.is_empty() { cards::POINTER } else { text };
    let shown: Vec<_> = keyboard.buttons().cloned().collect();
    let texts = split_leaving(text, MESSAGE_UNITS, lines(&shown).encode_utf16().count());
    let last = texts.len().saturating_sub(1);
    let is_answer = card.is_none();
    let method = |(n, text): (usize, &str)| Method::SendText {
        text: text.to_owned(),
        keyboard: if n == last { keyboard.clone() } else { Keyboard::default() },
        reply_to: answered.filter(|_| n == 0 && is_answer),
    };
    card.into_iter().chain(texts.into_iter().enumerate().map(method)).collect()
}

/// The words that an answer answers, where Telegram does not know their message.
fn quoted(outbound: &Outbound) -> String {
    let unknown = outbound.quote.as_ref().filter(|quote| quote.ours.is_none());
    // What is empty stays empty: words that nobody answers are no message.
    let is_empty = matches!(&outbound.content, Content::Text(text) if text.trim().is_empty());
    unknown.filter(|_| !is_empty).map(Quote::in_front).unwrap_or_default()
}

/// The buttons that Telegram would not show, as lines of text.
fn lines(told: &[Button]) -> String {
    let lines: Vec<_> = told.iter().map(Button::line).collect();
    if lines.is_empty() { String::new() } else { format!("\n\n{}", lines.join("\n")) }
}

fn unknown_conversation() -> Refusal {
    Refusal::new(
        ErrorCode::Other,
        "Not sent: this conversation is not known to the Telegram bridge. It was probably started through another channel.",
    )
}

fn cannot_write_first() -> Refusal {
    Refusal::new(
        ErrorCode::ConversationImpossible,
        "Not sent: a Telegram bot cannot write first. Ask the customer to open the bot and press Start.",
    )
}

fn no_bot(source: &str) -> Refusal {
    Refusal::new(
        ErrorCode::IntegrationOff,
        format!("Not sent: no bot is configured for the source \"{source}\". Ask whoever runs the Telegram bridge."),
    )
}

fn contradiction(ours: &str, named: &str) -> Refusal {
    Refusal::new(
        ErrorCode::Other,
        format!(
            "Not sent: this conversation belongs to the bot \"{ours}\", but Kommo chose \"{named}\". Answer in that bot's chat."
        ),
    )
}

fn cannot_carry(kind: &str) -> Refusal {
    Refusal::new(ErrorCode::Other, format!("Not sent: the Telegram bridge cannot send a {kind} yet, only text."))
}

fn too_long() -> Refusal {
    Refusal::new(ErrorCode::Other, "Not sent: the text is too long.")
}

fn empty() -> Refusal {
    Refusal::new(ErrorCode::Other, "Not sent: the message is empty.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::{BotId, Conversation, KommoMessageId, MessageId, SourceId};

    fn outbound(to: Recipient, source: Option<&str>, text: &str) -> Outbound {
        let content = Content::Text(text.to_owned());
        let id = KommoMessageId("m1".to_owned());
        Outbound { id, to, source: source.map(str::to_owned), content, keyboard: Keyboard::default(), quote: None }
    }

    fn known(source: &str) -> Recipient {
        Recipient::Known(Conversation::new(SourceId::parse(source).unwrap(), 777))
    }

    fn ours(source: &str) -> bool {
        ["sales", "support"].contains(&source)
    }

    fn text_of(text: String, keyboard: Keyboard) -> Method {
        Method::SendText { text, keyboard, reply_to: None }
    }

    #[test]
    fn the_first_part_answers_what_is_known_and_quotes_what_is_not() {
        let quote = Quote { words: "When?".to_owned(), ..Quote::default() };
        let unknown = Outbound { quote: Some(quote.clone()), ..outbound(known("sales"), None, "Now") };
        assert_eq!(
            encode(&unknown, ours).unwrap()[0].method,
            text_of("> When?\n\nNow".to_owned(), Keyboard::default())
        );
        let quoted = MessageId { bot: BotId(1), chat: 777.into(), message: 40, update: None };
        let quote = Quote { ours: Some(quoted), ..quote };
        let known = Outbound { quote: Some(quote), ..outbound(known("sales"), None, &"word ".repeat(1000)) };
        let numbers = encode(&known, ours).unwrap().into_iter().map(|call| match call.method {
            Method::SendText { reply_to, .. } => reply_to,
            other => panic!("{other:?}"),
        });
        assert_eq!(numbers.collect::<Vec<_>>(), [Some(40), None]);
    }

    #[test]
    fn a_long_text_becomes_numbered_parts_in_order() {
        let text = format!("{}\n\n{}", "a".repeat(4000), "b".repeat(200));
        let calls = encode(&outbound(known("sales"), Some("sales"), &text), ours).unwrap();
        let numbers: Vec<_> = calls.iter().map(|call| (call.part, call.parts)).collect();
        assert_eq!(numbers, [(1, 2), (2, 2)]);
        assert_eq!(calls[1].method, text_of("b".repeat(200), Keyboard::default()));
    }

    #[test]
    fn buttons_stand_below_the_last_part() {
        let keyboard = Keyboard(vec![vec![Button::answer("Yes")]]);
        let text = "word ".repeat(1000);
        let calls = encode(&Outbound { keyboard: keyboard.clone(), ..outbound(known("sales"), None, &text) }, ours);
        let keyboards = calls.unwrap().into_iter().map(|call| match call.method {
            Method::SendText { keyboard, .. } => keyboard,
            other => panic!("{other:?}"),
        });
        assert_eq!(keyboards.collect::<Vec<_>>(), [Keyboard::default(), keyboard]);
    }

    #[test]
    fn a_button_that_leads_nowhere_is_told_as_text() {
        let bad = Button::link("Site", "example");
        let keyboard = Keyboard(vec![vec![bad], vec![Button::answer("Yes")]]);
        let calls = encode(&Outbound { keyboard, ..outbound(known("sales"), None, "Look") }, ours).unwrap();
        let keyboard = Keyboard(vec![vec![Button::answer("Yes")]]);
        assert_eq!(calls[0].method, text_of("Look\n\n• Site: example".to_owned(), keyboard));
    }

    #[test]
    fn what_is_no_text_goes_before_the_text() {
        let quoted = MessageId { bot: BotId(1), chat: 777.into(), message: 40, update: None };
        let quote = Some(Quote { ours: Some(quoted), ..Quote::default() });
        let keyboard = Keyboard(vec![vec![Button::answer("Yes")]]);
        let place = |caption: Option<&str>| Content::Location {
            latitude: 48.8566,
            longitude: -2.5,
            caption: caption.map(str::to_owned),
        };
        let sent = |content, keyboard: &Keyboard| {
            let outbound = Outbound { content, quote: quote.clone(), ..outbound(known("sales"), None, "") };
            let calls = encode(&Outbound { keyboard: keyboard.clone(), ..outbound }, ours).unwrap();
            calls.into_iter().map(|call| call.method).collect::<Vec<_>>()
        };
        let pin = Method::SendLocation {
            latitude_microdegrees: 48_856_600,
            longitude_microdegrees: -2_500_000,
            reply_to: Some(40),
        };
        assert_eq!(sent(place(None), &Keyboard::default()), std::slice::from_ref(&pin));
        let text = |text: &str, keyboard: &Keyboard| text_of(text.to_owned(), keyboard.clone());
        assert_eq!(sent(place(Some("Here")), &keyboard), [pin.clone(), text("Here", &keyboard)]);
        assert_eq!(sent(place(None), &keyboard), [pin, text("👇", &keyboard)]);
        let card = Content::Contact { name: "Bob".to_owned(), phone: "+1".to_owned(), caption: None };
        let want = Method::SendContact { phone: "+1".to_owned(), name: "Bob".to_owned(), reply_to: Some(40) };
        assert_eq!(sent(card, &Keyboard::default()), [want]);
    }

    #[test]
    fn there_is_room_for_the_buttons_as_lines() {
        let keyboard = Keyboard(vec![vec![Button::answer("y".repeat(100))]; 10]);
        let text = "word ".repeat(818);
        let calls = encode(&Outbound { keyboard, ..outbound(known("sales"), None, &text) }, ours).unwrap();
        let last = calls.into_iter().map(|call| match call.method {
            Method::SendText { text, keyboard, .. } => (text.len(), keyboard.is_empty()),
            other => panic!("{other:?}"),
        });
        let [(_, true), (length, false)] = last.collect::<Vec<_>>()[..] else { panic!("two parts") };
        assert!(length + 10 * 103 < MESSAGE_UNITS);
    }

    #[test]
    fn every_refusal_has_its_code_and_sentence() {
        let picture = Content::Unknown { kind: "picture".to_owned(), caption: Some("look".to_owned()) };
        let cases = [
            (outbound(Recipient::Foreign("wa:1".to_owned()), None, "x"), 905, "not known to the Telegram bridge"),
            (outbound(Recipient::Nobody, Some("sales"), "x"), 904, "cannot write first"),
            (outbound(known("gone"), None, "x"), 902, "no bot is configured for the source \"gone\""),
            (outbound(known("sales"), Some("support"), "x"), 905, "belongs to the bot \"sales\""),
            (outbound(known("sales"), None, " \n"), 905, "is empty"),
            (Outbound { content: picture, ..outbound(known("sales"), None, "") }, 905, "cannot send a picture yet"),
        ];
        for (outbound, code, words) in cases {
            let refusal = encode(&outbound, ours).unwrap_err();
            assert_eq!(refusal.code.number(), code, "{refusal:?}");
            assert!(refusal.sentence.contains(words), "{refusal:?}");
        }
    }

    #[test]
    fn a_source_that_kommo_made_up_does_not_stop_an_answer() {
        assert!(encode(&outbound(known("sales"), Some("widget_code"), "x"), ours).is_ok());
        assert!(encode(&outbound(known("sales"), None, "x"), ours).is_ok());
    }
}
