//! Finds the recipient of a hook that names no conversation: a manager writes first.

use std::time::Duration;

use crate::{
    domain::{
        address::{Conversation, SourceId, UserId},
        manager_initiated::UnknownRecipient,
        message::{Outbound, Recipient},
        phone,
        time::UnixMillis,
    },
    kommo::region::PhoneRegion,
    store::{Store, StoreError},
};

/// How long a number counts as the customer's. Numbers that are given up are assigned to other people some time later.
const COUNTS_FOR: Duration = Duration::from_hours(365 * 24);

/// The recipient of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// The customer of a conversation of ours.
    Known(Conversation),
    /// A conversation that is not ours.
    Foreign,
    /// Kommo names no phone number.
    Nobody,
    /// Nobody has shared this number, or not for a long time.
    Unknown,
    /// The number has no country code, and customers in several countries have it with one.
    Several,
    /// Several bots could send it.
    SomeBot,
    /// The number belongs to one customer, and the chat was started with another.
    Two,
}

/// Finds the recipient of an answer at `now`.
///
/// If Kommo names no conversation, the recipient is the last customer who has shared the phone number as their own. The
/// bot is that of the source that Kommo names, or the only one. A number without a country code is that of a customer
/// in the country of `region`, otherwise of the only customer in any country. A chat keeps the customer with whom it
/// was started.
pub fn find<'s>(
    store: &Store,
    sources: impl IntoIterator<Item = &'s SourceId>,
    outbound: &Outbound,
    region: &PhoneRegion,
    now: UnixMillis,
) -> Result<Addressee, StoreError> {
    match &outbound.to {
        Recipient::Known(conversation) => Ok(Addressee::Known(conversation.clone())),
        Recipient::Foreign(_) => Ok(Addressee::Foreign),
        Recipient::UnknownRecipient(stranger) => {
            let started = stranger.opening.as_ref().map(|opening| store.opened(&opening.chat)).transpose()?.flatten();
            let owners = owners(store, stranger.phone.as_deref().unwrap_or_default(), region, now)?;
            Ok(addressee(started, &owners, stranger, source(sources, outbound.source.as_deref())))
        }
    }
}

/// The customers to whom a number may belong, as it is written in Kommo, each once. If several have shared the same
/// number in different spellings, it belongs to the last of them.
fn owners(store: &Store, phone: &str, region: &PhoneRegion, now: UnixMillis) -> Result<Vec<UserId>, StoreError> {
    let mut owners = Vec::new();
    for number in phone::readings(phone, region.country()) {
        let known = number.iter().map(|digits| store.owner_of(digits)).collect::<Result<Vec<_>, _>>()?;
        let owner = known.into_iter().flatten().max_by_key(|owner| owner.shared_at);
        let owner = owner.filter(|owner| owner.shared_at.until(now) < COUNTS_FOR);
        owners.extend(owner.map(|owner| owner.customer).filter(|customer| !owners.contains(customer)));
    }
    Ok(owners)
}

fn addressee(
    started: Option<Conversation>,
    owners: &[UserId],
    stranger: &UnknownRecipient,
    source: Option<&SourceId>,
) -> Addressee {
    match (started, owners, source) {
        (Some(started), [], _) => Addressee::Known(started),
        (Some(started), owners, _) if owners.iter().any(|owner| owner.0 == started.chat.id) => {
            Addressee::Known(started)
        }
        (Some(_), [..], _) => Addressee::Two,
        (None, [owner], Some(source)) => Addressee::Known(Conversation::new(source.clone(), owner.0)),
        (None, [_], None) => Addressee::SomeBot,
        (None, [_, _, ..], _) => Addressee::Several,
        (None, [], _) if stranger.phone.is_none() => Addressee::Nobody,
        (None, [], _) => Addressee::Unknown,
    }
}

/// The source for a name, or the only one. Kommo may name one that is not ours.
pub fn source<'s>(sources: impl IntoIterator<Item = &'s SourceId>, named: Option<&str>) -> Option<&'s SourceId> {
    let sources: Vec<_> = sources.into_iter().collect();
    let is_named = |source: &&&SourceId| Some(source.as_str()) == named;
    let only = || sources.first().copied().filter(|_| sources.len() == 1);
    sources.iter().find(is_named).copied().or_else(only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_the_named_one_or_the_only_one() {
        let [sales, support] = ["sales", "support"].map(|name| SourceId::parse(name).unwrap());
        for (sources, named, addressee) in [
            (vec![&sales, &support], Some("support"), Some(&support)),
            (vec![&sales, &support], Some("widget"), None),
            (vec![&sales, &support], None, None),
            (vec![&sales], None, Some(&sales)),
            (vec![&sales], Some("widget"), Some(&sales)),
            (vec![], Some("sales"), None),
        ] {
            assert_eq!(source(sources.clone(), named), addressee, "{sources:?} {named:?}");
        }
    }

    #[test]
    fn an_ambiguous_recipient_is_nobody() {
        let sales = SourceId::parse("sales").unwrap();
        let with = |id: i64| Conversation::new(sales.clone(), id);
        let stranger = |phone: Option<&str>| UnknownRecipient { phone: phone.map(str::to_owned), opening: None };
        for (started, owners, phone, source, expected) in [
            (None, vec![7], Some("491"), Some(&sales), Addressee::Known(with(7))),
            (Some(with(7)), vec![7], Some("491"), None, Addressee::Known(with(7))),
            (Some(with(7)), vec![8, 7], Some("491"), None, Addressee::Known(with(7))),
            (Some(with(7)), vec![], Some("492"), None, Addressee::Known(with(7))),
            (Some(with(7)), vec![8], Some("491"), Some(&sales), Addressee::Two),
            (None, vec![7, 8], Some("491"), Some(&sales), Addressee::Several),
            (None, vec![7], Some("491"), None, Addressee::SomeBot),
            (None, vec![], Some("491"), Some(&sales), Addressee::Unknown),
            (None, vec![], None, Some(&sales), Addressee::Nobody),
        ] {
            let owners: Vec<_> = owners.into_iter().map(UserId).collect();
            assert_eq!(
                addressee(started.clone(), &owners, &stranger(phone), source),
                expected,
                "{started:?} {phone:?}"
            );
        }
    }
}
