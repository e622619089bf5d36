//! Files from customers: the same bytes on both ends, by links that only we can make.

use axum::body::Bytes;
use reqwest::{Client, Method, Response, StatusCode, header};
use telekommo::sandbox::{
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Fetched, Media, Message},
    telegram::{FileKind, NewFile},
};

use crate::support::{TestStage, conversation};

const SALES: Line = LINES[0];

fn file(kind: FileKind, bytes: Vec<u8>, name: &str, caption: &str) -> NewFile {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    NewFile { kind, bytes: Bytes::from(bytes), name: text(name), caption: text(caption) }
}

/// Bytes that repeat nowhere soon, so that a part cannot be taken for another.
fn noise(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

fn messages(stage: &Harness) -> Vec<Message> {
    stage.kommo.chat(&conversation(SALES, ANNA)).map(|chat| chat.messages).unwrap_or_default()
}

fn fetched(stage: &Harness) -> Vec<(Media, Fetched)> {
    let media = messages(stage).into_iter().filter_map(|message| message.media);
    media.filter_map(|media| media.fetched.clone().map(|fetched| (media, fetched))).collect()
}

/// Sends a file and waits until Kommo has tried to fetch it.
async fn sent(stage: &TestStage, file: &NewFile) -> (Media, Fetched) {
    let before = fetched(stage).len();
    stage.telegram.send_file(SALES.token, ANNA, file);
    stage.until("Kommo has fetched the file", |stage| fetched(stage).len() > before).await;
    stage.until_settled().await;
    fetched(stage).remove(before)
}

async fn asked(method: Method, url: &str, range: Option<&str>) -> Response {
    let request = Client::new().request(method, url);
    let request = range.into_iter().fold(request, |request, range| request.header(header::RANGE, range));
    request.send().await.expect("the bridge answers")
}

fn told<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map(|value| value.to_str().expect("ASCII")).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_every_kind_arrive_byte_by_byte() {
    use FileKind::{Animation, Audio, Document, MovingSticker, Photo, Sticker, Video, VideoNote, Voice};
    let stage = TestStage::start().await;
    let cases = [
        (Photo, "", "look", "picture", "photo.jpg", "image/jpeg"),
        (Video, "отпуск.mp4", "", "video", "отпуск.mp4", "video/mp4"),
        (Animation, "", "", "video", "animation.mp4", "video/mp4"),
        (VideoNote, "", "", "video", "video-message.mp4", "video/mp4"),
        (Voice, "", "", "voice", "voice.ogg", "audio/ogg"),
        (Audio, "Blue: part 1/2", "", "audio", "Ann Lee - Blue: part 1_2.mp3", "audio/mpeg"),
        (Document, "Договор 📄.pdf", "please sign", "file", "Договор 📄.pdf", "application/pdf"),
        (Document, "", "", "file", "file.pdf", "application/pdf"),
        (Document, "../a/b\\c\u{1}\r\n\u{202e}fdp.exe", "", "file", "_a_b_c____fdp.exe", "application/pdf"),
        (Document, " ", "", "file", "file.pdf", "application/pdf"),
        (Sticker, "", "👍", "sticker", "sticker.webp", "image/webp"),
        (MovingSticker, "", "🎉", "sticker", "sticker.webp", "image/webp"),
    ];
    for (n, (kind, name, caption, shown_as, named, content_type)) in cases.into_iter().enumerate() {
        let file = file(kind, noise(2000 + n), name, caption);
        let (media, fetched) = sent(&stage, &file).await;
        assert_eq!(fetched.status, Some(200), "{kind:?}");
        assert!(fetched.bytes == file.bytes, "{kind:?}: other bytes arrived");
        assert_eq!(
            (media.name.as_str(), media.size, fetched.content_type.as_str()),
            (named, Some(file.bytes.len() as u64), content_type)
        );
        let message = messages(&stage).pop().unwrap();
        assert_eq!((message.kind.as_str(), message.text.as_str()), (shown_as, caption));
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_eighteen_megabytes_passes_and_a_larger_one_is_named() {
    let stage = TestStage::start().await;
    let large = file(FileKind::Document, noise(18 << 20), "large.zip", "");
    let (_, fetched) = sent(&stage, &large).await;
    assert_eq!(fetched.status, Some(200));
    assert!(fetched.bytes == large.bytes, "other bytes arrived");

    stage.telegram.send_file(SALES.token, ANNA, &file(FileKind::Video, vec![0; (20 << 20) + 1], "x.mp4", "the hall"));
    stage.until("the text is there", |stage| messages(stage).len() == 2).await;
    let told = messages(&stage).pop().unwrap();
    assert_eq!(told.kind, "text");
    for words in ["video \"x.mp4\" of 21 MB", "up to 20 MB", "the hall"] {
        assert!(told.text.contains(words), "{}", told.text);
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_gives_parts_and_descriptions() {
    let stage = TestStage::start().await;
    let document = file(FileKind::Document, noise(5000), "q\"uo\\te.pdf", "");
    let (media, _) = sent(&stage, &document).await;

    let whole = asked(Method::GET, &media.url, None).await;
    assert_eq!((whole.status(), told(&whole, "content-length")), (StatusCode::OK, "5000"));
    assert_eq!(told(&whole, "x-content-type-options"), "nosniff");
    assert_eq!(told(&whole, "content-security-policy"), "sandbox");
    assert_eq!(
        told(&whole, "content-disposition"),
        "attachment; filename=\"q_uo_te.pdf\"; filename*=UTF-8''q%22uo_te.pdf"
    );

    let part = asked(Method::GET, &media.url, Some("bytes=100-199")).await;
    assert_eq!((part.status(), told(&part, "content-range")), (StatusCode::PARTIAL_CONTENT, "bytes 100-199/5000"));
    assert_eq!(told(&part, "content-length"), "100");
    assert!(part.bytes().await.unwrap() == document.bytes.slice(100..200));
    let parts = asked(Method::GET, &media.url, Some("bytes=0-99,200-299")).await;
    assert_eq!((parts.status(), told(&parts, "content-length")), (StatusCode::OK, "5000"));
    assert!(parts.bytes().await.unwrap() == document.bytes, "all of it, since one body cannot say what is which part");

    let head = asked(Method::HEAD, &media.url, None).await;
    assert_eq!((head.status(), told(&head, "content-length")), (StatusCode::OK, "5000"));
    assert_eq!(told(&head, "accept-ranges"), "bytes");
    assert!(head.bytes().await.unwrap().is_empty());

    assert_eq!(asked(Method::POST, &media.url, None).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_bent_gone_or_unreachable_says_so_and_nothing_else() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    let (media, _) = sent(&stage, &file(FileKind::Photo, noise(500), "", "")).await;
    let mut answers = Vec::new();

    let bent = media.url.replace("/media/ey", "/media/eY");
    assert_ne!(bent, media.url);
    answers.push((asked(Method::GET, &bent, None).await, StatusCode::NOT_FOUND));
    let beyond = asked(Method::GET, &media.url, Some("bytes=500-")).await;
    answers.push((beyond, StatusCode::RANGE_NOT_SATISFIABLE));
    let file_id = stage.telegram.messages(SALES.token, ANNA)[0].file.clone().unwrap().file_id;
    stage.telegram.forget_file(&file_id);
    // Telegram does not say whether it has lost a file or has trouble with it; for a while it may be either.
    for method in [Method::HEAD, Method::GET] {
        let lost = asked(method, &media.url, None).await;
        assert_eq!(told(&lost, "retry-after"), "5");
        answers.push((lost, StatusCode::SERVICE_UNAVAILABLE));
    }
    stage.telegram.down(true).unwrap();
    answers.push((asked(Method::GET, &media.url, None).await, StatusCode::BAD_GATEWAY));
    stage.telegram.down(false).unwrap();

    let secret = SALES.token.split_once(':').unwrap().1;
    for (answer, status) in answers {
        assert_eq!(answer.status(), status);
        let headers = format!("{:?}", answer.headers());
        let body = answer.text().await.unwrap();
        assert!(!headers.contains(secret) && !body.contains(secret) && !body.contains(&file_id), "{headers} {body}");
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_ends_when_the_operator_says() {
    let mut stage = TestStage::with("media.links_for = \"1ms\"\n").await;
    stage.allow_failures();
    let (_, fetched) = sent(&stage, &file(FileKind::Photo, noise(500), "", "")).await;
    assert_eq!(fetched.status, Some(404));
    stage.finish().await;
}
