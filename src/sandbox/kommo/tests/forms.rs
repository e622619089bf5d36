//! What else managers say: quotes, forwards, templates, keyboards, places, cards, answers to comments.

use super::{attachments::stage, *};

#[tokio::test]
async fn a_quote_tells_all_of_the_message() {
    let (kommo, hooks) = stage().await;
    let chat = kommo.chat(ANNA).unwrap();
    kommo.reply_to(ANNA, "Max", "To you", &chat.messages[0].id).await;
    let contact = json!({"id": chat.contact.id, "name": "Anna Petrova", "client_id": "tg-user:777000111"});
    let mut want = json!({"id": chat.messages[0].id, "msgid": "tg:1", "type": "text", "text": "hi", "media": "",
        "thumbnail": "", "file_name": "", "file_size": 0, "timestamp": 1_786_017_600,
        "msec_timestamp": 1_786_017_600_123_i64, "sender": contact});
    assert_eq!(hooks()[0]["message"]["message"]["reply_to"], json!({"message": want}));
    kommo.quirks(|quirks| quirks.quoted_msgids = Optional::Missing);
    kommo.reply_to(ANNA, "Max", "Again", &chat.messages[0].id).await;
    want.as_object_mut().unwrap().remove("msgid");
    assert_eq!(hooks()[1]["message"]["message"]["reply_to"], json!({"message": want}));
    let picture = Attachment::new(AttachmentKind::Picture, "a.jpg", vec![1]);
    let (own, _) = kommo.attach(ANNA, "Max", picture, "mine").await;
    kommo.reply_to(ANNA, "Max", "To me", &own).await;
    let quoted = hooks()[3]["message"]["message"]["reply_to"]["message"].clone();
    assert_eq!((quoted.get("msgid"), &quoted["receiver"]), (None, &contact));
    assert_eq!(quoted["sender"], json!({"id": kommo.manager("Max"), "name": "Max"}));
    assert!(quoted["media"].as_str().unwrap().ends_with("/a.jpg"));
}

#[tokio::test]
async fn what_is_passed_on_may_be_from_another_chat() {
    let (kommo, hooks) = stage().await;
    let mut other = payload("tg:9", "from elsewhere");
    other["conversation_id"] = json!("tg:sales:9");
    other["sender"]["id"] = json!("tg-user:9");
    send(&kommo, other).await;
    let there = kommo.chat("tg:sales:9").unwrap();
    let draft = Draft::text("").forwarding([there.messages[0].id.as_str()]);
    kommo.say(ANNA, "Max", draft).await;
    let forwards = hooks()[0]["message"]["message"]["forwards"].clone();
    assert_eq!(forwards["conversation_ref_id"], there.chat_id);
    let messages = forwards["messages"].as_array().unwrap();
    assert_eq!(
        (messages.len(), &messages[0]["text"], &messages[0]["msgid"]),
        (1, &json!("from elsewhere"), &json!("tg:9"))
    );
}

#[tokio::test]
async fn forms_have_the_documented_shapes() {
    let (kommo, hooks) = stage().await;
    let template = Template {
        id: 7103,
        external_id: Some("t1".to_owned()),
        content: "Order #{{lead.id}}".to_owned(),
        params: vec![("{{lead.id}}".to_owned(), "159".to_owned())],
    };
    let row = json!({"callback_data": "vG9", "title": "A", "description": ""});
    let list = json!({"header": "", "body": "Pick", "footer": "", "button": "Menu",
        "sections": [{"title": "Menu", "rows": [row]}]});
    for (draft, want) in [
        (
            Draft::template(&template).buttons(&[&["Accept", "Cancel"]]),
            json!({"type": "text", "text": "Order #159",
                "markup": {"mode": "inline", "buttons": [[{"text": "Accept"}, {"text": "Cancel"}]]},
                "template": {"id": 7103, "external_id": "t1", "content": "Order #{{lead.id}}",
                    "params": [{"key": "{{lead.id}}", "value": "159"}]}}),
        ),
        (
            Draft::text("Links").links(&[&[("Site", "https://example.com")]]),
            json!({"type": "text", "text": "Links",
                "markup": {"mode": "inline", "buttons": [[{"text": "Site", "url": "https://example.com"}]]}}),
        ),
        (Draft::text("Pick").list("Menu", &[("vG9", "A")]), json!({"text": "Pick", "markup": {"list_message": list}})),
        (Draft::place(2.5, 48.5), json!({"type": "location", "text": "", "location": {"lon": 2.5, "lat": 48.5}})),
        (Draft::card("Bob", "+1"), json!({"type": "contact", "contact": {"name": "Bob", "phone": "+1"}})),
        (Draft::text("Thanks").on_post("203"), json!({"type": "text", "text": "Thanks", "post": {"id": "203"}})),
        (Draft::text("?").of_type("hologram"), json!({"type": "hologram", "text": "?"})),
    ] {
        let (id, answer) = kommo.say(ANNA, "Max", draft).await;
        assert_eq!(answer.status, Some(200));
        let message = hooks().pop().unwrap()["message"]["message"].clone();
        assert_eq!(message["id"], id);
        for (name, value) in want.as_object().unwrap() {
            assert_eq!(&message[name], value, "{name} of {want}");
        }
    }
    let cards: Vec<_> = kommo.chat(ANNA).unwrap().messages.into_iter().filter_map(|message| message.card).collect();
    assert_eq!(cards, ["48.5, 2.5", "Bob, +1"]);
}

#[tokio::test]
async fn what_may_be_missing_can_be() {
    let (kommo, hooks) = stage().await;
    kommo.quirks(|quirks| (quirks.blanks, quirks.names) = (Optional::Missing, Optional::Missing));
    let (id, _) = kommo.reply(ANNA, "Max", "Hello").await;
    let message = hooks().pop().unwrap()["message"].clone();
    assert_eq!(message["message"], json!({"id": id, "type": "text", "text": "Hello"}));
    assert_eq!(message["sender"], json!({"id": kommo.manager("Max")}));
    let contact = kommo.chat(ANNA).unwrap().contact.id;
    assert_eq!(message["receiver"], json!({"id": contact, "client_id": "tg-user:777000111"}));
}
