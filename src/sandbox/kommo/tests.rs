//! The server over real HTTP.

use std::{net::Ipv4Addr, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use super::{verify::sign, *};
use crate::domain::time::UnixMillis;

mod account;
mod attachments;
mod edits;
mod forms;
mod hooks;
mod imports;
mod recent;

const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";
const BOT: &str = "f1910c7f-b1e0-4184-bd09-c7def2a9109a";
const ANNA: &str = "tg:sales:777000111";

fn fake() -> FakeKommo {
    let settings = Settings {
        channel_id: "11111111-2222-4333-8444-555555555555".to_owned(),
        channel_secret: SECRET.to_owned(),
        account_id: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".to_owned(),
        bot_id: BOT.to_owned(),
        title: "Telegram".to_owned(),
    };
    FakeKommo::start((Ipv4Addr::LOCALHOST, 0).into(), settings).unwrap()
}

fn date(now: UnixMillis) -> String {
    chrono::DateTime::from_timestamp(now.seconds(), 0).unwrap().to_rfc2822()
}

/// Calls `/v2/origin/custom/{tail}`, signed. The tail may have a query.
async fn call(kommo: &FakeKommo, method: Method, tail: &str, body: &str) -> reqwest::Result<(u16, Value)> {
    let path = format!("/v2/origin/custom/{tail}");
    let (date, digest) = (date(kommo.clock().now()), md5_hex(body));
    let bare = path.split('?').next().unwrap();
    let signature = sign(SECRET, format!("{method}\n{digest}\napplication/json\n{date}\n{bare}").as_bytes());
    let request = reqwest::Client::new().request(method, format!("{}{path}", kommo.url()));
    let headers = [("Date", date), ("Content-Type", "application/json".to_owned()), ("Content-MD5", digest)];
    let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    let response = request.header("X-Signature", signature).body(body.to_owned()).send().await?;
    let status = response.status().as_u16();
    Ok((status, serde_json::from_slice(&response.bytes().await?).unwrap_or_default()))
}

fn md5_hex(body: &str) -> String {
    use md5::Digest;
    verify::hex(&md5::Md5::digest(body.as_bytes()))
}

async fn post_to(kommo: &FakeKommo, tail: &str, body: Value) -> (u16, Value) {
    let tail = format!("{}{tail}", kommo.settings().scope_id());
    call(kommo, Method::POST, &tail, &body.to_string()).await.unwrap()
}

fn payload(msgid: &str, text: &str) -> Value {
    json!({
        "timestamp": 1_786_017_600, "msec_timestamp": 1_786_017_600_123_i64, "msgid": msgid, "conversation_id": ANNA,
        "source": {"external_id": "sales"},
        "sender": {"id": "tg-user:777000111", "name": "Anna Petrova", "profile_link": "https://t.me/annap"},
        "message": {"type": "text", "text": text},
        "silent": false,
    })
}

async fn send(kommo: &FakeKommo, payload: Value) -> (u16, Value) {
    post_to(kommo, "", json!({"event_type": "new_message", "payload": payload})).await
}

#[tokio::test]
async fn a_first_message_makes_a_chat_a_contact_and_a_lead() {
    let kommo = fake();
    let (status, answer) = send(&kommo, payload("tg:1", "Привет 👋")).await;
    let names = &answer["new_message"];
    let chat = kommo.chat(ANNA).unwrap();
    assert_eq!((status, &names["ref_id"], &names["receiver_id"]), (200, &json!("tg:1"), &Value::Null));
    assert_eq!(names["msgid"], chat.messages[0].id);
    assert_eq!((&names["conversation_id"], &names["sender_id"]), (&json!(chat.chat_id), &json!(chat.contact.id)));
    assert_eq!(
        (chat.is_lead, chat.source.as_deref(), chat.contact.name.as_str()),
        (true, Some("sales"), "Anna Petrova")
    );
    assert_eq!((chat.messages[0].text.as_str(), chat.messages[0].from), ("Привет 👋", Author::Customer));
    assert_eq!(chat.messages[0].at_ms, 1_786_017_600_123);
}

#[tokio::test]
async fn what_does_not_ask_for_a_lead_gets_none() {
    let kommo = fake();
    for silent in [json!(true), Value::Null] {
        let mut quiet = payload(&format!("tg:{silent}"), "a");
        quiet["silent"] = silent;
        assert_eq!(send(&kommo, quiet).await.0, 200);
    }
    assert!(!kommo.chats()[0].is_lead);
    send(&kommo, payload("tg:3", "c")).await;
    assert_eq!((kommo.chats().len(), kommo.chats()[0].is_lead), (1, true));
}

#[tokio::test]
async fn a_message_is_accepted_once() {
    let kommo = fake();
    let first = send(&kommo, payload("tg:1", "a")).await;
    assert_eq!(send(&kommo, payload("tg:1", "a")).await.0, 400);
    kommo.answer_duplicates(DuplicateAnswer::SameIds200);
    assert_eq!(send(&kommo, payload("tg:1", "a")).await, first);
    assert_eq!(kommo.chats()[0].messages.len(), 1);
}

#[tokio::test]
async fn types_are_strict() {
    let kommo = fake();
    for (field, value) in [
        ("timestamp", json!("1786017600")),
        ("timestamp", json!(1.5)),
        ("msec_timestamp", Value::Null),
        ("msgid", json!(42)),
        ("msgid", json!("")),
        ("conversation_id", json!(777)),
        ("sender", json!({"id": 777, "name": "Anna"})),
        ("sender", json!({"id": "777"})),
        ("sender", json!({"id": "777", "name": "Anna", "profile": {"phone": 15_550_100}})),
        ("sender", json!({"id": "777", "name": "Anna", "profile": "+15550100"})),
        ("sender", json!({"id": "777", "name": "Anna", "avatar": "no address"})),
        ("sender", json!({"id": "777", "name": "Anna", "ref_id": "nobody's"})),
        ("conversation_ref_id", json!("no chat's")),
        ("conversation_ref_id", json!("")),
        ("reply_to", json!({"message": {"id": "no message's"}})),
        ("reply_to", json!({"message": {"type": "text", "text": "said by nobody"}})),
        ("reply_to", json!({"msgid": "tg:0"})),
        ("forwards", json!({"messages": []})),
        ("forwards", json!({"messages": [{"msgid": "no message's"}]})),
        ("silent", json!("false")),
        ("source", json!({"external_id": "x".repeat(41)})),
        ("source", json!({"external_id": "é"})),
        ("message", json!({"type": "text"})),
        ("message", json!({"type": "text", "text": ""})),
        ("message", json!({"type": "letter", "text": "a"})),
        ("message", json!({"type": "picture", "media": "https://example.com/a.jpg", "file_name": "a.jpg"})),
        ("message", json!({"type": "location", "location": {"lon": "2", "lat": 1}})),
        ("message", json!({"type": "contact", "contact": {"name": "Bob"}})),
        ("message", json!({"type": "sticker", "sticker_id": "1"})),
        ("message", json!({"type": "text", "text": "a", "callback_data": 1})),
        ("message", json!({"type": "text", "text": "a", "post": {"id": "1"}})),
        (
            "message",
            json!({"type": "text", "text": "a", "shared_post": {"url": "https://example.com", "type": "reel"}}),
        ),
        ("message", json!({"type": "text", "text": "a", "delivery_status": {"status_code": 1}})),
    ] {
        let mut payload = payload("tg:1", "a");
        payload[field] = value;
        let shown = payload[field].to_string();
        let (status, answer) = send(&kommo, payload).await;
        assert_eq!((status, answer["error_code"].as_u64()), (400, Some(400)), "{field} = {shown}");
    }
    assert!(kommo.chats().is_empty());
}

#[tokio::test]
async fn imported_answers_need_a_known_sender() {
    let kommo = fake();
    let mut import = payload("tg:1", "from the phone");
    import["receiver"] = json!({"id": "tg-user:777000111", "name": "Anna Petrova"});
    let (status, answer) = send(&kommo, import.clone()).await;
    assert_eq!((status, &answer["error_code"]), (400, &json!(453)));
    for (msgid, id, author) in [("tg:2", BOT.to_owned(), Author::Bot), ("tg:3", kommo.manager("Max"), Author::Manager)]
    {
        import["msgid"] = json!(msgid);
        import["sender"]["ref_id"] = json!(id);
        let (_, answer) = send(&kommo, import.clone()).await;
        let chat = &kommo.chats()[0];
        assert_eq!(answer["new_message"]["receiver_id"], chat.contact.id);
        assert_eq!((chat.messages.last().unwrap().from, chat.is_lead), (author, false));
    }
}

#[tokio::test]
async fn an_edit_finds_its_message_by_either_id() {
    let kommo = fake();
    let (_, answer) = send(&kommo, payload("tg:1", "a")).await;
    let edit = |id: Value| {
        let mut payload = payload("?", "b");
        payload["message"]["text"] = json!(format!("edited by {id}"));
        payload.as_object_mut().unwrap().remove("msgid");
        payload.as_object_mut().unwrap().extend(id.as_object().unwrap().clone());
        json!({"event_type": "edit_message", "payload": payload})
    };
    for id in [json!({"msgid": "tg:1"}), json!({"id": answer["new_message"]["msgid"]})] {
        assert_eq!(post_to(&kommo, "", edit(id.clone())).await.0, 200);
        assert_eq!(kommo.chats()[0].messages[0].text, format!("edited by {id}"));
    }
    assert_eq!(post_to(&kommo, "", edit(json!({"msgid": "tg:2"}))).await.0, 404);
    assert_eq!(post_to(&kommo, "", edit(json!({}))).await.0, 400);
}

#[tokio::test]
async fn a_stale_or_forged_request_is_refused() {
    let kommo = fake();
    let scope = kommo.settings().scope_id();
    let response = reqwest::Client::new()
        .post(format!("{}/v2/origin/custom/{scope}", kommo.url()))
        .header("Content-Type", "application/json")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(
        serde_json::from_slice::<Value>(&response.bytes().await.unwrap()).unwrap(),
        json!({"status": 0, "error_code": 403, "error_type": "ORIGIN_INVALID_SIGNATURE", "error_description": "invalid \
            signature"})
    );
    let (status, answer) = call(&kommo, Method::POST, "elsewhere_else", "{}").await.unwrap();
    assert_eq!((status, &answer["error_type"]), (404, &json!("ORIGIN_NOT_REGISTERED")));
    assert_eq!(call(&kommo, Method::POST, "a/b/c/d", "{}").await.unwrap(), (404, Value::Null));
    let requests = kommo.requests();
    let found: Vec<_> = requests.iter().map(|request| (request.endpoint, request.status)).collect();
    assert_eq!(found, [(Some(Endpoint::Message), Some(403)), (Some(Endpoint::Message), Some(404)), (None, Some(404))]);
}

#[tokio::test]
async fn a_channel_connects_and_disconnects() {
    let kommo = fake();
    let (channel, account) = (kommo.settings().channel_id.clone(), kommo.settings().account_id.clone());
    let body = json!({"account_id": account}).to_string();
    assert_eq!(call(&kommo, Method::DELETE, &format!("{channel}/disconnect"), &body).await.unwrap().0, 200);
    assert_eq!(send(&kommo, payload("tg:1", "a")).await.1["error_type"], "ORIGIN_NOT_REGISTERED");
    let connect = format!("{channel}/connect");
    assert_eq!(call(&kommo, Method::POST, &connect, &body).await.unwrap().0, 400, "hooks of version 1");
    let body = json!({"account_id": account, "hook_api_version": "v2", "title": "Mine"}).to_string();
    let (status, answer) = call(&kommo, Method::POST, &connect, &body).await.unwrap();
    assert_eq!((status, &answer["scope_id"]), (200, &json!(kommo.settings().scope_id())));
    assert_eq!(send(&kommo, payload("tg:1", "a")).await.0, 200);
    let shown = Connection { title: Some("Mine".to_owned()), is_time_window_disabled: false };
    assert_eq!(kommo.connection(), Some(shown));
    let body = json!({"account_id": account, "hook_api_version": "v2", "is_time_window_disabled": true}).to_string();
    let (status, answer) = call(&kommo, Method::POST, &connect, &body).await.unwrap();
    assert_eq!((status, &answer["title"], &answer["is_time_window_disabled"]), (200, &json!("Telegram"), &json!(true)));
    assert_eq!(kommo.connection(), Some(Connection { title: None, is_time_window_disabled: true }));
}

#[tokio::test]
async fn history_is_newest_first_and_paged() {
    let kommo = fake();
    for n in 0..3 {
        let mut payload = payload(&format!("tg:{n}"), &n.to_string());
        payload["msec_timestamp"] = json!(1_786_017_600_000_i64 + n);
        send(&kommo, payload).await;
    }
    let (scope, chat) = (kommo.settings().scope_id(), kommo.chats()[0].chat_id.clone());
    let get = async |tail: String| call(&kommo, Method::GET, &format!("{scope}/chats/{tail}"), "").await.unwrap();
    let (status, answer) = get(format!("{chat}/history?limit=2&offset=1")).await;
    let messages = answer["messages"].as_array().unwrap();
    let ids: Vec<_> = messages.iter().map(|message| message["message"]["client_id"].as_str().unwrap()).collect();
    assert_eq!((status, ids), (200, vec!["tg:1", "tg:0"]));
    assert_eq!(get(format!("{chat}/history?limit=50&offset=3")).await, (204, Value::Null));
    assert_eq!(get("nobody/history".to_owned()).await.0, 204);
    assert_eq!(get(format!("{chat}/history?limit=51")).await.0, 400);
}

#[tokio::test]
async fn typing_needs_a_conversation() {
    let kommo = fake();
    let typing = json!({"conversation_id": ANNA, "sender": {"id": "tg-user:777000111"}, "duration_ms": 5000});
    assert_eq!(post_to(&kommo, "/typing", typing.clone()).await.0, 404);
    send(&kommo, payload("tg:1", "a")).await;
    assert_eq!(post_to(&kommo, "/typing", typing).await, (204, Value::Null));
}

#[tokio::test]
async fn a_chat_can_be_made_without_a_message() {
    let kommo = fake();
    let body = json!({"conversation_id": ANNA, "user": {"id": "tg-user:777000111", "name": "Anna"}});
    let (status, answer) = post_to(&kommo, "/chats", body.clone()).await;
    assert_eq!((status, &answer["id"]), (200, &json!(kommo.chats()[0].chat_id)));
    assert_eq!(post_to(&kommo, "/chats", body.clone()).await.1, answer);
    assert!(!kommo.chats()[0].is_lead);
    let mut referred = body;
    referred["user"]["ref_id"] = json!(kommo.chats()[0].contact.id);
    assert_eq!(post_to(&kommo, "/chats", referred.clone()).await.0, 400, "the reference of 2026 has no such field");
    kommo.quirks(|quirks| quirks.user_refs = Doubtful::Taken);
    assert_eq!(post_to(&kommo, "/chats", referred).await.1, answer);
}

#[tokio::test]
async fn faults_happen_to_their_endpoint_and_end() {
    let kommo = fake();
    let scope = kommo.settings().scope_id();
    let body = json!({"event_type": "new_message", "payload": payload("tg:1", "a")}).to_string();
    kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    assert!(call(&kommo, Method::POST, &scope, &body).await.is_err());
    assert_eq!(kommo.chats().len(), 1, "handled all the same");
    kommo.fault(None, Fault::RetryAfter(3), 1);
    assert_eq!(call(&kommo, Method::POST, &scope, &body).await.unwrap().0, 429);
    kommo.fault(Endpoint::Typing, Fault::Garbage, 1);
    assert_eq!(call(&kommo, Method::POST, &scope, &body).await.unwrap().0, 400);
    kommo.down(true).unwrap();
    assert!(call(&kommo, Method::POST, &scope, &body).await.unwrap_err().is_connect());
    kommo.down(false).unwrap();
    assert_eq!(call(&kommo, Method::POST, &scope, &body).await.unwrap().0, 400);
}

#[tokio::test]
async fn the_clock_judges_the_date() {
    let kommo = fake();
    let scope = kommo.settings().scope_id();
    let past = kommo.clock().now();
    kommo.clock().advance(Duration::from_secs(901));
    let (date, digest) = (date(past), md5_hex("{}"));
    let path = format!("/v2/origin/custom/{scope}");
    let signature = sign(SECRET, format!("POST\n{digest}\napplication/json\n{date}\n{path}").as_bytes());
    let request = reqwest::Client::new().post(format!("{}{path}", kommo.url()));
    let request = request.header("Date", date).header("Content-Type", "application/json").header("Content-MD5", digest);
    let response = request.header("X-Signature", signature).body("{}").send().await.unwrap();
    assert_eq!(response.status(), 403);
}
