//! Rows about customers.

use super::*;
use crate::domain::{
    address::{ContactId, Conversation, KommoChatId, SourceId, UserId},
    avatar::Avatar,
    crm::SyncedProfile,
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
    assert!(!store.redeem("n", "ben".to_owned(), until, UnixMillis(1001)).await.unwrap(), "it has expired");
    assert!(store.redeem("m", "ben".to_owned(), UnixMillis(2000), UnixMillis(1001)).await.unwrap());
}

#[tokio::test]
async fn a_held_start_and_a_profile_survive_and_a_released_start_is_removed() {
    let home = Home::new();
    let store = home.open();
    let conversation = Conversation::new(SourceId::parse("sales").unwrap(), 7);
    let held = HeldStart { bot: BotId(1), raw: "{}".to_owned(), since: UnixMillis(5) };
    let profile = SyncedProfile { username: Some("ann".to_owned()), asked_phone: true, ..SyncedProfile::default() };
    let chat = Chat { chat: KommoChatId("b52c987e".to_owned()), user: None };
    let changes = vec![
        StateChange::Held { conversation: conversation.clone(), held: Some(held.clone()) },
        StateChange::SyncedProfile { conversation: conversation.clone(), profile: profile.clone() },
        StateChange::Chat { conversation: conversation.clone(), chat: chat.clone() },
    ];
    apply(&store, changes).await;
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(store.held(&conversation).unwrap(), Some(held));
    assert_eq!(store.synced_profile(&conversation).unwrap(), profile);
    assert_eq!(store.chats().await.unwrap(), [(conversation.clone(), chat)]);
    apply(&store, vec![StateChange::Held { conversation: conversation.clone(), held: None }]).await;
    assert_eq!(store.held(&conversation).unwrap(), None);
}

#[tokio::test]
async fn forgetting_a_person_keeps_ids_and_other_people() {
    let home = Home::new();
    let store = home.open();
    let (sales, support) = (SourceId::parse("sales").unwrap(), SourceId::parse("support").unwrap());
    let chat = Chat { chat: KommoChatId("b52c987e".to_owned()), user: None };
    let forgotten = SyncedProfile { asked_phone: true, tags: vec!["telegram".to_owned()], ..SyncedProfile::default() };
    let profile = SyncedProfile {
        username: Some("ann".to_owned()),
        username_field: Some("Telegram".to_owned()),
        ..forgotten.clone()
    };
    let avatar = Avatar {
        picture: None,
        linked_at: UnixMillis(5),
        name: "Ann".to_owned(),
        username: None,
        good_until: UnixMillis(6),
    };
    let of = |person: i64| [Conversation::new(sales.clone(), person), Conversation::new(support.clone(), person)];
    for (person, phone) in [(7, "15550107"), (8, "15550108")] {
        for conversation in of(person) {
            apply(
                &store,
                vec![
                    StateChange::SyncedProfile { conversation: conversation.clone(), profile: profile.clone() },
                    StateChange::Chat { conversation, chat: chat.clone() },
                ],
            )
            .await;
        }
        for bot in [BotId(1), BotId(2)] {
            store.remember_avatar(bot, ContactId::Person(UserId(person)), &avatar).await.unwrap();
        }
        let number = OwnNumber { customer: UserId(person), phone: phone.to_owned(), shared_at: UnixMillis(5) };
        store.remember_number(number).await.unwrap();
    }
    let ann = ContactId::Person(UserId(7));
    assert!(store.forget(ann).await.unwrap());
    assert!(!store.forget(ann).await.unwrap(), "there is nothing left");
    store.close().await.unwrap();
    let store = home.open();
    for (person, phone, is_known) in [(7, "15550107", false), (8, "15550108", true)] {
        assert_eq!(store.number_of(UserId(person)).unwrap().is_some(), is_known);
        assert_eq!(store.owner_of(phone).unwrap().is_some(), is_known);
        for (bot, conversation) in [BotId(1), BotId(2)].into_iter().zip(of(person)) {
            assert_eq!(store.avatar(bot, conversation.contact()).unwrap().is_some(), is_known);
            assert_eq!(&store.synced_profile(&conversation).unwrap(), if is_known { &profile } else { &forgotten });
            assert_eq!(store.chat(&conversation).unwrap().as_ref(), Some(&chat), "ids stay");
        }
    }
    let dump = home.0.path().join("dump.jsonl");
    store.dump(&dump, NOW).unwrap();
    let dumped = std::fs::read_to_string(dump).unwrap();
    assert!(dumped.contains("15550108") && !dumped.contains("15550107"), "{dumped}");
}

async fn apply(store: &Store, changes: Vec<StateChange>) {
    push(store, &lane("a"), &["job"]).await;
    let ending = Outcome::Done { then: Vec::new(), changes };
    claim(store).unwrap().settle(ending, UnixMillis(0)).await.unwrap();
}
