//! The commands that look into Kommo's history: `reconcile` and `history`.

use std::path::Path;

use serde_json::Value;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, Harness, LINES},
    kommo::{Endpoint, Optional, Status},
};

use super::process::{finished, telekommo, text};
use crate::support::{TestStage, conversation, in_telegram};

/// How a command ended, what it printed, and what it complained of.
async fn command(stage: &Harness, words: &[&str]) -> (Option<i32>, String, String) {
    let config = stage.write_config_for_commands().or_else(|_| stage.write_config()).unwrap();
    let words = [words, &["--config", config.to_str().unwrap()]].concat();
    let output = finished(telekommo(&words)).await;
    (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

/// The same for one that has to succeed; gives what it printed.
async fn done(stage: &Harness, words: &[&str]) -> String {
    let (code, printed, complaint) = command(stage, words).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{words:?}: {printed}");
    printed
}

async fn imported(stage: &Harness) {
    let export = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/telegram/export");
    done(stage, &["import", export.to_str().unwrap(), "--source", "sales"]).await;
}

#[tokio::test]
async fn an_answer_that_did_not_come_is_found_sent_and_shown() {
    let mut stage = TestStage::start().await;
    stage.begin(LINES[0], ANNA).await;
    stage.kommo.lose_hooks(true);
    let (id, _) = stage.kommo.reply(&conversation(LINES[0], ANNA), "Maria", "lost and found").await;
    stage.kommo.lose_hooks(false);
    let printed = done(&stage, &["reconcile", "--since", "2h"]).await;
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[0], "Comparing the last 2 hours of 1 conversation with Kommo's history.");
    assert_eq!(lines[1], "tg:sales:777000111: found 1, sent 1, too old 0");
    assert_eq!(lines[2], "Result: found 1, sent 1, too old 0.");
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, LINES[0], ANNA), ["lost and found"]);

    let printed = done(&stage, &["history", "tg:sales:777000111"]).await;
    assert!(printed.contains("Anna Petrova\n    /start\n"), "{printed}");
    assert!(printed.ends_with("Maria (in Kommo)\n    lost and found\n"), "{printed}");
    let json = done(&stage, &["history", "tg:sales:777000111", "--json", "--limit", "1"]).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json[0]["id"], &json[0]["is_answer"], json[1].is_null()),
        (&Value::from(id), &Value::from(true), true)
    );
    let chat = stage.kommo.chat(&conversation(LINES[0], ANNA)).unwrap().chat_id;
    assert_eq!(done(&stage, &["history", &chat]).await, printed);

    stage.allow_failures();
    stage.kommo.fault(Endpoint::History, Fault::Status { code: 500, body: String::new() }, u32::MAX);
    let (code, printed, complaint) = command(&stage, &["reconcile"]).await;
    assert_eq!(code, Some(1), "{printed}");
    assert!(
        printed.ends_with("1 conversation could not be read.\n") && complaint.contains("run it again"),
        "{complaint}"
    );
    let (code, _, complaint) = command(&stage, &["history", "tg:sales:777000111"]).await;
    assert!(code == Some(1) && complaint.contains("reading the history"), "{complaint}");
    stage.finish().await;
}

#[tokio::test]
async fn without_a_bridge_both_say_what_to_do() {
    let stage = Harness::without_bridge("").unwrap();
    let (code, _, complaint) = command(&stage, &["reconcile"]).await;
    assert!(
        code == Some(1) && complaint.contains("no bridge runs with this configuration: data_dir is "),
        "{complaint}"
    );
    let (code, _, complaint) = command(&stage, &["history", "tg:sales:777000111"]).await;
    assert!(code == Some(1) && complaint.contains("there is no store in "), "{complaint}");
    let (code, _, complaint) = command(&stage, &["reconcile", "--since", "soon"]).await;
    assert!(code == Some(2) && complaint.contains("--since"), "{complaint}");
}

#[tokio::test]
async fn the_history_of_what_was_only_imported_is_found_with_a_bridge_and_without() {
    for chat_ids in [Optional::Present, Optional::Missing] {
        let mut stage = TestStage::start().await;
        stage.kommo.quirks(|quirks| quirks.chat_ids = chat_ids);
        imported(&stage).await;
        assert!(done(&stage, &["chats", "list"]).await.starts_with("Nobody has written to a bot yet."));
        let of = |customer| conversation(LINES[0], customer);
        let printed = done(&stage, &["history", &of(ANNA)]).await;
        assert!(printed.contains("Hello! Do you have the blue one?"), "{printed}");
        let asked = stage.kommo.requests().iter().filter(|it| it.endpoint == Some(Endpoint::CreateChat)).count();
        assert_eq!(asked, 2, "once for each chat");
        stage.stop_bridge().await;
        done(&stage, &["history", &of(BEN)]).await;
        assert_eq!(done(&stage, &["history", &of(ANNA)]).await, printed);
        stage.start_bridge().await.unwrap();
        let (code, _, complaint) = command(&stage, &["history", &of(888)]).await;
        assert!(code == Some(1) && complaint.contains("nothing was imported"), "{complaint}");
        stage.finish().await;
    }
}
