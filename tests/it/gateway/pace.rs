//! How fast a program may send.

use futures_util::future::join_all;
use serde_json::json;
use telekommo::sandbox::harness::{ANNA, BEN};

use super::{SALES, Shop};
use crate::support::in_telegram;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_floods_a_chat_is_told_when_to_come_again() {
    let shop = Shop::with("telegram.chat_burst = 3\ntelegram.chat_requests_per_second = 1", "").await;
    shop.stage.begin(SALES, ANNA).await;
    shop.stage.begin(SALES, BEN).await;
    let flood = join_all((0..12).map(|n| shop.ask("sendMessage", json!({ "chat_id": ANNA, "text": n.to_string() }))));
    let (answers, answered) = tokio::join!(flood, shop.reply_in_a_flood());
    let refused: Vec<_> = answers.iter().filter(|(status, _)| *status == 429).collect();
    assert!(refused.len() >= 5, "{answers:?}");
    for (_, answer) in &refused {
        let after = answer["parameters"]["retry_after"].as_u64().unwrap();
        assert!((1..=10).contains(&after), "{answer}");
        assert_eq!(answer["description"], format!("Too Many Requests: retry after {after}"));
    }
    // A manager's answer to the same customer goes before what waits of the program's.
    let texts = in_telegram(&shop.stage, SALES, ANNA);
    let place = texts.iter().position(|text| *text == answered).unwrap();
    assert!(place <= 4, "{texts:?}");
    // Nobody else waits for that.
    shop.say(BEN, "at once").await;
    assert_eq!(in_telegram(&shop.stage, SALES, BEN), ["at once"]);
    shop.stage.finish().await;
}

impl Shop {
    /// A manager answers Anna while a program floods her chat. Gives the text.
    async fn reply_in_a_flood(&self) -> String {
        let id = self.stage.reply(SALES, ANNA, "from a manager").await;
        self.stage.outcome_though_more_waits(&id).await;
        "from a manager".to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_seconds_only_is_not_delayed_by_a_flood() {
    let mut shop = Shop::with("telegram.requests_per_second = 2", "").await;
    shop.stage.allow_failures();
    shop.stage.begin(SALES, ANNA).await;
    let flood = join_all((0..9).map(|n| shop.ask("sendMessage", json!({ "chat_id": ANNA, "text": n.to_string() }))));
    let asked = async {
        let began = std::time::Instant::now();
        for _ in 0..10 {
            let query = json!({ "callback_query_id": "17" });
            shop.ask("answerCallbackQuery", query).await;
        }
        began.elapsed()
    };
    let (answers, took) = tokio::join!(flood, asked);
    assert!(took.as_millis() < 1500, "{took:?}");
    assert!(answers.iter().any(|(status, _)| *status == 429), "{answers:?}");
    shop.stage.finish().await;
}
