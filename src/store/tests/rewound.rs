//! A store that was rolled back to an older state.

use super::{
    samples::{conversation, kommo, ours},
    *,
};
use crate::domain::timestamps::LastSent;

fn to_telegram(thread: &str) -> Lane {
    Lane { route: Route::Outbound(SourceId::parse("sales").unwrap()), thread: thread.to_owned() }
}

#[tokio::test]
async fn what_waited_is_parked_and_what_came_since_goes_on() {
    let home = Home::new();
    let store = home.open();
    store.begin(NOW).await.unwrap();
    let (kept, gone, inbound) = (to_telegram("kept"), to_telegram("gone"), lane("a"));
    for of in [&kept, &gone, &inbound] {
        push(&store, of, &["1", "2"]).await;
    }
    let lanes = store.lanes_to_telegram().await.unwrap();
    assert_eq!(lanes, [gone.clone(), kept.clone()], "what goes to Kommo may be repeated");
    store.hold(&lanes, 0);
    let mark = store.next_mark().await.unwrap();
    push(&store, &kept, &["3"]).await;
    let waiting = store.waiting(kept.clone()).await.unwrap().unwrap();
    assert_eq!(waiting.iter().map(name).collect::<Vec<_>>(), ["1", "2", "3"]);

    let later = NOW.plus(HOUR);
    let rewound = store.treat_as_rolled_back(lanes.clone(), mark, later).await.unwrap();
    assert_eq!(rewound, RollbackOutcome { parked: 4, busy: 0 });
    assert_eq!(store.history_from().unwrap(), Some(later));
    assert!(store.is_set_aside(gone.clone()).await.unwrap() && !store.is_set_aside(inbound).await.unwrap());
    let claim = |store: &Store| store.claim(&kept.route, NOW).unwrap();
    assert!(claim(&store).is_none(), "they are held still");
    store.hold_less(&kept, Some(mark + 1));
    store.hold_less(&gone, None);
    let lease = claim(&store).expect("what came since");
    assert_eq!(name(lease.job()), "3");
    lease.settle(done(), NOW).await.unwrap();
    assert!(claim(&store).is_none());
    assert_eq!(drain(&store).await, ["1", "2"]);

    // And it is so after the next opening.
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!((store.lanes_to_telegram().await.unwrap(), store.counts().parked), (Vec::new(), 4));
}

#[tokio::test]
async fn a_lane_in_which_somebody_works_is_left_alone() {
    let store = Home::new().open();
    let busy = to_telegram("busy");
    push(&store, &busy, &["1"]).await;
    let lease = store.claim(&busy.route, NOW).unwrap().unwrap();
    store.hold(std::slice::from_ref(&busy), 0);
    let rewound = store.treat_as_rolled_back(vec![busy.clone()], u64::MAX, NOW).await.unwrap();
    assert_eq!(rewound, RollbackOutcome { parked: 0, busy: 1 });
    lease.settle(done(), NOW).await.unwrap();
    assert_eq!(store.waiting(busy).await.unwrap(), Some(Vec::new()));
}

/// Kommo takes the message with this number, and tells its id or does not.
async fn take(store: &Store, number: i64, id: Option<&str>) {
    push(store, &lane("a"), &["update"]).await;
    let last_sent = LastSent::new(ours(number), NOW);
    let mut changes = vec![StateChange::LastSent { conversation: conversation(), last_sent }];
    changes.extend(id.map(|id| StateChange::Link { ours: ours(number), kommo: kommo(id) }));
    claim(store).unwrap().settle(Outcome::Done { then: Vec::new(), changes }, NOW).await.unwrap();
}

#[tokio::test]
async fn the_horizon_stays_until_a_comparison_is_complete_or_an_id_is_not_told() {
    let home = Home::new();
    let store = home.open();
    assert_eq!(horizon(&store), None);
    take(&store, 4, Some("four")).await;
    take(&store, 6, Some("six")).await;
    take(&store, 8, Some("eight")).await;
    assert_eq!(horizon(&store), Some(4));
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!((horizon(&store), store.last_sent(&conversation()).unwrap().unwrap().ours), (Some(4), ours(8)));
    store.advance_watermark(NOW, 1, Vec::new()).await.unwrap();
    assert_eq!(horizon(&store), Some(8));
    take(&store, 9, Some("nine")).await;
    assert_eq!(horizon(&store), Some(8));
    take(&store, 11, None).await;
    take(&store, 12, Some("twelve")).await;
    assert_eq!(horizon(&store), Some(11), "11 is in Kommo by an id that nobody knows");
}

fn horizon(store: &Store) -> Option<i64> {
    store.known_up_to(&conversation()).unwrap().map(|ours| ours.message)
}

/// The job that brings a message is set aside, and dropped by the operator.
async fn lose(store: &Store, numbers: &[i64]) {
    let mut ids = Vec::new();
    for number in numbers {
        push(store, &lane("a"), &[&number.to_string()]).await;
        ids.extend(claim(store).unwrap().settle(park("who knows"), NOW).await.unwrap());
    }
    let message = |job: &Job| Ok(name(job).parse().ok().map(|number| (conversation(), ours(number))));
    assert_eq!(store.drop_parked(ids, message).await.unwrap().len(), numbers.len());
}

#[tokio::test]
async fn what_the_operator_drops_is_no_sign_of_it() {
    let store = Home::new().open();
    lose(&store, &[1]).await;
    assert_eq!(horizon(&store), None);
    take(&store, 4, Some("four")).await;
    take(&store, 8, Some("eight")).await;
    lose(&store, &[3]).await;
    assert_eq!(horizon(&store), Some(4), "it is below");
    lose(&store, &[7, 6]).await;
    assert_eq!((horizon(&store), store.last_sent(&conversation()).unwrap().unwrap().ours), (Some(7), ours(8)));
    lose(&store, &[10]).await;
    store.advance_watermark(NOW, 1, Vec::new()).await.unwrap();
    assert_eq!(horizon(&store), Some(10), "also when a comparison is complete");
}

#[tokio::test]
async fn what_is_passed_over_is_no_sign_of_it() {
    let store = Home::new().open();
    take(&store, 4, Some("four")).await;
    take(&store, 8, Some("eight")).await;
    push(&store, &lane("a"), &["update"]).await;
    let changes = vec![StateChange::Unlinked { conversation: conversation(), ours: ours(6) }];
    claim(&store).unwrap().settle(Outcome::Done { then: Vec::new(), changes }, NOW).await.unwrap();
    assert_eq!((horizon(&store), store.last_sent(&conversation()).unwrap().unwrap().ours), (Some(6), ours(8)));
}

#[tokio::test]
async fn what_comes_late_takes_nothing_back_that_is_later() {
    let store = Home::new().open();
    take(&store, 4, Some("four")).await;
    take(&store, 8, Some("eight")).await;
    let last_sent = |store: &Store| store.last_sent(&conversation()).unwrap().unwrap().ours.message;
    take(&store, 6, Some("six")).await;
    assert_eq!((last_sent(&store), horizon(&store)), (8, Some(4)));
    take(&store, 7, None).await;
    assert_eq!((last_sent(&store), horizon(&store)), (8, Some(8)), "7 is in Kommo by an id that nobody knows");
}

#[tokio::test]
async fn what_names_a_chat_without_its_customer_takes_the_customer_from_nobody() {
    let store = Home::new().open();
    let named = |id: &str, user: Option<&str>| Chat {
        chat: KommoChatId(id.to_owned()),
        user: user.map(|user| KommoUserId(user.to_owned())),
    };
    let all = [
        (named("one", Some("anna")), Some("anna")),
        (named("one", None), Some("anna")),
        (named("one", Some("ben")), Some("ben")),
        (named("two", None), None),
    ];
    for (chat, user) in all {
        push(&store, &lane("a"), &["update"]).await;
        let changes = vec![StateChange::Chat { conversation: conversation(), chat: chat.clone() }];
        claim(&store).unwrap().settle(Outcome::Done { then: Vec::new(), changes }, NOW).await.unwrap();
        assert_eq!(store.chat(&conversation()).unwrap(), Some(named(&chat.chat.0, user)));
    }
}
