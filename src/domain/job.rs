//! The jobs in the queue, and the lanes that they wait in.

use serde::{Deserialize, Serialize};

use crate::domain::{
    delivery::{Delivery, DeliveryReport},
    message::Outbound,
};

mod call;
mod crm;
mod inbound;
mod key;
mod lane;
mod raw;
mod send;
mod status;
mod stored;

pub use call::{Call, Method, RemoteFile};
pub use crm::{CrmJob, Link, UpdateCrm};
pub use inbound::{InboundJob, MarkDeleted, ReleaseStart, ReleaseStartAt, Remind};
pub use key::IdempotencyKey;
pub use lane::{Lane, Route};
pub use raw::{Hook, Raw, Update};
pub use send::{Album, MarkRead, SendJob};
pub use status::{AssignClientId, StatusJob};

/// One job: one remote call, or the step that turns an update or a hook into calls.
///
/// This is a stored format: variants and fields are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, from = "stored::Stored")]
pub enum Job {
    /// An update or a hook as it arrived.
    Raw(Raw),
    /// A message of the bridge itself to Kommo.
    Inbound(InboundJob),
    /// A call to Telegram for a customer.
    Send(SendJob),
    /// News of an answer, for Kommo.
    Status(StatusJob),
    /// A change of a contact or a lead.
    Crm(CrmJob),
}

/// How jobs of one kind are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// Their name in the log.
    pub name: &'static str,
    /// Whether a final failure is dropped instead of parked: it is not worth a person's time.
    pub is_best_effort: bool,
    /// Whether an aborted job may have reached the remote, so that repeating it would do it twice.
    pub may_be_done_twice: bool,
    /// Whether they may send Kommo a message that has a number in Telegram.
    pub may_bring_message: bool,
}

impl Traits {
    const fn of(name: &'static str) -> Self {
        Self { name, is_best_effort: false, may_be_done_twice: false, may_bring_message: false }
    }
}

impl Job {
    /// How it is treated. This is the only list of all kinds.
    #[must_use]
    pub const fn traits(&self) -> Traits {
        match self {
            Self::Raw(Raw::Update(_)) => Traits { may_bring_message: true, ..Traits::of("update") },
            Self::Raw(Raw::Hook(_)) => Traits::of("hook"),
            Self::Raw(Raw::Reaction(_)) => Traits { is_best_effort: true, ..Traits::of("reaction") },
            Self::Inbound(InboundJob::Remind(_)) => Traits::of("reminder"),
            Self::Inbound(InboundJob::ReleaseStartAt(_)) => {
                Traits { may_bring_message: true, ..Traits::of("start held") }
            }
            Self::Inbound(InboundJob::ReleaseStart(_)) => {
                Traits { may_bring_message: true, ..Traits::of("start released") }
            }
            Self::Inbound(InboundJob::MarkDeleted(_)) => Traits::of("deletion"),
            Self::Send(SendJob::Answer(_)) => Traits::of("answer"),
            Self::Send(SendJob::Call(_)) => Traits { may_be_done_twice: true, ..Traits::of("call") },
            Self::Send(SendJob::Album(_)) => Traits { may_be_done_twice: true, ..Traits::of("album") },
            Self::Send(SendJob::MarkRead(_)) => Traits { is_best_effort: true, ..Traits::of("marking as read") },
            Self::Status(StatusJob::Delivery(DeliveryReport { delivery: Delivery::Read, .. })) => {
                Traits { is_best_effort: true, ..Traits::of("status") }
            }
            Self::Status(StatusJob::Delivery(_)) => Traits::of("status"),
            Self::Status(StatusJob::AssignClientId(_)) => Traits { is_best_effort: true, ..Traits::of("client id") },
            Self::Crm(CrmJob::Link(_)) => Traits::of("contact link"),
            Self::Crm(CrmJob::Update(_)) => Traits::of("contact update"),
        }
    }

    /// The calls to Telegram that it makes.
    #[must_use]
    pub const fn calls(&self) -> &[Call] {
        match self {
            Self::Send(SendJob::Call(call)) => std::slice::from_ref(&**call),
            Self::Send(SendJob::Album(album)) => album.calls.as_slice(),
            Self::Raw(_) | Self::Inbound(_) | Self::Send(_) | Self::Status(_) | Self::Crm(_) => &[],
        }
    }

    /// Whether it sends a file, which takes longer than other calls.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.calls().iter().any(|call| matches!(call.method, Method::SendFile { .. }))
    }

    /// Whether two jobs that come from one job belong to the same answer, so that neither makes sense alone. Several
    /// files at once are several answers.
    #[must_use]
    pub fn shares_answer(&self, other: &Self) -> bool {
        let (ours, others) = (self.calls(), other.calls());
        let shared = |one: &Call| others.iter().any(|other| other.message == one.message);
        ours.is_empty() || others.is_empty() || ours.iter().any(shared)
    }
}

/// Converts the type of each kind into a [`Job`].
macro_rules! from {
    ($($type:ty => $group:ident($kind:ident::$variant:ident),)*) => {$(
        impl From<$type> for Job {
            fn from(job: $type) -> Self {
                Self::$group($kind::$variant(job))
            }
        }
    )*};
}

impl From<Box<Outbound>> for Job {
    fn from(answer: Box<Outbound>) -> Self {
        Self::Send(SendJob::Answer(answer))
    }
}

impl From<Call> for Job {
    fn from(call: Call) -> Self {
        Self::Send(SendJob::Call(Box::new(call)))
    }
}

from! {
    Update => Raw(Raw::Update),
    Hook => Raw(Raw::Hook),
    Remind => Inbound(InboundJob::Remind),
    ReleaseStartAt => Inbound(InboundJob::ReleaseStartAt),
    ReleaseStart => Inbound(InboundJob::ReleaseStart),
    MarkDeleted => Inbound(InboundJob::MarkDeleted),
    Album => Send(SendJob::Album),
    MarkRead => Send(SendJob::MarkRead),
    DeliveryReport => Status(StatusJob::Delivery),
    AssignClientId => Status(StatusJob::AssignClientId),
    Link => Crm(CrmJob::Link),
    UpdateCrm => Crm(CrmJob::Update),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        address::{Conversation, KommoMessageId, SourceId},
        keyboard::Keyboard,
    };

    #[test]
    fn a_route_reads_back_as_it_was_written() {
        let sales = Route::Outbound(SourceId::parse("sales: east").unwrap());
        for route in [Route::Inbound, Route::Undeliverable, Route::Status, Route::Crm, sales] {
            assert_eq!(route.to_string().parse(), Ok(route));
        }
        assert!(["", "outbound", "outbound:", "elsewhere"].iter().all(|text| text.parse::<Route>().is_err()));
    }

    #[test]
    fn jobs_share_an_answer_by_its_message() {
        let call = |message: &str| Call {
            message: KommoMessageId(message.to_owned()),
            to: Conversation::new(SourceId::parse("sales").unwrap(), 7),
            part: 1,
            parts: 1,
            method: Method::SendText { text: "x".to_owned(), keyboard: Keyboard::default(), reply_to: None },
            omitted: None,
            answers_in: None,
            opening: None,
            written_at: None,
        };
        let (a, b) = (Job::from(call("a")), Job::from(call("b")));
        let album = Job::from(Album { calls: vec![call("b"), call("c")] });
        let hook = Job::from(Hook { raw: String::new() });
        assert!(a.shares_answer(&a) && album.shares_answer(&b) && b.shares_answer(&album));
        assert!(!a.shares_answer(&b) && !a.shares_answer(&album));
        assert!(a.shares_answer(&hook) && hook.shares_answer(&a));
    }

    #[test]
    fn a_lane_names_its_conversation() {
        let conversation = Conversation::new(SourceId::parse("sales").unwrap(), 7);
        for of in [Lane::inbound, Lane::outbound, Lane::seen, Lane::names, Lane::links, Lane::lead, Lane::hold] {
            assert_eq!(of(&conversation).conversation().as_ref(), Some(&conversation));
        }
        for other in [Lane::chatless(&conversation.source), Lane::stray("wa:1"), Lane::stray("")] {
            assert_eq!(other.conversation(), None, "{other:?}");
        }
    }

    #[test]
    fn a_stray_thread_of_any_length_has_a_lane() {
        assert_eq!(Lane::stray("wa:1").thread, "wa:1");
        assert_eq!(Lane::stray(&"é".repeat(5000)).thread.len(), 200);
    }
}
