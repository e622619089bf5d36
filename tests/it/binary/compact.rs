//! A store that has grown is written anew while no bridge runs.

use rustix::process::Signal;
use telekommo::sandbox::harness::{ANNA, Harness, LINES};

use super::process::{Process, finished, run, telekommo, text};
use crate::support::{BRISK, WITHIN};

#[tokio::test]
async fn a_store_is_compacted_while_no_bridge_runs_and_works_as_before() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let data = stage.dir().join("data");
    let compact = || finished(telekommo(&["compact", data.to_str().unwrap()]));
    let nothing = compact().await;
    assert_eq!(nothing.status.code(), Some(1));
    assert!(text(&nothing.stderr).contains("there is no store"), "{}", text(&nothing.stderr));

    let in_kommo = |stage: &Harness, wanted: &[&str]| {
        let chat = stage.kommo.chat(&format!("tg:{}:{ANNA}", LINES[0].source));
        chat.is_some_and(|chat| chat.messages.iter().map(|message| message.text.as_str()).eq(wanted.iter().copied()))
    };
    let process = Process::start(&stage, run(&stage)).await;
    stage.telegram.write(LINES[0].token, ANNA, "before");
    stage.until("the message is in Kommo", WITHIN, |stage| in_kommo(stage, &["before"])).await.unwrap();
    let refused = compact().await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("in use by another telekommo"), "{}", text(&refused.stderr));
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));

    let compacted = compact().await;
    assert_eq!((compacted.status.code(), text(&compacted.stderr)), (Some(0), ""));
    assert!(text(&compacted.stdout).starts_with("compacted the store from "), "{}", text(&compacted.stdout));
    let process = Process::start(&stage, run(&stage)).await;
    stage.telegram.write(LINES[0].token, ANNA, "after");
    stage.until("the message is in Kommo", WITHIN, |stage| in_kommo(stage, &["before", "after"])).await.unwrap();
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}
