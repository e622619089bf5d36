//! Calls that go to Telegram, and what is kept from it.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use telekommo::sandbox::{fault::Fault, harness::ANNA, telegram::Target};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{SALES, SECRET, Shop, read};
use crate::support::in_telegram;

/// An error as Telegram tells it.
fn refused(code: u16, description: &str) -> (u16, Value) {
    (code, json!({ "ok": false, "error_code": code, "description": description }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_reaches_telegram_however_it_is_written() {
    let shop = Shop::open().await;
    shop.stage.begin(SALES, ANNA).await;
    let chat = ANNA.to_string();
    let me = shop.call("getMe", json!({})).await;
    assert_eq!(me["username"], "acme_sales_bot");
    let url = |method: &str| shop.url(method);
    let colon = url("SENDmessage").replacen("7000000001:", "7000000001%3A", 1);
    for request in [
        shop.client.get(format!("{}?chat_id={chat}&text=by+address", url("sendMessage"))),
        shop.client
            .post(colon)
            .header("content-type", "application/json")
            .body(format!(r#"{{"chat_id":{chat},"text":"by JSON"}}"#)),
        shop.client
            .post(url("sendMessage"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("chat_id={chat}&text=by%20a%20form")),
        shop.client
            .post(url("sendMessage"))
            .multipart(Form::new().text("chat_id", chat.clone()).text("text", "by a form with parts")),
        shop.client.post(url("sendDocument")).multipart(
            Form::new()
                .text("chat_id", chat.clone())
                .part("document", Part::bytes(vec![7; 300_000]).file_name("a.bin"))
                .text("caption", "by a file"),
        ),
    ] {
        let (status, answer) = read(request).await;
        assert_eq!((status, &answer["ok"]), (200, &json!(true)), "{answer}");
    }
    let want = ["by address", "by JSON", "by a form", "by a form with parts", "by a file"];
    assert_eq!(in_telegram(&shop.stage, SALES, ANNA), want);
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telegrams_errors_come_back_as_they_are() {
    let mut shop = Shop::open().await;
    shop.stage.allow_failures();
    let answer = shop.ask("sendMessage", json!({ "chat_id": 5, "text": "Hi" })).await;
    assert_eq!(answer, refused(400, "Bad Request: chat not found"));
    let limited = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}"#;
    let fault = Fault::Status { code: 429, body: limited.to_owned() };
    shop.stage.telegram.fault(Target::method("sendMessage"), fault, 1);
    let (status, answer) = shop.ask("sendMessage", json!({ "chat_id": ANNA, "text": "Hi" })).await;
    assert_eq!((status, answer.to_string()), (429, serde_json::from_str::<Value>(limited).unwrap().to_string()));
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_call_is_answered_in_telegrams_shape() {
    let shop = Shop::open().await;
    let base = format!("http://{}", shop.gateway);
    let token = SALES.token;
    for (path, want) in [
        (format!("/bot{token}/getMe"), refused(401, "Unauthorized")),
        (format!("/bot{SECRET}x/getMe"), refused(401, "Unauthorized")),
        (format!("/file/bot{token}/photos/file_1.jpg"), refused(401, "Unauthorized")),
        ("/".to_owned(), refused(404, "Not Found")),
        (format!("/bot{SECRET}"), refused(404, "Not Found")),
        (format!("/bot{SECRET}/"), refused(404, "Not Found: method not found")),
        (format!("/bot{SECRET}/a/b"), refused(404, "Not Found: method not found")),
        (format!("/bot{SECRET}/..%2FgetMe"), refused(404, "Not Found: method not found")),
        (format!("/file/bot{SECRET}/..%2F..%2Fx"), refused(404, "Not Found")),
    ] {
        assert_eq!(read(shop.client.get(format!("{base}{path}"))).await, want, "{path}");
    }
    assert_eq!(read(shop.client.put(shop.url("getMe"))).await, refused(405, "Method Not Allowed"));
    for method in ["logOut", "CLOSE"] {
        let (status, answer) = shop.ask(method, json!({})).await;
        assert!(status == 400 && answer["description"].as_str().unwrap().contains("not forwarded"), "{answer}");
    }
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(1 << 20));
    let request = shop.client.post(shop.url("sendMessage")).header("content-type", "application/json").body(large);
    assert_eq!(read(request).await, refused(413, "Request Entity Too Large"));
    let asked: Vec<_> = shop.stage.telegram.requests().into_iter().map(|it| it.method).collect();
    assert!(asked.iter().all(|method| method == "getupdates"), "{asked:?}");
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_tries_many_secrets_is_told_to_wait() {
    let shop = Shop::open().await;
    let guess = |n: usize| shop.client.get(format!("http://{}/bot7000000001:guess{n}/getMe", shop.gateway));
    for n in 0..60 {
        assert_eq!(read(guess(n)).await.0, 401, "{n}");
    }
    let (status, answer) = read(guess(60)).await;
    assert_eq!((status, &answer["parameters"]["retry_after"]), (429, &json!(60)));
    // A secret that is one is good all the same.
    shop.call("getMe", json!({})).await;
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_cut_in_the_middle_reaches_nobody() {
    let mut shop = Shop::open().await;
    shop.stage.allow_failures();
    shop.stage.begin(SALES, ANNA).await;
    for (kind, body) in [
        ("application/json", format!(r#"{{"chat_id":{ANNA},"text":"half a mess"#)),
        (
            "multipart/form-data; boundary=x",
            format!(
                "--x\r\nContent-Disposition: form-data; name=\"document\"; \
            filename=\"a\"\r\n\r\n{}",
                "a".repeat(100_000)
            ),
        ),
    ] {
        let mut line = TcpStream::connect(shop.gateway).await.unwrap();
        let length = body.len() + 10;
        let head = format!(
            "POST /bot{SECRET}/sendDocument HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n\
            Content-Length: {length}\r\n\r\n{body}"
        );
        line.write_all(head.as_bytes()).await.unwrap();
        line.shutdown().await.unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(r#""error_code":400"#), "{answer}");
    }
    // Telegram may see the beginning of a form that flows through. It takes nothing of one without an end.
    let requests = shop.stage.telegram.requests();
    let seen: Vec<_> = requests.iter().filter(|it| it.method == "senddocument").map(|it| it.status).collect();
    assert!(seen.len() <= 1 && !seen.contains(&Some(200)), "{seen:?}");
    assert_eq!(in_telegram(&shop.stage, SALES, ANNA), Vec::<String>::new());
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_names_where_telegram_is() {
    let mut shop = Shop::open().await;
    shop.stage.allow_failures();
    let place = shop.stage.telegram.address();
    let body = format!(r#"{{"error":"http://{place}/bot{}/getMe cannot be reached"}}"#, SALES.token);
    for fault in [Fault::Page { code: 503 }, Fault::Garbage, Fault::Status { code: 502, body }] {
        shop.stage.telegram.fault(Target::method("getMe"), fault, 1);
        assert_eq!(shop.ask("getMe", json!({})).await, refused(502, "Bad Gateway"));
    }
    shop.stage.telegram.fault(Target::method("getMe"), Fault::DropBefore, 1);
    assert_eq!(shop.ask("getMe", json!({})).await, refused(502, "Bad Gateway"));
    shop.stage.telegram.down(true).unwrap();
    assert_eq!(shop.ask("getMe", json!({})).await, refused(502, "Bad Gateway"));
    shop.stage.telegram.down(false).unwrap();
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_flows_through_in_whole_or_in_part() {
    let mut shop = Shop::open().await;
    shop.stage.allow_failures();
    shop.stage.begin(SALES, ANNA).await;
    let form = Form::new().text("chat_id", ANNA.to_string()).part(
        "document",
        Part::bytes((0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect::<Vec<_>>()).file_name("a.bin"),
    );
    let (_, sent) = read(shop.client.post(shop.url("sendDocument")).multipart(form)).await;
    let file = shop.call("getFile", json!({ "file_id": sent["result"]["document"]["file_id"] })).await;
    let path = file["file_path"].as_str().unwrap();
    let secret = SECRET.replace(':', "%3A");
    let url = format!("http://{}/file/bot{secret}/{path}", shop.gateway);
    let whole = shop.client.get(&url).send().await.unwrap();
    assert_eq!(whole.status(), 200);
    let whole = whole.bytes().await.unwrap();
    assert_eq!((whole.len(), whole[1000]), (200_000, 232));
    let part = shop.client.get(&url).header("range", "bytes=1000-1009").send().await.unwrap();
    assert_eq!(
        (part.status().as_u16(), part.headers()["content-range"].to_str().unwrap()),
        (206, "bytes 1000-1009/200000")
    );
    assert_eq!(part.bytes().await.unwrap(), whole.slice(1000..1010));
    let missing = format!("http://{}/file/bot{secret}/documents/none", shop.gateway);
    assert_eq!(read(shop.client.get(missing)).await.0, 404);
    shop.stage.finish().await;
}
