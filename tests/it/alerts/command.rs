//! `telekommo alerts test`.

use telekommo::sandbox::harness::{ANNA, Harness, LINES, unused_address};

use super::inbox::Inbox;
use crate::{
    binary::process::{finished, text, with_config},
    hush::assert_hushed,
};

async fn test(stage: &Harness) -> (Option<i32>, String, String) {
    let mut command = with_config("alerts", &stage.write_config().unwrap());
    command.arg("test");
    let output = finished(command).await;
    (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

#[tokio::test]
async fn each_target_is_tried_and_it_is_said_how_that_went() {
    let (inbox, beats) = (Inbox::open().await, Inbox::open().await);
    let nobody = unused_address();
    let mut stage = Harness::without_bridge("").unwrap();
    stage.telegram.write(LINES[0].token, ANNA, "/start");
    let settings = format!(
        "alert_targets.hook.kind = \"webhook\"\nalert_targets.hook.url = \"http://{}/hushpassword\"\n\
         alert_targets.me.kind = \"telegram\"\nalert_targets.me.chat = {ANNA}\nalert_targets.me.source = \"sales\"\n\
         alerts.heartbeat_url = \"http://{}/\"\n",
        inbox.address, beats.address,
    );
    stage.configure(&settings);
    let (code, said, complaint) = test(&stage).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{said}");
    assert!(said.contains("hook") && said.contains("me") && said.matches("sent").count() == 2, "{said}");
    assert!(said.contains("heartbeat") && said.contains("heard"), "{said}");
    assert!(inbox.texts()[0].contains("This is a test of the target hook."));
    assert_eq!(beats.calls().len(), 1);
    let messages = stage.telegram.messages(LINES[0].token, ANNA);
    assert!(messages.iter().any(|it| it.from_bot && it.text.contains("a test of the target me")), "{messages:?}");

    let broken =
        format!("alert_targets.broken.kind = \"ntfy\"\nalert_targets.broken.url = \"http://{nobody}/hushpassword\"\n");
    stage.configure(&format!("{settings}{broken}"));
    let (code, said, complaint) = test(&stage).await;
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!("failed: {nobody}: connection refused")) && said.matches("sent").count() == 2,
        "{said}"
    );
    assert!(complaint.contains("1 was not reached"), "{complaint}");
    assert_hushed("the output", &format!("{said}{complaint}"));
}

#[tokio::test]
async fn without_a_target_it_says_what_to_write() {
    let stage = Harness::without_bridge("").unwrap();
    let (code, _, complaint) = test(&stage).await;
    assert_eq!(code, Some(1));
    assert!(complaint.contains("[alert_targets.owner]"), "{complaint}");
}
