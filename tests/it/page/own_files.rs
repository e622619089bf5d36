//! Files that are dropped and pasted, and pictures of people.

use super::*;

/// Drops or pastes a file, as browsers tell a page of it.
async fn give(browser: &Browser, selector: &str, event: &str, name: &str) {
    let given = format!(
        "const data = new DataTransfer();
        data.items.add(new File(['Twelve bytes'], {}, {{ type: 'text/plain' }}));
        const event = new {event}, {{ bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data }});
        return !document.querySelector('{selector}').dispatchEvent(event);",
        json!(name)
    );
    assert_eq!(browser.ask(&given).await, json!(true), "the page takes {name} for itself");
}

#[tokio::test]
async fn files_are_dropped_and_pasted_on_both_sides() {
    let Some((sandbox, browser)) = opened().await else { return };
    customer_writes(&browser, "Here they are").await;
    let (drop, paste) = ("DragEvent('drop'", "ClipboardEvent('paste'");
    for (side, place, event, name) in [
        ("customer", ".screen", drop, "from Anna.txt"),
        ("customer", "#customer-input", paste, "again from Anna.txt"),
        ("kommo", "#thread", drop, "from Maria.txt"),
        ("kommo", "#kommo-input", paste, "again from Maria.txt"),
    ] {
        give(&browser, place, event, name).await;
        let other = if side == "kommo" { "customer" } else { "kommo" };
        for side in [side, other] {
            let there = format!(
                "all('a.filerow').some(it => it.download === {} && it.innerText.includes('12 B'))",
                json!(name)
            );
            until_in(&browser, side, &format!("{name:?} is there"), &there).await;
        }
    }
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn a_customers_picture_goes_along_with_what_they_write() {
    let Some((sandbox, browser)) = opened().await else { return };
    browser.find("customer-menu").await.click().await;
    browser.find("customer-avatar").await.click().await;
    browser.until("it is said", "return document.querySelector('#toasts').innerText.includes('profile picture')").await;
    customer_writes(&browser, "Do you know me?").await;
    let shown = "const all = [...document.querySelectorAll('#contact-avatar img, [data-testid=kommo-chat] img')];
        return all.length === 2 && all.every(it => it.naturalWidth === 320);";
    browser.until("Kommo shows the picture", shown).await;
    closed(sandbox, browser).await;
}
