//! How a full page looks: nothing reaches out of the window, in any size and colour.

use super::*;

/// Everything that either side can send, in an order as people would.
const STORY: [(&str, &str); 22] = [
    ("customer", "photo"),
    ("customer", "album"),
    ("kommo", "buttons"),
    ("customer", "voice"),
    ("customer", "document"),
    ("kommo", "photo"),
    ("kommo", "album"),
    ("kommo", "document"),
    ("kommo", "voice"),
    ("kommo", "sticker"),
    ("customer", "sticker"),
    ("customer", "number"),
    ("customer", "contact"),
    ("customer", "location"),
    ("customer", "venue"),
    ("customer", "poll"),
    ("customer", "die"),
    ("kommo", "list"),
    ("kommo", "location"),
    ("kommo", "contact"),
    ("kommo", "template"),
    ("kommo", "links"),
];

/// Reacts, answers and changes something, so that all of it is there to be seen.
const GESTURES: &str = "
    const messages = side => [...document.querySelectorAll(`#${side}-messages li`)].map(it => it.messages[0]);
    customerSide.send('react', { ...customerPlace(), message_id: messages('customer').at(-1).id, emoji: '👍' });
    kommoSide.send('react', { ...kommoPlace(), message_id: messages('kommo')[1].id, emoji: '❤' });
    customerSide.send('write', { ...customerPlace(), text: 'This one, please', reply_to: messages('customer').at(-2).id });
    customerSide.send('edit', { ...customerPlace(), message_id: messages('customer')[1].id, text: 'Which desk is it?' });
    kommoSide.send('reply', { ...kommoPlace(), text: 'With pleasure! It will be there on Monday.', reply_to: messages('kommo')[1].id });
    return null;";

async fn scrolled(browser: &Browser, to: &str) {
    let script = format!(
        "for (const pane of document.querySelectorAll('#customer-scroll, #kommo-scroll'))
            pane.scrollTop = {to};
        return null;"
    );
    browser.ask(&script).await;
}

async fn told(browser: &Browser) {
    customer_writes(browser, "Which desk is this?").await;
    for (side, sample) in STORY {
        attach(browser, side, sample).await;
    }
    until_in(browser, "kommo", "the whole story is told", "list.children.length >= 24").await;
    browser.ask(GESTURES).await;
    for side in ["customer", "kommo"] {
        let last = "list.innerText.includes('This one, please') && list.innerText.includes('on Monday')";
        until_in(browser, side, "the last words are there", last).await;
    }
    until_in(browser, "kommo", "all is told", "all('.mark').every(it => it.dataset.status !== 'sent')").await;
}

#[tokio::test]
async fn everything_fits_in_every_window() {
    let Some((sandbox, browser)) = opened().await else { return };
    told(&browser).await;
    for scheme in ["light", "dark"] {
        browser.emulate(WIDE, 900, scheme).await;
        for (part, to) in [("top", "0"), ("middle", "1120"), ("end", "1e6")] {
            scrolled(&browser, to).await;
            assert_fits(&browser, &format!("the wide page, {scheme}, {part}")).await;
            browser.screenshot(&format!("all-{WIDE}-{scheme}-{part}")).await;
        }
        browser.emulate(SMALLEST, 740, scheme).await;
        for view in ["customer", "kommo"] {
            browser.select(&format!("#tabs [data-view={view}]")).await.click().await;
            for (part, to) in [("top", "0"), ("end", "1e6")] {
                scrolled(&browser, to).await;
                assert_fits(&browser, &format!("the small page, {view}, {scheme}, {part}")).await;
                browser.screenshot(&format!("all-{SMALLEST}-{view}-{scheme}-{part}")).await;
            }
            browser.find(&format!("{view}-attach")).await.click().await;
            assert_fits(&browser, "the small page with its menu").await;
            browser.screenshot(&format!("all-{SMALLEST}-{view}-{scheme}-attach")).await;
            browser.ask("closePopup(); return null").await;
            browser.ask(&format!("document.querySelector('#{view}-messages li:last-child .more').click()")).await;
            assert_fits(&browser, "the small page with a message's menu").await;
            browser.screenshot(&format!("all-{SMALLEST}-{view}-{scheme}-message")).await;
            browser.ask("closePopup(); return null").await;
        }
    }
    closed(sandbox, browser).await;
}
