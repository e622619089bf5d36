//! What becomes of each shape of update, the hostile ones included.

use super::{presses::unknown_button, *};
use crate::domain::message::Media;

fn source() -> SourceId {
    SourceId::parse("sales").unwrap()
}

fn arrival(raw: &str) -> Result<Arrival, Skip> {
    let now = UnixMillis(1_786_017_700_000);
    Received::read(raw).decode(&DecodeContext {
        source: &source(),
        bot: BotId(123_456),
        connection: None,
        program: None,
        groups: false,
        largest_file_bytes: 20 << 20,
        language: Language::En,
        now,
    })
}

fn read(raw: &str) -> Result<Inbound, Skip> {
    arrival(raw).map(|arrival| match arrival {
        Arrival::Message(inbound) => *inbound,
        other => panic!("{other:?}"),
    })
}

/// An update of `kind` whose message has these `fields` besides its ids.
fn update(kind: &str, fields: &str) -> String {
    format!(
        r#"{{"update_id":9001,"{kind}":{{"message_id":42,"date":1786017600,"chat":{{"id":777000111,"type":"private"}},"from":{{"id":777000111,"is_bot":false,"first_name":"Ann","last_name":"Lee","username":"annlee"}}{fields}}}}}"#
    )
}

#[test]
fn a_private_text_becomes_a_message() {
    insta::assert_debug_snapshot!(read(&update("message", r#","text":"Привет 👋""#)).unwrap(), @r#"
    Inbound {
        conversation: Conversation {
            source: SourceId(
                "sales",
            ),
            chat: 777000111,
        },
        id: MessageId {
            bot: BotId(
                123456,
            ),
            chat: 777000111,
            message: 42,
            update: None,
        },
        customer: Customer {
            id: Person(
                UserId(
                    777000111,
                ),
            ),
            name: "Ann Lee",
            username: Some(
                "annlee",
            ),
            phone: None,
        },
        author: Customer,
        sent_at: UnixMillis(
            1786017600042,
        ),
        content: Text(
            "Привет 👋",
        ),
        quote: None,
        edited: false,
        topic: Some(
            Outside,
        ),
        unattended: false,
    }
    "#);
}

#[test]
fn a_detail_nobody_knows_does_not_cost_the_text() {
    for odd in [
        r#","text":"hi","entities":[{"type":"date_time","offset":0,"length":2,"unix_time":"soon"}]"#,
        r#","text":"hi","external_reply":{"origin":{"type":"new"},"text":5}"#,
        r#","text":"hi","from_the_future":{"deep":[1,2,{"x":null}]}"#,
        r#","text":"hi","entities":"not a list","reply_markup":7"#,
    ] {
        assert_eq!(read(&update("message", odd)).unwrap().content, Content::Text("hi".to_owned()), "{odd}");
    }
}

#[test]
fn what_cannot_be_carried_is_named() {
    let unknown = |kind: &str, caption: Option<&str>| Content::Unknown {
        kind: kind.to_owned(),
        caption: caption.map(str::to_owned),
    };
    let cases = [
        (r#","photo":[],"caption":"look""#, unknown("photo", Some("look"))),
        (r#","voice":{"file_id":7}"#, unknown("voice", None)),
        (r#","video_note":{}"#, unknown("video note", None)),
        (r#","from_the_future":1"#, unknown("from the future", None)),
        ("", unknown("empty message", None)),
        (r#","text":"""#, unknown("empty message", None)),
        (r#","text":" \n\u200f\u200b\u2060""#, unknown("empty message", None)),
    ];
    for (fields, want) in cases {
        assert_eq!(read(&update("message", fields)).unwrap().content, want, "{fields}");
    }
}

#[test]
fn marks_and_origin_go_with_captions_too() {
    let bold = r#""entities":[{"type":"strikethrough","offset":0,"length":2}]"#;
    let link = r#""caption_entities":[{"type":"text_link","offset":0,"length":2,"url":"https://a.b/c"}]"#;
    let origin = r#""forward_origin":{"type":"hidden_user","date":1,"sender_user_name":"Ivan"}"#;
    let text_of = |fields: &str| match read(&update("edited_message", &format!(r#","edit_date":1786017700,{fields}"#)))
        .unwrap()
        .content
    {
        Content::Text(text) => text,
        Content::Media(media) => media.caption.unwrap(),
        Content::Contact { caption, .. } | Content::Unknown { caption, .. } => caption.unwrap(),
        Content::Location { .. } => panic!("no location was sent"),
    };
    assert_eq!(text_of(&format!(r#""text":"no 7",{bold}"#)), "~no~ 7");
    assert_eq!(text_of(&format!(r#""text":"no 7",{bold},{origin}"#)), "[forwarded from Ivan]\n~no~ 7");
    let voice = r#""voice":{"file_id":"v"}"#;
    assert_eq!(text_of(&format!(r#"{voice},"caption":"no 7",{link}"#)), "no (https://a.b/c) 7");
    assert_eq!(text_of(&format!("{voice},{origin}")), "[forwarded from Ivan]");
    assert_eq!(text_of(&format!(r#""contact":{{"phone_number":"1"}},{origin}"#)), "[forwarded from Ivan]");
    let card = r"BEGIN:VCARD\r\nTEL:8 (999) 111-00-02\r\nTEL:+49 30 123456\r\nEMAIL:ann@example.com\r\nEND:VCARD";
    let card = format!(r#""contact":{{"phone_number":"+79991110002","vcard":"{card}"}}"#);
    assert_eq!(text_of(&card), "+49 30 123456\nann@example.com", "all that the card has besides its first number");
    assert_eq!(text_of(&format!(r#""story":{{}},{origin}"#)), "[forwarded from Ivan]\n[story] of somebody");
    let via = r#""via_bot":{"id":7,"first_name":"Quiz","username":"quizbot"}"#;
    assert_eq!(text_of(&format!(r#""text":"hi",{via}"#)), "[via Quiz (@quizbot)]\nhi");
    assert_eq!(text_of(&format!(r#""text":"hi",{via},{origin}"#)), "[forwarded from Ivan]\n[via Quiz (@quizbot)]\nhi");
    assert_eq!(text_of(r#""text":" ","forward_origin":{}"#), "[forwarded from somebody]\n[empty message]");
}

#[test]
fn a_caption_of_nothing_visible_is_none() {
    let caption = read(&update("message", r#","voice":{"file_id":"v"},"caption":" \u200f""#)).unwrap().content;
    assert!(matches!(caption, Content::Media(Media { caption: None, .. })), "{caption:?}");
}

#[test]
fn an_edit_is_told_as_an_edit_under_an_id_of_its_own() {
    let edit = read(&update("edited_message", r#","edit_date":1786017700,"text":"new""#)).unwrap();
    assert_eq!(edit.id.to_string(), "tg:123456:777000111:42:9001");
    assert_eq!((edit.edited, edit.original().to_string().as_str()), (true, "tg:123456:777000111:42"));
    assert_eq!(edit.content, Content::Text("new".to_owned()));
    assert_eq!(edit.sent_at.seconds(), 1_786_017_700);
}

#[test]
fn an_edit_without_news_is_not_told_twice() {
    let edited = |fields: &str| read(&update("edited_message", fields));
    for same in [r#","photo":[{"file_id":"p"}],"caption":"x""#, r#","voice":{"file_id":"v"}"#] {
        assert_eq!(edited(same), Err(Skip::NoNews), "{same}");
        assert!(edited(&format!(r#"{same},"edit_date":1786017700"#)).is_ok(), "{same}");
    }
    assert!(edited(r#","text":"x""#).is_ok(), "a wording can be told again");
    assert_eq!(edited(r#","edit_date":1786017700,"location":{"latitude":1,"longitude":2}"#), Err(Skip::NoNews));
}

#[test]
fn a_customer_always_has_a_name() {
    let named = |user: &str| {
        let raw = format!(
            r#"{{"update_id":1,"message":{{"message_id":1,"date":1,"text":"x","chat":{{"id":5,"type":"private"}},"from":{user}}}}}"#
        );
        let customer = read(&raw).unwrap().customer;
        (customer.id.to_string(), customer.name)
    };
    for (user, name) in [
        (r#"{"id":5,"first_name":" Ann ","last_name":""}"#, "Ann"),
        (r#"{"id":5,"first_name":"","last_name":"Lee"}"#, "Lee"),
        (r#"{"id":5,"first_name":"  ","username":"annlee"}"#, "annlee"),
        (r#"{"id":5,"first_name":7}"#, "Telegram 5"),
        (r#"{"id":5,"first_name":"\u3164","username":"annlee"}"#, "annlee"),
        (r#"{"id":5,"first_name":"\u200e","last_name":"Lee"}"#, "Lee"),
        (r#"{"id":5,"first_name":"\u200e","username":"\u2060"}"#, "Telegram 5"),
        (r#"{"id":5,"first_name":"Ann\n[\u202eedited]","last_name":"L\u0007ee"}"#, "Ann [ edited] L ee"),
        ("null", "Telegram 5"),
    ] {
        assert_eq!(named(user), ("tg-user:5".to_owned(), name.to_owned()), "{user}");
    }
}

#[test]
fn what_is_no_private_message_is_skipped_with_its_reason() {
    let group = r#"{"update_id":1,"message":{"message_id":1,"date":1,"text":"x","chat":{"id":-5,"type":"group"}}}"#;
    assert_eq!(read(group), Err(Skip::Group { chat: -5, title: "Telegram -5".to_owned() }));
    let reaction = r#"{"update_id":1,"message_reaction":{"chat":{"id":5,"type":"private"}}}"#;
    assert_eq!(read(reaction), Err(Skip::NotAMessage("message_reaction".to_owned())));
}

#[test]
fn the_unreadable_is_told_apart_from_the_uninteresting() {
    for raw in [
        "",
        "[]",
        "nonsense",
        r#"{"update_id":1,"message":7}"#,
        r#"{"update_id":1,"message":{"message_id":1,"text":"x"}}"#,
        r#"{"update_id":1,"message":{"text":"x","chat":{"id":5,"type":"private"}}}"#,
        r#"{"update_id":1,"message":{"message_id":1,"text":"x","chat":{"id":5}}}"#,
        r#"{"update_id":1,"message":{"message_id":1,"text":"x","chat":{"id":"5","type":"private"}}}"#,
    ] {
        assert_eq!(read(raw), Err(Skip::Unreadable), "{raw}");
    }
}

#[test]
fn the_lane_is_the_chat_and_without_one_the_source() {
    assert_eq!(Received::read(&update("message", "")).lane(&source()).thread, "tg:sales:777000111");
    assert_eq!(Received::read(&update("edited_message", "")).lane(&source()).thread, "tg:sales:777000111");
    for raw in [r#"{"update_id":1,"poll":{}}"#, r#"{"update_id":1,"message":{}}"#, "nonsense"] {
        assert_eq!(Received::read(raw).lane(&source()).thread, "source:sales", "{raw}");
    }
}

const PRESS: &str = r#"{"update_id":9001,"callback_query":{"id":"q1","from":{"id":777000111,"first_name":"Ann"},"chat_instance":"1","data":"b:1:Cancel","message":{"message_id":42,"date":1786017600,"chat":{"id":777000111,"type":"private"},"text":"Order","reply_markup":{"inline_keyboard":[[{"text":"Accept","callback_data":"b:0:Accept"},{"text":"Cancel","callback_data":"b:1:Cancel"}]]}}}}"#;

fn press(raw: &str) -> Option<ButtonPress> {
    match arrival(raw) {
        Ok(Arrival::ButtonPress(press)) => Some(*press),
        _ => None,
    }
}

#[test]
fn a_press_says_what_stands_on_the_button() {
    let press = press(PRESS).unwrap();
    assert_eq!((press.query.as_str(), press.button), ("q1", Some(1)));
    assert_eq!(press.inbound.content, Content::Text("Cancel".to_owned()));
    assert_eq!(press.inbound.id.to_string(), "tg:123456:777000111:42:9001");
    assert_eq!(press.inbound.sent_at, UnixMillis(1_786_017_700_000));
    assert_eq!(Received::read(PRESS).lane(&source()).thread, "tg:sales:777000111");
    assert_eq!(press.once().inbound.id.to_string(), "tg:123456:777000111:42:-2");
}

#[test]
fn a_press_below_a_message_that_has_grown_too_old_is_still_understood() {
    let old = |data: &str| {
        press(&format!(
            r#"{{"update_id":9001,"callback_query":{{"id":"q1","data":"{data}","message":{{"message_id":42,"date":0,"chat":{{"id":5,"type":"private"}}}}}}}}"#
        ))
    };
    assert_eq!(old("b:1:Cancel").unwrap().inbound.content, Content::Text("Cancel".to_owned()));
    let unknown = old("order-17").unwrap();
    assert_eq!(unknown.inbound.content, unknown_button(Language::En));
    assert_eq!(unknown.once().inbound.id.to_string(), "tg:123456:5:42:9001", "each press counts");
}

#[test]
fn a_press_that_is_no_customers_is_none() {
    for raw in [
        PRESS.replace("private", "group"),
        PRESS.replace("\"message\":", "\"inline_message_id\":"),
        PRESS.replace("\"data\":", "\"game_short_name\":"),
        PRESS.replace("\"id\":\"q1\",", ""),
        update("message", ""),
        "nonsense".to_owned(),
    ] {
        assert_eq!(press(&raw), None, "{raw}");
    }
}

#[test]
fn what_a_message_answers_is_known_by_number_or_by_its_words() {
    let quote = |fields: &str| {
        let quote = read(&update("message", &format!(r#","text":"yes",{fields}"#))).unwrap().quote.unwrap();
        (quote.ours.map(|ours| ours.to_string()), quote.words)
    };
    let known = Some("tg:123456:777000111:40".to_owned());
    for (fields, ours, words) in [
        (r#""reply_to_message":{"message_id":40,"text":"Hi"}"#, known.clone(), "Hi"),
        (
            r#""reply_to_message":{"message_id":40,"chat":{"id":777000111},"photo":[],"caption":"look"}"#,
            known.clone(),
            "look",
        ),
        (r#""reply_to_message":{"message_id":40,"video_note":{}}"#, known.clone(), "[video note]"),
        (r#""reply_to_message":{"message_id":40,"chat":{"id":5},"text":"Hi"}"#, None, "Hi"),
        (
            r#""reply_to_message":{"message_id":40,"text":"Hi there"},"quote":{"text":"there","position":3,"is_manual":true}"#,
            known,
            "there",
        ),
        (r#""external_reply":{"origin":{}},"quote":{"text":"there"}"#, None, "there"),
    ] {
        assert_eq!(quote(fields), (ours, words.to_owned()), "{fields}");
    }
    for none in [r#""quote":{"text":" "}"#, r#""reply_to_message":7,"external_reply":{}"#] {
        assert_eq!(read(&update("message", &format!(r#","text":"yes",{none}"#))).unwrap().quote, None, "{none}");
    }
}

#[test]
fn a_reaction_in_a_group_is_one_of_many() {
    let raw = r#"{"update_id":1,"message_reaction":{"chat":{"id":-5,"type":"group","title":"Team"},"message_id":42,"user":{"id":7},"date":1,"old_reaction":[],"new_reaction":[{"type":"emoji","emoji":"👍"}]}}"#;
    let source = source();
    let (bot, now) = (BotId(123_456), UnixMillis(1_786_017_700_000));
    let place = DecodeContext {
        source: &source,
        bot,
        connection: None,
        program: None,
        groups: true,
        largest_file_bytes: 20 << 20,
        language: Language::En,
        now,
    };
    assert_eq!(Received::read(raw).decode(&place), Err(Skip::OneOfMany));
}

#[test]
fn a_reaction_is_its_newest_emoji() {
    let emoji = |old: &str, new: &str| {
        let raw = format!(
            r#"{{"update_id":1,"message_reaction":{{"chat":{{"id":5,"type":"private"}},"message_id":42,"user":{{"id":5}},"date":1,"old_reaction":[{old}],"new_reaction":[{new}]}}}}"#
        );
        assert_eq!(Received::read(&raw).lane(&source()).thread, "tg:sales:5");
        let Ok(Arrival::Reaction(reaction)) = arrival(&raw) else { return None };
        let named = (reaction.message.to_string(), reaction.customer.to_string());
        assert_eq!(named, ("tg:123456:5:42".to_owned(), "tg-user:5".to_owned()));
        Some(reaction.emoji)
    };
    let (like, heart) = (r#"{"type":"emoji","emoji":"👍"}"#, r#"{"type":"emoji","emoji":"❤"}"#);
    let custom = r#"{"type":"custom_emoji","custom_emoji_id":"7"},{"type":"paid"}"#;
    assert_eq!(emoji("", like), Some(Some("👍".to_owned())));
    assert_eq!(emoji(like, &format!("{like},{heart}")), Some(Some("❤".to_owned())));
    assert_eq!(emoji(like, ""), Some(None));
    assert_eq!(emoji(like, custom), Some(None));
    assert_eq!(emoji("", custom), None);
}
