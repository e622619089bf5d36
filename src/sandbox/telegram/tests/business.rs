//! Accounts that bots look after.

use super::*;

const OWNER: i64 = 5_000_001;
const ALL: [&str; 2] = ["can_reply", "can_read_messages"];

/// A bot, its owner and Anna, who has written to the owner.
fn desk() -> (FakeTelegram, String) {
    let telegram = fake();
    telegram.add_customer(Customer { id: OWNER, first_name: "Olga".to_owned(), ..anna() });
    let id = telegram.connect_business(TOKEN, OWNER, &ALL);
    telegram.write_to_business(TOKEN, OWNER, ANNA, "hi");
    (telegram, id)
}

async fn updates(telegram: &FakeTelegram) -> Vec<Value> {
    call(telegram, "getUpdates", json!({})).await.1["result"].as_array().unwrap().clone()
}

async fn send(telegram: &FakeTelegram, id: &str, chat: i64) -> (u16, Value) {
    call(telegram, "sendMessage", json!({"business_connection_id": id, "chat_id": chat, "text": "hello"})).await
}

#[tokio::test]
async fn the_bot_sees_what_both_write() {
    let (telegram, id) = desk();
    assert_eq!(telegram.write_as_business(TOKEN, OWNER, ANNA, "good day"), 2);
    telegram.edit_in_business(TOKEN, OWNER, ANNA, 1, "hello");
    telegram.delete_in_business(TOKEN, OWNER, ANNA, &[1, 2]);
    let seen = updates(&telegram).await;
    let connection = &seen[0]["business_connection"];
    assert_eq!((&connection["id"], &connection["user"]["id"]), (&json!(id), &json!(OWNER)));
    assert_eq!(connection["rights"], json!({"can_reply": true, "can_read_messages": true}));
    assert_eq!((&connection["user_chat_id"], &connection["is_enabled"]), (&json!(OWNER), &json!(true)));
    for (update, from) in [(&seen[1], ANNA), (&seen[2], OWNER)] {
        let message = &update["business_message"];
        assert_eq!((&message["from"]["id"], &message["chat"]["id"]), (&json!(from), &json!(ANNA)));
        assert_eq!(message["business_connection_id"], json!(id));
    }
    let edited = &seen[3]["edited_business_message"];
    assert_eq!((&edited["text"], edited["edit_date"].is_i64()), (&json!("hello"), true));
    let deleted = &seen[4]["deleted_business_messages"];
    assert_eq!(deleted["message_ids"], json!([1, 2]));
    assert_eq!((&deleted["business_connection_id"], &deleted["chat"]["id"]), (&json!(id), &json!(ANNA)));
    assert!(telegram.messages(TOKEN, ANNA).is_empty(), "the bot's own chat is another");
}

#[tokio::test]
async fn the_bot_answers_for_the_owner() {
    let (telegram, id) = desk();
    let args = json!({"business_connection_id": id, "chat_id": ANNA, "action": "typing"});
    call(&telegram, "sendChatAction", args).await;
    assert_eq!(telegram.business_action(TOKEN, OWNER, ANNA).as_deref(), Some("typing"));
    let (status, answer) = send(&telegram, &id, ANNA).await;
    let message = &answer["result"];
    assert_eq!((status, &message["message_id"], &message["from"]["id"]), (200, &json!(2), &json!(OWNER)));
    assert_eq!(
        (&message["sender_business_bot"]["id"], &message["business_connection_id"]),
        (&json!(700_001), &json!(id))
    );
    let shown = telegram.business_messages(TOKEN, OWNER, ANNA).pop().unwrap();
    assert_eq!((shown.from_bot, shown.sender, shown.text.as_str()), (true, OWNER, "hello"));
    let args = json!({"business_connection_id": id, "chat_id": ANNA, "message_id": 1});
    assert_eq!(call(&telegram, "readBusinessMessage", args).await.0, 200);
    assert_eq!(telegram.business_read_up_to(TOKEN, OWNER, ANNA), 1);
    let args = json!({"business_connection_id": id, "chat_id": ANNA, "message_id": 2, "text": "hello!"});
    assert_eq!(call(&telegram, "editMessageText", args).await.1["result"]["text"], "hello!");
    let echo = telegram.echo_business_message(TOKEN, OWNER, ANNA, 2);
    assert_eq!(updates(&telegram).await.pop().unwrap()["business_message"], echo);
    assert_eq!(echo["sender_business_bot"]["id"], json!(700_001));
}

#[tokio::test]
async fn messages_count_for_the_whole_account() {
    let (telegram, _) = desk();
    telegram.add_customer(Customer { id: 8, ..anna() });
    assert_eq!(telegram.write_to_business(TOKEN, OWNER, 8, "hi"), 2);
    assert_eq!(telegram.write_to_business(TOKEN, OWNER, ANNA, "hi?"), 3);
}

#[tokio::test]
async fn a_connection_can_be_wrong_in_many_ways() {
    let (telegram, id) = desk();
    telegram.add_customer(Customer { id: 8, ..anna() });
    let refused = async |id: &str, chat: i64| {
        let answer = send(&telegram, id, chat).await;
        description(&answer).1.to_owned()
    };
    assert_eq!(refused("made up", ANNA).await, "Bad Request: business connection not found");
    assert_eq!(refused(&id, OWNER).await, "Bad Request: messages must not be sent to self");
    assert_eq!(refused(&id, -5).await, "Bad Request: chat must be a private chat");
    assert_eq!(refused(&id, 8).await, "Bad Request: BUSINESS_PEER_INVALID");
    telegram.write_as_business(TOKEN, OWNER, 8, "hi");
    assert_eq!(refused(&id, 8).await, "Bad Request: BUSINESS_PEER_USAGE_MISSING");
    telegram.clock().advance(Duration::from_hours(24));
    assert_eq!(refused(&id, ANNA).await, "Bad Request: BUSINESS_PEER_USAGE_MISSING");
    telegram.write_to_business(TOKEN, OWNER, ANNA, "hello?");
    telegram.set_business_rights(TOKEN, OWNER, &["can_read_messages"]);
    assert_eq!(refused(&id, ANNA).await, "Bad Request: BOT_ACCESS_FORBIDDEN");
    telegram.set_business_rights(TOKEN, OWNER, &["can_reply"]);
    assert_eq!(send(&telegram, &id, ANNA).await.0, 200);
    let args = json!({"business_connection_id": id, "chat_id": ANNA, "message_id": 1});
    let read = call(&telegram, "readBusinessMessage", args).await;
    assert_eq!(description(&read), (400, "Bad Request: BOT_ACCESS_FORBIDDEN"));
}

#[tokio::test]
async fn connecting_again_is_another_connection() {
    let (telegram, id) = desk();
    telegram.disconnect_business(TOKEN, OWNER);
    assert_eq!(description(&send(&telegram, &id, ANNA).await), (400, "Bad Request: BUSINESS_CONNECTION_INVALID"));
    telegram.write_to_business(TOKEN, OWNER, ANNA, "unseen");
    let again = telegram.connect_business(TOKEN, OWNER, &ALL);
    assert_ne!(id, again);
    assert_eq!(send(&telegram, &again, ANNA).await.0, 200);
    let seen = updates(&telegram).await;
    let enabled: Vec<_> = seen.iter().filter_map(|it| it["business_connection"]["is_enabled"].as_bool()).collect();
    assert_eq!((enabled, seen.len()), (vec![true, false, true], 4));
    let args = json!({"business_connection_id": id});
    let old = call(&telegram, "getBusinessConnection", args).await.1;
    assert_eq!(old["result"]["is_enabled"], json!(false));
}
