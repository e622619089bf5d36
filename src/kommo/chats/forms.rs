//! Where the documentation contradicts itself: which form the account accepts is learnt from its refusals.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::kommo::{
    chats::{CallError, Chats, answer},
    wire::{Accepted, DeliveryStatus, Event},
};

/// What is known of the account so far. All clones of a client share it.
#[derive(Debug, Default)]
pub(super) struct Forms {
    refuses_delivered: AtomicBool,
    names: Mutex<Option<Names>>,
}

/// The names by which a delivery status tells its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    /// `status_code` beside `delivery_status` and `msgid`.
    Both,
    /// `status_code` alone.
    Newer,
    /// `delivery_status` and `msgid`.
    Older,
}

impl Names {
    /// In the order in which they are tried while the account has taken none.
    const ALL: [Self; 3] = [Self::Both, Self::Newer, Self::Older];

    fn told(self, report: &DeliveryStatus) -> DeliveryStatus {
        match self {
            Self::Both => report.clone(),
            Self::Newer => report.newer(),
            Self::Older => report.older(),
        }
    }
}

impl Chats {
    /// Creates a message. Kommo takes each `msgid` once, so this can be repeated. An account that takes no delivery
    /// status with a new message gets it without: the words are what counts.
    pub async fn send(&self, event: &Event) -> Result<Accepted, CallError> {
        let mut bare = event.clone();
        if bare.payload.message.delivery_status.take().is_none() {
            return self.made(event).await;
        }
        if self.forms.refuses_delivered.load(Ordering::Relaxed) {
            return self.made(&bare).await;
        }
        let refusal = match self.made(event).await {
            Err(error) if error.is_bad_request() => error,
            answer => return answer,
        };
        let answer = self.made(&bare).await;
        if answer.is_ok() && !self.forms.refuses_delivered.swap(true, Ordering::Relaxed) {
            tracing::info!(why = %refusal, "Kommo accepts no delivery status with a new message: sending messages \
                without");
        }
        answer
    }

    async fn made(&self, event: &Event) -> Result<Accepted, CallError> {
        let (status, body) = self.post("", event).await?;
        answer::accepted(status, &body)
    }

    /// Tells how the delivery of the answer `message` (Kommo's id) ended. This can be repeated.
    ///
    /// The names that the account took last are tried first. Kommo may change while this runs, so the others follow.
    pub async fn delivery_status(&self, message: &str, report: &DeliveryStatus) -> Result<(), CallError> {
        let known = *self.forms.names.lock().unwrap_or_else(PoisonError::into_inner);
        let first = known.unwrap_or(Names::Both);
        let refusal = match self.tell(message, report, first).await {
            Err(error) if error.is_bad_request() => error,
            answer => return answer,
        };
        for names in Names::ALL.into_iter().filter(|names| *names != first) {
            match self.tell(message, report, names).await {
                Err(error) if error.is_bad_request() => {}
                answer => return answer,
            }
        }
        // It is the status itself that Kommo does not like.
        Err(refusal)
    }

    async fn tell(&self, message: &str, report: &DeliveryStatus, names: Names) -> Result<(), CallError> {
        let path = format!("/{}/delivery_status", super::encoded(message));
        let (status, body) = self.post(&path, &names.told(report)).await?;
        answer::done(status, &body)?;
        *self.forms.names.lock().unwrap_or_else(PoisonError::into_inner) = Some(names);
        Ok(())
    }
}
