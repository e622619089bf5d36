//! Buttons from Kommo, and what customers answer by pressing them.

use serde_json::{Value, json};
use telekommo::{
    domain::{
        address::{BotId, SourceId},
        job::{Job, Update},
    },
    sandbox::{
        fault::Fault,
        harness::{ANNA, LINES, Line},
        kommo::Status,
        telegram::{ChatMessage, Target},
    },
    store::{Intake, NewJob},
    translate::from_telegram::Received,
};

use crate::support::{TestStage, conversation, in_kommo, in_telegram};

const SALES: Line = LINES[0];
/// Far longer than what a button can carry.
const LONG: &str = "Да, пожалуйста, позвоните мне завтра утром до одиннадцати часов";

fn yes_no() -> Value {
    json!({ "mode": "inline", "buttons": [[{ "text": "Yes" }, { "text": "No" }], [{ "text": LONG }]] })
}

impl TestStage {
    /// Salesbot asks with buttons, and the customer gets them.
    async fn ask(&self, text: &str, markup: Value) -> ChatMessage {
        let (id, hook) = self.kommo.reply_with(&conversation(SALES, ANNA), "Salesbot", text, markup).await;
        assert_eq!(hook.status, Some(200));
        assert_eq!(self.outcome(&id).await, Status::Delivered);
        self.telegram.messages(SALES.token, ANNA).pop().unwrap()
    }

    fn press(&self, message: &ChatMessage, row: usize, column: usize) -> String {
        self.telegram.press(SALES.token, ANNA, message.message_id, row, column)
    }

    async fn until_said(&self, texts: &[&str]) {
        self.until("Kommo has what was pressed", |stage| in_kommo(stage, SALES, ANNA).len() >= texts.len()).await;
        self.until_settled().await;
        assert_eq!(in_kommo(self, SALES, ANNA), texts);
    }

    fn has_buttons(&self, message: &ChatMessage) -> bool {
        let messages = self.telegram.messages(SALES.token, ANNA);
        messages.iter().any(|it| it.message_id == message.message_id && !it.keyboard.is_empty())
    }

    fn answered(&self) -> Vec<(String, Option<u16>)> {
        let requests = self.telegram.requests().into_iter().filter(|it| it.method == "answercallbackquery");
        let id = |args: &Value| args["callback_query_id"].as_str().unwrap().to_owned();
        requests.map(|request| (id(&request.args), request.status)).collect()
    }
}

fn labels(message: &ChatMessage) -> Vec<Vec<&str>> {
    message.keyboard.iter().map(|row| row.iter().map(|key| key.text.as_str()).collect()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_press_says_its_label_and_uses_the_keyboard_up() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let asked = stage.ask("Shall we call?", yes_no()).await;
    assert_eq!((asked.text.as_str(), labels(&asked)), ("Shall we call?", vec![vec!["Yes", "No"], vec![LONG]]));
    let press = stage.press(&asked, 1, 0);
    stage.until_said(&["/start", LONG]).await;
    assert_eq!(stage.answered(), [(press, Some(200))]);
    assert!(!stage.has_buttons(&asked));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pressing_twice_says_it_once() {
    let mut stage = TestStage::start().await;
    // The second removal finds no keyboard.
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let asked = stage.ask("Shall we call?", yes_no()).await;
    let presses = [stage.press(&asked, 0, 0), stage.press(&asked, 0, 0), stage.press(&asked, 0, 1)];
    stage.until_said(&["/start", "Yes", "No"]).await;
    assert_eq!(stage.answered(), presses.map(|press| (press, Some(200))), "each press is answered");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_that_are_kept_answer_each_time() {
    let stage = TestStage::with("telegram.keep_buttons = true\n").await;
    stage.begin(SALES, ANNA).await;
    let asked = stage.ask("Again?", yes_no()).await;
    for said in [&["/start", "Yes"][..], &["/start", "Yes", "Yes"]] {
        stage.press(&asked, 0, 0);
        stage.until_said(said).await;
    }
    assert!(stage.has_buttons(&asked));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_keyboard_works_after_a_restart_without_a_store() {
    let mut stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let asked = stage.ask("Shall we call?", yes_no()).await;
    stage.stop_bridge().await;
    stage.press(&asked, 1, 0);
    stage.start_bridge().await.unwrap();
    stage.until_said(&["/start", LONG]).await;

    let asked = stage.ask("And now?", yes_no()).await;
    stage.stop_bridge().await;
    std::fs::remove_dir_all(stage.dir().join("data")).unwrap();
    stage.start_bridge().await.unwrap();
    stage.press(&asked, 0, 1);
    stage.until_said(&["/start", LONG, "No"]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_press_reaches_kommo_though_telegram_takes_no_thanks() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let asked = stage.ask("Shall we call?", yes_no()).await;
    stage.telegram.fault(Target::method("answerCallbackQuery"), Fault::DropBefore, 1);
    stage.telegram.fault(Target::method("editMessageReplyMarkup"), Fault::DropAfter, 1);
    stage.press(&asked, 0, 0);
    stage.until_said(&["/start", "Yes"]).await;

    // One that is too old to be answered is a message all the same.
    let old = json!({ "id": "long ago", "data": "b:1:No", "chat_instance": "1",
        "from": { "id": ANNA, "is_bot": false, "first_name": "Anna" },
        "message": { "message_id": 1, "date": 0, "chat": { "id": ANNA, "type": "private" } } });
    stage.telegram.push_update(SALES.token, &json!({ "callback_query": old }));
    stage.until_said(&["/start", "Yes", "No"]).await;
    assert_eq!(stage.answered().pop(), Some(("long ago".to_owned(), Some(400))));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_that_telegram_does_not_take_cost_no_text() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let asked = stage.ask("Look", json!({ "buttons": [[{ "text": "Site", "url": "example" }]] })).await;
    assert_eq!((asked.text.as_str(), asked.keyboard.len()), ("Look\n\n• Site: example", 0));
    let asked = stage.ask("Look", json!({ "buttons": [[{ "text": "Site", "url": "https://intranet" }]] })).await;
    assert_eq!((asked.text.as_str(), asked.keyboard.len()), ("Look\n\n• Site: https://intranet", 0));
    assert_eq!(in_telegram(&stage, SALES, ANNA).len(), 2);
    stage.finish().await;
}

impl TestStage {
    /// How many times the bot has tried to send a text, a file or any other message.
    fn sends(&self) -> usize {
        self.telegram
            .requests()
            .iter()
            .filter(|it| it.method.starts_with("send") && it.method != "sendchataction")
            .count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_button_costs_that_button_alone() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let link = |label: &str, url: &str| json!({ "text": label, "url": url });
    let (good, yes) = (link("Good", "https://shop.example.com/"), json!({ "text": "Yes" }));
    for (bad, tries) in [
        // Seen before: no call is refused.
        ("http://localhost:8080/x", 1),
        ("http://intranet/page", 1),
        // Refused without a word about which it is.
        ("https://shop.invalid/", 2),
    ] {
        let before = stage.sends();
        let asked = stage.ask("Look", json!({ "buttons": [[yes, link("Bad", bad)], [good]] })).await;
        assert_eq!(asked.text, format!("Look\n\n• Bad: {bad}"));
        assert_eq!(labels(&asked), [vec!["Yes"], vec!["Good"]], "{bad}");
        assert_eq!(stage.sends() - before, tries, "{bad}");
    }
    // The good one is left out first, and the bad one is found after it.
    let asked = stage.ask("Look", json!({ "buttons": [[good, link("Bad", "https://shop.invalid/")], [yes]] })).await;
    assert_eq!(
        (asked.text.as_str(), labels(&asked)),
        ("Look\n\n• Bad: https://shop.invalid/", vec![vec!["Good"], vec!["Yes"]])
    );
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_that_telegram_names_goes_alone() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let named = "Bad Request: inline keyboard button URL 'https://b.example.com/' is invalid: Wrong HTTP URL";
    let body = json!({ "ok": false, "error_code": 400, "description": named }).to_string();
    stage.telegram.fault(Target::method("sendMessage"), Fault::Status { code: 400, body }, 1);
    let link = |label: &str| json!({ "text": label, "url": format!("https://{}.example.com/", label.to_lowercase()) });
    let asked = stage.ask("Look", json!({ "buttons": [[link("A"), link("B"), link("C")], [{ "text": "Yes" }]] })).await;
    assert_eq!(
        (asked.text.as_str(), labels(&asked)),
        ("Look\n\n• B: https://b.example.com/", vec![vec!["A", "C"], vec!["Yes"]])
    );
    assert_eq!(in_telegram(&stage, SALES, ANNA).len(), 1);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_of_a_list_says_its_title_and_its_id() {
    let stage = TestStage::with("telegram.keep_buttons = true\n").await;
    stage.begin(SALES, ANNA).await;
    let rows = json!([{ "callback_data": "vG9", "title": "Haircut", "description": "40 minutes" },
        { "callback_data": "x".repeat(70), "title": "Beard" }]);
    let list = json!({ "list_message": { "header": "Services", "body": "Pick one", "footer": "Co", "button": "Menu",
        "sections": [{ "title": "All", "rows": rows }] } });
    let asked = stage.ask("Pick one", list).await;
    assert_eq!(asked.text, "Services\n\nPick one\n\nAll\n• Haircut — 40 minutes\n\nCo");
    assert_eq!(labels(&asked), [["Haircut"], ["Beard"]]);
    stage.press(&asked, 0, 0);
    stage.until_said(&["/start", "Haircut"]).await;
    stage.press(&asked, 1, 0);
    stage.until_said(&["/start", "Haircut", "Beard"]).await;
    assert_eq!(stage.chosen(), [Value::Null, json!("vG9"), Value::Null], "an id that does not fit is left out");
    stage.finish().await;
}

impl TestStage {
    /// The `callback_data` of each message that Kommo was sent.
    fn chosen(&self) -> Vec<Value> {
        let requests = self.kommo.requests().into_iter().map(|request| request.body);
        let events = requests.filter_map(|body| serde_json::from_str::<Value>(&body).ok());
        let messages = events.filter(|event| event["event_type"] == "new_message");
        messages.map(|event| event["payload"]["message"]["callback_data"].clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_can_replace_the_customers_keyboard() {
    for (keep, is_one_time) in [("false", true), ("true", false)] {
        let settings = format!("telegram.buttons = \"keyboard\"\ntelegram.keep_buttons = {keep}\n");
        let stage = TestStage::with(&settings).await;
        stage.begin(SALES, ANNA).await;
        let asked = stage.ask("Shall we call?", yes_no()).await;
        assert!(asked.keyboard.is_empty(), "nothing is shown below the message");
        let keyboard = stage.telegram.reply_keyboard(SALES.token, ANNA).unwrap();
        assert_eq!((keyboard.is_one_time, keyboard.is_resized), (is_one_time, true));
        stage.telegram.press_key(SALES.token, ANNA, 1, 0);
        stage.until_said(&["/start", LONG]).await;
        assert_eq!(stage.telegram.reply_keyboard(SALES.token, ANNA).is_none(), is_one_time);
        // What leads elsewhere is possible below a message only.
        let mixed = json!({ "buttons": [[{ "text": "Yes" }], [{ "text": "Site", "url": "https://example.com" }]] });
        let asked = stage.ask("Look", mixed).await;
        assert_eq!(labels(&asked), [["Yes"], ["Site"]]);
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyboard_that_is_too_large_is_made_to_fit() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let row: Vec<Value> =
        (0..110).map(|n| json!({ "text": format!("Hour {n}") })).chain([json!({ "text": " " })]).collect();
    let asked = stage.ask("When?", json!({ "buttons": [row] })).await;
    assert_eq!(asked.keyboard.iter().map(Vec::len).collect::<Vec<_>>(), [vec![8; 12], vec![4]].concat());
    let lines: Vec<_> = asked.text.lines().collect();
    assert_eq!((lines.len(), lines[2], lines[11]), (12, "• Hour 100", "• Hour 109"));
    stage.press(&asked, 12, 3);
    stage.until_said(&["/start", "Hour 99"]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_press_that_another_bot_of_the_source_received_touches_no_message_of_this_one() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let asked = stage.ask("Shall we call?", yes_no()).await;
    // It waited while the source got another bot, whose messages have the same numbers.
    let keyboard = json!({ "inline_keyboard": [[{ "text": "Old", "callback_data": "b:0:Old" }]] });
    let chat = json!({ "id": ANNA, "type": "private" });
    let message = json!({ "message_id": asked.message_id, "date": 1, "chat": chat, "reply_markup": keyboard });
    let from = json!({ "id": ANNA, "is_bot": false, "first_name": "Anna" });
    let press = json!({ "id": "1", "from": from, "chat_instance": "1", "data": "b:0:Old", "message": message });
    let raw = json!({ "update_id": 1, "callback_query": press }).to_string();
    let source = SourceId::parse(SALES.source).unwrap();
    let lane = Received::read(&raw).lane(&source);
    let job = NewJob { id: None, lane, job: Job::from(Update { source, bot: BotId(1), raw, program: None }) };
    stage.store().push(Intake { jobs: vec![job], offset: None }, telekommo::clock::now()).await.unwrap();
    stage.until_said(&["/start", "Old"]).await;
    assert!(stage.has_buttons(&asked), "the keyboard of a message that nobody pressed stays");
    assert_eq!(stage.answered(), []);
    stage.finish().await;
}
