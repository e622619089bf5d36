//! The same through the whole bridge: what is told without a file, Kommo takes, whatever it is.

use telekommo::sandbox::harness::{ANNA, Harness, LINES, Line};

use super::{fixtures, in_private, inbound, told};
use crate::support::{TestStage, conversation};

const SALES: Line = LINES[0];

fn arrived(stage: &Harness) -> usize {
    stage.kommo.chat(&conversation(SALES, ANNA)).map_or(0, |chat| chat.messages.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kommo_takes_every_kind() {
    let stage = TestStage::start().await;
    let mut sent = 0;
    for (_, update) in fixtures("") {
        let private = in_private(&update);
        let has_file = told(&inbound(&private)).contains(r#""media":"#);
        // The fake Kommo fetches files, which these fixtures only tell of.
        if !has_file {
            let mut update: serde_json::Value = serde_json::from_str(&private).unwrap();
            update.as_object_mut().unwrap().remove("update_id");
            sent += 1;
            let message = &mut update["message"];
            (message["message_id"], message["chat"]["id"]) = (sent.into(), ANNA.into());
            message["from"] = serde_json::json!({ "id": ANNA, "is_bot": false, "first_name": "Anna" });
            stage.telegram.push_update(SALES.token, &update).expect("the bot wants messages");
        }
    }
    assert!(sent > 70, "only {sent} were sent");
    stage.until("Kommo has all of them", |stage| arrived(stage) == sent).await;
    stage.finish().await;
}
