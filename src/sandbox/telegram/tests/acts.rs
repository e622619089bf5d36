//! What customers send besides texts.

use axum::body::Bytes;

use super::*;

fn file(kind: FileKind, caption: Option<&str>) -> NewFile {
    let name = Some("a name".to_owned());
    NewFile { kind, bytes: Bytes::from_static(b"bytes"), name, caption: caption.map(str::to_owned) }
}

/// The messages that wait for the bot.
async fn waiting(telegram: &FakeTelegram) -> Vec<Value> {
    let answer = call(telegram, "getUpdates", json!({})).await.1;
    answer["result"].as_array().unwrap().iter().map(|update| update["message"].clone()).collect()
}

#[tokio::test]
async fn an_album_is_an_update_for_each_file() {
    let telegram = fake();
    let files = [file(FileKind::Photo, Some("both")), file(FileKind::Video, None)];
    assert_eq!(telegram.send_album(TOKEN, ANNA, &files), [1, 2]);
    let messages = waiting(&telegram).await;
    assert_eq!((messages.len(), &messages[0]["caption"]), (2, &json!("both")));
    assert!(messages[0]["media_group_id"].is_string());
    assert_eq!(messages[0]["media_group_id"], messages[1]["media_group_id"]);
    assert_ne!(telegram.send_album(TOKEN, ANNA, &files), [1, 2]);
    let messages = telegram.messages(TOKEN, ANNA);
    assert_ne!(messages[0].media_group_id, messages[2].media_group_id);
}

#[tokio::test]
async fn all_kinds_of_files_stand_in_their_own_field() {
    let telegram = fake();
    let kinds = [
        (FileKind::Voice, "voice", None),
        (FileKind::VideoNote, "video_note", None),
        (FileKind::Sticker, "sticker", Some((false, false))),
        (FileKind::MovingSticker, "sticker", Some((true, false))),
        (FileKind::AnimatedSticker, "sticker", Some((true, false))),
        (FileKind::VideoSticker, "sticker", Some((false, true))),
    ];
    for (kind, _, _) in kinds {
        telegram.send_file(TOKEN, ANNA, &file(kind, Some("🙂")));
    }
    let messages = waiting(&telegram).await;
    assert_eq!(messages.len(), kinds.len());
    for (message, (_, field, flags)) in messages.iter().zip(kinds) {
        let shape = &message[field];
        assert!(shape["file_id"].is_string(), "{message}");
        assert_eq!(shape["emoji"].as_str(), flags.map(|_| "🙂"), "{message}");
        let moves = shape["is_animated"].as_bool().zip(shape["is_video"].as_bool());
        assert_eq!(moves, flags, "{message}");
    }
}

#[tokio::test]
async fn pieces_stand_in_the_fields_of_the_bot_api() {
    let telegram = fake();
    telegram.share_number(TOKEN, ANNA);
    for piece in [
        Piece::contact("+491", "Ben"),
        Piece::location(52.5, 13.4),
        Piece::venue(52.5, 13.4, "Acme", "1 Main St"),
        Piece::poll("When?", &["Now", "Later"]),
        Piece::dice("🎲", 6),
    ] {
        telegram.send_piece(TOKEN, ANNA, piece);
    }
    let messages = waiting(&telegram).await;
    assert_eq!(messages[0]["contact"]["user_id"], json!(ANNA));
    assert_eq!(messages[1]["contact"], json!({"phone_number": "+491", "first_name": "Ben"}));
    assert_eq!(messages[2]["location"], json!({"latitude": 52.5, "longitude": 13.4}));
    assert_eq!((&messages[3]["location"], &messages[3]["venue"]["title"]), (&messages[2]["location"], &json!("Acme")));
    assert_eq!(messages[4]["poll"]["options"][1], json!({"persistent_id": "1", "text": "Later", "voter_count": 0}));
    assert_eq!(messages[5]["dice"], json!({"emoji": "🎲", "value": 6}));
    assert!(messages.iter().all(|message| message.get("text").is_none()));
}

#[tokio::test]
async fn any_update_is_queued_as_it_is() {
    let telegram = fake();
    let somebody = json!({"id": 5, "is_bot": false, "first_name": "Eve"});
    let bought = json!({"from": somebody, "paid_media_payload": "a \u{1F381}"});
    let update = json!({ "purchased_paid_media": bought });
    let id = telegram.push_update(TOKEN, &update).unwrap();
    let answer = call(&telegram, "getUpdates", json!({})).await.1;
    assert_eq!(answer["result"], json!([{ "update_id": id, "purchased_paid_media": bought }]));
}
