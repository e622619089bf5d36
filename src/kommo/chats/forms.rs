//! Learns from refusals which forms the account accepts, where Kommo's documentation contradicts itself.

use std::sync::{Mutex, PoisonError};

use crate::{
    domain::assumed::{Assumed, StatusNames},
    kommo::{
        chats::{CallError, Chats, answer},
        wire::{Accepted, DeliveryStatus, Event},
    },
};

/// What is known of the account. All clones of a client share it.
#[derive(Debug, Default)]
pub(super) struct Forms(Mutex<Known>);

/// The operator's assumptions, and apart from them what was learnt, so that removing a key from the configuration does
/// not affect what was learnt.
#[derive(Debug, Default)]
struct Known {
    names_assumed: Option<StatusNames>,
    accepted_names: Option<StatusNames>,
    accepts_delivered_assumed: Option<bool>,
    /// Whether a new message with a delivery status was refused.
    has_refused_delivered: bool,
}

impl Forms {
    /// Sets the operator's assumptions. Later refusals still count.
    pub(super) fn assume(&self, assumed: Assumed) {
        let Assumed { status_names, status_in_messages, customer_edits: _ } = assumed;
        self.with(|known| {
            if status_names.is_some() && status_names != known.names_assumed {
                known.accepted_names = None;
            }
            if status_in_messages == Some(true) && known.accepts_delivered_assumed != Some(true) {
                known.has_refused_delivered = false;
            }
            known.names_assumed = status_names;
            known.accepts_delivered_assumed = status_in_messages;
        });
    }

    /// The names to try first.
    fn names(&self) -> StatusNames {
        self.with(|known| known.accepted_names.or(known.names_assumed).unwrap_or(StatusNames::Both))
    }

    fn set_accepted_names(&self, names: StatusNames) {
        self.with(|known| known.accepted_names = Some(names));
    }

    /// Whether to send new messages with their delivery status.
    fn accepts_delivered(&self) -> bool {
        self.with(|known| known.accepts_delivered_assumed != Some(false) && !known.has_refused_delivered)
    }

    /// Records that a new message with a delivery status was refused. Returns whether that is new.
    fn has_refused_delivered(&self) -> bool {
        self.with(|known| !std::mem::replace(&mut known.has_refused_delivered, true))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Known) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn with_names(report: &DeliveryStatus, names: StatusNames) -> DeliveryStatus {
    match names {
        StatusNames::Both => report.clone(),
        StatusNames::Newer => report.newer(),
        StatusNames::Older => report.older(),
    }
}

impl Chats {
    /// Creates a message. Idempotent, because Kommo accepts each `msgid` once. If the account refuses a delivery status
    /// with a new message, it is sent without.
    pub async fn send(&self, event: &Event) -> Result<Accepted, CallError> {
        let mut without_status = event.clone();
        if without_status.payload.message.delivery_status.take().is_none() {
            return self.send_as_is(event).await;
        }
        if !self.forms.accepts_delivered() {
            return self.send_as_is(&without_status).await;
        }
        let refusal = match self.send_as_is(event).await {
            Err(error) if error.is_bad_request() => error,
            answer => return answer,
        };
        let answer = self.send_as_is(&without_status).await;
        if answer.is_ok() && self.forms.has_refused_delivered() {
            tracing::info!(why = %refusal, "Kommo accepts no delivery status with a new message, so messages are \
            sent without");
        }
        answer
    }

    /// Creates a message unchanged, and learns nothing from the response.
    pub async fn send_as_is(&self, event: &Event) -> Result<Accepted, CallError> {
        let (status, body) = self.post("", event).await?;
        answer::accepted(status, &body)
    }

    /// Reports the delivery status of the answer `message` (Kommo's id). Idempotent.
    ///
    /// The names that the account has accepted last are tried first, then the others, because Kommo may change.
    pub async fn delivery_status(&self, message: &str, report: &DeliveryStatus) -> Result<(), CallError> {
        let first = self.forms.names();
        let refusal = match self.send_status(message, report, first).await {
            Err(error) if error.is_bad_request() => error,
            answer => return answer,
        };
        for names in StatusNames::ALL.into_iter().filter(|names| *names != first) {
            match self.send_status(message, report, names).await {
                Err(error) if error.is_bad_request() => {}
                answer => return answer,
            }
        }
        // Kommo refuses the status itself.
        Err(refusal)
    }

    async fn send_status(&self, message: &str, report: &DeliveryStatus, names: StatusNames) -> Result<(), CallError> {
        self.status_as(message, report, names).await?;
        self.forms.set_accepted_names(names);
        Ok(())
    }

    /// Reports a delivery status by these names, and learns nothing from the response.
    pub async fn status_as(&self, message: &str, report: &DeliveryStatus, names: StatusNames) -> Result<(), CallError> {
        let path = format!("/{}/delivery_status", super::encode_segment(message));
        let (status, body) = self.post(&path, &with_names(report, names)).await?;
        answer::done(status, &body)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::{kommo::sign::Signer, net::Egress};

    const ASSUMED: Assumed = Assumed {
        status_names: Some(StatusNames::Older),
        status_in_messages: Some(false),
        customer_edits: Some(false),
    };

    fn chats() -> Chats {
        let origin = "https://amojo.kommo.com".parse().unwrap();
        Chats::new(&Egress::default(), origin, "scope", Signer::new("secret"), Duration::from_secs(1), 1).unwrap()
    }

    /// What a client assumes: names, delivery status, edits.
    fn settings(chats: &Chats) -> (StatusNames, bool, bool) {
        (chats.forms.names(), chats.forms.accepts_delivered(), chats.edits.may_try(Instant::now()))
    }

    #[test]
    fn an_assumption_ends_with_its_key() {
        let before = chats().assuming(ASSUMED);
        assert_eq!(settings(&before), (StatusNames::Older, false, false));
        let without = |change: fn(&mut Assumed)| {
            let mut assumed = ASSUMED;
            change(&mut assumed);
            settings(&chats().after(&before).assuming(assumed))
        };
        assert_eq!(without(|assumed| assumed.status_names = None), (StatusNames::Both, false, false));
        assert_eq!(without(|assumed| assumed.status_in_messages = None), (StatusNames::Older, true, false));
        assert_eq!(without(|assumed| assumed.customer_edits = None), (StatusNames::Older, false, true));
        assert_eq!(without(|assumed| *assumed = Assumed::default()), settings(&chats()));
    }

    #[test]
    fn what_was_learnt_survives_changes_of_other_keys() {
        let before = chats().assuming(Assumed { customer_edits: Some(true), ..Assumed::default() });
        before.forms.set_accepted_names(StatusNames::Newer);
        assert!(before.forms.has_refused_delivered() && !before.forms.has_refused_delivered());
        let after = chats().after(&before).assuming(Assumed::default());
        assert_eq!(settings(&after), (StatusNames::Newer, false, true));
        let assumed = Assumed { status_names: Some(StatusNames::Older), status_in_messages: Some(true), ..ASSUMED };
        let after = chats().after(&after).assuming(assumed);
        assert_eq!(settings(&after), (StatusNames::Older, true, false), "a new assumption replaces it");
        after.forms.set_accepted_names(StatusNames::Both);
        after.forms.has_refused_delivered();
        let after = chats().after(&after).assuming(assumed);
        assert_eq!(settings(&after), (StatusNames::Both, false, false), "until the account refuses it");
    }
}
