//! The bridge's own status page in a real browser.

use serde_json::{Value, json};
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, LINES, Line},
    kommo::Status,
};

use super::{assert_fits, browser::Browser, text_of};
use crate::support::{TestStage, in_telegram};

const SALES: Line = LINES[0];

/// A link to the page, as `telekommo status --open` prints it.
async fn link(stage: &TestStage) -> String {
    let answer = stage.commands().post("http://localhost/session/link").send().await.unwrap().text().await.unwrap();
    serde_json::from_str::<Value>(&answer).unwrap()["url"].as_str().unwrap().to_owned()
}

/// A bridge that has relayed messages, and has two parked ones and one that is tried again.
async fn with_trouble() -> TestStage {
    let mut stage = TestStage::with("retry.kommo = [\"1h\"]").await;
    stage.allow_failures();
    stage.allow_leftovers();
    for customer in [ANNA, BEN] {
        stage.begin(SALES, customer).await;
        let id = stage.reply(SALES, customer, "an answer").await;
        stage.outcome(&id).await;
    }
    stage.telegram.block(SALES.token, ANNA, true);
    for text in ["<b>first</b> that failed", "second that failed"] {
        let id = stage.reply(SALES, ANNA, text).await;
        assert!(matches!(stage.outcome(&id).await, Status::Failed { .. }));
    }
    stage.telegram.block(SALES.token, ANNA, false);
    stage.until_settled().await;
    stage.kommo.fault_of("stuck", Fault::Status { code: 500, body: "no".to_owned() });
    stage.telegram.write(SALES.token, BEN, "this one is stuck");
    let failed = async || stage.admin("/status").await.1.contains("\"fate\":\"retried\"");
    crate::support::eventually("one is tried again", failed).await;
    stage
}

fn says(test_id: &str, words: &str) -> String {
    format!("return {}.includes({})", text_of(test_id), json!(words))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_page_shows_all_and_retries_and_drops_within_a_session() {
    let Some(browser) = Browser::start().await else { return };
    let stage = with_trouble().await;
    let address = stage.bridge().unwrap().admin_addr();
    browser.resize(1280, 900).await;
    browser.open(&format!("http://{address}/")).await;
    browser.until("it is ready", &says("state", "Ready")).await;
    for (place, words) in [
        ("sides", "Bot sales"),
        ("sides", "Kommo"),
        ("flow-inbound", "From customers"),
        ("queues", "From customers to Kommo"),
        ("failures", "500"),
        ("machine", "Free on the disk"),
        ("parked", "2 messages whose managers know that they failed."),
        ("parked", "sudo telekommo status --open"),
    ] {
        browser.until(&format!("{place} says {words}"), &says(place, words)).await;
    }
    let bars = "return document.querySelectorAll('[data-testid=flow-inbound] rect.bar').length === 1
        && document.querySelectorAll('[data-testid=flow-outbound] rect.middle').length === 1";
    browser.until("the hour has its bars", bars).await;
    let private = "return document.body.innerText.includes('Anna') || document.body.innerText.includes('777000111')";
    assert_eq!(browser.ask(private).await, json!(false), "without a session nobody is named");

    browser.open(&link(&stage).await).await;
    browser.until("the messages are there", &says("parked", "<b>first</b> that failed")).await;
    assert_eq!(browser.ask("return location.hash").await, json!(""), "the ticket is not kept in the address");
    let rows = browser.ask("return [...document.querySelectorAll('.parked > li')].map(it => it.dataset.testid)").await;
    let ids: Vec<_> =
        rows.as_array().unwrap().iter().map(|it| it.as_str().unwrap()["parked-".len()..].to_owned()).collect();
    assert_eq!(ids.len(), 2);
    browser.find(&format!("drop-{}", ids[0])).await.click().await;
    browser.until("it asks", "return document.querySelector('#ask').open").await;
    browser.find("ask-no").await.click().await;
    browser.find(&format!("drop-{}", ids[0])).await.click().await;
    browser.find("ask-yes").await.click().await;
    browser.until("it is gone", &says("parked-said", "was deleted")).await;
    browser.find(&format!("retry-{}", ids[1])).await.click().await;
    browser.until("it is retried", &says("parked-said", "is back in its queue")).await;
    browser.until("none is left", &says("parked", "Nothing is parked.")).await;
    stage.until("it is sent", |stage| in_telegram(stage, SALES, ANNA).iter().any(|it| it.contains("first"))).await;
    assert_eq!(browser.console().await, Vec::<Value>::new());
    browser.quit().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_page_fits_phones_and_desktops_in_light_and_dark() {
    let Some(browser) = Browser::start().await else { return };
    let stage = with_trouble().await;
    stage.kommo.set_connected(false);
    stage.telegram.write(SALES.token, ANNA, "nobody hears this");
    browser.open(&link(&stage).await).await;
    browser.until("the messages are there", &says("parked", "second that failed")).await;
    browser.until("what is wrong is there", &says("wrong", "ORIGIN_NOT_REGISTERED")).await;
    for (name, width, height) in [("phone", 360, 740), ("desktop", 1280, 900)] {
        for scheme in ["light", "dark"] {
            browser.emulate(width, height, scheme).await;
            let drawn = "return [...document.querySelectorAll('.plot')].every(it => \
                it.firstChild.viewBox.baseVal.width <= it.clientWidth + 1)";
            browser.until("the charts fit", drawn).await;
            assert_fits(&browser, &format!("{name} {scheme}")).await;
            browser.screenshot(&format!("status-{name}-{scheme}")).await;
            browser.ask("document.querySelector('#parked-title').scrollIntoView()").await;
            browser.screenshot(&format!("status-{name}-{scheme}-below")).await;
            browser.ask("scrollTo(0, 0)").await;
        }
    }
    // Everything that acts can be reached and named without a mouse.
    let unnamed = "return [...document.querySelectorAll('button, a, summary, [role=img]')]
        .filter(it => !(it.getAttribute('aria-label') || it.textContent).trim()).length";
    assert_eq!(browser.ask(unnamed).await, json!(0));
    let reachable = "return [...document.querySelectorAll('.parked button')].every(it => it.tabIndex === 0)";
    assert_eq!(browser.ask(reachable).await, json!(true));
    stage.kommo.set_connected(true);
    browser.quit().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_page_says_that_the_bridge_is_gone() {
    let Some(browser) = Browser::start().await else { return };
    let mut stage = TestStage::start().await;
    let address = stage.bridge().unwrap().admin_addr();
    browser.open(&format!("http://{address}/")).await;
    browser.until("it is ready", &says("state", "Ready")).await;
    stage.stop_bridge().await;
    browser.until("it says so", &says("state", "The bridge does not answer")).await;
    assert_eq!(browser.ask("return document.querySelector('#lost').hidden").await, json!(false));
    browser.quit().await;
    stage.start_bridge().await.unwrap();
    stage.finish().await;
}
