//! What people do in groups and channels.

use crate::sandbox::telegram::{
    ChatMessage, FakeTelegram,
    groups::{NewGroup, Standing},
    world::World,
};

const NO_GROUP: &str = "bots, groups and their members are added before they act";

impl FakeTelegram {
    /// A new group or channel, into which its first member lets the bot. The bot is told by `my_chat_member`.
    ///
    /// # Panics
    /// If the bot was never added, or the group has no members that are customers.
    pub fn add_group(&self, token: &str, group: NewGroup) {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.add_group(token, group, now)).expect(NO_GROUP);
    }

    /// Whether a bot reads all messages in groups. It does not unless its owner has said so: then it sees commands and
    /// answers to what it wrote.
    pub fn set_reads_all(&self, token: &str, reads_all: bool) {
        self.core.world.change(|world: &mut World| {
            if let Some(bot) = world.bots.get_mut(token) {
                bot.user.reads_all = reads_all;
            }
        });
    }

    /// A member writes into a group. Returns the message's id.
    ///
    /// # Panics
    /// If there is no such group or no such member.
    pub fn write_in_group(&self, token: &str, group: i64, member: i64, text: &str) -> i64 {
        self.say_in_group(token, group, Some(member), ChatMessage { text: text.to_owned(), ..ChatMessage::default() })
    }

    /// A member answers a message in a group. Returns the new message's id.
    ///
    /// # Panics
    /// If there is no such group or no such member.
    pub fn reply_in_group(&self, token: &str, group: i64, member: i64, text: &str, reply_to: i64) -> i64 {
        let message = ChatMessage { text: text.to_owned(), reply_to: Some(reply_to), ..ChatMessage::default() };
        self.say_in_group(token, group, Some(member), message)
    }

    /// A channel posts. Returns the message's id.
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn post(&self, token: &str, channel: i64, text: &str) -> i64 {
        self.say_in_group(token, channel, None, ChatMessage { text: text.to_owned(), ..ChatMessage::default() })
    }

    fn say_in_group(&self, token: &str, group: i64, member: Option<i64>, message: ChatMessage) -> i64 {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.say_in_group(token, group, member, message, now)).expect(NO_GROUP)
    }

    /// Somebody throws the bot out of a group or a channel.
    ///
    /// # Panics
    /// If there is no such group or nobody of that id.
    pub fn kick(&self, token: &str, group: i64, by: i64) {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.stand(token, group, by, Standing::Kicked, now)).expect(NO_GROUP);
    }

    /// Somebody makes the bot an administrator.
    ///
    /// # Panics
    /// If there is no such group or nobody of that id.
    pub fn promote(&self, token: &str, group: i64, by: i64) {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.stand(token, group, by, Standing::Admin, now)).expect(NO_GROUP);
    }

    /// A member reacts to a message of a group with an emoji, or takes it back.
    ///
    /// # Panics
    /// If there is no such message.
    pub fn react_in_group(&self, token: &str, group: i64, member: i64, message_id: i64, emoji: Option<&str>) {
        let now = self.core.clock.now();
        let reacted = self.core.world.change(|world| world.react(token, (group, member), message_id, emoji, now));
        reacted.expect("a message is there before somebody reacts to it");
    }

    /// Somebody lets the bot in again.
    ///
    /// # Panics
    /// If there is no such group or nobody of that id.
    pub fn let_in(&self, token: &str, group: i64, by: i64) {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.let_in(token, group, by, now)).expect(NO_GROUP);
    }

    /// A group becomes the supergroup `to`. The bot is told in both.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn migrate(&self, token: &str, group: i64, to: i64) {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.migrate(token, group, to, now)).expect(NO_GROUP);
    }
}
