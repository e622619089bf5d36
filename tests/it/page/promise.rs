//! What the sandbox shows of itself: a lead with its campaign, by a link, and the calls themselves.

use telekommo::sandbox::harness::{CHANNEL_SECRET, LINES};

use super::*;

/// A phone as most people have it.
const PHONE: u32 = 390;

async fn open_link(browser: &Browser, opener: &str, link: Option<&str>) {
    browser.find(opener).await.click().await;
    if let Some(link) = link {
        let value = json!(link);
        browser.ask(&format!("document.querySelector('[data-testid=link-input]').value = {value}; return null;")).await;
    }
    browser.find("link-send").await.click().await;
}

#[tokio::test]
async fn a_link_of_a_campaign_makes_a_lead_that_shows_it() {
    let Some((sandbox, browser)) = opened().await else { return };
    browser.find("customer-by-link").await.click().await;
    browser.screenshot("link-form").await;
    browser.find("link-send").await.click().await;
    until_in(&browser, "customer", "the bot is started by it", "list.innerText.includes('/start summer')").await;
    let campaign = text_of("campaign");
    for words in ["#summer", "utm_source: telegram", "utm_campaign: summer sale"] {
        browser.until(words, &format!("return {campaign}.includes({})", json!(words))).await;
    }
    let tag = "return document.querySelector('[data-testid=kommo-chat] .campaign').innerText";
    assert_eq!(browser.ask(tag).await, json!("summer"));
    for scheme in ["light", "dark"] {
        browser.emulate(WIDE, 900, scheme).await;
        assert_fits(&browser, "the page with a campaign").await;
        browser.screenshot(&format!("campaign-{WIDE}-{scheme}")).await;
        browser.emulate(PHONE, 844, scheme).await;
        browser.select("#tabs [data-view=kommo]").await.click().await;
        assert_fits(&browser, "the small page with a campaign").await;
        browser.screenshot(&format!("campaign-{PHONE}-{scheme}")).await;
    }
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn a_link_is_read_as_telegram_reads_it() {
    let Some((sandbox, browser)) = opened().await else { return };
    open_link(&browser, "customer-by-link", Some("https://t.me/nobody_here?start=summer")).await;
    let refused = "return document.querySelector('#toasts').innerText.includes('a bot of the sandbox')";
    browser.until("a strange bot is refused", refused).await;
    let support = LINES[1];
    let link = "t.me/acme_support_bot?start=from-a-poster";
    browser.ask("closePopup(); return null;").await;
    open_link(&browser, "customer-by-link", Some(link)).await;
    until_in(&browser, "customer", "the bot is started", "list.innerText.includes('/start from-a-poster')").await;
    let room = browser.ask("return document.querySelector('#bot-name').innerText").await;
    assert_eq!(room, json!(support.name), "the link leads to its own bot");
    // Whoever knows the bot has the link in the menu.
    browser.find("customer-menu").await.click().await;
    open_link(&browser, "customer-link", Some("https://t.me/acme_support_bot")).await;
    until_in(&browser, "customer", "it is started again", "all('.text').at(-1).innerText === '/start'").await;
    closed(sandbox, browser).await;
}

/// All calls that are shown, as the page gets them.
const CALLS: &str = "
    const all = state.traffic.filter(row => row.has_call);
    return Promise.all(all.map(row => fetch(`/api/calls/${row.n}`).then(it => it.text()))).then(it => it.join('\\n'));";

#[tokio::test]
async fn the_calls_themselves_are_shown_without_secrets() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Which desk is it?").await;
    attach(&browser, "customer", "photo").await;
    say(&browser, "kommo", "The walnut one").await;
    until_in(&browser, "kommo", "it has arrived", "all('.mark').at(-1)?.dataset.status === 'delivered'").await;
    until_in(&browser, "kommo", "the photo has come", "all('img').length > 0").await;

    let press = |words: &str| {
        let words = json!(words);
        format!(
            "[...document.querySelectorAll('button.what')].find(it => it.title.includes({words})).click(); return null;"
        )
    };
    browser.ask(&press("new_message")).await;
    // It is there once it was fetched.
    let shown = "(document.querySelector('[data-testid=call]')?.innerText ?? '')";
    let is_shown = |words: &str| format!("return {shown}.includes({})", json!(words));
    for words in ["POST /v2/origin/custom/", "\"text\": \"/start\"", "Answered 200", "\"ref_id\": \"tg:"] {
        browser.until(words, &is_shown(words)).await;
    }
    for scheme in ["light", "dark"] {
        browser.emulate(WIDE, 900, scheme).await;
        browser.ask(&press("new_message")).await;
        browser.until("it is shown again", &is_shown("Answered 200")).await;
        let fits = "const box = document.querySelector('#popup'); return box.scrollWidth <= box.clientWidth";
        assert_eq!(browser.ask(fits).await, json!(true), "a long address stays within the popup");
        browser.screenshot(&format!("call-{WIDE}-{scheme}")).await;
        browser.emulate(PHONE, 844, scheme).await;
        browser.select("#tabs [data-view=bridge]").await.click().await;
        browser.ask(&press("sendMessage")).await;
        browser.until("the bot's call is shown", &is_shown("POST /bot7000000001:…/sendMessage")).await;
        assert_fits(&browser, "a call on a phone").await;
        browser.screenshot(&format!("call-{PHONE}-{scheme}")).await;
        browser.ask("closePopup(); return null;").await;
    }
    let all = browser.ask(CALLS).await;
    let all = all.as_str().unwrap();
    for kind in ["getUpdates", "sendMessage", "/kommo/", "/delivery_status", "/api/v4/", "/media/…/"] {
        assert!(all.contains(kind), "there is a call of {kind}: {all}");
    }
    for secret in [LINES[0].secret(), LINES[1].secret(), CHANNEL_SECRET, "SANDBOX", "Bearer", "eyJ"] {
        assert!(!all.contains(secret), "{secret} is shown: {all}");
    }
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn the_shops_own_program_answers_beside_the_managers() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Hello!").await;
    attach(&browser, "customer", "program").await;
    let answered = "['What would you like?', \"the shop's own program\"].every(it => list.innerText.includes(it))";
    until_in(&browser, "customer", "the program answers", answered).await;
    let shown = "['/shop', 'What would you like?', 'Shop program'].every(it => list.innerText.includes(it))";
    until_in(&browser, "kommo", "managers see it", shown).await;
    say(&browser, "kommo", "We are here as well.").await;
    until_in(&browser, "customer", "a manager answers too", "list.innerText.includes('We are here as well.')").await;
    let own = "return document.querySelectorAll('[data-testid=customer-messages] .author:not(:empty)').length";
    assert_eq!(browser.ask(own).await, json!(1), "the program's alone is named");
    browser.select("[data-testid=customer-messages] .keys .key").await.click().await;
    for side in ["customer", "kommo"] {
        until_in(&browser, side, "the order is taken", "list.innerText.includes('Coffee, 3 €: ordered.')").await;
    }
    for scheme in ["light", "dark"] {
        browser.emulate(WIDE, 900, scheme).await;
        assert_fits(&browser, "the page with a program").await;
        browser.screenshot(&format!("program-{WIDE}-{scheme}")).await;
    }
    browser.emulate(PHONE, 844, "light").await;
    browser.select("#tabs [data-view=customer]").await.click().await;
    assert_fits(&browser, "the small page with a program").await;
    browser.screenshot(&format!("program-{PHONE}-light")).await;
    closed(sandbox, browser).await;
}
