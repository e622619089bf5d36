//! Replies, edits and reactions, made with the page's menu.

use super::*;

/// Opens the menu of the message that says `text`, and chooses from it.
async fn choose(browser: &Browser, side: &str, text: &str, item: &str) {
    let mark = format!(
        "const found = [...document.querySelectorAll('#{side}-messages li')]
            .find(it => it.querySelector('.text').innerText === {});
        document.querySelectorAll('[data-wanted]').forEach(it => delete it.dataset.wanted);
        found.querySelector('.more').dataset.wanted = 'yes';
        return null;",
        json!(text)
    );
    browser.ask(&mark).await;
    browser.select("[data-wanted]").await.click().await;
    browser.find(item).await.click().await;
}

#[tokio::test]
async fn both_answer_a_message_and_find_it_again() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Is the desk made of walnut?").await;
    choose(&browser, "kommo", "Is the desk made of walnut?", "menu-reply").await;
    say(&browser, "kommo", "All of it").await;
    let quote = |text: &str, quoted: &str| {
        format!(
            "all('li').some(it => it.querySelector('.text').innerText === {}
                && it.querySelector('.quote').innerText.includes({}))",
            json!(text),
            json!(quoted)
        )
    };
    for side in ["kommo", "customer"] {
        until_in(&browser, side, "the answer quotes", &quote("All of it", "Is the desk made of walnut?")).await;
    }
    choose(&browser, "customer", "All of it", "menu-reply").await;
    say(&browser, "customer", "Then I take it").await;
    for side in ["kommo", "customer"] {
        until_in(&browser, side, "the answer to it quotes", &quote("Then I take it", "All of it")).await;
    }
    browser.select("#kommo-messages li:last-child .quote").await.click().await;
    let found = "all('.flash .text').some(it => it.innerText === 'All of it')";
    until_in(&browser, "kommo", "a click on the quote leads to the message", found).await;
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn a_customer_changes_what_they_wrote() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "I want two").await;
    choose(&browser, "customer", "I want two", "menu-edit").await;
    browser.find("customer-input").await.write(" or three").await;
    browser.find("customer-send").await.click().await;
    let changed = "all('li').some(it => it.querySelector('.text').innerText === 'I want two or three'
        && it.querySelector('.note').innerText === 'edited')";
    for side in ["customer", "kommo"] {
        until_in(&browser, side, "the new wording", changed).await;
    }
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn both_react_and_take_it_back() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Thank you!").await;
    choose(&browser, "kommo", "Thank you!", "react-🔥").await;
    choose(&browser, "customer", "Thank you!", "react-👍").await;
    let shown = |emoji: &str| format!("all('.reaction').some(it => it.innerText === '{emoji}')");
    for side in ["customer", "kommo"] {
        until_in(&browser, side, "the manager's reaction", &shown("🔥")).await;
        until_in(&browser, side, "the customer's reaction", &shown("👍")).await;
    }
    for (own, emoji) in [("customer", "👍"), ("kommo", "🔥")] {
        browser.select(&format!("#{own}-messages .reaction.own")).await.click().await;
        for side in ["customer", "kommo"] {
            until_in(&browser, side, "the reaction is gone", &format!("!({})", shown(emoji))).await;
        }
    }
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn what_grows_below_keeps_the_newest_in_view_for_who_is_there() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Hello").await;
    // A picture that comes late, before the page has heard of its own scrolling.
    let grow = |to: u32| {
        format!(
            "const pane = document.querySelector('#kommo-scroll');
            pane.lastElementChild.style.paddingBottom = '{to}px';
            pane.dispatchEvent(new Event('scroll'));
            return null;"
        )
    };
    let distance = "const pane = document.querySelector('#kommo-scroll');
        const distance = pane.scrollHeight - pane.scrollTop - pane.clientHeight;";
    browser.ask(&grow(2000)).await;
    browser.until("the newest is in view", &format!("{distance} return pane.scrollTop > 0 && distance < 40")).await;
    browser.ask("document.querySelector('#kommo-scroll').scrollTop = 0; return null").await;
    let left = "return !document.querySelector('#kommo-jump').hidden";
    browser.until("the way back is shown to who goes up", left).await;
    browser.ask(&grow(3000)).await;
    assert_eq!(browser.ask(&format!("{distance} return pane.scrollTop")).await, json!(0), "nobody is taken away");
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn menus_work_without_a_mouse() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Hello").await;
    // U+E007 is Enter, U+E015 the arrow down, U+E00C Escape (WebDriver, "Keyboard actions").
    browser.find("customer-attach").await.write("\u{e007}").await;
    let on = |id: &str| format!("return document.activeElement.dataset.testid === '{id}'");
    browser.until("the first item has the focus", &on("attach-photo")).await;
    browser.find("attach-photo").await.write("\u{e015}").await;
    browser.until("the next item has it", &on("attach-album")).await;
    browser.find("attach-album").await.write("\u{e00c}").await;
    browser.until("the menu is closed, the focus back", &on("customer-attach")).await;
    closed(sandbox, browser).await;
}
