//! The account that a job is for.

use std::time::Duration;

use crate::{
    clock,
    domain::{delivery::Refusal, retry::Failure, time::UnixMillis},
    kommo::account::Account,
    relay::{context::Context, step::StepError},
};

/// The failure of a job that cannot succeed, with a sentence for the operator.
pub(super) fn hopeless(sentence: impl Into<String>) -> Failure {
    Failure::Permanent(Refusal::internal(sentence))
}

/// The account of a job, which was configured when the job was created. Jobs use the patient rate limit, since first
/// messages have only seconds.
pub(super) fn of(context: &Context) -> Result<Account, StepError> {
    let missing = "kommo.account_url or kommo.access_token is missing: set both, and retry this";
    let account = context.crm.account.as_ref().map(Account::patient);
    account.ok_or_else(|| StepError::local(hopeless(missing)))
}

/// How long ago something was.
pub(super) fn age(since: UnixMillis) -> Duration {
    since.until(clock::now())
}
