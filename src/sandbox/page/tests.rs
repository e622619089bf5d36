//! The page's JSON interface, over both fakes.

use std::{net::Ipv4Addr, time::Duration};

use reqwest::RequestBuilder;
use serde_json::Value;

use super::*;
use crate::sandbox::{
    kommo::Settings,
    telegram::{Customer, NewBot},
};

mod acts;
mod rooms;

const TOKEN: &str = "700001:AAfake";
const ANNA: i64 = 777_000_111;

fn settings() -> Settings {
    Settings {
        channel_id: "11111111-2222-4333-8444-555555555555".to_owned(),
        channel_secret: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        account_id: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".to_owned(),
        bot_id: "f1910c7f-b1e0-4184-bd09-c7def2a9109a".to_owned(),
        title: "Telegram".to_owned(),
    }
}

fn page() -> (Page, FakeTelegram, FakeKommo) {
    let anywhere = (Ipv4Addr::LOCALHOST, 0).into();
    let telegram = FakeTelegram::start(anywhere).unwrap();
    let kommo = FakeKommo::start(anywhere, settings()).unwrap();
    telegram.add_bot(NewBot {
        token: TOKEN.to_owned(),
        username: "acme_sales_bot".to_owned(),
        name: "Sales bot".to_owned(),
    });
    let (first_name, last_name) = ("Anna".to_owned(), Some("Petrova".to_owned()));
    telegram.add_customer(Customer { id: ANNA, first_name, last_name, username: None, language_code: None });
    let sources = vec![("sales".to_owned(), TOKEN.to_owned())];
    (
        Page::start(anywhere, (telegram.clone(), kommo.clone()), sources, Switches::without_bridge(), None).unwrap(),
        telegram,
        kommo,
    )
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

async fn get_from(page: &Page, path: &str) -> (u16, Value) {
    answer(reqwest::Client::new().get(format!("http://{}{path}", page.addr()))).await
}

async fn post_to(page: &Page, path: &str, body: Value) -> (u16, Value) {
    answer(reqwest::Client::new().post(format!("http://{}{path}", page.addr())).body(body.to_string())).await
}

#[tokio::test]
async fn shows_both_worlds() {
    let (page, telegram, kommo) = page();
    let write = json!({"source": "sales", "customer": ANNA, "text": " hi "});
    assert_eq!(post_to(&page, "/api/telegram/write", write).await, (200, json!({"message_id": 1})));
    kommo.write_first("15550199", "sales", "Hello").await;
    let (status, mut state) = get_from(&page, "/api/state").await;
    let message = &telegram.messages(TOKEN, ANNA)[0];
    let chat = &kommo.chats()[0];
    let (answer, traffic) = (&chat.messages[0], state["traffic"].take());
    assert_eq!((status, traffic), (200, json!([])));
    assert_eq!(
        state,
        json!({
            "bots": [{"source": "sales", "name": "Sales \
             bot", "username": "acme_sales_bot", "groups": [], "owners": [], "program": null}],
            "customers": [{"id": ANNA, "name": "Anna Petrova", "username": null}],
            "telegram": [{"source": "sales", "customer": ANNA, "group": null, "owner": null, "bot_action": null,
                "blocked": false, "keyboard": [],
                "messages": [{"id": 1, "from": "customer", "by": ANNA, "program": false, "text": "hi", "at_ms": message.at_ms,
                    "media": null,
                    "card": null, "album": null, "keys": [], "reply_to": null, "reactions": [], "edited": false}]}],
            "kommo": [{"chat_id": chat.chat_id, "conversation_id": "", "source": "sales", "lead": false,
                "campaign": null,
                "contact": {"name": "", "link": null, "phone": "15550199", "avatar": null},
                "messages": [{"id": answer.id, "from": "manager", "author": "Manager", "text": "Hello",
                    "at_ms": answer.at_ms, "status": "sent", "error": null, "card": null, "media": null,
                    "album": null, "keys": [], "template": false, "reply_to": null, "cited": null, "reactions": [],
                    "edited": false}]}],
            "bridge": {"kommo_away": false, "telegram_away": false, "bridge": "elsewhere", "queue": null},
            "traffic": null,
        })
    );
    assert!(!state.to_string().contains(TOKEN));
}

#[tokio::test]
async fn a_customer_presses_only_what_is_there() {
    let (page, telegram, _kommo) = page();
    telegram.write(TOKEN, ANNA, "hi");
    let buttons = json!([[{"text": "Yes", "callback_data": "y"}, {"text": "Site", "url": "https://example.com"}]]);
    let message = json!({"chat_id": ANNA, "text": "Sure?", "reply_markup": {"inline_keyboard": buttons}}).to_string();
    let send = reqwest::Client::new().post(format!("{}/bot{TOKEN}/sendMessage", telegram.url()));
    let sent = answer(send.header(header::CONTENT_TYPE, "application/json").body(message)).await;
    assert_eq!(sent.0, 200, "{}", sent.1);
    for (message_id, column, status) in [(2, 0, 200), (2, 1, 404), (2, 2, 404), (1, 0, 404), (3, 0, 404)] {
        let press = json!({"source": "sales", "customer": ANNA, "message_id": message_id, "row": 0, "column": column});
        assert_eq!(post_to(&page, "/api/telegram/press", press).await.0, status, "{message_id} {column}");
    }
    assert_eq!(telegram.pending(TOKEN), 2);
}

#[tokio::test]
async fn merges_the_traffic_of_both() {
    let (page, telegram, kommo) = page();
    let client = reqwest::Client::new();
    client.get(format!("{}/bot{TOKEN}/getMe", telegram.url())).send().await.unwrap();
    client.get(format!("{}/nowhere", kommo.url())).send().await.unwrap();
    client.get(format!("{}/bot{TOKEN}/getChat", telegram.url())).send().await.unwrap();
    let (_, state) = get_from(&page, "/api/state").await;
    let traffic = state["traffic"].as_array().unwrap();
    let shown: Vec<_> =
        traffic.iter().map(|it| (it["to"].as_str(), it["status"].as_u64(), it["ok"].as_bool())).collect();
    assert_eq!(
        shown,
        [
            (Some("telegram"), Some(200), Some(true)),
            (Some("kommo"), Some(404), Some(false)),
            (Some("telegram"), Some(400), Some(false))
        ]
    );
    assert!(!state.to_string().contains(TOKEN));
    let (status, call) = get_from(&page, &format!("/api/calls/{}", traffic[0]["n"])).await;
    assert_eq!((status, &call["request"]), (200, &json!("POST /bot700001:…/getMe")));
    assert!(call["answered"].as_str().unwrap().contains("acme_sales_bot"), "{call}");
    assert_eq!(get_from(&page, "/api/calls/0").await.0, 404);
}

#[tokio::test]
async fn refuses_with_a_sentence() {
    let (page, ..) = page();
    for (path, body, status) in [
        ("/api/telegram/write", json!({"source": "x", "customer": ANNA, "text": "a"}), 404),
        ("/api/telegram/write", json!({"source": "sales", "customer": 1, "text": "a"}), 404),
        ("/api/telegram/write", json!({"source": "sales", "customer": ANNA, "text": " "}), 400),
        ("/api/telegram/write", json!({"source": "sales", "customer": ANNA, "text": "a".repeat(4097)}), 400),
        ("/api/telegram/write", json!({"source": "sales"}), 400),
        ("/api/telegram/write", json!({"source": "sales", "customer": ANNA, "text": "a", "reply_to": 5}), 404),
        ("/api/telegram/edit", json!({"source": "sales", "customer": ANNA, "message_id": 5, "text": "a"}), 404),
        ("/api/telegram/react", json!({"source": "sales", "customer": ANNA, "message_id": 5, "emoji": "👍"}), 404),
        ("/api/telegram/press_key", json!({"source": "sales", "customer": ANNA, "row": 0, "column": 0}), 404),
        ("/api/telegram/send_piece", json!({"source": "sales", "customer": ANNA, "piece": {"kind": "x"}}), 400),
        ("/api/telegram/send_files", json!({}), 400),
        ("/api/telegram/block", json!({"source": "sales", "customer": ANNA, "blocked": true}), 400),
        ("/api/kommo/react", json!({"conversation_id": "x", "author": "Max", "message_id": "y"}), 404),
        ("/api/kommo/reply", json!({"conversation_id": "", "author": "Max", "text": "a"}), 404),
        ("/api/kommo/typing", json!({"conversation_id": "x"}), 404),
        ("/api/kommo/write_first", json!({"phone": "1", "source": "x", "text": "a"}), 404),
        ("/api/kommo/write_first", json!({"phone": " ", "source": "sales", "text": "a"}), 400),
        ("/api/kommo/write_first", json!({"phone": "1", "source": "sales", "text": " "}), 400),
        ("/api/nothing", json!({}), 404),
    ] {
        let (got, answer) = post_to(&page, path, body.clone()).await;
        assert_eq!(got, status, "{path} {body}");
        assert!(answer["error"].as_str().is_some_and(|sentence| sentence.ends_with('.')), "{answer}");
    }
}

#[tokio::test]
async fn serves_only_those_who_were_sent_here() {
    let (page, ..) = page();
    let address = format!("http://{}", page.addr());
    let client = reqwest::Client::new();
    let html = client.get(&address).send().await.unwrap();
    assert_eq!(
        (html.status().as_u16(), html.headers()["content-type"].as_bytes()),
        (200, &b"text/html; charset=utf-8"[..])
    );
    assert_eq!(answer(client.get(format!("{address}/api/state")).header("Host", "evil.example")).await.0, 421);
    let forged = client.post(format!("{address}/api/kommo/typing")).header("Origin", "http://evil.example");
    assert_eq!(answer(forged.body("{}")).await.0, 403);
}

#[tokio::test]
async fn tells_at_once_and_at_each_change() {
    let (page, telegram, _kommo) = page();
    let mut events = reqwest::get(format!("http://{}/api/events", page.addr())).await.unwrap();
    let mut version = async || {
        let line = tokio::time::timeout(Duration::from_secs(10), events.chunk()).await.unwrap().unwrap().unwrap();
        let line = String::from_utf8(line.to_vec()).unwrap();
        line.strip_prefix("data: ").and_then(|line| line.strip_suffix("\n\n")).unwrap().parse::<u64>().unwrap()
    };
    let first = version().await;
    telegram.write(TOKEN, ANNA, "hi");
    assert!(version().await > first);
    page.stop().await;
}
