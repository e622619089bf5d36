//! Chats, customers and authors in every kind of chat.

use crate::{
    domain::{
        address::{BotId, ContactId, SourceId, UserId},
        membership::Connection,
        message::{Author, Content, Inbound, Skip},
        time::UnixMillis,
        topic::Topic,
    },
    translate::from_telegram::{Arrival, DecodeContext, Received},
    words::Language,
};

const NOW: UnixMillis = UnixMillis(1_786_017_700_000);

fn source() -> SourceId {
    SourceId::parse("sales").unwrap()
}

fn olga() -> Connection {
    Connection {
        id: "conn".to_owned(),
        owner: UserId(99),
        name: "Olga".to_owned(),
        enabled: true,
        can_reply: true,
        can_read: false,
        made_at: NOW,
    }
}

fn read(raw: &str, connection: Option<&Connection>, groups: bool) -> Result<Arrival, Skip> {
    Received::read(raw).decode(&DecodeContext {
        source: &source(),
        bot: BotId(1),
        connection,
        program: None,
        groups,
        largest_file_bytes: 20 << 20,
        language: Language::En,
        now: NOW,
    })
}

fn message(raw: &str, connection: Option<&Connection>) -> Result<Inbound, Skip> {
    read(raw, connection, true).map(|arrival| match arrival {
        Arrival::Message(inbound) => *inbound,
        other => panic!("{other:?}"),
    })
}

/// A `business_message` in the chat with customer 7, with these `fields`.
fn business(kind: &str, fields: &str) -> String {
    format!(
        r#"{{"update_id":1,"{kind}":{{"business_connection_id":"conn","message_id":42,"date":1786017600,"chat":{{"id":7,"type":"private","first_name":"Ann","username":"annlee"}},{fields}}}}}"#
    )
}

const OF_ANN: &str = r#""from":{"id":7,"first_name":"Ann"},"text":"hi""#;
const OF_OLGA: &str = r#""from":{"id":99,"first_name":"Olga"},"text":"hi""#;

#[test]
fn an_owners_chat_is_a_conversation_of_its_own() {
    let (ann, olga) = (business("business_message", OF_ANN), olga());
    let inbound = message(&ann, Some(&olga)).unwrap();
    assert_eq!(
        (inbound.conversation.to_string().as_str(), inbound.id.to_string().as_str()),
        ("tg:sales:99/7", "tg:1:99/7:42")
    );
    assert_eq!((inbound.customer.id, inbound.author), (ContactId::Person(UserId(7)), Author::Customer));
    let sent = message(&business("business_message", OF_OLGA), Some(&olga)).unwrap();
    assert_eq!((sent.customer.name.as_str(), sent.customer.username.as_deref()), ("Ann", Some("annlee")));
    assert_eq!(sent.author, Author::Business { name: "Olga".to_owned(), kommo: None });
    let edited = message(&business("edited_business_message", OF_ANN), Some(&olga)).unwrap();
    assert_eq!((edited.edited, edited.original()), (true, inbound.id));
    let own = format!(r#"{OF_OLGA},"sender_business_bot":{{"id":1,"is_bot":true}}"#);
    assert_eq!(message(&business("business_message", &own), Some(&olga)), Err(Skip::Own));
    assert_eq!(message(&ann, None), Err(Skip::Unreadable), "without an owner it is nobody's");
}

#[test]
fn a_lane_keeps_the_order_of_one_chat_of_one_connection() {
    let lane = |raw: &str| Received::read(raw).lane(&source()).thread;
    let ours = "business:sales:conn:7";
    for kind in ["business_message", "edited_business_message"] {
        assert_eq!(lane(&business(kind, OF_ANN)), ours);
    }
    let deleted = r#"{"update_id":1,"deleted_business_messages":{"business_connection_id":"conn","chat":{"id":7},"message_ids":[42,"x"]}}"#;
    let pressed = format!(
        r#"{{"update_id":1,"callback_query":{{"id":"q","message":{}}}}}"#,
        r#"{"business_connection_id":"conn","chat":{"id":7}}"#
    );
    assert_eq!((lane(deleted).as_str(), lane(&pressed).as_str()), (ours, ours));
    for raw in [deleted, &pressed] {
        assert_eq!(Received::read(raw).connection_id().as_deref(), Some("conn"));
    }
    assert_eq!(lane(r#"{"update_id":1,"business_connection":{"id":"conn"}}"#), "source:sales");
    assert_eq!(lane(r#"{"update_id":1,"my_chat_member":{"chat":{"id":7}}}"#), "tg:sales:7");
    let Ok(Arrival::Deletion(deletion)) = read(deleted, Some(&olga()), false) else { panic!("no deletion") };
    assert_eq!(deletion.messages.iter().map(ToString::to_string).collect::<Vec<_>>(), ["tg:1:99/7:42"]);
}

#[test]
fn a_part_of_a_deletion_that_an_earlier_version_has_stored_is_a_deletion() {
    let part = r#"{"deleted_business_messages":{"business_connection_id":"conn","chat":{"id":7},"message_ids":[43,44]},"update_id":1}"#;
    let Ok(Arrival::Deletion(deletion)) = read(part, Some(&olga()), false) else { panic!("no deletion") };
    assert_eq!(deletion.messages.iter().map(|it| it.message).collect::<Vec<_>>(), [43, 44]);
}

#[test]
fn a_restricted_bot_may_have_left() {
    let shut_out = |member: &str| {
        let raw = format!(
            r#"{{"update_id":1,"my_chat_member":{{"date":1,"chat":{{"id":-5,"type":"supergroup"}},"new_chat_member":{{{member}}}}}}}"#
        );
        let Ok(Arrival::Membership(change)) = read(&raw, None, true) else { panic!("no presence: {member}") };
        change.membership.shut_out
    };
    assert!(shut_out(r#""status":"restricted","is_member":false"#));
    assert!(!shut_out(r#""status":"restricted","is_member":true"#));
    assert!(shut_out(r#""status":"left""#) && !shut_out(r#""status":"member""#));
}

#[test]
fn everybody_in_a_group_may_press_a_button_that_is_used_once() {
    let press = |chat: &str| {
        let raw = format!(
            r#"{{"update_id":9,"callback_query":{{"id":"q","from":{{"id":7,"first_name":"Ann"}},"data":"b:0:Yes","message":{{"message_id":42,"date":1,"chat":{chat},"reply_markup":{{"inline_keyboard":[[{{"text":"Yes","callback_data":"b:0:Yes"}}]]}}}}}}}}"#
        );
        let Ok(Arrival::ButtonPress(press)) = read(&raw, None, true) else { panic!("no press: {chat}") };
        press.once().inbound.id.update
    };
    assert_eq!(press(r#"{"id":7,"type":"private"}"#), Some(-1));
    assert_eq!(press(r#"{"id":-5,"type":"supergroup","title":"Team"}"#), Some(9));
}

#[test]
fn the_direct_messages_of_a_channel_are_not_read() {
    let raw = r#"{"update_id":1,"message":{"message_id":1,"date":1,"text":"x","chat":{"id":-5,"type":"supergroup","is_direct_messages":true}}}"#;
    assert_eq!(read(raw, None, true), Err(Skip::DirectMessages { chat: -5 }));
}

#[test]
fn a_connection_is_read_in_the_format_of_every_version_of_the_api() {
    let connection_of = |rights: &str| {
        let raw = format!(
            r#"{{"update_id":1,"business_connection":{{"id":"conn","user":{{"id":99,"first_name":"Olga"}},"user_chat_id":99,"date":1786017700,{rights},"is_enabled":true}}}}"#
        );
        match read(&raw, None, false) {
            Ok(Arrival::Connection(connection)) => connection,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(connection_of(r#""rights":{"can_reply":true}"#), olga());
    assert_eq!(connection_of(r#""can_reply":true"#), olga());
    assert!(!connection_of(r#""rights":{"can_read_messages":true}"#).is_open());
    assert!(read(r#"{"update_id":1,"business_connection":{"id":"conn"}}"#, None, false).is_err());
}

/// A message in a group with these `fields`.
fn in_group(fields: &str) -> Inbound {
    let raw = format!(
        r#"{{"update_id":1,"message":{{"message_id":42,"date":1,"chat":{{"id":-5,"type":"supergroup","title":"Team"}},{fields}}}}}"#
    );
    message(&raw, None).unwrap()
}

#[test]
fn only_messages_of_people_change_the_topic() {
    let thread = r#""message_thread_id":9,"is_topic_message":true"#;
    for (fields, spot) in [
        (r#""text":"hi""#.to_owned(), Some(Topic::Outside)),
        (format!(r#"{thread},"text":"hi""#), Some(Topic::Topic(9))),
        // What answers something is in a thread, in chats without topics too.
        (r#""message_thread_id":9,"text":"hi""#.to_owned(), Some(Topic::Outside)),
        (format!(r#"{thread},"voice":{{"file_id":"f"}}"#), Some(Topic::Topic(9))),
        (r#""new_chat_members":[{"id":8,"first_name":"Eve"}]"#.to_owned(), None),
        (r#""new_chat_title":"Crew""#.to_owned(), None),
        (format!(r#"{thread},"forum_topic_closed":{{}}"#), None),
    ] {
        assert_eq!(in_group(&fields).topic, spot, "{fields}");
    }
    let old = r#"{"message_id":3,"date":0,"chat":{"id":-5,"type":"supergroup","title":"Team"}}"#;
    let press =
        format!(r#"{{"update_id":1,"callback_query":{{"id":"q","from":{{"id":7}},"data":"0:Yes","message":{old}}}}}"#);
    let Ok(Arrival::ButtonPress(press)) = read(&press, None, true) else { panic!("a press") };
    assert_eq!(press.inbound.topic, None, "the topic of an old message is unknown");
}

/// The content of a message in a group with these `fields`.
fn content_in_group(fields: &str) -> Content {
    let inbound = in_group(fields);
    assert_eq!((inbound.conversation.to_string().as_str(), inbound.customer.name.as_str()), ("tg:sales:-5", "Team"));
    assert_eq!(inbound.customer.id.to_string(), "tg-chat:-5");
    assert_eq!(inbound.quote, None);
    inbound.content
}

#[test]
fn everything_in_a_group_begins_with_who_says_it() {
    let ivan = r#""from":{"id":7,"first_name":"Ivan","last_name":"Petrov"}"#;
    let topic =
        r#""is_topic_message":true,"reply_to_message":{"message_id":3,"forum_topic_created":{"name":"Prices"}}"#;
    for (fields, text) in [
        (format!(r#"{ivan},"text":"hi""#), "Ivan Petrov: hi"),
        (format!(r#"{ivan},{topic},"text":"hi""#), "[Prices] Ivan Petrov: hi"),
        (r#""from":{"id":1087968824},"sender_chat":{"id":-5,"title":"Team"},"text":"hi""#.to_owned(), "Team: hi"),
        (r#""sender_chat":{"id":-5,"title":"Team"},"author_signature":"Boss","text":"hi""#.to_owned(), "Boss: hi"),
        (r#""from":{"id":7},"text":"hi""#.to_owned(), "Telegram 7: hi"),
        (format!(r#"{ivan},"from_the_future":{{}}"#), "Ivan Petrov: [from the future]"),
    ] {
        assert_eq!(content_in_group(&fields), Content::Text(text.to_owned()), "{fields}");
    }
    for (caption, led) in [(r#","caption":"look""#, "Ivan Petrov: look"), ("", "Ivan Petrov")] {
        let Content::Media(media) = content_in_group(&format!(r#"{ivan},"voice":{{"file_id":"f"}}{caption}"#)) else {
            panic!("no media")
        };
        assert_eq!(media.caption.as_deref(), Some(led));
    }
}

#[test]
fn nothing_of_a_group_is_read_that_is_not_wanted() {
    let chat = r#""chat":{"id":-5,"type":"group","title":"Team"}"#;
    for raw in [
        format!(r#"{{"update_id":1,"message":{{"message_id":42,"date":1,{chat},"text":"secret"}}}}"#),
        format!(r#"{{"update_id":1,"message":{{{chat},"text":"unreadable"}}}}"#),
        format!(r#"{{"update_id":1,"message":{{"message_id":42,{chat},"migrate_to_chat_id":-6}}}}"#),
        format!(r#"{{"update_id":1,"channel_post":{{"message_id":42,{chat},"text":"secret"}}}}"#),
        format!(r#"{{"update_id":1,"my_chat_member":{{"date":1,{chat},"new_chat_member":{{"status":"left"}}}}}}"#),
        format!(
            r#"{{"update_id":1,"callback_query":{{"id":"q","data":"b:0:x","message":{{"message_id":1,{chat}}}}}}}"#
        ),
        format!(r#"{{"update_id":1,"message_reaction":{{"message_id":1,{chat},"new_reaction":[]}}}}"#),
    ] {
        assert_eq!(read(&raw, None, false), Err(Skip::Group { chat: -5, title: "Team".to_owned() }), "{raw}");
    }
}

/// An update of Ann's in the chat that `chat` describes.
fn in_chat(update: i64, number: i64, chat: &str, fields: &str) -> String {
    format!(
        r#"{{"update_id":{update},"message":{{"message_id":{number},"date":1786017600,"chat":{{{chat}}},"from":{{"id":7,"first_name":"Ann"}},"text":"hi"{fields}}}}}"#
    )
}

#[test]
fn what_has_no_number_is_told_apart_by_its_update() {
    let group = r#""id":-5,"type":"supergroup","title":"Team""#;
    let fields = r#","receiver_user":{"id":1},"ephemeral_message_id":3"#;
    let read = |update| message(&in_chat(update, 0, group, fields), None).unwrap();
    assert_eq!([read(8), read(9)].map(|it| it.id.to_string()), ["tg:1:-5:0:8", "tg:1:-5:0:9"]);
    assert_eq!(message(&in_chat(8, 4, group, ""), None).unwrap().id.to_string(), "tg:1:-5:4");
    let answer = r#","reply_to_message":{"message_id":0,"text":"Which?"}"#;
    let quote = message(&in_chat(8, 4, group, answer), None).unwrap().quote.unwrap();
    assert_eq!((quote.ours, quote.words.as_str()), (None, "Which?"));
}

#[test]
fn no_conversation_is_named_by_a_chat_where_the_bot_is_a_guest() {
    for chat in [r#""id":7,"type":"private""#, r#""id":-5,"type":"supergroup","title":"Team""#] {
        let raw = in_chat(8, 4, chat, r#","guest_query_id":"g1""#);
        assert_eq!(read(&raw, None, true), Err(Skip::NotAMessage("guest_message".to_owned())));
        assert_eq!(Received::read(&raw).lane(&source()).thread, "source:sales");
        assert_eq!(Received::read(&raw).start_context(&source()), None);
    }
}

#[test]
fn the_customers_of_a_channel_are_never_one_conversation() {
    let topic = r#","direct_messages_topic":{"topic_id":5,"user":{"id":7,"first_name":"Ann"}}"#;
    let flagged = r#""id":-5,"type":"supergroup","title":"Shop","is_direct_messages":true"#;
    let plain = r#""id":-5,"type":"supergroup","title":"Shop""#;
    for (chat, fields) in [(flagged, topic), (flagged, ""), (plain, topic)] {
        assert_eq!(read(&in_chat(8, 4, chat, fields), None, true), Err(Skip::DirectMessages { chat: -5 }));
    }
}

#[test]
fn a_speaker_is_told_with_their_tag() {
    let group = r#""id":-5,"type":"supergroup","title":"Team""#;
    let content_in_group = |tag: &str| {
        let raw = in_chat(8, 4, group, &format!(r#","sender_tag":"{tag}""#));
        message(&raw, None).unwrap().content
    };
    assert_eq!(content_in_group("Supplier"), Content::Text("Ann (Supplier): hi".to_owned()));
    assert_eq!(content_in_group(" "), Content::Text("Ann: hi".to_owned()));
    assert_eq!(content_in_group("Ann"), Content::Text("Ann: hi".to_owned()));
}
