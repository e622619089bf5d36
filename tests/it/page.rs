//! Pages in a real browser: that of the sandbox, which the binary serves, Chromium shows, and people type into; and
//! the status page of the bridge.

use browser::{Browser, Element};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::binary::process::{Process, telekommo};

mod browser;
mod first;
mod gestures;
mod keyboard;
mod kinds;
mod looks;
mod own_files;
mod promise;
mod rooms;
mod status;
mod switches;

/// Enough for all three worlds side by side.
const WIDE: u32 = 1440;
/// The smallest phone.
const SMALLEST: u32 = 360;
/// One world at a time.
const NARROW: u32 = 500;

/// The sandbox with its page open, if this machine has a browser.
async fn opened() -> Option<(Process, Browser)> {
    opened_with(&[]).await
}

/// The same with more arguments.
async fn opened_with(arguments: &[&str]) -> Option<(Process, Browser)> {
    let browser = Browser::start().await?;
    let sandbox = Process::spawn(telekommo(&[&["sandbox", "--listen", "127.0.0.1:0"], arguments].concat()));
    let line = sandbox.printed("Open http://").await;
    let url = line.split(' ').find(|word| word.starts_with("http://")).expect("the line names the address");
    browser.resize(WIDE, 900).await;
    browser.open(url).await;
    browser.until("the page is connected", "return document.querySelector('#link').dataset.up === 'true'").await;
    Some((sandbox, browser))
}

async fn closed(sandbox: Process, browser: Browser) {
    let complaints = browser.console().await;
    browser.quit().await;
    assert_eq!(sandbox.end(Signal::INT).await.status.code(), Some(0));
    assert!(complaints.is_empty(), "the console says {complaints:#?}");
}

/// What an element says, by its test id.
fn text_of(test_id: &str) -> String {
    format!("document.querySelector('[data-testid=\"{test_id}\"]').innerText")
}

/// The customer begins, writes, and opens the thread on the other side.
async fn customer_writes(browser: &Browser, text: &str) {
    browser.find("customer-start").await.click().await;
    say(browser, "customer", text).await;
    let there = format!("return {}.includes({})", text_of("kommo-messages"), json!(text));
    browser
        .until("a chat is in Kommo's inbox", "return document.querySelector('[data-testid=kommo-chat]') !== null")
        .await;
    browser.find("kommo-chat").await.click().await;
    browser.until("the message is in Kommo", &there).await;
}

/// Types into a side's composer and sends it.
async fn say(browser: &Browser, side: &str, text: &str) -> Element {
    let input = browser.find(&format!("{side}-input")).await;
    input.write(text).await;
    browser.find(&format!("{side}-send")).await.click().await;
    input
}

/// Sends a ready-made sample from a side's menu.
async fn attach(browser: &Browser, side: &str, sample: &str) {
    browser.find(&format!("{side}-attach")).await.click().await;
    browser.find(&format!("attach-{sample}")).await.click().await;
}

/// Waits until something within a side's messages holds.
async fn until_in(browser: &Browser, side: &str, what: &str, condition: &str) {
    let script = format!(
        "const list = document.querySelector('[data-testid=\"{side}-messages\"]');
        const all = selector => [...list.querySelectorAll(selector)];
        return Boolean({condition});"
    );
    browser.until(&format!("{what} ({side})"), &script).await;
}

/// Elements that reach beyond the window's right edge, other than those that scroll or are cut on purpose.
const OVERFLOWING: &str = "
    const root = document.scrollingElement;
    const found = root.scrollWidth > innerWidth ? ['the page'] : [];
    const scrolling = new Set();
    for (const node of document.querySelectorAll('body *')) {
        const box = node.getBoundingClientRect();
        const style = getComputedStyle(node);
        const within = scrolling.has(node.parentElement);
        if (within || style.overflowX === 'auto') scrolling.add(node);
        if (within) continue;
        if (box.width && box.right > innerWidth + 1) found.push(node.outerHTML.slice(0, 120));
        const cut = style.textOverflow === 'ellipsis' || style.position === 'absolute' || node.closest('svg, .sr');
        if (box.width && !cut && node.scrollWidth > node.clientWidth + 1 && style.overflowX !== 'visible'
            && style.overflowX !== 'auto') found.push('inside ' + node.outerHTML.slice(0, 120));
    }
    return found;";

async fn assert_fits(browser: &Browser, what: &str) {
    let found = browser.ask(OVERFLOWING).await;
    assert_eq!(found, json!([]), "{what} is too wide");
}

#[tokio::test]
async fn a_conversation_both_ways() {
    let Some((sandbox, browser)) = opened().await else { return };
    let question = "Is the walnut desk still available? <b>bold</b> <img src=x onerror=alert(1)>";
    customer_writes(&browser, question).await;
    let markup = browser.ask("return document.querySelectorAll('.text b, .text img').length").await;
    assert_eq!(markup, json!(0), "text became markup");

    // The bot types while the manager does, until the answer is there.
    let input = browser.find("kommo-input").await;
    input.write("Yes, two").await;
    browser.until("the bot types", "return !document.querySelector('[data-testid=bot-typing]').hidden").await;
    browser.screenshot("real-typing").await;
    input.write(" are left. <i>Really</i>").await;
    browser.find("kommo-send").await.click().await;
    let answer = "Yes, two are left. <i>Really</i>";
    let there = format!("return {}.includes({})", text_of("customer-messages"), json!(answer));
    browser.until("the answer is at the customer", &there).await;
    let delivered = "return document.querySelector('[data-testid=status]')?.dataset.status === 'delivered'";
    browser.until("the answer is marked as delivered", delivered).await;
    browser.until("the bot types no more", "return document.querySelector('[data-testid=bot-typing]').hidden").await;
    let order = browser.ask(&format!("return {}", text_of("kommo-messages"))).await;
    let order = order.as_str().unwrap();
    assert!(order.find(question) < order.find(answer), "out of order: {order}");
    browser
        .until("the calls are shown", "return document.querySelectorAll('[data-testid=traffic] > *').length >= 4")
        .await;
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn an_answer_is_marked_as_read_once_the_customer_goes_on() {
    let Some((sandbox, browser)) = opened_with(&["--set", "kommo.infer_read = true"]).await else { return };
    customer_writes(&browser, "Is it ready?").await;
    say(&browser, "kommo", "Tomorrow").await;
    let mark = |status: &str, name: &str| {
        format!("all('.mark').some(it => it.dataset.status === '{status}' && it.ariaLabel === '{name}')")
    };
    until_in(&browser, "kommo", "it is delivered", &mark("delivered", "Delivered")).await;
    let colour = "return getComputedStyle(document.querySelector('#kommo-messages .mark')).color";
    let grey = browser.ask(colour).await;
    say(&browser, "customer", "Then I come").await;
    until_in(&browser, "kommo", "it is read", &mark("read", "Read")).await;
    assert_ne!(browser.ask(colour).await, grey, "the ticks of what was read have a colour of their own");
    browser.screenshot("read").await;
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn nothing_is_wider_than_the_window() {
    let Some((sandbox, browser)) = opened().await else { return };
    let long = format!("Hello! My order number is {} and I wonder where it is.", "1234567890".repeat(8));
    customer_writes(&browser, &long).await;
    say(
        &browser,
        "kommo",
        "Good day, I look it up: https://example.com/a/very/long/address/of/a/page/that/nobody/can/type",
    )
    .await;
    let delivered = "return document.querySelector('[data-testid=status]')?.dataset.status === 'delivered'";
    browser.until("the answer is marked as delivered", delivered).await;
    assert_fits(&browser, "the page").await;
    browser.screenshot("real-1440").await;

    browser.resize(NARROW, 900).await;
    browser.until("the window is narrow", "return innerWidth <= 500").await;
    for view in ["customer", "bridge", "kommo"] {
        let shown =
            format!("document.querySelector('#tabs [data-view={view}]').click(); return document.body.dataset.view");
        assert_eq!(browser.ask(&shown).await, Value::from(view));
        browser.until("one world is shown", &format!("return document.querySelector('#{view}').offsetWidth > 0")).await;
        assert_fits(&browser, view).await;
        browser.screenshot(&format!("real-500-{view}")).await;
    }
    closed(sandbox, browser).await;
}
