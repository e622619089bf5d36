//! Campaigns: what becomes of leads that come by their links.

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, LINES, Line},
    kommo::Subject,
};

use super::with_account;
use crate::support::in_kommo;

const SALES: Line = LINES[0];

const SUMMER: &str = r#"
campaigns.summer.tags = ["summer", "boats"]
campaigns.summer.utm_source = "telegram"
campaigns.summer.utm_term = "row, boat"
campaigns.winter.tags = ["winter"]
campaigns.winter.source = "support"
"#;

#[tokio::test]
async fn a_lead_that_comes_by_a_campaign_has_its_tags_and_tracking_fields() {
    let stage = with_account(SUMMER).await;
    stage.telegram.write(SALES.token, ANNA, "/start summer");
    stage.until("the lead is tagged", |stage| stage.kommo.leads().iter().any(|lead| !lead.tags.is_empty())).await;
    let leads = stage.kommo.leads();
    assert_eq!(leads.len(), 1);
    assert_eq!(Vec::from_iter(&leads[0].tags), ["boats", "summer"]);
    assert_eq!((leads[0].fields.texts(4001), leads[0].fields.texts(4005)), (vec!["telegram"], vec!["row, boat"]));
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_campaign_of_another_bot_is_just_a_start_and_an_unknown_word_stays() {
    let stage = with_account(SUMMER).await;
    stage.telegram.write(SALES.token, ANNA, "/start winter");
    stage.telegram.write(SALES.token, BEN, "/start autumn");
    stage.until("the first is there", |stage| in_kommo(stage, SALES, ANNA) == ["/start"]).await;
    stage.until("so is the word", |stage| in_kommo(stage, SALES, BEN) == ["/start autumn"]).await;
    stage.until_settled().await;
    assert!(stage.kommo.leads().iter().all(|lead| lead.tags.is_empty()));
    stage.telegram.write(LINES[1].token, BEN, "/start winter");
    stage.until("it counts there", |stage| stage.kommo.leads().iter().any(|lead| lead.tags.contains("winter"))).await;
    stage.finish().await;
}

#[tokio::test]
async fn an_account_that_is_busy_or_broken_gets_the_campaign_later() {
    let mut stage = with_account(SUMMER).await;
    stage.allow_failures();
    stage.kommo.rest_fault(Subject::ContactChats, Fault::Status { code: 500, body: String::new() }, 2);
    stage.kommo.rest_fault(Subject::Leads, Fault::DropAfter, 1);
    stage.telegram.write(SALES.token, ANNA, "/start summer");
    stage.until("the lead is tagged", |stage| stage.kommo.leads().iter().any(|lead| lead.tags.len() == 2)).await;
    stage.finish().await;
}
