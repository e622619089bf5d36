//! Each kind of message that Telegram knows, from its update to what Kommo is told.

use std::time::Duration;

use reqwest::Url;
use telekommo::{
    domain::{
        address::{BotId, SourceId},
        time::UnixMillis,
    },
    media::link::{LinkKey, Links},
    translate::{from_telegram, to_kommo},
};

/// The `message` of the event that an update becomes. Links are cut to what does not depend on the key.
fn told(update: &str) -> String {
    let links = Links {
        key: LinkKey::derive("0123456789abcdef0123456789abcdef01234567"),
        public_url: Url::parse("https://bridge.example.com").unwrap(),
        valid_for: Duration::from_hours(24),
    };
    let source = SourceId::parse("sales").unwrap();
    let inbound = from_telegram::decode(update, &source, BotId(123_456)).expect("a message");
    let mut message = to_kommo::encode(&inbound, &links.made_at(UnixMillis(1_786_017_600_000))).payload.message;
    if let Some(link) = &mut message.media {
        let (sealed, name) = link.strip_prefix("https://bridge.example.com/media/").unwrap().split_once('/').unwrap();
        let linked = links.key.open(&format!("/media/{sealed}/{name}"), UnixMillis(1_786_017_600_000)).unwrap();
        *link = format!("{} {} {name}", linked.file_id, linked.mime_type.as_deref().unwrap_or("?"));
    }
    serde_json::to_string(&message).unwrap()
}

macro_rules! fixtures {
    ($($name:ident)*) => {
        [$((stringify!($name), include_str!(concat!("../fixtures/telegram/", stringify!($name), ".json")))),*]
    };
}

#[test]
fn every_kind_of_message_has_its_form_in_kommo() {
    let fixtures = fixtures!(
        photo album_item video video_too_large animation video_note voice audio audio_untitled document document_unnamed sticker sticker_animated location venue contact
    );
    let told = fixtures.map(|(name, update)| format!("{name}: {}", told(update)));
    insta::assert_snapshot!(told.join("\n"), @r#"
    photo: {"type":"picture","text":"Вот стол 👇","media":"AgACAgIAAxkBAAMqy image/jpeg photo.jpg","file_name":"photo.jpg","file_size":184320}
    album_item: {"type":"picture","media":"AgACAgIAAxkBAAMra image/jpeg photo.jpg","file_name":"photo.jpg","file_size":0}
    video: {"type":"video","media":"BAACAgIAAxkBAAMr video/quicktime %D0%BE%D1%82%D0%BF%D1%83%D1%81%D0%BA.mov","file_name":"отпуск.mov","file_size":7340032,"media_duration":17}
    video_too_large: {"type":"text","text":"[video \"hall.mp4\" of 180 MB: Telegram lets bots have files of up to 20 MB, so this one stays in Telegram] the hall"}
    animation: {"type":"video","media":"CgACAgQAAxkBAAMt video/mp4 giphy.mp4","file_name":"giphy.mp4","file_size":98304,"media_duration":3}
    video_note: {"type":"video","media":"DQACAgIAAxkBAAMu video/mp4 video-message.mp4","file_name":"video-message.mp4","file_size":812345,"media_duration":7}
    voice: {"type":"voice","media":"AwACAgIAAxkBAAMv audio/ogg voice.ogg","file_name":"voice.ogg","file_size":16384,"media_duration":4}
    audio: {"type":"audio","media":"CQACAgIAAxkBAAMw audio/flac Ann%20Lee%20-%20Blue.flac","file_name":"Ann Lee - Blue.flac","file_size":9437184,"media_duration":214}
    audio_untitled: {"type":"audio","media":"CQACAgIAAxkBAAMx audio/mp4 memo.m4a","file_name":"memo.m4a","file_size":4096,"media_duration":2}
    document: {"type":"file","text":"please sign","media":"BQACAgIAAxkBAAMy application/pdf %D0%94%D0%BE%D0%B3%D0%BE%D0%B2%D0%BE%D1%80%20%F0%9F%93%84%20%E2%84%965_2.pdf","file_name":"Договор 📄 №5_2.pdf","file_size":245760}
    document_unnamed: {"type":"file","media":"BQACAgIAAxkBAAMz application/zip file.zip","file_name":"file.zip","file_size":22}
    sticker: {"type":"sticker","text":"👍","media":"CAACAgIAAxkBAAM0 image/webp sticker.webp","file_name":"sticker.webp","file_size":24576}
    sticker_animated: {"type":"sticker","text":"🎉","media":"AAMCAgADGQEAAyNm ? sticker.webp","file_name":"sticker.webp","file_size":3120}
    location: {"type":"location","location":{"lon":30.315868,"lat":59.939095}}
    venue: {"type":"location","text":"Hermitage, Palace Square, 2","location":{"lon":30.31456,"lat":59.939832}}
    contact: {"type":"contact","contact":{"name":"Пётр Иванов","phone":"+79161234567"}}
    "#);
}

#[test]
fn a_position_that_is_shared_live_is_told_once() {
    let moved = include_str!("../fixtures/telegram/location.json").replace("\"message\":", "\"edited_message\":");
    let source = SourceId::parse("sales").unwrap();
    assert!(from_telegram::decode(&moved, &source, BotId(123_456)).is_err());
}

#[test]
fn a_changed_caption_is_told_with_its_file() {
    let edited = include_str!("../fixtures/telegram/photo.json").replace("\"message\":", "\"edited_message\":");
    assert!(told(&edited).contains("[edited] Вот стол"), "{}", told(&edited));
}
