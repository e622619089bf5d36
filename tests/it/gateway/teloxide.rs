//! A program that teloxide runs by polling. Its webhooks are a feature of it that is not compiled here.

use ::teloxide::{
    Bot,
    dispatching::{Dispatcher, UpdateFilterExt},
    dptree,
    payloads::{SendDocumentSetters, SendMessageSetters},
    requests::{Requester, ResponseResult},
    types::{CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, Message, Update},
};
use telekommo::sandbox::harness::ANNA;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_of_teloxide_talks_through_the_gateway() {
    let shop = Shop::open().await;
    let bot = Bot::with_client(SECRET, shop.client.clone());
    let bot = bot.set_api_url(format!("http://{}", shop.gateway).parse().unwrap());
    let handler = dptree::entry()
        .branch(Update::filter_message().endpoint(write))
        .branch(Update::filter_callback_query().endpoint(press));
    let mut program = Dispatcher::builder(bot, handler).build();
    tokio::select! {
        () = program.dispatch() => unreachable!("it runs until it is told to stop"),
        () = talk(&shop) => {}
    }
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
