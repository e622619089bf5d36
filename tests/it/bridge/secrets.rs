//! No token and no secret is told to anybody, whatever goes wrong.

use telekommo::{
    cli::check,
    config::{Config, Environment},
    sandbox::{
        fault::Fault,
        harness::{ANNA, LINES, Line},
        kommo::{Endpoint, SignatureMode, Status},
        telegram::Target,
    },
};

use crate::{
    hush::assert_hushed,
    support::{TestStage, in_kommo},
};

const SALES: Line = LINES[0];

const ACCOUNT: &str = "kommo.account_url = \"{account_url}\"\nkommo.access_token = \"{access_token}\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_failure_tells_a_secret() {
    let mut stage = TestStage::with(&format!("{ACCOUNT}retry.give_up_after = \"5s\"\n")).await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let unauthorized =
        Fault::Status { code: 401, body: r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#.to_owned() };
    let refused = Fault::Status {
        code: 400,
        body: r#"{"ok":false,"error_code":400,"description":"Bad Request: odd"}"#.to_owned(),
    };
    let mut told = Vec::new();
    for fault in [Fault::DropBefore, Fault::DropAfter, refused, Fault::Garbage, unauthorized.clone()] {
        stage.telegram.fault(Target::method("sendMessage"), fault, 1);
        let id = stage.reply(SALES, ANNA, "an answer").await;
        told.push(stage.outcome(&id).await);
    }
    let by_kommo = r#"{"error_code":400,"error_description":"no"}"#.to_owned();
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 400, body: by_kommo }, 1);
    stage.telegram.write(SALES.token, ANNA, "refused");
    stage.telegram.write(SALES.token, ANNA, "taken");
    stage.until("the next one arrives", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "taken"]).await;
    let parked = stage.parked(4).await;
    assert_eq!(stage.kommo.send_hook(b"{}".to_vec(), SignatureMode::Wrong).await.status, Some(401));

    stage.telegram.fault(Target::bot(SALES.token), unauthorized, u32::MAX);
    stage.telegram.write(SALES.token, ANNA, "ends the poll that waits");
    stage.until_ready_says(503, &["bot sales: Telegram does not accept this bot's token"]).await;
    let refused = stage.admin("/ready").await.1;
    stage.telegram.heal();
    stage.telegram.down(true).unwrap();
    let id = stage.reply(SALES, ANNA, "into the void").await;
    told.push(stage.outcome(&id).await);
    stage.kommo.down(true).unwrap();
    stage.until_ready_says(503, &["bot support: Telegram cannot be reached"]).await;
    let (_, unreachable) = stage.admin("/ready").await;
    let (_, metrics) = stage.admin("/metrics").await;

    let failed = told.iter().filter(|status| matches!(status, Status::Failed { .. })).count();
    assert_eq!((told.len(), failed), (6, 4));
    assert_hushed("what is told of failures", &format!("{told:#?}\n{parked:#?}\n{refused}\n{unreachable}\n{metrics}"));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_can_be_printed_shows_a_secret() {
    let stage = TestStage::with(ACCOUNT).await;
    stage.begin(SALES, ANNA).await;
    let config = Config::load(Some(&stage.write_config().unwrap()), &Environment::default()).unwrap();
    let printed = [
        format!("{config:?} {config:#?}"),
        format!("{:?} {:?}", stage.store(), stage.bridge().unwrap().lifecycle()),
        format!("{:?}", *stage),
        check::Summary(&config).to_string(),
    ];
    assert!(printed[0].contains("support"), "{printed:?}");
    for text in printed {
        assert_hushed("what can be printed", &text);
    }
    stage.finish().await;
}
