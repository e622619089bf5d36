//! Managers' messages whose hooks never arrived, and that are too old to be sent.

use crate::{
    clock,
    domain::{
        address::KommoMessageId,
        delivery::{Delivery, DeliveryReport, ErrorCode, Refusal},
        job::{IdempotencyKey, Job, Lane},
    },
    store::{Intake, NewJob, Store, StoreError},
    words::{Language, refusal},
};

/// Reports messages for the lane `lane` as failed to their authors. The id of its hook ensures that this happens once
/// for each, and that a hook that arrives after all sends nothing.
pub async fn report(
    store: &Store,
    lane: &Lane,
    messages: Vec<KommoMessageId>,
    language: Language,
) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    let jobs = messages.into_iter().map(|message| {
        let delivery =
            Delivery::Failed(Refusal::new(ErrorCode::Other, refusal::bridge_was_down()).in_language(language));
        let id = Some(IdempotencyKey::hook(&message));
        NewJob { id, lane: lane.reports(), job: Job::from(DeliveryReport { message, delivery }) }
    });
    store.push(Intake { jobs: jobs.collect(), offset: None }, clock::now()).await.map(drop)
}
