//! An update for Kommo, with its job.

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

/// Attempts before a failure that seems specific to this message counts as permanent: a firewall blocks it, or Kommo
/// refuses it while its history cannot be read. While Kommo is down, no attempt counts.
const MAX_ATTEMPTS: u32 = 5;

/// One update.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    /// The job that relays it.
    pub(super) job: &'a Job,
    /// The source whose bot received it.
    pub(super) source: &'a SourceId,
    pub(super) bot: BotId,
    /// The owner's program that has done it; `None` for an update from Telegram.
    pub(super) program: Option<&'a Speaker>,
    pub(super) update: &'a Received<'a>,
    pub(super) attempt: AttemptInfo,
}

/// The attempt at a job.
#[derive(Clone, Copy)]
pub(super) struct AttemptInfo {
    /// Whether this is certainly the first attempt.
    pub(super) is_first: bool,
    /// Whether this is the last attempt: if it fails while others pass, the job is given up.
    pub(super) is_last: bool,
    /// How many attempts that count have failed.
    pub(super) failed_before: u32,
    /// When the job arrived. Events that Telegram does not date, such as the press of a button, have this date.
    pub(super) enqueued_at: UnixMillis,
}

impl AttemptInfo {
    /// The attempt at a leased job.
    pub(super) fn of(lease: &Lease) -> Self {
        let (Tries { failed, is_first }, enqueued_at) = (lease.tries(), lease.enqueued_at());
        Self { is_first, is_last: failed >= MAX_ATTEMPTS, failed_before: failed, enqueued_at }
    }
}
