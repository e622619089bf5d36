//! The server over real HTTP.

use std::{net::Ipv4Addr, time::Duration};

use serde_json::{Value, json};

use super::*;

mod acts;
mod business;
mod groups;
mod keyboards;
mod media;
mod sends;
mod uploads;

const TOKEN: &str = "700001:AAfake";
const ANNA: i64 = 777_000_111;

fn anna() -> Customer {
    Customer {
        id: ANNA,
        first_name: "Anna".to_owned(),
        last_name: Some("Petrova".to_owned()),
        username: Some("annap".to_owned()),
        language_code: Some("en".to_owned()),
    }
}

fn fake() -> FakeTelegram {
    let telegram = FakeTelegram::start((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    telegram.add_bot(NewBot { token: TOKEN.to_owned(), username: "acme_bot".to_owned(), name: "Acme".to_owned() });
    telegram.add_customer(anna());
    telegram
}

async fn call(telegram: &FakeTelegram, method: &str, args: Value) -> (u16, Value) {
    call_as(telegram, TOKEN, method, args).await.unwrap()
}

async fn call_as(telegram: &FakeTelegram, token: &str, method: &str, args: Value) -> reqwest::Result<(u16, Value)> {
    let request = reqwest::Client::new()
        .post(format!("{}/bot{token}/{method}", telegram.url()))
        .header("Content-Type", "application/json")
        .body(args.to_string());
    let response = request.send().await?;
    let status = response.status().as_u16();
    let body = response.bytes().await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

fn description(answer: &(u16, Value)) -> (u16, &str) {
    assert_eq!((&answer.1["ok"], &answer.1["error_code"]), (&json!(false), &json!(answer.0)));
    (answer.0, answer.1["description"].as_str().unwrap())
}

/// Waits until a poll is held open.
async fn held_polls(telegram: &FakeTelegram, count: u64) {
    let mut changed = telegram.changed();
    let enough = async {
        while telegram.poll_count(TOKEN) < count {
            changed.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(10), enough).await.unwrap();
}

#[tokio::test]
async fn a_customers_message_arrives_as_telegram_shapes_it() {
    let telegram = fake();
    assert_eq!(telegram.write(TOKEN, ANNA, "/start"), 1);
    let (status, answer) = call(&telegram, "GetUpdates", json!({})).await;
    let update = &answer["result"][0];
    assert_eq!((status, answer["result"].as_array().map(Vec::len)), (200, Some(1)));
    let date = telegram.messages(TOKEN, ANNA)[0].at_ms / 1000;
    assert_eq!(
        update["message"],
        json!({
            "message_id": 1,
            "from": {"id": ANNA, "is_bot": false, "first_name": "Anna", "last_name": "Petrova", "username": "annap", "language_code": "en"},
            "chat": {"id": ANNA, "type": "private", "first_name": "Anna", "last_name": "Petrova", "username": "annap"},
            "date": date,
            "text": "/start",
            "entities": [{"offset": 0, "length": 6, "type": "bot_command"}],
        })
    );
    assert_eq!((telegram.pending(TOKEN), telegram.confirmed_up_to(TOKEN)), (1, None));
    let id = update["update_id"].as_i64().unwrap();
    call(&telegram, "getUpdates", json!({"offset": id + 1, "timeout": 0})).await;
    assert_eq!((telegram.pending(TOKEN), telegram.confirmed_up_to(TOKEN)), (0, Some(id)));
}

#[tokio::test]
async fn a_long_poll_ends_with_the_first_update() {
    let telegram = fake();
    let poll = call(&telegram, "getUpdates", json!({"timeout": 50}));
    let write = async {
        held_polls(&telegram, 1).await;
        telegram.write(TOKEN, ANNA, "hi")
    };
    let ((status, answer), _) = tokio::join!(poll, write);
    assert_eq!((status, &answer["result"][0]["message"]["text"]), (200, &json!("hi")));
}

#[tokio::test]
async fn a_second_poll_ends_the_one_that_waits() {
    let telegram = fake();
    let first = call(&telegram, "getUpdates", json!({"offset": 1, "timeout": 50}));
    let second = async {
        held_polls(&telegram, 1).await;
        call(&telegram, "getUpdates", json!({"offset": 2, "timeout": 1})).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(
        description(&first),
        (409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
    );
    assert_eq!(second, (200, json!({"ok": true, "result": []})));
}

#[tokio::test]
async fn a_webhook_and_polling_exclude_each_other() {
    let telegram = fake();
    let poll = call(&telegram, "getUpdates", json!({"timeout": 50}));
    let set = async {
        held_polls(&telegram, 1).await;
        call(&telegram, "setWebhook", json!({"url": "https://example.com/hook"})).await
    };
    let (poll, set) = tokio::join!(poll, set);
    assert_eq!(set, (200, json!({"ok": true, "result": true})));
    assert_eq!(description(&poll), (409, "Conflict: terminated by setWebhook request"));
    assert_eq!(call(&telegram, "getWebhookInfo", json!({})).await.1["result"]["url"], "https://example.com/hook");
    let refused = call(&telegram, "getUpdates", json!({})).await;
    assert!(description(&refused).1.starts_with("Conflict: can't use getUpdates method while webhook is active"));
    call(&telegram, "deleteWebhook", json!({})).await;
    telegram.write(TOKEN, ANNA, "hi");
    assert_eq!(call(&telegram, "getUpdates", json!({"offset": 3})).await.0, 200);
}

#[tokio::test]
async fn sends_to_those_who_have_started_the_bot() {
    let telegram = fake();
    let send = || call(&telegram, "SendMessage", json!({"chat_id": ANNA, "text": "hello"}));
    assert_eq!(description(&send().await), (400, "Bad Request: chat not found"));
    telegram.write(TOKEN, ANNA, "hi");
    let (status, answer) = send().await;
    let message = &answer["result"];
    assert_eq!((status, &message["message_id"], &message["text"]), (200, &json!(2), &json!("hello")));
    assert_eq!(message["from"], json!({"id": 700_001, "is_bot": true, "first_name": "Acme", "username": "acme_bot"}));
    assert_eq!(telegram.messages(TOKEN, ANNA).iter().map(|m| m.from_bot).collect::<Vec<_>>(), [false, true]);
    telegram.block(TOKEN, ANNA, true);
    assert_eq!(description(&send().await), (403, "Forbidden: bot was blocked by the user"));
    telegram.deactivate(ANNA);
    assert_eq!(description(&send().await), (403, "Forbidden: user is deactivated"));
    assert_eq!(telegram.messages(TOKEN, ANNA).len(), 2);
}

#[tokio::test]
async fn refuses_what_the_server_refuses() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    for (method, args, refusal) in [
        ("sendMessage", json!({"chat_id": ANNA}), (400, "Bad Request: message text is empty")),
        ("sendMessage", json!({"text": "a"}), (400, "Bad Request: chat_id is empty")),
        ("sendMessage", json!({"chat_id": "@anna", "text": "a"}), (400, "Bad Request: chat not found")),
        ("sendMessage", json!({"chat_id": ANNA, "text": "a".repeat(4097)}), (400, "Bad Request: message is too long")),
        (
            "sendMessage",
            json!({"chat_id": ANNA, "text": "a", "parse_mode": "HTML"}),
            (400, "Bad Request: the sandbox shows plain text only"),
        ),
        (
            "sendChatAction",
            json!({"chat_id": ANNA, "action": "sleep"}),
            (400, "Bad Request: wrong parameter action in request"),
        ),
        ("sendPigeon", json!({}), (404, "Not Found: method not found")),
    ] {
        assert_eq!(description(&call(&telegram, method, args).await), refusal, "{method}");
    }
    assert_eq!(telegram.messages(TOKEN, ANNA).len(), 1);
}

#[tokio::test]
async fn knows_its_tokens() {
    let telegram = fake();
    let answer = call_as(&telegram, "700002:AA", "getMe", json!({})).await.unwrap();
    assert_eq!(description(&answer), (401, "Unauthorized"));
    assert_eq!(description(&call_as(&telegram, "nonsense", "getMe", json!({})).await.unwrap()), (404, "Not Found"));
    assert_eq!(call(&telegram, "getMe", json!({})).await.1["result"]["username"], "acme_bot");
    let poll = call(&telegram, "getUpdates", json!({"timeout": 50}));
    let revoke = async {
        held_polls(&telegram, 1).await;
        telegram.revoke(TOKEN);
    };
    assert_eq!(description(&tokio::join!(poll, revoke).0), (401, "Unauthorized"));
}

#[tokio::test]
async fn typing_ends_with_time_or_with_the_message() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let action = json!({"chat_id": ANNA, "action": "typing"});
    call(&telegram, "sendChatAction", action.clone()).await;
    assert!(telegram.bot_is_typing(TOKEN, ANNA));
    telegram.clock().advance(Duration::from_secs(5));
    assert!(!telegram.bot_is_typing(TOKEN, ANNA));
    call(&telegram, "sendChatAction", action).await;
    call(&telegram, "sendMessage", json!({"chat_id": ANNA, "text": "hello"})).await;
    assert!(!telegram.bot_is_typing(TOKEN, ANNA));
}

#[tokio::test]
async fn blocking_is_told_once_each_way() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    telegram.block(TOKEN, ANNA, true);
    telegram.block(TOKEN, ANNA, true);
    telegram.write(TOKEN, ANNA, "I am back");
    let (_, answer) = call(&telegram, "getUpdates", json!({})).await;
    let updates = answer["result"].as_array().unwrap();
    let statuses: Vec<_> = updates.iter().map(|u| u["my_chat_member"]["new_chat_member"]["status"].as_str()).collect();
    assert_eq!(statuses, [None, Some("kicked"), Some("member"), None]);
}

#[tokio::test]
async fn faults_happen_to_their_target_and_end() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let send = || call_as(&telegram, TOKEN, "sendMessage", json!({"chat_id": ANNA, "text": "hello"}));
    telegram.fault(Target::method("sendMessage"), Fault::RetryAfter(7), 1);
    let (status, answer) = send().await.unwrap();
    assert_eq!((status, &answer["parameters"]["retry_after"]), (429, &json!(7)));
    telegram.fault(Target::bot(TOKEN), Fault::DropBefore, 1);
    assert!(send().await.is_err());
    assert_eq!(telegram.messages(TOKEN, ANNA).len(), 1);
    telegram.fault(Target::any(), Fault::DropAfter, 1);
    assert!(send().await.is_err());
    assert_eq!(telegram.messages(TOKEN, ANNA).len(), 2);
    telegram.fault(Target::any(), Fault::Garbage, 1);
    assert_eq!(send().await.unwrap(), (200, Value::Null));
    telegram.fault(Target::any(), Fault::Status { code: 502, body: "{}".to_owned() }, 1);
    assert_eq!(send().await.unwrap(), (502, json!({})));
    assert_eq!(send().await.unwrap().0, 200);
    let statuses: Vec<_> = telegram.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(429), None, None, Some(200), Some(502), Some(200)]);
}

#[tokio::test]
async fn is_down_and_up_again_at_the_same_address() {
    let telegram = fake();
    let url = telegram.url();
    let poll = call_as(&telegram, TOKEN, "getUpdates", json!({"timeout": 50}));
    let down = async {
        held_polls(&telegram, 1).await;
        telegram.down(true).unwrap();
    };
    assert!(tokio::join!(poll, down).0.is_err(), "an open connection breaks");
    let refused = call_as(&telegram, TOKEN, "getMe", json!({})).await.unwrap_err();
    assert!(refused.is_connect(), "{refused}");
    telegram.down(false).unwrap();
    assert_eq!((call(&telegram, "getMe", json!({})).await.0, telegram.url()), (200, url));
    telegram.stop().await;
    assert!(call_as(&telegram, TOKEN, "getMe", json!({})).await.is_err());
}

#[tokio::test]
async fn traffic_has_no_tokens_and_no_empty_polls() {
    let telegram = fake();
    call(&telegram, "getUpdates", json!({"timeout": 1})).await;
    telegram.write(TOKEN, ANNA, "hi");
    call(&telegram, "getUpdates", json!({"offset": 1})).await;
    call(&telegram, "sendmessage", json!({"chat_id": ANNA, "text": "secret"})).await;
    let whats: Vec<_> = telegram.traffic().all().into_iter().map(|exchange| exchange.what).collect();
    assert_eq!(whats, ["1 update", "sendMessage → chat 777000111"]);
}

/// A client written for the real server reads every answer: the shapes are right.
#[tokio::test]
async fn a_client_for_the_real_server_understands_it() {
    use teloxide::{ApiError, Bot, RequestError, prelude::*, types::ChatId};

    let telegram = fake();
    let bot = Bot::new(TOKEN).set_api_url(telegram.url().parse().unwrap());
    assert_eq!(bot.get_me().await.unwrap().username(), "acme_bot");
    telegram.write(TOKEN, ANNA, "/start");
    telegram.block(TOKEN, ANNA, true);
    let refused = bot.send_message(ChatId(ANNA), "hello").await.unwrap_err();
    assert!(matches!(refused, RequestError::Api(ApiError::BotBlocked)), "{refused}");
    telegram.block(TOKEN, ANNA, false);
    let message = bot.send_message(ChatId(ANNA), "hello").await.unwrap();
    assert_eq!((message.id.0, message.text(), message.chat.id.0), (2, Some("hello"), ANNA));
    assert!(bot.get_chat(ChatId(ANNA)).await.unwrap().is_private());
    assert_eq!(bot.get_webhook_info().await.unwrap().pending_update_count, 3);
    let updates = bot.get_updates().await.unwrap();
    let kinds: Vec<_> = updates.iter().map(|update| format!("{:?}", update.kind)).collect();
    let starts = ["Message(", "MyChatMember(", "MyChatMember("];
    assert_eq!(kinds.len(), starts.len());
    assert!(kinds.iter().zip(starts).all(|(kind, start)| kind.starts_with(start)), "{kinds:?}");
    telegram.fault(Target::any(), Fault::RetryAfter(7), 1);
    let refused = bot.get_me().await.unwrap_err();
    assert!(matches!(refused, RequestError::RetryAfter(seconds) if seconds.seconds() == 7), "{refused}");
}
