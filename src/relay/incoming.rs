//! An update on its way to Kommo, with what is known of its job.

use crate::{
    domain::{
        address::{BotId, SourceId},
        job::Job,
        retry::Tries,
        speaker::Speaker,
        time::UnixMillis,
    },
    store::Lease,
    translate::from_telegram::Received,
};

/// Attempts before a failure that seems specific to this message counts as permanent: a firewall does not let it
/// through, or Kommo refuses it while its history cannot be asked. While Kommo is down, no attempt counts.
const TRIES_OF_ITS_OWN: u32 = 5;

/// One update.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    /// The job that relays it.
    pub(super) job: &'a Job,
    /// The source whose bot received it.
    pub(super) source: &'a SourceId,
    pub(super) bot: BotId,
    /// The program of the owner's that has done it; `None` for what others did.
    pub(super) program: Option<&'a Speaker>,
    /// What it says.
    pub(super) update: &'a Received<'a>,
    /// What is known of the job.
    pub(super) attempt: AttemptInfo,
}

/// What a step knows of its job.
#[derive(Clone, Copy)]
pub(super) struct AttemptInfo {
    /// Whether this is the first attempt for certain.
    pub(super) is_first: bool,
    /// Whether this is the last attempt: if it fails, and others pass meanwhile, the job is given up.
    pub(super) is_last: bool,
    /// How many attempts have failed that count.
    pub(super) failed_before: u32,
    /// When it arrived. What Telegram does not date, such as the press of a button, is as old as that.
    pub(super) enqueued_at: UnixMillis,
}

impl AttemptInfo {
    /// What is known of a leased job.
    pub(super) fn of(lease: &Lease) -> Self {
        let (Tries { failed, is_first }, enqueued_at) = (lease.tries(), lease.enqueued_at());
        Self { is_first, is_last: failed >= TRIES_OF_ITS_OWN, failed_before: failed, enqueued_at }
    }
}
