//! Edits: what they find, what they may change, and what they leave.

use super::{attachments::stage, *};

fn edit(id: Value, message: Value) -> Value {
    let mut payload = id;
    payload["timestamp"] = json!(1_786_017_700);
    payload["msec_timestamp"] = json!(1_786_017_700_000_i64);
    payload["conversation_id"] = json!(ANNA);
    payload["message"] = message;
    json!({"event_type": "edit_message", "payload": payload})
}

fn text(words: &str) -> Value {
    json!({"type": "text", "text": words})
}

#[tokio::test]
async fn a_managers_message_is_given_an_id_of_the_channels() {
    let (kommo, hooks) = stage().await;
    let (id, _) = kommo.reply(ANNA, "Max", "Hello").await;
    let taken = edit(json!({"id": id, "msgid": "tg:1"}), text("Hello"));
    assert_eq!(post_to(&kommo, "", taken).await.0, 400, "the customer's message has it");
    let naming = edit(json!({"id": id, "msgid": "tg:m"}), text("Hello"));
    let (status, answer) = post_to(&kommo, "", naming).await;
    let names = &answer["new_message"];
    assert_eq!((status, &names["msgid"], &names["ref_id"]), (200, &json!(id), &json!("tg:m")));
    kommo.reply_to(ANNA, "Max", "As I said", &id).await;
    assert_eq!(hooks()[1]["message"]["message"]["reply_to"]["message"]["msgid"], "tg:m");
}

#[tokio::test]
async fn an_edit_stays_in_its_conversation() {
    let (kommo, _hooks) = stage().await;
    let chat_id = kommo.chats()[0].chat_id.clone();
    for (conversation, status) in [
        (json!({"conversation_id": "tg:sales:9"}), 404),
        (json!({"conversation_ref_id": "nobody's"}), 404),
        (json!({"conversation_id": null}), 400),
        (json!({"conversation_id": null, "conversation_ref_id": chat_id}), 200),
    ] {
        let mut edit = edit(json!({"msgid": "tg:1"}), text("b"));
        edit["payload"].as_object_mut().unwrap().extend(conversation.as_object().unwrap().clone());
        assert_eq!(post_to(&kommo, "", edit).await.0, status, "{conversation}");
    }
    assert_eq!(kommo.chats()[0].messages[0].text, "b");
}

#[tokio::test]
async fn a_file_stays_unless_another_is_named() {
    let (kommo, _hooks) = stage().await;
    let url = |name: &str| format!("{}/attachments/none/{name}", kommo.url());
    let mut picture = payload("tg:p", "");
    picture["message"] =
        json!({"type": "picture", "text": "look", "media": url("a.jpg"), "file_name": "a.jpg", "file_size": 3});
    assert_eq!(send(&kommo, picture).await.0, 200);
    let shown = || kommo.chat(ANNA).unwrap().messages[1].clone();
    let of = |message: Value| edit(json!({"msgid": "tg:p"}), message);
    assert_eq!(post_to(&kommo, "", of(json!({"type": "picture", "text": "look here"}))).await.0, 200);
    assert_eq!((shown().text.as_str(), shown().media.unwrap().name.as_str()), ("look here", "a.jpg"));
    assert_eq!(post_to(&kommo, "", of(json!({"type": "picture"}))).await.0, 200);
    assert_eq!(shown().text, "look here", "nothing was said of the caption");
    assert_eq!(post_to(&kommo, "", of(json!({"type": "picture", "text": ""}))).await.0, 200);
    assert_eq!(shown().text, "");
    assert_eq!(post_to(&kommo, "", of(json!({"type": "video", "text": "look"}))).await.0, 400, "which video?");
    let video = json!({"type": "video", "media": url("b.mp4"), "file_name": "b.mp4", "file_size": 4});
    kommo.quirks(|quirks| quirks.type_edits = Doubtful::Refused);
    assert_eq!(post_to(&kommo, "", of(video.clone())).await.0, 400);
    kommo.quirks(|quirks| quirks.type_edits = Doubtful::Taken);
    assert_eq!(post_to(&kommo, "", of(video)).await.0, 200);
    assert_eq!((shown().kind.as_str(), shown().media.unwrap().url), ("video", url("b.mp4")));
    assert_eq!(post_to(&kommo, "", of(text("no file any more"))).await.0, 200);
    assert_eq!((shown().kind.as_str(), shown().media), ("text", None));
}

#[tokio::test]
async fn an_edit_can_tell_what_became_of_an_answer() {
    let (kommo, _hooks) = stage().await;
    let (id, _) = kommo.reply(ANNA, "Max", "Hello").await;
    let mut message = text("Hello");
    message["delivery_status"] = json!({"status_code": -1, "error_code": 905, "error": "blocked"});
    assert_eq!(post_to(&kommo, "", edit(json!({"id": id}), message.clone())).await.0, 200);
    let failed = Status::Failed { code: 905, text: "blocked".to_owned() };
    assert_eq!(kommo.chat(ANNA).unwrap().messages[1].status, failed);
    assert_eq!(post_to(&kommo, "", edit(json!({"msgid": "tg:1"}), message.clone())).await.0, 400, "a customer's");
    message["delivery_status"] = json!({"status_code": 3});
    assert_eq!(post_to(&kommo, "", edit(json!({"id": id}), message)).await.0, 400);
    kommo.quirks(|quirks| quirks.outgoing_edits = Doubtful::Refused);
    assert_eq!(post_to(&kommo, "", edit(json!({"id": id}), text("Bye"))).await.0, 400);
    assert_eq!(post_to(&kommo, "", edit(json!({"msgid": "tg:1"}), text("Bye"))).await.0, 200);
}
