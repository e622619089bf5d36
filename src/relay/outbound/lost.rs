//! An answer whose file cannot be had or sent: its text goes without it, and its author is told.

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        retry::Failure,
        work::{Call, Work},
    },
    relay::outbound::Errand,
    store::{Ending, StoreError},
    translate::to_telegram::album::text_alone,
};

/// More than an answer and its neighbours in an album have parts.
const NEIGHBOURS: usize = 100;

impl Errand<'_> {
    /// The end of a call whose file will not go, for this reason. The customer gets the text that came with it, here or in
    /// the calls behind. Without one there is nothing left to send.
    pub(super) fn without_file(&self, call: &Call, mut why: Refusal) -> Result<Result<Ending, Failure>, StoreError> {
        let is_first = call.lost.is_none();
        if let Some(before) = &call.lost {
            why.sentence = format!("{} {}", before.sentence, why.sentence);
        }
        let own = text_alone(call);
        let behind = self.lease.behind(NEIGHBOURS)?;
        let is_last = |work: &Work| matches!(work, Work::Call(it) if it.message == call.message && it.is_last());
        let until = behind.iter().position(|(work, _)| is_last(work)).map_or(0, |last| last + 1);
        if own.is_none() && until == 0 {
            let rest = if call.part > 1 && is_first { " The customer has got the rest of the message." } else { "" };
            return Ok(Err(Failure::Permanent(with(why, rest))));
        }
        tracing::warn!(message = %call.message, why = why.sentence, "the text goes without its file");
        let text = if is_first { " The customer has got the text without it." } else { "" };
        let lost = Some(with(why, text));
        let marked = |work: Work| match work {
            Work::Call(it) if it.message == call.message => Work::Call(Call { lost: lost.clone(), ..it }),
            other => other,
        };
        let stay = behind.into_iter().take(until).map(|(work, _)| work);
        let works = own.map(Work::Call).into_iter().chain(stay).map(marked).collect();
        Ok(Ok(Ending::Unite { behind: until, works }))
    }
}

fn with(why: Refusal, more: &str) -> Refusal {
    Refusal { sentence: why.sentence + more, ..why }
}

pub(super) fn empty() -> Refusal {
    Refusal::new(ErrorCode::Other, "Not sent: the file is empty (0 bytes). Attach it again.")
}

/// A file that Kommo has not given for some time.
pub(super) fn not_given(why: &str) -> Refusal {
    Refusal::new(ErrorCode::Other, format!("Not sent: the file could not be fetched ({why}). Attach it again."))
}

/// A file of more than `limit_bytes`, which is the most that Telegram takes.
pub(super) fn too_large(size_bytes: Option<u64>, limit_bytes: u64) -> Refusal {
    let limit = megabytes(limit_bytes);
    let size = size_bytes.map_or_else(|| format!("more than {limit} MB"), |size| format!("{} MB", megabytes(size)));
    let sentence = format!(
        "Not sent: the file has {size}, and Telegram takes up to {limit} MB from bots. Send a link to it instead."
    );
    Refusal::new(ErrorCode::Other, sentence)
}

/// A file that Telegram takes, and the server on the way to it does not.
pub(super) fn too_large_for_server(size_bytes: Option<u64>) -> Refusal {
    let size = size_bytes.map_or_else(String::new, |size| format!(" of {} MB", megabytes(size)));
    let sentence = format!(
        "Not sent: the server on the way to Telegram takes no file{size} (HTTP 413). Send a link to it instead, or ask whoever runs the Telegram bridge."
    );
    Refusal::new(ErrorCode::Other, sentence)
}

pub(super) fn refused(why: &str) -> Refusal {
    Refusal::new(ErrorCode::Other, format!("Not delivered: Telegram does not take the file ({why})."))
}

const fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}
