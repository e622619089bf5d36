//! What is remembered of customers.

use super::*;
use crate::domain::{
    address::{Conversation, KommoChatId, SourceId},
    guest::Told,
};

#[tokio::test]
async fn an_invitation_is_used_once_by_whoever_came_first_until_it_is_forgotten() {
    let home = Home::new();
    let store = home.open();
    let until = UnixMillis(1000);
    assert!(store.redeem("n", "ann".to_owned(), until, UnixMillis(5)).await.unwrap());
    assert!(store.redeem("n", "ann".to_owned(), until, UnixMillis(5)).await.unwrap(), "it may be tried again");
    assert!(!store.redeem("n", "ben".to_owned(), until, UnixMillis(5)).await.unwrap());
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(store.used_by("n").unwrap().as_deref(), Some("ann"));
    store.sweep(UnixMillis(999)).await.unwrap();
    assert!(!store.redeem("n", "ben".to_owned(), until, UnixMillis(5)).await.unwrap());
    store.sweep(UnixMillis(1001)).await.unwrap();
    assert_eq!(store.used_by("n").unwrap(), None);
    assert!(!store.redeem("n", "ben".to_owned(), until, UnixMillis(1001)).await.unwrap(), "nobody knows any more");
    assert!(store.redeem("m", "ben".to_owned(), UnixMillis(2000), UnixMillis(1001)).await.unwrap());
}

#[tokio::test]
async fn what_is_held_and_told_survives_and_what_is_released_is_gone() {
    let home = Home::new();
    let store = home.open();
    let conversation = Conversation::new(SourceId::parse("sales").unwrap(), 7);
    let held = Held { bot: BotId(1), raw: "{}".to_owned(), since: UnixMillis(5) };
    let told = Told { username: Some("ann".to_owned()), asked_phone: true, ..Told::default() };
    let chat = Chat { chat: KommoChatId("b52c987e".to_owned()), user: None };
    let learnt = vec![
        Fact::Held { conversation: conversation.clone(), held: Some(held.clone()) },
        Fact::Told { conversation: conversation.clone(), told: told.clone() },
        Fact::Chat { conversation: conversation.clone(), chat: chat.clone() },
    ];
    learn(&store, learnt).await;
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(store.held(&conversation).unwrap(), Some(held));
    assert_eq!(store.told(&conversation).unwrap(), told);
    assert_eq!(store.chats(10).unwrap(), [(conversation.clone(), chat)]);
    learn(&store, vec![Fact::Held { conversation: conversation.clone(), held: None }]).await;
    assert_eq!(store.held(&conversation).unwrap(), None);
}

async fn learn(store: &Store, facts: Vec<Fact>) {
    push(store, &lane("a"), &["job"]).await;
    let ending = Ending::Done { then: Vec::new(), facts };
    claim(store).unwrap().settle(ending, UnixMillis(0)).await.unwrap();
}
