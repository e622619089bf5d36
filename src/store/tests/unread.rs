//! Answers that nothing shows to be read.

use super::{reach::apply, *};
use crate::domain::{
    address::{MessageId, SourceId},
    delivery::UnreadAnswer,
};

fn answers(numbers: std::ops::Range<i64>) -> Vec<UnreadAnswer> {
    let answer = |message| UnreadAnswer {
        message: KommoMessageId(format!("m{message}")),
        ours: MessageId { bot: BotId(1), chat: 7.into(), message, update: None },
        topic: (message % 2 == 0).then_some(9),
    };
    numbers.map(answer).collect()
}

#[tokio::test]
async fn the_newest_hundred_are_kept_until_they_are_read() {
    let home = Home::new();
    let store = home.open();
    let conversation = Conversation::new(SourceId::parse("sales").unwrap(), 7);
    let arrived = |answers| vec![StateChange::Unread { conversation: conversation.clone(), answers }];
    let read = |answers| vec![StateChange::Read { conversation: conversation.clone(), answers }];
    apply(&store, arrived(answers(1..60))).await;
    apply(&store, arrived(answers(60..111))).await;
    assert_eq!(store.unread(&conversation).unwrap(), answers(11..111));
    store.close().await.unwrap();
    let store = home.open();
    // What is not known any more is no harm.
    apply(&store, read(answers(1..109))).await;
    apply(&store, arrived(answers(111..112))).await;
    assert_eq!(store.unread(&conversation).unwrap(), answers(109..112));
    apply(&store, read(answers(109..112))).await;
    assert_eq!(store.unread(&conversation).unwrap(), []);
}
