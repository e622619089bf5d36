//! Every kind of message, sent with the page and shown on both of its sides.

use super::*;

/// What shows that a sample of a file has arrived, as it is.
const FILES: [(&str, &str); 5] = [
    ("photo", "all('.file img').some(it => it.naturalWidth === 720)"),
    ("album", "all('.file img').filter(it => it.naturalWidth === 720).length >= 4"),
    ("voice", "all('audio').some(it => Math.abs(it.duration - 3) < .1)"),
    ("document", "all('a.filerow').some(it => it.download === 'Договор аренды № 7.txt')"),
    ("sticker", "all('.sticker img').some(it => it.naturalWidth === 512)"),
];

/// What the other samples of the customer say, here and there.
const PIECES: [(&str, &str); 6] = [
    ("number", "4915177000111"),
    ("contact", "+49 30 901820"),
    ("location", "52.520008, 13.404954"),
    ("venue", "Karl-Liebknecht-Straße 5"),
    ("poll", "Which wood do you like best?"),
    ("die", "🎲"),
];

async fn shown(browser: &Browser, side: &str, sample: &str, condition: &str) {
    until_in(browser, side, &format!("the {sample} is shown"), condition).await;
}

#[tokio::test]
async fn whatever_a_customer_sends_is_on_both_sides() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Which desk is this?").await;
    for (sample, condition) in FILES {
        attach(&browser, "customer", sample).await;
        for side in ["customer", "kommo"] {
            shown(&browser, side, sample, condition).await;
        }
    }
    shown(&browser, "customer", "album as one", "all('.tiles .file').length === 3").await;
    for (sample, words) in PIECES {
        attach(&browser, "customer", sample).await;
        for side in ["customer", "kommo"] {
            shown(&browser, side, sample, &format!("list.innerText.includes({})", json!(words))).await;
        }
    }
    assert_fits(&browser, "the page with everything of the customer").await;
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn whatever_a_manager_attaches_is_on_both_sides() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Which desk is this?").await;
    for (sample, condition) in FILES {
        attach(&browser, "kommo", sample).await;
        for side in ["kommo", "customer"] {
            shown(&browser, side, sample, condition).await;
        }
    }
    for side in ["kommo", "customer"] {
        shown(&browser, side, "album as one", "all('.tiles .file').length === 3").await;
    }
    let delivered = "all('.mark').every(it => it.dataset.status === 'delivered')";
    until_in(&browser, "kommo", "all of it is delivered", delivered).await;
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn a_file_takes_along_what_was_written() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Which desk is this?").await;
    browser.find("customer-input").await.write("This one").await;
    attach(&browser, "customer", "photo").await;
    let with_text =
        "all('li').some(it => it.querySelector('img') && it.querySelector('.text').innerText === 'This one')";
    for side in ["customer", "kommo"] {
        shown(&browser, side, "text below the picture", with_text).await;
    }
    browser.until("the composer is empty", "return document.querySelector('#customer-input').value === ''").await;
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn buttons_are_pressed_and_links_lead_out() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "I want a desk").await;
    for sample in ["links", "list", "template", "buttons"] {
        attach(&browser, "kommo", sample).await;
    }
    let link = "all('a.key').some(it => it.href === 'https://example.com/desks' && it.target === '_blank')";
    for side in ["kommo", "customer"] {
        shown(&browser, side, "link", link).await;
        for label in ["Oak, 140 cm", "Yes, please", "Another day"] {
            let key = format!("all('.key').some(it => it.innerText.includes({}))", json!(label));
            shown(&browser, side, label, &key).await;
        }
        shown(&browser, side, "filled template", "list.innerText.includes('Your order #4711 is ready.')").await;
    }
    browser.select("#customer-messages li:last-child [data-testid=key]").await.click().await;
    let pressed = "all('li:not(.mine) .text').some(it => it.innerText === 'Morning')";
    shown(&browser, "kommo", "press", pressed).await;
    assert_fits(&browser, "the page with buttons").await;
    closed(sandbox, browser).await;
}
