//! Every documented hook, and hostile ones.

use super::*;

/// Each documented hook with what it means to us.
#[test]
fn every_documented_hook_has_a_meaning() {
    let mut seen = 0;
    for (name, raw) in [
        ("text", include_str!("../../tests/fixtures/kommo/hook_text.json")),
        ("picture", include_str!("../../tests/fixtures/kommo/hook_picture_buttons_template.json")),
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
    assert_eq!(seen, 8);
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
        (r#"{"action":{"reaction":{}}}"#, "action"),
        (r#"{"message":{"message":{"type":"text","text":"x"}}}"#, "message without an id"),
        (r#"{"message":{"message":{"id":7,"type":"text","text":"x"}}}"#, "message without an id"),
        (r#"{"action":{"typing":{"conversation":{"client_id":"wa:1"},"expired_at":1}}}"#, "typing elsewhere"),
    ];
    for (raw, kind) in cases {
        assert_eq!(decode(raw).unwrap(), Arrival::Other(kind), "{raw}");
    }
}

#[test]
fn choices_are_readable_without_buttons() {
    let text = |markup: &str| {
        let raw = format!(r#"{{"message":{{"message":{{"id":"m","type":"text","text":"Pick","markup":{markup}}}}}}}"#);
        match decode(&raw).unwrap() {
            Arrival::Message(Outbound { content: Content::Text(text), .. }) => text,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        text(
            r#"{"mode":"inline","buttons":[[{"text":"A"},{"text":"B"}],[{"text":"Site","url":"https://example.com"}]]}"#
        ),
        "Pick\n\n• A\n• B\n• Site: https://example.com"
    );
    for none in ["null", "[]", r#"{"buttons":null}"#, r#"{"buttons":[]}"#, r#"{"buttons":[[{}]]}"#] {
        assert_eq!(text(none), "Pick", "{none}");
    }
}

#[test]
fn a_caption_never_goes_out_without_its_file() {
    let raw = r#"{"message":{"conversation":{"client_id":"tg:sales:7"},"message":{"id":"m","type":"text","text":"look","media":"https://x/y"}}}"#;
    let Arrival::Message(outbound) = decode(raw).unwrap() else { panic!("a message was expected") };
    assert_eq!(outbound.content, Content::Unknown { kind: "text".to_owned(), caption: Some("look".to_owned()) });
}
