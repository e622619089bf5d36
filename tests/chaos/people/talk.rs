//! Conversations: where people talk, and what is to be seen there.

use telekommo::sandbox::{
    harness::{GARDEN, LINES, Line, OLGA},
    kommo::{FakeKommo, Message},
    telegram::{ChatMessage, FakeTelegram, NewFile, Room},
};

use super::{CUSTOMERS, TERRACE};

/// What the tags of all conversations begin with.
const TAG: &str = "talk ";

/// A conversation: whose bot it is with, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talk {
    number: usize,
    line: usize,
    pub(crate) room: Room,
    pub(crate) who: i64,
}

impl Talk {
    /// All of them: private chats with both bots, a group of each, and an owner's chats that the second looks after.
    pub(crate) fn all() -> Vec<Self> {
        let private =
            (0..LINES.len()).flat_map(|line| CUSTOMERS.map(|who| (line, Room::Private { customer: who }, who)));
        let groups = [(0, GARDEN), (1, TERRACE)].map(|(line, group)| (line, Room::Group { group }, CUSTOMERS[0]));
        let desk = CUSTOMERS.map(|who| (1, Room::Desk { owner: OLGA, customer: who }, who));
        let places = private.chain(groups).chain(desk);
        places.enumerate().map(|(number, (line, room, who))| Self { number, line, room, who }).collect()
    }

    /// Whether this is the same one.
    pub(crate) const fn is(&self, other: &Self) -> bool {
        self.number == other.number
    }

    pub(crate) const fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn line(&self) -> Line {
        LINES[self.line]
    }

    /// What begins every text of this conversation, and of no other.
    pub(crate) fn tag(&self) -> String {
        format!("{TAG}{}:", self.number)
    }

    /// The conversation's id.
    pub(crate) fn conversation(&self) -> String {
        let source = self.line().source;
        match self.room {
            Room::Private { customer: id } | Room::Group { group: id } => format!("tg:{source}:{id}"),
            Room::Desk { owner, customer } => format!("tg:{source}:{owner}/{customer}"),
        }
    }

    /// Whether somebody's words from another conversation are in a text.
    pub(crate) fn is_foreign(&self, text: &str) -> bool {
        let number = |at: usize| text[at + TAG.len()..].split_once(':').and_then(|(number, _)| number.parse().ok());
        text.match_indices(TAG).filter_map(|(at, _)| number(at)).any(|number: usize| number != self.number)
    }

    /// Reads what Kommo has of it, oldest first. Nobody else comes to Kommo meanwhile, so it must not be asked
    /// anything.
    pub(crate) fn in_kommo<R>(&self, kommo: &FakeKommo, read: impl FnOnce(&[Message]) -> R) -> R {
        kommo.read_chat(&self.conversation(), read)
    }

    /// Reads what stands there in Telegram, oldest first. Nobody else comes to Telegram meanwhile, so it must not be
    /// asked anything.
    pub(crate) fn in_telegram<R>(&self, telegram: &FakeTelegram, read: impl FnOnce(&[ChatMessage]) -> R) -> R {
        telegram.read_room(self.line().token, self.room, read)
    }

    /// Whether Kommo knows it, so that managers can answer.
    pub(crate) fn is_known(&self, kommo: &FakeKommo) -> bool {
        self.in_kommo(kommo, |messages| !messages.is_empty())
    }

    /// The customer writes, and may answer a message. Gives the number of theirs.
    pub(crate) fn write(&self, telegram: &FakeTelegram, text: &str, reply_to: Option<i64>) -> i64 {
        let message = ChatMessage { text: text.to_owned(), reply_to, ..ChatMessage::default() };
        telegram.say_in(self.line().token, self.room, self.who, message)
    }

    /// The customer changes what they wrote.
    pub(crate) fn edit(&self, telegram: &FakeTelegram, id: i64, text: &str) {
        telegram.edit_in(self.line().token, self.room, id, text);
    }

    /// The customer sends a file, or several as an album.
    pub(crate) fn send(&self, telegram: &FakeTelegram, files: &[NewFile]) {
        telegram.send_files_in(self.line().token, self.room, self.who, files, None);
    }

    pub(crate) const fn is_group(&self) -> bool {
        matches!(self.room, Room::Group { .. })
    }

    /// Whether the other side can react to messages there, and is told of reactions.
    pub(crate) const fn has_reactions(&self) -> bool {
        matches!(self.room, Room::Private { .. })
    }
}
