//! The hooks that the server sends, and what comes back for them.

use std::sync::Mutex;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};

use super::*;

pub(super) type Received = Arc<Mutex<Vec<(HeaderMap, Vec<u8>)>>>;

/// A channel's hook address that records what it receives.
pub(super) fn channel(status: StatusCode) -> (Server, String, Received) {
    let received = Received::default();
    let recorder = Arc::clone(&received);
    let answer = async move |headers: HeaderMap, body: Bytes| {
        recorder.lock().unwrap().push((headers, body.to_vec()));
        status
    };
    let server = Server::start((Ipv4Addr::LOCALHOST, 0).into(), Router::new().route("/kommo", post(answer))).unwrap();
    let url = format!("http://{}/kommo", server.address());
    (server, url, received)
}

#[tokio::test]
async fn an_answer_is_told_by_one_hook_whose_newline_is_not_signed() {
    let kommo = fake();
    let (_server, url, received) = channel(StatusCode::OK);
    kommo.set_hook_url(url);
    send(&kommo, payload("tg:1", "hi")).await;
    let (id, answer) = kommo.reply(ANNA, "Max", "Hello \"Anna\"").await;
    assert_eq!(answer, HookAnswer { status: Some(200) });
    let chat = kommo.chat(ANNA).unwrap();
    let (contact, at_ms, max) = (&chat.contact.id, chat.messages[1].at_ms, kommo.manager("Max"));
    let at = at_ms / 1000;
    let want = format!(
        concat!(
            r#"{{"account_id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","time":{at},"message":{{"receiver":{{"id":"{contact}","phone":"","#,
            r#""email":"","client_id":"tg-user:777000111"}},"sender":{{"id":"{max}","name":"Max"}},"conversation":{{"id":"{chat}","#,
            r#""client_id":"tg:sales:777000111"}},"source":{{"external_id":"sales"}},"timestamp":{at},"msec_timestamp":{at_ms},"#,
            r#""message":{{"id":"{id}","type":"text","text":"Hello \"Anna\"","markup":null,"tag":"","media":"","thumbnail":"","#,
            r#""file_name":"","file_size":0}}}}}}"#,
        ),
        at = at,
        contact = contact,
        max = max,
        chat = chat.chat_id,
        at_ms = at_ms,
        id = id,
    );
    let received = received.lock().unwrap();
    assert_eq!(received.len(), 1);
    let (headers, body) = &received[0];
    assert_eq!(str::from_utf8(body).unwrap(), format!("{want}\n"));
    assert_eq!(headers["x-signature"], sign(SECRET, want.as_bytes()));
    assert_eq!(headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_hook_is_never_repeated() {
    let kommo = fake();
    let (_server, url, received) = channel(StatusCode::SERVICE_UNAVAILABLE);
    send(&kommo, payload("tg:1", "hi")).await;
    assert_eq!(kommo.reply(ANNA, "Max", "no address yet").await.1, HookAnswer { status: None });
    kommo.set_hook_url(url);
    assert_eq!(kommo.reply(ANNA, "Max", "refused").await.1, HookAnswer { status: Some(503) });
    assert_eq!(kommo.typing(ANNA).await, HookAnswer { status: Some(503) });
    kommo.set_connected(false);
    assert_eq!(kommo.typing(ANNA).await, HookAnswer { status: None });
    assert_eq!(received.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_delivery_status_belongs_to_an_answer() {
    let kommo = fake();
    let (_, answer) = send(&kommo, payload("tg:1", "hi")).await;
    let (id, _) = kommo.reply(ANNA, "Max", "Hello").await;
    let status = |id: &str| format!("/{id}/delivery_status");
    assert_eq!(post_to(&kommo, &status(&id), json!({"msgid": id, "status_code": 1})).await, (200, Value::Null));
    assert_eq!(kommo.chats()[0].messages[1].status, Status::Delivered);
    let failed = json!({"msgid": id, "status_code": -1, "error_code": 905, "error": "blocked"});
    assert_eq!(post_to(&kommo, &status(&id), failed).await.0, 200);
    let message = &kommo.chats()[0].messages[1];
    let failed = Status::Failed { code: 905, text: "blocked".to_owned() };
    assert_eq!((&message.status, &message.status_history), (&failed, &vec![Status::Delivered, failed.clone()]));
    let report = json!({"status_code": 1});
    assert_eq!(post_to(&kommo, &status("nobody"), report.clone()).await.0, 404);
    assert_eq!(post_to(&kommo, &status(answer["new_message"]["msgid"].as_str().unwrap()), report).await.0, 404);
    assert_eq!(post_to(&kommo, &status(&id), json!({"msgid": "another", "status_code": 1})).await.0, 400);
}

#[tokio::test]
async fn who_is_written_first_has_no_id_until_they_answer() {
    let kommo = fake();
    let (_server, url, received) = channel(StatusCode::OK);
    kommo.set_hook_url(url);
    kommo.write_first("15550199", "sales", "Hello").await;
    let hook: Value = serde_json::from_slice(&received.lock().unwrap()[0].1).unwrap();
    assert_eq!(hook["message"]["receiver"]["phone"], "15550199");
    assert_eq!(
        (hook["message"]["receiver"].get("client_id"), hook["message"]["conversation"].get("client_id")),
        (None, None)
    );
    let mut answer = payload("tg:1", "Who is it?");
    answer["conversation_ref_id"] = hook["message"]["conversation"]["id"].clone();
    assert_eq!(send(&kommo, answer).await.0, 200);
    assert_eq!((kommo.chats().len(), kommo.chat(ANNA).unwrap().messages.len()), (1, 2));
}

#[tokio::test]
async fn raw_hooks_are_signed_as_asked() {
    let kommo = fake();
    let (_server, url, received) = channel(StatusCode::OK);
    kommo.set_hook_url(url);
    let modes = [
        (SignatureMode::Valid, Some(sign(SECRET, b"{}"))),
        (SignatureMode::OverEverything, Some(sign(SECRET, b"{}\n"))),
        (SignatureMode::Missing, None),
        (SignatureMode::Literal("x".to_owned()), Some("x".to_owned())),
    ];
    for (mode, want) in modes {
        kommo.send_hook(b"{}\n".to_vec(), mode).await;
        let (headers, body) = received.lock().unwrap().pop().unwrap();
        assert_eq!(
            (body.as_slice(), headers.get("x-signature").map(|it| it.to_str().unwrap().to_owned())),
            (&b"{}\n"[..], want)
        );
    }
    kommo.send_hook(b"{}\n".to_vec(), SignatureMode::Wrong).await;
    assert_ne!(received.lock().unwrap()[0].0["x-signature"], sign(SECRET, b"{}"));
}
