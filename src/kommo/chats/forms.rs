//! Where the documentation contradicts itself: which form the account accepts is learnt from its refusals.

use std::sync::{Mutex, PoisonError};

use crate::{
    domain::assumed::{Assumed, StatusNames},
    kommo::{
        chats::{CallError, Chats, answer},
        wire::{Accepted, DeliveryStatus, Event},
    },
};

/// What is known of the account so far. All clones of a client share it.
#[derive(Debug, Default)]
pub(super) struct Forms(Mutex<Known>);

/// What the operator says, and apart from it what was learnt: who takes a key out of the configuration takes back what
/// it said, and nothing else.
#[derive(Debug, Default)]
struct Known {
    names_assumed: Option<StatusNames>,
    names_taken: Option<StatusNames>,
    takes_delivered_assumed: Option<bool>,
    /// Whether a new message with a delivery status was refused.
    has_refused_delivered: bool,
}

impl Forms {
    /// Takes for granted what the operator says; what the account refuses is learnt all the same.
    pub(super) fn assume(&self, assumed: Assumed) {
        let Assumed { status_names, status_in_messages, customer_edits: _ } = assumed;
        self.with(|known| {
            if status_names.is_some() && status_names != known.names_assumed {
                known.names_taken = None;
            }
            if status_in_messages == Some(true) && known.takes_delivered_assumed != Some(true) {
                known.has_refused_delivered = false;
            }
            known.names_assumed = status_names;
            known.takes_delivered_assumed = status_in_messages;
        });
    }

    /// The names that are tried first.
    fn names(&self) -> StatusNames {
        self.with(|known| known.names_taken.or(known.names_assumed).unwrap_or(StatusNames::Both))
    }

    fn has_taken(&self, names: StatusNames) {
        self.with(|known| known.names_taken = Some(names));
    }

    /// Whether a new message goes with its delivery status.
    fn takes_delivered(&self) -> bool {
        self.with(|known| known.takes_delivered_assumed != Some(false) && !known.has_refused_delivered)
    }

    /// A new message with its delivery status was refused. Says whether that is new.
    fn has_refused_delivered(&self) -> bool {
        self.with(|known| !std::mem::replace(&mut known.has_refused_delivered, true))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
        if !self.forms.takes_delivered() {
            return self.send_as_is(&bare).await;
        }
        let refusal = match self.send_as_is(event).await {
            Err(error) if error.is_bad_request() => error,
            answer => return answer,
        };
        let answer = self.send_as_is(&bare).await;
        if answer.is_ok() && self.forms.has_refused_delivered() {
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
        let first = self.forms.names();
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
        self.forms.has_taken(names);
        Ok(())
    }

    /// Tells a delivery status by these names, and learns nothing of the answer.
    pub async fn status_as(&self, message: &str, report: &DeliveryStatus, names: StatusNames) -> Result<(), CallError> {
        let path = format!("/{}/delivery_status", super::encoded(message));
        let (status, body) = self.post(&path, &told(report, names)).await?;
        answer::done(status, &body)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::{kommo::sign::Signer, net::Egress};

    const SAID: Assumed = Assumed {
        status_names: Some(StatusNames::Older),
        status_in_messages: Some(false),
        customer_edits: Some(false),
    };

    fn chats() -> Chats {
        let origin = "https://amojo.kommo.com".parse().unwrap();
        Chats::new(&Egress::default(), origin, "scope", Signer::new("secret"), Duration::from_secs(1), 1).unwrap()
    }

    /// What a client goes by.
    fn goes_by(chats: &Chats) -> (StatusNames, bool, bool) {
        (chats.forms.names(), chats.forms.takes_delivered(), chats.edits.may_try(Instant::now()))
    }

    #[test]
    fn a_key_that_is_taken_out_is_in_force_no_longer() {
        let before = chats().assuming(SAID);
        assert_eq!(goes_by(&before), (StatusNames::Older, false, false));
        let without = |change: fn(&mut Assumed)| {
            let mut assumed = SAID;
            change(&mut assumed);
            goes_by(&chats().after(&before).assuming(assumed))
        };
        assert_eq!(without(|said| said.status_names = None), (StatusNames::Both, false, false));
        assert_eq!(without(|said| said.status_in_messages = None), (StatusNames::Older, true, false));
        assert_eq!(without(|said| said.customer_edits = None), (StatusNames::Older, false, true));
        assert_eq!(without(|said| *said = Assumed::default()), goes_by(&chats()));
    }

    #[test]
    fn what_was_learnt_stays_whatever_else_is_said() {
        let before = chats().assuming(Assumed { customer_edits: Some(true), ..Assumed::default() });
        before.forms.has_taken(StatusNames::Newer);
        assert!(before.forms.has_refused_delivered() && !before.forms.has_refused_delivered());
        let after = chats().after(&before).assuming(Assumed::default());
        assert_eq!(goes_by(&after), (StatusNames::Newer, false, true));
        let said = Assumed { status_names: Some(StatusNames::Older), status_in_messages: Some(true), ..SAID };
        let after = chats().after(&after).assuming(said);
        assert_eq!(goes_by(&after), (StatusNames::Older, true, false), "the operator knows better");
        after.forms.has_taken(StatusNames::Both);
        after.forms.has_refused_delivered();
        let after = chats().after(&after).assuming(said);
        assert_eq!(goes_by(&after), (StatusNames::Both, false, false), "until the account says otherwise");
    }
}
