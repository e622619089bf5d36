//! Buttons in place of the customer's keyboard.

use super::*;

async fn offer(telegram: &FakeTelegram, markup: Value) -> (u16, Value) {
    call(telegram, "sendMessage", json!({"chat_id": ANNA, "text": "?", "reply_markup": markup})).await
}

#[tokio::test]
async fn pressing_a_key_writes_what_stands_on_it() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let keyboard =
        json!({"keyboard": [["Yes", {"text": "No"}], []], "one_time_keyboard": true, "resize_keyboard": true});
    let (_, answer) = offer(&telegram, keyboard).await;
    assert_eq!(answer["result"].get("reply_markup"), None);
    let shown = telegram.messages(TOKEN, ANNA)[1].reply_keyboard.clone().unwrap();
    assert_eq!((shown.rows.len(), shown.is_one_time, shown.is_resized), (1, true, true));
    assert_eq!(telegram.press_key(TOKEN, ANNA, 0, 1), 3);
    let written = &telegram.messages(TOKEN, ANNA)[2];
    assert_eq!((written.text.as_str(), written.from_bot), ("No", false));
    assert_eq!(telegram.reply_keyboard(TOKEN, ANNA), None);
}

#[tokio::test]
async fn a_keyboard_stays_until_it_is_removed() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    offer(&telegram, json!({"keyboard": [[{"text": "My number", "request_contact": true}]]})).await;
    telegram.press_key(TOKEN, ANNA, 0, 0);
    let contact = telegram.messages(TOKEN, ANNA)[2].piece.clone().unwrap();
    assert_eq!((contact.field.as_str(), &contact.value["user_id"]), ("contact", &json!(ANNA)));
    call(&telegram, "sendMessage", json!({"chat_id": ANNA, "text": "thanks"})).await;
    assert!(telegram.reply_keyboard(TOKEN, ANNA).is_some());
    offer(&telegram, json!({"remove_keyboard": true})).await;
    assert_eq!(telegram.reply_keyboard(TOKEN, ANNA), None);
}

#[tokio::test]
async fn keyboards_that_cannot_be_are_refused() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    for (markup, why) in [
        (json!({"keyboard": [[""]]}), "keyboard button text must be non-empty"),
        (json!({"keyboard": "Yes"}), "can't parse reply keyboard markup JSON object"),
    ] {
        let refusal = format!("Bad Request: {why}");
        assert_eq!(description(&offer(&telegram, markup).await), (400, refusal.as_str()));
    }
    call(&telegram, "sendMessage", json!({"chat_id": ANNA, "text": "a"})).await;
    let args = json!({"chat_id": ANNA, "message_id": 2, "reply_markup": {"keyboard": [["Yes"]]}});
    let edited = call(&telegram, "editMessageReplyMarkup", args).await;
    assert_eq!(description(&edited), (400, "Bad Request: inline keyboard expected"));
}

#[tokio::test]
async fn a_menu_has_the_commands_that_were_set_for_its_audience() {
    let telegram = fake();
    let commands = json!([{"command": "shop", "description": "What there is"}]);
    let (status, answer) = call(&telegram, "setMyCommands", json!({"commands": commands})).await;
    assert_eq!((status, &answer["result"]), (200, &json!(true)));
    let listed = async |args: Value| call(&telegram, "getMyCommands", args).await.1["result"].clone();
    assert_eq!(listed(json!({})).await, commands);
    assert_eq!(listed(json!({"language_code": "de"})).await, json!([]));
    assert_eq!(listed(json!({"scope": {"type": "all_group_chats"}})).await, json!([]));
    for (command, description, why) in
        [("Shop", "x", "BOT_COMMAND_INVALID"), ("shop", "", "BOT_COMMAND_DESCRIPTION_INVALID")]
    {
        let commands = json!([{"command": command, "description": description}]);
        let refusal = format!("Bad Request: {why}");
        let refused = call(&telegram, "setMyCommands", json!({"commands": commands})).await;
        assert_eq!(self::description(&refused), (400, refusal.as_str()));
    }
    call(&telegram, "deleteMyCommands", json!({})).await;
    assert_eq!(listed(json!({})).await, json!([]));
}
