//! A manager types.

use std::time::Duration;

use telekommo::sandbox::{
    harness::{ANNA, BEN, Harness, LINES, Line},
    kommo::SignatureMode,
};

use crate::support::{TestStage, conversation};

const SALES: Line = LINES[0];

fn shown(stage: &Harness, customer: i64) -> usize {
    let actions = stage.telegram.requests().into_iter().filter(|request| request.method == "sendchataction");
    actions.filter(|request| request.args["chat_id"] == customer).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_is_shown_sparingly_and_never_kept() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    stage.begin(SALES, BEN).await;
    for customer in [ANNA, ANNA, BEN, ANNA] {
        assert_eq!(stage.kommo.typing(&conversation(SALES, customer)).await.status, Some(200));
        assert_eq!(stage.waiting(), 0, "typing is not stored");
    }
    let typing =
        |stage: &Harness| [ANNA, BEN].iter().all(|customer| stage.telegram.bot_is_typing(SALES.token, *customer));
    stage.until("both see it", typing).await;
    // A message afterwards shows that the typing hooks before it have been dealt with.
    let id = stage.reply(SALES, ANNA, "here it is").await;
    stage.outcome(&id).await;
    assert_eq!((shown(&stage, ANNA), shown(&stage, BEN)), (1, 1));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_that_comes_late_or_leads_nowhere_is_dropped() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    // By Kommo's clock it expires in 5 s; by ours it has expired.
    stage.kommo.clock().turn_back(Duration::from_mins(1));
    assert_eq!(stage.kommo.typing(&conversation(SALES, ANNA)).await.status, Some(200));
    stage.kommo.clock().advance(Duration::from_mins(1));
    for conversation in ["wa:1", "tg:gone:5", ""] {
        let hook = format!(
            r#"{{"action":{{"typing":{{"conversation":{{"client_id":"{conversation}"}},"expired_at":9999999999}}}}}}"#
        );
        assert_eq!(stage.kommo.send_hook(hook.into_bytes(), SignatureMode::Valid).await.status, Some(200));
    }
    stage.begin(SALES, BEN).await;
    assert_eq!(stage.kommo.typing(&conversation(SALES, BEN)).await.status, Some(200));
    stage.until("typing in time is shown", |stage| stage.telegram.bot_is_typing(SALES.token, BEN)).await;
    assert_eq!((shown(&stage, ANNA), stage.waiting()), (0, 0));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_does_not_wait_for_a_telegram_that_is_down() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.down(true).unwrap();
    for _ in 0..100 {
        assert_eq!(stage.kommo.typing(&conversation(SALES, ANNA)).await.status, Some(200));
    }
    assert_eq!(stage.waiting(), 0);
    stage.telegram.down(false).unwrap();
    stage.finish().await;
}
