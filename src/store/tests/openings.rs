//! Phone numbers, and chats that managers have begun.

use super::*;
use crate::domain::address::{KommoChatId, SourceId, UserId};

const ANN: UserId = UserId(7);
const BEN: UserId = UserId(8);

fn owners(store: &Store) -> [Option<UserId>; 2] {
    ["491", "492"].map(|phone| store.owner_of(phone).unwrap())
}

#[tokio::test]
async fn a_number_has_one_owner_and_a_customer_one_number() {
    let home = Home::new();
    let store = home.open();
    store.remember_phone(ANN, "491").await.unwrap();
    store.remember_phone(ANN, "491").await.unwrap();
    assert_eq!((owners(&store), store.phone_of(ANN).unwrap().as_deref()), ([Some(ANN), None], Some("491")));
    // She gets another number, and he the one that she had.
    store.remember_phone(ANN, "492").await.unwrap();
    assert_eq!(owners(&store), [None, Some(ANN)]);
    store.remember_phone(BEN, "491").await.unwrap();
    assert_eq!(owners(&store), [Some(BEN), Some(ANN)]);
    // He takes hers without giving his own up first.
    store.remember_phone(BEN, "492").await.unwrap();
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!((owners(&store), store.phone_of(ANN).unwrap()), ([None, Some(BEN)], None));
    assert_eq!(store.phone_of(BEN).unwrap().as_deref(), Some("492"));
}

#[tokio::test]
async fn a_chat_that_was_begun_is_known_for_good_and_expected_until_it_is_answered() {
    let home = Home::new();
    let store = home.open();
    let conversation = Conversation::new(SourceId::parse("sales").unwrap(), 7);
    let chat = Chat { chat: KommoChatId("9e4d4baa".to_owned()), user: None };
    let learn = async |opening: Option<Chat>| {
        push(&store, &lane("a"), &["job"]).await;
        let facts = vec![Fact::Opening { conversation: conversation.clone(), opening }];
        let ending = Ending::Done { then: Vec::new(), facts };
        claim(&store).unwrap().settle(ending, NOW).await.unwrap();
    };
    learn(Some(chat.clone())).await;
    assert_eq!(store.opening(&conversation).unwrap(), Some(chat.clone()));
    learn(None).await;
    assert_eq!(store.opening(&conversation).unwrap(), None);
    assert_eq!(store.opened(&chat.chat).unwrap(), Some(conversation));
}
