//! Who exists on this Telegram: customers, bots and the private chats between them.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage, Customer, NewBot, Request,
        files::{self, NewFile, StoredFile},
        polls::Polls,
        replies,
        shapes::{self, BotUser},
        updates::Queue,
    },
};

/// How many requests the log keeps.
const REQUESTS: usize = 10_000;

/// The number before the colon of a token.
fn bot_id(token: &str) -> i64 {
    token.split(':').next().and_then(|id| id.parse().ok()).unwrap_or_default()
}

/// All of it.
#[derive(Default)]
pub(super) struct World {
    /// By token.
    pub(super) bots: BTreeMap<String, Bot>,
    pub(super) customers: BTreeMap<i64, Person>,
    /// By id.
    pub(super) files: BTreeMap<String, StoredFile>,
    requests: VecDeque<Request>,
}

/// A customer's account.
pub(super) struct Person {
    pub(super) card: Customer,
    pub(super) deactivated: bool,
}

/// A bot with what belongs to it alone.
pub(super) struct Bot {
    pub(super) user: BotUser,
    pub(super) revoked: bool,
    pub(super) webhook: String,
    pub(super) queue: Queue,
    pub(super) polls: Polls,
    /// When each button was pressed, by the id of the press.
    pub(super) presses: BTreeMap<String, UnixMillis>,
    /// By the customer's id.
    pub(super) chats: BTreeMap<i64, PrivateChat>,
}

/// A private chat, from the moment that the customer has written.
#[derive(Default)]
pub(super) struct PrivateChat {
    pub(super) blocked: bool,
    pub(super) typing_until: UnixMillis,
    pub(super) messages: Vec<ChatMessage>,
}

impl PrivateChat {
    /// Customers' and bots' messages share the count.
    pub(super) fn add(&mut self, from_bot: bool, text: String, now: UnixMillis) -> &mut ChatMessage {
        let message_id = self.messages.last().map_or(1, |last| last.message_id + 1);
        let message = ChatMessage {
            message_id,
            from_bot,
            text,
            file: None,
            at_ms: now.0,
            keyboard: Vec::new(),
            reply_to: None,
            reaction: None,
            edited: false,
        };
        self.messages.push(message);
        self.messages.last_mut().expect("one was just added")
    }
}

impl World {
    pub(super) fn add_bot(&mut self, NewBot { token, username, name }: NewBot) {
        let fresh = Bot {
            user: BotUser { id: bot_id(&token), username, name },
            revoked: false,
            webhook: String::new(),
            queue: Queue::default(),
            polls: Polls::default(),
            presses: BTreeMap::new(),
            chats: BTreeMap::new(),
        };
        self.bots.insert(token, fresh);
    }

    /// The bot that owns a token which is still good.
    pub(super) fn bot(&mut self, token: &str) -> Option<&mut Bot> {
        self.bots.get_mut(token).filter(|bot| !bot.revoked)
    }

    /// A customer writes to a bot. One who has blocked it takes it back first, as the app makes them.
    ///
    /// Gives the message's id, or `None` if there is no such bot or no such customer.
    pub(super) fn write(
        &mut self,
        token: &str,
        customer: i64,
        text: &str,
        reply_to: Option<i64>,
        now: UnixMillis,
    ) -> Option<i64> {
        self.block(token, customer, false, now);
        let person = self.customers.get(&customer)?;
        let bot = self.bots.get_mut(token)?;
        let chat = bot.chats.entry(customer).or_default();
        let message = chat.add(false, text.to_owned(), now);
        message.reply_to = reply_to;
        let message = message.clone();
        let update = replies::with_quoted(&bot.user, &person.card, chat, &message);
        bot.queue.push("message", &update, now);
        Some(message.message_id)
    }

    /// A customer sends a file, as [`World::write`] does a text.
    pub(super) fn send_file(&mut self, token: &str, customer: i64, file: &NewFile, now: UnixMillis) -> Option<i64> {
        self.block(token, customer, false, now);
        let attachment = self.keep(token, file);
        let person = self.customers.get(&customer)?;
        let bot = self.bots.get_mut(token)?;
        let chat = bot.chats.entry(customer).or_default();
        let message = chat.add(false, file.caption.clone().unwrap_or_default(), now);
        let mut shape = shapes::message(&bot.user, &person.card, message);
        files::attach(&mut shape, &attachment, file.caption.as_deref());
        message.file = Some(attachment);
        let message_id = message.message_id;
        bot.queue.push("message", &shape, now);
        Some(message_id)
    }

    /// A customer blocks a bot, or takes it back. Nothing happens if that is how it is already.
    pub(super) fn block(&mut self, token: &str, customer: i64, blocked: bool, now: UnixMillis) {
        let Some(person) = self.customers.get(&customer) else { return };
        let Some(bot) = self.bots.get_mut(token) else { return };
        let Some(chat) = bot.chats.get_mut(&customer) else { return };
        if chat.blocked != blocked {
            chat.blocked = blocked;
            let update = shapes::my_chat_member(&bot.user, &person.card, blocked, now);
            bot.queue.push("my_chat_member", &update, now);
        }
    }

    /// A chat's messages, oldest first.
    pub(super) fn messages(&self, token: &str, customer: i64) -> Vec<ChatMessage> {
        self.chat(token, customer).map(|chat| chat.messages.clone()).unwrap_or_default()
    }

    pub(super) fn chat(&self, token: &str, customer: i64) -> Option<&PrivateChat> {
        self.bots.get(token)?.chats.get(&customer)
    }

    pub(super) fn log(&mut self, token: &str, method: &str, args: Value, status: Option<u16>) {
        let bot = self.bots.get(token).map_or(0, |bot| bot.user.id);
        self.requests.push_back(Request { bot, method: method.to_owned(), args, status });
        if self.requests.len() > REQUESTS {
            self.requests.pop_front();
        }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.iter().cloned().collect()
    }
}
