//! What people do on this Telegram, and what they see: the handle for tests and for the page.

use axum::body::Bytes;
use serde_json::Value;

use crate::sandbox::telegram::{
    ChatMessage, Customer, FakeTelegram, NewBot, NewFile, Request, Room,
    world::{Person, World},
};

/// Acts name bots by token and customers by id; an act on somebody who was never added is a mistake in the caller.
pub(super) const NOBODY: &str = "bots and customers are added before they act";

impl FakeTelegram {
    /// A new bot. Adding a token again starts it anew.
    pub fn add_bot(&self, bot: NewBot) {
        self.core.world.change(|world| world.add_bot(bot));
    }

    /// A new customer, or new names for a known one.
    pub fn add_customer(&self, customer: Customer) {
        self.core.world.change(|world| {
            let avatar = world.customers.remove(&customer.id).and_then(|person| person.avatar);
            world.customers.insert(customer.id, Person { card: customer, deactivated: false, avatar });
        });
    }

    /// All customers, by id.
    pub fn customers(&self) -> Vec<Customer> {
        self.core.world.read(|world| world.customers.values().map(|person| person.card.clone()).collect())
    }

    /// A bot's username and name.
    pub fn bot_name(&self, token: &str) -> Option<(String, String)> {
        self.core
            .world
            .read(|world| world.bots.get(token).map(|bot| (bot.user.username.clone(), bot.user.name.clone())))
    }

    /// A customer writes to a bot. One who had blocked it takes it back first, as the app makes them.
    ///
    /// Gives the message's id.
    ///
    /// # Panics
    /// If the bot or the customer was never added.
    pub fn write(&self, token: &str, customer: i64, text: &str) -> i64 {
        let now = self.core.clock.now();
        let message = ChatMessage { text: text.to_owned(), ..ChatMessage::default() };
        self.core.world.change(|world| world.say(token, customer, message, now)).expect(NOBODY)
    }

    /// The count of messages in a customer's chat with a bot goes on from `last_id`. A bot's private chats share one
    /// count, so that numbers are left out wherever somebody else has written.
    ///
    /// # Panics
    /// If the bot was never added.
    pub fn count_from(&self, token: &str, customer: i64, last_id: i64) {
        self.core.world.change(|world| {
            world.bots.get_mut(token).expect(NOBODY).chats.entry(customer).or_default().last_id = last_id;
        });
    }

    /// A customer answers a message of the chat. Returns the new message's id.
    ///
    /// # Panics
    /// If the bot or the customer was never added.
    pub fn write_reply(&self, token: &str, customer: i64, text: &str, reply_to: i64) -> i64 {
        let now = self.core.clock.now();
        let message = ChatMessage { text: text.to_owned(), reply_to: Some(reply_to), ..ChatMessage::default() };
        self.core.world.change(|world| world.say(token, customer, message, now)).expect(NOBODY)
    }

    /// A customer reacts to a message with an emoji, or takes it back.
    ///
    /// # Panics
    /// If there is no such message.
    pub fn react(&self, token: &str, customer: i64, message_id: i64, emoji: Option<&str>) {
        let now = self.core.clock.now();
        let reacted = self.core.world.change(|world| world.react(token, (customer, customer), message_id, emoji, now));
        reacted.expect("a message is there before somebody reacts to it");
    }

    /// A customer changes a message of theirs.
    ///
    /// # Panics
    /// If there is no such message.
    pub fn edit(&self, token: &str, customer: i64, message_id: i64, text: &str) {
        let now = self.core.clock.now();
        let edited = self.core.world.change(|world| world.edit(token, customer, message_id, text, now));
        edited.expect("a message is there before it is changed");
    }

    /// A customer presses the button in `row` and `column`, both from 0, of a message. Returns the id of the press.
    ///
    /// # Panics
    /// If there is no such button that answers.
    pub fn press(&self, token: &str, customer: i64, message_id: i64, row: usize, column: usize) -> String {
        self.press_in(token, Room::Private { customer }, customer, message_id, (row, column))
    }

    /// The same in any room: `who` presses the button in a row and a column.
    ///
    /// # Panics
    /// If there is no such button that answers, or nobody is told of it.
    pub fn press_in(&self, token: &str, room: Room, who: i64, message_id: i64, key: (usize, usize)) -> String {
        self.press_if_there(token, room, who, message_id, key).expect("a button is there before it is pressed")
    }

    /// The same where a bot may have taken the button away in this very moment: then it is no press.
    pub fn press_if_there(
        &self,
        token: &str,
        room: Room,
        who: i64,
        message_id: i64,
        key: (usize, usize),
    ) -> Option<String> {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.press(token, (room, who), message_id, key, now))
    }

    /// A customer sends a file to a bot, as [`FakeTelegram::write`] does a text.
    ///
    /// Gives the message's id.
    ///
    /// # Panics
    /// If the bot or the customer was never added.
    pub fn send_file(&self, token: &str, customer: i64, file: &NewFile) -> i64 {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.send_file(token, customer, file, now)).expect(NOBODY)
    }

    /// The bytes of a file that a customer or a bot has sent, as long as Telegram has them.
    pub fn file(&self, file_id: &str) -> Option<Bytes> {
        self.core.world.read(|world| world.files.get(file_id).map(|file| file.bytes.clone()))
    }

    /// Telegram loses a file.
    pub fn forget_file(&self, file_id: &str) {
        self.core.world.change(|world| world.files.remove(file_id));
    }

    /// Queues an update of any kind: an object with one field, the kind, and without `update_id`.
    ///
    /// Gives its id, or `None` if the bot's `allowed_updates` leave the kind out.
    ///
    /// # Panics
    /// If the bot was never added, or `update` is not such an object.
    pub fn push_update(&self, token: &str, update: &Value) -> Option<i64> {
        let now = self.core.clock.now();
        let (kind, content) = update.as_object().and_then(|fields| fields.iter().next()).expect("an update has a kind");
        self.core.world.change(|world| world.bots.get_mut(token).expect(NOBODY).queue.push(kind, content, now))
    }

    /// Queues a hostile update: it is sent as it is, whatever it is. It takes the place of the next id, so that it is
    /// confirmed like any other.
    ///
    /// Gives the id of its place.
    ///
    /// # Panics
    /// If the bot was never added, or its queue is full.
    pub fn push_raw(&self, token: &str, update: Value) -> i64 {
        self.core.record.by_hand(&update);
        let now = self.core.clock.now();
        self.core.world.change(|world| {
            world.bots.get_mut(token).expect(NOBODY).queue.push_raw(update, now).expect("the queue has room")
        })
    }

    /// A chat's messages, oldest first.
    pub fn messages(&self, token: &str, customer: i64) -> Vec<ChatMessage> {
        self.core.world.read(|world| world.messages(token, customer))
    }

    /// Whether the customer sees the bot do something: for 5 s after a chat action, or until its next message.
    pub fn bot_is_typing(&self, token: &str, customer: i64) -> bool {
        self.bot_action(token, customer).is_some()
    }

    /// What the customer sees the bot do, as `sendChatAction` names it: `typing`, `upload_photo`.
    pub fn bot_action(&self, token: &str, customer: i64) -> Option<String> {
        let now = self.core.clock.now();
        let action = self.core.world.read(|world| world.chat(token, customer)?.action.clone());
        action.filter(|(_, until)| *until > now).map(|(action, _)| action)
    }

    /// Whether the customer has blocked the bot.
    pub fn is_blocked(&self, token: &str, customer: i64) -> bool {
        self.core.world.read(|world| world.chat(token, customer).is_some_and(|chat| chat.blocked))
    }

    /// A customer who has written to a bot blocks it, or takes it back. The bot is told by a `my_chat_member` update.
    pub fn block(&self, token: &str, customer: i64, blocked: bool) {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.block(token, customer, blocked, now));
    }

    /// A customer deletes their account. No update says so.
    pub fn deactivate(&self, customer: i64) {
        self.core.world.change(|world| {
            if let Some(person) = world.customers.get_mut(&customer) {
                person.deactivated = true;
            }
        });
    }

    /// The owner revokes a token: from now on it is unauthorized.
    pub fn revoke(&self, token: &str) {
        self.core.world.change(|world| {
            if let Some(bot) = world.bots.get_mut(token) {
                bot.revoked = true;
            }
        });
    }

    /// The id of the newest update that the bot has confirmed.
    pub fn confirmed_up_to(&self, token: &str) -> Option<i64> {
        self.core.world.read(|world| world.bots.get(token)?.queue.confirmed())
    }

    /// How many updates wait for the bot.
    pub fn pending(&self, token: &str) -> usize {
        let now = self.core.clock.now();
        self.core.world.note(|world| world.bots.get_mut(token).map_or(0, |bot| bot.queue.pending(now)))
    }

    /// The updates that Telegram has forgotten, since the bot has not asked for them in time.
    pub fn expired(&self, token: &str) -> Vec<Value> {
        let now = self.core.clock.now();
        self.core.world.note(|world| world.bots.get_mut(token).map_or_else(Vec::new, |bot| bot.queue.expired(now)))
    }

    /// How many `getUpdates` requests of the bot were let in: those that a webhook forbids do not count.
    pub fn poll_count(&self, token: &str) -> u64 {
        self.core.world.read(|world| world.bots.get(token).map_or(0, |bot| bot.polls.count()))
    }

    /// The last 10 000 answered requests, oldest first. A long poll is listed when it is answered.
    pub fn requests(&self) -> Vec<Request> {
        self.core.world.read(World::requests)
    }
}
