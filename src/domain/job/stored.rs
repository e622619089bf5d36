//! The stored format of jobs: one flat list of kinds.

use serde::Deserialize;

use crate::domain::{
    delivery::DeliveryReport,
    job::{
        Album, AssignClientId, Call, CrmJob, Hook, InboundJob, Job, Link, MarkDeleted, MarkRead, Raw, ReleaseStart,
        ReleaseStartAt, Remind, SendJob, StatusJob, Update, UpdateCrm,
    },
    message::Outbound,
};

/// This is a stored format: variants are only ever added. [`Job`] is written in the same form.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Stored {
    Update(Update),
    Hook(Hook),
    Reaction(Hook),
    Remind(Remind),
    Hold(ReleaseStartAt),
    Release(ReleaseStart),
    Deleted(MarkDeleted),
    Answer(Box<Outbound>),
    Call(Box<Call>),
    Album(Album),
    Seen(MarkRead),
    Report(DeliveryReport),
    Name(AssignClientId),
    Link(Link),
    Enrich(UpdateCrm),
}

impl From<Stored> for Job {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Update(update) => Self::Raw(Raw::Update(update)),
            Stored::Hook(hook) => Self::Raw(Raw::Hook(hook)),
            Stored::Reaction(hook) => Self::Raw(Raw::Reaction(hook)),
            Stored::Remind(remind) => Self::Inbound(InboundJob::Remind(remind)),
            Stored::Hold(hold) => Self::Inbound(InboundJob::ReleaseStartAt(hold)),
            Stored::Release(release) => Self::Inbound(InboundJob::ReleaseStart(release)),
            Stored::Deleted(deleted) => Self::Inbound(InboundJob::MarkDeleted(deleted)),
            Stored::Answer(answer) => Self::Send(SendJob::Answer(answer)),
            Stored::Call(call) => Self::Send(SendJob::Call(call)),
            Stored::Album(album) => Self::Send(SendJob::Album(album)),
            Stored::Seen(seen) => Self::Send(SendJob::MarkRead(seen)),
            Stored::Report(report) => Self::Status(StatusJob::Delivery(report)),
            Stored::Name(name) => Self::Status(StatusJob::AssignClientId(name)),
            Stored::Link(link) => Self::Crm(CrmJob::Link(link)),
            Stored::Enrich(update) => Self::Crm(CrmJob::Update(update)),
        }
    }
}
