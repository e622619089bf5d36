//! What managers and customers read, each in their own language.

use serde_json::json;
use telekommo::{
    sandbox::{
        fault::Fault,
        harness::{ANNA, Harness, LINES, Line},
        kommo::{Author, Status},
        telegram::{Customer, Target},
    },
    words::Language,
};

use super::crm::with_account;
use crate::support::{TestStage, conversation, in_kommo};

const SALES: Line = LINES[0];
/// A customer of these tests alone.
const EVA: i64 = 777_000_444;

async fn failed(stage: &TestStage, code: i64, words: &str) {
    let id = stage.reply(SALES, ANNA, "hello?").await;
    assert_eq!(stage.outcome(&id).await, Status::Failed { code, text: words.to_owned() });
}

fn refuses(stage: &Harness, code: u16, description: &str) {
    let body = json!({ "ok": false, "error_code": code, "description": description }).to_string();
    stage.telegram.fault(Target::method("sendMessage"), Fault::Status { code, body }, 1);
}

/// What the channel's bot has said in Anna's chat.
fn notices(stage: &Harness) -> Vec<String> {
    let chat = stage.kommo.chat(&conversation(SALES, ANNA)).unwrap();
    chat.messages.into_iter().filter(|it| it.from == Author::Bot).map(|it| it.text).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_reads_the_configured_language_and_the_operator_english() {
    let mut stage = TestStage::with("kommo.language = \"ru\"\n").await;
    stage.allow_leftovers();
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    refuses(&stage, 400, "Bad Request: CHAT_WRITE_FORBIDDEN");
    failed(&stage, 905, "Не доставлено: бот не может писать в этот чат. Разрешить это может администратор группы.")
        .await;
    refuses(&stage, 403, "Forbidden: the group chat was deleted");
    failed(&stage, 901, "Не доставлено: группа удалена.").await;
    refuses(&stage, 400, "Bad Request: something nobody has seen");
    failed(&stage, 905, "Не доставлено: Telegram отклонил сообщение (Bad Request: something nobody has seen).").await;
    stage.telegram.block(SALES.token, ANNA, true);
    let blocked = "Клиент заблокировал бота: сообщения не будут доходить, пока он его не разблокирует.";
    stage.until("the manager is told", |stage| notices(stage) == [blocked]).await;
    let parked = stage.parked(3).await;
    assert!(parked.iter().all(|it| it.why.starts_with("Not delivered: ")), "{parked:?}");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_reads_the_language_of_the_account_also_after_a_start_that_cannot_ask_it() {
    let mut stage = with_account("").await;
    stage.allow_leftovers();
    stage.allow_failures();
    stage.stop_bridge().await;
    stage.kommo.set_language(Some("es"));
    stage.start_bridge().await.unwrap();
    stage.until("the account is known", |stage| !stage.kommo.rest_requests().is_empty()).await;
    stage.begin(SALES, ANNA).await;
    let spoken = || stage.store().account_facts(&stage.kommo.account_url()).unwrap().language;
    crate::support::eventually("its language is kept", async || spoken().as_deref() == Some("es")).await;
    stage.kommo.rest_down(true).unwrap();
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    refuses(&stage, 403, "Forbidden: bot was kicked from the group chat");
    failed(&stage, 901, "No entregado: el bot fue eliminado del grupo.").await;
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_asked_in_their_own_language_and_else_in_the_accounts() {
    let stage = with_account("telegram.ask_phone = \"on_start\"\nkommo.language = \"pt\"\n").await;
    for (id, code, language) in [
        (EVA, Some("es-mx"), Language::Es),
        (EVA + 1, Some("de"), Language::Pt),
        (EVA + 2, None, Language::Pt),
        (EVA + 3, Some("ru"), Language::Ru),
    ] {
        let language_code = code.map(str::to_owned);
        let (first_name, last_name) = ("Eva".to_owned(), None);
        stage.telegram.add_customer(Customer { id, first_name, last_name, username: None, language_code });
        stage.telegram.write(SALES.token, id, "/start");
        let want = telekommo::words::phone::ask().say(language);
        stage
            .until("the customer is asked", |stage| crate::support::in_telegram(stage, SALES, id) == [want.as_str()])
            .await;
        stage.telegram.write(SALES.token, id, "Hello");
        stage.until("they are heard", |stage| in_kommo(stage, SALES, id).len() == 2).await;
    }
    let mut stage = stage;
    stage.allow_leftovers();
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kommo_has_no_kind_for_is_told_in_the_managers_language() {
    let stage = TestStage::with("kommo.language = \"ru\"\n").await;
    stage.begin(SALES, ANNA).await;
    let chat = json!({ "id": ANNA, "type": "private", "first_name": "Anna" });
    let from = json!({ "id": ANNA, "is_bot": false, "first_name": "Anna", "language_code": "en" });
    let message = |number: i64, fields: &serde_json::Value| {
        let mut message = json!({ "message_id": number, "date": 1_786_017_600, "chat": chat, "from": from });
        message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({ "message": message })
    };
    for (number, fields) in [
        (
            9001,
            json!({ "forward_origin": { "type": "hidden_user", "sender_user_name": "Ben", "date": 1_786_017_500 }, "text": "Hi" }),
        ),
        (9002, json!({ "dice": { "emoji": "🎲", "value": 3 } })),
    ] {
        stage.telegram.push_update(SALES.token, &message(number, &fields));
    }
    stage.until("all are told", |stage| in_kommo(stage, SALES, ANNA).len() == 3).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA)[1..], ["[переслано от: Ben]\nHi", "[кубик] 🎲 3"]);
    stage.finish().await;
}
