//! A program that teloxide runs, by polling and by webhook.

use ::teloxide::{
    Bot, RequestError,
    dispatching::{DefaultKey, Dispatcher, UpdateFilterExt},
    dptree,
    error_handlers::LoggingErrorHandler,
    payloads::{SendDocumentSetters, SendMessageSetters},
    requests::{Requester, ResponseResult},
    types::{CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, Message, Update},
    update_listeners::webhooks,
};
use serde_json::json;
use telekommo::sandbox::harness::{ANNA, unused_address};

use super::{SALES, SECRET, Shop, shown::in_chat};
use crate::support::in_telegram;

async fn write(bot: Bot, message: Message) -> ResponseResult<()> {
    let chat = message.chat.id;
    match message.text().unwrap_or_default() {
        "/start" => {
            let keys = InlineKeyboardMarkup::new([[InlineKeyboardButton::callback("Order", "shop:order")]]);
            bot.send_message(chat, "Welcome to the shop").reply_markup(keys).await?
        }
        "bill" => {
            let file = InputFile::memory("1 x tea").file_name("bill.txt");
            bot.send_document(chat, file).caption("Your bill").await?
        }
        text => bot.send_message(chat, format!("You said: {text}")).await?,
    };
    Ok(())
}

async fn press(bot: Bot, query: CallbackQuery) -> ResponseResult<()> {
    bot.answer_callback_query(query.id.clone()).await?;
    if let Some(message) = query.regular_message() {
        bot.edit_message_text(message.chat.id, message.id, "Ordered").await?;
    }
    Ok(())
}

fn program(shop: &Shop) -> (Bot, Dispatcher<Bot, RequestError, DefaultKey>) {
    let bot = Bot::with_client(SECRET, shop.client.clone());
    let bot = bot.set_api_url(format!("http://{}", shop.gateway).parse().unwrap());
    let handler = dptree::entry()
        .branch(Update::filter_message().endpoint(write))
        .branch(Update::filter_callback_query().endpoint(press));
    (bot.clone(), Dispatcher::builder(bot, handler).build())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_of_teloxide_talks_through_the_gateway() {
    let shop = Shop::open().await;
    let (_, mut program) = program(&shop);
    tokio::select! {
        () = program.dispatch() => unreachable!("it runs until it is told to stop"),
        () = talk(&shop) => {}
    }
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_of_teloxide_has_a_webhook_at_the_gateway() {
    let shop = Shop::with("gateway.allow_private = true", "").await;
    let (bot, mut program) = program(&shop);
    let at = unused_address();
    let url = format!("http://{at}/hook").parse().unwrap();
    let listener = webhooks::axum(bot, webhooks::Options::new(at, url)).await.unwrap();
    tokio::select! {
        () = program.dispatch_with_listener(listener, LoggingErrorHandler::new()) => unreachable!("nobody stops it"),
        () = talk(&shop) => {}
    }
    let info = shop.call("getWebhookInfo", json!({})).await;
    assert_eq!(info["url"], format!("http://{at}/hook"));
    shop.stage.finish().await;
}

/// Plays the customer, who reads each answer before they go on.
async fn talk(shop: &Shop) {
    let telegram = &shop.stage.telegram;
    let last = || telegram.messages(SALES.token, ANNA).pop().unwrap();
    let shown = async |texts: &[&str]| {
        shop.stage.until("Kommo shows it", |stage| in_chat(stage, ANNA) == texts).await;
        shop.stage.until_settled().await;
    };
    telegram.write(SALES.token, ANNA, "/start");
    shown(&["/start", "Welcome to the shop\n\n[Order]"]).await;
    telegram.press(SALES.token, ANNA, last().message_id, 0, 0);
    shown(&["/start", "Ordered", "Order"]).await;
    telegram.write(SALES.token, ANNA, "hello");
    shown(&["/start", "Ordered", "Order", "hello", "You said: hello"]).await;
    telegram.write(SALES.token, ANNA, "bill");
    let all = ["/start", "Ordered", "Order", "hello", "You said: hello", "bill", "Your bill"];
    shown(&all).await;
    assert_eq!(in_telegram(&shop.stage, SALES, ANNA), ["Ordered", "You said: hello", "Your bill"]);
    assert_eq!(last().file.unwrap().name.as_deref(), Some("bill.txt"));
}
