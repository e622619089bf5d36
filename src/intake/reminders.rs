//! Reminders of unanswered messages in people's own chats, before the time for an answer is over.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::{
        address::Conversation,
        job::{IdempotencyKey, Job, Lane, Remind},
        question::Question,
        time::UnixMillis,
    },
    store::{Intake, NewJob, Store, StoreError},
};

/// How often to check.
const CHECK_EVERY: Duration = Duration::from_secs(30);

/// Creates reminders, until `stop`.
pub async fn watch(store: Store, stop: CancellationToken) -> Result<(), StoreError> {
    loop {
        check(&store, clock::now()).await?;
        if stop.run_until_cancelled(sleep(CHECK_EVERY)).await.is_none() {
            return Ok(());
        }
    }
}

/// The job that reminds a manager of an unanswered message.
#[must_use]
pub fn reminder(conversation: &Conversation, question: &Question) -> NewJob {
    let job = Job::from(Remind { conversation: conversation.clone(), message: question.message });
    NewJob { id: None, lane: Lane::inbound(conversation), job }
}

/// Creates a job for each message that is due. Until the manager has been reminded, each check finds it again, and its
/// id is recognised.
async fn check(store: &Store, now: UnixMillis) -> Result<usize, StoreError> {
    let due = store.questions().await?.into_iter().filter(|(_, question)| question.is_due(now));
    let job = |(conversation, question): (_, _)| {
        let job = reminder(&conversation, &question);
        let (message, is_over) = (question.message, question.left(now).is_none());
        // After the reminder, there is another job when the time is over, which forgets the message.
        let id = IdempotencyKey(format!("remind:{conversation}:{message}:{is_over}"));
        NewJob { id: Some(id), ..job }
    };
    let jobs: Vec<_> = due.map(job).collect();
    if jobs.is_empty() {
        return Ok(0);
    }
    Ok(store.push(Intake { jobs, offset: None }, now).await?.taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            address::{BotId, Conversation, SourceId, TelegramChat, UserId},
            crm::CustomerProfile,
            job::{Hook, Job, Lane, Route},
            question::Question,
        },
        store::{Outcome, Settings, StateChange},
    };

    const HOUR: Duration = Duration::from_hours(1);
    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn store(dir: &std::path::Path) -> Store {
        let settings = Settings {
            dir: dir.to_owned(),
            cache_bytes: 4 << 20,
            reserve_bytes: 0,
            dedupe_for: HOUR * 24 * 7,
            links_for: HOUR * 24 * 90,
            parked_for: HOUR * 24 * 7,
        };
        Store::open(settings).unwrap()
    }

    fn with(customer: i64) -> Conversation {
        Conversation::new(SourceId::parse("sales").unwrap(), TelegramChat { owner: Some(UserId(9)), id: customer })
    }

    fn unanswered(number: i64, message: i64, written_at: UnixMillis, is_reminded: bool) -> StateChange {
        let customer = CustomerProfile { id: UserId(number), name: "Ann".to_owned(), username: None };
        let question = Question { customer, bot: BotId(1), message, written_at, is_reminded };
        StateChange::Question { conversation: with(number), question: Some(question) }
    }

    /// Applies changes with a job that is done.
    async fn apply(store: &Store, changes: Vec<StateChange>) {
        let job = NewJob { id: None, lane: Lane::inbound(&with(1)), job: Job::from(Hook { raw: "{}".to_owned() }) };
        store.push(Intake { jobs: vec![job], offset: None }, NOW).await.unwrap();
        let lease = store.claim(&Route::Inbound, NOW).unwrap().unwrap();
        lease.settle(Outcome::Done { then: Vec::new(), changes }, NOW).await.unwrap();
    }

    #[tokio::test]
    async fn each_message_has_one_reminder() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        let (due, early, reminded) = (NOW.minus(HOUR * 23), NOW.minus(HOUR * 21), NOW.minus(HOUR * 23));
        apply(
            &store,
            vec![unanswered(1, 5, due, false), unanswered(2, 6, early, false), unanswered(3, 7, reminded, false)],
        )
        .await;
        apply(&store, vec![unanswered(3, 7, reminded, true)]).await;
        assert_eq!(check(&store, NOW).await.unwrap(), 1);
        let lease = store.claim(&Route::Inbound, NOW).unwrap().unwrap();
        assert_eq!(*lease.job(), Job::from(Remind { conversation: with(1), message: 5 }));
        lease.settle(Outcome::Done { then: Vec::new(), changes: Vec::new() }, NOW).await.unwrap();
        assert_eq!(check(&store, NOW).await.unwrap(), 0, "it is known");
        assert_eq!(check(&store, NOW.plus(HOUR)).await.unwrap(), 3, "two are over and one is due");
    }

    #[tokio::test]
    async fn a_reminder_of_one_message_does_not_count_for_the_next() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        apply(&store, vec![unanswered(1, 5, NOW, false)]).await;
        apply(&store, vec![unanswered(1, 8, NOW, false)]).await;
        apply(&store, vec![unanswered(1, 5, NOW, true)]).await;
        let waits = store.question(&with(1)).unwrap().unwrap();
        assert_eq!((waits.message, waits.is_reminded), (8, false));
        apply(&store, vec![StateChange::Question { conversation: with(1), question: None }]).await;
        apply(&store, vec![unanswered(1, 8, NOW, true)]).await;
        assert_eq!(store.question(&with(1)).unwrap(), None);
    }
}
