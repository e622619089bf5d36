//! What owners of business accounts and their customers do, and what they see.

use serde_json::Value;

use crate::sandbox::telegram::{
    Attachment, ChatMessage, FakeTelegram, NewFile, attachments,
    chats::NOBODY,
    world::{Bot, Chat},
};

/// A chat that somebody writes in was there before.
const NO_MESSAGE: &str = "a message is there before it is changed";

impl FakeTelegram {
    /// The owner of an account, a customer like others, lets a bot look after it, with rights as
    /// `BusinessBotRights` names them: `can_reply`, `can_read_messages`. An older connection of the owner's ends.
    ///
    /// Gives the id of the connection.
    ///
    /// # Panics
    /// If the bot or the owner was never added.
    pub fn connect_business(&self, token: &str, owner: i64, rights: &[&str]) -> String {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.connect(token, owner, rights, now)).expect(NOBODY)
    }

    /// The owner takes the bot away. Connecting again makes a new connection.
    pub fn disconnect_business(&self, token: &str, owner: i64) {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.disconnect(token, owner, now));
    }

    /// The owner gives the bot these rights in place of the ones that it has.
    pub fn set_business_rights(&self, token: &str, owner: i64, rights: &[&str]) {
        let now = self.core.clock.now();
        let rights = rights.iter().map(|right| (*right).to_owned()).collect();
        self.core.world.change(|world| world.change_connection(token, owner, now, |it| it.rights = rights));
    }

    /// A customer writes to the owner. The bot sees it as long as it is connected. Returns the message's id, which
    /// counts for all chats of the owner together.
    ///
    /// # Panics
    /// If the bot, the owner or the customer was never added.
    pub fn write_to_business(&self, token: &str, owner: i64, customer: i64, text: &str) -> i64 {
        self.say_at_desk(
            token,
            (owner, customer),
            customer,
            ChatMessage { text: text.to_owned(), ..ChatMessage::default() },
        )
    }

    /// The owner writes to a customer from the app. Returns the message's id.
    ///
    /// # Panics
    /// If the bot, the owner or the customer was never added.
    pub fn write_as_business(&self, token: &str, owner: i64, customer: i64, text: &str) -> i64 {
        self.say_at_desk(
            token,
            (owner, customer),
            owner,
            ChatMessage { text: text.to_owned(), ..ChatMessage::default() },
        )
    }

    /// The customer, or the owner if `by_owner`, sends a file to the other. Returns the message's id.
    ///
    /// # Panics
    /// If the bot, the owner or the customer was never added.
    pub fn send_business_file(&self, token: &str, owner: i64, customer: i64, by_owner: bool, file: &NewFile) -> i64 {
        let text = file.caption.clone().unwrap_or_default();
        let attachment = self
            .core
            .world
            .change(|world| attachments::keep(&mut world.files, token, file.bytes.clone(), Attachment::of(file)));
        let message = ChatMessage { text, file: Some(attachment), ..ChatMessage::default() };
        self.say_at_desk(token, (owner, customer), if by_owner { owner } else { customer }, message)
    }

    fn say_at_desk(&self, token: &str, desk: (i64, i64), sender: i64, message: ChatMessage) -> i64 {
        let now = self.core.clock.now();
        let message = ChatMessage { sender, ..message };
        self.core.world.change(|world| world.say_at_desk(token, desk, message, now)).expect(NOBODY)
    }

    /// The author of a message in such a chat edits it.
    ///
    /// # Panics
    /// If there is no such message.
    pub fn edit_in_business(&self, token: &str, owner: i64, customer: i64, message_id: i64, text: &str) {
        let now = self.core.clock.now();
        let edited =
            self.core.world.change(|world| world.edit_at_desk(token, (owner, customer), message_id, text, now));
        edited.expect(NO_MESSAGE);
    }

    /// Somebody deletes messages of such a chat for both.
    ///
    /// # Panics
    /// If the bot, the owner or the customer was never added.
    pub fn delete_in_business(&self, token: &str, owner: i64, customer: i64, message_ids: &[i64]) {
        let now = self.core.clock.now();
        let deleted = self.core.world.change(|world| world.delete_at_desk(token, (owner, customer), message_ids, now));
        deleted.expect(NOBODY);
    }

    /// The messages of a chat between an owner and a customer, oldest first.
    pub fn business_messages(&self, token: &str, owner: i64, customer: i64) -> Vec<ChatMessage> {
        self.at_desk(token, owner, customer, |chat| chat.messages.clone()).unwrap_or_default()
    }

    /// What the customer sees the owner do, as `sendChatAction` names it.
    pub fn business_action(&self, token: &str, owner: i64, customer: i64) -> Option<String> {
        let now = self.core.clock.now();
        let action = self.at_desk(token, owner, customer, |chat| chat.action.clone()).flatten();
        action.filter(|(_, until)| *until > now).map(|(action, _)| action)
    }

    /// Up to which message the bot has read such a chat; 0 is none.
    pub fn business_read_up_to(&self, token: &str, owner: i64, customer: i64) -> i64 {
        self.at_desk(token, owner, customer, |chat| chat.read_up_to).unwrap_or_default()
    }

    fn at_desk<R>(&self, token: &str, owner: i64, customer: i64, read: impl FnOnce(&Chat) -> R) -> Option<R> {
        let chat = |bot: &Bot| bot.accounts.get(&owner)?.chats.get(&customer).map(read);
        self.core.world.read(|world| world.bots.get(token).and_then(chat))
    }

    /// Tells the bot of a message as if the real server did so for what the bot itself has sent: as `business_message`
    /// with `sender_business_bot`. Whether it does is not documented, so that bots have to expect both.
    ///
    /// # Panics
    /// If there is no such message.
    pub fn echo_business_message(&self, token: &str, owner: i64, customer: i64, message_id: i64) -> Value {
        let now = self.core.clock.now();
        let update = self.core.world.change(|world| world.echo_at_desk(token, (owner, customer), message_id, now));
        update.expect(NO_MESSAGE)
    }
}
