//! Every documented hook, and hostile ones.

use std::{fs, path::Path};

use super::*;
use crate::domain::keyboard::{Button, Keyboard};

/// Each documented hook with what it means to us.
#[test]
fn every_documented_hook_has_a_meaning() {
    let mut seen = 0;
    for (name, raw) in [
        ("text", include_str!("../../tests/fixtures/kommo/hook_text.json")),
        ("picture", include_str!("../../tests/fixtures/kommo/hook_picture_buttons_template.json")),
        ("buttons with links", include_str!("../../tests/fixtures/kommo/hook_url_buttons.json")),
        ("list", include_str!("../../tests/fixtures/kommo/hook_list.json")),
        ("forwarded", include_str!("../../tests/fixtures/kommo/hook_forwards.json")),
        ("one of several files", include_str!("../../tests/fixtures/kommo/hook_media_group.json")),
        ("last of several files", include_str!("../../tests/fixtures/kommo/hook_media_group_last.json")),
        ("write first", include_str!("../../tests/fixtures/kommo/hook_write_first.json")),
        ("reply to a comment", include_str!("../../tests/fixtures/kommo/hook_reply_comment.json")),
        ("typing", include_str!("../../tests/fixtures/kommo/hook_typing.json")),
        ("reaction by msgid", include_str!("../../tests/fixtures/kommo/hook_reaction_msgid.json")),
        ("reaction by message", include_str!("../../tests/fixtures/kommo/hook_reaction_message.json")),
        ("reaction taken back", include_str!("../../tests/fixtures/kommo/hook_unreact.json")),
    ] {
        insta::assert_debug_snapshot!(name, decode(raw).expect(name));
        seen += 1;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kommo");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let hooks = files.filter(|name| name.to_string_lossy().starts_with("hook_"));
    assert_eq!(seen, hooks.count());
}

#[test]
fn what_is_no_object_is_malformed() {
    assert!(["", "[]", "null", "7", "{", "\"message\""].iter().all(|raw| decode(raw).is_err()));
}

#[test]
fn odd_hooks_are_named_and_never_sent_anywhere() {
    let cases = [
        (r"{}", "unknown"),
        (r#"{"message":null,"action":null}"#, "unknown"),
        (r#"{"message":[]}"#, "unknown"),
        (r#"{"action":{}}"#, "action"),
        (r#"{"action":{"reaction":{}}}"#, "reaction elsewhere"),
        (r#"{"message":{"message":{"type":"text","text":"x"}}}"#, "message without an id"),
        (r#"{"message":{"message":{"id":7,"type":"text","text":"x"}}}"#, "message without an id"),
        (r#"{"action":{"typing":{"conversation":{"client_id":"wa:1"},"expired_at":1}}}"#, "typing elsewhere"),
    ];
    for (raw, kind) in cases {
        assert_eq!(decode(raw).unwrap(), Arrival::Other(kind), "{raw}");
    }
}

fn answer(text: &str, markup: &str) -> Outbound {
    let raw = format!(r#"{{"message":{{"message":{{"id":"m","type":"text","text":"{text}","markup":{markup}}}}}}}"#);
    match decode(&raw).unwrap() {
        Arrival::Message(outbound) => *outbound,
        other => panic!("{other:?}"),
    }
}

#[test]
fn buttons_keep_their_rows() {
    let markup =
        r#"{"mode":"inline","buttons":[[{"text":"A"},{"text":"B"}],[{"text":"Site","url":"https://example.com"}]]}"#;
    let outbound = answer("Pick", markup);
    assert_eq!(outbound.content, Content::Text("Pick".to_owned()));
    let site = Button::link("Site", "https://example.com");
    assert_eq!(outbound.keyboard.0, [vec![Button::answer("A"), Button::answer("B")], vec![site]]);
}

#[test]
fn odd_markup_costs_no_text() {
    for none in [
        "null",
        "[]",
        "7",
        r#"{"buttons":null}"#,
        r#"{"buttons":[]}"#,
        r#"{"buttons":[[{}]]}"#,
        r#"{"buttons":[[{"text":" "}]]}"#,
    ] {
        let outbound = answer("Pick", none);
        assert_eq!(
            (outbound.content, outbound.keyboard),
            (Content::Text("Pick".to_owned()), Keyboard::default()),
            "{none}"
        );
    }
}

#[test]
fn a_list_becomes_a_button_per_choice() {
    let markup = r#"{"list_message":{"header":"Services","body":"Pick one","footer":"Co","button":"Menu","sections":[{"title":"All","rows":[{"callback_data":"vG9","title":"A","description":"desc"},{"title":"B"}]}]}}"#;
    let list = "Services\n\nPick one\n\nAll\n• A — desc\n\nCo";
    for (text, want) in [("Pick one", list), ("", list), (" A ", &format!("A\n\n{list}"))] {
        let outbound = answer(text, markup);
        assert_eq!(outbound.content, Content::Text(want.to_owned()));
        let chosen = Button { choice: Some("vG9".to_owned()), ..Button::answer("A") };
        assert_eq!(outbound.keyboard.0, [[chosen], [Button::answer("B")]]);
    }
}

#[test]
fn a_caption_never_goes_out_without_its_file() {
    let raw = r#"{"message":{"conversation":{"client_id":"tg:sales:7"},"message":{"id":"m","type":"text","text":"look","media":"https://x/y"}}}"#;
    let Arrival::Message(outbound) = decode(raw).unwrap() else { panic!("a message was expected") };
    let (kind, url, file_name) = (MediaKind::File, "https://x/y".to_owned(), "y".to_owned());
    let file = Attachment { kind, url, file_name, caption: Some("look".to_owned()) };
    assert_eq!(outbound.file, Some(file));
}

fn file(fields: &str) -> (Attachment, Option<String>) {
    let raw = format!(r#"{{"message":{{"message":{{"id":"m",{fields}}}}}}}"#);
    let Arrival::Message(outbound) = decode(&raw).unwrap() else { panic!("a message was expected") };
    (outbound.file.unwrap(), outbound.group)
}

#[test]
fn a_file_is_named_by_kommo_or_by_its_address_or_by_its_kind() {
    for (fields, name) in [
        (r#""type":"file","media":"https://a.b/c/d.pdf","file_name":"Договор 📄.pdf""#, "Договор 📄.pdf"),
        (r#""type":"file","media":"https://a.b/c/d.pdf","file_name":"../a/b\u0007.pdf""#, "_a_b_.pdf"),
        (r#""type":"file","media":"https://a.b/c/%D0%B0.pdf?x=1","file_name":"""#, "а.pdf"),
        (r#""type":"picture","media":"https://a.b/c/d.jpg","file_name":"..""#, "d.jpg"),
        (r#""type":"voice","media":"https://a.b/","file_name":null"#, "voice-message"),
        (r#""type":"hologram","media":" https://a.b ""#, "file"),
    ] {
        assert_eq!(file(fields).0.file_name, name, "{fields}");
    }
}

#[test]
fn a_file_keeps_its_kind_its_caption_and_its_group() {
    use MediaKind::{Audio, File, Picture, Sticker, Video, Voice};
    let kinds = ["picture", "video", "audio", "voice", "sticker", "file", "document"];
    for (kind, shown) in kinds.into_iter().zip([Picture, Video, Audio, Voice, Sticker, File, File]) {
        let fields = format!(r#""type":"{kind}","media":"https://a.b/c","text":" ","media_group_id":"g""#);
        let (file, group) = file(&fields);
        assert_eq!((file.kind, file.caption, group.as_deref()), (shown, None, Some("g")));
    }
    assert_eq!(file(r#""media":"https://a.b/c","text":"look","media_group_id":"""#).1, None);
}

fn content_of(fields: &str) -> Content {
    let raw = format!(r#"{{"message":{{"message":{{"id":"m",{fields}}}}}}}"#);
    match decode(&raw).unwrap() {
        Arrival::Message(outbound) => outbound.content,
        other => panic!("{other:?}"),
    }
}

#[test]
fn places_and_people_are_read_as_kommo_is_sent_them() {
    let place = |caption: Option<&str>| Content::Location {
        latitude: 48.8566,
        longitude: 2.3522,
        caption: caption.map(str::to_owned),
    };
    let text = |text: &str| Content::Text(text.to_owned());
    let unknown = |kind: &str| Content::Unknown { kind: kind.to_owned(), caption: None };
    let card = |name: &str| Content::Contact { name: name.to_owned(), phone: "+1".to_owned(), caption: None };
    for (fields, want) in [
        (r#""type":"location","location":{"lon":2.3522,"lat":48.8566}"#, place(None)),
        (r#""type":"location","text":"Here","location":{"lon":2.3522,"lat":48.8566}"#, place(Some("Here"))),
        (r#""type":"location","location":{"lon":2.3522,"lat":95}"#, unknown("location")),
        (r#""type":"location","text":"Here","location":{"lon":2.3522}"#, text("Here")),
        (r#""type":"contact","contact":{"name":"Bob","phone":"+1"}"#, card("Bob")),
        (r#""type":"contact","contact":{"name":" ","phone":" +1 "}"#, card("+1")),
        (r#""type":"contact","contact":{"name":"Bob"}"#, unknown("contact")),
        (r#""type":"text","text":"Look","location":{"lon":0,"lat":0},"contact":{"phone":"+1"}"#, text("Look")),
        (r#""type":"contact","location":{"lon":0,"lat":0},"contact":{"name":"Bob","phone":"+1"}"#, card("Bob")),
        (r#""contact":{"name":"Bob","phone":"+1"}"#, card("Bob")),
        (r#""type":"","location":{"lon":2.3522,"lat":48.8566}"#, place(None)),
        (r#""type":"carousel""#, unknown("carousel")),
        (r#""type":"carousel","text":"Look""#, text("Look")),
    ] {
        assert_eq!(content_of(fields), want, "{fields}");
    }
    let captioned = Content::Unknown { kind: "picture".to_owned(), caption: Some("look".to_owned()) };
    assert_eq!(content_of(r#""type":"picture","text":"look""#), captioned);
}

#[test]
fn what_is_passed_on_stands_in_front() {
    for (messages, text, want) in [
        (r#"{"text":"Hello\nthere","sender":{"name":"Ann"}}"#, "See", "> Ann:\n> Hello\n> there\n\nSee"),
        (r#"{"text":"Hello"}"#, "", "> Hello"),
        (
            r#"{"type":"picture","file_name":"a.png","text":"look","sender":{"name":"Ann"}},{"type":"voice"}"#,
            "See",
            "> Ann:\n> [picture] a.png\n> look\n\n> [voice]\n\nSee",
        ),
        (r#"{"sender":{"name":"Ann"}}"#, "See", "See"),
        ("", "See", "See"),
    ] {
        let fields = format!(r#""type":"text","text":"{text}","forwards":{{"messages":[{messages}]}}"#);
        assert_eq!(content_of(&fields), Content::Text(want.to_owned()), "{messages}");
    }
}

#[test]
fn the_files_of_what_is_passed_on_come_along() {
    let raw = include_str!("../../tests/fixtures/kommo/hook_forwards.json");
    let media = r#""type":"picture","media":"https://amojo.kommo.com/attachments/a.png","file_name":"","text":"look""#;
    let raw = raw.replacen(r#""type":"text","text":"Hello""#, media, 1);
    let Ok(Arrival::Message(outbound)) = decode(&raw) else { panic!("a message") };
    let [file] = &outbound.passed_on[..] else { panic!("{:?}", outbound.passed_on) };
    assert_eq!((file.kind, file.file_name.as_str(), &file.caption), (MediaKind::Picture, "a.png", &None));
    assert_eq!(outbound.content, Content::Text("> Ann:\n> [picture]\n> look\n\nSee above".to_owned()));
}
