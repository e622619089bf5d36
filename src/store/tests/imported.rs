//! What was imported stays known, for one channel in one account.

use super::{samples::conversation, *};
use crate::{
    domain::{
        address::{BotId, TelegramChat, UserId},
        imported::ImportedId,
    },
    store::{ImportedChat, ImportedMessage},
};

fn id(chat: i64, message: i64) -> ImportedId {
    ImportedId { bot: BotId(7), chat: TelegramChat { owner: Some(UserId(6)), id: chat }, message }
}

const fn unlinked(id: ImportedId) -> ImportedMessage {
    ImportedMessage { id, linked: None }
}

#[tokio::test]
async fn what_was_imported_is_known_after_a_restart_and_a_restore() {
    let home = Home::new();
    let store = home.open();
    let imports = store.imports("scope");
    let numbers = [1, 511, 512, 513, 70_000];
    // Several of one block in one commit, and one that was there before.
    imports.note(numbers.iter().map(|number| unlinked(id(5, *number))).collect(), NOW).await.unwrap();
    imports.note(vec![unlinked(id(5, 2)), unlinked(id(5, 1)), unlinked(id(55, 9))], NOW).await.unwrap();
    imports
        .note_chats(vec![(conversation(), ImportedChat { chat: KommoChatId("a".to_owned()), noted_at: NOW })])
        .await
        .unwrap();
    store.note_imports_by_managers(NOW).await.unwrap();
    let dump = home.0.path().join("dump.jsonl");
    store.dump(&dump, NOW).unwrap();
    store.close().await.unwrap();
    let restored = Home::new();
    Store::restore(restored.0.path(), &dump).unwrap();
    for store in [home.open(), restored.open()] {
        let imports = store.imports("scope");
        let of = |chat| imports.numbers(BotId(7), id(chat, 0).chat);
        assert_eq!(of(5).await.unwrap().into_iter().collect::<Vec<_>>(), [1, 2, 511, 512, 513, 70_000]);
        assert_eq!(of(55).await.unwrap().len(), 1);
        assert_eq!((imports.has(&id(5, 513)).unwrap(), imports.has(&id(5, 514)).unwrap()), (true, false));
        assert_eq!(imports.chat(&conversation()).unwrap().unwrap().0, "a");
        assert_eq!(imports.chats().await.unwrap()[&conversation()].noted_at, NOW);
        assert!(store.has_imports_by_managers().unwrap());
        let others = store.imports("another");
        assert!(others.numbers(BotId(7), id(5, 0).chat).await.unwrap().is_empty());
        assert!(!others.has(&id(5, 1)).unwrap() && others.chats().await.unwrap().is_empty());
        store.sweep(NOW.plus(HOUR * 100_000)).await.unwrap();
        assert!(imports.has(&id(5, 513)).unwrap(), "it never expires");
    }
}

#[tokio::test]
async fn a_message_that_the_bot_can_meet_is_linked_for_as_long_as_others() {
    let store = Home::new().open();
    let kommo = KommoMessageId("kommo".to_owned());
    let imported = ImportedMessage { id: id(5, 3), linked: Some(kommo.clone()) };
    store.imports("scope").note(vec![imported, unlinked(id(5, 4))], NOW).await.unwrap();
    let ours = id(5, 3).in_own_chat();
    assert_eq!(store.kommo_message(&ours).unwrap(), Some(kommo.clone()));
    assert_eq!(store.telegram_messages(&kommo).unwrap(), [ours]);
    assert_eq!(store.kommo_message(&id(5, 4).in_own_chat()).unwrap(), None);
    store.sweep(NOW.plus(HOUR * 2)).await.unwrap();
    assert_eq!(store.kommo_message(&ours).unwrap(), None);
    assert!(store.imports("scope").has(&id(5, 3)).unwrap());
}
