//! Sends the text of an answer without its file, if the file cannot be downloaded or sent, and informs its author.

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        job::{Call, Job, SendJob},
        retry::Failure,
    },
    relay::{
        outbound::sending::Sending,
        step::{Step, StepError, StepResult},
    },
    store::Outcome,
    translate::to_telegram::album::text_alone,
    words::{Sentence, refusal},
};

/// More than the parts of an answer and its neighbours in an album.
const NEIGHBOURS: usize = 100;

impl Sending<'_> {
    /// Ends a call whose file cannot be sent, for the reason `why`. The customer gets the text that came with it, here
    /// or in the calls behind. Without a text there is nothing left to send, and the call fails.
    pub(super) fn without_file(&self, call: &Call, mut why: Refusal, reached_remote: bool) -> StepResult {
        let is_first = call.omitted.is_none();
        if let Some(before) = &call.omitted {
            why.sentence = Sentence::plain(&before.sentence).and(why.sentence);
        }
        let own = text_alone(call);
        let behind = self.lease.behind(NEIGHBOURS)?;
        let is_last =
            |job: &Job| matches!(job, Job::Send(SendJob::Call(it)) if it.message == call.message && it.is_last());
        let until = behind.iter().position(|(job, _)| is_last(job)).map_or(0, |last| last + 1);
        if own.is_none() && until == 0 {
            let has_rest = call.part > 1 && is_first;
            let why = if has_rest { why.and(refusal::rest_arrived()) } else { why };
            return Err(StepError::Failed { failure: Failure::Permanent(why), reached_remote, is_best_effort: false });
        }
        tracing::warn!(message = %call.message, why = why.why(), "sending the text without its file");
        let why = if is_first { why.and(refusal::text_arrived()) } else { why };
        let omitted = Some(why.in_language(self.context.spoken.now()));
        let marked = |job: Job| match job {
            Job::Send(SendJob::Call(it)) if it.message == call.message => {
                Call { omitted: omitted.clone(), ..*it }.into()
            }
            other => other,
        };
        let stay = behind.into_iter().take(until).map(|(job, _)| job);
        let jobs = own.map(Job::from).into_iter().chain(stay).map(marked).collect();
        Ok(Step { outcome: Outcome::Merge { behind: until, jobs }, reached_remote })
    }
}

pub(super) fn empty() -> Refusal {
    other(refusal::file_empty())
}

/// A file that Kommo has not served for some time.
pub(super) fn not_given(why: &str) -> Refusal {
    other(refusal::file_not_given(why))
}

/// A file of more than `limit_bytes`, which is the most that Telegram accepts.
pub(super) fn too_large(size_bytes: Option<u64>, limit_bytes: u64) -> Refusal {
    let limit = megabytes(limit_bytes);
    other(match size_bytes {
        Some(size) => refusal::file_too_large(megabytes(size), limit),
        None => refusal::file_larger_than(limit),
    })
}

/// A file that Telegram accepts, but a server in front of it does not.
pub(super) fn too_large_for_server(size_bytes: Option<u64>) -> Refusal {
    other(match size_bytes {
        Some(size) => refusal::server_takes_no_file_of(megabytes(size)),
        None => refusal::server_takes_no_file(),
    })
}

fn other(sentence: Sentence) -> Refusal {
    Refusal::new(ErrorCode::Other, sentence)
}

const fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}
