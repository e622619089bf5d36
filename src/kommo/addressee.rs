//! Whom a hook is for that names no conversation: a manager writes first.

use std::time::Duration;

use crate::{
    domain::{
        address::{Conversation, SourceId},
        message::{Outbound, Recipient},
        opening::Stranger,
        time::UnixMillis,
    },
    store::{OwnNumber, Store, StoreError},
};

/// How long a number counts as the customer's. Numbers that are given up go to other people some time later.
const COUNTS_FOR: Duration = Duration::from_hours(365 * 24);

/// Whom an answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// The customer of a conversation of ours.
    Known(Conversation),
    /// Somebody in a conversation that is not ours.
    Foreign,
    /// Kommo tells no phone number.
    Nobody,
    /// Nobody has shared this number, or not for a long time.
    Unknown,
    /// It is not clear by which of the bots.
    SomeBot,
    /// The number is one customer's, and the chat was begun with another.
    Two,
}

/// Whom an answer is for at `now`.
///
/// Where Kommo names no conversation, it is the customer who was the last to share the phone number as their own, by the bot
/// of the source that Kommo names, or the only bot that there is. Numbers count as they are: one that is merely alike is
/// somebody else's. A chat that was begun stays with whom it was begun.
///
/// # Errors
/// If the store fails.
pub fn find<'s>(
    store: &Store,
    sources: impl IntoIterator<Item = &'s SourceId>,
    outbound: &Outbound,
    now: UnixMillis,
) -> Result<Addressee, StoreError> {
    match &outbound.to {
        Recipient::Known(conversation) => Ok(Addressee::Known(conversation.clone())),
        Recipient::Foreign(_) => Ok(Addressee::Foreign),
        Recipient::Stranger(stranger) => {
            let begun = stranger.opening.as_ref().map(|opening| store.opened(&opening.chat)).transpose()?.flatten();
            let owner = stranger.phone.as_deref().map(|phone| store.owner_of(phone)).transpose()?.flatten();
            let owner = owner.filter(|owner| owner.shared_at.until(now) < COUNTS_FOR);
            Ok(meant(begun, owner, stranger, source(sources, outbound.source.as_deref())))
        }
    }
}

fn meant(
    begun: Option<Conversation>,
    owner: Option<OwnNumber>,
    stranger: &Stranger,
    source: Option<&SourceId>,
) -> Addressee {
    match (begun, owner, source) {
        (Some(begun), Some(owner), _) if owner.customer.0 != begun.chat.id => Addressee::Two,
        (Some(begun), ..) => Addressee::Known(begun),
        (None, Some(owner), Some(source)) => Addressee::Known(Conversation::new(source.clone(), owner.customer.0)),
        (None, Some(_), None) => Addressee::SomeBot,
        (None, None, _) if stranger.phone.is_none() => Addressee::Nobody,
        (None, None, _) => Addressee::Unknown,
    }
}

/// The source that is meant. Kommo may name one that is not ours, where it knows no better.
pub fn source<'s>(sources: impl IntoIterator<Item = &'s SourceId>, named: Option<&str>) -> Option<&'s SourceId> {
    let sources: Vec<_> = sources.into_iter().collect();
    let is_named = |source: &&&SourceId| Some(source.as_str()) == named;
    let only = || sources.first().copied().filter(|_| sources.len() == 1);
    sources.iter().find(is_named).copied().or_else(only)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::UserId;

    #[test]
    fn a_source_is_the_named_one_or_the_only_one() {
        let [sales, support] = ["sales", "support"].map(|name| SourceId::parse(name).unwrap());
        for (sources, named, meant) in [
            (vec![&sales, &support], Some("support"), Some(&support)),
            (vec![&sales, &support], Some("widget"), None),
            (vec![&sales, &support], None, None),
            (vec![&sales], None, Some(&sales)),
            (vec![&sales], Some("widget"), Some(&sales)),
            (vec![], Some("sales"), None),
        ] {
            assert_eq!(source(sources.clone(), named), meant, "{sources:?} {named:?}");
        }
    }

    #[test]
    fn who_is_meant_is_clear_or_nobody() {
        let sales = SourceId::parse("sales").unwrap();
        let with = |id: i64| Conversation::new(sales.clone(), id);
        let owner = |id| OwnNumber { customer: UserId(id), phone: "491".to_owned(), shared_at: UnixMillis(0) };
        let stranger = |phone: Option<&str>| Stranger { phone: phone.map(str::to_owned), opening: None };
        for (begun, owner, phone, source, meant_is) in [
            (None, Some(owner(7)), Some("491"), Some(&sales), Addressee::Known(with(7))),
            (Some(with(7)), Some(owner(7)), Some("491"), None, Addressee::Known(with(7))),
            (Some(with(7)), None, Some("492"), None, Addressee::Known(with(7))),
            (Some(with(7)), Some(owner(8)), Some("491"), Some(&sales), Addressee::Two),
            (None, Some(owner(7)), Some("491"), None, Addressee::SomeBot),
            (None, None, Some("491"), Some(&sales), Addressee::Unknown),
            (None, None, None, Some(&sales), Addressee::Nobody),
        ] {
            assert_eq!(meant(begun.clone(), owner, &stranger(phone), source), meant_is, "{begun:?} {phone:?}");
        }
    }
}
