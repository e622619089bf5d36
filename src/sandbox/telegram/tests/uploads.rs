//! Requests with files.

use super::*;

/// A form of text fields and of files: field, file name, type, bytes.
#[derive(Clone, Default)]
pub(super) struct Form {
    body: Vec<u8>,
}

impl Form {
    pub(super) fn text(mut self, name: &str, value: &str) -> Self {
        let head = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        self.body.extend(head.into_bytes());
        self
    }

    pub(super) fn file(mut self, field: &str, name: &str, kind: &str, bytes: &[u8]) -> Self {
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: \
             {kind}\r\n\r\n"
        );
        self.body.extend(head.into_bytes());
        self.body.extend(bytes);
        self.body.extend(b"\r\n");
        self
    }

    pub(super) async fn call(mut self, telegram: &FakeTelegram, method: &str) -> (u16, Value) {
        self.body.extend(b"--edge--\r\n");
        let request = reqwest::Client::new()
            .post(format!("{}/bot{TOKEN}/{method}", telegram.url()))
            .header("Content-Type", "multipart/form-data; boundary=edge")
            .body(self.body);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }
}

/// A form to Anna.
pub(super) fn to_anna() -> Form {
    Form::default().text("chat_id", &ANNA.to_string())
}

#[tokio::test]
async fn a_form_carries_fields_and_files() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let bytes = b"line\r\n--edgy\r\n\0\xff";
    let form = to_anna().text("caption", "é & ü").file("document", "price list.pdf", "application/pdf", bytes);
    let (status, answer) = form.call(&telegram, "sendDocument").await;
    let document = &answer["result"]["document"];
    assert_eq!((status, &answer["result"]["caption"]), (200, &json!("é & ü")));
    assert_eq!((&document["file_name"], &document["file_size"]), (&json!("price list.pdf"), &json!(bytes.len())));
    let file = telegram.messages(TOKEN, ANNA).pop().unwrap().file.unwrap();
    assert_eq!((file.name.as_deref(), file.mime.as_str()), (Some("price list.pdf"), "application/pdf"));
    assert_eq!(telegram.file(&file.file_id).unwrap(), &bytes[..]);
    let shown = &telegram.requests().pop().unwrap().args;
    assert_eq!(shown["document"], json!({"name": "price list.pdf", "content_type": "application/pdf", "size": 16}));
}

#[tokio::test]
async fn a_request_may_be_as_large_as_the_host_lets_it() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let send = |size: usize| {
        to_anna().file("document", "x.zip", "application/zip", &vec![0; size]).call(&telegram, "sendDocument")
    };
    assert_eq!(send(50 << 20).await.0, 200);
    assert_eq!(description(&send((50 << 20) + 1).await), (413, "Request Entity Too Large"));
    let halves = |size: usize| {
        let half = vec![0; size];
        let media = json!([{"type": "document", "media": "attach://a"}, {"type": "document", "media": "attach://b"}]);
        let form = to_anna().text("media", &media.to_string());
        form.file("a", "a", "a/b", &half).file("b", "b", "a/b", &half).call(&telegram, "sendMediaGroup")
    };
    assert_eq!(description(&halves((25 << 20) + 1).await), (413, "Request Entity Too Large"));
    let directory = tempfile::tempdir().unwrap();
    telegram.host(Hosting::Local(directory.path().to_owned()));
    assert_eq!(send((50 << 20) + 1).await.0, 200);
    assert_eq!(telegram.messages(TOKEN, ANNA).len(), 3);
}

#[tokio::test]
async fn a_form_is_refused_as_a_whole() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let many = (0..=50).fold(to_anna(), |form, n| form.file(&format!("f{n}"), "x", "a/b", b"x"));
    let long = to_anna().text("text", &"a".repeat(1 << 20));
    for (form, why) in [
        (many, "Request Entity Too Large: too many files attached"),
        (long, "Request Entity Too Large: too many parameters in form data"),
    ] {
        assert_eq!(description(&form.call(&telegram, "sendMessage").await), (413, why));
    }
    let nameless = to_anna().text("", "x").call(&telegram, "sendMessage").await;
    assert_eq!(description(&nameless), (400, "Bad Request: field name in multipart/form-data not found"));
    assert_eq!(telegram.messages(TOKEN, ANNA).len(), 1);
    assert_eq!(telegram.requests().len(), 3);
}

#[tokio::test]
async fn files_are_given_as_the_host_gives_them() {
    let telegram = fake();
    let bytes = axum::body::Bytes::from(vec![7; (20 << 20) + 1]);
    let file = NewFile { kind: FileKind::Document, bytes, name: None, caption: None };
    telegram.send_file(TOKEN, ANNA, &file);
    let small = NewFile { bytes: axum::body::Bytes::from_static(b"small"), ..file.clone() };
    telegram.send_file(TOKEN, ANNA, &small);
    let ids: Vec<_> = telegram.messages(TOKEN, ANNA).into_iter().map(|it| it.file.unwrap().file_id).collect();
    let path = async |id: &str| call(&telegram, "getFile", json!({"file_id": id})).await;
    let served = async |path: &str| {
        reqwest::get(format!("{}/file/bot{TOKEN}/{path}", telegram.url())).await.unwrap().status().as_u16()
    };
    for (hosting, status) in [(Hosting::Cloud, 200), (Hosting::Own, 404)] {
        telegram.host(hosting);
        assert_eq!(description(&path(&ids[0]).await), (400, "Bad Request: file is too big"));
        assert_eq!(served(path(&ids[1]).await.1["result"]["file_path"].as_str().unwrap()).await, status);
    }
    let directory = tempfile::tempdir().unwrap();
    telegram.host(Hosting::Local(directory.path().to_owned()));
    let local = path(&ids[0]).await.1["result"]["file_path"].as_str().unwrap().to_owned();
    assert!(std::path::Path::new(&local).is_absolute());
    assert_eq!(std::fs::read(&local).unwrap().len(), (20 << 20) + 1);
    assert_eq!(served(&local).await, 404);
}
