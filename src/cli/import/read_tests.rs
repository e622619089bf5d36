//! Messages of every kind, as Telegram Desktop writes them.

use super::*;

fn content_by(fields: &str) -> OldContent {
    let raw = format!(
        r#"{{"id":5,"type":"message","date":"2024-05-01T12:00:00","date_unixtime":"1714557600","from":"Anna",
            "from_id":"user777000111",{fields}}}"#
    );
    read(&raw, Language::En).unwrap().content
}

fn file(fields: &str) -> OldFile {
    match content_by(fields) {
        OldContent::File(file) => file,
        other => panic!("{other:?}"),
    }
}

#[test]
fn author_time_and_answer_are_kept() {
    let raw = r#"{"id":5,"type":"message","date_unixtime":"1714557600","from":"Anna","from_id":"user777",
        "reply_to_message_id":4,"text":"Hi"}"#;
    let item = read(raw, Language::En).unwrap();
    assert_eq!((item.id, item.author, item.at_seconds, item.reply_to), (5, 777, 1_714_557_600, Some(4)));
    assert_eq!((item.author_name.as_str(), &item.content), ("Anna", &OldContent::Text("Hi".to_owned())));
    let elsewhere = raw.replace("\"text\"", "\"reply_to_peer_id\":\"channel9\",\"text\"");
    assert_eq!(read(&elsewhere, Language::En).unwrap().reply_to, None);
}

#[test]
fn files_are_what_they_are() {
    let photo = file(r#""photo":"photos/photo_1@01-05-2024.jpg","text":"look""#);
    assert_eq!((photo.kind, photo.text.as_deref()), (MediaKind::Picture, Some("look")));
    for (media_type, kind) in [
        ("sticker", MediaKind::Sticker),
        ("voice_message", MediaKind::Voice),
        ("video_message", MediaKind::Video),
        ("animation", MediaKind::Video),
        ("video_file", MediaKind::Video),
        ("audio_file", MediaKind::Audio),
        ("new kind", MediaKind::File),
    ] {
        assert_eq!(file(&format!(r#""file":"a/b","media_type":"{media_type}","text":"""#)).kind, kind, "{media_type}");
    }
    let sticker = file(r#""file":"a.webp","media_type":"sticker","sticker_emoji":"👍","text":"""#);
    assert_eq!(sticker.text.as_deref(), Some("👍"));
    let document = file(r#""file":"files/c.pdf","file_name":"Contract.pdf","mime_type":"application/pdf","text":"""#);
    assert_eq!((document.name.as_deref(), document.kind), (Some("Contract.pdf"), MediaKind::File));
}

#[test]
fn places_and_cards_keep_their_form() {
    let place = content_by(
        r#""place_name":"Cafe","address":"Main St 1","location_information":{"latitude":48.5,"longitude":2.25},"text":"""#,
    );
    let text = Some("Cafe\nMain St 1".to_owned());
    assert_eq!(place, OldContent::Place { latitude: 48.5, longitude: 2.25, text });
    let card = content_by(
        r#""contact_information":{"first_name":"Bob","last_name":"","phone_number":"+15550100"},"contact_vcard":"x","text":"""#,
    );
    assert_eq!(card, OldContent::Card { name: "Bob".to_owned(), phone: "+15550100".to_owned() });
    let card =
        content_by(r#""contact_information":{"first_name":"Bob","last_name":"Ray","phone_number":""},"text":"""#);
    assert_eq!(card, OldContent::Text("[contact] Bob Ray".to_owned()));
}

#[test]
fn what_kommo_has_no_form_for_is_told_in_words() {
    let poll = content_by(r#""poll":{"question":"When?","answers":[{"text":"Now"},{"text":"Later"}]},"text":"""#);
    assert_eq!(poll, OldContent::Text("[poll] When?\n- Now\n- Later".to_owned()));
    let forwarded = content_by(r#""forwarded_from":"Ben","text":"Hello""#);
    assert_eq!(forwarded, OldContent::Text("[forwarded from Ben]\nHello".to_owned()));
    assert!(matches!(content_by(r#""text":"""#), OldContent::Text(text) if text.starts_with('[')));
}

#[test]
fn what_nobody_wrote_is_left_out() {
    for (raw, why) in [
        (r#"{"id":1,"type":"service","action":"phone_call","actor":"Anna"}"#, Skipped::Service),
        (r#"{"id":1,"type":"unsupported"}"#, Skipped::Unsupported),
        (r#"{"id":1,"type":"message","from_id":"user7","text":"no time"}"#, Skipped::Unreadable),
        (r#"{"id":1,"type":"message","date_unixtime":"1","from_id":4410983453,"text":"old"}"#, Skipped::Unreadable),
        ("[]", Skipped::Unreadable),
    ] {
        assert_eq!(read(raw, Language::En), Err(why), "{raw}");
    }
}
