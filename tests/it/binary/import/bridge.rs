//! An import through a bridge: beside another one, while it starts and stops, and into an owner's own chats.

use serde_json::json;
use telekommo::sandbox::telegram::Customer;

use super::*;
use crate::support::stranger;

/// The owner of the export.
const OWNER: i64 = 555_000_111;
const ALL_RIGHTS: [&str; 2] = ["can_reply", "can_read_messages"];

fn in_own_chat(customer: i64) -> String {
    format!("tg:sales:{OWNER}/{customer}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_imports_at_once_double_nothing() {
    let stage = TestStage::start().await;
    let config = stage.write_config().unwrap();
    stage.kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
    let one = async || {
        let output = finished(telekommo(&words(&export(), &config, &[]))).await;
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout).to_owned()
    };
    let (printed, others) = tokio::join!(one(), one());
    let count = |printed: &str| -> usize {
        let line = printed.lines().find(|line| line.starts_with("Imported ")).unwrap();
        line.trim_start_matches("Imported ").split(',').next().unwrap().parse().unwrap()
    };
    assert_eq!(count(&printed) + count(&others), ALL, "{printed}\n{others}");
    assert_complete(&stage);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_waits_for_a_bridge_that_ends_in_the_middle() {
    let mut stage = TestStage::start().await;
    let config = stage.write_config().unwrap();
    let process = Process::spawn(telekommo(&words(&export(), &config, &["--rate", "2"])));
    eventually("some messages are imported", async || imported(&stage) >= 2).await;
    stage.stop_bridge().await;
    assert!(imported(&stage) < ALL);
    stage.start_bridge().await.unwrap();
    let ended = process.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert_complete(&stage);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_gives_the_store_to_a_bridge_that_starts() {
    let mut stage = Harness::without_bridge("").unwrap();
    let config = stage.write_config().unwrap();
    let process = Process::spawn(telekommo(&words(&export(), &config, &["--rate", "2"])));
    eventually("some messages are imported", async || imported(&stage) >= 2).await;
    let listed = finished(telekommo(&["queue", "list", "--config", config.to_str().unwrap()])).await;
    assert!(listed.status.success(), "other commands ask the import: {listed:?}");
    stage.start_bridge().await.unwrap();
    assert!(imported(&stage) < ALL);
    let ended = process.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert_complete(&stage);
    stage.stop_bridge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_into_an_owners_own_chat_is_linked() {
    let stage = TestStage::start().await;
    stage.telegram.add_customer(Customer { first_name: "Max".to_owned(), ..stranger(OWNER) });
    let connection = stage.telegram.connect_business(LINES[0].token, OWNER, &ALL_RIGHTS);
    stage.telegram.write_to_business(LINES[0].token, OWNER, BEN, "Hello Max");
    stage.telegram.write_to_business(LINES[0].token, OWNER, ANNA, "Hello again");
    let both = |stage: &Harness| [ANNA, BEN].iter().all(|it| stage.kommo.chat(&in_own_chat(*it)).is_some());
    stage.until("the connection is known", both).await;
    stage.until_settled().await;
    done(&stage, &[]).await;
    assert_eq!(imported(&stage), 0, "nothing goes into the chats with the bot");
    let anna = |stage: &Harness| stage.kommo.chat(&in_own_chat(ANNA)).unwrap().messages;
    assert_eq!(anna(&stage).len(), 1 + 11);
    let first = anna(&stage).into_iter().find(|it| it.text == "Hello! Do you have the blue one?").unwrap();
    // A customer's answer names the message that it quotes, and so does a manager's.
    let person = json!({ "id": ANNA, "is_bot": false, "first_name": "Anna" });
    let chat = json!({ "id": ANNA, "type": "private", "first_name": "Anna" });
    let quoted = json!({ "message_id": 1001, "date": 1_714_617_660, "chat": chat, "from": person, "text": "Hello!" });
    let message = json!({
        "business_connection_id": connection, "message_id": 70_000, "date": 1_786_017_600, "text": "And now?",
        "chat": chat, "from": person, "reply_to_message": quoted,
    });
    stage.telegram.push_update(LINES[0].token, &json!({ "business_message": message }));
    stage.until("the answer is there", |stage| anna(stage).len() == 13).await;
    let answer = anna(&stage).into_iter().find(|it| it.text == "And now?").unwrap();
    assert_eq!(answer.reply_to, Some(first.id.clone()));
    let (_, hook) = stage.kommo.reply_to(&in_own_chat(ANNA), "Maria", "Yes", &first.id).await;
    assert_eq!(hook.status, Some(200));
    let quotes = |stage: &Harness| {
        let sent = stage.telegram.requests().into_iter().rfind(|it| it.method.eq_ignore_ascii_case("sendMessage"));
        sent.is_some_and(|it| it.args["reply_parameters"]["message_id"] == 1001)
    };
    stage.until("the answer quotes it", quotes).await;
    // Again, nothing is repeated.
    let again = done(&stage, &[]).await;
    assert!(again.contains("Imported 0, there already 13"), "{again}");
    stage.finish().await;
}

/// Links expire. What they knew is in Kommo's history.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_relayed_from_an_own_chat_is_not_imported_even_if_its_link_is_gone() {
    let mut stage = TestStage::start().await;
    stage.telegram.add_customer(Customer { first_name: "Max".to_owned(), ..stranger(OWNER) });
    let connection = stage.telegram.connect_business(LINES[0].token, OWNER, &ALL_RIGHTS);
    let person = json!({ "id": ANNA, "is_bot": false, "first_name": "Anna" });
    let chat = json!({ "id": ANNA, "type": "private", "first_name": "Anna" });
    // The first message of the export, as the bot met it.
    let first = json!({
        "business_connection_id": connection, "message_id": 1001, "date": 1_714_617_660, "chat": chat, "from": person,
        "text": "Hello! Do you have the blue one?",
    });
    stage.telegram.push_update(LINES[0].token, &json!({ "business_message": first }));
    let anna = |stage: &Harness| stage.kommo.chat(&in_own_chat(ANNA)).map_or(0, |chat| chat.messages.len());
    stage.until("it is relayed", |stage| anna(stage) == 1).await;
    stage.until_settled().await;
    stage.stop_bridge().await;
    fs::remove_dir_all(stage.dir().join("data")).unwrap();
    stage.start_bridge().await.unwrap();
    stage.telegram.write_to_business(LINES[0].token, OWNER, ANNA, "Hello again");
    stage.until("the chat is known again", |stage| anna(stage) == 2).await;
    stage.until_settled().await;
    let printed = done(&stage, &[]).await;
    assert!(printed.contains("Imported 12, there already 1, failed 0"), "{printed}");
    assert_eq!(anna(&stage), 2 + 10);
    let again = done(&stage, &[]).await;
    assert!(again.contains("Imported 0, there already 13"), "{again}");
    stage.finish().await;
}
