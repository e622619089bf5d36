//! What a program does not get while a manager writes in the chat.

use serde_json::{Value, json};
use telekommo::sandbox::harness::{ANNA, BEN};

use super::{SALES, Shop};
use crate::support::{conversation, eventually, in_kommo};

const QUIET: &str = "quiet_while_manager = \"30m\"\nhide = [\"/order\"]\n";

impl Shop {
    /// What the program is given: the text of each message, and what else is in an update by its kind.
    async fn given(&self) -> Vec<String> {
        let updates = self.call("getUpdates", json!({})).await;
        let told = |update: &Value| {
            let text = update["message"]["text"].as_str().map(str::to_owned);
            text.or_else(|| Some(update.as_object()?.keys().find(|key| *key != "update_id")?.clone()))
        };
        updates.as_array().unwrap().iter().filter_map(told).collect()
    }

    async fn until_given(&self, wanted: &[&str]) {
        eventually("the program is given it", async || self.given().await.len() >= wanted.len()).await;
        assert_eq!(self.given().await, wanted);
    }

    fn withheld(&self) -> u64 {
        self.stage.store().programs()[0].withheld
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_to_a_manager_is_not_for_the_program_and_what_it_must_answer_is() {
    let mut shop = Shop::with("", QUIET).await;
    shop.stage.begin(SALES, ANNA).await;
    let keyboard = json!({"inline_keyboard": [[{"text": "Cart", "callback_data": "cart:1"}]]});
    shop.call("sendMessage", json!({ "chat_id": ANNA, "text": "Welcome", "reply_markup": keyboard })).await;
    let menu = shop.stage.telegram.messages(SALES.token, ANNA).pop().unwrap();
    // Salesbot's message is none of a manager's.
    let markup = json!({ "mode": "inline", "buttons": [[{ "text": "Yes" }]] });
    let (id, _) = shop.stage.kommo.reply_with(&conversation(SALES, ANNA), "Salesbot", "Happy?", markup).await;
    shop.stage.outcome(&id).await;
    shop.stage.telegram.write(SALES.token, ANNA, "Is anybody there?");
    shop.until_given(&["/start", "Is anybody there?"]).await;
    shop.stage.reply(SALES, ANNA, "Yes, I am Maria").await;
    for restarts in [false, true] {
        if restarts {
            shop.stage.stop_bridge().await;
            shop.stage.start_bridge().await.unwrap();
        }
        shop.stage.telegram.write(SALES.token, ANNA, "Thank you, Maria");
        eventually("it is withheld", async || shop.withheld() == 1 + u64::from(restarts)).await;
    }
    // What stands behind it is not stopped by it.
    shop.stage.telegram.press(SALES.token, ANNA, menu.message_id, 0, 0);
    shop.stage.telegram.write(SALES.token, ANNA, "/order 17");
    let (from, chat) =
        (json!({"id": ANNA, "is_bot": false, "first_name": "Anna"}), json!({"id": ANNA, "type": "private"}));
    let amount = json!({"currency": "XTR", "total_amount": 5, "invoice_payload": "order 17"});
    let mut asked = amount.clone();
    asked.as_object_mut().unwrap().extend([("id".to_owned(), json!("q1")), ("from".to_owned(), from.clone())]);
    shop.stage.telegram.push_update(SALES.token, &json!({ "pre_checkout_query": asked }));
    let mut paid = amount;
    let charges = [("telegram_payment_charge_id", "t"), ("provider_payment_charge_id", "p")];
    paid.as_object_mut().unwrap().extend(charges.map(|(name, id)| (name.to_owned(), json!(id))));
    let message =
        json!({"message_id": 900, "date": 1_786_017_600, "from": from, "chat": chat, "successful_payment": paid});
    shop.stage.telegram.push_update(SALES.token, &json!({ "message": message }));
    shop.stage.telegram.write(SALES.token, BEN, "And I?");
    let all = ["/start", "Is anybody there?", "callback_query", "/order 17", "pre_checkout_query", "message", "And I?"];
    shop.until_given(&all).await;
    assert_eq!(shop.withheld(), 2);
    shop.stage
        .until("Kommo has what was said", |stage| {
            in_kommo(stage, SALES, ANNA).iter().filter(|text| *text == "Thank you, Maria").count() == 2
        })
        .await;
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_who_closes_the_talk_gives_it_back_to_the_program() {
    let account = "kommo.account_url = \"{account_url}\"\nkommo.access_token = \"{access_token}\"";
    let shop = Shop::with(account, QUIET).await;
    for customer in [ANNA, BEN] {
        shop.stage.begin(SALES, customer).await;
        shop.stage.reply(SALES, customer, "I am Maria").await;
    }
    shop.stage.kommo.close_talk(&conversation(SALES, ANNA));
    let attended = async || shop.stage.store().attended().await.unwrap();
    eventually("the talk is closed", async || attended().await.len() == 1).await;
    assert_eq!(attended().await[0].0.to_string(), conversation(SALES, BEN), "the other one goes on");
    shop.stage.telegram.write(SALES.token, BEN, "And I?");
    shop.stage.telegram.write(SALES.token, ANNA, "One more thing");
    shop.until_given(&["/start", "/start", "One more thing"]).await;
    assert_eq!(shop.withheld(), 1);
    shop.stage.until("Kommo has it", |stage| in_kommo(stage, SALES, BEN).len() == 2).await;
    shop.stage.finish().await;
}
