//! Files and reactions of managers.

use axum::{body::Bytes, http::StatusCode};
use reqwest::Response;

use super::{hooks::channel, *};

const CYRILLIC: &str = "Счёт № 7 (100%).pdf";

fn noise(size: usize) -> Bytes {
    (0..size).map(|_| fastrand::u8(..)).collect()
}

fn file(serving: Serving) -> Attachment {
    Attachment::new(AttachmentKind::File, CYRILLIC, noise(200_000)).served(serving)
}

/// A server in whose only conversation a customer has written, and what its hooks were.
pub(super) async fn stage() -> (FakeKommo, impl Fn() -> Vec<Value>) {
    let kommo = fake();
    let (server, url, received) = channel(StatusCode::OK);
    kommo.set_hook_url(url);
    send(&kommo, payload("tg:1", "hi")).await;
    let hooks = move || {
        let _alive = &server;
        received.lock().unwrap().iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    };
    (kommo, hooks)
}

fn media(kommo: &FakeKommo, id: &str) -> Media {
    kommo.chat(ANNA).unwrap().messages.into_iter().find(|message| message.id == id).unwrap().media.unwrap()
}

async fn ask(method: Method, url: &str) -> Response {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    client.request(method, url).send().await.unwrap()
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_file_is_told_by_its_address_and_given_to_whoever_asks() {
    let (kommo, hooks) = stage().await;
    let bytes = noise(200_000);
    let file = Attachment::new(AttachmentKind::File, CYRILLIC, bytes.clone()).content_type("application/pdf");
    let (id, answer) = kommo.attach(ANNA, "Max", file, "The invoice").await;
    assert_eq!(answer.status, Some(200));
    let message = hooks().remove(0)["message"]["message"].clone();
    let start = format!("{}/attachments/{}/", kommo.url(), kommo.settings().account_id);
    let url = message["media"].as_str().unwrap();
    let (uuid, name) = url.strip_prefix(&start).unwrap().split_once('/').unwrap();
    assert_eq!((uuid.len(), name), (36, "%D0%A1%D1%87%D1%91%D1%82%20%E2%84%96%207%20(100%25).pdf"));
    assert_eq!(
        message,
        json!({"id": id, "type": "file", "text": "The invoice", "markup": null, "tag": "", "media": url,
            "thumbnail": "", "file_name": "", "file_size": 0})
    );
    for (method, body) in [(Method::HEAD, Bytes::new()), (Method::GET, bytes)] {
        let response = ask(method, url).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type").as_deref(), Some("application/pdf"));
        assert_eq!(header(&response, "content-length").as_deref(), Some("200000"));
        assert!(response.bytes().await.unwrap() == body);
    }
    assert_eq!(ask(Method::GET, &format!("{url}x")).await.status(), 404);
    assert_eq!(kommo.requests().last().unwrap().endpoint, Some(Endpoint::Attachment));
}

#[tokio::test]
async fn each_kind_has_its_type_and_pictures_have_thumbnails() {
    let (kommo, hooks) = stage().await;
    kommo.quirks(|quirks| quirks.file_names = FileNames::Present);
    for kind in AttachmentKind::ALL {
        let file = Attachment::new(kind, "a.b.bin", noise(3)).thumbnail(noise(2)).lasting(7);
        kommo.attach(ANNA, "Max", file, "").await;
    }
    let messages: Vec<_> = hooks().into_iter().map(|hook| hook["message"]["message"].clone()).collect();
    let kinds: Vec<_> = messages.iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["picture", "video", "audio", "voice", "sticker", "file"]);
    for (message, has_thumbnail) in messages.iter().zip([true, true, false, false, false, false]) {
        assert_eq!(
            (&message["file_name"], &message["file_size"], &message["media_duration"]),
            (&json!("a.b.bin"), &json!(3), &json!(7))
        );
        let thumbnail = message["thumbnail"].as_str().unwrap();
        assert_eq!(thumbnail.ends_with("/a.b_320x200.jpg"), has_thumbnail, "{thumbnail}");
        if has_thumbnail {
            assert_eq!(ask(Method::GET, thumbnail).await.bytes().await.unwrap().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_file_can_be_given_badly() {
    let (kommo, _hooks) = stage().await;
    let (elsewhere, _) = kommo.attach(ANNA, "Max", file(Serving::Whole), "").await;
    let elsewhere = media(&kommo, &elsewhere).url;
    let slow = Serving::Slow { piece_bytes: 50_000, pause: Duration::from_millis(1) };
    // The status, the length that is told, and how many bytes come; `None` if they break off.
    for (serving, status, content_length, come) in [
        (Serving::Whole, 200, Some("200000"), Some(200_000)),
        (slow, 200, Some("200000"), Some(200_000)),
        (Serving::WithoutLength, 200, None, Some(200_000)),
        (Serving::WithLength(1000), 200, Some("1000"), Some(1000)),
        (Serving::WithLength(300_000), 200, Some("300000"), None),
        (Serving::BreaksOff(100_000), 200, Some("200000"), None),
        (Serving::Status(404), 404, Some("0"), Some(0)),
        (Serving::Elsewhere(elsewhere.clone()), 302, Some("0"), Some(0)),
    ] {
        let (id, _) = kommo.attach(ANNA, "Max", file(serving.clone()), "").await;
        let response = ask(Method::GET, &media(&kommo, &id).url).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "content-length").as_deref()),
            (status, content_length)
        );
        assert_eq!(header(&response, "location").is_some(), status == 302);
        assert_eq!(response.bytes().await.ok().map(|bytes| bytes.len()), come, "{serving:?}");
        kommo.serve_as(&id, Serving::Whole);
        let healed = ask(Method::GET, &media(&kommo, &id).url).await;
        assert_eq!(healed.bytes().await.unwrap().len(), 200_000, "{serving:?}");
    }
}

#[tokio::test]
async fn several_files_share_a_group_and_one_has_the_text() {
    let (kommo, hooks) = stage().await;
    for (pace, on, texts) in [
        (Pace::InTurn, CaptionOn::First, ["Look", "", ""]),
        (Pace::InTurn, CaptionOn::Last, ["", "", "Look"]),
        (Pace::AtOnce, CaptionOn::Each, ["Look"; 3]),
    ] {
        let before = hooks().len();
        let drafts = Draft::files(vec![file(Serving::Whole); 3], "Look", on);
        let answers = kommo.say_together(ANNA, "Max", drafts, pace).await;
        let messages = kommo.chat(ANNA).unwrap().messages.split_off(before + 1);
        let ids: Vec<_> = messages.iter().map(|message| message.id.clone()).collect();
        assert_eq!(answers.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), ids);
        assert!(answers.iter().all(|(_, answer)| answer.status == Some(200)));
        let mut messages: Vec<_> =
            hooks().split_off(before).iter().map(|hook| hook["message"]["message"].clone()).collect();
        if pace == Pace::AtOnce {
            messages.sort_by_key(|message| ids.iter().position(|id| message["id"] == id.as_str()));
        }
        assert_eq!(messages.iter().map(|message| message["id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
        assert_eq!(messages.iter().map(|message| message["text"].as_str().unwrap()).collect::<Vec<_>>(), texts);
        let group = messages[0]["media_group_id"].as_str().unwrap();
        assert!(messages.iter().all(|message| message["media_group_id"] == group));
        assert_ne!(hooks()[0]["message"]["message"]["media_group_id"] == group, before > 0);
    }
}

#[tokio::test]
async fn managers_react_in_each_documented_shape() {
    let (kommo, hooks) = stage().await;
    let customers = kommo.chat(ANNA).unwrap().messages[0].clone();
    let (own, _) = kommo.reply(ANNA, "Max", "Hello").await;
    let (chat, max) = (kommo.chat(ANNA).unwrap(), kommo.manager("Max"));
    for (shape, msgid, message) in
        [(ReactionShape::Msgid, true, false), (ReactionShape::Message, false, true), (ReactionShape::Both, true, true)]
    {
        kommo.quirks(|quirks| quirks.reactions = shape);
        assert_eq!(kommo.react(ANNA, "Max", &customers.id, Some("😍")).await.status, Some(200));
        let reaction = hooks().pop().unwrap()["action"]["reaction"].clone();
        let mut want = json!({"user": {"id": max}, "type": "react", "emoji": "😍",
            "conversation": {"id": chat.chat_id, "client_id": ANNA}});
        if msgid {
            want["msgid"] = json!(customers.id);
        }
        if message {
            want["message"] = json!({"id": customers.id, "client_id": "tg:1", "timestamp": 1_786_017_600,
                "msec_timestamp": 1_786_017_600_123_i64,
                "sender": {"id": chat.contact.id, "name": "Anna Petrova", "client_id": "tg-user:777000111"}});
        }
        assert_eq!(reaction, want);
    }
    kommo.react(ANNA, "Lea", &own, Some("👍")).await;
    assert_eq!(hooks().pop().unwrap()["action"]["reaction"]["message"].get("client_id"), None);
    let shown = |n: usize| kommo.chat(ANNA).unwrap().messages[n].manager_reactions.clone();
    assert_eq!((shown(0)["Max"].as_str(), shown(1)["Lea"].as_str()), ("😍", "👍"));
    kommo.react(ANNA, "Max", &customers.id, None).await;
    let reaction = hooks().pop().unwrap()["action"]["reaction"].clone();
    assert_eq!((&reaction["type"], reaction.get("emoji")), (&json!("unreact"), None));
    assert!(shown(0).is_empty());
}

#[tokio::test]
async fn a_lost_hook_leaves_its_message_in_the_history() {
    let (kommo, hooks) = stage().await;
    kommo.lose_hooks(true);
    let (id, answer) = kommo.reply(ANNA, "Max", "Nobody hears this").await;
    assert_eq!((answer.status, hooks().len()), (None, 0));
    kommo.lose_hooks(false);
    kommo.reply(ANNA, "Max", "but this").await;
    assert_eq!(hooks().len(), 1);
    let tail = format!("{}/chats/{}/history", kommo.settings().scope_id(), kommo.chats()[0].chat_id);
    let (_, history) = call(&kommo, Method::GET, &tail, "").await.unwrap();
    let ids: Vec<_> = history["messages"].as_array().unwrap().iter().map(|it| it["message"]["id"].clone()).collect();
    assert!(ids.contains(&json!(id)), "{ids:?}");
}
