//! If any rows of the queue are damaged, the others are claimed as if those did not exist.

use proptest::prelude::*;

use super::{
    unreadable::{DAMAGES, damage, drain_all, keys_of, set_aside},
    *,
};

#[tokio::test]
async fn damaged_rows_pass_through_a_dump_byte_by_byte() {
    for (how, damaged) in DAMAGES.into_iter().enumerate() {
        let home = Home::new();
        let dump = home.0.path().join("dump.jsonl");
        let store = home.open();
        let outbound = Lane::outbound(&"tg:sales:5".parse().unwrap());
        push(&store, &lane("a"), &["a1", "a2"]).await;
        push(&store, &lane("b"), &["b1", "b2"]).await;
        push(&store, &outbound, &["o1", "o2"]).await;
        let [aside, answer] = [lane("b"), outbound].map(|lane| keys_of(&store, &lane)[0].clone());
        damage(&store, &aside, how);
        assert_eq!(drain_all(&store).await, ["a1", "a2", "b2"]);
        push(&store, &lane("a"), &["a3", "a4"]).await;
        let inbound = keys_of(&store, &lane("a"))[0].clone();
        damage(&store, &inbound, how);
        damage(&store, &answer, how);
        let chat = tables::CHATS.key(&"tg:sales:5".parse().unwrap());
        damage(&store, &chat, how);
        store.dump(&dump, NOW).unwrap();
        store.close().await.unwrap();

        assert_eq!(Store::restore(home.0.path(), &dump).unwrap().parked, 1, "the answer that can be read");
        let store = home.open();
        let value = |key: &[u8]| store.tables().get(key).unwrap().unwrap();
        for former in [&aside, &answer] {
            assert_eq!(value(&keys::aside(keys::sequence_of(former).unwrap(), former)), damaged);
        }
        assert_eq!(value(&chat), damaged);
        assert_eq!((store.counts().parked, set_aside(&store).await.len()), (3, 3));
        assert_eq!(drain_all(&store).await, ["a4"]);
        assert_eq!(value(&keys::aside(keys::sequence_of(&inbound).unwrap(), &inbound)), damaged);
        assert!(store.claim(&Lane::outbound(&"tg:sales:5".parse().unwrap()).route, NOW).unwrap().is_none());
    }
}

/// A row of the queue by its place: which lane, which arrival of it, which part.
type At = (u8, u8, u8);

/// Three lanes with three arrivals each; every second arrival has three parts.
async fn filled(store: &Store) -> Vec<At> {
    let mut all = Vec::new();
    for of in 0..3_u8 {
        for arrival in 0..3_u8 {
            let name = |part: u8| format!("{of}.{arrival}.{part}");
            let (of_lane, parts) = (lane(&of.to_string()), if arrival % 2 == 0 { 1 } else { 3 });
            let jobs = (0..parts).map(|part| named_job(&name(part))).collect();
            let put = move |txn: &mut committer::WriteTxn| {
                let mut batch = db::Batch::default();
                let joined = push::join_together(txn, &mut batch, &of_lane, jobs, NOW);
                let then = Box::new(move |index: &mut Index| push::enter(index, joined));
                Ok(committer::Commit { batch: Some(batch), answer: (), then })
            };
            store.0.committer.write(put).await.unwrap();
            all.extend((0..parts).map(|part| (of, arrival, part)));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn whatever_rows_are_damaged_the_others_come_in_order_and_nothing_is_lost(
        damaged in proptest::collection::btree_set((0..15_usize, 0..DAMAGES.len()), 0..8),
        reopened in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let home = Home::new();
            let mut store = home.open();
            let all = filled(&store).await;
            let keys: Vec<_> = (0..3).flat_map(|of: u8| keys_of(&store, &lane(&of.to_string()))).collect();
            assert_eq!((keys.len(), all.len()), (15, 15));
            for (row, how) in &damaged {
                damage(&store, &keys[*row], *how);
            }
            let before: Vec<_> = keys.iter().map(|key| store.tables().get(key).unwrap().unwrap()).collect();
            if reopened {
                store.close().await.unwrap();
                store = home.open();
            }
            let drained = drain_all(&store).await;
            // From the first damaged part of an arrival on, its rest is set aside.
            let is_damaged = |at: &At| damaged.iter().any(|(row, _)| all[*row] == *at);
            let is_aside = |at: &At| (0..=at.2).any(|part| is_damaged(&(at.0, at.1, part)));
            for of in 0..3 {
                let expected = all.iter().filter(|at| at.0 == of && !is_aside(at));
                let expected: Vec<_> = expected.map(|at| format!("{}.{}.{}", at.0, at.1, at.2)).collect();
                let came: Vec<_> = drained.iter().filter(|name| name.starts_with(&format!("{of}."))).cloned().collect();
                assert_eq!(came, expected);
            }
            for ((at, key), value) in all.iter().zip(&keys).zip(&before) {
                let sequence = keys::sequence_of(key).unwrap();
                let kept = store.tables().get(keys::aside(sequence, key)).unwrap();
                assert_eq!(kept.as_ref(), is_aside(at).then_some(value));
            }
            assert_eq!(store.counts().parked, set_aside(&store).await.len());
        });
    }
}
