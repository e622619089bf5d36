//! Chats of every kind in one way: who speaks there, and what is to be seen.

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        Attachment, ChatMessage, FakeTelegram, NewFile, albums, attachments,
        chats::NOBODY,
        places::Spot,
        world::{Bot, Chat, World},
    },
};

/// A chat that a bot takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// A customer's own chat with the bot.
    Private {
        customer: i64,
    },
    Group {
        group: i64,
    },
    /// A customer's chat with the owner of an account that the bot looks after, or did.
    Desk {
        owner: i64,
        customer: i64,
    },
}

/// A group as it is to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCard {
    pub id: i64,
    pub title: String,
    /// Who is in it.
    pub members: Vec<i64>,
    /// Whether the bot is in it.
    pub has_bot: bool,
}

impl Bot {
    fn chat_in(&self, room: Room) -> Option<&Chat> {
        match room {
            Room::Private { customer } => self.chats.get(&customer),
            Room::Group { group } => self.chats.get(&group),
            Room::Desk { owner, customer } => self.accounts.get(&owner)?.chats.get(&customer),
        }
    }
}

impl World {
    /// The room as the bot sees it; `None` if the bot gets no updates of it.
    pub(super) fn spot_of<'w>(&'w mut self, token: &'w str, room: Room) -> Option<Spot<'w>> {
        match room {
            Room::Private { customer: id } | Room::Group { group: id } => self.spot(token, id),
            Room::Desk { owner, customer } => {
                let id = self.bots.get(token)?.connection(owner)?.0.clone();
                self.desk(token, &id, owner, customer)
            }
        }
    }

    fn speak(&mut self, token: &str, (room, who): (Room, i64), message: ChatMessage, now: UnixMillis) -> Option<i64> {
        match room {
            Room::Private { customer } => self.say(token, customer, message, now),
            Room::Group { group } => self.say_in_group(token, group, Some(who), message, now),
            Room::Desk { owner, customer } => {
                self.say_at_desk(token, (owner, customer), ChatMessage { sender: who, ..message }, now)
            }
        }
    }

    /// Somebody sends files; several belong together. Returns the ids of their messages.
    fn send_files(
        &mut self,
        token: &str,
        place: (Room, i64),
        (files, reply_to): (&[NewFile], Option<i64>),
        now: UnixMillis,
    ) -> Option<Vec<i64>> {
        let album = (files.len() > 1).then(albums::new_id);
        let mut send = |file: &NewFile| {
            let text = file.caption.clone().unwrap_or_default();
            let file = attachments::keep(&mut self.files, token, file.bytes.clone(), Attachment::of(file));
            let media_group_id = album.clone();
            let message = ChatMessage { text, file: Some(file), media_group_id, reply_to, ..ChatMessage::default() };
            self.speak(token, place, message, now)
        };
        files.iter().map(&mut send).collect()
    }
}

impl FakeTelegram {
    /// Somebody says something: `who` is the customer, a member of the group, or the owner. Of `message` text, piece
    /// and what it answers count. Returns its id.
    ///
    /// # Panics
    /// If the bot, the room or the person is not there.
    pub fn say_in(&self, token: &str, room: Room, who: i64, message: ChatMessage) -> i64 {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.speak(token, (room, who), message, now)).expect(NOBODY)
    }

    /// Somebody sends one file, or several as an album, and may answer a message with it. Returns the ids of the
    /// messages.
    ///
    /// # Panics
    /// If the bot, the room or the person is not there.
    pub fn send_files_in(
        &self,
        token: &str,
        room: Room,
        who: i64,
        files: &[NewFile],
        reply_to: Option<i64>,
    ) -> Vec<i64> {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.send_files(token, (room, who), (files, reply_to), now)).expect(NOBODY)
    }

    /// The author of a message edits it.
    ///
    /// # Panics
    /// If there is no such message.
    pub fn edit_in(&self, token: &str, room: Room, message_id: i64, text: &str) {
        match room {
            Room::Private { customer: id } | Room::Group { group: id } => self.edit(token, id, message_id, text),
            Room::Desk { owner, customer } => self.edit_in_business(token, owner, customer, message_id, text),
        }
    }

    /// The messages of a room, oldest first.
    pub fn messages_in(&self, token: &str, room: Room) -> Vec<ChatMessage> {
        self.in_room(token, room, |chat| chat.messages.clone()).unwrap_or_default()
    }

    /// Reads the messages of a room where they are, oldest first: none if the room is not there. Nothing else happens
    /// here meanwhile.
    pub fn read_room<R>(&self, token: &str, room: Room, read: impl FnOnce(&[ChatMessage]) -> R) -> R {
        self.core.world.read(|world| {
            let chat = world.bots.get(token).and_then(|bot| bot.chat_in(room));
            read(chat.map_or(&[], |chat| chat.messages.as_slice()))
        })
    }

    /// What people there see the bot do, as `sendChatAction` names it.
    pub fn action_in(&self, token: &str, room: Room) -> Option<String> {
        let now = self.core.clock.now();
        let action = self.in_room(token, room, |chat| chat.action.clone()).flatten();
        action.filter(|(_, until)| *until > now).map(|(action, _)| action)
    }

    fn in_room<R>(&self, token: &str, room: Room, read: impl FnOnce(&Chat) -> R) -> Option<R> {
        self.core.world.read(|world| world.bots.get(token)?.chat_in(room).map(read))
    }

    /// The groups that a bot is in, or was.
    pub fn groups(&self, token: &str) -> Vec<GroupCard> {
        self.core.world.read(|world| {
            let groups = world.bots.get(token).into_iter().flat_map(|bot| &bot.groups);
            groups.map(|(id, group)| group.card(*id)).collect()
        })
    }

    /// The owners of accounts that a bot looks after, or did, and whether it does.
    pub fn owners(&self, token: &str) -> Vec<(i64, bool)> {
        self.core.world.read(|world| {
            let Some(bot) = world.bots.get(token) else { return Vec::new() };
            let owners: std::collections::BTreeSet<i64> = bot.connections.values().map(|it| it.owner).collect();
            owners.into_iter().map(|owner| (owner, bot.connection(owner).is_some())).collect()
        })
    }
}
