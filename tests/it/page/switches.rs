//! What a visitor lets go wrong, and what the page shows of it.

use super::*;

/// Presses a switch and waits until it is on or off.
async fn switch(browser: &Browser, name: &str, on: bool) {
    let is = format!("return document.querySelector('[data-testid=switch-{name}]').getAttribute('aria-pressed')");
    browser.find(&format!("switch-{name}")).await.click().await;
    browser.until(&format!("{name} is {on}"), &format!("{is} === '{on}'")).await;
}

async fn until_stored(browser: &Browser, what: &str) {
    browser.until(what, &format!("return {}.includes({})", text_of("stored"), json!(what))).await;
}

#[tokio::test]
async fn a_message_waits_for_kommo_and_lives_through_a_bridge_that_is_cut_off() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "First").await;
    until_stored(&browser, "2 arrived").await;
    switch(&browser, "kommo_away", true).await;
    say(&browser, "customer", "While Kommo is away").await;
    until_stored(&browser, "1 stored and waiting \u{b7} 2 arrived").await;
    browser.screenshot("switches").await;
    switch(&browser, "bridge_off", true).await;
    browser
        .until("it says where they are", "return document.querySelector('#stored-note').innerText.includes('disk')")
        .await;
    switch(&browser, "bridge_off", false).await;
    until_stored(&browser, "1 stored and waiting").await;
    switch(&browser, "kommo_away", false).await;
    until_in(&browser, "kommo", "it arrives", "list.innerText.includes('While Kommo is away')").await;
    until_stored(&browser, "0 stored and waiting \u{b7} 3 arrived").await;
    browser.emulate(SMALLEST, 740, "dark").await;
    browser.select("#tabs [data-view=bridge]").await.click().await;
    assert_fits(&browser, "the bridge with its switches").await;
    browser.screenshot("switches-360").await;
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn an_answer_that_is_refused_shows_in_kommo() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Hello").await;
    browser.find("switch-refuse_next").await.click().await;
    browser
        .until("it says what will happen", "return document.querySelector('#toasts').innerText.includes('refuses')")
        .await;
    say(&browser, "kommo", "You do not get this").await;
    until_in(&browser, "kommo", "it has failed", "all('.mark').at(-1)?.dataset.status === 'failed'").await;
    until_stored(&browser, "1 failed").await;
    say(&browser, "kommo", "But you get this").await;
    until_in(&browser, "customer", "the next one arrives", "list.innerText.includes('But you get this')").await;
    closed(sandbox, browser).await;
}
