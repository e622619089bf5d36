//! Phone numbers, and chats that managers have begun.

use super::*;
use crate::domain::address::{KommoChatId, SourceId, UserId};

const ANN: UserId = UserId(7);
const BEN: UserId = UserId(8);

async fn share(store: &Store, customer: UserId, phone: &str, at: i64) {
    let shared_at = UnixMillis(at);
    store.remember_number(OwnNumber { customer, phone: phone.to_owned(), shared_at }).await.unwrap();
}

fn owners(store: &Store) -> [Option<UserId>; 2] {
    ["491", "492"].map(|phone| store.owner_of(phone).unwrap().map(|owner| owner.customer))
}

fn number(store: &Store, customer: UserId) -> Option<String> {
    store.number_of(customer).unwrap().map(|number| number.phone)
}

#[tokio::test]
async fn a_number_has_one_owner_and_a_customer_one_number() {
    let home = Home::new();
    let store = home.open();
    share(&store, ANN, "491", 1).await;
    assert_eq!((owners(&store), number(&store, ANN).as_deref()), ([Some(ANN), None], Some("491")));
    // She gets another number, and he the one that she had.
    share(&store, ANN, "492", 2).await;
    assert_eq!(owners(&store), [None, Some(ANN)]);
    share(&store, BEN, "491", 3).await;
    assert_eq!(owners(&store), [Some(BEN), Some(ANN)]);
    // He takes hers without giving his own up first.
    share(&store, BEN, "492", 4).await;
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!((owners(&store), number(&store, ANN)), ([None, Some(BEN)], None));
    assert_eq!(number(&store, BEN).as_deref(), Some("492"));
}

#[tokio::test]
async fn what_was_shared_before_changes_nothing_however_late_it_comes() {
    let home = Home::new();
    let store = home.open();
    share(&store, ANN, "491", 2).await;
    share(&store, BEN, "491", 5).await;
    for (customer, phone, at) in [(ANN, "491", 2), (ANN, "491", 5), (BEN, "492", 4), (BEN, "491", 1)] {
        share(&store, customer, phone, at).await;
        assert_eq!(owners(&store), [Some(BEN), None], "{customer} {phone} {at}");
    }
}

#[tokio::test]
async fn a_chat_that_was_begun_is_known_for_good_and_expected_until_it_is_answered() {
    let home = Home::new();
    let store = home.open();
    let conversation = Conversation::new(SourceId::parse("sales").unwrap(), 7);
    let [chat, other] = ["9e4d4baa", "8e4d4baa"].map(|id| Chat { chat: KommoChatId(id.to_owned()), user: None });
    let learn = async |change: StateChange| {
        push(&store, &lane("a"), &["job"]).await;
        let ending = Outcome::Done { then: Vec::new(), changes: vec![change] };
        claim(&store).unwrap().settle(ending, NOW).await.unwrap();
    };
    let answered = |chat: &Chat| StateChange::Answered { conversation: conversation.clone(), chat: chat.chat.clone() };
    for begun in [&chat, &other] {
        learn(StateChange::ManagerInitiatedChat { conversation: conversation.clone(), chat: begun.clone() }).await;
    }
    learn(answered(&chat)).await;
    let expected = store.opening(&conversation).unwrap();
    assert_eq!(
        expected,
        Some(ManagerInitiated { chat: other.clone(), begun_at: NOW }),
        "an answer to what was before it"
    );
    learn(answered(&other)).await;
    assert_eq!(store.opening(&conversation).unwrap(), None);
    for begun in [chat, other] {
        assert_eq!(store.opened(&begun.chat).unwrap().as_ref(), Some(&conversation));
    }
}

#[test]
fn a_row_that_cannot_be_read_does_not_tell_whose_number_it_is() {
    let error = keys::shown(&tables::OWNERS.key("4915177000111"));
    assert!(!error.contains("4915177000111") && error.contains('q'), "{error}");
}

#[tokio::test]
async fn a_number_is_the_same_however_telegram_tells_it() {
    let home = Home::new();
    let store = home.open();
    let owner = |phone: &str| store.owner_of(phone).unwrap().map(|owner| owner.customer);
    let numbers = [("5215512345678", "525512345678", 1), ("541123456789", "5491123456789", 4)];
    for (then, now, at) in numbers {
        share(&store, ANN, then, at).await;
        assert_eq!(owner(then), Some(ANN));
        share(&store, BEN, now, at + 1).await;
        assert_eq!((owner(then), owner(now)), (None, Some(BEN)), "the number has another owner now");
        share(&store, ANN, then, at).await;
        assert_eq!((owner(then), owner(now)), (None, Some(BEN)), "what was shared before comes late");
        share(&store, BEN, "491", at + 2).await;
    }
}
