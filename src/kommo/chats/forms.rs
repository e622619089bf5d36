//! Where the documentation contradicts itself: which form the account accepts is learnt from its refusals.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    domain::assumed::{Assumed, StatusNames},
    kommo::{
        chats::{CallError, Chats, answer},
        wire::{Accepted, DeliveryStatus, Event},
    },
};

/// What is known of the account so far. All clones of a client share it.
#[derive(Debug, Default)]
pub(super) struct Forms {
    refuses_delivered: AtomicBool,
    names: Mutex<Option<StatusNames>>,
}

impl Forms {
    /// Takes for granted what the operator says; what the account refuses is learnt all the same.
    pub(super) fn assume(&self, assumed: Assumed) {
        if let Some(names) = assumed.status_names {
            *self.names.lock().unwrap_or_else(PoisonError::into_inner) = Some(names);
        }
        if let Some(takes) = assumed.status_in_messages {
            self.refuses_delivered.store(!takes, Ordering::Relaxed);
        }
    }
}

fn told(report: &DeliveryStatus, names: StatusNames) -> DeliveryStatus {
    match names {
        StatusNames::Both => report.clone(),
        StatusNames::Newer => report.newer(),
        StatusNames::Older => report.older(),
    }
}

impl Chats {
    /// Creates a message. Kommo takes each `msgid` once, so this can be repeated. An account that takes no delivery
    /// status with a new message gets it without: the words are what counts.
    pub async fn send(&self, event: &Event) -> Result<Accepted, CallError> {
        let mut bare = event.clone();
        if bare.payload.message.delivery_status.take().is_none() {
            return self.send_as_is(event).await;
        }
        if self.forms.refuses_delivered.load(Ordering::Relaxed) {
            return self.send_as_is(&bare).await;
        }
        let refusal = match self.send_as_is(event).await {
            Err(error) if error.is_bad_request() => error,
            answer => return answer,
        };
        let answer = self.send_as_is(&bare).await;
        if answer.is_ok() && !self.forms.refuses_delivered.swap(true, Ordering::Relaxed) {
            tracing::info!(why = %refusal, "Kommo accepts no delivery status with a new message: sending messages \
                without");
        }
        answer
    }

    /// Creates a message as it stands, and learns nothing of the answer.
    pub async fn send_as_is(&self, event: &Event) -> Result<Accepted, CallError> {
        let (status, body) = self.post("", event).await?;
        answer::accepted(status, &body)
    }

    /// Tells how the delivery of the answer `message` (Kommo's id) ended. This can be repeated.
    ///
    /// The names that the account took last are tried first. Kommo may change while this runs, so the others follow.
    pub async fn delivery_status(&self, message: &str, report: &DeliveryStatus) -> Result<(), CallError> {
        let known = *self.forms.names.lock().unwrap_or_else(PoisonError::into_inner);
        let first = known.unwrap_or(StatusNames::Both);
        let refusal = match self.tell(message, report, first).await {
            Err(error) if error.is_bad_request() => error,
            answer => return answer,
        };
        for names in StatusNames::ALL.into_iter().filter(|names| *names != first) {
            match self.tell(message, report, names).await {
                Err(error) if error.is_bad_request() => {}
                answer => return answer,
            }
        }
        // It is the status itself that Kommo does not like.
        Err(refusal)
    }

    async fn tell(&self, message: &str, report: &DeliveryStatus, names: StatusNames) -> Result<(), CallError> {
        self.status_as(message, report, names).await?;
        *self.forms.names.lock().unwrap_or_else(PoisonError::into_inner) = Some(names);
        Ok(())
    }

    /// Tells a delivery status by these names, and learns nothing of the answer.
    pub async fn status_as(&self, message: &str, report: &DeliveryStatus, names: StatusNames) -> Result<(), CallError> {
        let path = format!("/{}/delivery_status", super::encoded(message));
        let (status, body) = self.post(&path, &told(report, names)).await?;
        answer::done(status, &body)
    }
}
