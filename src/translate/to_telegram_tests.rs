//! Answers as calls.

use super::*;
use crate::domain::{
    address::{BotId, Conversation, KommoMessageId, MessageId, SourceId},
    job::{Job, SendJob},
    manager_initiated::UnknownRecipient,
    message::MediaKind,
};

fn outbound(to: Recipient, source: Option<&str>, text: &str) -> Outbound {
    let content = Content::Text(text.to_owned());
    let id = KommoMessageId("m1".to_owned());
    Outbound {
        id,
        to,
        source: source.map(str::to_owned),
        content,
        passed_on: Vec::new(),
        keyboard: Keyboard::default(),
        quote: None,
        file: None,
        group: None,
        written_at: None,
    }
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
        encode(&unknown, ours, Language::En).unwrap()[0].method,
        text_of("> When?\n\nNow".to_owned(), Keyboard::default())
    );
    let quoted = MessageId { bot: BotId(1), chat: 777.into(), message: 40, update: None };
    let quote = Quote { ours: Some(quoted), ..quote };
    let known = Outbound { quote: Some(quote), ..outbound(known("sales"), None, &"word ".repeat(1000)) };
    let numbers = encode(&known, ours, Language::En).unwrap().into_iter().map(|call| match call.method {
        Method::SendText { reply_to, .. } => reply_to,
        other => panic!("{other:?}"),
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [Some(40), None]);
}

#[test]
fn an_answer_answers_only_in_the_chat_of_what_it_answers() {
    let answer = |chat: i64| {
        let quoted = MessageId { bot: BotId(1), chat: chat.into(), message: 40, update: None };
        let quote = Some(Quote { ours: Some(quoted), ..Quote::default() });
        encode(&Outbound { quote, ..outbound(known("sales"), None, "Now") }, ours, Language::En).unwrap().remove(0)
    };
    for (quoted_in, sent_to, number) in
        [(777, 777, Some(40)), (777, -100, None), (-100, 777, None), (-100, -100, Some(40))]
    {
        assert_eq!(answer(quoted_in).reply_to_in(sent_to), number, "{quoted_in} {sent_to}");
    }
}

#[test]
fn a_long_text_becomes_numbered_parts_in_order() {
    let text = format!("{}\n\n{}", "a".repeat(4000), "b".repeat(200));
    let calls = encode(&outbound(known("sales"), Some("sales"), &text), ours, Language::En).unwrap();
    let numbers: Vec<_> = calls.iter().map(|call| (call.part, call.parts)).collect();
    assert_eq!(numbers, [(1, 2), (2, 2)]);
    assert_eq!(calls[1].method, text_of("b".repeat(200), Keyboard::default()));
}

#[test]
fn buttons_stand_below_the_last_part() {
    let keyboard = Keyboard(vec![vec![Button::answer("Yes")]]);
    let text = "word ".repeat(1000);
    let calls =
        encode(&Outbound { keyboard: keyboard.clone(), ..outbound(known("sales"), None, &text) }, ours, Language::En);
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
    let calls = encode(&Outbound { keyboard, ..outbound(known("sales"), None, "Look") }, ours, Language::En).unwrap();
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
        let calls = encode(&Outbound { keyboard: keyboard.clone(), ..outbound }, ours, Language::En).unwrap();
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
    let want = Method::SendContact { phone: "+1".to_owned(), name: "Bob".to_owned(), more: vec![], reply_to: Some(40) };
    assert_eq!(sent(card, &Keyboard::default()), [want]);
}

#[test]
fn there_is_room_for_the_buttons_as_lines() {
    let keyboard = Keyboard(vec![vec![Button::answer("y".repeat(100))]; 10]);
    let text = "word ".repeat(818);
    let calls = encode(&Outbound { keyboard, ..outbound(known("sales"), None, &text) }, ours, Language::En).unwrap();
    let last = calls.into_iter().map(|call| match call.method {
        Method::SendText { text, keyboard, .. } => (text.len(), keyboard.is_empty()),
        other => panic!("{other:?}"),
    });
    let [(_, true), (length, false)] = last.collect::<Vec<_>>()[..] else { panic!("two parts") };
    assert!(length + 10 * 103 < MESSAGE_UNITS);
}

#[test]
fn every_refusal_has_its_code_and_sentence() {
    let picture = Content::Unknown { kind: "picture".to_owned(), caption: None };
    let cases = [
        (outbound(Recipient::Foreign("wa:1".to_owned()), None, "x"), 905, "not known to the Telegram bridge"),
        (
            outbound(Recipient::UnknownRecipient(UnknownRecipient::default()), Some("sales"), "x"),
            904,
            "cannot write first",
        ),
        (outbound(known("gone"), None, "x"), 902, "no bot is configured for the source \"gone\""),
        (outbound(known("sales"), None, " \n"), 905, "is empty"),
        (
            Outbound { content: picture, ..outbound(known("sales"), None, "") },
            905,
            "the file of this message is missing (picture)",
        ),
    ];
    for (outbound, code, words) in cases {
        let refusal = encode(&outbound, ours, Language::En).unwrap_err();
        assert_eq!(refusal.code.number(), code, "{refusal:?}");
        assert!(refusal.why().contains(words), "{refusal:?}");
    }
}

#[test]
fn a_file_that_is_not_there_takes_no_words_with_it() {
    let content = Content::Unknown { kind: "picture".to_owned(), caption: Some("look".to_owned()) };
    let outbound = Outbound { content, ..outbound(known("sales"), None, "") };
    let calls = encode(&outbound, ours, Language::En).unwrap();
    let [call] = &calls[..] else { panic!("{calls:?}") };
    assert!(matches!(&call.method, Method::SendText { text, .. } if text == "look"), "{call:?}");
    let omitted = &call.omitted.as_ref().unwrap().sentence;
    assert!(omitted.ends_with("Attach it again. The customer has got the text without it."), "{omitted}");
    let russian = encode(&outbound, ours, Language::Ru).unwrap().remove(0).omitted.unwrap().sentence;
    assert_eq!(
        russian,
        "Не отправлено: к сообщению (изображение) не приложен файл. Прикрепите его ещё раз. Клиент получил текст без \
         файла."
    );
}

#[test]
fn a_source_that_kommo_made_up_does_not_stop_an_answer() {
    assert!(encode(&outbound(known("sales"), Some("widget_code"), "x"), ours, Language::En).is_ok());
    assert!(encode(&outbound(known("sales"), None, "x"), ours, Language::En).is_ok());
}

fn attachment(caption: &str) -> Outbound {
    let file = Attachment {
        kind: MediaKind::Picture,
        url: "https://amojo.kommo.com/x.jpg".to_owned(),
        file_name: "x.jpg".to_owned(),
        caption: Some(caption.to_owned()).filter(|caption| !caption.is_empty()),
    };
    Outbound {
        content: Content::Unknown { kind: "picture".to_owned(), caption: None },
        file: Some(file),
        ..outbound(known("sales"), None, "")
    }
}

fn file(caption: &str, keyboard: Keyboard) -> Method {
    let (url, name) = ("https://amojo.kommo.com/x.jpg".to_owned(), "x.jpg".to_owned());
    let file = RemoteFile::new(MediaKind::Picture, url, name);
    Method::SendFile { file, caption: caption.to_owned(), keyboard, reply_to: None }
}

fn yes() -> Keyboard {
    Keyboard(vec![vec![Button::answer("Yes")]])
}

fn methods_of(outbound: &Outbound) -> Vec<Method> {
    encode(outbound, ours, Language::En).unwrap().into_iter().map(|call| call.method).collect()
}

#[test]
fn a_file_and_its_text_are_one_message_if_they_fit() {
    assert_eq!(methods_of(&attachment("")), [file("", Keyboard::default())]);
    let fitting = "😀".repeat(CAPTION_UNITS / 2);
    let answer = Outbound { keyboard: yes(), ..attachment(&fitting) };
    assert_eq!(methods_of(&answer), [file(&fitting, yes())]);

    let long = format!("{fitting}!");
    let answer = Outbound { keyboard: yes(), ..attachment(&long) };
    assert_eq!(methods_of(&answer), [file("", Keyboard::default()), text_of(long, yes())]);
}

#[test]
fn a_file_answers_or_quotes_as_a_text_does() {
    let quote = Quote { words: "Which one?".to_owned(), ..Quote::default() };
    let quoting = Outbound { quote: Some(quote), ..attachment("") };
    assert_eq!(methods_of(&quoting), [file("> Which one?", Keyboard::default())]);
}

/// The jobs of files that were sent at once, shown in short: `[ab]` for an album, `a` for a file, `a:text` for a text.
fn united(answers: &[(&str, Outbound)]) -> String {
    let calls = |(id, outbound): &(&str, Outbound)| {
        encode(&Outbound { id: KommoMessageId((*id).to_owned()), ..outbound.clone() }, ours, Language::En).unwrap()
    };
    let caption = |call: &Call| match &call.method {
        Method::SendFile { caption, .. } if caption.is_empty() => call.message.0.clone(),
        Method::SendFile { caption, .. } => format!("{}({caption})", call.message),
        Method::SendLocation { .. } | Method::SendContact { .. } => unreachable!("no card was sent"),
        Method::SendText { text, keyboard, .. } => {
            let buttons = if keyboard.is_empty() { "" } else { "+buttons" };
            format!("{}:{}{buttons}", call.message, text.chars().take(9).collect::<String>())
        }
    };
    let shown = |job: &Job| match job {
        Job::Send(SendJob::Album(album)) => {
            format!("[{}]", album.calls.iter().map(caption).collect::<Vec<_>>().join(" "))
        }
        other => other.calls().iter().map(caption).collect(),
    };
    album::unite(answers.iter().map(calls).collect()).iter().map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn files_that_come_together_go_together() {
    let (plain, captioned) = (attachment(""), attachment("look"));
    let asking = |text: &str| Outbound { keyboard: yes(), ..attachment(text) };
    let long = attachment(&"word ".repeat(300));
    let text = outbound(known("sales"), None, "and a text");
    for (answers, jobs) in [
        (vec![("a", plain.clone())], "a"),
        (vec![("a", asking("Well?"))], "a(Well?)"),
        (vec![("a", captioned.clone()), ("b", plain.clone())], "[a(look) b]"),
        (vec![("a", captioned.clone()), ("b", captioned.clone())], "[a(look) b(look)]"),
        (vec![("a", plain.clone()), ("b", long)], "[a b] b:word word"),
        (vec![("a", asking("Well?")), ("b", plain.clone())], "[a b] a:Well?+buttons"),
        (vec![("a", plain.clone()), ("b", asking(""))], "[a b] b:👇+buttons"),
        (vec![("a", plain.clone()), ("b", text.clone()), ("c", plain.clone())], "a b:and a tex c"),
        (vec![("a", plain.clone()), ("b", text)], "a b:and a tex"),
    ] {
        assert_eq!(united(&answers), jobs);
    }
    let eleven: Vec<_> = "abcdefghijk".split("").filter(|id| !id.is_empty()).map(|id| (id, plain.clone())).collect();
    assert_eq!(united(&eleven), "[a b c d e f g h i j] k");
}

#[test]
fn the_parts_of_an_answer_are_counted_through_an_album() {
    let with_buttons = Outbound { keyboard: yes(), ..attachment("Well?") };
    let calls = |outbound: &Outbound| encode(outbound, ours, Language::En).unwrap();
    let jobs = album::unite(vec![calls(&with_buttons), calls(&attachment(""))]);
    let parts: Vec<_> = jobs.iter().flat_map(Job::calls).map(|call| (call.part, call.parts)).collect();
    assert_eq!(parts, [(1, 2), (1, 1), (2, 2)]);
}

#[test]
fn a_text_can_be_taken_from_its_file() {
    let calls = encode(&Outbound { keyboard: yes(), ..attachment("look") }, ours, Language::En).unwrap();
    let [first, second] = album::apart(&calls[0]).unwrap();
    assert_eq!((first.part, first.parts, first.method.clone()), (1, 2, file("", Keyboard::default())));
    assert_eq!((second.part, second.parts, second.method), (2, 2, text_of("look".to_owned(), yes())));
    assert_eq!((album::apart(&first), album::buttons_apart(&first), album::text_alone(&first)), (None, None, None));
}

#[test]
fn a_text_that_stays_alone_answers_what_its_file_would_have() {
    let Call { method, .. } =
        &encode(&Outbound { keyboard: yes(), ..attachment("look") }, ours, Language::En).unwrap()[0];
    let Method::SendFile { file, caption, keyboard, .. } = method.clone() else { panic!("{method:?}") };
    let answering = Method::SendFile { file, caption, keyboard, reply_to: Some(5) };
    let call = &encode(&attachment("look"), ours, Language::En).unwrap()[0];
    let alone = album::text_alone(&Call { method: answering, ..call.clone() }).unwrap();
    let method = Method::SendText { text: "look".to_owned(), keyboard: yes(), reply_to: Some(5) };
    assert_eq!((alone.part, alone.parts, alone.method), (1, 1, method));
}
