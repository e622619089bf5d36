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

/// What people meet: a small laptop, a tablet, a phone, and the phone on its side.
const WINDOWS: [(u32, u32); 4] = [(1366, 768), (820, 1180), (360, 740), (844, 390)];

/// What is shown but cannot be read, or cannot be met with a finger.
const HARD: &str = "
    const visible = node => node.checkVisibility({ opacityProperty: false }) && node.getBoundingClientRect().width > 0;
    const found = [];
    for (const node of document.querySelectorAll('button, a, select, textarea, .segmented label'))
        if (visible(node) && !node.closest('.sr')) {
            const box = node.getBoundingClientRect();
            if (box.height < 24 || box.width < 24) found.push(`${box.width} x ${box.height}: ${node.outerHTML.slice(0, 90)}`);
        }
    for (const node of document.querySelectorAll('.reply .segmented span, #contact-source, #contact-name, .chat b, .tag'))
        if (visible(node) && node.scrollWidth > node.clientWidth) found.push('cut: ' + node.textContent);
    const pen = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    const light = colour => {
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        const [red, green, blue] = [...pen.getImageData(0, 0, 1, 1).data].map(it => it / 255)
            .map(it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (one, other) => {
        const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    for (const node of document.querySelectorAll('.avatar'))
        for (const tone of visible(node) && node.textContent ? TONES : []) {
            const own = node.style.getPropertyValue('--tone'), style = getComputedStyle(node);
            node.style.setProperty('--tone', `var(${tone})`);
            const grounds = style.backgroundImage.match(/rgb\\([^)]*\\)/g) ?? [style.backgroundColor];
            const worst = Math.min(...grounds.map(ground => contrast(style.color, ground)));
            if (worst < 4.5) found.push(`contrast of ${node.textContent} in ${tone}: ${worst}`);
            node.style.setProperty('--tone', own);
        }
    return found;";

#[tokio::test]
async fn everything_can_be_read_and_met_in_the_windows_that_people_have() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Which desk is this?").await;
    attach(&browser, "customer", "number").await;
    say(&browser, "kommo", "The walnut one").await;
    until_in(
        &browser,
        "kommo",
        "the number is there",
        "document.querySelector('#contact-source').textContent.includes('+')",
    )
    .await;
    for scheme in ["light", "dark"] {
        for (width, height) in WINDOWS {
            browser.emulate(width, height, scheme).await;
            for view in ["customer", "bridge", "kommo"] {
                browser.ask(&format!("document.querySelector('#tabs [data-view={view}]').click()")).await;
                let what = format!("{view} at {width} x {height}, {scheme}");
                assert_eq!(browser.ask(HARD).await, json!([]), "{what}");
                assert_fits(&browser, &what).await;
                browser.screenshot(&format!("window-{width}x{height}-{view}-{scheme}")).await;
                let pane = "const pane = document.querySelector(`#${document.body.dataset.view}-scroll`);
                    return !pane || pane.clientHeight >= 130";
                assert_eq!(browser.ask(pane).await, json!(true), "{what}: hardly a message is to be seen");
            }
        }
    }
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn an_address_is_broken_between_its_parts() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Hello").await;
    let hop = "document.querySelector('#traffic .what')";
    let text = "GET /api/v4/contacts?query=79991234567&limit=50&page=1";
    let script = format!(
        "const row = {{ n: 1, at_ms: 0, from: 'bridge', to: 'kommo', what: '{text}', status: 200, ok: true }};
        {hop}.title = '';
        paintHop({hop}.closest('li'), row);
        return [{hop}.textContent, [...{hop}.childNodes].filter(it => it.nodeType === 3).map(it => it.data)]"
    );
    let parts = ["GET /", "api/", "v4/", "contacts?", "query=", "79991234567&", "limit=", "50&", "page=", "1"];
    assert_eq!(browser.ask(&script).await, json!([text, parts]));
    closed(sandbox, browser).await;
}
