//! Expiry, with notes in rows of their own and in packed rows.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::{
    model::{block_on, cases},
    *,
};
use crate::domain::{
    address::{BotId, MessageId},
    job::IdempotencyKey,
};

/// The keys of a table.
fn table(store: &Store, table: &[u8]) -> Vec<Vec<u8>> {
    store.tables().scan_prefix(table).keys().map(|key| key.unwrap().to_vec()).collect()
}

async fn take(store: &Store, id: &str, at: UnixMillis) {
    let intake = Intake { jobs: vec![new_job(Some(id), &lane("a"), id)], offset: None };
    store.push(intake, at).await.unwrap();
}

fn is_known(store: &Store, id: &str) -> bool {
    store.was_taken(&IdempotencyKey(id.to_owned())).unwrap()
}

#[tokio::test]
async fn notes_of_a_day_become_few_rows_and_each_expires_at_its_own_instant() {
    let home = Home::new();
    let store = home.open();
    let at = |number: usize| NOW.plus(Duration::from_secs(number.try_into().unwrap()));
    for number in 0..300 {
        take(&store, &format!("update:7000000001:{number:06}"), at(number)).await;
    }
    assert_eq!(table(&store, keys::EXPIRIES).len(), 300);
    let first = store.first_expiry().unwrap();
    store.pack_expiries().await.unwrap();
    let packed = table(&store, keys::EXPIRIES);
    assert!(packed.len() < 20, "{}", packed.len());
    assert_eq!(store.first_expiry().unwrap(), first);
    store.pack_expiries().await.unwrap();
    assert_eq!(table(&store, keys::EXPIRIES), packed, "there is nothing left to do");
    store.close().await.unwrap();
    let store = home.open();
    for number in [0, 1, 2, 17, 150, 299] {
        store.sweep(at(number).plus(HOUR)).await.unwrap();
        let known: Vec<_> =
            (0..300).filter(|number| is_known(&store, &format!("update:7000000001:{number:06}"))).collect();
        assert_eq!(known, (number..300).collect::<Vec<_>>(), "that of this instant is still known");
        assert_eq!(store.first_expiry().unwrap(), Some(at(number).plus(HOUR)));
        store.pack_expiries().await.unwrap();
    }
    store.sweep(at(300).plus(HOUR)).await.unwrap();
    assert_eq!((table(&store, keys::EXPIRIES), table(&store, b"d")), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn what_expires_on_another_day_stays_apart_and_what_is_set_aside_is_counted() {
    let home = Home::new();
    let store = home.open();
    for day in 0..3 {
        take(&store, &format!("x{day}"), NOW.plus(HOUR * 24 * day)).await;
    }
    let before = table(&store, keys::EXPIRIES);
    store.pack_expiries().await.unwrap();
    assert_eq!(table(&store, keys::EXPIRIES), before);
    let outcome = Outcome::Park { why: "refused".to_owned(), then: Vec::new(), needs_person: false };
    claim(&store).unwrap().settle(outcome, NOW).await.unwrap();
    store.pack_expiries().await.unwrap();
    assert_eq!(table(&store, keys::EXPIRIES).len(), 3, "the message and its id go on the same day");
    assert_eq!(store.counts().reported, 1);
    store.sweep(NOW.plus(HOUR * 2)).await.unwrap();
    assert_eq!((store.counts().reported, store.parked(9).unwrap()), (0, Vec::new()));
}

#[tokio::test]
async fn a_link_goes_both_ways_with_its_note_in_a_packed_row() {
    let store = Home::new().open();
    let ours = |message| MessageId { bot: BotId(7), chat: 5.into(), message, update: None };
    let link =
        |message: i64, kommo: &str| StateChange::Link { ours: ours(message), kommo: KommoMessageId(kommo.into()) };
    for (message, kommo) in [(1, "one"), (2, "two"), (3, "two")] {
        let jobs = vec![new_job(None, &lane("a"), "x")];
        store.push_with(Intake { jobs, offset: None }, vec![link(message, kommo)], NOW).await.unwrap();
    }
    store.pack_expiries().await.unwrap();
    assert_eq!(table(&store, keys::EXPIRIES).len(), 1);
    store.sweep(NOW.plus(HOUR)).await.unwrap();
    assert_eq!(store.telegram_messages(&KommoMessageId("two".into())).unwrap(), [ours(2), ours(3)]);
    store.sweep(NOW.plus(HOUR * 2)).await.unwrap();
    assert_eq!((table(&store, b"t"), table(&store, b"k")), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_packed_row_that_cannot_be_read_stops_neither_a_sweep_nor_a_packing() {
    let store = Home::new().open();
    for number in 0..3 {
        take(&store, &format!("x{number}"), NOW).await;
    }
    store.pack_expiries().await.unwrap();
    let row = table(&store, keys::EXPIRIES).remove(0);
    store.tables().insert(&row, "damaged").unwrap();
    take(&store, "later", NOW.plus(HOUR)).await;
    store.pack_expiries().await.unwrap();
    assert_eq!(table(&store, keys::EXPIRIES).len(), 2, "it is left as it is");
    store.sweep(NOW.plus(HOUR * 3)).await.unwrap();
    assert_eq!(table(&store, keys::EXPIRIES), Vec::<Vec<u8>>::new());
    assert!(is_known(&store, "x0") && !is_known(&store, "later"), "too much is remembered rather than too little");
}

#[derive(Clone, Debug)]
enum Act {
    Take(u8),
    Pass(u16),
    Pack,
    Sweep,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..40_u8).prop_map(Act::Take),
        3 => (0..90_u16).prop_map(Act::Pass),
        1 => Just(Act::Pack),
        1 => Just(Act::Sweep),
    ]
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn packing_changes_nothing_of_what_is_known(acts in vec(act(), 1..120)) {
        block_on(async {
            let (packed, plain) = (Home::new(), Home::new());
            let (packed, plain) = (packed.open(), plain.open());
            let mut now = NOW;
            for act in acts {
                match act {
                    Act::Take(id) => {
                        take(&packed, &id.to_string(), now).await;
                        take(&plain, &id.to_string(), now).await;
                    }
                    Act::Pass(minutes) => now = now.plus(Duration::from_mins(minutes.into())),
                    Act::Pack => packed.pack_expiries().await.unwrap(),
                    Act::Sweep => {
                        let removed = packed.sweep(now).await.unwrap();
                        assert_eq!(removed, plain.sweep(now).await.unwrap());
                    }
                }
                let known = |store: &Store| table(store, b"d").into_iter().collect::<BTreeSet<_>>();
                assert_eq!(known(&packed), known(&plain));
                assert_eq!(packed.first_expiry().unwrap(), plain.first_expiry().unwrap());
            }
            packed.sweep(now.plus(HOUR * 2)).await.unwrap();
            assert_eq!(table(&packed, keys::EXPIRIES), Vec::<Vec<u8>>::new());
        });
    }
}
