//! Something between us and Kommo answers everything: a page of a server at work, of a filter, of somebody who has shut
//! out our address. That is no verdict of Kommo's on any message.

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, LINES, Line},
    kommo::{Endpoint, Status},
};

use crate::support::{TestStage, eventually, in_kommo, in_telegram};

const SALES: Line = LINES[0];
const OFTEN: u32 = 100_000;

/// Customers and a manager write while every call to Kommo meets with this, for many times as long as one message has
/// attempts; afterwards everything has arrived once and in order, and nothing is set aside.
async fn outlives(fault: Fault, words: &str) {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.kommo.fault(None, fault, OFTEN);
    let begun = stage.kommo.requests().len();
    let texts = ["one", "two", "three"];
    for text in texts {
        stage.telegram.write(SALES.token, ANNA, text);
        stage.telegram.write(SALES.token, BEN, text);
    }
    let id = stage.reply(SALES, ANNA, "an answer").await;
    stage.until("the answer arrives", |stage| in_telegram(stage, SALES, ANNA) == ["an answer"]).await;
    stage.until_ready_says(503, &[words]).await;
    eventually("it was tried for long", async || stage.kommo.requests().len() >= begun + 20).await;
    assert_eq!(stage.store().parked(10).unwrap(), [], "nothing was judged");
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start"]);

    stage.kommo.heal();
    stage.until("Anna's are there", |stage| in_kommo(stage, SALES, ANNA)[1..] == texts).await;
    stage.until("Ben's are there", |stage| in_kommo(stage, SALES, BEN) == texts).await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

macro_rules! outlived {
    ($($name:ident: $fault:expr, $words:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            outlives($fault, $words).await;
        }
    )*};
}

outlived! {
    a_page_for_an_address_that_is_shut_out: Fault::Page { code: 403 }, "403 (HTML)";
    a_page_of_a_server_at_work: Fault::Page { code: 405 }, "405 (HTML)";
    a_page_that_says_gone: Fault::Page { code: 410 }, "410 (HTML)";
    a_page_that_says_too_large: Fault::Page { code: 413 }, "413 (HTML)";
    a_page_of_a_provider_that_blocks: Fault::Page { code: 451 }, "451 (HTML)";
    a_redirect_to_a_login: Fault::Page { code: 302 }, "302 (HTML)";
    an_empty_refusal: Fault::Status { code: 405, body: String::new() }, "405 (an empty answer)";
    json_of_a_filter: Fault::Status { code: 406, body: r#"{"error":"forbidden"}"#.to_owned() }, "406 (JSON that is not \
        Kommo's)";
    a_lock: Fault::Status { code: 423, body: r#"{"status":423,"message":"locked"}"#.to_owned() }, "423";
    a_success_of_a_filter: Fault::Status { code: 200, body: r#"{"error":"forbidden"}"#.to_owned() }, "200 (JSON";
}

/// A message whose sender Kommo does not know is that message's trouble, and pauses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_kommo_does_not_know_holds_up_nobody() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let body = r#"{"status":0,"error_code":453,"error_type":"","error_description":"sender: user not found"}"#;
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 403, body: body.to_owned() }, 1);
    stage.telegram.write(SALES.token, ANNA, "refused");
    stage.telegram.write(SALES.token, ANNA, "taken");
    stage.until("the next one arrives", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "taken"]).await;
    let parked = stage.parked(1).await;
    assert!(parked[0].why.contains("sender: user not found"), "{parked:?}");
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}
