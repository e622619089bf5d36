//! Kinds of messages that the sandbox's Telegram does not have: its answer is written here, as the Bot API has it.

use serde_json::{Value, json};
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN},
    kommo::Status,
    telegram::Target,
};

use super::{SALES, Shop, shown::in_chat};
use crate::support::{conversation, in_telegram};

/// What Telegram answers to whoever has sent such a message to Anna.
fn message(number: i64, fields: &Value) -> Value {
    let from = json!({ "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Sales bot" });
    let chat = json!({ "id": ANNA, "type": "private", "first_name": "Anna" });
    let mut message = json!({ "message_id": number, "date": 1_786_017_600, "chat": chat, "from": from });
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    message
}

impl Shop {
    /// A call that Telegram answers with this.
    async fn answered(&mut self, method: &str, parameters: Value, result: Value) {
        let body = json!({ "ok": true, "result": result }).to_string();
        self.stage.telegram.fault(Target::method(method), Fault::Status { code: 200, body }, 1);
        assert_eq!(self.call(method, parameters).await, result);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polls_invoices_forwards_and_copies_are_shown() {
    let mut shop = Shop::open().await;
    shop.stage.begin(SALES, ANNA).await;
    let option = |text: &str| json!({ "persistent_id": text, "text": text, "voter_count": 0 });
    let poll = json!({
        "id": "5", "question": "Which wood?", "options": [option("Oak"), option("Ash")], "total_voter_count": 0,
        "is_closed": false, "is_anonymous": true, "type": "regular", "allows_multiple_answers": false,
        "allows_revoting": true, "members_only": false,
    });
    let asked =
        json!({ "chat_id": ANNA, "question": "Which wood?", "options": [{ "text": "Oak" }, { "text": "Ash" }] });
    shop.answered("sendPoll", asked, message(101, &json!({ "poll": poll }))).await;
    let invoice = json!({
        "title": "A desk", "description": "Of walnut", "start_parameter": "", "currency": "EUR", "total_amount": 20_000,
    });
    let prices = json!([{ "label": "A desk", "amount": 20_000 }]);
    let asked = json!({
        "chat_id": ANNA, "title": "A desk", "description": "Of walnut", "payload": "desk", "currency": "EUR",
        "prices": prices,
    });
    shop.answered("sendInvoice", asked, message(102, &json!({ "invoice": invoice }))).await;
    let ben = json!({ "id": BEN, "is_bot": false, "first_name": "Ben" });
    let origin = json!({ "type": "user", "date": 1_786_017_000, "sender_user": ben });
    let forwarded = message(103, &json!({ "forward_origin": origin, "text": "I was here first" }));
    let asked = json!({ "chat_id": ANNA, "from_chat_id": BEN, "message_id": 1 });
    shop.answered("forwardMessage", asked.clone(), forwarded).await;
    let mut copy = asked;
    copy["caption"] = json!("Look at this");
    shop.answered("copyMessage", copy, json!({ "message_id": 104 })).await;
    let dice = message(105, &json!({ "dice": { "emoji": "🎲", "value": 6 } }));
    shop.answered("sendDice", json!({ "chat_id": ANNA }), dice).await;
    shop.stage.until("Kommo shows all", |stage| in_chat(stage, ANNA).len() == 6).await;
    shop.stage.until_settled().await;
    let shown = in_chat(&shop.stage, ANNA);
    let says = [
        vec!["Which wood?", "Oak", "Ash"],
        vec!["A desk"],
        vec!["I was here first", "Ben"],
        vec!["Look at this"],
        vec!["🎲"],
    ];
    for (text, words) in shown[1..].iter().zip(says) {
        assert!(words.iter().all(|word| text.contains(word)), "{words:?}: {shown:#?}");
    }
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_has_deleted_may_be_quoted_by_a_manager() {
    let mut shop = Shop::open().await;
    shop.stage.begin(SALES, ANNA).await;
    let number = shop.say(ANNA, "Two desks are left").await;
    shop.stage.until("Kommo shows it", |stage| in_chat(stage, ANNA).len() == 2).await;
    let shown = shop.stage.kommo.chat(&conversation(SALES, ANNA)).unwrap().messages.pop().unwrap();
    shop.stage.allow_failures();
    shop.call("deleteMessage", json!({ "chat_id": ANNA, "message_id": number })).await;
    let (id, _) = shop.stage.kommo.reply_to(&conversation(SALES, ANNA), "Maria", "Only one, sorry", &shown.id).await;
    assert_eq!(shop.stage.outcome(&id).await, Status::Delivered);
    let sent = in_telegram(&shop.stage, SALES, ANNA);
    assert!(sent.len() == 1 && sent[0].contains("Only one, sorry"), "{sent:?}");
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_edited_before_a_program_reads_it_comes_as_it_was_and_as_it_is() {
    let shop = Shop::open().await;
    shop.stage.begin(SALES, ANNA).await;
    let number = shop.stage.telegram.write(SALES.token, ANNA, "One desk");
    shop.stage.telegram.edit(SALES.token, ANNA, number, "Two desks");
    shop.stage.until("Kommo has the edit", |stage| in_chat(stage, ANNA) == ["/start", "Two desks"]).await;
    let updates = shop.call("getUpdates", json!({})).await;
    let text = |update: &Value| {
        let message = ["message", "edited_message"].map(|kind| update[kind]["text"].as_str());
        message.map(|text| text.map(str::to_owned))
    };
    let texts: Vec<_> = updates.as_array().unwrap().iter().map(text).collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(texts, [[some("/start"), None], [some("One desk"), None], [None, some("Two desks")]]);
    shop.stage.finish().await;
}
