//! What a visitor does beyond writing.

use super::*;

/// A form with `about`, `caption` and files, each with name and type.
fn form(page: &Page, path: &str, about: &Value, caption: &str, files: &[(&str, &str, Vec<u8>)]) -> RequestBuilder {
    let mut body = Vec::new();
    let mut part = |header: String, bytes: &[u8]| {
        body.extend(
            [b"--edge\r\nContent-Disposition: form-data; ", header.as_bytes(), b"\r\n\r\n", bytes, b"\r\n"].concat(),
        );
    };
    part("name=\"about\"".to_owned(), about.to_string().as_bytes());
    part("name=\"caption\"".to_owned(), caption.as_bytes());
    for (name, kind, bytes) in files {
        part(format!("name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}"), bytes);
    }
    body.extend(b"--edge--\r\n");
    let post = reqwest::Client::new().post(format!("http://{}{path}", page.addr()));
    post.header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge").body(body)
}

fn anna() -> Value {
    json!({ "source": "sales", "customer": ANNA })
}

async fn chat(page: &Page, side: &str) -> Value {
    get_from(page, "/api/state").await.1[side][0].take()
}

#[tokio::test]
async fn a_customer_sends_files_and_sees_them() {
    let (page, telegram, _kommo) = page();
    let send = |about: &Value, files: &[(&str, &str, Vec<u8>)]| {
        answer(form(&page, "/api/telegram/send_files", about, " Look ", files))
    };
    // More than a router takes unless it is told to.
    let bytes = vec![7; 3 << 20];
    let picture = ("я.png", "image/png", bytes.clone());
    assert_eq!(send(&anna(), std::slice::from_ref(&picture)).await, (200, json!({ "message_ids": [1] })));
    let message = &chat(&page, "telegram").await["messages"][0];
    let media = &message["media"];
    assert_eq!((&media["kind"], &media["name"], &media["size"]), (&json!("picture"), &json!("я.png"), &json!(3 << 20)));
    assert_eq!((&message["text"], &message["album"]), (&json!("Look"), &Value::Null));
    let url = format!("http://{}{}", page.addr(), media["url"].as_str().unwrap());
    assert!(reqwest::get(url).await.unwrap().bytes().await.unwrap() == bytes);
    assert_eq!(telegram.pending(TOKEN), 1);
    let answer = json!({ "source": "sales", "customer": ANNA, "reply_to": 1 });
    assert_eq!(send(&answer, std::slice::from_ref(&picture)).await.0, 200);
    assert_eq!(chat(&page, "telegram").await["messages"][1]["reply_to"], json!(1));
    for bad in [json!({ "source": "x", "customer": ANNA }), json!({ "source": "sales", "customer": 5 }), json!({})] {
        assert_ne!(send(&bad, std::slice::from_ref(&picture)).await.0, 200, "{bad}");
    }
    for files in [vec![], vec![("a", "image/png", Vec::new())], vec![("a", "image/png", vec![1]); 11]] {
        assert_eq!(send(&anna(), &files).await.0, 400, "{}", files.len());
    }
}

#[tokio::test]
async fn only_what_belongs_together_is_an_album() {
    for (kinds, is_album) in [
        (&["image/png", "video/mp4", "image/jpeg"][..], true),
        (&["text/plain", "application/pdf"], true),
        (&["audio/mpeg", "audio/mpeg"], true),
        (&["image/png", "text/plain"], false),
        (&["audio/ogg", "audio/ogg"], false),
        (&["image/webp", "image/webp"], false),
        (&["image/png"], false),
    ] {
        let (page, ..) = page();
        let files: Vec<_> = kinds.iter().map(|kind| ("a", *kind, vec![1])).collect();
        let (status, _) = answer(form(&page, "/api/telegram/send_files", &anna(), "", &files)).await;
        let messages = chat(&page, "telegram").await["messages"].take();
        assert_eq!((status, messages.as_array().unwrap().len()), (200, kinds.len()));
        assert_eq!(messages[0]["album"].is_string(), is_album, "{kinds:?}");
        assert_eq!(messages[kinds.len() - 1]["album"], messages[0]["album"]);
    }
}

#[tokio::test]
async fn a_customer_answers_changes_and_reacts() {
    let (page, telegram, _kommo) = page();
    let act = |path: &str, more: Value| {
        let mut body = anna();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let path = format!("/api/telegram/{path}");
        let page = &page;
        async move { post_to(page, &path, body).await.0 }
    };
    telegram.write(TOKEN, ANNA, "One");
    assert_eq!(act("write", json!({ "text": "Two", "reply_to": 1 })).await, 200);
    assert_eq!(act("edit", json!({ "message_id": 2, "text": "2" })).await, 200);
    assert_eq!(act("react", json!({ "message_id": 1, "emoji": "👍" })).await, 200);
    assert_eq!(act("send_piece", json!({ "piece": { "kind": "own_number" } })).await, 200);
    let poll = json!({ "kind": "poll", "question": "Which?", "options": ["Oak", "Ash"] });
    assert_eq!(act("send_piece", json!({ "piece": poll })).await, 200);
    let messages = chat(&page, "telegram").await["messages"].take();
    assert_eq!(messages[0]["reactions"], json!([{ "by": "customer", "emoji": "👍" }]));
    assert_eq!([&messages[1]["text"], &messages[1]["reply_to"]], [&json!("2"), &json!(1)]);
    assert_eq!([&messages[0]["edited"], &messages[1]["edited"]], [&json!(false), &json!(true)]);
    assert_eq!(messages[2]["card"], json!({ "kind": "contact", "text": "Anna, 4915177000111" }));
    assert_eq!(messages[3]["card"], json!({ "kind": "poll", "text": "Which?\n○ Oak\n○ Ash" }));
    assert_eq!(act("react", json!({ "message_id": 1, "emoji": null })).await, 200);
    assert_eq!(chat(&page, "telegram").await["messages"][0]["reactions"], json!([]));
    assert_eq!(act("react", json!({ "message_id": 1, "emoji": " " })).await, 400);
    assert_eq!(act("edit", json!({ "message_id": 3, "text": "x" })).await, 400, "a card cannot be changed");
    assert_eq!(act("edit", json!({ "message_id": 2, "text": "x".repeat(4097) })).await, 400);
}

#[tokio::test]
async fn a_customer_has_a_picture_of_themselves() {
    let (page, telegram, _kommo) = page();
    let photos = async || {
        let url = format!("{}/bot{TOKEN}/getUserProfilePhotos?user_id={ANNA}", telegram.url());
        get(&url).await["result"]["total_count"].take()
    };
    for (files, count) in [(vec![("a.png", "image/png", vec![1])], 1), (vec![], 0)] {
        assert_eq!(answer(form(&page, "/api/telegram/avatar", &anna(), "", &files)).await.0, 200);
        assert_eq!(photos().await, json!(count));
    }
}

#[tokio::test]
async fn a_manager_writes_to_a_number_and_again() {
    let (page, _telegram, kommo) = page();
    let first = json!({ "phone": " 15550199 ", "source": "sales", "text": "Hello" });
    let (status, one) = post_to(&page, "/api/kommo/write_first", first.clone()).await;
    let (_, two) = post_to(&page, "/api/kommo/write_first", first).await;
    let chats = kommo.chats();
    assert_eq!((status, chats.len(), chats[0].messages.len()), (200, 1, 2));
    assert_eq!([&one["chat_id"], &two["chat_id"]], [&json!(chats[0].chat_id); 2]);
}

async fn get(url: &str) -> Value {
    answer(reqwest::Client::new().get(url)).await.1
}

#[tokio::test]
async fn what_is_switched_off_is_away_until_it_is_switched_on() {
    let (page, telegram, kommo) = page();
    let switch = async |name: &str, on: bool| post_to(&page, "/api/switch", json!({"switch": name, "on": on})).await.0;
    let answers = async |url: String| reqwest::Client::new().get(url).send().await.is_ok();
    for (name, url) in [("kommo_away", kommo.url()), ("telegram_away", telegram.url())] {
        assert_eq!(switch(name, true).await, 200);
        assert!(!answers(url.clone()).await, "{name}");
        assert_eq!(get_from(&page, "/api/state").await.1["bridge"][name], json!(true));
        assert_eq!(switch(name, false).await, 200);
        assert!(answers(url).await, "{name}");
        assert_eq!(get_from(&page, "/api/state").await.1["bridge"][name], json!(false));
    }
    assert_eq!(switch("bridge_off", true).await, 409, "there is no bridge here");
    assert_eq!(switch("the_sun", true).await, 400);
}
