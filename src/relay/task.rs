//! A job with its text parsed once, so that all steps work with typed values.

use crate::{
    domain::{
        address::{BotId, KommoMessageId, SourceId},
        job::{Hook, InboundJob, Job, Lane, Raw, Route, SendJob, StatusJob, Update},
        message::{Outbound, OutboundReaction},
        speaker::Speaker,
    },
    metrics::Direction,
    translate::{
        from_kommo::{self, Arrival},
        from_telegram::Received,
    },
};

/// A job and its parsed text.
pub(super) struct Task<'a> {
    pub(super) job: &'a Job,
    pub(super) text: Text<'a>,
}

/// The parsed text of a job.
pub(super) enum Text<'a> {
    /// An update from Telegram.
    Update {
        /// The source whose bot received it.
        source: &'a SourceId,
        bot: BotId,
        /// The owner's program that has done it; `None` for an update from Telegram.
        program: Option<&'a Speaker>,
        received: Received<'a>,
    },
    /// A manager's answer.
    Answer(Box<Outbound>),
    /// A manager's reaction.
    Reaction(OutboundReaction),
    /// It has nothing to send, or there is none.
    Nothing,
}

impl<'a> Task<'a> {
    /// Parses the text of a job.
    pub(super) fn read(job: &'a Job) -> Self {
        let text = match job {
            Job::Raw(Raw::Update(Update { source, bot, raw, program })) => {
                Text::Update { source, bot: *bot, program: program.as_ref(), received: Received::read(raw) }
            }
            Job::Raw(Raw::Hook(Hook { raw }) | Raw::Reaction(Hook { raw })) => match from_kommo::decode(raw) {
                Ok(Arrival::Message(outbound)) => Text::Answer(outbound),
                Ok(Arrival::Reaction(reaction)) => Text::Reaction(reaction),
                Ok(Arrival::Typing(_) | Arrival::Other(_)) | Err(_) => Text::Nothing,
            },
            Job::Send(SendJob::Answer(outbound)) => Text::Answer(outbound.clone()),
            Job::Inbound(_) | Job::Send(_) | Job::Status(_) | Job::Crm(_) => Text::Nothing,
        };
        Self { job, text }
    }

    /// The answers that the job is part of: several, if it is an album.
    pub(super) fn answers(&self) -> Vec<KommoMessageId> {
        match &self.text {
            Text::Answer(outbound) => vec![outbound.id.clone()],
            Text::Update { .. } | Text::Reaction(_) | Text::Nothing => {
                self.job.calls().iter().map(|call| call.message.clone()).collect()
            }
        }
    }

    /// How many messages of people the job has.
    pub(super) fn messages(&self) -> usize {
        match &self.text {
            Text::Update { .. } => 1,
            Text::Reaction(_) => 0,
            Text::Answer(_) | Text::Nothing => self.answers().len(),
        }
    }

    /// The kind of the update or the job.
    pub(super) fn kind(&self) -> String {
        match &self.text {
            Text::Update { received, .. } => received.kind().to_owned(),
            Text::Answer(_) | Text::Reaction(_) | Text::Nothing => self.job.traits().name.to_owned(),
        }
    }

    /// The direction of the messages, and their source, if that is known.
    pub(super) fn flow(&self, lane: &Lane) -> Option<(Direction, Option<SourceId>)> {
        match (&self.text, &lane.route) {
            (Text::Update { source, .. }, _) => Some((Direction::Inbound, Some((*source).clone()))),
            (_, Route::Outbound(source)) => Some((Direction::Outbound, Some(source.clone()))),
            (_, Route::Undeliverable) => Some((Direction::Outbound, None)),
            (_, Route::Inbound | Route::Status | Route::Crm) => None,
        }
    }

    /// The sender's id of the job's message; for an update without a message, its number.
    pub(super) fn message_id(&self) -> Option<String> {
        match (self.job, &self.text) {
            (_, Text::Update { bot, received, .. }) => received.message_id(*bot),
            (_, Text::Reaction(reaction)) => reaction.kommo.as_ref().map(ToString::to_string),
            (Job::Status(StatusJob::Delivery(report)), _) => Some(report.message.to_string()),
            (Job::Status(StatusJob::AssignClientId(job)), _) => Some(job.message.to_string()),
            (Job::Inbound(InboundJob::MarkDeleted(job)), _) => Some(job.message.to_string()),
            _ => {
                let ids: Vec<_> = self.answers().iter().map(ToString::to_string).collect();
                Some(ids.join(" ")).filter(|ids| !ids.is_empty())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::{BotId, SourceId};

    #[test]
    fn a_job_is_named_by_the_id_of_its_message() {
        let update = |raw: &str| {
            Job::from(Update {
                source: SourceId::parse("sales").unwrap(),
                bot: BotId(1),
                raw: raw.to_owned(),
                program: None,
            })
        };
        let hook = include_str!("../../tests/fixtures/kommo/hook_text.json").to_owned();
        let id = serde_json::from_str::<serde_json::Value>(&hook).unwrap()["message"]["message"]["id"].clone();
        for (job, want) in [
            (
                update(r#"{"update_id":5,"message":{"message_id":43,"chat":{"id":7,"type":"private"},"date":1}}"#),
                Some("tg:1:7:43".to_owned()),
            ),
            (update(r#"{"update_id":5,"my_chat_member":{}}"#), Some("update 5".to_owned())),
            (update("{"), None),
            (Hook { raw: hook }.into(), id.as_str().map(str::to_owned)),
            (Hook { raw: "{}".to_owned() }.into(), None),
        ] {
            assert_eq!(Task::read(&job).message_id(), want, "{job:?}");
        }
    }
}
