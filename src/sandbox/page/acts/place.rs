//! Where a customer acts: in their own chat with a bot, in a group, or in their chat with an owner.

use serde::Deserialize;

use crate::sandbox::{
    page::{PageError, View},
    telegram::{ChatMessage, Customer, Room},
};

/// A room and who acts in it, as the page names them.
#[derive(Deserialize)]
pub(super) struct Place {
    source: String,
    customer: i64,
    /// The group that the customer is in, if it is there.
    group: Option<i64>,
    /// The owner of an account that the bot looks after, if it is in the customer's chat with them.
    owner: Option<i64>,
    /// Whether the owner acts, and not the customer.
    #[serde(default)]
    as_owner: bool,
}

/// A room that is there, and who acts in it.
#[derive(Clone, Copy)]
pub(super) struct Spot<'v> {
    pub(super) view: &'v View,
    pub(super) token: &'v str,
    pub(super) room: Room,
    pub(super) customer: i64,
    /// The customer or the owner.
    pub(super) who: i64,
    /// Whether the bot is told of what happens there.
    pub(super) has_bot: bool,
}

impl Place {
    /// The place, if bot, customer and room are there.
    pub(super) fn find<'v>(&self, view: &'v View) -> Result<Spot<'v>, PageError> {
        let (token, customer) = (view.token(&self.source)?, self.customer);
        if !view.telegram.customers().iter().any(|it| it.id == customer) {
            return Err(PageError::unknown(format!("There is no customer {customer}.")));
        }
        let (room, has_bot) = match (self.group, self.owner) {
            (None, None) => (Room::Private { customer }, !view.telegram.is_blocked(token, customer)),
            (Some(group), _) => self.group(view, token, group)?,
            (None, Some(owner)) => self.desk(view, token, owner)?,
        };
        let who = self.owner.filter(|_| self.as_owner).unwrap_or(customer);
        Ok(Spot { view, token, room, customer, who, has_bot })
    }

    fn group(&self, view: &View, token: &str, group: i64) -> Result<(Room, bool), PageError> {
        let found = view.telegram.groups(token).into_iter().find(|it| it.id == group);
        let found = found.filter(|it| it.members.contains(&self.customer));
        let unknown =
            || PageError::unknown(format!("There is no group {group} with customer {} in it.", self.customer));
        found.map(|it| (Room::Group { group }, it.has_bot)).ok_or_else(unknown)
    }

    fn desk(&self, view: &View, token: &str, owner: i64) -> Result<(Room, bool), PageError> {
        let found = view.telegram.owners(token).into_iter().find(|(it, _)| *it == owner && *it != self.customer);
        let unknown = || PageError::unknown(format!("Nobody of id {owner} lets this bot look after their chats."));
        found.map(|(_, has_bot)| (Room::Desk { owner, customer: self.customer }, has_bot)).ok_or_else(unknown)
    }
}

impl Spot<'_> {
    pub(super) fn person(&self) -> Result<Customer, PageError> {
        let found = self.view.telegram.customers().into_iter().find(|it| it.id == self.who);
        found.ok_or_else(|| PageError::unknown(format!("There is nobody of id {}.", self.who)))
    }

    /// A message of the room.
    pub(super) fn message(&self, id: i64) -> Result<ChatMessage, PageError> {
        let found = self.view.telegram.messages_in(self.token, self.room).into_iter().find(|it| it.message_id == id);
        found.ok_or_else(|| PageError::unknown(format!("There is no message {id} in this chat.")))
    }

    /// The id of the message that is answered, if there is one.
    pub(super) fn quoted(&self, reply_to: Option<i64>) -> Result<Option<i64>, PageError> {
        reply_to.map(|id| self.message(id)).transpose().map(|it| it.map(|it| it.message_id))
    }
}
