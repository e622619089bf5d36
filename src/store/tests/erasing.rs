//! Erasing a customer, in many small commits.

use std::{future::Future as _, pin::pin, task::Context};

use futures_util::task::noop_waker;

use super::{
    samples::{BOT, chat, conversation, kommo},
    *,
};
use crate::{
    domain::address::{ContactId, MessageId, UserId},
    store::expire,
};

const ANNA: ContactId = ContactId::Person(UserId(5));
const MESSAGES: i64 = 1000;

fn message(customer: i64, number: i64) -> MessageId {
    MessageId { bot: BOT, chat: customer.into(), message: number, update: None }
}

/// A store with a long conversation with Anna and a short one with somebody else.
async fn store(home: &Home) -> Store {
    let store = home.open();
    settled(&store, vec![StateChange::Chat { conversation: conversation(), chat: chat() }]).await;
    for (customer, messages) in [(5, MESSAGES), (6, 3)] {
        for numbers in (0..messages).collect::<Vec<_>>().chunks(100) {
            let link = |number: &i64| StateChange::Link {
                ours: message(customer, *number),
                kommo: kommo(&format!("{customer}-{number}")),
            };
            settled(&store, numbers.iter().map(link).collect()).await;
        }
    }
    store.pack_expiries().await.unwrap();
    store
}

async fn settled(store: &Store, then: Vec<StateChange>) {
    push(store, &lane("x"), &["x"]).await;
    let lease = claim(store).unwrap();
    lease.settle(Outcome::Done { then: Vec::new(), changes: then }, NOW).await.unwrap();
}

/// How many rows are about a customer, including notes about expiry.
fn about(store: &Store, customer: i64) -> usize {
    let names = [format!("tg:{}:{customer}:", BOT.0), format!("k{customer}-"), format!("tg:sales:{customer}")];
    let speaks = |bytes: &[u8]| names.iter().any(|name| String::from_utf8_lossy(bytes).contains(name));
    let rows = store.tables().iter().map(Result::unwrap);
    rows.filter(|(key, value)| key != b"merasing" && (speaks(key) || speaks(value))).count()
}

#[tokio::test]
async fn a_long_conversation_is_erased_in_many_commits_and_all_of_it() {
    let home = Home::new();
    let store = store(&home).await;
    let (before, others) = (store.counts().flushes, about(&store, 6));
    let erased = store.erase(ANNA).await.unwrap();
    assert_eq!((erased.messages, erased.conversations), (1000, 1));
    let least = u64::try_from(2 * 1000 / expire::STEP).unwrap();
    assert!(store.counts().flushes - before >= least, "{} commits", store.counts().flushes - before);
    assert_eq!((about(&store, 5), about(&store, 6)), (0, others));
}

#[tokio::test]
async fn an_interrupted_erasure_is_recorded_and_finished_by_a_repetition() {
    let home = Home::new();
    let store = store(&home).await;
    let all = about(&store, 5);
    store.begin_erasing(vec![conversation()]).await.unwrap();
    let before = store.counts().flushes;
    {
        let mut erasing = pin!(store.erase(ANNA));
        while store.counts().flushes < before + 8 {
            assert!(erasing.as_mut().poll(&mut Context::from_waker(&noop_waker())).is_pending());
            tokio::task::yield_now().await;
        }
    }
    store.until_durable().await.unwrap();
    store.close().await.unwrap();
    let store = home.open();
    let left = about(&store, 5);
    assert!(0 < left && left < all, "{left} of {all}");
    assert_eq!(store.erasing().unwrap().into_iter().collect::<Vec<_>>(), [conversation()]);
    store.erase(ANNA).await.unwrap();
    store.end_erasing(vec![conversation()]).await.unwrap();
    assert_eq!(about(&store, 5), 0);
    assert!(store.erasing().unwrap().is_empty());
}
