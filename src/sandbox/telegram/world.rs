//! Who exists on this Telegram: customers, bots and the private chats between them.

use std::collections::{BTreeMap, VecDeque};

use axum::body::Bytes;
use serde_json::Value;

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        Attachment, ChatMessage, Customer, Hosting, NewBot, NewFile, ReplyKeyboard, Request,
        attachments::{self, Files},
        business::{Account, Connection},
        groups::Group,
        polls::Polls,
        responses::{self, BotUser},
        topics::Topics,
        updates::Queue,
    },
};

/// How many requests the log keeps.
const REQUESTS: usize = 10_000;

/// The number before the colon of a token.
fn bot_id(token: &str) -> i64 {
    token.split(':').next().and_then(|id| id.parse().ok()).unwrap_or_default()
}

#[derive(Default)]
pub(super) struct World {
    pub(super) bots: BTreeMap<String, Bot>,
    pub(super) customers: BTreeMap<i64, Person>,
    pub(super) files: Files,
    pub(super) hosting: Hosting,
    requests: VecDeque<Request>,
}

pub(super) struct Person {
    pub(super) card: Customer,
    pub(super) deactivated: bool,
    /// Their picture of themselves.
    pub(super) avatar: Option<Bytes>,
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
    pub(super) chats: BTreeMap<i64, Chat>,
    /// By their ids, which are below 0; their messages are among the chats.
    pub(super) groups: BTreeMap<i64, Group>,
    /// By the id of the connection.
    pub(super) connections: BTreeMap<String, Connection>,
    /// By the owner's id.
    pub(super) accounts: BTreeMap<i64, Account>,
    /// What its menu lists, by the scope and the language.
    pub(super) commands: BTreeMap<(String, String), Vec<Value>>,
}

/// A chat with a bot, from the moment that it knows of it.
#[derive(Default)]
pub(super) struct Chat {
    pub(super) blocked: bool,
    /// What the bot is seen doing, and until when.
    pub(super) action: Option<(String, UnixMillis)>,
    /// What the customer has in place of their keyboard.
    pub(super) reply_keyboard: Option<ReplyKeyboard>,
    pub(super) messages: Vec<ChatMessage>,
    pub(super) topics: Topics,
    pub(super) last_id: i64,
    /// Up to where the bot has read it, where it can say so.
    pub(super) read_up_to: i64,
}

impl Chat {
    /// Adds a message. People's and bots' share the count.
    pub(super) fn add(&mut self, message: ChatMessage) -> ChatMessage {
        self.last_id += 1;
        let message = ChatMessage { message_id: self.last_id, ..message };
        self.messages.push(message.clone());
        message
    }
}

impl World {
    pub(super) fn add_bot(&mut self, NewBot { token, username, name }: NewBot) {
        let fresh = Bot {
            user: BotUser { id: bot_id(&token), username, name, is_business: false, reads_all: false },
            revoked: false,
            webhook: String::new(),
            queue: Queue::default(),
            polls: Polls::default(),
            presses: BTreeMap::new(),
            chats: BTreeMap::new(),
            groups: BTreeMap::new(),
            connections: BTreeMap::new(),
            accounts: BTreeMap::new(),
            commands: BTreeMap::new(),
        };
        self.bots.insert(token, fresh);
    }

    /// The bot that owns a token which is still good.
    pub(super) fn bot(&mut self, token: &str) -> Option<&mut Bot> {
        self.bots.get_mut(token).filter(|bot| !bot.revoked)
    }

    /// A customer sends a message to a bot. One who has blocked it takes it back first, as the app makes them.
    ///
    /// Gives the message's id, or `None` if there is no such bot or no such customer.
    pub(super) fn say(&mut self, token: &str, customer: i64, message: ChatMessage, now: UnixMillis) -> Option<i64> {
        self.block(token, customer, false, now);
        self.customers.get(&customer)?;
        self.bots.get_mut(token)?.chats.entry(customer).or_default();
        let mut spot = self.spot(token, customer)?;
        let update = spot.add(ChatMessage { sender: customer, at_ms: now.0, ..message });
        spot.queue.push("message", &update, now);
        update["message_id"].as_i64()
    }

    /// A customer sends a file, as [`World::say`] does a text.
    pub(super) fn send_file(&mut self, token: &str, customer: i64, file: &NewFile, now: UnixMillis) -> Option<i64> {
        let text = file.caption.clone().unwrap_or_default();
        let file = attachments::keep(&mut self.files, token, file.bytes.clone(), Attachment::of(file));
        self.say(token, customer, ChatMessage { text, file: Some(file), ..ChatMessage::default() }, now)
    }

    /// A customer blocks a bot, or takes it back. Nothing happens if that is how it is already.
    pub(super) fn block(&mut self, token: &str, customer: i64, blocked: bool, now: UnixMillis) {
        let Some(person) = self.customers.get(&customer) else { return };
        let Some(bot) = self.bots.get_mut(token) else { return };
        let Some(chat) = bot.chats.get_mut(&customer) else { return };
        if chat.blocked != blocked {
            chat.blocked = blocked;
            let update = responses::my_chat_member(&bot.user, &person.card, blocked, now);
            bot.queue.push("my_chat_member", &update, now);
        }
    }

    /// A chat's messages, oldest first.
    pub(super) fn messages(&self, token: &str, customer: i64) -> Vec<ChatMessage> {
        self.chat(token, customer).map(|chat| chat.messages.clone()).unwrap_or_default()
    }

    pub(super) fn chat(&self, token: &str, customer: i64) -> Option<&Chat> {
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
