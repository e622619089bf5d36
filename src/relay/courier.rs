//! One step: what a job asks for, done once.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    domain::{
        address::SourceId,
        delivery::Report,
        retry::Failure,
        time::UnixMillis,
        work::{Lane, Work},
    },
    kommo::{
        chats::{CallError, Chats},
        failure,
    },
    meter::Meter,
    relay::{inbound, outbound},
    store::{Ending, Store, StoreError},
    telegram::bot::Bot,
    translate::to_kommo,
};

/// How a step ended. The outer error is the store's: it ends the process, not the job.
pub(super) type Outcome = Result<Result<Ending, Failure>, StoreError>;

/// Knows both remotes, and takes the steps of all jobs.
pub struct Courier {
    /// Kommo.
    pub chats: Chats,
    /// Telegram, by source.
    pub bots: BTreeMap<SourceId, Bot>,
    /// The mappings between both.
    pub store: Store,
    /// Whether buttons stay after one was pressed.
    pub keep_buttons: bool,
    /// Where it shows how Kommo is doing.
    pub meter: Arc<Meter>,
}

impl Courier {
    pub(super) async fn step(&self, work: &Work, lane: &Lane, enqueued_at: UnixMillis) -> Outcome {
        match work {
            Work::Update { source, bot, raw } => inbound::step(self, source, *bot, raw, enqueued_at).await,
            Work::Hook { raw } => outbound::unfold(self, raw),
            Work::Call(call) => Ok(outbound::step(self, call, lane).await),
            Work::Report(report) => Ok(self.report(report).await),
        }
    }

    async fn report(&self, report: &Report) -> Result<Ending, Failure> {
        let answer = self.chats.delivery_status(&to_kommo::delivery_status(report)).await;
        self.observe(&answer);
        answer.map_err(failure::of_status)?;
        tracing::debug!(message = %report.message, "delivery status told");
        Ok(done())
    }

    /// Shows how Kommo is doing. A refusal of one message says that it is well.
    pub(super) fn observe<T>(&self, answer: &Result<T, CallError>) {
        let trouble =
            answer.as_ref().err().filter(|error| !matches!(Failure::from((*error).clone()), Failure::Permanent(_)));
        self.meter.kommo(trouble.map(ToString::to_string));
    }
}

/// Nothing follows.
pub(super) const fn done() -> Ending {
    Ending::Done { then: Vec::new(), facts: Vec::new() }
}
