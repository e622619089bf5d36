//! Rows that cannot be read stop nothing and are not lost.

use super::*;
use crate::{
    domain::{
        address::{BotId, MessageId, UserId},
        crm::SyncedProfile,
        job::Update,
    },
    store::db::Batch,
};

/// What a row may say after a rollback, or after the disk has had its way with it.
pub(super) const DAMAGES: [&[u8]; 6] = [
    br#"{"work":{"kind":"of tomorrow","raw":"x"},"failed":0,"retry_at":null,"enqueued_at":1786017600000}"#,
    br#"{"work":{"kind":"hook"},"failed":0,"retry_at":null,"enqueued_at":1786017600000}"#,
    b"{\"work\":{\"ki",
    b"\xff\xfe\x00",
    b"",
    b"[1,2]",
];

/// The keys of the jobs of a lane, in order.
pub(super) fn keys_of(store: &Store, lane: &Lane) -> Vec<Vec<u8>> {
    let keys = store.tables().scan_prefix(keys::lane(lane)).keys();
    keys.map(|key| key.unwrap().to_vec()).collect()
}

pub(super) fn damage(store: &Store, key: &[u8], how: usize) {
    store.tables().insert(key, DAMAGES[how % DAMAGES.len()]).unwrap();
}

/// Drains the store, whatever has to be set aside on the way.
pub(super) async fn drain_all(store: &Store) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        names.extend(drain(store).await);
        // What is being set aside is behind this.
        store.until_durable().await.unwrap();
        if store.due(&Route::Inbound).is_none() {
            return names;
        }
    }
}

pub(super) async fn set_aside(store: &Store) -> Vec<ParkedSummary> {
    store.set_aside_before(None, usize::MAX).await.unwrap()
}

#[tokio::test]
async fn a_job_that_cannot_be_read_is_set_aside_and_its_lane_goes_on() {
    for how in 0..DAMAGES.len() {
        for reopened in [false, true] {
            let home = Home::new();
            let mut store = home.open();
            push(&store, &lane("a"), &["a1", "a2", "a3", "a4"]).await;
            push(&store, &lane("b"), &["b1"]).await;
            let all = keys_of(&store, &lane("a"));
            // The head, and one that becomes the head when a job is settled.
            damage(&store, &all[0], how);
            damage(&store, &all[2], how);
            if reopened {
                store.close().await.unwrap();
                store = home.open();
            }
            let mut drained = drain_all(&store).await;
            drained.sort();
            assert_eq!(drained, ["a2", "a4", "b1"]);
            assert_eq!(store.counts().parked, 2);
            assert!(store.counts().unreadable >= 2);
            let aside = set_aside(&store).await;
            assert_eq!(aside.len(), 2);
            assert!(store.is_set_aside(lane("a")).await.unwrap() && !store.is_set_aside(lane("b")).await.unwrap());
            assert!(aside[0].id > aside[1].id, "the newest first");
            for one in &aside {
                assert!(!one.is_readable && !one.why.is_empty());
                assert_eq!((one.route.as_str(), one.thread.as_str()), ("inbound", "a"));
            }
            assert_eq!(aside[0].since, (how < 2).then_some(NOW), "the readable part is shown");
            store.close().await.unwrap();
            let store = home.open();
            assert_eq!((store.counts().parked, set_aside(&store).await.len()), (2, 2));
            assert_eq!(
                store.drop_parked(vec![aside[0].id, aside[1].id, aside[0].id], |_| Ok(None)).await.unwrap().len(),
                2
            );
            assert_eq!((store.counts().parked, set_aside(&store).await), (0, Vec::new()));
        }
    }
}

#[tokio::test]
async fn the_rest_of_an_answer_waits_with_its_part_that_cannot_be_read_and_both_come_back() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["whole", "later"]).await;
    let parts = ["1", "2", "3", "4"].map(named_job).to_vec();
    claim(&store).unwrap().settle(Outcome::Replace(parts), NOW).await.unwrap();
    let second = keys_of(&store, &lane("a"))[1].clone();
    let whole = store.tables().get(&second).unwrap().unwrap();
    damage(&store, &second, 0);
    assert_eq!(drain_all(&store).await, ["1", "later"]);
    let [aside] = set_aside(&store).await.try_into().unwrap();
    assert!(aside.why.contains("of tomorrow"), "{}", aside.why);

    let became = store.unpark_all(vec![aside.id, ParkedId(999)], |_| true, NOW).await.unwrap();
    assert!(matches!(&became[&aside.id], Unparked::Unreadable(why) if why.contains("of tomorrow")));
    assert_eq!(became[&ParkedId(999)], Unparked::Missing);
    assert_eq!(set_aside(&store).await, std::slice::from_ref(&aside), "it is as it was");

    // The version that knows this kind of job is installed again.
    let sequence = keys::sequence_of(&second).unwrap();
    store.tables().insert(keys::aside(sequence, &second), whole.as_ref()).unwrap();
    assert!(set_aside(&store).await[0].is_readable);
    push(&store, &lane("a"), &["newer"]).await;
    let unserved = store.unpark_all(vec![aside.id], |_| false, NOW).await.unwrap();
    assert_eq!(unserved[&aside.id], Unparked::Unserved(Route::Inbound));
    assert!(store.unpark(aside.id, NOW).await.unwrap());
    assert_eq!(store.counts().parked, 0);
    assert_eq!(drain_all(&store).await, ["newer", "2", "3", "4"]);
    assert_eq!(set_aside(&store).await, []);
}

#[tokio::test]
async fn a_job_of_a_route_that_is_not_known_is_set_aside_at_the_start() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    let known = keys_of(&store, &lane("a"))[0].clone();
    let unknown = [b"j\x00\x08tomorrow\x00\x01a", &7_u64.to_be_bytes()[..], &0_u16.to_be_bytes()].concat();
    let broken = b"j\x00\x07inbound\xff";
    let value = store.tables().get(&known).unwrap().unwrap();
    for key in [&unknown[..], broken] {
        store.tables().insert(key, value.as_ref()).unwrap();
    }
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(drain_all(&store).await, ["a1"]);
    assert_eq!(store.counts().parked, 2);
    let aside = set_aside(&store).await;
    assert_eq!((aside[0].id, aside[0].route.as_str(), aside[0].thread.as_str()), (ParkedId(7), "tomorrow", "a"));
    assert!(aside[0].why.contains("knows no route \"tomorrow\""), "{}", aside[0].why);
    assert!(aside[1].why.contains("key is damaged"), "{}", aside[1].why);
    for one in aside {
        let became = store.unpark_all(vec![one.id], |_| true, NOW).await.unwrap();
        assert_eq!(became[&one.id], Unparked::Unreadable(one.why));
    }
}

#[tokio::test]
async fn the_first_arrival_is_not_mixed_with_what_tells_no_number() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    damage(&store, &keys_of(&store, &lane("a"))[0], 0);
    store.tables().insert(b"j\x00\x07inbound\xff", b"broken".as_slice()).unwrap();
    store.close().await.unwrap();
    let store = home.open();
    assert!(drain_all(&store).await.is_empty());
    let aside = set_aside(&store).await;
    assert_eq!((aside.len(), store.counts().parked), (2, 2));
    assert!(aside[0].why.contains("of tomorrow") && aside[1].why.contains("key is damaged"), "{aside:?}");
}

#[tokio::test]
async fn parts_that_cannot_be_read_move_with_the_others_and_are_not_written_over() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["whole"]).await;
    claim(&store).unwrap().settle(Outcome::Replace(["1", "2", "3"].map(named_job).to_vec()), NOW).await.unwrap();
    damage(&store, &keys_of(&store, &lane("a"))[1], 3);
    claim(&store).unwrap().settle(Outcome::Replace(["1a", "1b", "1c"].map(named_job).to_vec()), NOW).await.unwrap();
    assert_eq!(keys_of(&store, &lane("a")).len(), 5);
    assert_eq!(drain_all(&store).await, ["1a", "1b", "1c"]);
    let values: Vec<_> = store.tables().scan_prefix(keys::ASIDE).map(|row| row.unwrap().1).collect();
    assert_eq!(values.len(), 2);
    assert_eq!(values[0], DAMAGES[3], "byte by byte");
}

#[tokio::test]
async fn parking_leaves_the_part_that_cannot_be_read_to_be_set_aside() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["whole", "later"]).await;
    claim(&store).unwrap().settle(Outcome::Replace(["1", "2", "3"].map(named_job).to_vec()), NOW).await.unwrap();
    damage(&store, &keys_of(&store, &lane("a"))[1], 4);
    claim(&store).unwrap().settle(park("hopeless"), NOW).await.unwrap();
    assert_eq!(drain_all(&store).await, ["later"]);
    assert_eq!(store.counts().parked, 2);
    assert_eq!(store.parked(9).unwrap()[0].jobs.len(), 2);
}

#[tokio::test]
async fn late_arrivals_find_their_places_around_what_cannot_be_read() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["2", "4", "6"]).await;
    damage(&store, &keys_of(&store, &lane("a"))[1], 2);
    store.hold(&[lane("a")], 0);
    let missing = ["1", "5"].map(|id| Missing { rank: id.parse().unwrap(), job: new_job(Some(id), &lane("a"), id) });
    let rank = |_, job: &Job| name(job).parse().ok();
    assert_eq!(store.backfill(lane("a"), missing.to_vec(), rank, NOW).await.unwrap(), Backfilled::Stored(2));
    store.release_hold(&lane("a"));
    assert_eq!(drain_all(&store).await, ["1", "2", "5", "6"]);
    assert_eq!(set_aside(&store).await.len(), 1);
}

#[tokio::test]
async fn what_is_united_ends_before_what_cannot_be_read() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["1", "2", "3", "4"]).await;
    damage(&store, &keys_of(&store, &lane("a"))[2], 0);
    let lease = claim(&store).unwrap();
    assert_eq!(lease.behind(9).unwrap().len(), 1);
    lease.settle(Outcome::Merge { behind: 3, jobs: vec![named_job("1 and 2")] }, NOW).await.unwrap();
    assert_eq!(drain_all(&store).await, ["1 and 2", "4"]);
    assert_eq!(set_aside(&store).await.len(), 1);
}

#[tokio::test]
async fn a_parked_message_that_cannot_be_read_is_shown_and_can_be_dropped() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    claim(&store).unwrap().settle(park("hopeless"), NOW).await.unwrap();
    let id = store.parked(1).unwrap()[0].id;
    let row = r#"{"route":"inbound","thread":"a","works":[{"kind":"of tomorrow"}],"why":"hopeless","parked_at":5}"#;
    for (row, since) in [(row, Some(UnixMillis(5))), ("nothing", None)] {
        store.tables().insert(keys::parked(id.0), row).unwrap();
        let [aside] = set_aside(&store).await.try_into().unwrap();
        assert_eq!((aside.id, aside.is_readable, aside.since), (id, false, since));
        let became = store.unpark_all(vec![id], |_| true, NOW).await.unwrap();
        assert_eq!(became[&id], Unparked::Unreadable(aside.why));
    }
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(store.counts().parked, 1);
    assert!(drop_parked(&store, id).await);
    assert_eq!((store.counts().parked, set_aside(&store).await.len()), (0, 0));
}

#[tokio::test]
async fn what_is_only_looked_up_counts_as_absent_or_as_the_safer_of_both() {
    let home = Home::new();
    let store = home.open();
    let conversation: Conversation = "tg:sales:5".parse().unwrap();
    let ours: MessageId = "tg:7:5:1".parse().unwrap();
    let kommo = KommoMessageId("k".to_owned());
    let intake = || Intake { jobs: vec![new_job(Some("x"), &lane("a"), "a1")], offset: Some((BotId(7), 42)) };
    let chat = Chat { chat: KommoChatId("c".to_owned()), user: None };
    let changes = || {
        vec![
            StateChange::Link { ours, kommo: kommo.clone() },
            StateChange::Chat { conversation: conversation.clone(), chat: chat.clone() },
            StateChange::ManagerInitiatedChat { conversation: conversation.clone(), chat: chat.clone() },
            StateChange::SyncedProfile { conversation: conversation.clone(), profile: SyncedProfile::default() },
        ]
    };
    store.begin(NOW).await.unwrap();
    store.push_with(intake(), changes(), NOW).await.unwrap();
    store.redeem("invitation", "somebody".to_owned(), NOW.plus(HOUR), NOW).await.unwrap();
    store.advance_watermark(NOW, 1, Vec::new()).await.unwrap();
    for key in store.tables().iter().keys().map(Result::unwrap) {
        if key != keys::SCHEMA && key[0] != b'j' {
            damage(&store, &key, 3);
        }
    }
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(store.offset(BotId(7)).unwrap(), None);
    assert_eq!(store.chat(&conversation).unwrap(), None);
    assert_eq!(store.kommo_message(&ours).unwrap(), None);
    assert_eq!(store.telegram_messages(&kommo).unwrap(), []);
    assert_eq!(store.synced_profile(&conversation).unwrap(), SyncedProfile::default());
    assert_eq!(store.opening(&conversation).unwrap(), None);
    assert_eq!(store.opened(&chat.chat).unwrap(), None);
    assert_eq!(store.number_of(UserId(5)).unwrap(), None);
    assert_eq!((store.caught_up_at().unwrap(), store.caught_up_mark().unwrap()), (None, None));
    assert_eq!(store.known_chats().await.unwrap(), []);
    assert_eq!(store.chats().await.unwrap(), []);
    // Nothing is taken twice, nobody gets in by a used invitation, and nothing from before is taken for missing.
    assert_eq!(store.push(intake(), NOW).await.unwrap(), Pushed { taken: 0, known: 1, numbers: vec![None] });
    assert!(!store.redeem("invitation", "somebody else".to_owned(), NOW.plus(HOUR), NOW).await.unwrap());
    store.begin(NOW.plus(HOUR)).await.unwrap();
    assert_eq!(store.history_from().unwrap(), Some(NOW.plus(HOUR)));
    // What is learnt anew takes the place of what cannot be read.
    store
        .push_with(Intake { jobs: vec![new_job(None, &lane("a"), "a2")], offset: None }, changes(), NOW)
        .await
        .unwrap();
    assert_eq!(store.chat(&conversation).unwrap(), Some(chat));
    assert_eq!(store.telegram_messages(&kommo).unwrap(), [ours]);
    assert!(store.forget(conversation.contact()).await.is_ok());
    store.sweep(NOW.plus(HOUR * 3)).await.unwrap();
    assert_eq!(drain_all(&store).await, ["a1", "a2"]);
}

#[tokio::test]
async fn a_held_message_that_cannot_be_read_is_set_aside_and_comes_back() {
    let home = Home::new();
    let store = home.open();
    let conversation: Conversation = "tg:sales:5".parse().unwrap();
    let key = tables::HELD.key(&conversation);
    let tomorrow = r#"{"bot":7,"raw":["of tomorrow"],"since":1786017600000}"#;
    store.tables().insert(&key, tomorrow).unwrap();
    for _ in 0..2 {
        assert_eq!(store.held(&conversation).unwrap(), None);
    }
    store.until_durable().await.unwrap();
    let [aside] = set_aside(&store).await.try_into().unwrap();
    assert_eq!((aside.route.as_str(), aside.thread.as_str(), aside.since), ("inbound", "tg:sales:5", Some(NOW)));
    assert_eq!((aside.is_readable, store.counts().parked), (false, 1));
    let became = store.unpark_all(vec![aside.id], |_| true, NOW).await.unwrap();
    assert!(matches!(became[&aside.id], Unparked::Unreadable(_)), "{became:?}");

    let held = HeldStart { bot: BotId(7), raw: "{}".to_owned(), since: NOW };
    store.tables().insert(keys::aside(aside.id.0, &key), rows::write(&held)).unwrap();
    assert!(store.unpark(aside.id, NOW).await.unwrap());
    let lease = claim(&store).unwrap();
    assert_eq!(lease.lane(), &Lane::inbound(&conversation));
    let update = Job::from(Update { source: conversation.source, bot: BotId(7), raw: "{}".to_owned(), program: None });
    assert_eq!((lease.job(), lease.enqueued_at(), store.counts().parked), (&update, NOW, 0));
}

#[tokio::test]
async fn a_counter_that_is_lost_or_cannot_be_read_is_above_all_numbers_in_use() {
    for counter in [Some("many"), None] {
        let home = Home::new();
        let store = home.open();
        push(&store, &lane("a"), &["a1", "a2"]).await;
        claim(&store).unwrap().settle(park("hopeless"), NOW).await.unwrap();
        let parked = store.parked(1).unwrap()[0].id;
        store.advance_watermark(NOW, 40, Vec::new()).await.unwrap();
        let mut damage = Batch::default();
        match counter {
            Some(text) => damage.insert(keys::SEQUENCE, text),
            None => damage.remove(keys::SEQUENCE),
        }
        store.tables().apply_batch(damage).unwrap();
        store.close().await.unwrap();
        let store = home.open();
        assert_eq!(store.next_mark().await.unwrap(), 40);
        push(&store, &lane("a"), &["a3"]).await;
        assert_eq!(drain(&store).await, ["a2", "a3"]);
        assert_eq!(store.parked(1).unwrap()[0].id, parked);
    }
}
