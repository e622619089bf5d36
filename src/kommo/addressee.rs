//! Whom a hook is for that names no conversation: a manager writes first.

use crate::{
    domain::{
        address::{Conversation, SourceId},
        message::{Outbound, Recipient},
        opening::Stranger,
    },
    store::{Store, StoreError},
};

/// The conversation that an answer goes to; `None` if there is none of ours.
///
/// Where Kommo names none, it is the one that the chat was begun with; else the one of the customer who has shared the
/// phone number as their own, with the bot of the source that Kommo names, or the only bot that there is. Numbers count
/// as they are: one that is merely alike is somebody else's.
///
/// # Errors
/// If the store fails.
pub fn find<'s>(
    store: &Store,
    sources: impl IntoIterator<Item = &'s SourceId>,
    outbound: &Outbound,
) -> Result<Option<Conversation>, StoreError> {
    match &outbound.to {
        Recipient::Known(conversation) => Ok(Some(conversation.clone())),
        Recipient::Foreign(_) => Ok(None),
        Recipient::Stranger(stranger) => known(store, sources, stranger, outbound.source.as_deref()),
    }
}

fn known<'s>(
    store: &Store,
    sources: impl IntoIterator<Item = &'s SourceId>,
    stranger: &Stranger,
    named: Option<&str>,
) -> Result<Option<Conversation>, StoreError> {
    if let Some(opening) = &stranger.opening
        && let Some(begun) = store.opened(&opening.chat)?
    {
        return Ok(Some(begun));
    }
    let owner = stranger.phone.as_deref().map(|phone| store.owner_of(phone)).transpose()?.flatten();
    Ok(source(sources, named).zip(owner).map(|(source, owner)| Conversation::new(source.clone(), owner.0)))
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
}
