//! A manager writes first.

use super::*;

/// Anna's number, as a manager may write it.
const ANNAS: &str = "+49 (151) 7700-0111";

/// Fills in the form for a new chat, and sends it.
async fn write_first(browser: &Browser, phone: &str, text: &str) {
    browser.find("newchat").await.click().await;
    browser.find("newchat-phone").await.write(phone).await;
    browser.find("newchat-text").await.write(text).await;
    browser.find("newchat-send").await.click().await;
    until_in(browser, "kommo", "the new chat is shown", &format!("list.innerText.includes({})", json!(text))).await;
}

#[tokio::test]
async fn a_manager_writes_first_to_a_number() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Call me").await;
    attach(&browser, "customer", "number").await;
    until_in(&browser, "kommo", "the number is there", "list.innerText.includes('4915177000111')").await;
    write_first(&browser, ANNAS, "Your desk is ready").await;
    until_in(&browser, "customer", "it arrives", "list.innerText.includes('Your desk is ready')").await;
    until_in(&browser, "kommo", "it is delivered", "all('.mark').at(-1).dataset.status === 'delivered'").await;
    say(&browser, "kommo", "Shall we bring it?").await;
    until_in(&browser, "customer", "the next one too", "list.innerText.includes('Shall we bring it?')").await;
    attach(&browser, "kommo", "photo").await;
    until_in(&browser, "customer", "the photo", "all('.file img').some(it => it.naturalWidth === 720)").await;
    attach(&browser, "kommo", "album").await;
    until_in(&browser, "customer", "the album", "all('.file img').filter(it => it.naturalWidth === 720).length === 4")
        .await;
    until_in(&browser, "customer", "it is one", "all('li:last-child .file img').length === 3").await;
    attach(&browser, "kommo", "buttons").await;
    until_in(&browser, "customer", "the buttons", "all('button.key').length === 3").await;
    until_in(&browser, "kommo", "all is delivered", "all('.mark').every(it => it.dataset.status === 'delivered')")
        .await;
    let still = "return document.querySelector('#thread').classList.contains('unbegun')";
    assert_eq!(browser.ask(still).await, json!(true), "it is still the chat that the manager began");
    assert_fits(&browser, "the page with a chat that a manager began").await;
    browser.screenshot("begun").await;
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn a_number_that_nobody_has_shared_is_told_to_the_manager() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Hello").await;
    write_first(&browser, "+49 30 901820", "Are you there?").await;
    let failed = "all('.mark').some(it => it.dataset.status === 'failed' && it.ariaLabel === 'Failed 904')
        && all('.error').some(it => it.innerText.includes('press Start'))";
    until_in(&browser, "kommo", "the sentence is there", failed).await;
    browser.emulate(SMALLEST, 740, "light").await;
    browser.select("#tabs [data-view=kommo]").await.click().await;
    assert_fits(&browser, "the small page with a failed message").await;
    browser.find("newchat").await.click().await;
    browser.until("the form has the focus", "return document.activeElement.name === 'phone'").await;
    assert_fits(&browser, "the form for a new chat").await;
    browser.screenshot("newchat-360").await;
    closed(sandbox, browser).await;
}
