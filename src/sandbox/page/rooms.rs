//! The chats on Telegram that the page shows.

use crate::sandbox::{
    page::View,
    telegram::{Customer, Room},
};

/// The customers: everybody whose chats no bot looks after.
pub(super) fn customers(view: &View) -> Vec<Customer> {
    let owners: Vec<i64> =
        view.sources.iter().flat_map(|(_, token)| view.telegram.owners(token)).map(|it| it.0).collect();
    view.telegram.customers().into_iter().filter(|it| !owners.contains(&it.id)).collect()
}

/// All rooms of a bot: each customer's own, its groups, and each customer's with the owners.
pub(super) fn of_bot(view: &View, token: &str, customers: &[Customer]) -> Vec<Room> {
    let private = customers.iter().map(|it| Room::Private { customer: it.id });
    let groups = view.telegram.groups(token).into_iter().map(|it| Room::Group { group: it.id });
    let desks = view
        .telegram
        .owners(token)
        .into_iter()
        .flat_map(|(owner, _)| customers.iter().map(move |it| Room::Desk { owner, customer: it.id }));
    private.chain(groups).chain(desks).collect()
}
