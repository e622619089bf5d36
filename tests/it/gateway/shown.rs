//! What a program sends, as Kommo shows it.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, GARDEN, Harness, LINES},
    kommo::{Author, Endpoint, Message, Status},
    telegram::Target,
};

use super::{SALES, Shop, read};
use crate::{
    bridge::samples::jpeg,
    support::{conversation, in_telegram},
};

fn messages(stage: &Harness, customer: i64) -> Vec<Message> {
    stage.kommo.chat(&conversation(SALES, customer)).map(|chat| chat.messages).unwrap_or_default()
}

/// The texts of all messages there, whoever wrote them.
pub(super) fn in_chat(stage: &Harness, customer: i64) -> Vec<String> {
    messages(stage, customer).into_iter().map(|message| message.text).collect()
}

impl Shop {
    /// Waits until Kommo has exactly these texts in the customer's conversation.
    async fn until_shown(&self, customer: i64, texts: &[&str]) {
        self.stage.until("Kommo shows it", |stage| in_chat(stage, customer).len() >= texts.len()).await;
        self.stage.until_settled().await;
        assert_eq!(in_chat(&self.stage, customer), texts);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_stands_in_the_conversation_as_delivered_and_disturbs_nobody() {
    let shop = Shop::with("", "name = \"Acme shop\"").await;
    shop.stage.begin(SALES, ANNA).await;
    let number = shop.say(ANNA, "Your order is ready").await;
    shop.until_shown(ANNA, &["/start", "Your order is ready"]).await;
    let shown = messages(&shop.stage, ANNA).pop().unwrap();
    assert_eq!((&shown.from, shown.author_name.as_str(), shown.silent), (&Author::Bot, "Acme shop", true));
    assert_eq!(shown.client_msgid, Some(format!("tg:7000000001:{ANNA}:{number}")));
    assert!(matches!(shown.status, Status::Delivered), "{:?}", shown.status);
    // The customer has it once, though Kommo has it too.
    assert_eq!(in_telegram(&shop.stage, SALES, ANNA), ["Your order is ready"]);
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_another_call_is_shown_to_nobody() {
    let mut shop = Shop::open().await;
    shop.stage.allow_failures();
    for customer in [ANNA, BEN] {
        shop.stage.begin(SALES, customer).await;
    }
    // Something in between mixes answers up.
    let chat = json!({ "id": BEN, "type": "private", "first_name": "Ben" });
    let result = json!({ "message_id": 99, "date": 1_786_017_600, "chat": chat, "text": "for Ben" });
    let body = json!({ "ok": true, "result": result }).to_string();
    shop.stage.telegram.fault(Target::method("sendMessage"), Fault::Status { code: 200, body }, 1);
    let call = shop.client.post(shop.url("sendMessage")).header("content-type", "application/json");
    let call = call.body(json!({ "chat_id": ANNA, "text": "for Anna" }).to_string());
    let answer = async { call.send().await?.text().await };
    assert!(answer.await.is_err(), "nobody knows what became of it");
    shop.say(BEN, "then").await;
    shop.until_shown(BEN, &["/start", "then"]).await;
    shop.until_shown(ANNA, &["/start"]).await;
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_sent_is_not_found_missing_and_sent_again() {
    let mut shop = Shop::open().await;
    shop.stage.begin(SALES, ANNA).await;
    shop.say(ANNA, "one").await;
    shop.say(ANNA, "two").await;
    shop.until_shown(ANNA, &["/start", "one", "two"]).await;
    for restarts in [true, false] {
        let compared = shop.stage.commands().post("http://localhost/reconcile/1h").send().await.unwrap();
        let compared = compared.text().await.unwrap();
        assert!(compared.contains("Result: ") && !compared.contains("sent now"), "{compared}");
        if restarts {
            shop.stage.stop_bridge().await;
            shop.stage.start_bridge().await.unwrap();
        }
        shop.stage.until_settled().await;
    }
    assert_eq!(in_telegram(&shop.stage, SALES, ANNA), ["one", "two"]);
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_albums_and_buttons_are_shown() {
    let shop = Shop::open().await;
    shop.stage.begin(SALES, ANNA).await;
    let chat = ANNA.to_string();
    let pictures = [600, 601, 602].map(|width| jpeg(width, 400, 3000).to_vec());
    let photo = |n: usize| Part::bytes(pictures[n].clone()).file_name(format!("{n}.jpg"));
    let form = Form::new().text("chat_id", chat.clone()).text("caption", "the hall").part("photo", photo(0));
    let (status, answer) = read(shop.client.post(shop.url("sendPhoto")).multipart(form)).await;
    assert_eq!(status, 200, "{answer}");
    let media = json!([{"type": "photo", "media": "attach://a"}, {"type": "photo", "media": "attach://b"}]);
    let form =
        Form::new().text("chat_id", chat).text("media", media.to_string()).part("a", photo(1)).part("b", photo(2));
    let (status, answer) = read(shop.client.post(shop.url("sendMediaGroup")).multipart(form)).await;
    assert_eq!(status, 200, "{answer}");
    let inline =
        json!({"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}, {"text": "No", "callback_data": "n"}]]});
    shop.call("sendMessage", json!({ "chat_id": ANNA, "text": "Sure?", "reply_markup": inline })).await;
    let menu = json!({"keyboard": [[{"text": "Menu"}, {"text": "Cart"}]]});
    shop.call("sendMessage", json!({ "chat_id": ANNA, "text": "Here", "reply_markup": menu })).await;
    shop.call("sendLocation", json!({ "chat_id": ANNA, "latitude": 1.5, "longitude": 2.5 })).await;
    shop.until_shown(ANNA, &["/start", "the hall", "", "", "Sure?\n\n[Yes] [No]", "Here\n\n[Menu] [Cart]", ""]).await;
    let fetched = |stage: &Harness| {
        let files = messages(stage, ANNA).into_iter().filter_map(|it| it.media);
        files.map(|media| media.fetched.map(|it| it.bytes)).collect::<Option<Vec<_>>>()
    };
    shop.stage.until("Kommo has the files", |stage| fetched(stage).is_some_and(|files| files.len() == 3)).await;
    assert_eq!(fetched(&shop.stage).unwrap(), pictures);
    let kinds: Vec<_> = messages(&shop.stage, ANNA).into_iter().map(|it| it.kind).collect();
    assert_eq!(kinds, ["text", "picture", "picture", "picture", "text", "text", "location"]);
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_deletions_and_reactions_change_what_is_there() {
    let mut shop = Shop::open().await;
    shop.stage.begin(SALES, ANNA).await;
    let start = shop.stage.telegram.messages(SALES.token, ANNA)[0].message_id;
    let number = shop.say(ANNA, "Thinking…").await;
    shop.call("editMessageText", json!({ "chat_id": ANNA, "message_id": number, "text": "Done" })).await;
    shop.until_shown(ANNA, &["/start", "Done"]).await;
    // Kommo documents reactions of users and customers only, and the fake refuses those of a bot.
    shop.stage.allow_failures();
    let told = |stage: &Harness| {
        let requests = stage.kommo.requests().into_iter().filter(|it| it.endpoint == Some(Endpoint::React));
        requests.map(|it| serde_json::from_str(&it.body).unwrap()).collect::<Vec<Value>>()
    };
    let heart = json!([{"type": "emoji", "emoji": "❤"}]);
    shop.call("setMessageReaction", json!({ "chat_id": ANNA, "message_id": start, "reaction": heart })).await;
    shop.stage.until("Kommo is told of the reaction", |stage| told(stage).len() == 1).await;
    shop.call("setMessageReaction", json!({ "chat_id": ANNA, "message_id": start })).await;
    shop.stage.until("Kommo is told that it is gone", |stage| told(stage).len() == 2).await;
    let told = told(&shop.stage);
    assert_eq!(
        (&told[0]["type"], &told[0]["emoji"], &told[1]["type"]),
        (&json!("react"), &json!("❤"), &json!("unreact"))
    );
    assert!(told.iter().all(|it| it["user"]["ref_id"].is_string()), "{told:?}");
    shop.call("deleteMessage", json!({ "chat_id": ANNA, "message_id": number })).await;
    shop.until_shown(ANNA, &["/start", "[deleted]"]).await;
    shop.stage.finish().await;
}

/// Lets a customer open their chat with the bot, of which the bridge never hears.
async fn open_unheard(shop: &mut Shop, customer: i64) {
    shop.stage.stop_bridge().await;
    shop.stage.telegram.write(SALES.token, customer, "/start");
    let forget = format!("{}/bot{}/deleteWebhook?drop_pending_updates=true", shop.stage.telegram.url(), SALES.token);
    assert!(shop.client.get(forget).send().await.unwrap().status().is_success());
    shop.stage.start_bridge().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_that_kommo_does_not_know_makes_a_lead_only_if_that_is_wanted() {
    for (leads, knows_the_person, is_shown) in [
        ("", true, false),
        ("leads = \"never\"", true, false),
        ("leads = \"known\"", false, false),
        ("leads = \"known\"", true, true),
        ("leads = \"always\"", false, true),
    ] {
        let mut shop = Shop::with("", leads).await;
        open_unheard(&mut shop, BEN).await;
        if knows_the_person {
            shop.stage.begin(LINES[1], BEN).await;
        }
        shop.say(BEN, "Buy more").await;
        shop.stage.until_settled().await;
        let want: &[&str] = if is_shown { &["Buy more"] } else { &[] };
        assert_eq!(in_chat(&shop.stage, BEN), want, "{leads} {knows_the_person}");
        // Once the customer has written, Kommo knows the conversation.
        shop.stage.telegram.write(SALES.token, BEN, "What?");
        shop.stage.until("Kommo has it", |stage| in_chat(stage, BEN).contains(&"What?".to_owned())).await;
        shop.say(BEN, "This").await;
        shop.stage.until("Kommo has it", |stage| in_chat(stage, BEN).contains(&"This".to_owned())).await;
        shop.stage.finish().await;
    }
}

/// A press of the program's own button is the program's to answer, and its keyboard stays as often as it is pressed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presses_of_a_programs_buttons_are_shown_and_left_to_it() {
    let shop = Shop::open().await;
    shop.stage.begin(SALES, ANNA).await;
    let inline = json!({"inline_keyboard": [[{"text": "More", "callback_data": "page:2"}]]});
    let said = json!({ "chat_id": ANNA, "text": "Page 1", "reply_markup": inline });
    let number = shop.call("sendMessage", said).await["message_id"].as_i64().unwrap();
    shop.until_shown(ANNA, &["/start", "Page 1\n\n[More]"]).await;
    for presses in 1..=2 {
        shop.stage.telegram.press(SALES.token, ANNA, number, 0, 0);
        shop.stage.until("Kommo has it", |stage| in_chat(stage, ANNA).len() == 2 + presses).await;
    }
    shop.stage.until_settled().await;
    assert_eq!(in_chat(&shop.stage, ANNA)[2..], ["More", "More"]);
    assert_eq!((shop.asked("answerCallbackQuery"), shop.asked("editMessageReplyMarkup")), (0, 0));
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_group_and_in_order() {
    let shop = Shop::with("telegram.groups = \"relay\"", "leads = \"always\"").await;
    shop.stage.furnish();
    let said = shop.say(GARDEN, "Hello garden").await;
    assert!(said > 0);
    let group = format!("tg:sales:{GARDEN}");
    let texts = |stage: &Harness| {
        let messages = stage.kommo.chat(&group).map(|chat| chat.messages).unwrap_or_default();
        messages.into_iter().map(|message| message.text).collect::<Vec<_>>()
    };
    shop.stage.until("Kommo has it", |stage| texts(stage) == ["Hello garden"]).await;
    let all: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    for text in &all {
        shop.say(GARDEN, text).await;
    }
    shop.stage.until("Kommo has all", |stage| texts(stage).len() == 21).await;
    assert_eq!(texts(&shop.stage)[1..], all);
    shop.stage.finish().await;
}
