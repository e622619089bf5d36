//! A bot that the owner's own program has as well: what comes is kept for it, and what is its own is left to it.

use serde_json::{Value, json};
use telekommo::{
    domain::address::BotId,
    sandbox::harness::{ANNA, LINES, Line},
    store::{Confirmed, Store},
};

use crate::support::{TestStage, eventually, in_kommo};

const SALES: Line = LINES[0];
const BOT: BotId = BotId(7_000_000_001);
const PROGRAM: &str = r#"
programs.shop.source = "sales"
programs.shop.secret = "7000000001:SANDBOX-program-secret-0"
gateway.listen = "127.0.0.1:0"
"#;

/// What is kept for the program, without the numbers.
fn kept(store: &Store) -> Vec<String> {
    let numbers = store.unconfirmed("shop", 0, 1000);
    numbers.into_iter().filter_map(|number| Some(store.kept(BOT, number).ok()??.raw)).collect()
}

impl TestStage {
    /// The program sends a message with buttons, by a call of its own.
    async fn program_sends_buttons(&self, data: &[&str]) -> i64 {
        let keys: Vec<_> =
            data.iter().map(|data| json!({ "text": format!("[{data}]"), "callback_data": data })).collect();
        let call = json!({ "chat_id": ANNA, "text": "Cart", "reply_markup": { "inline_keyboard": [keys] } });
        let url = format!("{}/bot{}/sendMessage", self.telegram.url(), SALES.token);
        let call = reqwest::Client::new().post(url).header("content-type", "application/json").body(call.to_string());
        let answer = call.send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["result"]["message_id"].as_i64().unwrap()
    }

    fn called(&self, method: &str) -> usize {
        self.telegram.requests().iter().filter(|request| request.method == method).count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_is_relayed_and_kept_and_what_is_hidden_is_only_kept() {
    let hide = "programs.shop.hide = [\"/order\", \"cb:cart:*\"]\n";
    let mut stage = TestStage::with(&format!("{PROGRAM}{hide}")).await;
    stage.begin(SALES, ANNA).await;
    stage.telegram.write(SALES.token, ANNA, "/order 17");
    let message = stage.program_sends_buttons(&["cart:1"]).await;
    stage.telegram.press(SALES.token, ANNA, message, 0, 0);
    stage.telegram.write(SALES.token, ANNA, "hello");
    stage.until("Kommo has what is for it", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start", "hello"]);
    let all = kept(&stage.store());
    let places: Vec<_> = ["/start", "/order 17", "cart:1", "hello"]
        .iter()
        .map(|text| all.iter().position(|raw| raw.contains(text)))
        .collect();
    assert_eq!(places, [Some(0), Some(1), Some(2), Some(3)], "{all:#?}");
    assert_eq!(stage.telegram.pending(SALES.token), 0, "all of it is confirmed to Telegram");
    // The program confirms, and is away while the bridge is cut off and more comes.
    let numbers = stage.store().unconfirmed("shop", 0, 10);
    stage.store().confirm("shop", BOT, Confirmed::Below(numbers[3])).await.unwrap();
    stage.cut_off_bridge().await;
    stage.telegram.write(SALES.token, ANNA, "meanwhile");
    stage.start_bridge().await.unwrap();
    eventually("what came meanwhile is kept", async || kept(&stage.store()).len() == 2).await;
    let all = kept(&stage.store());
    assert!(all[0].contains("hello") && all[1].contains("meanwhile"), "{all:#?}");
    assert_eq!(stage.store().unconfirmed("shop", 0, 10)[0], numbers[3], "under the number that it had");
    stage.until("Kommo has it, too", |stage| in_kommo(stage, SALES, ANNA).len() == 3).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_press_of_a_programs_button_is_neither_answered_nor_stripped_of_its_keyboard() {
    let stage = TestStage::with(PROGRAM).await;
    stage.begin(SALES, ANNA).await;
    let message = stage.program_sends_buttons(&["cart:1", "cart:2"]).await;
    stage.telegram.press(SALES.token, ANNA, message, 0, 0);
    stage.telegram.press(SALES.token, ANNA, message, 0, 0);
    stage.until("Kommo has both presses", |stage| in_kommo(stage, SALES, ANNA).len() == 3).await;
    stage.until_settled().await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start", "[cart:1]", "[cart:1]"]);
    assert_eq!((stage.called("answercallbackquery"), stage.called("editmessagereplymarkup")), (0, 0));
    // One that Kommo cannot read is the program's as well.
    let from = json!({ "id": ANNA, "is_bot": false, "first_name": "A" });
    let unread = json!({ "callback_query": { "id": "9", "from": from, "chat_instance": "1",
        "inline_message_id": "x", "data": "cart:3" } });
    stage.telegram.push_update(SALES.token, &unread);
    eventually("it is kept", async || kept(&stage.store()).iter().any(|raw| raw.contains("cart:3"))).await;
    stage.until_settled().await;
    assert_eq!(stage.called("answercallbackquery"), 0);
    // One of telekommo's own is answered as ever.
    let message = stage.program_sends_buttons(&["b:0:Yes"]).await;
    stage.telegram.press(SALES.token, ANNA, message, 0, 0);
    stage
        .until("it is answered", |stage| {
            stage.telegram.requests().iter().any(|request| request.method == "answercallbackquery")
        })
        .await;
    stage.until_settled().await;
    stage.finish().await;
}
