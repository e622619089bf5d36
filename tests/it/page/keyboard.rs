//! Buttons in place of the customer's keyboard.

use super::*;

#[tokio::test]
async fn the_bots_buttons_take_the_place_of_the_keyboard() {
    let Some((sandbox, browser)) = opened_with(&["--set", "telegram.buttons = \"keyboard\""]).await else { return };
    customer_writes(&browser, "I want a desk").await;
    attach(&browser, "kommo", "buttons").await;
    let keys = "return [...document.querySelectorAll('[data-testid=keyboard-key]')].map(it => it.innerText).join() ===";
    browser.until("the keyboard is there", &format!("{keys} 'Morning,Evening,Another day'")).await;
    browser.screenshot("keyboard").await;
    assert_fits(&browser, "the page with the bot's keyboard").await;
    browser.find("keyboard-key").await.click().await;
    for side in ["customer", "kommo"] {
        until_in(&browser, side, "the press says it", "all('.text').some(it => it.innerText === 'Morning')").await;
    }
    browser.until("it is used once", "return document.querySelector('#keyboard').hidden").await;
    closed(sandbox, browser).await;
}
