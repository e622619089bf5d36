//! What bots do besides writing and sending files.

use axum::body::Bytes;

use super::*;

#[tokio::test]
async fn places_and_contacts_are_shown() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let (place, berlin) = (json!({"latitude": 52.5, "longitude": 13.4}), |more: Value| {
        let mut args = json!({"chat_id": ANNA, "latitude": 52.5, "longitude": 13.4});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    });
    let (_, location) = call(&telegram, "sendLocation", berlin(json!({}))).await;
    assert_eq!(location["result"]["location"], place);
    let (_, venue) = call(&telegram, "sendVenue", berlin(json!({"title": "Acme", "address": "1 Main St"}))).await;
    assert_eq!(venue["result"]["location"], place);
    assert_eq!(venue["result"]["venue"], json!({"location": place, "title": "Acme", "address": "1 Main St"}));
    let contact = json!({"chat_id": ANNA, "phone_number": "+491", "first_name": "Ann"});
    call(&telegram, "sendContact", contact).await;
    let pieces: Vec<_> = telegram.messages(TOKEN, ANNA).into_iter().filter_map(|it| it.piece).collect();
    assert_eq!(pieces.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), ["location", "venue", "contact"]);
    assert_eq!(pieces[2].value, json!({"phone_number": "+491", "first_name": "Ann"}));
    for (method, args, why) in [
        ("sendLocation", json!({"chat_id": ANNA, "longitude": 1}), "latitude is empty"),
        ("sendLocation", json!({"chat_id": ANNA, "latitude": 91, "longitude": 1}), "invalid location specified"),
        ("sendContact", json!({"chat_id": ANNA, "phone_number": "1"}), "parameter \"first_name\" is required"),
    ] {
        let refusal = format!("Bad Request: {why}");
        assert_eq!(description(&call(&telegram, method, args).await), (400, refusal.as_str()), "{method}");
    }
}

#[tokio::test]
async fn bots_react_with_one_emoji_of_the_list() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let react = async |id: i64, reaction: Value| {
        call(&telegram, "setMessageReaction", json!({"chat_id": ANNA, "message_id": id, "reaction": reaction})).await
    };
    let emoji = |emoji: &str| json!({"type": "emoji", "emoji": emoji});
    let shown = || telegram.messages(TOKEN, ANNA)[0].bot_reaction.clone();
    assert_eq!(react(1, json!([emoji("👍")])).await, (200, json!({"ok": true, "result": true})));
    assert_eq!(shown().as_deref(), Some("👍"));
    for (id, reaction, why) in [
        (1, json!([emoji("✅")]), "REACTION_INVALID"),
        (1, json!([{"type": "custom_emoji", "custom_emoji_id": "1"}]), "REACTION_INVALID"),
        (1, json!([emoji("👍"), emoji("🔥")]), "REACTIONS_TOO_MANY"),
        (1, json!([{"type": "smile"}]), "can't parse ReactionType: invalid reaction type specified"),
        (2, json!([emoji("👍")]), "message to react not found"),
    ] {
        let refusal = format!("Bad Request: {why}");
        assert_eq!(description(&react(id, reaction).await), (400, refusal.as_str()));
    }
    assert_eq!(shown().as_deref(), Some("👍"));
    react(1, json!([])).await;
    assert_eq!(shown(), None);
}

#[tokio::test]
async fn the_customer_sees_what_the_bot_is_doing() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    for action in ["typing", "upload_photo"] {
        call(&telegram, "sendChatAction", json!({"chat_id": ANNA, "action": action})).await;
        assert_eq!(telegram.bot_action(TOKEN, ANNA).as_deref(), Some(action));
    }
    call(&telegram, "sendLocation", json!({"chat_id": ANNA, "latitude": 1, "longitude": 1})).await;
    assert_eq!(telegram.bot_action(TOKEN, ANNA), None);
}

#[tokio::test]
async fn texts_are_changed_and_deleted() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    call(&telegram, "sendMessage", json!({"chat_id": ANNA, "text": "helo"})).await;
    let edit = async |id: i64, text: &str| {
        call(&telegram, "editMessageText", json!({"chat_id": ANNA, "message_id": id, "text": text})).await
    };
    let (status, answer) = edit(2, "hello").await;
    assert_eq!((status, &answer["result"]["text"]), (200, &json!("hello")));
    assert!(answer["result"]["edit_date"].is_i64());
    assert!(telegram.messages(TOKEN, ANNA)[1].edited);
    assert!(description(&edit(2, "hello").await).1.starts_with("Bad Request: message is not modified"));
    assert_eq!(description(&edit(1, "ho").await), (400, "Bad Request: message to edit not found"));
    let delete = async |id: i64| call(&telegram, "deleteMessage", json!({"chat_id": ANNA, "message_id": id})).await;
    assert_eq!(delete(2).await.0, 200);
    assert_eq!(description(&delete(2).await), (400, "Bad Request: message to delete not found"));
    assert_eq!(telegram.write(TOKEN, ANNA, "again"), 3);
}

#[tokio::test]
async fn a_customers_picture_can_be_fetched() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let photos = async || call(&telegram, "getUserProfilePhotos", json!({"user_id": ANNA, "limit": 1})).await.1;
    assert_eq!(photos().await["result"], json!({"total_count": 0, "photos": []}));
    telegram.set_avatar(ANNA, Some(Bytes::from_static(b"a face")));
    let answer = photos().await;
    let id = answer["result"]["photos"][0].as_array().unwrap().last().unwrap()["file_id"].as_str().unwrap();
    assert_eq!(telegram.file(id).unwrap(), &b"a face"[..]);
    let nobody = call(&telegram, "getUserProfilePhotos", json!({"user_id": 5})).await;
    assert_eq!(description(&nobody), (400, "Bad Request: user not found"));
}
