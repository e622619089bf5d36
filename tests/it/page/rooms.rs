//! Groups, and people whom a bot helps.

use super::*;

/// Shows a customer's chat in a room.
async fn enter(browser: &Browser, customer: &str, room: &str) {
    for (list, label) in [("customers", customer), ("rooms", room)] {
        let script = format!(
            "const all = [...document.querySelectorAll('#{list} label')];
            all.find(it => it.innerText === '{label}')?.querySelector('input').click();
            return document.querySelector('#{list} :checked + span')?.innerText === '{label}'"
        );
        browser.until(&format!("{customer} enters {room}"), &script).await;
    }
}

async fn choose(browser: &Browser, label: &str) {
    browser.find("customer-menu").await.click().await;
    let there = format!("return document.querySelector('#block').innerText === '{label}'");
    browser.until(&format!("the menu offers {label:?}"), &there).await;
    browser.find("customer-block").await.click().await;
}

fn says(text: &str) -> String {
    format!("all('.text').some(it => it.innerText === {})", json!(text))
}

/// Opens the newest chat of Kommo's, once it has this text.
async fn open_newest(browser: &Browser, text: &str) {
    let newest = format!(
        "const row = document.querySelector('[data-testid=kommo-chat]');
        if (!row?.innerText.includes({})) return false;
        row.click();
        return true;",
        json!(text)
    );
    browser.until(&format!("the chat with {text:?} is the newest"), &newest).await;
}

#[tokio::test]
async fn a_group_is_one_chat_of_two_people() {
    let Some((sandbox, browser)) = opened().await else { return };
    enter(&browser, "Anna Petrova", "Garden club").await;
    say(&browser, "customer", "When do we meet?").await;
    open_newest(&browser, "Anna Petrova: When do we meet?").await;
    enter(&browser, "Ben Okafor", "Garden club").await;
    say(&browser, "customer", "On Sunday").await;
    let named = "all('.author').some(it => it.innerText === 'Anna Petrova')
        && all('.mine .text').some(it => it.innerText === 'On Sunday')";
    until_in(&browser, "customer", "Ben sees who wrote", named).await;
    until_in(&browser, "kommo", "both are in one chat", &says("Ben Okafor: On Sunday")).await;
    attach(&browser, "customer", "album").await;
    until_in(&browser, "kommo", "the album", "all('.file img').filter(it => it.naturalWidth === 720).length === 3")
        .await;
    say(&browser, "kommo", "I bring the spades").await;
    until_in(&browser, "customer", "the answer", &says("I bring the spades")).await;
    assert_fits(&browser, "the page with a group").await;
    browser.screenshot("group").await;

    choose(&browser, "Throw the bot out").await;
    let notice = "all('.text').some(it => it.innerText.includes('was removed'))";
    until_in(&browser, "kommo", "the manager is told", notice).await;
    say(&browser, "kommo", "Hello?").await;
    until_in(&browser, "kommo", "it fails", "all('.mark').at(-1).dataset.status === 'failed'").await;
    choose(&browser, "Let the bot in").await;
    closed(sandbox, browser).await;
}

#[tokio::test]
async fn an_owner_is_helped_and_writes_from_the_phone() {
    let Some((sandbox, browser)) = opened().await else { return };
    enter(&browser, "Anna Petrova", "Olga Owner").await;
    say(&browser, "customer", "Dear Olga, is it ready?").await;
    open_newest(&browser, "Dear Olga, is it ready?").await;
    say(&browser, "kommo", "Nearly").await;
    let named = "all('.author').some(it => it.innerText === 'Olga Owner, by Support bot')";
    until_in(&browser, "customer", "the answer has Olga's name", &format!("{named} && {}", says("Nearly"))).await;
    browser.select("#speakers input[value=true]").await.click().await;
    say(&browser, "customer", "It is ready now").await;
    for side in ["customer", "kommo"] {
        until_in(&browser, side, "what Olga writes", &says("It is ready now")).await;
    }
    let from_phone = "all('li:not(.mine) .author').some(it => it.innerText === 'Olga Owner, from the phone')";
    until_in(&browser, "customer", "it is Olga's", from_phone).await;
    browser.screenshot("owner").await;
    choose(&browser, "Disconnect the bot").await;
    browser.until("it says so", "return document.querySelector('#bot-idle').innerText.includes('without')").await;
    say(&browser, "kommo", "One more thing").await;
    until_in(&browser, "kommo", "it fails", "all('.error').some(it => it.innerText)").await;
    for view in ["customer", "kommo"] {
        browser.emulate(SMALLEST, 740, "dark").await;
        browser.select(&format!("#tabs [data-view={view}]")).await.click().await;
        assert_fits(&browser, "the small page with an owner").await;
        browser.screenshot(&format!("owner-360-{view}")).await;
    }
    closed(sandbox, browser).await;
}
