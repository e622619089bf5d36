//! Files that bots send.

use super::{
    uploads::{Form, to_anna},
    *,
};

fn png(width: u32, height: u32) -> Vec<u8> {
    [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &width.to_be_bytes(), &height.to_be_bytes()].concat()
}

fn webp(side: u32) -> Vec<u8> {
    [&b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f"[..], &((side - 1) | (side - 1) << 14).to_le_bytes()].concat()
}

const OPUS: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead\x01";
const VORBIS: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x1e\x01vorbis";
const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\0\0";
const M4A: &[u8] = b"\0\0\0\x18ftypM4A \0\0\0\0";

#[tokio::test]
async fn a_file_arrives_as_what_it_is() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let (photo, small, large) = (png(640, 480), webp(512), webp(513));
    for (method, field, bytes, name, becomes) in [
        ("sendPhoto", "photo", &photo[..], "a.png", FileKind::Photo),
        ("sendVideo", "video", MP4, "a.mp4", FileKind::Video),
        ("sendVideo", "video", b"\x1a\x45\xdf\xa3", "a.webm", FileKind::Document),
        ("sendAnimation", "animation", b"GIF89a", "a.gif", FileKind::Animation),
        ("sendAudio", "audio", b"ID3\x04", "a.mp3", FileKind::Audio),
        ("sendAudio", "audio", b"%PDF", "a.pdf", FileKind::Document),
        ("sendVoice", "voice", OPUS, "a.ogg", FileKind::Voice),
        ("sendVoice", "voice", M4A, "a.m4a", FileKind::Voice),
        ("sendVoice", "voice", VORBIS, "a.ogg", FileKind::Audio),
        ("sendVoice", "voice", b"what", "a.ogg", FileKind::Document),
        ("sendVideoNote", "video_note", MP4, "a.mp4", FileKind::VideoNote),
        ("sendSticker", "sticker", &small, "a.webp", FileKind::Sticker),
        ("sendSticker", "sticker", &large, "a.webp", FileKind::Document),
        ("sendSticker", "sticker", b"\x1f\x8b\x08", "a.tgs", FileKind::AnimatedSticker),
        ("sendSticker", "sticker", b"\x1a\x45\xdf\xa3", "a.webm", FileKind::VideoSticker),
        ("sendDocument", "document", b"%PDF", "a.pdf", FileKind::Document),
        ("sendDocument", "document", MP4, "a.mp4", FileKind::Video),
        ("sendDocument", "document", b"GIF89a", "a.gif", FileKind::Animation),
        ("sendDocument", "document", &small, "a.webp", FileKind::Sticker),
    ] {
        let (status, answer) = to_anna().file(field, name, "a/b", bytes).call(&telegram, method).await;
        let file = telegram.messages(TOKEN, ANNA).pop().unwrap().file.unwrap();
        assert_eq!((status, file.kind), (200, becomes), "{method} {name}: {answer}");
        assert_eq!(telegram.file(&file.file_id).unwrap(), bytes, "{method} {name}");
        assert!(answer["result"][becomes.field()].is_object() || becomes == FileKind::Photo, "{answer}");
    }
    let kept = to_anna().text("disable_content_type_detection", "true").file("document", "a.mp4", "video/mp4", MP4);
    assert_eq!(kept.call(&telegram, "sendDocument").await.1["result"]["document"]["file_name"], "a.mp4");
}

#[tokio::test]
async fn a_photo_has_its_own_size() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let form = to_anna().text("caption", "the hall").file("photo", "a.png", "image/png", &png(640, 480));
    let (_, answer) = form.call(&telegram, "sendPhoto").await;
    let largest = answer["result"]["photo"].as_array().unwrap().last().unwrap();
    assert_eq!((&largest["width"], &largest["height"]), (&json!(640), &json!(480)));
    assert_eq!(telegram.messages(TOKEN, ANNA)[1].text, "the hall");
}

#[tokio::test]
async fn bad_files_are_refused_in_the_servers_words() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let mut large = png(10, 10);
    large.resize((10 << 20) + 1, 0);
    let mut round = MP4.to_vec();
    round.resize((12 << 20) + 1, 0);
    let file = |field: &str, bytes: &[u8]| to_anna().file(field, "a", "a/b", bytes);
    let text = |form: Form, name: &str, value: &str| form.text(name, value);
    for (method, form, why) in [
        ("sendPhoto", to_anna(), "there is no photo in the request"),
        ("sendVideoNote", to_anna(), "there is no video note in the request"),
        ("sendPhoto", file("photo", b""), "file must be non-empty"),
        ("sendPhoto", file("photo", b"text"), "IMAGE_PROCESS_FAILED"),
        ("sendPhoto", file("photo", &png(9000, 1001)), "PHOTO_INVALID_DIMENSIONS"),
        (
            "sendPhoto",
            file("photo", &large),
            "file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes",
        ),
        (
            "sendVideoNote",
            file("video_note", &round),
            "file of size 12582913 bytes is too big for a video note; the maximum size is 12582912 bytes",
        ),
        ("sendVideoNote", text(file("video_note", MP4), "length", "641"), "wrong video note length"),
        ("sendDocument", text(file("document", b"x"), "caption", &"a".repeat(1025)), "message caption is too long"),
        ("sendDocument", text(to_anna(), "document", "attach://x"), "there is no document in the request"),
        ("sendDocument", text(to_anna(), "document", "made up"), "wrong file identifier/HTTP URL specified"),
        ("sendDocument", text(to_anna(), "document", "https://example.com/a"), "failed to get HTTP URL content"),
        ("sendVideo", text(file("video", MP4), "has_spoiler", "true"), "the sandbox shows plain text only"),
    ] {
        let refusal = format!("Bad Request: {why}");
        assert_eq!(description(&form.call(&telegram, method).await), (400, refusal.as_str()), "{method}");
    }
    assert_eq!(telegram.messages(TOKEN, ANNA).len(), 1);
}

#[tokio::test]
async fn a_known_file_is_sent_again_by_its_id() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let (_, answer) =
        to_anna().file("document", "a.pdf", "application/pdf", b"%PDF").call(&telegram, "sendDocument").await;
    let id = answer["result"]["document"]["file_id"].as_str().unwrap();
    let again = call(&telegram, "sendDocument", json!({"chat_id": ANNA, "document": id})).await;
    assert_eq!(again.1["result"]["document"], answer["result"]["document"]);
    let photo = call(&telegram, "sendPhoto", json!({"chat_id": ANNA, "photo": id})).await;
    assert_eq!(description(&photo), (400, "Bad Request: can't use file of type Document as Photo"));
}

#[tokio::test]
async fn an_album_is_one_group() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let media = json!([
        {"type": "photo", "media": "attach://one", "caption": "both"}, {"type": "video", "media": "attach://two"}
    ]);
    let form = to_anna().text("media", &media.to_string()).text("reply_parameters", r#"{"message_id":1}"#);
    let form = form.file("one", "1.png", "image/png", &png(9, 9)).file("two", "2.mp4", "video/mp4", MP4);
    let (status, answer) = form.call(&telegram, "sendMediaGroup").await;
    let messages = answer["result"].as_array().unwrap();
    assert_eq!((status, messages.len()), (200, 2));
    assert!(messages[0]["media_group_id"].is_string());
    assert_eq!(messages[0]["media_group_id"], messages[1]["media_group_id"]);
    assert_eq!((&messages[0]["caption"], &messages[1]["reply_to_message"]["text"]), (&json!("both"), &json!("hi")));
    let shown = &telegram.messages(TOKEN, ANNA)[1..];
    assert_eq!(
        shown.iter().map(|it| it.file.clone().unwrap().kind).collect::<Vec<_>>(),
        [FileKind::Photo, FileKind::Video]
    );
    assert!(shown[0].media_group_id.is_some() && shown[0].media_group_id == shown[1].media_group_id);
}

#[tokio::test]
async fn an_album_is_sent_as_a_whole_or_not() {
    let telegram = fake();
    telegram.write(TOKEN, ANNA, "hi");
    let of = |kinds: &[&str]| kinds.iter().map(|kind| json!({"type": kind, "media": "attach://x"})).collect::<Value>();
    for (media, why) in [
        (of(&[]), "there are no messages to send"),
        (of(&["photo"]), "the sandbox takes albums of 2 to 10, as documented"),
        (of(&["document"; 11]), "too many messages to send as an album"),
        (of(&["photo", "document"]), "document can't be mixed with other media types"),
        (of(&["audio", "video"]), "audio can't be mixed with other media types"),
        (of(&["photo", "animation"]), "can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup"),
        (of(&["voice", "voice"]), "can't parse InputMedia: type \"voice\" is unsupported"),
        (json!([{"type": "photo", "media": "attach://y"}]), "can't parse InputMedia: media not found"),
        (json!({}), "expected an Array of InputMedia"),
        (of(&["photo", "photo"]), "IMAGE_PROCESS_FAILED"),
    ] {
        let form = to_anna().text("media", &media.to_string()).file("x", "x", "a/b", b"x");
        let refusal = format!("Bad Request: {why}");
        assert_eq!(description(&form.call(&telegram, "sendMediaGroup").await), (400, refusal.as_str()));
    }
    assert_eq!(telegram.messages(TOKEN, ANNA).len(), 1);
}
