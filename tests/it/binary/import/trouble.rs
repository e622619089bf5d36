//! Exports that are none, and a Kommo that does not take what it is given.

use std::fs;

use tempfile::TempDir;

use super::*;

/// An export of one chat with these messages.
fn one_chat(messages: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let text = format!(r#"{{"name":"Anna","type":"personal_chat","id":{ANNA},"messages":[{messages}]}}"#);
    fs::write(folder.path().join("result.json"), text).unwrap();
    folder
}

/// An account with two private chats of the same name.
fn of_one_name(ids: [i64; 2]) -> String {
    let chat = |id: i64| {
        let message = written(1, 555, "Max", "Hi");
        format!(r#"{{"name":"Anna","type":"personal_chat","id":{id},"messages":[{message}]}}"#)
    };
    format!(r#"{{"chats":{{"list":[{}]}}}}"#, ids.map(chat).join(","))
}

fn written(id: i64, author: i64, name: &str, text: &str) -> String {
    format!(
        r#"{{"id":{id},"type":"message","date_unixtime":"1714557600","from":"{name}","from_id":"user{author}","text":"{text}"}}"#
    )
}

#[tokio::test]
async fn what_is_no_export_says_what_to_do_and_sends_nothing() {
    let stage = Harness::without_bridge("").unwrap();
    let of = |name: &str, content: &str| {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join(name), content).unwrap();
        folder
    };
    let cut = fs::read_to_string(export().join("result.json")).unwrap();
    let customers = one_chat(&written(1, 555, "Max", "Hi"));
    let cases = [
        (of("messages.html", "<html>"), &[][..], "Machine-readable JSON"),
        (of("result.json", "{}"), &[], "no export of Telegram Desktop"),
        (of("result.json", "<html>"), &[], "no export of Telegram Desktop"),
        (of("result.json", &cut[..cut.len() / 2]), &[], "ends in the middle"),
        (of("other.json", "{}"), &[], "has no result.json"),
        (one_chat(r#"{"id":1,"type":"message","from_id":4410983453,"text":"x"}"#), &[], "export again"),
        (one_chat(&written(1, ANNA, "Anna", "Hi")), &[], "say --owner ID"),
        (customers, &["--owner", "777000111"], "made by the customer"),
        (one_chat(&written(1, 555, "Max", "Hi")), &["--owner", "556"], "there are Max (555)"),
        (of("result.json", &of_one_name([ANNA, BEN])), &["--chat", "Anna"], "777000111, 777000222"),
        (of("result.json", &of_one_name([0, -5])), &["--chat", "Anna"], "no private chat Anna"),
        (one_chat(&written(1, 555, "Max", "Hi")), &["--chat", "Nobody"], "no private chat Nobody"),
        (one_chat(&written(1, 555, "Max", "Hi")), &["--manager", "Max"], "write the name in the export"),
        // It is told before the export is read.
        (of("result.json", "<html>"), &["--manager", "Max"], "write the name in the export"),
        (one_chat(&written(1, 555, "Max", "Hi")), &["--manager", "Max=Maria"], "kommo.access_token"),
    ];
    for (folder, more, says) in cases {
        let (code, printed, complaint) = import(&stage, folder.path(), more).await;
        assert!(code == Some(1) && complaint.contains(says), "{says}: {complaint}{printed}");
    }
    assert!(stage.kommo.requests().is_empty());
    let config = stage.write_config().unwrap();
    let output = finished(telekommo(&[
        "import",
        export().to_str().unwrap(),
        "--source",
        "nowhere",
        "--config",
        config.to_str().unwrap(),
    ]))
    .await;
    assert!(text(&output.stderr).contains("the sources are sales, support"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn the_owner_of_one_chat_is_whoever_is_not_the_customer() {
    let stage = Harness::without_bridge("").unwrap();
    let folder = one_chat(&[written(1, ANNA, "Anna", "Hi"), written(2, 555, "Max", "Hello")].join(","));
    let (code, printed, complaint) = import(&stage, folder.path(), &["--silent"]).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{printed}");
    let messages = messages(&stage, ANNA);
    assert_eq!(messages[1].client_msgid.as_deref(), Some("tg:7000000001:555/777000111:i2"));
    assert!(messages.iter().all(|message| message.silent));
}

#[tokio::test]
async fn what_kommo_refuses_is_listed_and_the_rest_goes_on() {
    let stage = Harness::without_bridge("").unwrap();
    let refused =
        Fault::Status { code: 400, body: r#"{"error_code":400,"error_description":"no such thing"}"#.to_owned() };
    stage.kommo.fault(Endpoint::Message, refused, 1);
    let (code, printed, _) = import(&stage, &export(), &["--chat", "777000111"]).await;
    assert_eq!(code, Some(1));
    assert!(printed.contains("Imported 10, there already 0, failed 1."), "{printed}");
    assert!(printed.contains("Anna Petrova (777000111), message 1001"), "{printed}");
    assert!(messages(&stage, ANNA)[0].text.starts_with("> Hello! Do you have the blue one?\n\nYes"), "{printed}");
    let printed = done(&stage, &["--chat", "777000111"]).await;
    assert!(printed.contains("Imported 1, there already 10"), "the failed one is tried again: {printed}");
}

#[tokio::test]
async fn a_history_is_not_read_again_for_each_message_that_kommo_refuses() {
    let stage = Harness::without_bridge("").unwrap();
    let refused =
        Fault::Status { code: 400, body: r#"{"error_code":400,"error_description":"no such thing"}"#.to_owned() };
    stage.kommo.fault(Endpoint::Message, refused, 5);
    let (_, printed, _) = import(&stage, &export(), &["--chat", "777000111"]).await;
    // What the owner has written is refused twice: it is sent once more, without the status.
    assert!(printed.contains("Imported 8, there already 0, failed 3."), "{printed}");
    let read = stage.kommo.requests().iter().filter(|it| it.endpoint == Some(Endpoint::History)).count();
    assert_eq!(read, 1);
}

#[tokio::test]
async fn a_channel_that_is_not_connected_stops_the_import_until_it_is() {
    let stage = Harness::without_bridge("").unwrap();
    stage.kommo.set_connected(false);
    let (code, _, complaint) = import(&stage, &export(), &[]).await;
    assert!(code == Some(1) && complaint.contains("Run the same command again"), "{complaint}");
    stage.kommo.set_connected(true);
    done(&stage, &[]).await;
    assert_complete(&stage);
}

#[tokio::test]
async fn an_author_whom_kommo_does_not_know_stops_the_import() {
    let stage = Harness::without_bridge("").unwrap();
    for status in [400, 403] {
        stage.kommo.quirks(|quirks| quirks.unknown_sender_status = status);
        let manager = "Max Keller=11111111-2222-4333-8444-555555555555";
        let (code, _, complaint) = import(&stage, &export(), &["--manager", manager]).await;
        assert!(code == Some(1) && complaint.contains("correct kommo.bot_id or --manager"), "{complaint}");
    }
    assert_eq!(messages(&stage, ANNA).len(), 1);
}

#[tokio::test]
async fn an_import_that_would_take_the_bridges_reserve_does_not_begin() {
    // No disk has as much.
    let stage = Harness::without_bridge("store.reserve_mb = 4000000000").unwrap();
    let (code, printed, complaint) = import(&stage, &export(), &[]).await;
    assert_eq!(code, Some(1), "{printed}");
    for figure in ["the files need", "are free", "store.reserve_mb", "--max-file-mb"] {
        assert!(complaint.contains(figure), "{figure}: {complaint}");
    }
    assert!(stage.kommo.requests().is_empty() && !stage.dir().join("data/imports").exists(), "nothing was begun");

    let (code, printed, complaint) = import(&stage, &export(), &["--dry-run"]).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    assert!(
        printed.contains("Copies of files: less than 1 MB in") && printed.contains("It could not begin"),
        "{printed}"
    );
    // What names no file takes no room.
    let folder = one_chat(&[written(1, ANNA, "Anna", "Hi"), written(2, 555, "Max", "Hello")].join(","));
    let (code, _, complaint) = import(&stage, folder.path(), &["--silent"]).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
}
