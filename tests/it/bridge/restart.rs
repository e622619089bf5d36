//! The bridge stops and starts again: it goes on where it was.

use telekommo::{
    app::App,
    config::{Config, Environment},
    domain::address::SourceId,
    lifecycle::Ended,
    sandbox::{
        harness::{ANNA, BEN, LINES, Line},
        kommo::{Endpoint, Request, Status},
    },
};

use crate::support::{TestStage, eventually, in_kommo, in_telegram, statuses};

const SALES: Line = LINES[0];
const SUPPORT: Line = LINES[1];

async fn stage() -> TestStage {
    let mut stage = TestStage::patient().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_while_it_is_down_arrives_afterwards_once() {
    let mut stage = stage().await;
    let mut want = vec!["/start".to_owned()];
    for round in 0..3 {
        let texts = [format!("before stop {round}"), format!("while down {round}")];
        stage.telegram.write(SALES.token, ANNA, &texts[0]);
        assert_eq!(stage.stop_bridge().await, Some(Ended::Stopped));
        stage.telegram.write(SALES.token, ANNA, &texts[1]);
        stage.start_bridge().await.unwrap();
        want.extend(texts);
    }
    stage.until("all is there", |stage| in_kommo(stage, SALES, ANNA).len() >= want.len()).await;
    stage.until_settled().await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), want);
    let is_message = |it: &Request| it.endpoint == Some(Endpoint::Message);
    assert_eq!(stage.kommo.requests().iter().filter(|it| is_message(it)).count(), want.len(), "each went there once");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_towards_kommo_survives() {
    let mut stage = stage().await;
    stage.kommo.down(true).unwrap();
    for n in 0..3 {
        stage.telegram.write(SALES.token, ANNA, &format!("message {n}"));
    }
    stage.until("Telegram has forgotten them", |stage| stage.telegram.pending(SALES.token) == 0).await;
    assert_eq!(stage.stop_bridge().await, Some(Ended::Stopped));
    stage.kommo.down(false).unwrap();
    stage.start_bridge().await.unwrap();
    stage.until("all is there", |stage| in_kommo(stage, SALES, ANNA).len() == 4).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start", "message 0", "message 1", "message 2"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_that_were_answered_before_the_stop_arrive_after_it() {
    let mut stage = stage().await;
    stage.telegram.down(true).unwrap();
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(stage.reply(SALES, ANNA, &format!("answer {n}")).await);
    }
    assert_eq!(stage.stop_bridge().await, Some(Ended::Stopped));
    stage.telegram.down(false).unwrap();
    stage.start_bridge().await.unwrap();
    for id in ids {
        assert_eq!(stage.outcome(&id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["answer 0", "answer 1", "answer 2"]);
    stage.finish().await;
}

fn is_off(status: &Status) -> bool {
    matches!(status, Status::Failed { code: 902, text } if text.starts_with("Not sent"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_a_source_that_has_left_the_configuration_are_reported() {
    let mut stage = stage().await;
    stage.allow_leftovers();
    stage.begin(SUPPORT, BEN).await;
    stage.telegram.down(true).unwrap();
    let lost = stage.reply(SALES, ANNA, "waits").await;
    let kept = stage.reply(SUPPORT, BEN, "waits too").await;
    stage.stop_bridge().await;
    stage.telegram.down(false).unwrap();

    let mut config = Config::load(Some(&stage.write_config().unwrap()), &Environment::default()).unwrap();
    config.sources.remove(&SourceId::parse(SALES.source).unwrap()).unwrap();
    let app = App::start(&config).await.unwrap();
    stage.hooks_go_to(app.public_addr());
    stage.until("the answer is reported", |stage| statuses(stage, &lost).iter().any(is_off)).await;
    stage.until("the other bot's answer arrives", |stage| statuses(stage, &kept) == [Status::Delivered]).await;
    // And whatever comes for that source from now on.
    let late = stage.reply(SALES, ANNA, "too late").await;
    stage.until("the late answer is reported", |stage| statuses(stage, &late).iter().any(is_off)).await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), [""; 0]);
    assert_eq!((statuses(&stage, &lost).len(), statuses(&stage, &late).len()), (1, 1), "each is told once");
    eventually("both are set aside", async || app.store().counts().reported == 2).await;
    app.lifecycle().stop();
    assert_eq!(app.ended().await, Ended::Stopped);

    stage.start_bridge().await.unwrap();
    stage.finish().await;
}
